"""The compensated plans: each is the derivative that its plain plan is, and its scale is exact to twice the bits."""

from dataclasses import replace
from fractions import Fraction

import pytest

from gem_symbolic.definitions import VARIANTS
from gem_symbolic.expressions import evaluate
from gem_symbolic.floats import OPERATIONS, Constant, Plan, PlanError, Step, Value, plan
from gem_symbolic.pairs import ALSO, PAIR_OPERATIONS, RULES, UNITS, compensated
from gem_symbolic.parameters import root, scale_constants, scale_low_part

ORDERS = (0, 1)
SCALE = Fraction(3, 7)
REST = Fraction(1, 10**6)  # of the scale, in its low part
POINTS = [side * SCALE * Fraction(r) for side in (-1, 1) for r in ("1/1000", "1/3", "1", "3/2", "1000")]
every_plan = pytest.mark.parametrize(("name", "order"), [(name, order) for name in VARIANTS for order in ORDERS])


def run(p: Plan, x: Fraction, N: int, low: Fraction = REST) -> Fraction:
    names = {"x": x, "N": N, "s": SCALE - REST, "s_low": low, "inv_s": 1 / SCALE}
    return p.run(names, Fraction, {**OPERATIONS, **PAIR_OPERATIONS})


@every_plan
@pytest.mark.parametrize("N", [1, 2, 5])
def test_a_plan_in_pairs_is_the_plain_plan(name, order, N):
    plain = plan(VARIANTS[name], order)
    pairs = compensated(plain)
    for x in POINTS:
        expected = plain.run({"x": x, "N": N, "s": SCALE, "inv_s": 1 / SCALE}, Fraction)
        assert run(pairs, x, N) == expected
        if x < 0 and order == 0 and plain.result != Value("x") and expected:
            assert run(pairs, x, N, low=Fraction(0)) != expected  # the low part of the scale matters


@every_plan
def test_everything_between_input_and_result_is_a_pair(name, order):
    pairs = compensated(plan(VARIANTS[name], order))
    single = {"abs", "neg", "lt", "le", "gt", "ge", "select"}
    assert {s.op for s in pairs.steps} <= single | PAIR_OPERATIONS.keys()
    assert sum(s.op == "pair_div" for s in pairs.steps) == 2
    assert sum(s.op == "rounded" for s in pairs.steps) == 1
    selects = [s for s in pairs.steps if s.op == "select"]
    assert [Value(s.name) for s in selects] in ([], [pairs.result])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.op} {rule.kinds}")
def test_a_counterpart_means_the_operation(rule):
    assert set(rule.kinds.split()) <= ALSO.keys()
    for condition in (True, False):
        numbers = (
            (Fraction(3, 4), Fraction(1, 5), Fraction(2, 3)) if rule.op != "select" else (condition, 5, Fraction(7))
        )
        if rule.op == "chain":
            numbers = (Fraction(3, 4), Fraction(1, 5), 3)
        args = dict(zip("abc", numbers[: len(rule.kinds.split())]))
        meant = OPERATIONS[rule.op](*args.values())
        assert evaluate(rule.text, args, functions={**OPERATIONS, **PAIR_OPERATIONS}) == meant


def test_what_is_taken_to_be_in_the_unit_interval_is():
    for name in VARIANTS:
        plain = plan(VARIANTS[name], 1)
        for x in POINTS:
            for step in (s for s in plain.steps if s.name in UNITS):
                part = replace(plain, result=Value(step.name))
                assert 0 <= part.run({"x": x, "N": 2, "s": SCALE, "inv_s": 1 / SCALE}, Fraction) <= 1


def test_an_operation_without_a_counterpart_is_refused():
    s = Constant("s", "eps")
    with pytest.raises(PlanError, match="no compensated plan: add of pair, pair"):
        compensated(Plan(0, (Step("y", "add", (s, s)),), Value("y")))
    with pytest.raises(PlanError, match="no compensated plan: inv_s is no pair"):
        compensated(Plan(0, (Step("y", "mul", (s, Constant("inv_s", "1/eps"))),), Value("y")))


@pytest.mark.parametrize("N", [1, 2, 3, 7])
@pytest.mark.parametrize("eps", ["1e-6", "1/3", "1", "10", "4"])
def test_the_scale_is_a_pair(N, eps):
    number = Fraction(eps)
    high = Fraction(scale_constants(N, number, 24, -126, 127)[0])
    low = Fraction(scale_low_part(N, number, 24))
    assert abs(low) <= high / 2**24
    assert low.numerator.bit_length() <= 24 or low.numerator % 2 ** (low.numerator.bit_length() - 24) == 0
    assert abs(high + low - root(number, 2 * N, 200)) <= abs(low) / 2**24 + high / 2**71
