"""The wide plan: each is the derivative, exactly and in binary64 for binary32 inputs, with one quotient."""

import math
import sys
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest
from test_floats import changed, differs, exact_value, run, scale_of

from gem_symbolic.calculus import derivative
from gem_symbolic.definitions import SEGEM, VARIANTS, Branch
from gem_symbolic.floats import plan
from gem_symbolic.formats import FORMATS
from gem_symbolic.piecewise import build
from gem_symbolic.plans import Plan, PlanError, Value
from gem_symbolic.rounding import round_to, ulp_distance
from gem_symbolic.wide import wide

ORDERS, DIRECT = (0, 1, 2), (0, 1)
BINARY32 = FORMATS["binary32"]
every_plan = pytest.mark.parametrize(("name", "order"), [(name, order) for name in VARIANTS for order in ORDERS])
#: In the middle of the range and at its ends: eps = 1e-300 and 1e300 at N = 1, and what binary64 just holds.
SCALES = [0.1, 1.0, 1e-150, 1e150, 2.0**-1020, 2.0**1020]
CASES = [
    (name, order, s) for name in VARIANTS for order in DIRECT for s in SCALES if s == 1 or scale_of(VARIANTS[name]) != 1
]
each_case = pytest.mark.parametrize(("name", "order", "s"), CASES)
each_direct = pytest.mark.parametrize(("name", "order"), [(name, order) for name in VARIANTS for order in DIRECT])


@cache
def planned(name: str, order: int) -> Plan:
    return wide(VARIANTS[name], order)


# --- Over the rationals ---


@every_plan
@pytest.mark.parametrize("N", [1, 2, 3, 8])
def test_it_is_the_derivative(name, order, N):
    assert not differs(planned(name, order), VARIANTS[name], order, N)


@every_plan
def test_it_has_one_quotient_up_to_the_first_derivative_and_is_the_plain_plan_beyond(name, order):
    p = planned(name, order)
    assert p.order == order
    if order in DIRECT:
        assert sum(step.op == "div" for step in p.steps) == 1
    else:
        assert p == plan(VARIANTS[name], order)


@each_direct
def test_each_operation_is_written_once_and_used(name, order):
    p = planned(name, order)
    assert len({(s.op, s.args) for s in p.steps}) == len(p.steps)
    used = {a for s in p.steps for a in s.args} | {p.result}
    assert all(Value(s.name) in used for s in p.steps)


@each_direct
def test_a_changed_operation_is_seen(name, order):
    other = {"add": "sub", "sub": "add", "mul": "div", "div": "mul", "chain": "mul", "neg": "abs", "abs": "neg"}
    other |= {"le": "gt", "gt": "le", "lt": "ge"}
    p, unseen = planned(name, order), {"t"}  # of which even powers are used, or at which x has a known sign
    unseen |= {"r"} if scale_of(VARIANTS[name]) == 1 else set()
    for i, step in enumerate(p.steps):
        if step.op in other and step.name not in unseen:
            tampered = replace(
                p, steps=(*p.steps[:i], replace(step, op=other[step.op], args=step.args[:2]), *p.steps[i + 1 :])
            )
            assert differs(tampered, VARIANTS[name], order, 3), step


@pytest.mark.parametrize(
    "activation",
    [
        changed("3*x*S"),
        changed("-x*S", "x*F*F"),
        changed("x*F*S*S", "x - x*S/2"),
        changed("x*S", "0"),
        changed("x*S", "2*x"),
        changed("-x", "x*F"),
        changed("x*(1 - 3*F)*S", "x*(F - 2*F*S)"),
        replace(SEGEM, branches=(Branch("x < 0", "x*S"), Branch("x >= 0", "x"))),
    ],
    ids=lambda a: " | ".join(b.expr for b in a.branches),
)
@pytest.mark.parametrize("order", ORDERS)
def test_it_follows_a_changed_definition(activation, order):
    assert not differs(wide(activation, order), activation, order, 2)


@pytest.mark.parametrize(
    ("activation", "sentence"),
    [
        (changed("eps*x/(2*eps + x**(2*N))"), "denominator"),
        (changed("x*S + 1"), "not a power of x times a function of u"),
        (changed("x*x*S"), "higher power of x"),
        (changed("S/x"), "unbounded"),
        (replace(SEGEM, branches=(Branch("x <= 1", "x*S"), Branch("x > 1", "x"))), "two branches joined at 0"),
    ],
    ids=lambda a: a if isinstance(a, str) else "",
)
def test_it_refuses_what_there_is_no_plan_of(activation, sentence):
    with pytest.raises(PlanError, match=sentence):
        wide(activation)


# --- In binary64, for binary32 inputs ---

LEAST, MOST = 2.0**-149, float(BINARY32.max)


def inputs(s: float) -> list[float]:
    """Numbers of binary32: the ends of the range, subnormal ones, and many of each sign, some about the scale."""
    rng = np.random.default_rng(1)
    found = [LEAST, 3 * LEAST, 2.0**-126, 2.0**-127, 1.0, MOST, *2.0 ** rng.uniform(-149, 127, 16)]
    found += list(s * 2.0 ** rng.uniform(-3, 3, 16)) if LEAST < s < MOST / 8 else []
    sizes = np.array(found, np.float32).astype(float).tolist()
    return [sign * x for x in sizes for sign in (1, -1)]


def narrowed(y: float) -> float:
    with np.errstate(over="ignore"):
        return float(np.float32(y))


def same(a: float, b: float) -> bool:
    """The same number, a zero by its sign too."""
    return a == b and math.copysign(1, a) == math.copysign(1, b)


@cache
def pieces(name: str, order: int) -> tuple[Any, list[tuple[Any, Any]]]:
    model = build(VARIANTS[name])
    return model.algebra, [(p.interval, derivative(p.value, order)) for p in model.pieces]


def exactly(name: str, order: int, x: float, N: int, s: float) -> Fraction:
    """The derivative from the definition."""
    algebra, found = pieces(name, order)
    at = {"n": 2 * N, "x": Fraction(x), "u": (Fraction(x) / Fraction(s)) ** (2 * N), "eps": Fraction(s) ** (2 * N)}
    value = next(value for interval, value in found if at["x"] in interval)
    return algebra.sample(value, **{k: v for k, v in at.items() if k in algebra.symbols})


@each_case
@pytest.mark.parametrize("N", [1, 3, 16])
def test_what_is_rounded_to_binary32_is_right(name, order, N, s):
    """Half an ulp and 2^-20, for a derivative beyond 2^-45; a zero has the sign of what it is rounded from."""
    for x in inputs(s):
        y, exact = narrowed(run(planned(name, order), x, N, s, float)), exactly(name, order, x, N, s)
        allowed = 0.5 + 2.0**-20 + (2.0**-45 / spacing(exact) if order else 0)
        assert ulp_distance(y, exact, BINARY32) <= allowed, x
        if y == 0 and exact and order == 0:
            assert math.copysign(1, y) == math.copysign(1, exact)


def spacing(value: Fraction) -> float:
    """The last place of a number in binary32."""
    nearest = np.float32(round_to(value, BINARY32))
    return float(np.spacing(np.abs(nearest)))


@each_case
@pytest.mark.parametrize("N", [1, 3])
def test_special_values_are_those_of_the_plain_plan(name, order, N, s):
    for x in (0.0, -0.0, math.inf, -math.inf):
        found, expected = (run(p, x, N, s, float) for p in (planned(name, order), plan(VARIANTS[name], order)))
        assert same(found, expected), x
    assert math.isnan(run(planned(name, order), math.nan, N, s, float))


def test_the_sign_of_a_zero():
    """A side that is x keeps it, as the plain plan does; far out a tail that fades keeps the sign of x."""
    for x in (0.0, -0.0):
        assert same(run(planned("segem", 0), x, 2, 0.1, float), x)
        assert same(run(planned("gem", 0), x, 2, 1.0, float), 0.0)
    assert same(narrowed(run(planned("segem", 0), -1e30, 8, 0.1, float)), -0.0)
    assert same(run(planned("segem", 0), -math.inf, 2, 0.1, float), -0.0)


def test_beyond_the_range_of_the_input_it_may_fail():
    """What u overflows for is lost: with inputs of binary64 that shows, which is why they have the plain plan."""
    x, s, N = -sys.float_info.max, 1e300, 1
    exact = exact_value(SEGEM, Fraction(x), N, Fraction(s), 0)
    assert run(plan(SEGEM), x, N, s, float) == pytest.approx(float(exact), rel=1e-12)
    x, s = -1e200, 1e40
    exact = exact_value(SEGEM, Fraction(x), N, Fraction(s), 0)
    assert run(plan(SEGEM), x, N, s, float) == pytest.approx(float(exact), rel=1e-12)
    assert run(planned("segem", 0), x, N, s, float) == 0 != float(exact)
