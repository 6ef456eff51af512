"""Kernel files of piecewise rational activations: what they compute, and what is refused."""

import ast
import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from functools import cache
from types import ModuleType
from typing import Any

import pytest
import torch
from rationals import HARD_SWISH, LEAKY_RELU, RATIONALS, SOFTSIGN, activation
from test_mutants import mutants

from gem_symbolic import ahead, emit, running, validate
from gem_symbolic.definitions import Activation
from gem_symbolic.plans import PlanError
from gem_symbolic.readback.machine import Machine
from gem_symbolic.readback.numbers import Numbers, Refused
from gem_symbolic.readback.pieces import Pieces
from gem_symbolic.readback.regions import FIELD, ONE, H, R, S
from gem_symbolic.readback.source import Composite, Source
from gem_symbolic.readback.values import COMPUTE, Tensor, ValidationError
from gem_symbolic.readback.versions import PIECED, Version
from gem_symbolic.reference import evaluate

WORLD = validate.isolated(PIECED[0])
POINTS = (-1e30, -40.5, -3.25, -2.5, -1.25, -0.75, -1e-3, 1e-3, 0.25, 0.625, 1.5, 2.75, 4.5, 1e30)


@cache
def loaded(name: str) -> ModuleType:
    with running.interpreted():
        return emit.load(emit.source(RATIONALS[name]), name)


def derivatives(function: Any, x: torch.Tensor, count: int) -> Iterator[torch.Tensor]:
    """The value and so many derivatives by autograd."""
    y = function(x)
    yield y
    for _ in range(count):
        (y,) = torch.autograd.grad(y.sum(), x, create_graph=True)
        yield y


@pytest.mark.parametrize("name", RATIONALS)
def test_values_and_derivatives(name: str) -> None:
    x = torch.tensor(POINTS, dtype=torch.float64, requires_grad=True)
    for order, y in enumerate(derivatives(getattr(loaded(name), name), x, 2)):
        expected = [float(evaluate(RATIONALS[name], p, order=order, dps=30)) for p in POINTS]
        torch.testing.assert_close(y.detach(), torch.tensor(expected, dtype=torch.float64), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", RATIONALS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_special_values(name: str, dtype: torch.dtype) -> None:
    x = torch.tensor([-math.inf, math.inf, math.nan], dtype=dtype, requires_grad=True)
    for order, y in enumerate(derivatives(getattr(loaded(name), name), x, 2)):
        far = [float(evaluate(RATIONALS[name], s * Fraction(2) ** 8000, order=order, dps=20)) for s in (-1, 1)]
        torch.testing.assert_close(y.detach(), torch.tensor([*far, math.nan], dtype=dtype), equal_nan=True)


def test_forms() -> None:
    """With a bias, gated by halves or by another tensor, and as modules."""
    module = loaded("hard_swish")
    x, up, bias = torch.randn(3, 4), torch.randn(3, 4), torch.randn(4)
    torch.testing.assert_close(module.hard_swish(x, bias=bias), torch.nn.functional.hardswish(x + bias))
    gated = torch.nn.functional.hardswish(x) * up
    torch.testing.assert_close(module.hard_swish_glu(torch.cat((x, up), -1)), gated)
    torch.testing.assert_close(module.HardSwishGLU()(x, up), gated)
    assert repr(module.HardSwish()) == "HardSwish()"
    for function, args in ((module.hard_swish, (x,)), (module.hard_swish_glu, (x, up))):
        inputs = [a.double().requires_grad_() for a in args]
        assert torch.autograd.gradcheck(function, inputs)
        assert torch.autograd.gradgradcheck(function, inputs)


@pytest.mark.parametrize("name", RATIONALS)
def test_nothing_is_left_of_parameters(name: str) -> None:
    text = emit.source(RATIONALS[name])
    named = {node.arg for node in ast.walk(ast.parse(text)) if isinstance(node, ast.arg)}
    assert not named & {"N", "eps", "scale", "s", "inv_s", "pair", "accurate", "setting"}
    assert "GEM" not in emit.native(RATIONALS[name])


@pytest.mark.parametrize("name", ["a b", "class", "_f", "tuple", "matrices", "torch", "tl", "x", "ü"])
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(PlanError, match="no kernels can be named"):
        emit.source(replace(HARD_SWISH, name=name))


def test_the_input_itself_is_no_result() -> None:
    """PyTorch refuses to differentiate a function that hands back its input."""
    module = emit.load(emit.source(activation("as_it_is", ("all x", "x"))), "as_it_is")
    x = torch.randn(5, dtype=torch.float64, requires_grad=True)
    for order, y in enumerate(derivatives(module.as_it_is, x, 1)):
        assert y is not x
        assert torch.equal(y, x if order == 0 else torch.ones_like(x))
    assert torch.equal(module.AsItIsGLU()(x, x), x * x)


@pytest.mark.parametrize("text", ['"""', "a\nb", "a\\", "a??/b", "a\x00"])
def test_texts_that_are_refused(text: str) -> None:
    for altered in (replace(SOFTSIGN, title=text), replace(SOFTSIGN, source=text)):
        for write in (emit.source, emit.native):
            with pytest.raises(PlanError, match="no kernels can quote"):
                write(altered)


# --- Reading back ---

#: Further ones: three denominators, junctions that no binary number is, a step, a constant.
FURTHER = (
    activation(
        "three",
        ("x < -5/2", "(x**2 + 1)/(x**2 - x + 3)"),
        ("-5/2 <= x <= 100", "1/(x**4 + 1)"),
        ("x > 100", "x**3/(x**2 + 1)"),
    ),
    activation(
        "thirds",
        ("x <= 1/3", "-x/7"),
        ("1/3 < x < 22/7", "(x - 1/3)*3/11 - 1/21"),
        ("x >= 22/7", "x*x/1000 + 1/3"),
    ),
    activation("steep", ("x <= 10000000000", f"{2**24 + 1}*x"), ("x > 10000000000", f"{10**12}*x - {10**22}")),
    activation("step", ("x < 0", "-1/3"), ("x >= 0", "1/3")),
    activation("constant", ("all x", "1/3")),
    activation("as_it_is", ("all x", "x")),
)


@pytest.mark.parametrize("a", [*RATIONALS.values(), *FURTHER], ids=lambda a: a.name)
def test_the_functions_are_proved(a: Activation) -> None:
    assert all(proved(m, version, m.names[function], order, a) for m, version, function, order in functions(a))


@pytest.mark.parametrize("name", ["leaky_relu", "pade"])
def test_the_file_is_proved(name: str) -> None:
    found = validate.validate(emit.source(RATIONALS[name]), RATIONALS[name])
    assert found.holds
    assert {f.target for f in found.findings} == {"calls", "constants", *(v.title for v in PIECED)}


@pytest.mark.parametrize("a", [*RATIONALS.values(), *FURTHER], ids=lambda a: a.name)
def test_the_native_file_is_proved(a: Activation) -> None:
    assert validate.validate_native(emit.native(a), a).holds


def test_a_sign_is_decided_by_counting_roots() -> None:
    numbers = Numbers(FIELD, frozenset("h"), {"r": H + 1})  # r > 1
    assert numbers.sign(R * R - R * 3 + 3) == 1  # no real root
    assert numbers.sign(R - R * R * R) == -1  # roots at 0 and 1 only
    for changing in (R * R - R * 4 + 3, R * R - S):  # a root at 3; another symbol
        with pytest.raises(Refused, match="is not the same throughout"):
            numbers.sign(changing)


def test_a_literal_is_known_or_refused() -> None:
    with pytest.raises(Refused, match="no coefficient"):
        Numbers(FIELD).literal(0.5)
    text = "import torch\n\n\ndef f(x):\n    return {}\n"
    for expression in ("x * (0.5 * 0.5)", "x * (0.5 + 1)", "torch.where(0.5 < 1, x, 0)", "x * 0.25"):
        m = Machine(Source.read(text.format(expression)), Numbers(FIELD, literals={"0.5": ONE / 2}), WORLD).load()
        with pytest.raises(ValidationError):
            m.call(m.names["f"], [Tensor(R, COMPUTE)])


@pytest.mark.parametrize("a", FURTHER, ids=lambda a: a.name)
def test_literals_are_the_nearest_numbers(a: Activation) -> None:
    assert Pieces(a).rounded() == ""


def test_a_literal_that_is_not_nearest_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Pieces(LEAKY_RELU)
    monkeypatch.setitem(wrong.__dict__, "literals", {"0.01": Fraction(1, 99)})
    assert "not the nearest" in wrong.rounded()


def functions(a: Activation) -> Iterator[tuple[Machine, Version, str, int]]:
    """The functions of x of a file, each with the machine that runs it."""
    source = Source.read(emit.source(a))
    for version, prefix in zip(PIECED, ("_", "_triton_")):
        m = Machine(source, Numbers(FIELD), validate.isolated(version)).load()
        yield from ((m, version, prefix + order, k) for k, order in enumerate(emit.ORDERS))


def proved(m: Machine, version: Version, function: Any, order: int, a: Activation) -> bool:
    """Whether a function performs the operations of the plan, and is the derivative in every region."""
    composite, definitions, plans = Composite(version.home, function, ("x",)), [Pieces(a)], validate.Plans(a)
    try:
        return validate.performed(m, version, composite, order, plans, definitions).holds and all(
            f.holds for f in validate.prove(m, version, composite, order, definitions)
        )
    except ValidationError:
        return False


@pytest.mark.parametrize("a", [HARD_SWISH, LEAKY_RELU, SOFTSIGN], ids=lambda a: a.name)
def test_no_mutant_of_a_function_is_proved(a: Activation) -> None:
    count = 0
    for m, version, name, order in functions(a):
        if order == 2 and a is SOFTSIGN:  # the longest, of the same kind
            continue
        function = m.names[name]
        assert proved(m, version, function, order, a)
        for body in mutants(function.node):
            node = ast.FunctionDef(name, function.node.args, body, [], lineno=1, col_offset=0)
            assert not proved(m, version, replace(function, node=node), order, a), ast.unparse(node)
            count += 1
    assert count > 50


#: What is changed in the file of hard-swish, and what the refusal says.
ALTERED = (
    ("_COMPOSITES = (_value, _first, _second)", "_COMPOSITES = (_value, _second, _first)", "gives"),
    ("found = _planned(at, order)", "found = _planned(at, 0)", "_triton_value gives"),
    ("if order == 0:\n            y = _triton_value(x)", "if order == 0:\n            y = _triton_first(x)", "gives"),
    ("return _elementwise(x, None, bias, 0)", "return _elementwise(x, None, None, 0)", "not the same throughout"),
    (
        "    def forward(self, x):",
        "    def extra(self):\n        return 1\n\n    def forward(self, x):",
        "no method __init__",
    ),
    ("_check(up)", "_check(x)", "the meaning of .shape"),
    ('"enable_fp_fusion": False', '"enable_fp_fusion": True', "not off"),
)


@pytest.mark.parametrize(("old", "new", "why"), ALTERED)
def test_altered_files_are_refused(old: str, new: str, why: str) -> None:
    text = emit.source(HARD_SWISH)
    assert old in text
    try:
        found = validate.validate(text.replace(old, new, 1), HARD_SWISH)
        refusals = [f.why for f in found.refuted]
    except ValidationError as error:
        refusals = [str(error)]
    assert any(why in refusal for refusal in refusals), refusals


#: The same in C++.
ALTERED_NATIVE = (
    ("T(0.16666666666666666)", "T(0.16666666666666669)"),
    ("T(0.16666666666666666)", "0.16666666666666666"),
    ("select(x <= -3", "select(x < -3"),
    ("select(x >= 3", "select(x >= 4"),
    ("(x + 3) * x", "(x + 2) * x"),
    ("(x + 3) * x", "(x * x + 3 * x)"),
    ("select(x >= 3, 0, x)", "0"),
    ("if constexpr (order == 0) return value(x)", "if constexpr (order == 0) return first(x)"),
    ("double(x[i]) + double(bias[i])", "double(x[i])"),
    ("derivative<1>(at) * (up * from)", "derivative<0>(at) * (up * from)"),
    ("// f(x), in", "constexpr std::int64_t N = GEM_N;\n// f(x), in"),
)


@pytest.mark.parametrize(("old", "new"), ALTERED_NATIVE)
def test_altered_native_files_are_refused(old: str, new: str) -> None:
    text = emit.native(HARD_SWISH)
    assert old in text
    with suppress(ValidationError):
        assert not validate.validate_native(text.replace(old, new, 1), HARD_SWISH).holds


def test_a_file_of_another_activation_is_refused() -> None:
    other = activation("hard_swish", ("x <= -3", "0"), ("-3 < x < 3", "x*(x + 3)/6"), ("x >= 3", "2*x - 3"))
    found = validate.validate(emit.source(other), HARD_SWISH)
    assert not found.equal


# --- Compiled ---


@pytest.mark.parametrize("a", [SOFTSIGN, LEAKY_RELU], ids=lambda a: a.name)
@pytest.mark.parametrize(("form", "order"), [("elementwise", 0), ("gated", 1)])
def test_kernels_compile_ahead_of_time(a: Activation, form: str, order: int) -> None:
    """For sm_90, in binary32 alone, nothing fused and every quotient the nearest one."""
    pytest.importorskip("triton", reason="the extra `triton` is not installed")
    module = emit.load(emit.source(a), f"{a.name}_compiled")
    with ahead.recorded(module) as launches:
        ahead.FORMS[form, order].call(module, lambda columns: torch.empty(ahead.ROWS, columns), order, ())
    (arguments,) = launches
    code = ahead.compiled(module, arguments, 90).asm["ptx"]
    assert "fma" not in code
    assert ".f64" not in code
    assert code.count("div.rn.f32") == code.count("div.") - code.count("div.s")
    assert ("div.rn.f32" in code) == (a is SOFTSIGN)
