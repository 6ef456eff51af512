"""The model: an activation as rational functions on intervals, with the integer parameter symbolic in the exponents.

Each branch is an element of the field Q(n, parameters, x, u), where n = 2N and u = x^n / s^n for the scale s of the
activation. x and u are independent for a symbolic n, so two branches are equal for every N exactly when their canonical
fractions are equal. n is even: u >= 0 on both sides, and x -> -x leaves u alone.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from sympy import QQ
from sympy.polys.fields import FracElement, FracField

from gem_symbolic.branches import Interval, branch_values, partition, split_parameters
from gem_symbolic.definitions import Activation
from gem_symbolic.expressions import ExpressionError, evaluate, with_definitions


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
