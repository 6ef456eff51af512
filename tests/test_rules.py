"""Every rule: left is right, exactly over the reals, and nearly in binary32 against exact arithmetic."""

import math
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from sympy import Symbol, cancel, diff, symbols

from gem_symbolic.expressions import evaluate
from gem_symbolic.formats import FORMATS
from gem_symbolic.pairs import in_pairs
from gem_symbolic.plans import Constant, Plan, PlanError, Step, Value, complete, performed
from gem_symbolic.rounding import round_to, ulp_distance
from gem_symbolic.rules import (
    ALSO,
    CHAINS,
    CLOSE,
    COUNTERPARTS,
    ESTIMATE,
    FADED,
    LEADS,
    LIFTED,
    LIFTED_LEADS,
    OPERATIONS,
    ROUTINES,
    SHARED,
    SPLIT,
    WIDE,
    Lead,
    Routine,
    Rule,
)

BINARY32 = FORMATS["binary32"]
NS = (1, 2, 5)
ROWS = (*SHARED, *SPLIT, *LIFTED, *LEADS, *LIFTED_LEADS)
each_row = pytest.mark.parametrize("rule", ROWS, ids=lambda rule: f"{rule.name}: {rule.right}")
each_wide_row = pytest.mark.parametrize("rule", [*WIDE, FADED], ids=lambda rule: f"{rule.name}: {rule.right}")
each_routine = pytest.mark.parametrize("routine", ROUTINES.values(), ids=lambda r: r.name)


# --- Two sides of the scale ---


def at(t: Any, s: Any, inside: bool, N: int, up: Any, lifted: bool) -> dict[str, Any]:
    """The names of the rules, each by its meaning."""
    w = t / s if inside else s / t
    far = up * s / t if lifted else s / t
    known = {"x": -t, "t": t, "s": s, "inv_s": 1 / s, "inside": inside, "w": w, "w2": w**2, "N": N, "far": far}
    return known | {"u": w ** (2 * N), "v": w / s, "up": up, "down": 1 / up}


def sides(rule: Rule) -> list[bool]:
    """Whether the rule is for t inside the scale, outside, or both."""
    if isinstance(rule, Lead):
        return [rule.guard == "inside"]
    return [False] if rule.name == "far" else [True, False]


#: The absolute value of x = -t, and comparisons, of which the outcome is known.
def functions(inside: bool) -> dict[str, Callable[..., Any]]:
    return {**OPERATIONS, "abs": operator.neg, "le": lambda a, b: inside}


@each_row
@pytest.mark.parametrize("N", NS)
def test_left_is_right_over_the_reals(rule, N):
    """A difference of rational functions of t, s and up that cancels to zero."""
    t, s, up = symbols("t s up", positive=True)
    for inside in sides(rule):
        names = at(t, s, inside, N, up, rule in (*LIFTED, *LIFTED_LEADS))
        left, right = (evaluate(text, names, functions=functions(inside)) for text in (rule.left, rule.right))
        assert left == right or cancel(left - right) == 0


@each_row
def test_another_right_would_be_seen(rule):
    t, s, up = symbols("t s up", positive=True)
    inside = sides(rule)[0]
    names = at(t, s, inside, 2, up, rule in (*LIFTED, *LIFTED_LEADS))
    left = evaluate(rule.left, names, functions=functions(inside))
    if left not in (True, False):
        assert cancel(left - 2 * evaluate(rule.right, names, functions=functions(inside))) != 0


@each_row
@pytest.mark.parametrize("N", NS)
def test_left_is_nearly_right_in_binary32(rule, N):
    """Each of at most 2N + 3 roundings costs 2^-24 of what is not subnormal."""
    rng = np.random.default_rng(N)
    for _ in range(50):
        s, ratio = np.float32(2.0 ** rng.uniform(-3, 3)), 2.0 ** rng.uniform(0.01, 4)
        for inside in sides(rule):
            t = np.float32(s / ratio if inside else s * ratio)
            lifted = rule in (*LIFTED, *LIFTED_LEADS)
            exact = at(Fraction(float(t)), Fraction(float(s)), inside, N, Fraction(2) ** 40, lifted)
            rounded = {k: v if isinstance(v, bool | int) else np.float32(float(v)) for k, v in exact.items()}
            left = evaluate(rule.left, exact, Fraction, functions=functions(inside))
            right = evaluate(rule.right, rounded, functions=functions(inside))
            assert abs(Fraction(float(right)) - left) <= (2 * N + 3) * Fraction(2) ** -24 * abs(left)


# --- One quotient ---


def wide_at(t: Any, s: Any, N: int) -> dict[str, Any]:
    """The names of the rows with one quotient, each by its meaning, x being -t; `a` is any factor that fades."""
    u = (t / s) ** (2 * N)
    known = {"x": -t, "t": t, "s": s, "inv_s": 1 / s, "r": t / s, "r2": (t / s) ** 2, "N": N, "u": u, "d": 1 + u}
    return known | {"q": 1 / (1 + u), "far": False, "p": u / (1 + u), "a": 1 / (1 + u)}


#: Nothing is so far out that q is 0 over the reals.
REAL = {**OPERATIONS, "abs": operator.neg, "eq": lambda a, b: False}


@each_wide_row
@pytest.mark.parametrize("N", NS)
def test_with_one_quotient_left_is_right_over_the_reals(rule, N):
    t, s = symbols("t s", positive=True)
    names = wide_at(t, s, N)
    left, right = (evaluate(text, names, functions=REAL) for text in (rule.left, rule.right))
    assert left is right is False if rule.name == "far" else cancel(left - right) == 0 != cancel(left - 2 * right)


@each_wide_row
@pytest.mark.parametrize("N", NS)
def test_with_one_quotient_left_is_nearly_right_in_binary64(rule, N):
    """Each of at most 2N + 2 roundings, of the operands too, costs 2^-53 of what is not subnormal."""
    rng = np.random.default_rng(N)
    for _ in range(100):
        t, s = (Fraction(2.0 ** rng.uniform(-6, 6)) for _ in range(2))
        exact = wide_at(t, s, N)
        rounded = {k: v if isinstance(v, bool | int) else float(v) for k, v in exact.items()}
        left = evaluate(rule.left, exact, Fraction, functions=OPERATIONS)
        right = evaluate(rule.right, rounded, functions=OPERATIONS)
        assert abs(Fraction(right) - left) <= (2 * N + 2) * Fraction(2) ** -53 * abs(left)


def computed(x: float, s: float, N: int, rules: tuple[Rule, ...] = (*WIDE, FADED)) -> dict[str, Any]:
    """What the rows give in binary64, one after the other, the factor that fades being q."""
    known: dict[str, Any] = {"x": x, "s": s, "inv_s": 1 / s, "N": N}
    for rule in rules:
        known["a"] = known.get("q")
        known[rule.name] = evaluate(rule.right, known, functions={**OPERATIONS, "div": ieee_quotient})
    return known


def ieee_quotient(a: float, b: float) -> float:
    return float(np.float64(a) / np.float64(b))


@pytest.mark.parametrize("N", NS)
@pytest.mark.parametrize("s", [1e-300, 1e-3, 1.0, 1e300])
def test_with_one_quotient_p_and_q_add_up_to_1_wherever_x_is(N, s):
    """And no more is lost of t q than a binary32 number or a factor of one would show."""
    for exponent in (*range(-149, 128, 4), math.inf):
        x = -(2.0**exponent)
        found = computed(x, s, N)
        assert found["p"] + found["q"] == pytest.approx(1, abs=2.0**-51)
        assert 0 <= found["p"] <= 1
        assert 0 <= found["q"] <= 1
        assert found["far"] == (found["q"] == 0) == math.isinf(found["u"])
        if found["far"]:
            assert (found["p"], found["faded"]) == (1, 0)
            assert math.isinf(x) or Fraction(x) ** (2 * N) * 2 > Fraction(s) ** (2 * N) * Fraction(2) ** 1023
        elif found["q"] > 2.0**-900:
            exact = wide_at(Fraction(-x), Fraction(s), N)
            assert found["faded"] == pytest.approx(float(exact["t"] * exact["q"]), rel=(2 * N + 4) * 2.0**-52, abs=0)
    assert computed(-math.inf, s, N)["far"]


@pytest.mark.parametrize("N", NS)
def test_with_one_quotient_nan_passes_and_nothing_may_be_left_out(N):
    found = computed(math.nan, 0.5, N)
    assert all(math.isnan(found[name]) for name in ("u", "q", "p", "faded"))
    assert not found["far"]
    careless = tuple(Rule(r.name, r.left, r.right.replace("select(far, 1, u*q)", "u*q")) for r in WIDE)
    assert math.isnan(computed(math.inf, 0.5, N, careless)["p"])
    assert math.isnan(computed(math.inf, 0.5, N, (*WIDE, Rule("faded", FADED.left, "t*a")))["faded"])


# --- Routines ---

SMALL = Symbol("e")


def meant(routine: Routine, names: dict[str, Any]) -> Any:
    """What the results of a routine add up to: left, of the numbers that its arguments stand for."""
    pairs = {a: names[a.lower()] + names[a.lower() + "_low"] for a in routine.arguments if a.isupper()}
    return evaluate(routine.left, names | pairs)


@each_routine
def test_a_routine_is_exact_up_to_products_of_low_parts(routine):
    """With low parts e times as large, the error and its first derivative in e are 0 at e = 0."""
    names = {p: Symbol(p) * (SMALL if p.endswith("_low") else 1) for p in routine.parameters}
    functions = {**OPERATIONS, "eq": lambda a, b: a == b}
    found = performed(routine, functions)(*names.values())
    error = sum(found if routine.paired else (found,)) - meant(routine, names)
    assert cancel(error.subs(SMALL, 0)) == 0
    assert cancel(diff(error, SMALL).subs(SMALL, 0)) == 0


@each_routine
def test_no_line_of_a_routine_may_be_left_out(routine):
    """Without its last multiplication, sum or fma the first order is wrong, or high is not near the result."""
    names = {p: Symbol(p) * (SMALL if p.endswith("_low") else 1) for p in routine.parameters}
    changes = {"fma": lambda a, b, c: a * b - c, "reciprocal": lambda a: a, "mul": operator.truediv}
    seen = False
    for op, other in changes.items():
        if op == "mul" or op not in routine.right:
            continue
        found = performed(routine, {**OPERATIONS, op: other, "eq": lambda a, b: a == b})(*names.values())
        error = sum(found if routine.paired else (found,)) - meant(routine, names)
        seen |= cancel(error.subs(SMALL, 0)) != 0 or cancel(diff(error, SMALL).subs(SMALL, 0)) != 0
    assert seen or "fma" not in routine.right


def fma(a: Any, b: Any, c: Any) -> np.float32:
    exact = Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))
    return np.float32(round_to(exact, BINARY32))


def single_operations(rng: np.random.Generator) -> dict[str, Callable[..., Any]]:
    """The operations in binary32; a reciprocal is off by as much as it may be."""

    def reciprocal(a: Any) -> np.float32:
        return np.float32((1 / float(a)) * (1 + ESTIMATE * rng.choice([-1, 1])))

    def neg(a: Any) -> Any:
        return -np.float32(a)

    return {**OPERATIONS, "fma": fma, "reciprocal": reciprocal, "neg": neg}


#: The largest relative error of a result, of a sum relative to its larger operand. Quotients in ulp: they round once,
#: but for the rough one, which keeps the error of the reciprocal.
RELATIVE = {
    "product": 2.0**-44.5,
    "close_product": 2.0**-45.5,
    "scaled": 2.0**-46,
    "raised": 2.0**-46,
    "sum": 2.0**-46,
    "divided": 2.0**-43,
    "close_divided": 2.0**-45.5,
}
ULPS = {"quotient": 0.5 + 2.0**-15, "near_quotient": 0.5 + 2.0**-15, "rough_quotient": 1.5 + ESTIMATE * 2**24}


def operands(routine: Routine, rng: np.random.Generator) -> dict[str, np.float32]:
    """Arguments that satisfy the guard, with low parts of at most a unit in the last place."""
    names: dict[str, np.float32] = {}
    for argument in routine.arguments:
        name, size = argument.lower(), 2.0 ** rng.uniform(0, 2)
        if routine.guard == "|a| >= |b|" and name == "b":
            size = float(names["a"]) * 2.0 ** rng.uniform(-20, 0) * 0.999
        names[name] = np.float32(size)
        if argument.isupper():
            names[f"{name}_low"] = np.float32(size * 2.0**-23 * rng.uniform(-1, 1))
    if routine.name == "sum":
        names["b"], names["b_low"] = -names["b"], -names["b_low"]
    return names


@each_routine
def test_a_routine_in_binary32(routine):
    rng = np.random.default_rng(7)
    for _ in range(400):
        names = operands(routine, rng)
        found = performed(routine, single_operations(rng))(*(names[p] for p in routine.parameters))
        exact = meant(routine, {k: Fraction(float(v)) for k, v in names.items()})
        if routine.name in ULPS:
            assert ulp_distance(float(found), exact, BINARY32) <= ULPS[routine.name]
        else:
            total = sum(Fraction(float(part)) for part in found)
            size = max(abs(Fraction(float(names[p]))) for p in "ab") if "+" in routine.left else abs(exact)
            assert abs(total - exact) <= RELATIVE[routine.name] * size
            if routine.name.startswith("close"):
                units = 0.5 if routine.name == "close_product" else 4  # the low part of the dividend comes on top
                assert abs(found[1]) <= units * np.spacing(abs(found[0]))


def test_every_routine_has_a_limit_and_some_would_fail_a_tighter_one():
    assert {*RELATIVE, *ULPS} == {*ROUTINES}
    rng, worst = np.random.default_rng(7), 0.0
    for _ in range(400):
        names = operands(ROUTINES["divided"], rng)
        parts = performed(ROUTINES["divided"], single_operations(rng))(*names.values())
        exact = meant(ROUTINES["divided"], {k: Fraction(float(v)) for k, v in names.items()})
        worst = max(worst, float(abs(sum(Fraction(float(p)) for p in parts) - exact) / exact))
    assert worst > RELATIVE["close_divided"]


def test_special_values_spoil_low_parts_alone():
    with np.errstate(all="ignore"):
        operations = {**OPERATIONS, "fma": lambda a, b, c: a * b + c, "reciprocal": lambda a: np.float32(1) / a}
        infinity, one = np.float32(math.inf), np.float32(1)
        run = complete(operations)
        assert run["divided"](one, np.float32(0), infinity)[0] == 0
        assert run["close_divided"](one, np.float32(0), infinity) == (0, 0)
        nan = np.float32(math.nan)
        assert run["quotient"](infinity, nan, one, nan) == math.inf
        assert run["near_quotient"](infinity, one) == run["rough_quotient"](infinity, one) == math.inf
        assert run["quotient"](one, nan, one, one) == 1
        assert math.isnan(run["quotient"](nan, one, one, one))
        assert math.isnan(run["close_divided"](one, one, nan)[0])


# --- Counterparts ---

#: An operand of each kind, in a plan that begins with PRELUDE.
KINDS = {
    "truth": Value("inside"),
    "one": Constant("1", "1"),
    "power": Constant("up", "2**k"),
    "integer": Constant("N", "N"),
    "single": Value("t"),
    "pair": Constant("s", "s"),
    "unit": Value("w"),
}
INV_S = Constant("inv_s", "1/s")
PRELUDE = (
    Step("t", "abs", (Value("x"),)),
    Step("inside", "le", (Value("t"), KINDS["pair"])),
    Step("w", "mul", (Value("t"), INV_S)),
)


@pytest.mark.parametrize("row", [*CLOSE, *COUNTERPARTS], ids=lambda row: f"{row.right} of {row.kinds}")
@pytest.mark.parametrize("inside", [True, False])
def test_a_counterpart_means_the_operation(row, inside):
    """In a plan of its own, up to products of low parts; a difference makes the plan a close one."""
    args = tuple(KINDS[kind] for kind in row.kinds.split())
    if row.kinds == "unit unit integer":
        args = (Value("w"), Value("w"), KINDS["integer"])
    steps = [*PRELUDE, Step("y", row.name, args)]
    if row in CLOSE:
        steps.append(Step("unused", "sub", (KINDS["one"], Value("w"))))
    if row.gives == "truth":
        steps.append(Step("z", "select", (Value("y"), Value("t"), Value("x"))))
    elif row.gives in ("pair", "unit"):
        steps.append(Step("z", "div", (Value("y"), KINDS["pair"])))
    else:
        steps.append(Step("z", "mul", (Value("y"), KINDS["power"])))
    plan = Plan(0, tuple(steps), Value("z"))
    t, s, up, low, inverse_low = symbols("t s up l m", positive=True)
    names: dict[str, Any] = {"x": t, "N": 3, "s": s, "inv_s": 1 / s, "up": up, "down": 1 / up}
    operations = {**OPERATIONS, "abs": lambda a: a, "eq": lambda a, b: a == b}
    operations |= {op: lambda a, b: inside for op in ("le", "lt", "gt", "ge")}
    pairs = in_pairs(plan)
    lows = {"s_low": SMALL * low, "inv_s_low": SMALL * inverse_low}
    found = pairs.run(names | lows, operations=operations)
    expected = plan.run(names | {"s": s + SMALL * low, "inv_s": 1 / s + SMALL * inverse_low}, operations=operations)
    for order in range(2):
        assert cancel(diff(found - expected, SMALL, order).subs(SMALL, 0)) == 0
    used = {step.op for step in pairs.steps}
    assert not (used & {"close_product", "close_divided", "close_chain"}) or row in CLOSE or row.name == "sub"


def test_kinds_are_known_and_every_operation_has_a_counterpart_or_is_refused():
    rows = (*CLOSE, *COUNTERPARTS)
    assert {kind for row in rows for kind in row.kinds.split()} <= ALSO.keys()
    assert {row.gives for row in rows} <= ALSO.keys()
    assert set(CHAINS.values()) <= ROUTINES.keys()
    pair = KINDS["pair"]
    with pytest.raises(PlanError, match="no compensated plan: add of pair, pair"):
        in_pairs(Plan(0, (Step("y", "add", (pair, pair)),), Value("y")))
    with pytest.raises(PlanError, match="not rounded by a quotient"):
        in_pairs(Plan(0, (Step("y", "mul", (pair, pair)),), Value("y")))
