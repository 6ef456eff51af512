"""The regions of the real line, and the derivatives of a definition there: exact, for one N and every eps."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gem_symbolic.branches import branch_values, partition, split_parameters
from gem_symbolic.checkers.flint import FlintAlgebra
from gem_symbolic.definitions import Activation
from gem_symbolic.expressions import ExpressionError
from gem_symbolic.readback.numbers import Numbers
from gem_symbolic.readback.operations import Graph
from gem_symbolic.readback.values import ValidationError
from gem_symbolic.readback.versions import ORDERS

#: Everything is written in s, r, h and a power of two; h > 0 moves r through the intervals.
FIELD = FlintAlgebra(("s", "r", "h", "up"))
ONE, S, R, H, UP = FIELD.number(1), *(FIELD.gens[name] for name in FIELD.symbols)
#: The constants of a call, over the reals: the low part of a pair is what rounding left.
REAL = {"s": S, "inv_s": ONE / S, "s_low": 0.0, "inv_s_low": 0.0, "up": UP, "down": ONE / UP}


@dataclass(frozen=True)
class Region:
    """Part of the line: x there, as a number; what r is in h if it is an interval; which symbols are positive."""

    name: str
    x: Any
    runs: Any = None
    positive: frozenset[str] = frozenset()

    @property
    def arithmetic(self) -> dict[str, Any]:
        """What `Numbers` need to know of the region."""
        moved = {} if self.runs is None else {"r": self.runs}
        return {"algebra": FIELD, "positive": self.positive, "moved": moved}


@dataclass(frozen=True)
class Place(Region):
    """A region by its side, and where |x| is; r = |x|/s."""

    side: int = 1
    place: str = ""


def places() -> Iterator[Place]:
    """From left to right, then NaN."""
    at = {"infinity": math.inf, "outside": S * R, "scale": S, "inside": S * R, "zero": 0.0, "nan": math.nan}
    runs = {"inside": ONE / (ONE + H), "outside": ONE + H}
    for name, side, place in (
        ("x = -inf", -1, "infinity"),
        ("x < -s", -1, "outside"),
        ("x = -s", -1, "scale"),
        ("-s < x < 0", -1, "inside"),
        ("x = -0", -1, "zero"),
        ("x = +0", 1, "zero"),
        ("0 < x < s", 1, "inside"),
        ("x = s", 1, "scale"),
        ("x > s", 1, "outside"),
        ("x = +inf", 1, "infinity"),
        ("x = NaN", 1, "nan"),
    ):
        positive = frozenset(FIELD.symbols) if place in runs else frozenset(("s", "up"))
        yield Place(name, at[place] if side > 0 else -at[place], runs.get(place), positive, side, place)


REGIONS = tuple(places())


@dataclass(frozen=True)
class Definition:
    """The derivatives of an activation for one N, in s and r, on both sides of 0."""

    activation: Activation
    N: int
    regions = REGIONS
    constants = REAL

    @property
    def at_N(self) -> str:
        """How a sentence about it begins."""
        return f"N = {self.N}: "

    def leaves(self, graph: Graph) -> dict[str, Any]:
        """The constants of the plans as nodes, by their names."""
        return {name: graph.leaf(name) for name in REAL}

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

    def at(self, region: Any, order: int) -> Any:
        """The value of that derivative in a Place, or its limit: a number. At 0 it is that of the branch of 0."""
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
