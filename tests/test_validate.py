"""Kernel files read back: what is emitted is its definition, and every altered file is refused or is still right."""

import ast
import math
import operator
import re
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gem_symbolic import emit
from gem_symbolic.definitions import EGEM, SEGEM, SEGEM_GATED, VARIANTS, Activation, Branch
from gem_symbolic.formats import FORMATS
from gem_symbolic.parameters import pair_constants, scale_constants
from gem_symbolic.plans import Constant, Plan, Step, Value
from gem_symbolic.readback import constants
from gem_symbolic.readback.calls import Roles
from gem_symbolic.readback.constants import EPS, nearest
from gem_symbolic.readback.machine import Machine
from gem_symbolic.readback.numbers import InverseRoot, Numbers, Refused
from gem_symbolic.readback.operations import Graph, Node, Recorder, difference
from gem_symbolic.readback.regions import FIELD, ONE, REGIONS, Definition, H, R, S
from gem_symbolic.readback.source import Composite, Source, World
from gem_symbolic.readback.values import COMPUTE, Scalar, Tensor, ValidationError
from gem_symbolic.readback.versions import ACCURATE, KERNEL, SHORT, TORCH, VERSIONS, Version
from gem_symbolic.rules import ROUTINES
from gem_symbolic.validate import Plans, check_all_is_reached, examine, main, performed, prove, validate

CODEGEN = Path(__file__).resolve().parent.parent / "codegen"
EMITTED = [name for name, activation in VARIANTS.items() if activation.emitted]
TEXT = (CODEGEN / "segem.py").read_text()


def refused(text: str, activation: Activation = SEGEM) -> str:
    """Why a file is refused by `validate`; empty where it is not."""
    try:
        read, roles = Source.read(text), Roles()
        why = next((f.why for f in examine(read, activation, (1, 2), roles) if not f.holds), "")
        if not why:
            check_all_is_reached(read, roles)
        return why
    except (ValidationError, RecursionError) as error:
        return str(error)


def unequal(text: str, activation: Activation = SEGEM) -> bool:
    """Whether a file is refused for what it is over the reals."""
    try:
        return not validate(text, activation, (1, 2, 3)).equal
    except ValidationError:
        return True


# --- What is right ---


@pytest.mark.parametrize("name", EMITTED)
def test_the_committed_files_are_their_definitions(name):
    found = validate((CODEGEN / f"{name}.py").read_text(), VARIANTS[name])
    assert found.holds
    assert found.Ns == tuple(range(1, 9))
    proved = {(f.target, f.order, f.where) for f in found.findings if f.target in VERSIONS}
    orders, places = ("value", "first derivative", "second derivative"), [*(r.name for r in REGIONS), "operations"]
    expected = {"PyTorch": 3, "Triton": 3, "Triton for 16-bit types": 3, "Triton in pairs": 2}
    assert proved == {(t, o, place) for t, count in expected.items() for o in orders[:count] for place in places}
    assert {f.where for f in found.findings if f.target == "constants"} == {"binary32", "binary64", "binary32, pairs"}


BOTH = replace(SEGEM, branches=(Branch("x <= 0", "x*F*F"), Branch("x > 0", "x*S")))  # no side is x or constant


@pytest.mark.parametrize("activation", [*(a for a in VARIANTS.values() if not a.emitted), BOTH], ids=lambda a: a.name)
def test_what_is_emitted_in_memory_is_its_definition(activation):
    assert validate(emit.source(activation), activation, (1, 2, 3)).holds


def test_reading_a_file_is_quick():
    validate(TEXT, SEGEM, (1,))
    start = time.process_time()
    validate(TEXT, SEGEM)
    assert time.process_time() - start < 2.5


RIGHT = {
    "a local is renamed": (r"\bratio\b", "share"),
    "a parameter is renamed": (r"\binv_s\b", "inverse"),
    "comments": (r"\n    t = torch", "\n    # |x|\n    t = torch"),
    "blank lines": (r"\n    w2 = ", "\n\n    w2 = "),
    "parentheses": (r"ratio = top / \(d \* d\)", "ratio = ((top) / ((d) * d))"),
    "a product the other way round": (r"outer = u \* \(u - \(2 \* N - 1\)\)", "outer = (u - (2 * N - 1)) * u"),
    "a square written out": (r"top / \(d \* d\)", "top / ((1 + u) * d)"),
    "a helper variable": (r"top / d\n", "top / d\n    nothing = ratio\n    ratio = nothing\n"),
    "a comparison turned round": (r"inside = t <= s", "inside = s >= t"),
    "the docstrings": (r'"""f\(x\) for a tensor[^"]*"""', '"""The value."""'),
    "the digest is not looked at": (r"\b[0-9a-f]{64}\b", "0" * 64),
    "fewer lanes": ("_BLOCK = 1024", "_BLOCK = 512"),
    "a sum the other way round": (r"d = 1 \+ u", "d = u + 1"),
    "statements in another order": (r"( +u = .*\n)( +v = .*\n)", r"\2\1"),
    "what is computed twice": (r"\n    outer = u \* \(u", r"\n    outer = _chain(w2, w2, N - 1) * (u"),
    "the power loop turned round": (r"a = a \* b", "a = b * a"),
    "pairs: factors of an fma exchanged": (r"tl\.fma\(a, b, -high\)", "tl.fma(b, a, -high)"),
    "pairs: a product turned round": (r"high = a \* b\n", "high = b * a\n"),
    "pairs: a sum turned round": (r"high = a \+ b\n", "high = b + a\n"),
    "pairs: a pair by another name": (r"\bp18\b", "square"),
    "pairs: two names for a pair": (
        r"(far, far_low) = (_divided.*\n)",
        r"there, there_low = \2        \1 = there, there_low\n",
    ),
    "pairs: what is computed twice": (r"tl\.fma\(p2, b_low", "tl.fma(-guess, b_low"),
    "pairs: a helper of its own": (r"\((ratio) == ratio,", r"(ratio == (\1),"),
    "pairs: constants lifted by name": (r"( +)(far, far_low = _divided\()s \* up,", r"\1high = up * s\n\1\2high,"),
}
#: What is the same over the reals, but rounds otherwise: what is replaced, and by what.
OTHERWISE = {
    "a product reassociated": (
        "outer = v * u * (2 * N * (2 * N + 1) * u - 2 * N * (2 * N - 1))",
        "outer = v * (u * (2 * N * (2 * N + 1) * u - 2 * N * (2 * N - 1)))",
    ),
    "a power reassociated": ("outer = _chain(s * w, w2, N - 1)", "outer = s * _chain(w, w2, N - 1)"),
    "a product distributed": ("outer = u * (u - (2 * N - 1))", "outer = u * u - u * (2 * N - 1)"),
    "a square expanded": ("top / (d * d)", "top / (1 + 2 * u + u * u)"),
    "one division by a square as two": ("top / (d * d)", "top / d / d"),
    "a product before a division": ("ratio = top / d\n", "ratio = top * d / (d * d)\n"),
    "a product with the inverse for a quotient": (
        "w = torch.where(inside, t, s) / torch.where(inside, s, t)",
        "w = torch.where(inside, t * inv_s, torch.where(inside, t, s) / torch.where(inside, s, t))",
    ),
    "a quotient undone, in Triton": ("tl.where(inside, t, outer)", "tl.where(inside, t * s * inv_s, outer)"),
    "an fma": ("        inner = 1 - (2 * N - 1) * u\n", "        inner = tl.fma(1 - 2 * N, u, 1)\n"),
    "a sum for a difference": ("inner = 1 - (2 * N - 1) * u", "inner = 1 + (1 - 2 * N) * u"),
    "a sign moved": (
        "ratio = top / d\n    return torch.where(x < 0, -ratio, x)",
        "ratio = -top / d\n    return torch.where(x < 0, ratio, x)",
    ),
    "a multiplication by 1": ("d = 1 + u", "d = 1 * (1 + u)"),
    "nothing added": ("d = 1 + u", "d = 0 + (1 + u)"),
    "an integer in two parts": ("inner = 1 - (2 * N - 1) * u", "inner = 1 - (2 * N * u - u)"),
    "at 0 both branches agree": ("where(x < 0, -ratio, x)", "where(x <= 0, -ratio, x)"),
    "at the scale both forms agree": ("inside = t <= s", "inside = t < s"),
    "another quotient for 32 bits": ("ratio = tl.div_rn(top, d)", "ratio = _near_quotient(top, d)"),
    "the nearest quotient for 16 bits": ("ratio = _near_quotient(top, d)", "ratio = tl.div_rn(top, d)"),
    "short: no correction": ("ratio = tl.fma(tl.fma(-guess, b, a), inverse, guess)", "ratio = guess"),
    "short: the residual rounded twice": ("tl.fma(tl.fma(-guess, b, a),", "tl.fma(a - guess * b,"),
    "pairs: an fma split in two": ("tl.fma(a, b, -high)", "a * b - high"),
    "pairs: the last fma split in two": ("b, a) + a_low), inverse, guess)", "b, a) + a_low), inverse, 0) + guess"),
    "pairs: two products in one fma's order": (
        "tl.fma(a, b_low, tl.fma(a_low, b, tl.fma(a, b, -high)))",
        "tl.fma(a_low, b, tl.fma(a, b_low, tl.fma(a, b, -high)))",
    ),
    "pairs: a sum reassociated": ("(high - part) + (b - part) + b_low", "(high - part) + ((b - part) + b_low)"),
    "pairs: another sum reassociated": ("low = b - (high - a) + b_low", "low = b + (a - high) + b_low"),
    "pairs: a sum for the ordered one": ("d, d_low = _raised(1, u, u_low)", "d, d_low = _sum(1, u, u_low)"),
    "pairs: the ordered sum for a sum": ("_sum(1, -p9, -p9_low)", "_raised(1, -p9, -p9_low)"),
    "pairs: a low part dropped": ("_product(w, w_low, w, w_low)", "_product(w, w_low, w, 0)"),
    "pairs: both low parts dropped": ("_product(w, w_low, w, w_low)", "_product(w, 0, w, 0)"),
    "pairs: a low result dropped": ("return high, low", "return high, high - high"),
    "pairs: a term of the product dropped": ("tl.fma(a_low, b, tl.fma(a, b, -high))", "tl.fma(a, b, -high)"),
    "pairs: a term of the sum dropped": ("low = b - (high - a) + b_low", "low = b - (high - a)"),
    "pairs: a low part of the quotient dropped": ("tl.fma(p2, b, a) + a_low", "tl.fma(p2, b, a)"),
    "pairs: no correction": (
        "ratio = tl.fma(tl.fma(p2, b_low, tl.fma(p2, b, a) + a_low), inverse, guess)",
        "ratio = guess",
    ),
    "pairs: the correction's sign": ("p2 = -guess", "p2 = guess - guess - guess"),
    "pairs: the inverse is not refined": (
        "(tl.fma(-high, b, a) + a_low) * inverse",
        "(tl.fma(-high, b, a) + a_low) * near",
    ),
    "pairs: the nearest reciprocal": ("inverse = _reciprocal(b)", "inverse = tl.div_rn(b, b * b)"),
    "pairs: the low part of the scale dropped": ("_divided(s, s_low, t)", "_divided(s, 0, t)"),
    "pairs: the low part of another constant": ("_scaled(t, inv_s, inv_s_low)", "_scaled(t, inv_s, s_low)"),
    "pairs: a low part not lifted": ("_divided(s * up, s_low * up, t)", "_divided(s * up, s_low, t)"),
    "pairs: a low part lowered": ("_divided(s * up, s_low * up, t)", "_divided(s * up, s_low * down, t)"),
    "pairs: a low part of the other side": ("inside, p5_low, far_low * down", "inside, p5_low, p5_low"),
    "pairs: low parts exchanged": (
        "top_low = tl.where(inside, 0, outer_low)",
        "top_low = tl.where(inside, outer_low, 0)",
    ),
    "pairs: lowered before the quotient": (
        "ratio = _quotient(top, top_low, d, d_low)\n        return tl.where(x < 0, -(ratio * down), x)",
        "ratio = _quotient(top * down, top_low * down, d, d_low)\n        return tl.where(x < 0, -ratio, x)",
    ),
    "pairs: the factors of the loop exchanged": (
        "a, a_low = _product(a, a_low, b, b_low)",
        "a, a_low = _product(b, b_low, a, a_low)",
    ),
}
#: The same of what is passed on.
EXCHANGED = {
    "pairs: the constants in another order": ("*pair, _BLOCK", "pair[1], pair[0], pair[2], pair[3], _BLOCK"),
    "pairs: arguments in another order": (
        "_accurate_first(x, s, inv_s, s_low, inv_s_low",
        "_accurate_first(x, s, inv_s, inv_s_low, s_low",
    ),
}


@pytest.mark.parametrize("case", RIGHT)
def test_what_means_the_same_is_not_refused(case):
    pattern, new = RIGHT[case]
    text = re.sub(pattern, new, TEXT)
    assert text != TEXT
    found = alone(text)
    assert set(found.values()) <= {(True, True)}
    assert found or ast.dump(ast.parse(text)) == ast.dump(ast.parse(TEXT)) or not refused(text)


@pytest.mark.parametrize("case", OTHERWISE)
def test_what_rounds_otherwise_is_refused(case):
    found = alone(altered(*OTHERWISE[case])).values()
    assert (True, False) in found
    assert all(equal for equal, _ in found)


@pytest.mark.parametrize(
    "case",
    [
        "a product reassociated",
        "another quotient for 32 bits",
        "pairs: both low parts dropped",
        "pairs: a sum reassociated",
    ],
)
def test_the_whole_file_is_refused_for_what_rounds_otherwise(case):
    found = validate(altered(*OTHERWISE[case]), SEGEM, (1, 2))
    assert found.equal
    assert {f.where for f in found.refuted} == {"operations"}
    assert "where the plan has" in found.refuted[0].why


@pytest.mark.parametrize("case", EXCHANGED)
def test_exchanged_constants_are_refused(case):
    found = validate(altered(*EXCHANGED[case]), SEGEM, (1, 2))
    assert found.equal
    assert {(f.target, f.where) for f in found.refuted} == {("Triton in pairs", "operations")}


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
        ("x - s", "-(s - x)"),
        ("x - s", "x + -s"),
        ("tl.fma(x, s, 1)", "x * s + 1"),
        ("tl.fma(x, x, s)", "tl.fma(s, 1, x * x)"),
        ("tl.div_rn(x, x + s)", "tl.div_rn(-x, -(x + s))"),
        ("tl.where(x < s, x, 1)", "tl.where(x >= s, 1, x)"),
        ("tl.abs(x)", "tl.where(x < 0, -x, x)"),
        ("x * 2", "x * 3"),
        ("x * s", "x * x"),
        ("tl.fma(x, s, x + 1)", "tl.fma(x, x + 1, s)"),
        ("tl.fma(x, s, -x)", "-tl.fma(x, -s, x)"),
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


def test_a_formatted_file_is_not_refused():
    assert not refused(ast.unparse(ast.parse(TEXT)))


# --- What is wrong ---

#: What is replaced in SE-GEM's file, once, and by what.
WRONG = {
    "a sign": ("-ratio, x)", "ratio, x)"),
    "a sign of Triton alone": ("tl.where(x < 0, -ratio, x)", "tl.where(x < 0, ratio, x)"),
    "an integer": ("d = 1 + u", "d = 2 + u"),
    "an integer of a derivative": ("inner = 1 - (2 * N - 1) * u", "inner = 1 - (2 * N + 1) * u"),
    "right for N = 1 only": ("inner = 1 - (2 * N - 1) * u", "inner = 1 - (4 * N - 3) * u"),
    "swapped branches": ("return torch.where(x < 0, -ratio, x)", "return torch.where(x < 0, x, -ratio)"),
    "swapped forms": ("top = torch.where(inside, t, outer)", "top = torch.where(inside, outer, t)"),
    "the other comparison": ("return torch.where(x < 0, -ratio, x)", "return torch.where(x >= 0, -ratio, x)"),
    "the scale compared the other way": ("inside = t <= s", "inside = t >= s"),
    "another scale": ("inside = t <= s", "inside = t <= inv_s"),
    "a NaN is lost": ("return torch.where(x > 0, 1, ratio)", "return torch.where(x <= 0, ratio, 1)"),
    "infinity gives NaN": ("top = torch.where(inside, t, outer)", "top = torch.where(inside, t, t * u)"),
    "s for 1/s": ("v = inv_s * w", "v = s * w"),
    "w for w^2": ("u = _chain(w2, w2, N - 1)", "u = _chain(w2, w, N - 1)"),
    "one factor too many": ("u = _chain(w2, w2, N - 1)", "u = _chain(w2, w2, N)"),
    "a dropped factor": ("outer = v * u * (", "outer = u * ("),
    "a dropped power": ("ratio = top / (d * d)\n", "ratio = top / d\n"),
    "x for |x|": ("t = torch.abs(x)", "t = x"),
    "the power loop": ("        a = a * b\n    return a\n\n\ndef", "        a = a * a\n    return a\n\n\ndef"),
    "the power loop of Triton": (
        "            a = a * b\n        return a\n",
        "            a = a + b\n        return a\n",
    ),
    "the order of the composites": (
        "_COMPOSITES = (_value, _first, _second)",
        "_COMPOSITES = (_value, _second, _first)",
    ),
    "the order of the kernel": ("y = _triton_first(x", "y = _triton_second(x"),
    "the order of the kernel for 16 bits": ("y = _short_first(x", "y = _short_second(x"),
    "the order of the kernel in pairs": ("y = _accurate_first(x", "y = _accurate_value(x"),
    "the weight at order 0": ("        if order > 0:\n", "        if order > 1:\n"),
    "a wrong division of Triton": ("ratio = tl.div_rn(top, d)", "ratio = top / d"),
    "an approximate division": ("ratio = tl.div_rn(top, d)", "ratio = tl.fdiv(top, d)"),
    "a number divided by a tensor": ("ratio = top / d\n", "ratio = 1 / d * top\n"),
    "the backward's order": ("ctx.order + 1, *ctx.constants", "ctx.order, *ctx.constants"),
    "the backward's last order": ("if ctx.order + 1 == len", "if ctx.order == len"),
    "the weight of the backward": ("_Elementwise.apply(x, weight, ctx", "_Elementwise.apply(x, grad, ctx"),
    "the gradient of the weight": ("_Elementwise.apply(x, grad, ctx.order,", "_Elementwise.apply(x, None, ctx.order,"),
    "a gradient for another input": ("return grad_x, grad_g, None", "return grad_g, grad_x, None"),
    "a missing gradient": ("grad_g, None, None, None, None, None", "grad_g, None, None, None, None"),
    "the product rounded thrice": ("y * g.to(wide)).to", "(y + y) * g.to(wide) - y * g.to(wide)).to"),
    "x rounded before it is used": ("[order](x.to(wide), s", "[order](x.to(wide) + x.to(wide) - x.to(wide), s"),
    "constants rounded again": ("[order](x.to(wide), s,", "[order](x.to(wide), s * s * inv_s,"),
    "the weight is squared": ("y * g.to(wide)).to", "y * g.to(wide) * g.to(wide)).to"),
    "computed in the type of x": ("_COMPOSITES[order](x.to(wide), s", "_COMPOSITES[order](x, s"),
    "computed in the type of x by Triton": (
        "x_pointer + offsets, mask=mask).to(tl.float32)",
        "x_pointer + offsets, mask=mask)",
    ),
    "rounded twice": ("y * g.to(wide)).to(x.dtype)", "y * g.to(wide)).to(torch.float16).to(x.dtype)"),
    "narrow on the CPU": ('x.device.type == "cpu" else', 'x.device.type == "cuda" else'),
    "constants of another type": ("*_constants(N, eps, _compute_type(x))", "*_constants(N, eps, torch.float64)"),
    "swapped constants": ("x, g = (a if", "s, inv_s = inv_s, s\n    x, g = (a if"),
    "swapped constants of the launch": (
        "y.numel(), order, N, s, inv_s, *pair",
        "y.numel(), order, N, inv_s, s, *pair",
    ),
    "another degree of the root": ("constants = root(eps, 2 * N, bits)", "constants = root(eps, N, bits)"),
    "the root's rounding": ("2 * rest > unit", "2 * rest >= unit"),
    "another eps": ("scale_constants(N, eps, *_F", "scale_constants(N, eps * eps, *_F"),
    "another N": ("scale_constants(N, eps, *_F", "scale_constants(N + 1, eps, *_F"),
    "eps for scale": ("*resolve(N, eps, scale), accurate)", "*resolve(N, scale, eps), accurate)"),
    "scale is ignored": ("*resolve(N, eps, scale), accurate)", "*resolve(N, eps), accurate)"),
    "the module ignores eps": (
        "self.N, self.eps = resolve(N, eps, scale)",
        "self.N, self.eps = resolve(N, None, scale)",
    ),
    "fewer bits": ("torch.float32: (24,", "torch.float32: (23,"),
    "fused": ('"enable_fp_fusion": False', '"enable_fp_fusion": True'),
    "fused by default": (', "enable_fp_fusion": False', ""),
    "a lane too many": ("mask = offsets < size", "mask = offsets <= size"),
    "no mask": ("offsets, mask, order", "offsets, None, order"),
    "a block too far": ("if start + block <= size:", "if start <= size:"),
    "overlapping blocks": ("tl.program_id(0).to(tl.int64) * block", "tl.program_id(0).to(tl.int64)"),
    "offsets of 32 bits": ("tl.program_id(0).to(tl.int64) * block", "tl.program_id(0) * block"),
    "too few blocks": ("grid = (triton.cdiv(y.numel(), _BLOCK),)", "grid = (triton.cdiv(y.numel(), 2048),)"),
    "another layout": ("a is None or a.stride() == y.stride()", "a is None or y.stride() == y.stride()"),
    "an element that is not stored": ("tl.store(y_pointer + offsets,", "tl.store(x_pointer + offsets,"),
    "a line after the module": ("# Autograd.\n", "# Autograd.\n\nfunctools.partial(print)\n"),
    "a library that is changed": ("# Autograd.\n", "# Autograd.\n\ntorch.where = torch.abs\n"),
    "a function with a second meaning": ("# Autograd.\n", "# Autograd.\n\n_first = _second\n"),
    "a builtin with another meaning": ("# Autograd.\n", "# Autograd.\n\nrange = 3\n"),
    "a function that nobody calls": ("# Autograd.\n", "# Autograd.\n\n\ndef hidden(x):\n    return x\n"),
    "a statement that is never reached": ("    return y\n", "    return y\n    y = x\n"),
    "an import": ("import math\n", "import math\nimport os\n"),
    "an import under another name": ("import math\n", "import math as torch\n"),
    "an assertion": ("    d = 1 + u\n", "    d = 1 + u\n    assert d\n"),
    "an operation in place": ("    d = 1 + u\n", "    d = 1\n    d += u\n"),
    "a method in place": ("    d = 1 + u\n", "    d = 1 + u\n    d.mul_(d)\n"),
    "an unknown call": ("t = torch.abs(x)", "t = torch.erf(x)"),
    "an unknown operator": ("d = 1 + u", "d = 1 + u**1"),
    "a float": ("d = 1 + u", "d = 1.0 + u"),
    "a case for one type": ("    d = 1 + u\n", "    d = 1 + u if x.dtype == torch.float64 else u\n"),
    "a case for one N": ("    d = 1 + u\n", "    d = 1 + u if N < 3 else u\n"),
    "a case for some N of the call": (
        "    return _Elementwise",
        "    N = 2 if N in (3, 4) else N\n    return _Elementwise",
    ),
    "a case for floats": (
        "    return _activate(x, *resolve(N, eps, scale), ",
        "    eps = 2 * eps if isinstance(eps, float) else eps\n    return _activate(x, *resolve(N, eps, scale), ",
    ),
    "a case for a text": ("    d = 1 + u\n", '    d = 1 + u if f"{N}" == "text" else u\n'),
    "a case for files without triton": ("    d = 1 + u\n", "    d = (1 + u, u)[triton is None]\n"),
    "a case for computers without triton": (
        "    d = 1 + u\n",
        "    d = 1 + u if triton is not None else u\n",
    ),
    "a function that calls itself": (
        "    wide = _compute_type(x)\n",
        "    wide = _composite_apply(x, g, order, N, s, inv_s)\n",
    ),
    "short: a NaN for a limit": (
        "ratio = tl.fma(tl.fma(-guess, b, a), inverse, guess)\n        return tl.where(ratio == ratio, ratio, guess)",
        "ratio = tl.fma(tl.fma(-guess, b, a), inverse, guess)\n        return ratio",
    ),
    "short: asked of the guess": (
        "b, a), inverse, guess)\n        return tl.where(ratio == ratio",
        "b, a), inverse, guess)\n        return tl.where(guess == guess",
    ),
    "short: for all types": ("elif x_pointer.dtype.element_ty == tl.float32:", "elif 1 == 2:"),
    "short: for no type": ("elif x_pointer.dtype.element_ty == tl.float32:", "elif 1 == 1:"),
    "short: for one of the types": (
        "elif x_pointer.dtype.element_ty == tl.float32:",
        "elif x_pointer.dtype.element_ty == tl.float16:",
    ),
    "an inverse root for a reciprocal": ("return root * root", "return root"),
    "twice an inverse root": ("return root * root", "return root + root"),
    "another root": ("root = tl.rsqrt(b)", "root = tl.sqrt(b)"),
    "no root": ("root = tl.rsqrt(b)", "root = tl.abs(b)"),
    "the root of something else": ("root = tl.rsqrt(b)", "root = tl.rsqrt(b + 1)"),
    "a division for a reciprocal": ("near = _reciprocal(b)", "near = 1 / b"),
    "pairs: a NaN for a limit": ("return tl.where(ratio == ratio, ratio, a)", "return ratio"),
    "pairs: asked of the guess": ("tl.where(ratio == ratio, ratio, a)", "tl.where(guess == guess, ratio, a)"),
    "pairs: another way out at infinity": ("tl.where(ratio == ratio, ratio, a)", "tl.where(ratio == ratio, ratio, b)"),
    "pairs: asked whether it differs": (
        "tl.where(ratio == ratio, ratio, a)",
        "tl.where(ratio != ratio, a, ratio)",
    ),
    "pairs: a part of the fma": ("tl.fma(a, b, -high)", "tl.fma(a, b, high)"),
    "pairs: a sum": ("low = b - (high - a) + b_low", "low = b - (high + a) + b_low"),
    "pairs: another sum": (
        "low = a - (high - part) + (b - part) + b_low",
        "low = a - high - part + (b - part) + b_low",
    ),
    "pairs: high for low": ("return high, low", "return low, high"),
    "pairs: arguments high for low": ("_product(w, w_low, w, w_low)", "_product(w_low, w, w_low, w)"),
    "pairs: results high for low": ("d, d_low = _raised(1, u, u_low)", "d_low, d = _raised(1, u, u_low)"),
    "pairs: a low part for a high one": (
        "w = tl.where(inside, p5, far * down)",
        "w = tl.where(inside, p5_low, far * down)",
    ),
    "pairs: the residual's sign": ("(tl.fma(-high, b, a) + a_low) * inverse", "(tl.fma(high, b, a) + a_low) * inverse"),
    "pairs: the inverse is no inverse": ("inverse = tl.fma(near, tl.fma(-b, near, 1), near)", "inverse = near * b"),
    "pairs: up for down": ("far * down)  #", "far * up)  #"),
    "pairs: down for up": ("inner = t * up", "inner = t * down"),
    "pairs: not lowered": ("-(ratio * down)", "-ratio"),
    "pairs: not lifted": ("_divided(s * up, s_low * up, t)", "_divided(s, s_low, t)"),
    "pairs: up and down of the launch": ("*pair, _BLOCK", "pair[0], pair[1], pair[3], pair[2], _BLOCK"),
    "pairs: the low part for the scale": (
        "s, inv_s, *pair, _BLOCK",
        "pair[0], inv_s, s, pair[1], pair[2], pair[3], _BLOCK",
    ),
    "pairs: for the second derivative": ("if s_low is not None and order < 2:", "if s_low is not None and order < 3:"),
    "pairs: for the value only": ("if s_low is not None and order < 2:", "if s_low is not None and order < 1:"),
    "pairs: where not asked for": ("if s_low is not None and order < 2:", "if order < 2:"),
    "pairs: never": ("if accurate and x.dtype", "if accurate and N == 0 and x.dtype"),
    "pairs: always": ("if accurate and x.dtype", "if x.dtype"),
    "pairs: the other way round": ("if accurate and x.dtype", "if not accurate and x.dtype"),
    "pairs: for every type": ("accurate and x.dtype == torch.float32 and", "accurate and"),
    "pairs: for a 16-bit type": (
        "accurate and x.dtype == torch.float32",
        "accurate and x.dtype in (torch.float32, torch.float16)",
    ),
    "pairs: for another type": ("accurate and x.dtype == torch.float32", "accurate and x.dtype == torch.bfloat16"),
    "pairs: elsewhere": ("x.dtype == torch.float32 and _on_triton(x)", "x.dtype == torch.float32"),
    "pairs: forgotten by the function": ("*resolve(N, eps, scale), accurate)", "*resolve(N, eps, scale), False)"),
    "pairs: forgotten by the module": ("        self.accurate = accurate", "        self.accurate = False"),
    "pairs: forgotten by the module's call": ("self.eps, self.accurate)", "self.eps, False)"),
    "pairs: asked for by default": ("scale=None, accurate=False):\n    ", "scale=None, accurate=True):\n    "),
    "pairs: not shown by the module": ("{', accurate=True' if self.accurate else ''}", ""),
    "pairs: shown by every module": ("{', accurate=True' if self.accurate else ''}", ", accurate=True"),
    "pairs: shown by the other modules": ("if self.accurate else ''", "if not self.accurate else ''"),
    "pairs: forgotten by scale": (
        "    return _activate(x, *resolve(N, eps, scale), accurate)",
        "    accurate = accurate and scale is None\n    return _activate(x, *resolve(N, eps, scale), accurate)",
    ),
    "pairs: forgotten by the launch": ("*pair, _BLOCK", "*_NO_PAIR, _BLOCK"),
    "pairs: forgotten by the forward": (
        "_triton_apply(x, g, order, N, s, inv_s, pair)\n        return",
        "_triton_apply(x, g, order, N, s, inv_s, _NO_PAIR)\n        return",
    ),
    "pairs: forgotten by the backward": (
        "ctx.order + 1, *ctx.constants)",
        "ctx.order + 1, *ctx.constants[:3], _NO_PAIR)",
    ),
    "pairs: of another scale": ("return pair_constants(N, eps, *_F", "return pair_constants(N + 1, eps, *_F"),
    "pairs: of another eps": ("return pair_constants(N, eps, *_F", "return pair_constants(N, eps + eps, *_F"),
    "pairs: of another type's format": ("*_FORMATS[torch.float32])", "*_FORMATS[torch.float64])"),
    "pairs: of other numbers": ("lows, up, 1 / up", "lows, up, 2 / up"),
    "pairs: another power of two": ("highest - 2 - binade", "highest - 1 - binade"),
    "pairs: low parts to fewer bits": (
        "math.copysign(float(root(abs(a - b), 1, bits)), a - b)",
        "math.copysign(float(root(abs(a - b), 1, 8)), a - b)",
    ),
    "no Python": ("    d = 1 + u\n", "    d = 1 + \n"),
    "no activation": ("def segem(", "def other("),
}


def altered(old: str, new: str) -> str:
    assert old in TEXT, f"{old!r} is not in the file any more"
    return TEXT.replace(old, new, 1)


@pytest.mark.parametrize("case", WRONG)
def test_what_is_altered_is_refused(case):
    text = altered(*WRONG[case])
    assert any(found != (True, True) for found in alone(text).values()) or refused(text)


@pytest.mark.parametrize(
    "case",
    [
        *list(WRONG)[:1],
        "infinity gives NaN",
        "the power loop of Triton",
        "short: a NaN for a limit",
        "pairs: high for low",
    ],
)
def test_the_whole_file_is_refused(case):
    text = altered(*WRONG[case])
    assert refused(text) or not validate(text, SEGEM, (1, 2)).equal


def test_every_version_performs_its_own_plan():
    """The short kernels for 32 bits, and the plain ones for 16, are the definition, but not what was analysed."""
    text = TEXT
    for order in emit.ORDERS:
        text = text.replace(f"y = _triton_{order}(", f"y = ={order}(").replace(
            f"y = _short_{order}(", f"y = _triton_{order}("
        )
        text = text.replace(f"y = ={order}(", f"y = _short_{order}(")
    found = validate(text, SEGEM, (1, 2))
    assert found.equal
    assert {(f.target, f.where) for f in found.refuted} == {
        ("Triton", "operations"),
        ("Triton for 16-bit types", "operations"),
    }
    assert len(found.refuted) == 6


def test_a_refusal_names_line_and_text():
    text = altered("t = torch.abs(x)", "t = torch.erf(x)")
    line = 1 + text[: text.index("torch.erf")].count("\n")
    with pytest.raises(ValidationError, match=rf"^line {line}: torch\.erf: the meaning of torch\.erf is not known$"):
        validate(text, SEGEM)


def test_a_refutation_says_where():
    found = validate(altered("d = 1 + u", "d = 2 + u"), SEGEM)
    assert {f.target for f in found.refuted} == {"PyTorch"}
    assert "-s < x < 0" in {f.where for f in found.refuted if f.order == "value"}
    assert "N = 1" in found.refuted[0].why


@pytest.mark.parametrize(
    "activation",
    [
        replace(SEGEM, branches=(Branch("x <= 0", "2*x*S"), SEGEM.branches[1])),
        replace(SEGEM, branches=(SEGEM.branches[0], Branch("x > 0", "x*F"))),
        replace(SEGEM, where={**SEGEM.where, "S": "F"}),
        replace(SEGEM_GATED, name="segem"),
        replace(EGEM, name="segem"),
        replace(SEGEM, parameters=SEGEM.at(eps="1")),
    ],
    ids=lambda a: " ".join(b.expr for b in a.branches),
)
def test_another_definition_refuses_the_file(activation):
    assert refused(TEXT, activation)


def test_a_jump_belongs_to_the_branch_of_zero():  # no plan is derived for a jump: over the reals it is one
    step = replace(SEGEM, branches=(Branch("x < 0", "x*S - 1"), Branch("x >= 0", "x")))
    text = TEXT.replace("x < 0, -ratio, x)", "x < 0, -ratio - 1, x)").replace(
        "-(ratio * down), x)", "-(ratio * down) - 1, x)"
    )
    assert not unequal(text, step)
    assert "no evaluation plan" in refused(text, step)
    assert unequal(text.replace("x < 0, -ratio - 1", "x <= 0, -ratio - 1"), step)


def test_the_command_line(tmp_path, capsys):
    assert main([str(CODEGEN / "gem.py")]) == 0
    assert "proved" in capsys.readouterr().out
    (tmp_path / "segem.py").write_text(altered("d = 1 + u", "d = 2 + u"))
    assert main([str(tmp_path / "segem.py")]) == 1
    (tmp_path / "segem.py").write_text(altered("t = torch.abs(x)", "t = torch.erf(x)"))
    assert main([str(tmp_path / "segem.py")]) == 1
    assert "torch.erf" in capsys.readouterr().err
    assert main([str(tmp_path / "missing.py")]) == 2


# --- Every operator, constant and name of the composites, one at a time ---

#: The functions of each version, by their prefix.
PREFIXES = {"_": TORCH, "_triton_": KERNEL, "_short_": SHORT, "_accurate_": ACCURATE}
SINGLE = [prefix + order for prefix in ("_", "_triton_", "_short_") for order in emit.ORDERS]
#: The short ones are the others but for their quotients.
MUTATED = [name for name in SINGLE if not name.startswith("_short_") or name == "_short_first"]
PAIRED = [f"_accurate_{order}" for order in emit.ORDERS[: emit.ACCURATE]]
#: What they call, and one of them that does.
HELPERS = {f"_{name}": "_accurate_first" for name in ROUTINES} | {
    "_pair_chain": "_accurate_value",
    "_close_chain": "_accurate_first",
    "_divided": "_accurate_value",
    "_reciprocal": "_accurate_value",
    "_near_quotient": "_short_value",
    "_triton_chain": "_triton_value",
    "_chain": "_value",
}
SWAPS: dict[type, tuple[Callable[[], ast.AST], ...]] = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Add,),
    ast.Div: (ast.Mult,),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq, ast.Lt, ast.LtE),
}


def changes(node: ast.AST, names: list[str]) -> Iterator[ast.AST]:
    """A node with its operator, integer, name, order of arguments or sign changed, an fma split, a sum reassociated."""
    for field in ("op", "ops"):
        operators = getattr(node, field, None)
        for other in SWAPS.get(type(operators[0] if isinstance(operators, list) else operators), ()):
            yield other_than(node, **{field: [other()] if field == "ops" else other()})
    match node:
        case ast.Constant(value=int(value)):
            yield from (ast.Constant(v) for v in (value + 1, value - 1))
        case ast.Name(id=name, ctx=ast.Load()) if name in names:
            after = names[(names.index(name) + 1) % len(names)]
            yield from (other_than(node, id=v) for v in sorted({after, names[0], names[-1], "0"} - {name}))
        case ast.Call(func=ast.Attribute(attr="fma"), args=[a, b, c]):
            yield ast.BinOp(ast.BinOp(a, ast.Mult(), b), ast.Add(), c)
            yield ast.Call(node.func, [a, c, b], [])
        case ast.Call(args=[*others, a, b]):
            yield other_than(node, args=[*others, b, a])
        case ast.Tuple(elts=[a, b]):
            yield other_than(node, elts=[b, a])
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            yield operand
    match node:
        case ast.BinOp(ast.BinOp(a, ast.Add() | ast.Sub() as inner, b), ast.Add() | ast.Sub() as outer, c):
            same = type(inner) is type(outer)
            yield ast.BinOp(a, inner, ast.BinOp(b, ast.Add() if same else ast.Sub(), c))


def other_than(node: Any, **fields: Any) -> Any:
    return ast.copy_location(type(node)(**{**{name: getattr(node, name) for name in node._fields}, **fields}), node)


class Replace(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST):
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.old else self.generic_visit(node)


def mutants(function: ast.FunctionDef) -> Iterator[list[Any]]:
    """The body of the function with one thing changed, all others as they are."""
    loaded = {n.id for n in ast.walk(function) if isinstance(n, ast.Name)}
    called = {n.func.id for n in ast.walk(function) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    names = sorted(loaded - called - {"torch", "tl"})
    for k, statement in enumerate(function.body):
        for place, node in enumerate(ast.walk(statement)):
            for new in changes(node, names):
                fresh = deepcopy(statement)
                altered = Replace(list(ast.walk(fresh))[place], deepcopy(new)).visit(fresh)
                yield [*function.body[:k], ast.fix_missing_locations(altered), *function.body[k + 1 :]]


@dataclass(frozen=True)
class Root:
    """The inverse square root of a number, by its square."""

    of: Fraction

    def __mul__(self, other: "Root") -> Fraction:
        assert self == other
        return divide(1, self.of)


def divide(a, b):
    return Fraction(a) / b if b else Fraction(0)


OPERATIONS_OF_LIBRARIES = SimpleNamespace(
    abs=abs,
    where=lambda c, a, b: a if c else b,
    div_rn=divide,
    rsqrt=Root,
    fma=lambda a, b, c: a * b + c,
    static_range=range,
)


def at_points(functions: dict[str, Any], name: Any, low: Fraction) -> list[object]:
    """A function by brute force: exact values at points, on both sides of the scale and of 0, low parts as given."""
    module = Plain().visit(ast.Module([deepcopy(f) for f in functions.values()], type_ignores=[]))
    names = {"torch": OPERATIONS_OF_LIBRARIES, "tl": OPERATIONS_OF_LIBRARIES, "divide": divide}
    exec(compile(ast.fix_missing_locations(module), "<file>", "exec"), names)
    s, points = Fraction(3, 2), [Fraction(k, 4) for k in range(-13, 14)]
    pair = (low, -2 * low, Fraction(8), Fraction(1, 8)) if name in PAIRED else ()
    return [names[name](x, s, 1 / s, *pair, N) for N in (1, 2, 3) for x in points]


class Plain(ast.NodeTransformer):
    """Functions that Python can run: a / b as divide(a, b), where x/0 is no error: what is not selected is unused."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        node.decorator_list = []
        for argument in node.args.args:
            argument.annotation = None
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.op, ast.Div):
            return ast.Call(ast.Name("divide", ast.Load()), [node.left, node.right], [])
        return node


PLANS, DEFINITIONS = Plans(SEGEM), [Definition(SEGEM, 3)]


def loaded(text: str) -> Machine:
    return Machine(Source.read(text), Numbers(FIELD), World(COMPUTE, triton=True)).load()


LOADED = loaded(TEXT)


def proved(m: Machine, name: str) -> tuple[bool, bool]:
    """Whether a function is a derivative of the definition, and whether it performs the operations of its plan."""
    prefix, order = next((p, k) for p in PREFIXES for k, o in enumerate(emit.ORDERS) if name == p + o)
    version: Version = PREFIXES[prefix]
    roles = ("x", "s", "inv_s", *(("s_low", "inv_s_low", "up", "down") if version.pairs else ()), "N")
    composite = Composite(version.home, m.names[name], roles)
    try:
        equal = all(f.holds for f in prove(m, version, composite, order, DEFINITIONS))
    except ValidationError:
        equal = False
    return equal, performed(m, version, composite, order, PLANS, [d.N for d in DEFINITIONS]).holds


def needs(m: Machine, name: str) -> dict[str, str]:
    """A function and all that it calls, as they are written."""
    node = m.names[name].node
    found = {name: ast.dump(node)}
    for called in {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and n.id in HELPERS and n.id in m.names}:
        found |= needs(m, called)
    return found


def alone(text: str) -> dict[str, tuple[bool, bool]]:
    """What is proved of the functions that are not as in the file; `validate` looks at all there is."""
    try:
        m = loaded(text)
    except ValidationError:
        return {}
    names = [name for name in (*SINGLE, *PAIRED) if name in m.names]
    return {name: proved(m, name) for name in names if needs(m, name) != needs(LOADED, name)}


@pytest.mark.parametrize("name", [*MUTATED, *PAIRED, *HELPERS])
def test_no_wrong_mutant_survives(name, record_property):
    """What performs the plan's operations is equal, to the last low part."""
    caller: Any = HELPERS.get(name, name)
    needed = {n for n in LOADED.names if n in {caller, *HELPERS}}
    functions = {n: LOADED.names[n].node for n in needed}
    right = {low: at_points(functions, caller, low) for low in (Fraction(0), Fraction(1, 7))}
    assert proved(LOADED, caller) == (True, True)
    killed = survived = identical = 0
    for body in mutants(LOADED.names[name].node):
        node = other_than(LOADED.names[name].node, body=body)
        m = replace(LOADED, names={**LOADED.names, name: replace(LOADED.names[name], node=node)})
        equal, planned = proved(m, caller)
        assert equal or not planned, ast.unparse(node)
        killed, survived, identical = killed + (not equal), survived + equal, identical + planned
        for low in (Fraction(0), *([Fraction(1, 7)] if planned else [])) if equal else ():
            assert at_points(functions | {name: node}, caller, low) == right[low], ast.unparse(node)
    record_property("mutants", f"{killed} refused, {survived} proved equal, {identical} the same operations")
    print(killed, survived, identical)
    assert killed > 2
    assert identical <= killed
