"""Evaluation plans: each is the derivative it stands for, exactly, and refuses what it cannot express."""

import math
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

import pytest

from gem_symbolic.calculus import derivative
from gem_symbolic.definitions import SEGEM, VARIANTS, Activation, Branch, Parameter
from gem_symbolic.floats import plan
from gem_symbolic.piecewise import build
from gem_symbolic.plans import Constant, Plan, PlanError, Value, unaltered
from gem_symbolic.rules import OPERATIONS

ORDERS = (0, 1, 2)
SCALE = Fraction(3, 7)
RATIOS = [Fraction(r) for r in ("1/1000", "1/3", "1", "3/2", "1000")]
POINTS = [sign * SCALE * r for sign in (-1, 1) for r in RATIOS]
every_plan = pytest.mark.parametrize(("name", "order"), [(name, order) for name in VARIANTS for order in ORDERS])


@cache
def planned(name: str, order: int) -> Plan:
    return plan(VARIANTS[name], order)


def scale_of(activation: Activation) -> Fraction:
    return Fraction(1) if any(p.fixed for p in activation.parameters) else SCALE


def run(p: Plan, x: Any, N: int, s: Any = SCALE, number: Any = Fraction) -> Any:
    return p.run({"x": x, "N": N, "s": s, "inv_s": 1 / s}, number)


def exact_value(activation: Activation, x: Fraction, N: int, s: Fraction, order: int) -> Fraction:
    """The derivative from the definition, by the calculus."""
    model = build(activation)
    piece = next(p for p in model.pieces if x in p.interval)
    at = {"n": 2 * N, "x": x, "u": (x / s) ** (2 * N), "eps": s ** (2 * N)}
    value = model.algebra.sample(
        derivative(piece.value, order), **{k: v for k, v in at.items() if k in model.algebra.symbols}
    )
    assert value is not None
    return value


def differs(p: Plan, activation: Activation, order: int, N: int) -> list[Fraction]:
    """The points at which the plan is not the derivative."""
    s = scale_of(activation)

    def value(x: Fraction) -> Fraction | None:
        try:
            return run(p, x, N, s)
        except ZeroDivisionError:
            return None

    return [x for x in POINTS if value(x) != exact_value(activation, x, N, s, order)]


@every_plan
@pytest.mark.parametrize("N", [1, 2, 3, 8])
def test_a_plan_is_the_derivative(name, order, N):
    assert not differs(planned(name, order), VARIANTS[name], order, N)


@every_plan
def test_a_changed_operation_is_seen(name, order):
    other = {"add": "sub", "sub": "add", "mul": "div", "chain": "mul", "le": "gt", "gt": "le"}
    p = planned(name, order)
    for i, step in enumerate(p.steps):
        if step.op in other and step.name != "inside":  # over the reals either region's form serves both
            changed = replace(step, op=other[step.op], args=step.args[:2])
            tampered = replace(p, steps=(*p.steps[:i], changed, *p.steps[i + 1 :]))
            assert differs(tampered, VARIANTS[name], order, 3), step


@every_plan
def test_a_plan_writes_each_operation_once_and_uses_it(name, order):
    p = planned(name, order)
    assert len({(s.op, s.args) for s in p.steps}) == len(p.steps)
    used = {a for s in p.steps for a in s.args} | {p.result}
    assert all(Value(s.name) in used for s in p.steps)
    assert all(s.op in OPERATIONS for s in p.steps)
    assert sum(s.op == "div" for s in p.steps) == 2


@every_plan
@pytest.mark.parametrize("N", [1, 4])
def test_nothing_overflows_and_nan_passes(name, order, N):
    p, most = planned(name, order), 1.7976931348623157e308
    for x in (0.0, -0.0, 5e-324, -5e-324, 0.1, -0.1, most, -most, math.inf, -math.inf):
        assert not math.isnan(run(p, x, N, 0.1, int))
        assert math.isfinite(run(p, x, N, 0.1, int)) or math.isinf(x)
    assert math.isnan(run(p, math.nan, N, 0.1, int))


def test_the_tail_underflows_gradually():
    p, s, x = planned("segem", 0), 0.1, -1e60
    assert run(p, x, 3, s, int) == pytest.approx(-(s**6) * (-x) ** -5, rel=1e-12)  # u itself underflows here
    assert run(p, x, 3, s, int) != 0 == (s / -x) ** 6


def test_zero_keeps_its_sign_where_a_branch_is_x():
    for x in (0.0, -0.0):
        assert math.copysign(1, run(planned("segem", 0), x, 2, 0.1, int)) == math.copysign(1, x)
    assert math.copysign(1, run(planned("segem", 0), -math.inf, 2, 0.1, int)) == -1
    assert math.copysign(1, run(planned("egem", 0), -0.0, 2, 0.1, int)) == 1


def test_constants_say_what_they_mean():
    named = {a for s in planned("segem", 2).steps for a in s.args if isinstance(a, Constant) and a.text != a.meaning}
    assert {(c.text, c.meaning) for c in named} == {("s", "(eps)**(1/(2*N))"), ("inv_s", "(eps)**(-1/(2*N))")}


def changed(left: str, right: str = "x", **more) -> Activation:
    return replace(SEGEM, branches=(Branch("x <= 0", left), Branch("x > 0", right)), **more)


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
def test_a_plan_follows_a_changed_definition(activation, order):
    assert not differs(plan(activation, order), activation, order, 2)


@pytest.mark.parametrize(
    ("activation", "order", "sentence"),
    [
        (changed("eps*x/(2*eps + x**(2*N))"), 0, "denominator"),
        (changed("x*S + 1"), 0, "not a power of x times a function of u"),
        (changed("eps*x*S"), 0, "depends on eps other than through the scale"),
        (changed("x*x*S"), 0, "higher power of x"),
        (changed("S/x"), 0, "unbounded"),
        (changed("0"), 1, "constant on both sides"),
        (replace(SEGEM, branches=(Branch("x <= 1", "x*S"), Branch("x > 1", "x"))), 0, "two branches joined at 0"),
        (replace(SEGEM, parameters=(*SEGEM.parameters[:1], Parameter("eps", "real > 0"))), 0, "scale"),
    ],
)
def test_what_is_outside_the_class_is_refused(activation, order, sentence):
    with pytest.raises(PlanError, match=sentence):
        plan(activation, order)


@every_plan
def test_what_is_unaltered_is_x_or_an_integer(name, order):
    p, s = planned(name, order), scale_of(VARIANTS[name])
    for side, kept in zip((-1, 1), unaltered(p)):
        results = [(x, run(p, x, 3, s)) for x in POINTS if x * side > 0]
        assert kept == (all(y == x for x, y in results) or len({y for _, y in results}) == 1)
