"""A definition at numbers: its parameters, and its exact Taylor coefficients at a rational point."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from typing import Any

from flint import ctx, fmpq, fmpq_series

from gem_symbolic.branches import branch_values, split_parameters
from gem_symbolic.definitions import Activation
from gem_symbolic.expressions import ExpressionError
from gem_symbolic.parameters import resolve

#: So many powers of x may cancel in a quotient of an activation without parameters.
CANCELLED = 64


@contextmanager
def precision(bits: int, length: int) -> Iterator[None]:
    """Arb's working precision and the length of power series, restored afterwards."""
    before = ctx.prec, ctx.cap
    ctx.prec, ctx.cap = bits, length
    try:
        yield
    finally:
        ctx.prec, ctx.cap = before


def bind(activation: Activation, N: Any, eps: Any = None, scale: Any = None) -> dict[str, fmpq]:
    """N and every real parameter by name, exactly; without parameters nothing, and N is None.

    Raises ValueError for a bad value, for a fixed one, and for one that the activation does not have.
    """
    if not activation.parameters:
        if (N, eps, scale) != (None, None, None):
            raise ValueError(f"{activation.name} has no parameters; got N = {N!r}, eps = {eps!r}, scale = {scale!r}")
        return {}
    integer, reals = split_parameters(activation)
    default = next((p.fixed for p in reals if p.fixed), None) or "1e-4"
    N, value = resolve(N, eps, scale, default)
    values = {integer.name: fmpq(N)}
    for parameter in reals:
        fixed = Fraction(parameter.fixed) if parameter.fixed else value
        if fixed != value:
            raise ValueError(f"{parameter.name} is fixed at {parameter.fixed} in {activation.name}; got {value}")
        values[parameter.name] = fmpq(fixed.numerator, fixed.denominator)
    return values


def power(base: Any, exponent: fmpq) -> Any:
    """base**exponent for an integer exponent, in any number system here. Raises ExpressionError otherwise."""
    if exponent.q != 1:
        raise ExpressionError(f"the exponent {exponent} in a definition is not an integer")
    e = int(exponent.p)
    return base**e if e >= 0 else 1 / base**-e


def branch(activation: Activation, index: int, x: Any, names: dict[str, Any]) -> Any:
    """One branch of the definition, at x in the caller's number system."""
    only = replace(activation, branches=(activation.branches[index],))
    return branch_values(only, {**names, "x": x}, number=fmpq, power=power)[0]


def exact_jet(activation: Activation, index: int, x: Fraction, names: dict[str, fmpq], order: int) -> list[fmpq]:
    """The Taylor coefficients of a branch at x up to `order`, exactly. Raises ValueError at a pole."""
    # A power of x that cancels in a quotient costs as many coefficients: then begin again.
    room = 4 * int(names["N"].p) if "N" in names else CANCELLED
    for length in (order + 1, order + 1 + room):
        with precision(ctx.prec, length):
            try:
                centre = fmpq_series([fmpq(x.numerator, x.denominator), 1], prec=length)
                value = branch(activation, index, centre, names) + fmpq_series([0], prec=length)
            except ExpressionError:
                raise
            except (ValueError, ZeroDivisionError):
                continue
        if value.prec > order:
            return [value[k] for k in range(order + 1)]
    raise ValueError(f"{activation.name} has a pole at x = {x}")
