"""Plans of piecewise rational functions: exactly the definition, and sensible where numbers end."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rationals import HARD_SWISH, LEAKY_RELU, PADE, RATIONALS, SOFTSIGN, SQNL, activation

from gem_symbolic.branches import partition
from gem_symbolic.definitions import Activation
from gem_symbolic.pieced import plan
from gem_symbolic.pieces import DEGREE, roots_within
from gem_symbolic.plans import PlanError
from gem_symbolic.reference import evaluate, round_to
from gem_symbolic.rounding import as_fraction

ORDERS = range(3)
EVERY = pytest.mark.parametrize("a", RATIONALS.values(), ids=RATIONALS)


def exact(a: Activation, x: Fraction, order: int) -> Fraction:
    """The plan over the rational numbers."""
    return plan(a, order).run({"x": x}, Fraction)


def owned(a: Activation, x: Fraction, order: int) -> Fraction:
    """The reference at x; at a junction that of the piece which owns it."""
    place = next(k for k, interval in enumerate(partition(a)) if x in interval)
    side = "right" if x == partition(a)[place].low else "left"
    return as_fraction(evaluate(a, x, order=order, dps=60, side=side))


@EVERY
@pytest.mark.parametrize("order", ORDERS)
def test_the_plan_is_the_definition(a: Activation, order: int) -> None:
    ends = [end for i in partition(a) for end in (i.low, i.high) if end is not None]
    for x in sorted(
        {*ends, *(e + d for e in ends for d in (-1, 1)), *map(Fraction, ("-40/7", "-1", "-1/3", "1/3", "1", "99"))}
    ):
        assert abs(exact(a, x, order) - owned(a, x, order)) <= abs(owned(a, x, order)) / 10**50


@EVERY
def test_special_values(a: Activation) -> None:
    with np.errstate(all="ignore"):
        for order in ORDERS:
            found = plan(a, order)
            assert math.isnan(found.run({"x": np.float64(math.nan)}))
            for sign in (-1, 1):
                far = round_to(evaluate(a, sign * Fraction(2) ** 8000, order=order, dps=30), "binary64")
                assert found.run({"x": np.float64(sign * math.inf)}) == far
                top = found.run({"x": np.float64(sign * 1.7e308)})
                assert math.isfinite(top)


@pytest.mark.parametrize("a", [HARD_SWISH, LEAKY_RELU, SOFTSIGN], ids=lambda a: a.name)
def test_zeros_keep_their_sign(a: Activation) -> None:
    for zero in (-0.0, 0.0):
        assert math.copysign(1, plan(a).run({"x": np.float64(zero)})) == math.copysign(1, zero)


@EVERY
@pytest.mark.parametrize("order", [0, 1])
@settings(max_examples=60, deadline=None, derandomize=True)
@given(x=st.floats(-1e6, 1e6, allow_nan=False))
def test_in_binary64_it_is_near(a: Activation, order: int, x: float) -> None:
    found = float(plan(a, order).run({"x": np.float64(x)}))
    assert abs(found - float(owned(a, Fraction(x), order))) <= 1e-14 * max(1, abs(found))


def test_a_changed_coefficient_is_another_plan() -> None:
    other = activation("hard_swish", ("x <= -3", "0"), ("-3 < x < 3", "x*(x + 3)/7"), ("x >= 3", "x"))
    assert exact(other, Fraction(1), 0) != owned(HARD_SWISH, Fraction(1), 0)


def test_numbers_without_a_junction_take_one_quotient() -> None:
    for a, count in ((PADE, 2), (SOFTSIGN, 2), (SQNL, 0)):
        assert sum(step.op == "div" for step in plan(a).steps) == count


REFUSED = {
    "pole": (("x <= 0", "0"), ("x > 0", "x/(x - 2)")),
    "pole where": (("x <= 0", "1/x"), ("x > 0", "x")),
    "junction": (("x <= 0", "0"), ("x > 0", "1/x")),
    "divides by zero": (("x <= 0", "0"), ("x > 0", "x/(x - x)")),
    "degree": (("x <= 0", "0"), ("x > 0", f"x**{DEGREE}*x")),
    "exponent": (("x <= 0", "0"), ("x > 0", f"x**{DEGREE + 1}")),
    "no nearest number": (("x <= 0", "0"), ("x > 0", f"x*{10**50}")),
    "of 901 characters, has no nearest number": (("x <= 0", "0"), ("x > 0", f"x*{10**900}")),
    "by way of binary64": (("x <= 0", "0"), ("x > 0", f"x*({2**24 + 1}/{2**24} + 1/{2**90})")),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_no_plan_is_derived_for(why: str) -> None:
    with pytest.raises(PlanError, match=why) as error:
        plan(activation("bad", *REFUSED[why]))
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 200


def test_roots_are_counted_with_the_ends() -> None:
    (interval,) = partition(activation("one", ("all x", "x")))
    square = (Fraction(-2), Fraction(0), Fraction(1))
    assert roots_within(square, interval) == 2
    left, middle, right = partition(activation("three", ("x < 0", "0"), ("0 <= x < 1", "0"), ("x >= 1", "0")))
    assert [roots_within(square, i) for i in (left, middle, right)] == [1, 0, 1]
    cubic = (Fraction(0), Fraction(0), Fraction(-1), Fraction(1))  # x^3 - x^2: a double root at 0, one at 1
    assert [roots_within(cubic, i) for i in (left, middle, right)] == [1, 2, 1]
