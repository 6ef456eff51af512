"""The model: an activation as rational functions on intervals, with the integer parameter symbolic in the exponents.

Each branch is an element of the field Q(n, parameters, x, u), where n = 2N and u = x^n / s^n for the scale s of the
activation. x and u are independent for a symbolic n, so two branches are equal for every N exactly when their canonical
fractions are equal. n is even: u >= 0 on both sides, and x -> -x leaves u alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from gem_symbolic.algebra import Algebra
from gem_symbolic.branches import Interval, branch_values, partition, split_parameters
from gem_symbolic.definitions import Activation
from gem_symbolic.expressions import ExpressionError, evaluate, with_definitions


@dataclass(frozen=True)
class Piece:
    interval: Interval
    value: Any


@dataclass(frozen=True)
class PiecewiseRational:
    """An activation with a symbolic n over an exact engine, ready for `calculus`."""

    activation: Activation
    algebra: Algebra

    @cached_property
    def names(self) -> dict[str, Any]:
        """The generators by name, and N, n, and the value of every fixed parameter."""
        _, reals = split_parameters(self.activation)
        fixed = {p.name: self.algebra.number(Fraction(p.fixed)) for p in reals if p.fixed}
        return {**self.algebra.gens, "N": self.algebra.gens["n"] / self.algebra.number(2), **fixed}

    @cached_property
    def unit(self) -> Any:
        """s^n: what x^n is divided by to give u."""
        powers = [self.names[p.name] for p in split_parameters(self.activation)[1] if p.power == "2*N"]
        return powers[0] if powers else self.algebra.number(1)

    def power(self, base: Any, exponent: Any) -> Any:
        """base**exponent, where only x may carry n in its exponent. Raises ExpressionError."""
        slope = self.algebra.diff(exponent, "n")
        constant, slope = (self.algebra.constant(e) for e in (exponent - slope * self.names["n"], slope))
        if constant is None or slope is None:
            raise ExpressionError(f"the exponent {exponent} is not linear in N")
        if constant.denominator != 1 or slope.denominator != 1 or (slope and base != self.names["x"]):
            raise ExpressionError(f"({base})**({exponent}) is not x to an integer plus an even multiple of N")
        result = base ** int(constant)
        return result * (self.unit * self.names["u"]) ** int(slope) if slope else result

    def read(self, text: str, more: Mapping[str, Any] | None = None, functions: Mapping[str, Any] | None = None) -> Any:
        """The element that a formula in the symbols, the parameters and the definitions of `where` stands for."""
        names = {**self.defined, **(more or {})}
        return evaluate(text, names, number=self.algebra.number, power=self.power, functions=functions)

    @cached_property
    def defined(self) -> dict[str, Any]:
        """The names, and the definitions of `where`."""
        return with_definitions(self.names, self.activation.where, number=self.algebra.number, power=self.power)

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """The branches, left to right."""
        values = branch_values(self.activation, self.names, number=self.algebra.number, power=self.power)
        return tuple(map(Piece, partition(self.activation), values))


def build(
    activation: Activation,
    engine: Callable[[Sequence[str]], Algebra] | None = None,
    extra: tuple[str, ...] = (),
) -> PiecewiseRational:
    """The model of an activation, for every N at once, over an engine (SymPy's if None), with `extra` symbols.

    Raises ExpressionError where a branch is outside the class.
    """
    if engine is None:
        from gem_symbolic.sympyfield import SymPyAlgebra as engine  # late: what brings its engine does without SymPy
    _, reals = split_parameters(activation)
    free = [p.name for p in reals if not p.fixed]
    return PiecewiseRational(activation, engine(["n", *free, "x", "u", *extra]))
