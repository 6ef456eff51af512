"""The command line: exit status, JSON contract, one sentence for bad input."""

import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gem_symbolic import verify
from gem_symbolic.bars import EDGES, PLANS
from gem_symbolic.definitions import EGEM, SEGEM, VARIANTS, Activation, Branch

CLAIM_KEYS = {"id", "statement", "status", "evidence"}
MEASUREMENT_KEYS = {"id", "kind", "max_ulp", "limit", "ok"}


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gem_symbolic.verify", *arguments], capture_output=True, text=True, check=False
    )


def patched(monkeypatch: pytest.MonkeyPatch, activation: Activation, *arguments: str) -> int:
    monkeypatch.setattr(verify, "find", lambda name: activation)
    return verify.main(["--variant", activation.name, "--N", "2", "--no-kernels", *arguments])


def test_everything_proved_and_measured() -> None:
    done = command("--variant", "segem", "--N", "3", "--json", "-")
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)  # standard output carries JSON only
    assert {k: data[k] for k in ("schema", "variant", "N", "eps")} == {
        "schema": 1,
        "variant": "segem",
        "N": 3,
        "eps": None,
    }
    assert all(claim.keys() == CLAIM_KEYS and claim["status"] == "proved" for claim in data["claims"])
    assert all({"kind", "checker", "detail"} == e.keys() for claim in data["claims"] for e in claim["evidence"])
    assert all(m.keys() >= MEASUREMENT_KEYS and m["ok"] for m in data["measurements"])
    targets = ("pytorch", "triton", "triton.short", "triton.accurate", "c++")
    kernels = ("calls", "constants", *targets, *(f"{target}.operations" for target in targets))
    assert {f"kernels.{name}" for name in kernels} <= {claim["id"] for claim in data["claims"]}
    paths = {m["id"].split(".")[0] for m in data["measurements"]}
    assert paths == PLANS.keys()
    for m in data["measurements"]:
        counts = m["histogram"]
        assert sum(counts[1:]) <= m["misrounded"]  # what is more than half an ulp off is not the nearest number
        assert sum(counts) + 4 >= m["inputs"] if m["kind"] == "sampled" else sum(counts) > 60_000  # the finite ones
        last = max(k for k, count in enumerate(counts) if count)
        if not m["absolute"] and not m["under"]:
            assert [*EDGES, math.inf][last] >= m["max_ulp"] > [0, *EDGES][last]
    assert "claims proved" in done.stderr


def test_each_claim_names_two_engines_or_two_methods() -> None:
    data = json.loads(command("--variant", "egem", "--N", "1", "--no-kernels", "--json", "-").stdout)
    for claim in data["claims"]:
        assert len({e["checker"] for e in claim["evidence"]}) >= 2, claim["id"]


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_from_the_command_line(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify.main(["--variant", name, "--N", "2", "--no-kernels"]) == 0
    assert "claims proved in" in capsys.readouterr().out


@pytest.mark.parametrize(("option", "value", "eps"), [("--eps", "1/3", "1/3"), ("--scale", "0.5", "1/16")])
def test_eps_or_scale(option: str, value: str, eps: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify.main(["--variant", "egem", "--N", "2", option, value, "--no-kernels", "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["eps"] == eps


def test_a_refuted_claim_prints_a_counterexample_and_exits_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = replace(SEGEM, branches=(Branch("x <= 0", "-x*S"), Branch("x > 0", "x")))
    assert patched(monkeypatch, broken) == 1
    assert (
        "T2.smoothness refuted: at N = 2, eps = 1/10000: derivative 1 at 0 jumps: -1 on the left, 1 on the right"
        in (" ".join(capsys.readouterr().out.split()))
    )


def test_an_undecided_claim_exits_with_3(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    outside = replace(EGEM, branches=(Branch("x <= 0", "0"), Branch("x > 0", "x**3/(1 + x)")), claims={})
    assert patched(monkeypatch, outside) == 3
    assert "undecided" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "give --variant and --N, or --spec FILE, or --check DIR, or --list"),
        (["--variant", "relu", "--N", "1"], "unknown variant 'relu'; known are gem, egem, segem, segem_gated"),
        (["--variant", "egem", "--N", "0"], "N must be an integer >= 1; got 0"),
        (["--variant", "egem", "--N", "two"], "N must be an integer >= 1; got 'two'"),
        (["--variant", "egem", "--N", "²"], "N must be an integer >= 1; got '²'"),
        (["--variant", "egem", "--N", "101"], "N must be at most 100: beyond, exact arithmetic takes long; got 101"),
        (["--variant", "egem", "--N", "9" * 5000], "N must be at most 100"),
        (["--variant", "egem", "--N", "1", "--eps", "1e99999999"], "eps must be from 1e-60 to 1e60"),
        (["--variant", "egem", "--N", "1", "--scale", "1e-61"], "scale must be from 1e-60 to 1e60"),
        (["--variant", "egem", "--N", "1", "--eps", "1e-" + "0" * 5000 + "1"], "in at most 100 characters"),
        (["--variant", "egem", "--N", "1", "--eps", "0"], "eps must be > 0; got '0'"),
        (["--variant", "egem", "--N", "1", "--eps", "pi"], "eps must be a rational number"),
        (["--variant", "egem", "--N", "1", "--eps", "1", "--scale", "1"], "give eps or scale, not both"),
        (["--variant", "gem", "--N", "1", "--eps", "2"], "GEM has no parameter eps: it is fixed at 1"),
        (["--variant", "egem", "--N", "1", "--json", "/nowhere/at/all"], "must be a file in an existing folder"),
        (["--nonsense"], "unrecognized arguments"),
    ],
)
def test_bad_input_gets_one_sentence_and_exit_status_2(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        verify.main(arguments)
    assert stop.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert sentence in captured.err
    assert captured.err.count("\n") == 1


def test_the_list_shows_every_definition(capsys: pytest.CaptureFixture[str]) -> None:
    assert verify.main(["--list"]) == 0
    shown = capsys.readouterr().out
    for activation in VARIANTS.values():
        assert activation.source in shown
        assert all(branch.expr in shown for branch in activation.branches)


def test_json_goes_to_a_file_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "result.json"
    assert verify.main(["--variant", "gem", "--N", "1", "--no-kernels", "--json", str(path)]) == 0
    before = path.read_text(encoding="utf-8")
    assert json.loads(before)["variant"] == "gem"
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("no space left")))
    with pytest.raises(OSError, match="no space left"):
        verify.main(["--variant", "egem", "--N", "1", "--no-kernels", "--json", str(path)])
    assert path.read_text(encoding="utf-8") == before
    assert [p.name for p in tmp_path.iterdir()] == ["result.json"]


def test_without_torch_it_says_so_and_exits_with_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from gem_symbolic import kernelcheck

    monkeypatch.setattr(kernelcheck.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit) as stop:
        verify.main(["--variant", "egem", "--N", "1"])
    assert stop.value.code == 3
    assert "PyTorch is not installed" in capsys.readouterr().err


def test_in_a_pipe_the_tables_are_plain_text() -> None:
    """Without colours, cursor movements or, where the encoding has none, lines drawn by letters."""
    arguments = [sys.executable, "-m", "gem_symbolic.verify", "--variant", "egem", "--N", "1", "--no-kernels"]
    ascii_only = os.environ | {"PYTHONIOENCODING": "ascii", "TERM": "xterm-256color", "COLUMNS": "40"}
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, env=ascii_only)
    assert done.stdout.isascii()
    assert "\x1b" not in done.stdout
    assert done.stderr == ""  # no progress where nobody watches
    (row,) = (line for line in done.stdout.splitlines() if "T3.increasing" in line)
    assert {"proved", "SymPy,", "FLINT"} <= set(row.split())  # on one line, so that it can be searched for
