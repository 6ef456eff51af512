"""The oracle: a definition's value and its derivatives at any precision, from the text of the definition itself.

The branch is evaluated over truncated power series x + h: in ball arithmetic (Arb), the precision rising until the ball
is small enough, or with exact rational coefficients, which decide at a junction, at a zero and where cancellation eats
every ball. Nothing is shared with the calculus, the evaluation plans or the kernels that are checked against it.
"""

import math
from fractions import Fraction
from typing import Any

from flint import arb, arb_series, fmpq
from mpmath import libmp, mp
from mpmath.ctx_mp_python import _mpf as mpf

from gem_symbolic.branches import partition
from gem_symbolic.definitions import Activation, find
from gem_symbolic.expressions import ExpressionError
from gem_symbolic.jets import bind, branch, exact_jet, precision
from gem_symbolic.parameters import exact
from gem_symbolic.rounding import LARGEST, as_fraction, round_to, ulp, ulp_distance

__all__ = ["evaluate", "round_to", "ulp", "ulp_distance"]

SIDES = ("left", "right")
#: Working precisions tried in turn, as multiples of the one asked for, before exact rational arithmetic decides.
LADDER = (1, 2, 4, 8, 64, 512, 4096)


def point(x: Any) -> Fraction:
    """The exact value of x: int, Fraction, decimal string, float (its exact binary value) or mpf. Raises ValueError."""
    if isinstance(x, bool):
        raise ValueError(f"x must be a real number; got {x!r}")
    if not isinstance(x, str):
        return as_fraction(x)
    shift = x.lower().partition("e")[2].strip().lstrip("+-")
    if shift.isdigit() and int(shift) > LARGEST:
        raise ValueError(f"the magnitude of x must be within 10**-{LARGEST} to 10**{LARGEST}; got {x!r}")
    return exact(x, "x")


def ball(activation: Activation, index: int, x: Fraction, names: dict[str, fmpq], order: int, bits: int) -> arb:
    """A ball that contains the Taylor coefficient of that order, computed with so many bits."""
    with precision(bits, order + 1):
        centre = arb_series([arb(fmpq(x.numerator, x.denominator)), 1], order + 1)
        try:
            return (branch(activation, index, centre, names) + arb_series([0], order + 1))[order]
        except ExpressionError:
            raise
        except (ValueError, ZeroDivisionError):
            return arb.nan()


def neighbours(activation: Activation, x: Fraction) -> tuple[int, int]:
    """The branches on the left and on the right of x: two at a junction, elsewhere the same one twice."""
    touching = [
        i
        for i, interval in enumerate(partition(activation))
        if (interval.low is None or interval.low <= x) and (interval.high is None or x <= interval.high)
    ]
    return touching[0], touching[-1]


def owning_side(activation: Activation, x: Any) -> str:
    """The side on which the branch that owns x lies: it matters at a junction alone."""
    at = point(x)
    return "left" if at in partition(activation)[neighbours(activation, at)[0]] else "right"


def from_rational(value: fmpq, bits: int) -> mpf:
    """The nearest mpf with so many bits."""
    return mp.make_mpf(libmp.from_rational(int(value.p), int(value.q), bits, "n"))


def evaluate(
    variant: str | Activation,
    x: Any,
    N: Any = None,
    eps: Any = None,
    scale: Any = None,
    order: int = 0,
    dps: int = 50,
    side: str | None = None,
) -> mpf:
    """The derivative of that order (0: the value) of an activation at x, to `dps` significant digits.

    `x` is an int, a Fraction, a decimal string, a float (its exact binary value) or an mpf; `N` an integer >= 1; `eps`
    or `scale` exact and > 0, as in `parameters`, eps = 1e-4 where neither is given; an activation without parameters is
    given none of them. At a junction, from the first
    derivative on that jumps, `side` ("left" or "right") says which one-sided derivative is meant; elsewhere it changes
    nothing. A value that is 0 comes back as exactly 0. The definition is all that it rests on, and every real x is in
    its domain. Raises ValueError, in one sentence, for any other input, such as an infinity or a NaN.
    """
    activation = find(variant) if isinstance(variant, str) else variant
    names = bind(activation, N, eps, scale)
    at = point(x)
    for name, value, least in (("order", order, 0), ("dps", dps, 1)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(f"{name} must be an integer >= {least}; got {value!r}")
    if side is not None and side not in SIDES:
        raise ValueError(f'side must be "left" or "right"; got {side!r}')

    bits = libmp.dps_to_prec(dps)
    factorial = math.factorial(order)
    low, high = neighbours(activation, at)
    if low != high:
        left, right = (exact_jet(activation, i, at, names, order) for i in (low, high))
        if left != right and side is None:
            first = next(k for k in range(order + 1) if left[k] != right[k])
            raise ValueError(
                f"derivative {first} of {activation.name} jumps at x = {at}: "
                f'give side="left" or side="right" for derivative {order}'
            )
        return from_rational((right if side == "right" else left)[order] * factorial, bits)
    for factor in LADDER:
        value = ball(activation, low, at, names, order, factor * (bits + 32))
        if value.is_finite() and value.rel_accuracy_bits() >= bits + 16:
            mantissa, shift = map(int, value.mid().man_exp())
            return mp.make_mpf(libmp.from_man_exp(mantissa * factorial, shift, bits, "n"))
    return from_rational(exact_jet(activation, low, at, names, order)[order] * factorial, bits)
