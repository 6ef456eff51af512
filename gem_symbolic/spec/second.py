"""The second engine: what the claims say, decided anew by SymPy's polynomials, Sturm counts and brackets of its own.

It takes the pieces as they were read, and none of what the first engine derived from them.
"""

import os

# With python-flint installed SymPy computes with FLINT unless told otherwise; the two engines are to be independent.
os.environ.setdefault("SYMPY_GROUND_TYPES", "python")

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from flint import fmpq, fmpq_poly
from sympy import Poly, Rational, Symbol, sign

from gem_symbolic.spec.model import Function
from gem_symbolic.spec.real import Real

x = Symbol("x")
#: A rational number of SymPy's: the types of its arithmetic are unions with what no rational number is.
Number = Any


@dataclass(frozen=True)
class End:
    """A root of a polynomial irreducible over Q, and a bracket that holds no other root of it."""

    p: Poly
    low: Number
    high: Number

    def narrowed(self, width: Number) -> "End":
        """The same number in a bracket of at most twice that width."""
        if self.p.degree() == 1:
            value: Number = -self.p.nth(0) / self.p.nth(1)
            return End(self.p, value - width, value + width)
        low, high = self.low, self.high
        while high - low > width:
            middle = (low + high) / 2
            low, high = (low, middle) if sign_at(self.p, low) != sign_at(self.p, middle) else (middle, high)
        return End(self.p, low, high)


@dataclass(frozen=True)
class Part:
    """over/under on the open interval between two ends; None stands for an infinite one."""

    low: End | None
    high: End | None
    over: Poly
    under: Poly

    @property
    def slope(self) -> Poly:
        """The numerator of the derivative, over under^2."""
        return self.under.mul(self.over.diff(x)).sub(self.over.mul(self.under.diff(x)))

    def brackets(self, q: Poly) -> tuple[Number | None, Number | None]:
        """Two numbers inside, with no root of q other than 0 between them and the ends: None for infinite ends."""
        width: Number = Rational(1)
        while True:
            low, high = (end and end.narrowed(width) for end in (self.low, self.high))
            apart = low is None or high is None or low.high < high.low
            if apart and all(e is None or q.count_roots(e.low, e.high) == self.vanishes(q, e) for e in (low, high)):
                return low and low.high, high and high.low
            width /= 16

    @staticmethod
    def vanishes(q: Poly, end: End | None) -> bool:
        """Whether q is zero at the end."""
        return end is not None and q.rem(end.p).is_zero

    def count(self, q: Poly) -> int:
        """The number of different roots of q inside."""
        return 0 if q.degree() < 1 else int(q.count_roots(*self.brackets(q)))

    def sign(self, q: Poly) -> int | None:
        """The sign of q inside, where zeros count for either sign; None where it changes."""
        if q.is_zero:
            return 0
        odd = Poly(1, x)
        for factor, multiplicity in q.sqf_list()[1]:
            odd = odd.mul(factor) if multiplicity % 2 else odd
        if self.count(odd):
            return None
        low, high = self.brackets(q)
        if low is None and high is None:
            at = Rational(0)
            while q.eval(at) == 0:
                at += 1
        else:
            at = low if low is not None else high
        return sign_at(q, at)

    def inside_or_at_an_end(self, q: Poly) -> bool:
        """Whether q has a root in the closed interval."""
        return q.is_zero or any(self.vanishes(q, e) for e in (self.low, self.high)) or self.count(q) > 0

    @property
    def sides(self) -> tuple[int, ...]:
        """The infinite ends: -1, 1."""
        return tuple(side for side, end in ((-1, self.low), (1, self.high)) if end is None)

    def limit(self, side: int) -> Number | None:
        """The limit at an infinite end; None where it is infinite."""
        gap = self.over.degree() - self.under.degree()
        if self.over.is_zero or gap < 0:
            return Rational(0)
        return self.over.LC() / self.under.LC() if gap == 0 else None

    def falls_forever(self, side: int) -> bool:
        """Whether the limit at an infinite end is -oo."""
        odd = (self.over.degree() - self.under.degree()) % 2
        return self.limit(side) is None and self.over.LC() * self.under.LC() * (side if odd else 1) < 0


def sign_at(q: Poly, at: Number) -> int:
    """The sign of a polynomial at a rational number."""
    return int(sign(q.eval(at)))


def poly(p: fmpq_poly) -> Poly:
    """The polynomial in SymPy."""
    return Poly([number(fmpq(c)) for c in reversed(p.coeffs())] or [0], x, domain="QQ")


def number(value: fmpq) -> Number:
    """The rational number in SymPy."""
    return Rational(int(value.p), int(value.q))


def end(at: Real | None) -> End | None:
    """The number, isolated by SymPy."""
    if at is None:
        return None
    p = poly(at.polynomial)
    isolated: Any = p.intervals()
    (low, high), _ = isolated[at.index]
    return End(p, low, high)


def parts(function: Function, other: Function | None = None) -> list[Part]:
    """The pieces; with another function, those of the difference."""
    found = []
    for piece in (function.minus(other) if other else function).pieces:
        f = function.piece(piece.middle).function
        over, under = poly(f.num), poly(f.den)
        if other:
            g = other.piece(piece.middle).function
            over, under = over.mul(poly(g.den)).sub(poly(g.num).mul(under)), under.mul(poly(g.den))
            common = over.gcd(under)
            over, under = over.quo(common), under.quo(common)
        found.append(Part(end(piece.low), end(piece.high), over, under))
    return found


def poles(function: Function) -> bool:
    """Whether a piece has a pole on its closed interval."""
    return any(part.inside_or_at_an_end(part.under) for part in parts(function))


def gaps(function: Function) -> Iterator[tuple[End, Poly, Poly]]:
    """Each junction with right minus left, as a quotient."""
    for left, right in pairwise(parts(function)):
        assert right.low is not None, "only the first piece reaches -oo"
        yield right.low, right.over.mul(left.under).sub(left.over.mul(right.under)), left.under.mul(right.under)


def smoothness(function: Function) -> int | None:
    """k for exactly C^k, -1 for a discontinuity, None for C^oo."""
    orders = []
    for at, gap, _ in gaps(function):
        if not gap.is_zero:
            m = 0
            while gap.rem(at.p).is_zero:
                m, gap = m + 1, gap.quo(at.p)
            orders.append(m - 1)
    return min(orders, default=None)


def steps(function: Function) -> Iterator[int]:
    """The sign of the jump at each junction."""
    for at, over, under in gaps(function):
        q = over * under
        if Part.vanishes(q, at):
            yield 0
        else:
            yield sign_at(q, Part(at, None, over, under).brackets(q)[0])


def monotone(function: Function) -> int | None:
    """1 where the function never falls, -1 where it never rises, 0 where it is constant, None otherwise."""
    found = {part.sign(part.slope) for part in parts(function)} | set(steps(function))
    return None if None in found or {-1, 1} <= found else sum(s for s in found if s)


def dead_region(function: Function) -> bool:
    """Whether the gradient is zero on an interval."""
    return any(part.slope.is_zero for part in parts(function))


def bounded_below(function: Function) -> bool:
    """Whether a function without poles is bounded below."""
    return not any(part.falls_forever(side) for part in parts(function) for side in part.sides)


def bounded_by(pieces: list[Part], bound: Number) -> tuple[bool, bool]:
    """Whether |f| <= bound throughout, and whether that is reached or approached."""
    gaps = [(part, part.under * bound - sign * part.over) for part in pieces for sign in (-1, 1)]
    # of the same sign as the denominator: the quotient is bound -+ f
    holds = all(part.sign(q * part.under) in (0, 1) for part, q in gaps)
    tight = any(part.inside_or_at_an_end(q) or (part.sides and q.degree() < part.under.degree()) for part, q in gaps)
    return holds, tight


def lipschitz(function: Function, constant: fmpq | None) -> bool:
    """Whether that is the Lipschitz constant of a function without poles; None stands for oo."""
    slopes = [Part(p.low, p.high, p.slope, p.under.pow(2)) for p in parts(function)]
    unbounded = smoothness(function) == -1 or any(p.limit(side) is None for p in slopes for side in p.sides)
    if constant is None or unbounded:
        return (constant is None) == unbounded
    return bounded_by(slopes, number(constant)) == (True, True)


def finite(function: Function, other: Function, p: int | float) -> bool:
    """Whether the L^p distance of two functions without poles is finite."""
    tails = [part for part in parts(function, other) for _ in part.sides if not part.over.is_zero]
    degrees = [part.over.degree() - part.under.degree() for part in tails]
    return all(d <= 0 if p == float("inf") else p * d < -1 for d in degrees)


def sup_at_most(function: Function, other: Function, bound: fmpq) -> bool:
    """Whether the L^oo distance is at most the bound."""
    return bounded_by(parts(function, other), number(bound))[0]
