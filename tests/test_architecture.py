"""The house rules of the design: who may import whom, one place for formulas, one place for the names of variants."""

import ast
import importlib.metadata
import inspect
import os
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from graphlib import TopologicalSorter
from pathlib import Path

import formulas
import pytest

from gem_symbolic.definitions import VARIANTS

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "gem_symbolic"
SOURCES = sorted(PACKAGE.rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

#: From the bottom up. A module may import from its own layer and from those below it, never from one above.
LAYERS = (
    "definitions expressions parameters layout formats certificates files checkout native rules limits timing outlines"
    " typed machine",
    "branches rounding algebra notation figures plans cpu shards bars speed jets sympyfield presets",
    "piecewise decide closedform",
    "calculus",
    "reference floats",
    "checkers sweep observe pairs wide pieced roundoff ahead pieces",
    "theorems running plots sampled roundingtable tradeoff",
    "emit prover measure",
    "readback",
    "validate kernels operators functional nn deadunits",
    "kernelcheck screen compare machinecode pricing contenders mechanised halves produce integrations inequalities",
    "spec",
    "verify proofs recheck bench readme notebooks accuracy exhaustive cost costtable special formal provingtime"
    " choose report",
)
LEVEL = {module: level for level, modules in enumerate(LAYERS) for module in modules.split()}
HEAVY = {"torch", "triton", "sympy", "numpy", "mpmath", "flint", "matplotlib", "jinja2", "rich", "tree_sitter"}
HEAVY |= {"transformers", "timm", "cvc5", "z3"}
#: Where the variants are named: each is checked against VARIANTS below.
LISTED = {PACKAGE / "definitions.py", PACKAGE / "functional.py", PACKAGE / "nn.py"}
GENERATED = re.compile(r"<!-- generated: (\w+) -->.*?<!-- end: \1 -->", re.DOTALL)


def component(path: Path) -> str:
    """gem_symbolic/theorems/t3.py -> theorems."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> set[str]:
    """The modules a file names in an import, wherever in the file that stands."""
    names = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                names |= {alias.name for alias in aliases}
            case ast.ImportFrom(module=str(module), names=aliases, level=0):
                names |= {f"{module}.{alias.name}" for alias in aliases}
            case ast.ImportFrom():
                raise AssertionError("write imports within the package in full: they are read by this test")
            case ast.Call(func=ast.Attribute(attr="import_module"), args=[target, *_]):
                names |= {ast.unparse(target).strip("f'\"")}
    return names


def graph() -> dict[str, set[str]]:
    """component -> the other components it imports."""
    edges: dict[str, set[str]] = defaultdict(set)
    for path in SOURCES:
        inner = {n.split(".")[1] for n in imports(ast.parse(path.read_text())) if n.startswith("gem_symbolic.")}
        edges[component(path)] |= (inner & LEVEL.keys()) - {component(path)}
    return edges


def loaded_by(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after a statement."""
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    output = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {name.split(".")[0] for name in output.split()}


def test_every_module_has_a_layer():
    assert set(map(component, SOURCES)) - {"__init__"} <= LEVEL.keys()


def test_nothing_lower_imports_higher():
    upward = [(a, b) for a, targets in graph().items() if a in LEVEL for b in targets if LEVEL[a] < LEVEL[b]]
    assert not upward


def test_no_import_cycles():
    TopologicalSorter(graph()).prepare()


def test_the_oracle_is_independent():
    assert not graph()["reference"] & {"floats", "emit", "kernels", "theorems", "piecewise", "calculus"}


def test_one_module_imports_the_kernels():
    importers = [p.name for p in SOURCES if any("gem_symbolic.kernels" in n for n in imports(ast.parse(p.read_text())))]
    assert len(importers) == 1


def test_the_package_imports_nothing_heavy():
    assert not loaded_by("import gem_symbolic") & HEAVY


def test_the_package_imports_within_a_second():
    code = "import time; t = time.perf_counter(); import gem_symbolic; print(time.perf_counter() - t)"
    output = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert float(output) < 1


def test_training_does_not_wait_for_a_prover():
    kernels = ", ".join(f"gem_symbolic.kernels.{name}" for name, a in VARIANTS.items() if a.emitted)
    loaded = loaded_by(f"import gem_symbolic.nn, gem_symbolic.functional, gem_symbolic.integrations, {kernels}")
    assert "torch" in loaded
    assert not loaded & (HEAVY - {"torch", "triton", "numpy"})


def test_every_package_is_installed():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    present = {".".join(p.parent.relative_to(ROOT).parts) for p in PACKAGE.rglob("__init__.py")}
    assert set(listed) == present | {"gem_symbolic.kernels"}


def test_every_dependency_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = {*project["dependencies"], *(d for extra in project["optional-dependencies"].values() for d in extra)}
    pins = [line.split("==")[0] for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line]
    assert sorted(named) == pins


@pytest.mark.skipif(not os.environ.get("CI"), reason="only in CI must every extra be there")
def test_no_test_is_skipped_in_ci_for_an_extra_that_is_asked_for():
    extras = re.search(r"-e \"\.\[(.*?)\]\"", (ROOT / "Makefile").read_text())
    assert extras
    optional = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    missing = []
    for name in (d for extra in extras[1].split(",") for d in optional[extra]):
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    assert not missing


def written_by_hand() -> list[Path]:
    texts = [p for p in PACKAGE.rglob("*") if p.is_file() and "__pycache__" not in p.parts and p.suffix != ".typed"]
    return sorted({*texts, *NOTEBOOKS} - {PACKAGE / "definitions.py"})


@pytest.mark.parametrize("path", written_by_hand(), ids=lambda p: str(p.relative_to(ROOT)))
def test_no_formula_outside_the_definitions(path):
    # The steps of a proof and what decides them are written in u: a changed definition refutes them.
    proof = {"theorems", "checkers"} & set(path.parts)
    assert not formulas.found(path, gate=None if proof else "u")


def test_no_formula_in_the_readme():
    assert not formulas.in_prose(GENERATED.sub("", (ROOT / "README.md").read_text()))


def test_the_detector_sees_the_definitions():
    assert formulas.found(PACKAGE / "definitions.py")


PLANTED = (
    "y = x ** (n + 1) / (eps + x**n)",
    "gate = x**(2*N) / (1 + x**(2*N))",
    "def f(x): return torch.where(x > 0, x, eps * x / (eps + x.pow(2 * self.N)))",
    "d = self.eps + torch.pow(x.abs(), n)\ny = x / d",
    "y = t * u / (1 + u)",
    "S = 1 / (1.0 + u)",
    "y = x * (1 + u) ** -2",
    "y = torch.div(x, 1 + u)",
    "y = x**3 / (1 + x**2)",
    "y = x * x * x / (x * x + 1)",
    "y = x / (s**n + x**n) * x**n",
    "y = x * u * torch.reciprocal(u + 1)",
    "SOURCE = 'x**(2*N + 1)/(eps + x**(2*N))'",
    "text = f'{x}**{n + 1} / (eps + {x}**{n})'",
    '"""E-GEM is x^(n+1)/(eps + x^n) for x > 0, and zero on the left."""',
    '"""The tail, eps x/(eps + |x|^n), is rational."""',
    r'LATEX = r"$\frac{x^{2N+1}}{\varepsilon + x^{2N}}$"',
    r'LATEX = r"The gate is $\dfrac{u}{1+u}$."',
    "y = 0  # the gate, u/(1 + u)",
    "# The survival is eps/(eps + x^n).",
)
INNOCENT = (
    "lipschitz = (n + 1)**2 / (4*n)",
    "c = n*v**(1 - 1/n)",
    "s = eps ** (1 / n)",
    "low, high = 0, 1 << (whole.bit_length() // degree + 1)",
    "mean = total / (1 + count)",
    "f = x**a * (a*R + n*u*R.diff(u))",
    '"""Rounded to 1/2 ulp (or 1 + 2**-10 in the worst case)."""',
    '"""n = 2N, s = eps^(1/n), u = |x|^n/eps."""',
    "y = (1 + u)**2 - 4*u",
    "# x - eps*x**(1 - n) + O(x**(1 - 2*n))",
)


@pytest.mark.parametrize("text", PLANTED)
def test_the_detector_finds_what_is_planted(text, tmp_path):
    path = tmp_path / "planted.py"
    path.write_text(text)
    assert formulas.found(path)


@pytest.mark.parametrize("text", INNOCENT)
def test_the_detector_lets_other_mathematics_pass(text, tmp_path):
    path = tmp_path / "innocent.py"
    path.write_text(text)
    assert not formulas.found(path)


def variant_lists(tree: ast.AST) -> list[str]:
    """Literals that name two variants or more: collections, and strings that are nothing but names."""
    lists = []
    for node in ast.walk(tree):
        match node:
            case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts) | ast.Dict(keys=parts):
                names = {p.value for p in parts if isinstance(p, ast.Constant)}
            case ast.Constant(value=str(text)):
                words = set(re.split(r"[\s,|/]+", text.strip()))
                names = words if words <= VARIANTS.keys() else set()
            case _:
                continue
        if len(names & VARIANTS.keys()) >= 2:
            lists.append(ast.unparse(node))
    return lists


@pytest.mark.parametrize(
    "path", [p for p in [*SOURCES, *NOTEBOOKS, *TESTS] if p not in LISTED], ids=lambda p: str(p.relative_to(ROOT))
)
def test_variants_are_listed_once(path):
    assert not variant_lists(ast.parse(path.read_text()))


@pytest.mark.parametrize("literal", ["({0!r}, {1!r})", "[{0!r}, 3, {1!r}]", "{{{0!r}: 1, {1!r}: 2}}", "'{0} {1}'"])
def test_a_second_list_of_variants_is_found(literal):
    assert variant_lists(ast.parse(literal.format(*VARIANTS)))


def emitted() -> set[str]:
    return {name for name, activation in VARIANTS.items() if activation.emitted}


def test_functional_names_each_emitted_variant():
    from gem_symbolic import functional

    named = {name for name in functional.__all__ if inspect.isfunction(getattr(functional, name))}
    assert named == emitted() | {f"{name}_glu" for name in emitted()}


def test_nn_names_each_emitted_variant():
    from gem_symbolic import nn

    assert set(nn.__all__) == {f"{name.upper()}{form}" for name in emitted() for form in ("", "GLU")}
