"""The model: rational functions with rational coefficients on intervals that tile the real line."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise

from flint import fmpq_poly

from gem_symbolic.spec.rational import Rational
from gem_symbolic.spec.real import Real, between, roots


@dataclass(frozen=True)
class Piece:
    """A rational function on an interval; None stands for an infinite end."""

    low: Real | None
    high: Real | None
    low_closed: bool
    high_closed: bool
    function: Rational

    def __contains__(self, x: Real) -> bool:
        above = self.low is None or self.low < x or (self.low_closed and x == self.low)
        below = self.high is None or x < self.high or (self.high_closed and x == self.high)
        return above and below

    def inside(self, x: Real) -> bool:
        """Whether x lies in the interior."""
        return (self.low is None or self.low < x) and (self.high is None or x < self.high)

    @property
    def middle(self) -> Real:
        """A number in the interior."""
        return Real.of(between(self.low, self.high))

    def zeros(self, p: fmpq_poly) -> list[tuple[Real, int]]:
        """The roots of a polynomial other than 0 in the interior, from the left, with their multiplicities."""
        return [(x, k) for x, k in roots(p) if self.inside(x)]

    @property
    def on(self) -> str:
        """The interval in words: "0 < x <= 1"."""
        if self.low is None and self.high is None:
            return "all x"
        low = "" if self.low is None else f"{self.low} {'<=' if self.low_closed else '<'} "
        high = "" if self.high is None else f" {'<=' if self.high_closed else '<'} {self.high}"
        if self.high is None:
            return f"x {'>=' if self.low_closed else '>'} {self.low}"
        return f"{low}x{high}"


@dataclass(frozen=True)
class Function:
    """A piecewise rational function: the pieces from left to right, and the parameters that were put in."""

    name: str
    title: str
    pieces: tuple[Piece, ...]
    settings: Mapping[str, Fraction] = field(default_factory=dict)

    @property
    def junctions(self) -> Iterator[tuple[Real, Piece, Piece]]:
        """Where two pieces meet, with the pieces left and right of it."""
        for left, right in pairwise(self.pieces):
            assert left.high is not None, "the pieces tile the line"
            yield left.high, left, right

    def piece(self, x: Real) -> Piece:
        """The piece that x belongs to."""
        return next(p for p in self.pieces if x in p)

    def derivative(self) -> "Function":
        """f' where it exists: at a junction it stands for the one-sided derivatives."""
        return replace(self, pieces=tuple(replace(p, function=p.function.derivative()) for p in self.pieces))

    def minus(self, other: "Function") -> "Function":
        """self - other, but for single points where both jump."""
        ends = sorted({x for x, _, _ in (*self.junctions, *other.junctions)})
        pieces = []
        for low, high in pairwise([None, *ends, None]):
            inner = Real.of(between(low, high))
            function = self.piece(inner).function - other.piece(inner).function
            pieces.append(Piece(low, high, False, high is not None, function))
        return Function(f"{self.name} - {other.name}", "", tuple(pieces))
