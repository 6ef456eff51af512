"""What reading back rests on: recorded operations, constants beside real numbers, special values of IEEE 754."""

import math
import operator
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from altered import TEXT

from gem_symbolic import parameters
from gem_symbolic.definitions import SEGEM
from gem_symbolic.formats import FORMATS
from gem_symbolic.parameters import pair_constants, scale_constants
from gem_symbolic.plans import Constant, Plan, Step, Value
from gem_symbolic.readback import constants
from gem_symbolic.readback.constants import EPS, nearest
from gem_symbolic.readback.machine import Machine
from gem_symbolic.readback.numbers import InverseRoot, Numbers, Refused
from gem_symbolic.readback.operations import Graph, Node, Recorder, difference
from gem_symbolic.readback.regions import FIELD, ONE, H, R, S
from gem_symbolic.readback.source import Source, World
from gem_symbolic.readback.values import COMPUTE, Scalar, Tensor, ValidationError
from gem_symbolic.validate import validate


def recorded(graph: Graph, expression: str) -> Node:
    """What a kernel does that returns the expression."""
    text = f"import triton\nimport triton.language as tl\n\n@triton.jit\ndef f(x, s, up):\n    return {expression}\n"
    world = World(COMPUTE, triton=True)
    m = Machine(Source.read(text), Recorder(FIELD, graph=graph), world).load()
    given = [Tensor(graph.leaf("x"), COMPUTE, "triton"), *(Scalar(graph.leaf(name), COMPUTE) for name in ("s", "up"))]
    return replace(m, jit=True).call(m.names["f"], given).value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x + s", "s + x"),
        ("(x + s) * (x - s)", "(x - s) * (s + x)"),
        ("tl.where(x < s, x, 1)", "tl.where(s > x, x, 1)"),
        ("tl.where(x <= s, x, 1)", "tl.where(s >= x, x, 1)"),
        ("x * (3 - 1)", "2 * x"),
        ("tl.fma(x, s, 1)", "tl.fma(s, x, 1)"),
        ("tl.where(x == s, x, 1)", "tl.where(s == x, x, 1)"),
        ("x + s * up", "up * s + x"),
    ],
)
def test_the_same_operations(one, other):
    graph = Graph()
    assert recorded(graph, one) is recorded(graph, other)
    assert not difference(recorded(graph, one), recorded(graph, other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x + x", "2 * x"),
        ("(x + s) + 1", "x + (s + x - x + 1)"),
        ("(x * s) * x", "x * (s * x) * 1"),
        ("(x * s) * x", "s * (x * x)"),
        ("(x + 1) + 2", "x + 3"),
        ("x * (x + s)", "x * x + x * s"),
        ("x - s", "-1 * (s - x)"),
        ("x - s", "x + -1 * s"),
        ("tl.fma(x, s, 1)", "x * s + 1"),
        ("tl.fma(x, x, s)", "tl.fma(s, 1, x * x)"),
        ("tl.div_rn(x, x + s)", "tl.div_rn(-1 * x, -1 * (x + s))"),
        ("tl.where(x < s, x, 1)", "tl.where(x >= s, 1, x)"),
        ("tl.abs(x)", "tl.where(x < 0, -1 * x, x)"),
        ("x * 2", "x * 3"),
        ("x * s", "x * x"),
        ("tl.fma(x, s, x + 1)", "tl.fma(x, x + 1, s)"),
        ("tl.fma(x, s, -1 * x)", "-1 * tl.fma(x, -1 * s, x)"),
        ("tl.where(x == s, x, 1)", "tl.where(x <= s, x, 1)"),
        ("tl.where(x == x, x, 1)", "x"),
        ("tl.rsqrt(x) * tl.rsqrt(x)", "tl.rsqrt(x * x)"),
        ("x * (s * up)", "(x * s) * up"),
        ("x * s * up", "x * s"),
    ],
)
def test_other_operations(one, other):
    graph = Graph()
    assert difference(recorded(graph, one), recorded(graph, other))


@pytest.mark.parametrize("text", ["s * s", "(s + up)", "tl.fma(s, s, 1)", "s * up * s", "2 * s"])
def test_constants_are_not_combined(text):
    with pytest.raises(ValidationError, match="in which precision is not known"):
        recorded(Graph(), f"x + {text}")


def test_a_reciprocal_is_the_square_of_an_inverse_root():
    graph = Graph()
    reciprocal = graph.operations["reciprocal"](graph.leaf("x"))
    assert recorded(graph, "tl.rsqrt(x) * tl.rsqrt(x)") is reciprocal
    for other in ("tl.rsqrt(x)", "tl.rsqrt(x * x)", "tl.rsqrt(x) * x", "tl.rsqrt(x) * tl.rsqrt(s * x)"):
        assert recorded(graph, other) is not reciprocal


@pytest.mark.parametrize(
    ("expression", "wide"), [("1 / x", False), ("2 / x", True), ("True / x", True), ("1 / 2", True)]
)
def test_only_one_is_divided_and_only_in_binary64_on_a_cpu(expression, wide):
    text, graph = "import torch\n\n\ndef f(x):\n    return {}\n", Graph()
    x = Tensor(graph.leaf("x"), COMPUTE)

    def run(expression: str, wide: bool) -> Node:
        source = Source.read(text.format(expression))
        m = Machine(source, Recorder(FIELD, graph=graph), World(COMPUTE, wide=wide)).load()
        return m.call(m.names["f"], [x]).value

    assert run("1 / x", True) is graph.apply("div", 1, x.value)
    with pytest.raises(ValidationError, match="only tensors of PyTorch are divided"):
        run(expression, wide)


def test_a_plan_with_an_fma_is_not_its_product_and_sum():
    x, s = Value("x"), Constant("s", "s")
    fused = Plan(0, (Step("y", "fma", (x, s, Constant("1", "1"))),), Value("y"))
    graph = Graph()
    planned = fused.run({"x": graph.leaf("x"), "s": graph.leaf("s")}, operations=graph.operations)
    assert recorded(graph, "tl.fma(x, s, 1)") is planned
    assert difference(recorded(graph, "x * s + 1"), planned) == "add(1, mul(x, s)), where the plan has fma(x, s, 1)"


# --- The constants ---


@pytest.mark.parametrize("name", ["binary32", "binary64"])
@pytest.mark.parametrize("N", range(1, 9))
def test_only_the_nearest_number_is_a_constant(name, N):
    form = FORMATS[name]
    for eps in map(Fraction, EPS):
        for value, power in zip(scale_constants(N, eps, form.precision, form.emin, form.emax), (eps, 1 / eps)):
            exact = Fraction(value)
            unit = Fraction(2) ** (math.frexp(value)[1] - form.precision)
            assert nearest(exact, power, 2 * N, form)
            for wrong in (exact + unit, exact - unit / 2, exact - unit, exact + unit / 2):
                assert not nearest(wrong, power, 2 * N, form)


def test_a_tie_goes_to_the_even_number():
    form = FORMATS["binary32"]
    unit = Fraction(2) ** -23
    tie = 1 + unit / 2
    assert nearest(Fraction(1), tie**2, 2, form)
    assert not nearest(1 + unit, tie**2, 2, form)
    assert nearest(1 - unit / 2, (1 - unit / 2) ** 4, 4, form)


def changed(place: int, change: Callable[[float], float], function: Callable[..., Any] = pair_constants) -> Any:
    """The function with one of its results changed."""

    def run(*args: Any) -> tuple[float, ...]:
        found = function(*args)
        return *found[:place], change(found[place]), *found[place + 1 :]

    return run


def test_a_changed_last_digit_is_refused(monkeypatch):
    other = changed(1, lambda inv_s: math.nextafter(inv_s, math.inf), scale_constants)
    monkeypatch.setattr(constants, "scale_constants", other)
    found = validate(TEXT, SEGEM, (1, 2, 3))
    assert found.equal
    assert {f.target for f in found.refuted} == {"constants"}
    assert {"binary32", "binary64"} <= {f.where for f in found.refuted}
    assert "is not the nearest number to 1/s" in found.refuted[0].why


@pytest.mark.parametrize("N", range(1, 9))
def test_only_the_nearest_number_is_a_low_part(N):
    form = FORMATS["binary32"]
    for eps in map(Fraction, EPS):
        highs = scale_constants(N, eps, form.precision, form.emin, form.emax)
        lows = pair_constants(N, eps, form.precision, form.emin, form.emax)
        for high, low, power in zip(map(Fraction, highs), map(Fraction, lows), (eps, 1 / eps)):
            unit = Fraction(2) ** (math.frexp(low)[1] - form.precision) if low else form.tiny
            assert nearest(low, power, 2 * N, form, beside=high)
            for wrong in (low + unit, low - unit, -low or unit, low + unit / 2, low / 2 or unit, 0 if low else -unit):
                assert not nearest(Fraction(wrong), power, 2 * N, form, beside=high)


@pytest.mark.parametrize(
    ("place", "change", "why"),
    [
        (0, lambda low: low * (1 + 2**-23), "not the nearest number to what rounding left of s"),
        (0, lambda low: -low, "not the nearest number to what rounding left of s"),
        (0, lambda low: 0.0, "not the nearest number to what rounding left of s"),
        (1, lambda low: low * (1 - 2**-23), "not the nearest number to what rounding left of 1/s"),
        (1, lambda low: 2 * low, "not the nearest number to what rounding left of 1/s"),
        (2, lambda up: 3 * up, "not a power of two and its inverse"),
        (2, lambda up: up / 2, "not a power of two and its inverse"),
        (3, lambda down: 2 * down, "not a power of two and its inverse"),
    ],
)
def test_a_changed_constant_of_pairs_is_refused(monkeypatch, place, change, why):
    monkeypatch.setattr(constants, "pair_constants", changed(place, change))
    found = [row for row in constants.examined((1, 2, 3), ()) if row[1]]
    assert [title for title, *_ in found] == ["binary32, pairs"]
    assert why in found[0][1]


@pytest.mark.parametrize(("factor", "why"), [(2.0**-40, "smaller than s and its own"), (2.0**4, "is out of range")])
def test_another_power_of_two_is_refused(monkeypatch, factor, why):
    def other(*args: Any) -> tuple[float, ...]:
        *lows, up, down = pair_constants(*args)
        return *lows, up * factor, down / factor

    monkeypatch.setattr(constants, "pair_constants", other)
    assert why in constants.paired(2, Fraction(10), FORMATS["binary32"])


def test_all_constants_together():
    """What stands for `constants` when calls are read back: None where the scale is out of range."""
    forms = [(f.precision, f.emin, f.emax) for f in (FORMATS[name] for name in constants.COMPUTED)]
    for eps in ("1e-4", "1e30", "1e-200", "1e300"):
        N, exact, narrow, wide, pair = parameters.constants(1, eps, None, forms)
        assert (N, exact) == (1, Fraction(eps))
        assert wide == scale_constants(1, exact, *forms[1])
        if eps in ("1e-4", "1e30"):
            assert narrow == scale_constants(1, exact, *forms[0])
            assert pair == pair_constants(1, exact, *forms[0])
        else:
            assert narrow is pair is None
            with pytest.raises(ValueError, match="out"):
                scale_constants(1, exact, *forms[0])
    assert parameters.constants(1, "1e-1000", None, forms)[2:] == (None, None, None)


# --- The special values ---

NAN, INF = math.nan, math.inf
ZERO, MIXED = FIELD.number(0), ONE - R  # a zero of either sign; what changes its sign in the region
INSIDE = Numbers(FIELD, frozenset(FIELD.symbols), {"r": ONE / (ONE + H)})
WHOLE = replace(INSIDE, moved={"r": H})
OPERATIONS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}


@pytest.mark.parametrize(
    ("a", "op", "b", "expected"),
    [
        (S, "*", 0.0, 0.0),
        (-S, "*", 0.0, -0.0),
        (MIXED, "*", 0.0, ZERO),
        (MIXED, "*", INF, None),
        (MIXED, "*", NAN, NAN),
        (MIXED, "+", INF, INF),
        (MIXED, "-", INF, -INF),
        (MIXED, "+", NAN, NAN),
        (MIXED, "+", 0.0, MIXED),
        (MIXED, "/", INF, ZERO),
        (MIXED, "-", MIXED, 0.0),
        (S, "/", MIXED, None),
        (0.0, "/", MIXED, None),
        (S, "/", 0.0, INF),
        (S, "/", -0.0, -INF),
        (S, "/", INF, 0.0),
        (S, "/", ZERO, None),
        (0.0, "/", ZERO, NAN),
        (0.0, "/", 0.0, NAN),
        (ZERO, "*", MIXED, ZERO),
        (ZERO, "*", INF, NAN),
        (ZERO, "+", S, S),
        (ZERO, "+", ZERO, ZERO),
        (ZERO, "+", 0.0, 0.0),
        (ZERO, "+", -0.0, ZERO),
        (ZERO, "*", 0.0, ZERO),
        (INF, "-", INF, NAN),
        (INF, "*", 0.0, NAN),
        (InverseRoot(S), "*", InverseRoot(S), ONE / S),
        (InverseRoot(S), "*", InverseRoot(R), None),
        (InverseRoot(S), "*", S, None),
        (InverseRoot(S), "+", InverseRoot(S), None),
        (InverseRoot(S), "*", INF, None),
    ],
)
def test_special_values(a, op, b, expected):
    if expected is None:
        with pytest.raises(Refused):
            WHOLE.combine(OPERATIONS[op], a, b)
    else:
        found = WHOLE.combine(OPERATIONS[op], a, b)
        assert repr(found) == repr(expected) if isinstance(expected, float) else found == expected
        assert isinstance(found, float) == isinstance(expected, float)


def test_inverse_roots():
    assert [INSIDE.inverse_root(a) for a in (0.0, -0.0, INF)] == [INF, -INF, 0.0]
    assert all(math.isnan(INSIDE.inverse_root(a)) for a in (NAN, -INF, -S))
    assert INSIDE.inverse_root(MIXED) == InverseRoot(MIXED)  # positive inside
    for a in (ZERO, ONE - 2 * R):
        with pytest.raises(Refused):
            INSIDE.inverse_root(a)


@pytest.mark.parametrize("a", [S, MIXED, 0.0, ZERO, INF, -INF])
def test_only_a_nan_is_not_itself(a):
    assert INSIDE.compare(operator.eq, a, a)
    assert not INSIDE.compare(operator.eq, NAN, NAN)
