"""The compensated and the short plans: each is the derivative of its definition, and rounds as it should."""

import math
from fractions import Fraction
from functools import cache

import pytest

from gem_symbolic.definitions import VARIANTS
from gem_symbolic.floats import plan
from gem_symbolic.pairs import UNITS, compensated, short
from gem_symbolic.parameters import pair_constants, root, scale_constants
from gem_symbolic.plans import Plan, Value
from gem_symbolic.rules import CHAINS, OPERATIONS, ROUTINES

ORDERS = (0, 1)
SCALE, UP = Fraction(3, 7), Fraction(2) ** 90
POINTS = [side * SCALE * Fraction(r) for side in (-1, 1) for r in ("1/1000", "1/3", "1", "3/2", "1000")]
every_plan = pytest.mark.parametrize(("name", "order"), [(name, order) for name in VARIANTS for order in ORDERS])


@cache
def planned(name: str, order: int) -> tuple[Plan, Plan]:
    return plan(VARIANTS[name], order), compensated(VARIANTS[name], order)


def run(p: Plan, x: Fraction, N: int, s_low: Fraction = Fraction(0), inv_s_low: Fraction = Fraction(0)) -> Fraction:
    names = {"x": x, "N": N, "s": SCALE - s_low, "inv_s": 1 / SCALE - inv_s_low, "up": UP, "down": 1 / UP}
    return p.run(names | {"s_low": s_low, "inv_s_low": inv_s_low}, Fraction)


@every_plan
@pytest.mark.parametrize("N", [1, 2, 5])
def test_a_plan_in_pairs_is_the_plain_plan(name, order, N):
    """Exactly without low parts; with them up to their products, and they matter."""
    plain, pairs = planned(name, order)
    low = Fraction(1, 10**9)
    for x in POINTS:
        expected = run(plain, x, N)
        assert run(pairs, x, N) == expected
        close = run(pairs, x, N, low, low)
        assert abs(close - expected) <= 10**4 * low**2 * max(abs(expected), 1)
        if order == 0 and expected not in (0, x) and abs(x) in (SCALE / 3, 3 * SCALE / 2):
            assert abs(pairs.run(wrong(x, N, low), Fraction) - expected) > 10**4 * low**2


def wrong(x: Fraction, N: int, low: Fraction) -> dict[str, Fraction | int]:
    """The names with scales whose low parts are left out."""
    names = {"x": x, "N": N, "s": SCALE - low, "inv_s": 1 / SCALE - low, "up": UP, "down": 1 / UP}
    return names | {"s_low": Fraction(0), "inv_s_low": Fraction(0)}


@every_plan
def test_a_plan_in_pairs_divides_twice_and_rounds_once(name, order):
    _, pairs = planned(name, order)
    used = [s.op for s in pairs.steps]
    assert set(used) <= OPERATIONS.keys() | ROUTINES.keys() | CHAINS.keys()
    assert "div" not in used
    assert sum(op in ("divided", "close_divided") for op in used) == 1
    assert used.count("quotient") == 1
    rounding = used[used.index("quotient") + 1 :]
    assert set(rounding) <= {"mul", "neg", "select", "lt", "le", "gt", "ge"}  # by powers of two, and choices


def test_a_plan_with_a_difference_keeps_pairs_close():
    close = {"close_product", "close_divided", "close_chain"}
    for name in VARIANTS:
        for order in ORDERS:
            plain, pairs = planned(name, order)
            differs = any(s.op == "sub" for s in plain.steps)
            assert differs == ({s.op for s in pairs.steps} >= {"close_product", "close_divided"})
            assert differs or not close & {s.op for s in pairs.steps}
    assert any(s.op == "sub" for s in planned("segem", 1)[0].steps)


@every_plan
def test_a_short_plan_has_other_quotients_and_nothing_else(name, order):
    plain, _ = planned(name, order)
    shorter = short(plain)
    count = sum(s.op == "div" for s in plain.steps)
    quotients = iter([*["near_quotient"] * (count - 1), "rough_quotient"])
    for a, b in zip(plain.steps, shorter.steps, strict=True):
        assert (a.name, a.args) == (b.name, b.args)
        assert b.op == (next(quotients) if a.op == "div" else a.op)
    for x in POINTS:
        assert run(shorter, x, 3) == run(plain, x, 3)


def test_what_is_taken_to_be_in_the_unit_interval_is():
    for name in VARIANTS:
        for order in ORDERS:
            split = plan(VARIANTS[name], order, split=True)
            for x in POINTS:
                for step in (s for s in split.steps if s.name in UNITS):
                    assert 0 <= run(Plan(order, split.steps, Value(step.name)), x, 2) <= 1


@pytest.mark.parametrize("N", [1, 2, 3, 7])
@pytest.mark.parametrize("eps", ["1e-6", "1/3", "1", "10", "4", "1e-30", "1e30"])
def test_the_scale_and_its_inverse_are_pairs(N, eps):
    number, form = Fraction(eps), (24, -126, 127)
    highs = scale_constants(N, number, *form)
    *lows, up, down = pair_constants(N, number, *form)
    for high, low, power in zip(map(Fraction, highs), map(Fraction, lows), (number, 1 / number)):
        exact = root(power, 2 * N, 200)
        assert abs(low) <= abs(high) / 2**24
        assert low == 0 or root(abs(low), 1, 24) == abs(low)
        assert abs(high + low - exact) <= abs(low) / 2**24 + high / 2**71
    assert up * down == 1
    assert math.frexp(up)[0] == 0.5
    assert down >= 2.0**-126
    assert 2.0**124 <= highs[0] * up < 2.0**126 or up == 2.0**126
