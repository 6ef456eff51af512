"""The shape of a function without poles: where it rises and falls, where its gradient is zero, how it ends."""

from dataclasses import dataclass

from flint import fmpq_poly

from gem_symbolic.spec.model import Function
from gem_symbolic.spec.rational import quotient
from gem_symbolic.spec.real import Real, between, sign

WORDS = {-1: "decreasing", 0: "constant", 1: "increasing"}


@dataclass(frozen=True)
class Run:
    """A maximal interval where the function is strictly increasing (1), decreasing (-1) or constant (0).

    None stands for an infinite end.
    """

    low: Real | None
    high: Real | None
    direction: int


@dataclass(frozen=True)
class Asymptote:
    """The function is the polynomial and a remainder that is like leading x^power far out; None where it is zero."""

    polynomial: fmpq_poly
    leading: Real | None
    power: int | None


def runs(function: Function) -> tuple[Run, ...]:
    """The monotone intervals from the left."""
    found: list[Run] = []
    for number, piece in enumerate(function.pieces):
        slope = piece.function.derivative()
        cuts = [] if slope.num == 0 else [x for x, _ in piece.zeros(slope.num)]
        ends = [piece.low, *cuts, piece.high]
        for k in range(len(ends) - 1):
            low, high = ends[k], ends[k + 1]
            direction = sign(slope.num * slope.den, Real.of(between(low, high)))
            jump = step(function, number) if k == 0 and number else 0
            if found and found[-1].direction == direction and jump in {0, direction}:
                low = found.pop().low
            found.append(Run(low, high, direction))
    return tuple(found)


def step(function: Function, number: int) -> int:
    """The sign of the jump from the piece before to the piece of that number."""
    left, right = function.pieces[number - 1], function.pieces[number]
    assert right.low is not None, "only the first piece reaches -oo"
    gap = right.function - left.function
    return sign(gap.num * gap.den, right.low)


def monotone(function: Function) -> int | None:
    """1 where the function never falls, -1 where it never rises, 0 where it is constant, None otherwise."""
    steps = {step(function, k) for k in range(1, len(function.pieces))}
    directions = ({run.direction for run in runs(function)} | steps) - {0}
    return None if len(directions) > 1 else sum(directions)


def stationary(function: Function) -> tuple[Real, ...]:
    """The single points, outside those intervals, where the derivative exists and is zero."""
    found = [
        x
        for piece in function.pieces
        for slope in [piece.function.derivative().num]
        if slope != 0
        for x, _ in piece.zeros(slope)
    ]
    for x, left, right in function.junctions:
        slopes = [side.function.derivative() for side in (left, right)]
        smooth = left.function.at(x) == right.function.at(x)
        if smooth and all(s.num != 0 and sign(s.num, x) == 0 for s in slopes):
            found.append(x)
    return tuple(sorted(found))


def asymptote(function: Function, side: int) -> Asymptote:
    """How the function behaves at oo for side = 1, at -oo for side = -1."""
    f = function.pieces[-1 if side > 0 else 0].function
    whole, rest = divmod(f.num, f.den)
    remainder = quotient(rest, f.den)
    if remainder.num == 0:
        return Asymptote(whole, None, None)
    return Asymptote(whole, Real.of(remainder.num.leading_coefficient()), remainder.degree)
