"""The oracle over whole arrays: a definition at every input of a type, exact enough to judge the last bit of a result.

As in `reference` the text of the definition is evaluated, here over arrays of balls. A ball that is too wide for its
format is computed again with more bits, and in the end exactly, so that every value is known to GUARD bits beyond the
last place of the format. The values come as pairs of float64 arrays, and ulps and rounding are numpy operations.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb, arb_series, fmpq
from numpy.typing import NDArray

from gem_symbolic.branches import Interval, partition
from gem_symbolic.definitions import Activation
from gem_symbolic.formats import Format
from gem_symbolic.jets import bind, branch, precision
from gem_symbolic.reference import evaluate, owning_side

Floats = NDArray[np.float64]

#: Bits known beyond the last place: a result is judged to 2**-GUARD ulp.
GUARD = 40
#: Values below 2**-DEEP are held times 2**DEEP, so that the low part of a pair never underflows.
DEEP = 600
#: Working precisions tried in turn, on the elements that need them, before `evaluate` decides.
LADDER = (160, 480, 1440, 4320)


@dataclass(frozen=True)
class Exact:
    """Real numbers as (high + low)/2**shift, high rounded to nearest, low the rest."""

    high: Floats
    low: Floats
    shift: NDArray[np.int64]

    def exponent(self, format: Format) -> NDArray[np.int64]:
        """The exponent of the unit in the last place of each number in the format (see `rounding.ulp`)."""
        mantissa, e = np.frexp(np.abs(self.high))
        below = (mantissa == 0.5) & (np.sign(self.low) == -np.sign(self.high))  # just under a power of two
        binade = np.where(self.high == 0, format.emin, e - 1 - below - self.shift)
        return np.clip(binade, format.emin, format.emax) - format.precision + 1

    def ulps(self, computed: Floats, format: Format) -> Floats:
        """The signed error of each result in units in the last place; a NaN or a wrong infinity is infinitely off."""
        with np.errstate(invalid="ignore", over="ignore", under="ignore"):
            error = (np.ldexp(computed, self.shift) - self.high) - self.low
            error = np.ldexp(error, -(self.exponent(format) + self.shift))
        wrong = np.where(computed == self.rounded(format), 0.0, np.inf)
        return np.where(np.isfinite(computed), error, wrong)

    def rounded(self, format: Format) -> Floats:
        """Each number correctly rounded to the format (see `rounding.round_to`)."""
        e = self.exponent(format)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):  # a value beyond float64 is infinite
            units = np.ldexp(self.high, -(e + self.shift))
            nearest = np.rint(units)
            tie = (np.abs(units - np.trunc(units)) == 0.5) & (self.low != 0)
            nearest = np.where(tie, units + np.copysign(0.5, self.low), nearest)
            value = np.ldexp(nearest, e)
        beyond = np.abs(value) > float(format.max)
        return np.copysign(np.where(beyond, np.inf, value), self.high)


def balls(activation: Activation, index: int, names: dict[str, fmpq], order: int, xs: Floats, bits: int) -> NDArray:
    """The derivative of that order on one branch, as an array of arbs, computed with so many bits."""

    def series(coefficients: list[Any]) -> Any:
        return arb_series(coefficients, order + 1) if order else coefficients[0]

    points = np.empty(len(xs), object)
    with precision(bits, order + 1):
        one = arb(1)
        points[:] = [series([arb(x), one]) for x in xs.tolist()]
        # Lifted once: converting a parameter in every operation would take as long as all the rest.
        lifted = {name: value if name == "N" else series([arb(value)]) for name, value in names.items()}
        value = branch(activation, index, points, lifted)
        if not isinstance(value, np.ndarray):  # a constant
            points[:] = arb(0) if order else arb(value)
            return points
        if order:
            factorial = arb(math.factorial(order))
            value[:] = [v[order] * factorial for v in value.tolist()]
        return value


def narrow(value: NDArray, format: Format) -> NDArray[np.bool_]:
    """Which balls are known to GUARD bits beyond the last place of the format."""
    accurate = np.fromiter(map(arb.rel_accuracy_bits, value), np.int64, len(value)) >= format.precision + GUARD
    smallest = arb(2) ** (format.least - GUARD)
    for i in np.flatnonzero(~accurate):
        accurate[i] = value[i].is_finite() and value[i].rad() < smallest
    return accurate


def above(xs: Floats, bound: Fraction | None) -> NDArray[np.bool_]:
    """Which numbers are greater than a bound that need not be a float; None is no bound."""
    if bound is None:
        return np.ones(len(xs), bool)
    nearest = float(bound)
    return xs >= nearest if nearest > bound else xs > nearest


def inside(interval: Interval, xs: Floats) -> NDArray[np.bool_]:
    """Which numbers lie in the open interval."""
    return above(xs, interval.low) & above(-xs, None if interval.high is None else -interval.high)


def values(
    activation: Activation, N: Any, xs: Floats, format: Format, eps: Any = None, scale: Any = None, order: int = 0
) -> Exact:
    """The derivative of that order at each finite number of xs, known to GUARD bits beyond the format's last place.

    Raises ValueError for a bad parameter, at a pole, and where that derivative does not exist at a junction; without
    parameters it is that of the branch which owns the junction.
    """
    names = bind(activation, N, eps, scale)
    found = np.full(len(xs), None, object)
    for index, interval in enumerate(partition(activation)):
        open_ = np.flatnonzero(inside(interval, xs))
        for bits in LADDER if len(open_) else ():
            value = balls(activation, index, names, order, xs[open_], bits)
            good = narrow(value, format)
            found[open_[good]] = value[good]
            open_ = open_[~good]
            if not len(open_):
                break
    rest = [i for i, value in enumerate(found) if value is None]  # at a junction, or beyond every precision tried
    if (
        not activation.parameters
    ):  # rational values may be numbers of the format, or ties: `evaluate` gives those exactly
        rest += [i for i, v in enumerate(found) if v is not None and not v.is_exact() and v.contains(arb(float(v)))]
    for i in rest:
        side = None if activation.parameters else owning_side(activation, float(xs[i]))
        found[i] = arb(evaluate(activation, float(xs[i]), N, eps, scale, order, LADDER[0] // 3, side))
    return split(found)


def split(found: NDArray) -> Exact:
    """The midpoints as pairs. A ball about a power of two counts as just below it, where the unit is smaller."""
    with precision(LADDER[-1], 1):
        high = found.astype(np.float64)
        deep = (np.abs(high) < 2.0**-DEEP) & np.fromiter((not v.is_zero() for v in found), bool, len(found))
        found = np.where(deep, found * arb(2) ** DEEP, found)
        high = found.astype(np.float64)
        low = (found - high.astype(object)).astype(np.float64)
    blurred = np.fromiter((not v.is_exact() for v in found), bool, len(found)) & (low == 0)
    low = np.where(blurred, -high * 2.0**-200, low)
    return Exact(high, low, np.where(deep, DEEP, 0))
