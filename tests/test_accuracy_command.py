"""`python -m gem_symbolic.accuracy`: what it writes, and what it says when it cannot."""

import json

import pytest

from gem_symbolic import accuracy, measure, running
from gem_symbolic.definitions import find

HALF = "binary16"


@pytest.fixture
def small(monkeypatch):
    """One activation, N and eps, in this process, with a bad kernel on request."""

    class Pool:
        def __init__(self, *a):
            pass

        def map(self, function, *columns):
            return [function(*row) for row in zip(*columns)]

        def shutdown(self, **options):
            pass

    monkeypatch.setattr(accuracy, "NS", (2,))
    monkeypatch.setattr(accuracy, "EPS", ("1e-4",))
    monkeypatch.setattr(accuracy, "VARIANTS", {"egem": find("egem")})
    monkeypatch.setattr(accuracy, "FORMATS", [HALF])
    monkeypatch.setattr(accuracy, "ProcessPoolExecutor", Pool)
    monkeypatch.setitem(accuracy.TOLD, "cpu", {})
    monkeypatch.setitem(accuracy.PATHS, "cpu", ("torch",))


def test_figures_are_written_whole(small, tmp_path, capsys):
    path = tmp_path / "a.json"
    assert accuracy.main(["--json", str(path)]) == 0
    data = json.loads(path.read_text(encoding="utf-8"))
    assert data.keys() == {"schema", "N", "eps", "variants"}
    assert data["variants"]["egem"]["code"] == accuracy.fingerprint(accuracy.source(find("egem")))
    found = data["variants"]["egem"]["measurements"]
    assert found.keys() == {f"torch.{HALF}.{q}" for q in measure.QUANTITIES}
    assert all(m["inputs"] == 65536 and m["max_ulp"] < 0.51 for m in found.values())
    assert "within its limit" in capsys.readouterr().out
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_a_missed_limit_is_an_exit_status(small, tmp_path, monkeypatch, capsys):
    torch_run = running.torch_run
    worse = lambda *a, **k: lambda x, format, order: torch_run(*a, **k)(x, format, order) * 1.01  # noqa: E731
    monkeypatch.setattr(running, "torch_run", worse)
    assert accuracy.main(["--json", str(tmp_path / "a.json")]) == 1
    assert f"egem: torch.{HALF}.value" in capsys.readouterr().out


@pytest.mark.parametrize(
    "old",
    [
        *("within the scale", "d = 1 + u", "_rough_quotient(top, d)", "_OPTIONS = {", "@triton.jit"),
        *("def scale_constants(", "def root(", "@remembered", "def _elementwise(", "grad_g = ", "class EGEM("),
    ],
)
def test_the_fingerprint_sees_what_computes(old):
    text = accuracy.source(find("egem"))
    assert old in text
    assert accuracy.fingerprint(text.replace(old, f"{old} ")) != accuracy.fingerprint(text)


@pytest.mark.parametrize("old", ["- Measured", "return uncompiled(call)", "return torch.compiler.is_exporting()"])
def test_the_fingerprint_is_of_nothing_else(old):
    text = accuracy.source(find("egem"))
    assert old in text
    assert accuracy.fingerprint(text.replace(old, f"{old} ")) == accuracy.fingerprint(text)


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["--device", "cuda"], accuracy.MISSING, "PyTorch finds no CUDA device here"),
        (["--json", "no/such/folder/a.json"], 2, "cannot write"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(arguments, status, says, monkeypatch, capsys):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit) as stop:
        accuracy.main(arguments)
    assert stop.value.code == status
    assert says in capsys.readouterr().err
