"""Kernel files read back: what is emitted is its definition, and every altered file is refused or is still right."""

import ast
import re
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gem_symbolic import emit
from gem_symbolic.definitions import EGEM, SEGEM, SEGEM_GATED, VARIANTS, Activation, Branch
from gem_symbolic.readback.machine import Composite, Machine, Source, World
from gem_symbolic.readback.numbers import Numbers
from gem_symbolic.readback.regions import FIELD, REGIONS, Definition
from gem_symbolic.readback.values import COMPUTE, ValidationError
from gem_symbolic.validate import main, prove, validate

CODEGEN = Path(__file__).resolve().parent.parent / "codegen"
EMITTED = [name for name, activation in VARIANTS.items() if activation.emitted]
TEXT = (CODEGEN / "segem.py").read_text()


def refused(text: str, activation: Activation = SEGEM) -> str:
    """Why a file is refused; empty where it is not."""
    try:
        found = validate(text, activation, (1, 2, 3))
    except ValidationError as error:
        return str(error)
    return found.refuted[0].why if found.refuted else ""


# --- What is right ---


@pytest.mark.parametrize("name", EMITTED)
def test_the_committed_files_are_their_definitions(name):
    found = validate((CODEGEN / f"{name}.py").read_text(), VARIANTS[name])
    assert found.holds
    assert found.Ns == tuple(range(1, 9))
    proved = {(f.target, f.order, f.where) for f in found.findings if f.target != "calls"}
    orders = ("value", "first derivative", "second derivative")
    assert proved == {(t, o, r.name) for t in ("PyTorch", "Triton") for o in orders for r in REGIONS}


@pytest.mark.parametrize("activation", [a for a in VARIANTS.values() if not a.emitted], ids=lambda a: a.name)
def test_what_is_emitted_in_memory_is_its_definition(activation):
    assert validate(emit.source(activation), activation).holds


def test_reading_a_file_is_quick():
    validate(TEXT, SEGEM)
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
    "a square expanded": (r"top / \(d \* d\)", "top / (1 + 2 * u + u * u)"),
    "a helper variable": (r"top / d\n", "top / d\n    nothing = ratio\n    ratio = nothing\n"),
    "a comparison turned round": (r"inside = t <= s", "inside = s >= t"),
    "at 0 both branches agree": (r"where\(x <= 0, ratio, x\)", "where(x < 0, ratio, x)"),
    "at the scale both forms agree": (r"inside = t <= s", "inside = t < s"),
    "the docstrings": (r'"""f\(x\) for a tensor[^"]*"""', '"""The value."""'),
    "the digest is not looked at": (r"\b[0-9a-f]{64}\b", "0" * 64),
    "fewer lanes": ("_BLOCK = 1024", "_BLOCK = 512"),
}


@pytest.mark.parametrize("case", RIGHT)
def test_what_means_the_same_is_not_refused(case):
    pattern, new = RIGHT[case]
    text = re.sub(pattern, new, TEXT)
    assert text != TEXT
    assert not refused(text)


def test_a_formatted_file_is_not_refused():
    assert not refused(ast.unparse(ast.parse(TEXT)))


# --- What is wrong ---

#: What is replaced in SE-GEM's file, once, and by what.
WRONG = {
    "a sign": ("outer = -_chain(s * w", "outer = _chain(s * w"),
    "a sign of Triton alone": ("outer = -_triton_chain(s * w", "outer = _triton_chain(s * w"),
    "an integer": ("d = 1 + u", "d = 2 + u"),
    "an integer of a derivative": ("inner = 1 - (2 * N - 1) * u", "inner = 1 - (2 * N + 1) * u"),
    "right for N = 1 only": ("inner = 1 - (2 * N - 1) * u", "inner = 1 - (4 * N - 3) * u"),
    "swapped branches": ("return torch.where(x <= 0, ratio, x)", "return torch.where(x <= 0, x, ratio)"),
    "swapped forms": ("top = torch.where(inside, x, outer)", "top = torch.where(inside, outer, x)"),
    "the other comparison": ("return torch.where(x <= 0, ratio, x)", "return torch.where(x >= 0, ratio, x)"),
    "the scale compared the other way": ("inside = t <= s", "inside = t >= s"),
    "another scale": ("inside = t <= s", "inside = t <= inv_s"),
    "a NaN is lost": ("return torch.where(x > 0, 1, ratio)", "return torch.where(x <= 0, ratio, 1)"),
    "infinity gives NaN": ("top = torch.where(inside, x, outer)", "top = torch.where(inside, x, x * u)"),
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
    "the order of the kernel": (
        "elif order == 1:\n            y = _triton_first",
        "elif order == 1:\n            y = _triton_second",
    ),
    "the weight at order 0": ("        if order > 0:\n", "        if order > 1:\n"),
    "a wrong division of Triton": ("ratio = tl.div_rn(top, d)", "ratio = top / d"),
    "an approximate division": ("ratio = tl.div_rn(top, d)", "ratio = tl.fdiv(top, d)"),
    "a number divided by a tensor": ("ratio = top / d\n", "ratio = 1 / d * top\n"),
    "the backward's order": ("ctx.order + 1, *ctx.constants", "ctx.order, *ctx.constants"),
    "the backward's last order": ("if ctx.order + 1 == len", "if ctx.order == len"),
    "the weight of the backward": ("_Elementwise.apply(x, weight, ctx", "_Elementwise.apply(x, grad, ctx"),
    "the gradient of the weight": ("_Elementwise.apply(x, grad, ctx.order,", "_Elementwise.apply(x, None, ctx.order,"),
    "a gradient for another input": ("return grad_x, grad_g, None", "return grad_g, grad_x, None"),
    "a missing gradient": ("return grad_x, grad_g, None, None, None, None", "return grad_x, grad_g, None, None, None"),
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
        "y.numel(), order, N, s, inv_s, s_low, _BLOCK",
        "y.numel(), order, N, inv_s, s, s_low, _BLOCK",
    ),
    "another degree of the root": ("constants = root(eps, 2 * N, bits)", "constants = root(eps, N, bits)"),
    "the root's rounding": ("2 * rest > unit", "2 * rest >= unit"),
    "another eps": ("scale_constants(N, eps, *_F", "scale_constants(N, eps * eps, *_F"),
    "another N": ("scale_constants(N, eps, *_F", "scale_constants(N + 1, eps, *_F"),
    "eps for scale": (
        "return _activate(x, *resolve(N, eps, scale), accurate)",
        "return _activate(x, *resolve(N, scale, eps), accurate)",
    ),
    "scale is ignored": (
        "return _activate(x, *resolve(N, eps, scale), accurate)",
        "return _activate(x, *resolve(N, eps), accurate)",
    ),
    "the module ignores eps": (
        "self.N, self.eps = resolve(N, eps, scale)",
        "self.N, self.eps = resolve(N, None, scale)",
    ),
    "fewer bits": ("torch.float32: (24,", "torch.float32: (23,"),
    "fused": ('"enable_fp_fusion": False', '"enable_fp_fusion": True'),
    "fused by default": (', "enable_fp_fusion": False', ""),
    "a lane too many": ("offsets, offsets < size,", "offsets, offsets <= size,"),
    "no mask": ("offsets, offsets < size,", "offsets, None,"),
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
    "pairs: a sum": ("return high, (b_high - (high - a)) + b_low", "return high, (b_high - (high + a)) + b_low"),
    "pairs: a fused operation": (
        "low = tl.fma(a_high, b_low, tl.fma(a_low, b_high, tl.fma(a_high, b_high, -high)))",
        "low = tl.fma(a_high, b_low, tl.fma(a_low, b_high, tl.fma(a_high, b_high, high)))",
    ),
    "pairs: a high part": ("return -a_high, -a_low", "return a_high, -a_low"),
    "pairs: the guess": ("guess = a_high * inverse", "guess = a_high * b_high"),
    "pairs: the correction": ("tl.fma(-inverse, error, guess)", "tl.fma(-inverse, guess, guess)"),
    "pairs: infinity": ("finite = error == error", "finite = b_high == b_high"),
    "pairs: the other choice": (
        "return tl.where(condition, a_high, b_high)",
        "return tl.where(condition, b_high, a_high)",
    ),
    "pairs: an approximate reciprocal": ("inverse = tl.div_rn(1, b_high)", "inverse = 1 / b_high"),
    "pairs: the low part of the scale for the scale": ("s_pair = (s, s_low)", "s_pair = (s_low, s)"),
    "pairs: not asked for": ("order == 0 and s_low is not None:", "order == 0:"),
    "pairs: never": ("if accurate and _on_triton(x)", "if _on_triton(x) and N == 0"),
    "pairs: always": ("if accurate and _on_triton(x)", "if _on_triton(x)"),
    "pairs: for every type": (" and x.dtype == torch.float32 else None", " else None"),
    "pairs: forgotten by the module": ("        self.accurate = accurate", "        self.accurate = False"),
    "pairs: forgotten by the function": ("resolve(N, eps, scale), accurate)", "resolve(N, eps, scale), False)"),
    "pairs: forgotten by the launch": ("N, s, inv_s, s_low, _BLOCK", "N, s, inv_s, None, _BLOCK"),
    "pairs: the low part of another scale": ("scale_low_part(N, eps, _F", "scale_low_part(N + 1, eps, _F"),
    "pairs: of another type": ("_FORMATS[torch.float32][0])", "_FORMATS[torch.float64][0])"),
    "no Python": ("    d = 1 + u\n", "    d = 1 + \n"),
    "no activation": ("def segem(", "def other("),
}


def altered(old: str, new: str) -> str:
    assert old in TEXT, f"{old!r} is not in the file any more"
    return TEXT.replace(old, new, 1)


@pytest.mark.parametrize("case", WRONG)
def test_what_is_altered_is_refused(case):
    assert refused(altered(*WRONG[case]))


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


def test_a_jump_belongs_to_the_branch_of_zero():
    step = replace(SEGEM, branches=(Branch("x < 0", "x*S - 1"), Branch("x >= 0", "x")))
    text = TEXT.replace("x <= 0, ratio, x)", "x < 0, ratio - 1, x)")
    assert not refused(text, step)
    assert refused(text.replace("x < 0, ratio - 1", "x <= 0, ratio - 1"), step)


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

COMPOSITES = [prefix + order for prefix in ("_", "_triton_") for order in emit.ORDERS]
PAIRED = [f"_accurate_{order}" for order in emit.ORDERS[: emit.ACCURATE]]
SWAPS: dict[type, tuple[Callable[[], ast.AST], ...]] = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Add,),
    ast.Div: (ast.Mult,),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
}


def mutants(function: ast.FunctionDef) -> Iterator[ast.FunctionDef]:
    """The function with one operator, integer, name, pair of arguments or sign changed."""
    names = sorted({n.id for n in ast.walk(function) if isinstance(n, ast.Name)} - {"torch", "tl"})
    names = [n for n in names if not n.endswith("_chain")]
    for place, node in enumerate(ast.walk(function)):
        changes: list[Callable[[Any], object]] = []
        for field in ("op", "ops"):
            operators = getattr(node, field, None)
            for other in SWAPS.get(type(operators[0] if isinstance(operators, list) else operators), ()):
                value = [other()] if field == "ops" else other()
                changes.append(lambda n, field=field, value=value: setattr(n, field, value))
        match node:
            case ast.Constant(value=int(value)):
                changes += [lambda n, v=v: setattr(n, "value", v) for v in (value + 1, value - 1)]
            case ast.Name(id=name, ctx=ast.Load()) if name in names:
                after = names[(names.index(name) + 1) % len(names)]
                changes += [lambda n, v=v: setattr(n, "id", v) for v in {after, "s", "x"} - {name}]
            case ast.Call(args=[*_, a, b]):
                changes.append(lambda n, a=a, b=b: setattr(n, "args", [*n.args[:-2], b, a]))
            case ast.UnaryOp(op=ast.USub()):
                changes.append(lambda n: setattr(n, "op", ast.UAdd()))
        for change in changes:
            copy = deepcopy(function)
            change(list(ast.walk(copy))[place])
            yield copy


def divide(a, b):
    return Fraction(a) / b if b else Fraction(0)


def at_points(tree: ast.Module, name: str) -> list[object]:
    """The function of a file by brute force: exact values at points, on both sides of the scale and of 0."""
    wanted = [
        n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name in (name, "_chain", "_triton_chain")
    ]
    module = ast.Module([deepcopy(n) for n in wanted], type_ignores=[])
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef):
            node.decorator_list = []
    quotient = Slashes().visit(module)
    operations = SimpleNamespace(
        abs=abs, where=lambda c, a, b: a if c else b, div_rn=divide, constexpr=None, static_range=range
    )
    names = {"torch": operations, "tl": operations, "divide": divide}
    exec(compile(ast.fix_missing_locations(quotient), "<file>", "exec"), names)
    run = names[name]
    s = Fraction(3, 2)
    points = [Fraction(k, 4) for k in range(-13, 14)]
    return [run(x, s, 1 / s, N) for N in (1, 2, 3) for x in points]


class Slashes(ast.NodeTransformer):
    """a / b as divide(a, b), where x/0 is no error: what is not selected does not matter."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.op, ast.Div):
            return ast.Call(ast.Name("divide", ast.Load()), [node.left, node.right], [])
        return node


def proved(tree: ast.Module, name: str, order: int, definitions: list[Definition]) -> bool:
    """Whether one function of the file is a derivative of the definition, by the part of `validate` that decides it."""
    try:
        m = Machine(Source(ast.unparse(tree), tree), Numbers(FIELD), World(COMPUTE, triton=True)).load()
        home = "triton" if name.startswith("_triton") else "torch"
        composite = Composite(home, m.names[name], ("x", "s", "inv_s", "N"))
        return all(f.holds for f in prove(m, composite, order, definitions))
    except ValidationError:
        return False


def test_no_wrong_mutant_survives(record_property):
    tree, definitions = ast.parse(TEXT), [Definition(SEGEM, N) for N in (1, 2)]
    killed = survived = 0
    for name in COMPOSITES:
        function = next(n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == name)
        right, order = at_points(tree, name), next(k for k, o in enumerate(emit.ORDERS) if name.endswith(o))
        original = function.body
        for mutant in mutants(function):
            function.body = mutant.body
            if not proved(tree, name, order, definitions):
                killed += 1
            else:
                survived += 1
                assert at_points(tree, name) == right, ast.unparse(mutant)
        function.body = original
    record_property("mutants", f"{killed} refused, {survived} proved equal")
    print(killed, survived)
    assert killed > 200
    assert survived < killed / 4
