"""The emitted files: committed as they are emitted, following the definition, standing on their own."""

import ast
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gem_symbolic import emit
from gem_symbolic.definitions import SEGEM, VARIANTS, Branch
from gem_symbolic.emit.facts import PATHS, QUANTITIES, committed
from gem_symbolic.floats import PlanError
from gem_symbolic.measure import PLANS

CODEGEN = Path(__file__).resolve().parent.parent / "codegen"
EMITTED = [name for name, activation in VARIANTS.items() if activation.emitted]
HALVED = replace(SEGEM, name="halved", branches=(Branch("x <= 0", "x*S/2"), Branch("x > 0", "x")))

TRAINING = """
import sys
import torch
from {name} import {module}, {name}
torch.manual_seed(0)
linear = torch.nn.Linear
net = torch.nn.Sequential(linear(2, 16), {module}(N=2), linear(16, 16), {module}(), linear(16, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
x = torch.rand(256, 2) * 2 - 1
target = (x[:, :1] * x[:, 1:]).sign()
losses = []
for _ in range(200):
    loss = torch.nn.functional.mse_loss(net(x), target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
assert losses[-1] < 0.3 * losses[0], losses[::20]
assert "gem_symbolic" not in sys.modules
"""


def test_the_committed_files_are_what_is_emitted(tmp_path):
    for path in emit.write(tmp_path, committed()):
        assert path.read_text() == (CODEGEN / path.name).read_text(), "run: make codegen"


def test_write_leaves_the_emitted_files_alone_in_the_folder(tmp_path):
    assert (
        {p.name for p in emit.write(tmp_path)}
        == {p.name for p in tmp_path.iterdir()}
        == {f"{name}.{suffix}" for name in EMITTED for suffix in ("py", "cpp")}
    )


@pytest.mark.parametrize("activation", [*VARIANTS.values(), HALVED], ids=lambda a: a.name)
def test_emission_is_tidy(activation, tmp_path):
    path = tmp_path / f"{activation.name}.py"
    path.write_text(emit.source(activation))
    for command in (
        ["check", "--isolated", "--line-length=120", "--select=E,W,F,I,UP,B,RET"],
        ["format", "--line-length=120", "--diff"],
    ):
        done = subprocess.run([sys.executable, "-m", "ruff", *command, path], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("activation", VARIANTS.values(), ids=lambda a: a.name)
def test_composites_are_plain_statements(activation):
    """What validate reads: `name = expression`, each name once, then one return."""
    found = {
        node.name: node for node in ast.walk(ast.parse(emit.source(activation))) if isinstance(node, ast.FunctionDef)
    }
    for name in [prefix + order for prefix in ("_", "_triton_") for order in emit.ORDERS]:
        *statements, last = [s for s in found[name].body if not isinstance(s, ast.Expr)]
        targets = [
            s.targets[0].id for s in statements if isinstance(s, ast.Assign) and isinstance(s.targets[0], ast.Name)
        ]
        assert len(targets) == len(statements) == len(set(targets))
        assert isinstance(last, ast.Return)


@pytest.mark.parametrize("name", EMITTED)
def test_the_header_says_what_it_is(name):
    text = emit.source(VARIANTS[name], facts=["Proved: a fact.", "Measured: an error."])
    header = ast.get_docstring(ast.parse(text)) or ""
    assert all(b.expr in header and b.on in header for b in VARIANTS[name].branches)
    assert emit.digest(VARIANTS[name]) in header
    assert "- Proved: a fact.\n- Measured: an error.\n" in header
    assert "MIT" in header
    assert " ".join(VARIANTS[name].source.split()) in " ".join(header.split())


@pytest.mark.parametrize("name", EMITTED)
def test_a_file_needs_nothing_but_torch(name):
    roots = set()
    for node in ast.walk(ast.parse((CODEGEN / f"{name}.py").read_text())):
        match node:
            case ast.Import(names=names):
                roots |= {alias.name.split(".")[0] for alias in names}
            case ast.ImportFrom(module=str(module)):
                roots.add(module.split(".")[0])
    assert roots - set(sys.stdlib_module_names) == {"torch", "triton"}


def test_a_file_does_without_triton(monkeypatch):
    monkeypatch.setitem(sys.modules, "triton", None)
    module = emit.load(emit.source(SEGEM), "without_triton")
    assert module.triton is None
    assert module.SEGEM()(torch.zeros(3)).tolist() == [0, 0, 0]


def test_facts_come_from_committed_data(tmp_path):
    assert committed(tmp_path) == {name: [] for name in VARIANTS}
    claims = [
        {"id": "T2.smoothness", "statement": "it is smooth", "status": "proved"},
        {"id": "T6.sup", "statement": "it is near", "status": "refuted"},
    ]
    measurement = {"kind": "exhaustive", "max_ulp": 0.50004, "absolute": 2.0**-20}
    ids = [f"{p}.{f}.{q}" for p in PATHS for f in PLANS[p] for q in QUANTITIES]
    found = {"N": [1, 2], "eps": ["1e-4"], "variants": {"segem": {"measurements": dict.fromkeys(ids, measurement)}}}
    for path, data in (("proofs/segem.json", {"claims": claims}), ("codegen/accuracy.json", found)):
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).write_text(json.dumps(data))
    proved, cpu, compiled, interpreted, accurate = committed(tmp_path)["segem"]
    assert proved == "Proved (T2, n = 2N): it is smooth."
    assert cpu.startswith("Measured (PyTorch on the CPU; N = 1, 2, eps = 1e-4), largest error in ulp: value 0.5000 in")
    assert interpreted.count("0.5000 in float16 beyond 2^-20 (exhaustive)") == 2
    assert compiled == interpreted.replace("Triton, interpreted", "what torch.compile computes, operation by operation")
    assert "value 0.5000 in float32 where its size is at least 2^-100 beyond 2^-20 (exhaustive)" in accurate


@pytest.mark.parametrize("name", EMITTED)
def test_a_copied_file_trains(name, tmp_path):
    (tmp_path / f"{name}.py").write_text((CODEGEN / f"{name}.py").read_text())
    (tmp_path / "train.py").write_text(TRAINING.format(name=name, module=name.upper()))
    done = subprocess.run([sys.executable, "train.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_changed_definition_changes_what_is_emitted():
    module, changed = emit.load(emit.source(SEGEM), "unchanged"), emit.load(emit.source(HALVED), "halved")
    assert emit.digest(SEGEM) != emit.digest(HALVED)
    x = torch.linspace(-2, 2, 41, dtype=torch.float64)
    expected = torch.where(x <= 0, 0.5, 1.0) * module.segem(x, N=2)
    assert torch.allclose(changed.halved(x, N=2), expected, rtol=1e-15, atol=0)


def test_the_digest_is_of_what_is_computed():
    assert emit.digest(replace(SEGEM, title="other", source="other", claims={})) == emit.digest(SEGEM)
    assert emit.digest(replace(SEGEM, where={**SEGEM.where, "S": "F"})) != emit.digest(SEGEM)


def test_a_variant_without_a_file_can_be_emitted():
    activation = VARIANTS["segem_gated"]
    module = emit.load(emit.source(activation), activation.name)
    x = torch.tensor([-2.0, -0.25, 0.0, 0.25], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: module.segem_gated(x, N=1, scale=0.5), x)
    assert torch.autograd.gradgradcheck(lambda x: module.segem_gated(x, N=1, scale=0.5), x)


def test_what_has_no_plan_is_not_emitted():
    with pytest.raises(PlanError, match="higher power of x"):
        emit.source(replace(SEGEM, branches=(Branch("x <= 0", "x*x*S"), Branch("x > 0", "x"))))
