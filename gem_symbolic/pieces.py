"""The exact pieces of an activation without parameters: quotients of polynomials on intervals, and their derivatives.

Polynomials over the rational numbers in lowest terms, by FLINT; poles are counted, not searched for.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
from flint import ctx, fmpz_poly
from numpy.typing import NDArray

from gem_symbolic.algebra import Algebra
from gem_symbolic.branches import Interval, branch_values, partition
from gem_symbolic.checkers.flint import FlintAlgebra
from gem_symbolic.checkers.isolate import real_roots
from gem_symbolic.definitions import Activation
from gem_symbolic.plans import PlanError

#: The largest degree that a plan is derived for, and what no intermediate result on a bounded piece may exceed.
DEGREE, ROOM = 64, Fraction(2) ** 96
ALGEBRA = FlintAlgebra(("x",))
#: To so many bits zeros are known.
ZERO_BITS = 128
#: Beyond this distance from 0 a rational function is computed in 1/x.
NEAR = Fraction(1)

#: The coefficients of a polynomial, constant term first, the last one not 0.
Polynomial = tuple[Fraction, ...]


def functions(activation: Activation, order: int, algebra: Algebra, symbol: str) -> list[Any]:
    """The derivative of that order on each piece, left to right, as elements in that symbol. Raises PlanError."""

    def power(base: Any, exponent: Any) -> Any:
        value = algebra.constant(exponent)
        if value is None or value.denominator != 1 or abs(value) > DEGREE:
            raise PlanError(
                f"no evaluation plan: {activation.name} has the exponent {exponent}, no integer to {DEGREE}"
            )
        return base ** int(value)

    try:
        found = branch_values(activation, {"x": algebra.gens[symbol]}, number=algebra.number, power=power)
    except ZeroDivisionError:
        raise PlanError(f"no evaluation plan: {activation.name} divides by zero") from None
    values = [algebra.number(0) + value for value in found]
    for _ in range(order):
        values = [algebra.diff(value, symbol) for value in values]
    return values


def polynomial(element: Any) -> Polynomial:
    """The coefficients of a polynomial of ALGEBRA."""
    return tuple(ALGEBRA.constant(c) or Fraction(0) for c in ALGEBRA.coefficients(element, "x"))


def roots_within(p: Polynomial, interval: Interval) -> int:
    """How many distinct real roots a polynomial has in the interval, both ends included."""
    x = ALGEBRA.gens["x"]
    element = sum((ALGEBRA.number(c) * x**k for k, c in enumerate(p)), start=ALGEBRA.number(0))
    bound = 1 + max(abs(c / p[-1]) for c in p)
    low = -bound if interval.low is None else interval.low
    high = bound if interval.high is None else interval.high
    above = ALGEBRA.roots_above(element, "x", low) - ALGEBRA.roots_above(element, "x", high)
    return above + (sum(c * low**k for k, c in enumerate(p)) == 0)


@dataclass(frozen=True)
class Piece:
    """The function P/Q on an interval: in lowest terms, with integers as coefficients."""

    interval: Interval
    top: Polynomial
    bottom: Polynomial

    @property
    def reach(self) -> Fraction | None:
        """The largest |x|; None where there is none."""
        ends = self.interval.low, self.interval.high
        return None if None in ends else max(abs(end) for end in ends if end is not None)

    @property
    def tame(self) -> bool:
        """Whether the interval is so small that no intermediate result overflows."""
        reach = self.reach
        return reach is not None and all(
            sum(abs(c) * max(reach, NEAR) ** k for k, c in enumerate(p)) <= ROOM for p in (self.top, self.bottom)
        )


def pieces(activation: Activation, order: int) -> tuple[Piece, ...]:
    """The derivative of that order, left to right. Raises PlanError."""
    found = []
    for interval, value in zip(intervals(activation), functions(activation, order, ALGEBRA, "x")):
        top, bottom = map(polynomial, ALGEBRA.fraction(value))
        if max(len(top), len(bottom)) > DEGREE + 1:
            raise PlanError(f"no evaluation plan: derivative {order} of {activation.name} has a degree above {DEGREE}")
        if roots_within(bottom, interval):
            raise PlanError(f"no evaluation plan: {activation.name} has a pole where it is defined, or at a junction")
        scale = lcm(*(c.denominator for c in (*top, *bottom)))
        found.append(Piece(interval, *(tuple(c * scale for c in p) for p in (top, bottom))))
    return tuple(found)


def intervals(activation: Activation) -> tuple[Interval, ...]:
    """The intervals of the pieces. Raises PlanError where an end is no rational number."""
    try:
        return partition(activation)
    except ValueError as error:
        raise PlanError(
            f"no evaluation plan: the junctions of {activation.name} must be rational numbers; {error}"
        ) from None


def zeros(activation: Activation, order: int) -> list[Fraction]:
    """The isolated zeros of the derivative of that order, from the left, to ZERO_BITS bits. Raises PlanError."""
    found = list[Fraction]()
    with ctx.workprec(ZERO_BITS):
        for piece in pieces(activation, order):
            p = fmpz_poly([int(c) for c in piece.top])
            for root in real_roots(p // p.gcd(p.derivative())) if p.degree() > 0 else ():
                mantissa, shift = map(int, root.mid().man_exp())
                place = mantissa * Fraction(2) ** shift
                found += [place] if place in piece.interval else []
    return sorted(found)


# --- How far its rounding errors go ---


def sizes(activation: Activation, order: int, xs: NDArray[np.float64]) -> NDArray[np.float64]:
    """At each x, the sizes of the terms of P over |Q|, and |P/Q| times those of Q over |Q|, all summed.

    The rounding errors of Horner's scheme and of the quotient are at most a few units of its precision times that: the
    condition of a sum (Higham, Accuracy and Stability of Numerical Algorithms, section 5.1). Where |x| is so large that
    it overflows it is 0: no terms cancel there.
    """
    found = np.zeros(len(xs))
    with np.errstate(all="ignore"):
        for piece in pieces(activation, order):
            (top, above), (bottom, below) = (
                [np.polynomial.polynomial.polyval(at, list(map(float, c))) for at, c in ((xs, p), (abs(xs), absolute))]
                for p, absolute in ((q, tuple(map(abs, q))) for q in (piece.top, piece.bottom))
            )
            total = above / abs(bottom) + abs(top / bottom) * below / abs(bottom)
            found = np.where(covered(piece.interval, xs), total, found)
    return np.where(np.isfinite(found), found, 0)


def covered(interval: Interval, xs: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which numbers the closed interval holds, up to the rounding of its ends."""
    low, high = (
        (-np.inf if interval.low is None else float(interval.low)),
        (np.inf if interval.high is None else float(interval.high)),
    )
    return (low <= xs) & (xs <= high)
