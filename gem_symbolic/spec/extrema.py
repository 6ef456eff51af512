"""Largest and smallest values: the critical points, the ends of the pieces and the limits far out, compared exactly."""

from collections.abc import Iterator
from dataclasses import dataclass

from gem_symbolic.spec.junctions import smoothness
from gem_symbolic.spec.model import Function
from gem_symbolic.spec.real import OO, Extended, Real, magnitude


@dataclass(frozen=True)
class Extremum:
    """A value that is reached at x, or only approached there."""

    value: Extended
    x: Extended
    reached: bool


def candidates(function: Function) -> Iterator[Extremum]:
    """Where an extremum of a function without poles can be; a constant piece may be given by its ends."""
    for piece in function.pieces:
        f = piece.function
        ends = ((piece.low, piece.low_closed, -1), (piece.high, piece.high_closed, 1))
        for x, closed, side in ends:
            yield Extremum(f.limit(side), side * OO, False) if x is None else Extremum(f.at(x), x, closed)
        slope = f.derivative().num
        if slope == 0:
            yield Extremum(Real.of(f.num[0]), piece.middle, True)
        else:
            yield from (Extremum(f.at(x), x, True) for x, _ in piece.zeros(slope))


def extrema(function: Function) -> tuple[Extremum, Extremum]:
    """The infimum and the supremum of a function without poles; one that is reached goes before one that is not."""
    found = list(candidates(function))
    return (
        min(found, key=lambda c: (c.value, not c.reached)),
        max(found, key=lambda c: (c.value, c.reached)),
    )


def largest(function: Function) -> Extremum:
    """The supremum of |function|, at single points aside, by the value there; reached goes before not reached."""
    return max(extrema(function), key=lambda e: (magnitude(e.value), e.reached))


def lipschitz(function: Function) -> Extremum:
    """The Lipschitz constant of a function without poles, as the slope of largest size and where it is.

    oo where the function jumps.
    """
    if smoothness(function) == -1:
        x = next(x for x, left, right in function.junctions if left.function.at(x) != right.function.at(x))
        return Extremum(OO, x, False)
    steepest = largest(function.derivative())
    return Extremum(magnitude(steepest.value), steepest.x, steepest.reached)
