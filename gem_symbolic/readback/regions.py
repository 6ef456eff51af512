"""The regions of the real line, and the derivatives of a definition there: exact, for one N and every eps."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gem_symbolic.branches import branch_values, partition, split_parameters
from gem_symbolic.checkers.flint import FlintAlgebra
from gem_symbolic.definitions import Activation
from gem_symbolic.expressions import ExpressionError
from gem_symbolic.readback.numbers import Numbers
from gem_symbolic.readback.values import ValidationError
from gem_symbolic.readback.versions import ORDERS


@dataclass(frozen=True)
class Region:
    """Part of the line: its side, and where |x| is; r = |x|/s."""

    name: str
    side: int
    place: str


REGIONS = (
    Region("x = -inf", -1, "infinity"),
    Region("x < -s", -1, "outside"),
    Region("x = -s", -1, "scale"),
    Region("-s < x < 0", -1, "inside"),
    Region("x = -0", -1, "zero"),
    Region("x = +0", 1, "zero"),
    Region("0 < x < s", 1, "inside"),
    Region("x = s", 1, "scale"),
    Region("x > s", 1, "outside"),
    Region("x = +inf", 1, "infinity"),
    Region("x = NaN", 1, "nan"),
)
#: Everything is written in s, r, h and a power of two; h > 0 moves r through (0, 1) and (1, oo).
FIELD = FlintAlgebra(("s", "r", "h", "up"))
ONE, S, R, H, UP = FIELD.number(1), *(FIELD.gens[name] for name in FIELD.symbols)
MOVED = {"inside": ONE / (ONE + H), "outside": ONE + H}
#: The constants of a call, over the reals: the low part of a pair is what rounding left.
REAL = {"s": S, "inv_s": ONE / S, "s_low": 0.0, "inv_s_low": 0.0, "up": UP, "down": ONE / UP}


def position(region: Region) -> Any:
    """x in the region, as a number."""
    side = FIELD.number(region.side)
    match region.place:
        case "inside" | "outside":
            return side * S * R
        case "scale":
            return side * S
        case "zero":
            return math.copysign(0.0, region.side)
        case "infinity":
            return math.copysign(math.inf, region.side)
    return math.nan


@dataclass(frozen=True)
class Definition:
    """The derivatives of an activation for one N, in s and r, on both sides of 0."""

    activation: Activation
    N: int

    @cached_property
    def sides(self) -> Mapping[int, list[Any]]:
        """side -> the branch there and its derivatives. Raises ValidationError for what has another junction than 0."""
        intervals = partition(self.activation)
        if any(end not in (None, 0) for i in intervals for end in (i.low, i.high)):
            raise ValidationError(f"{self.activation.name} is not joined at 0")
        integer, reals = split_parameters(self.activation)
        if any(p.power != "2*N" for p in reals):
            raise ValidationError(f"{self.activation.name} has a parameter that is not a power of the scale")
        names = {p.name: S ** (2 * self.N) for p in reals} | {integer.name: FIELD.number(self.N)}
        found = {}
        for side in (-1, 1):
            length = FIELD.number(side) * S
            values = branch_values(self.activation, {**names, "x": length * R}, number=FIELD.number, power=power)
            derivatives = [next(v for i, v in zip(intervals, values) if side in i)]
            for _ in ORDERS[1:]:
                derivatives.append(FIELD.diff(derivatives[-1], "r") / length)
            found[side] = derivatives
        return found

    def at(self, region: Region, order: int) -> Any:
        """The value of that derivative in the region, or its limit: a number. At 0 it is that of the branch of 0."""
        left = next(i for i in partition(self.activation) if -1 in i)
        own = -1 if 0 in left else 1
        value = self.sides[own if region.place == "zero" else region.side][order]
        match region.place:
            case "scale":
                value = FIELD.substitute(value, r=ONE)
            case "zero":
                value = FIELD.substitute(value, r=FIELD.number(0))
            case "infinity":
                return limit(value)
            case "nan":
                return math.nan
        return 0.0 if value == 0 else value


def power(base: Any, exponent: Any) -> Any:
    """Raises ExpressionError for an exponent that is no integer."""
    constant = FIELD.constant(exponent)
    if constant is None or constant.denominator != 1:
        raise ExpressionError(f"the exponent {exponent} is no integer")
    return base ** int(constant)


def limit(value: Any) -> Any:
    """The limit of an element as r grows, as a number."""
    if value == 0:
        return 0.0
    top, bottom = (FIELD.coefficients(part, "r") for part in FIELD.fraction(value))
    leading = top[-1] / bottom[-1]
    if len(top) == len(bottom):
        return leading
    return math.copysign(math.inf, Numbers(FIELD, frozenset("s")).sign(leading)) if len(top) > len(bottom) else 0.0


def same(a: Any, b: Any) -> bool:
    a, b = (0.0 if v == 0 else v for v in (a, b))  # of either sign
    if isinstance(a, float) != isinstance(b, float):
        return False
    return a == b or (isinstance(a, float) and math.isnan(a) and math.isnan(b))
