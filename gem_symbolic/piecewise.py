"""The model: an activation as rational functions on intervals, with the integer parameter symbolic in the exponents.

Each branch is an element of the field Q(n, parameters, x, u), where n = 2N and u = x^n / s^n for the scale s of the
activation. x and u are independent for a symbolic n, so two branches are equal for every N exactly when their canonical
fractions are equal. n is even: u >= 0 on both sides, and x -> -x leaves u alone.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from sympy import QQ
from sympy.polys.fields import FracElement, FracField

from gem_symbolic.definitions import INTEGER, Activation, Parameter
from gem_symbolic.expressions import ExpressionError, evaluate, with_definitions

INTERVAL = re.compile(r"(?:(?P<low>\S+) (?P<open><=?) )?x(?: (?P<how><=?|>=?) (?P<bound>\S+))?")


@dataclass(frozen=True)
class Interval:
    """An interval of the real line; None stands for an infinite end."""

    low: Fraction | None
    high: Fraction | None
    low_closed: bool = False
    high_closed: bool = False

    @classmethod
    def parse(cls, text: str) -> "Interval":
        """From "x <= 0", "x > 1/2" or "0 < x <= 1". Raises ExpressionError."""
        match = INTERVAL.fullmatch(text.strip())
        if not match or not match["bound"]:
            raise ExpressionError(f'cannot read the interval {text!r}; write "x <= 0", "x > 0" or "0 < x <= 1"')
        bound, closed = Fraction(match["bound"]), "=" in match["how"]
        if match["how"].startswith(">"):
            return cls(bound, None, low_closed=closed)
        low = Fraction(match["low"]) if match["low"] else None
        return cls(low, bound, match["open"] == "<=", closed)

    def __contains__(self, x: Any) -> bool:
        above = self.low is None or x > self.low or (self.low_closed and x == self.low)
        below = self.high is None or x < self.high or (self.high_closed and x == self.high)
        return above and below


def partition(activation: Activation) -> tuple[Interval, ...]:
    """The intervals of the branches, left to right. Raises ExpressionError unless they tile the line."""
    intervals = tuple(Interval.parse(b.on) for b in activation.branches)
    ends_open = intervals[0].low is None and intervals[-1].high is None
    joined = all(a.high == b.low and a.high_closed != b.low_closed for a, b in zip(intervals, intervals[1:]))
    if not (ends_open and joined):
        raise ExpressionError(f"the branches of {activation.name} do not tile the real line from left to right")
    return intervals


def branch_values(activation: Activation, names: Mapping[str, Any], **how: Any) -> tuple[Any, ...]:
    """Every branch evaluated in a number system of the caller's (see `expressions.evaluate`)."""
    known = with_definitions(names, activation.where, **how)
    return tuple(evaluate(b.expr, known, **how) for b in activation.branches)


def split_parameters(activation: Activation) -> tuple[Parameter, tuple[Parameter, ...]]:
    """The integer parameter, and the real ones."""
    integer = next(p for p in activation.parameters if p.domain == INTEGER)
    return integer, tuple(p for p in activation.parameters if p is not integer)


@dataclass(frozen=True)
class Piece:
    interval: Interval
    value: FracElement


@dataclass(frozen=True)
class PiecewiseRational:
    """An activation with a symbolic n, ready for `calculus`."""

    activation: Activation
    field: FracField

    @cached_property
    def names(self) -> dict[str, FracElement]:
        """The generators by name, and N, n, and the value of every fixed parameter."""
        gens = dict(zip(map(str, self.field.symbols), self.field.gens))
        _, reals = split_parameters(self.activation)
        fixed = {p.name: self.field(QQ(Fraction(p.fixed).numerator, Fraction(p.fixed).denominator)) for p in reals if p.fixed}
        return {**gens, "N": gens["n"] / 2, **fixed}

    @cached_property
    def unit(self) -> FracElement:
        """s^n: what x^n is divided by to give u."""
        powers = [self.names[p.name] for p in split_parameters(self.activation)[1] if p.power == "2*N"]
        return powers[0] if powers else self.field.one

    def power(self, base: FracElement, exponent: FracElement) -> FracElement:
        """base**exponent, where only x may carry n in its exponent. Raises ExpressionError."""
        n = self.names["n"]
        slope = exponent.diff(n)
        constant = exponent - slope * n
        if slope.diff(n) != 0 or not (slope.numer.is_ground and constant.numer.is_ground):
            raise ExpressionError(f"the exponent {exponent} is not linear in N")
        a, b = Fraction(str(constant)), Fraction(str(slope))
        if a.denominator != 1 or b.denominator != 1 or (b and base != self.names["x"]):
            raise ExpressionError(f"({base})**({exponent}) is not x to an integer plus an even multiple of N")
        result = base ** int(a)
        return result * (self.unit * self.names["u"]) ** int(b) if b else result

    def read(self, text: str, **more: FracElement) -> FracElement:
        """The element that a formula in the names, the parameters and the definitions of `where` stands for."""
        how: dict[str, Any] = {"number": self.field, "power": self.power}
        names = with_definitions({**self.names, **more}, self.activation.where, **how)
        return evaluate(text, names, **how)

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        values = branch_values(self.activation, self.names, number=self.field, power=self.power)
        return tuple(map(Piece, partition(self.activation), values))


def build(activation: Activation) -> PiecewiseRational:
    """The model of an activation, for every N at once. Raises ExpressionError where a branch is outside the class."""
    _, reals = split_parameters(activation)
    free = [p.name for p in reals if not p.fixed]
    return PiecewiseRational(activation, FracField(["n", *free, "x", "u"], QQ))
