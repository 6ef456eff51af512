"""The distance from GELU and SiLU in the sup norm, in two independent ways: by subdivision, and by a critical point.

Both are x W(x) for a distribution function W with W(-x) = 1 - W(x): the normal one and the logistic one. With the
survival function V = 1 - W, ReLU(x) - x W(x) = |x| V(|x|).
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Any

from flint import arb, arb_series

from gem_symbolic.checkers.halfline import INFINITY, Side, largest

#: Enclosures by subdivision are at most so wide, in parts of the supremum where that is more than 1.
WIDTH = arb(2) ** -72
#: Newton's steps towards a level tangent: each about doubles the digits.
STEPS = 5
#: Where an upper bound of all that lies beyond may be tried; from 2 on V(t) <= e^-t for both laws.
CUTS = tuple(2.0**k for k in range(1, 500))


@dataclass(frozen=True)
class Law:
    """A distribution: V(t) for a ball or a power series t, and the maximum of t V(t) by its critical point."""

    survival: Callable[[Any], Any]
    largest: Callable[[], arb]


def normal_survival(t: Any) -> Any:
    return (t / arb(2).sqrt()).erfc() / 2


def largest_normal() -> arb:
    """t^2 phi(t) at the only zero of h = V - t phi: h' = (t^2 - 2) phi, so h falls to sqrt 2, then rises to 0."""

    def density(t: arb) -> arb:
        return (-t * t / 2).exp() / (2 * arb.pi()).sqrt()

    low, high = arb(0), arb(2).sqrt().mid()
    while True:
        middle = ((low + high) / 2).mid()
        slope = normal_survival(middle) - middle * density(middle)
        if slope > 0:
            low = middle
        elif slope < 0:
            high = middle
        else:
            break
    t = low.union(high)
    return t * t * density(t)


def logistic_survival(t: Any) -> Any:
    falling = (-t).exp()  # unlike e^t, bounded where t >= 0: a wide ball of it stays small
    return falling / (falling + 1)


LAWS = {
    "gelu": Law(normal_survival, largest_normal),
    # t V has the slope 0 where t - 1 = e^-t, and there it is t - 1 = w with w e^w = 1/e.
    "silu": Law(logistic_survival, lambda: arb(-1).exp().lambertw()),
}


@dataclass(frozen=True)
class Difference:
    """f minus x W(x) on one half-line, as a function of t = |x|; `gap` is f - ReLU there."""

    gap: Side
    law: Law
    s: arb

    @cached_property
    def quotient(self) -> tuple[list[arb], list[arb]]:
        """The coefficients of the gap's numerator and denominator, in u."""
        top, bottom = ([arb(c) for c in p.coeffs()] for p in (self.gap.P, self.gap.Q))
        return top, bottom

    def at(self, t: Any) -> Any:
        """The value for a ball or a power series t."""
        tail = t * self.law.survival(t)
        if self.gap.P == 0:
            return tail
        u = raised(t / self.s, self.gap.n)
        top, bottom = (horner(p, u) for p in self.quotient)
        return tail + raised(self.gap.sign * t, self.gap.a) * top / bottom

    def size(self, middle: float, radius: float) -> tuple[arb, arb]:
        """Bounds of the largest |value| over an interval: from below by one point, from above by the ball of all values
        or by the mean value theorem; where |value| is concave, by its tangent at that point.
        """
        try:
            value, slope, curvature = self.at(arb_series([arb(middle, radius), 1], 3))
        except ValueError:  # the interval is so wide that the ball of a denominator holds 0
            return arb(0), INFINITY
        low, point, high = arb(middle - radius), arb(middle), arb(middle + radius)
        if value * curvature < 0:
            rise = value * slope
            point = high if rise > 0 else low if rise < 0 else self.level(point).max(low).min(high).mid()
            touched, tangent = self.at(arb_series([point, 1], 2))
            line = largest([abs(touched + tangent * (end - point)) for end in (low, high)])
        else:
            touched = self.at(point)
            line = abs(touched + slope * arb(0, radius))
        bounds = [bound.abs_upper() for bound in (value, line) if bound.is_finite()]
        return touched.abs_lower(), min(bounds, default=INFINITY)

    def level(self, point: arb) -> arb:
        """Where the tangent is nearly level, if near the point, by Newton's method; proves nothing."""
        for _ in range(STEPS):
            _, slope, curvature = self.at(arb_series([point, 1], 3))
            point = (point - slope / (2 * curvature)).mid()
        return point

    def rest(self, cut: float) -> arb:
        """An upper bound of |value| for t >= cut >= 2, where the gap falls towards 0 from its last turn on."""
        tail = arb(cut) * (-arb(cut)).exp()
        if self.gap.P == 0:
            return tail
        turned = all(abs(place) < cut for place, _ in self.gap.stations(self.s)[:-1])
        vanishes = self.gap.limit(self.s, at_infinity=True) == 0
        return tail + abs(self.gap.at((cut / self.s) ** self.gap.n, self.s)) if turned and vanishes else INFINITY


def raised(base: Any, exponent: int) -> Any:
    """base to a power >= 1 by products alone, so that a ball may hold 0."""
    half = raised(base * base, exponent // 2) if exponent > 1 else 1
    return half * base if exponent % 2 else half


def horner(coefficients: list[arb], u: Any) -> Any:
    *rest, leading = coefficients
    value = u * 0 + leading
    for c in reversed(rest):
        value = value * u + c
    return value


def distance(gaps: tuple[Side, Side], law: Law, s: arb) -> arb:
    """sup |f(x) - x W(x)| over R for `gaps`, f - ReLU on either side: by subdivision, the widest bound first.

    Raises ArithmeticError where f - ReLU does not fall far enough.
    """
    sides = [Difference(gap, law, s) for gap in gaps]
    low = largest([side.at(arb(t)).abs_lower() for side in sides for t in (0.5, 1.0, 2.0)])
    cut = next((cut for cut in CUTS if all(side.rest(cut) < low for side in sides)), None)
    if cut is None:
        raise ArithmeticError("the distance is not known to be reached at a finite x")
    order = count()  # so that equal bounds are no reason to compare what they bound
    waiting = [(-INFINITY, next(order), side, cut / 2, cut / 2) for side in sides]
    while True:
        negative, _, side, middle, radius = heapq.heappop(waiting)
        if -negative - low < WIDTH * low.max(arb(1)):
            return low.union(-negative)
        for half in (middle - radius / 2, middle + radius / 2):
            seen, bound = side.size(half, radius / 2)
            low = low.max(seen)
            heapq.heappush(waiting, (-bound, next(order), side, half, radius / 2))
