"""The benchmark's command line, with times that are made up: what it measures, keeps, says and returns."""

import contextlib
import importlib.util
import json
import re
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from gem_symbolic import bench, contenders, limits, machine, plots, speed, timing
from gem_symbolic.contenders import Point

#: Seconds by operator, such that every limit is met.
GOOD = {"copy": 1.0, "relu": 1.0, "silu": 1.0, "gelu": 1.0, "kernel": 0.9, "unaligned": 0.9, "formula": 10.0}
QUICK = ["--quick", "--json"]


def patch(monkeypatch: pytest.MonkeyPatch, times: Mapping[str, float] = {}, fail_at: int = -1) -> list[Point]:
    """Nothing is computed, each operator takes so many seconds, a point is interrupted. Returns what is measured."""
    asked: list[Point] = []
    calls = contenders.calls

    def noted(point: Point) -> dict[Any, Any]:
        if len(asked) == fail_at:
            raise KeyboardInterrupt
        asked.append(point)
        return calls(point)

    def race(calls: Any, clock: Any, budget: float) -> Any:
        known = GOOD | dict(times)
        return {key: timing.summary([known.get(key[0], 1.0)] * 5) for key in calls}

    monkeypatch.setattr(contenders, "tensors", lambda point, contender: ((), None))
    monkeypatch.setattr(contenders, "call", lambda *_: None)
    monkeypatch.setattr(contenders, "calls", noted)
    monkeypatch.setattr(timing, "race", race)
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
    monkeypatch.setattr(torch.compiler, "reset", lambda: None)
    return asked


def cuda(monkeypatch: pytest.MonkeyPatch, liger: bool) -> None:
    """A GPU of which only the name is there, and Liger."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Fake GPU")
    monkeypatch.setattr(timing, "Cuda", lambda: None)
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n: (liger or None) if n == "liger_kernel" else found(n))
    for module, function in contenders.LIGER.values():
        apply = SimpleNamespace(apply=lambda gate, up: gate * up)
        monkeypatch.setitem(sys.modules, module, SimpleNamespace(**{function: apply}))


def outcomes(data: Any) -> dict[str, bool | None]:
    return {v.limit.says: v.met for v in limits.judge(data["rows"], data["device"])}


def test_every_limit_is_measured_and_met(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "speed.json"
    patch(monkeypatch)
    assert bench.main([*QUICK, str(path)]) == bench.OK
    shown = capsys.readouterr().out
    data = json.loads(path.read_text(encoding="utf-8"))
    assert set(outcomes(data).values()) == {True}
    assert shown.count(" met") == len(outcomes(data)) == sum(limit.of["device"] == "cpu" for limit in limits.LIMITS)
    assert machine.processor() in shown
    assert "as long as copying" in shown
    assert (tmp_path / "speed.svg").read_text(encoding="utf-8").lstrip().startswith("<?xml")


@pytest.mark.parametrize(
    ("times", "missed"),
    [
        ({"kernel": 1.01}, 5),  # slower than F.gelu forward and both, and less than 10 times as fast as the formula
        ({"kernel": 2.1, "formula": 99.0, "nothing": 9.0, "gelu": 9.0}, 2),  # than copying, eager and compiled
        ({"nothing": 0.89}, 1),
        ({"copy": 0.55}, 1),
    ],
)
def test_a_missed_limit_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], times: Mapping[str, float], missed: int
) -> None:
    patch(monkeypatch, times)
    assert bench.main(["--quick"]) == bench.MISSED
    assert capsys.readouterr().out.count(" missed") == missed


def test_the_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = patch(monkeypatch)
    bench.main([])
    assert len(asked) == len(set(asked))
    assert {p.size for p in asked if p.dtype == "float32" and p.threads == 1} == {16, *(4**k for k in range(5, 14))}
    assert {p.dtype for p in asked} == set(limits.WIDTHS)
    assert {p.size for p in bench.points("cuda", 1, quick=False)} == {4**k for k in range(5, 15)}


@pytest.mark.parametrize("liger", [True, False])
def test_a_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, liger: bool) -> None:
    path = tmp_path / "speed.json"
    patch(monkeypatch)
    cuda(monkeypatch, liger)
    assert bench.main(["--device", "cuda", *QUICK, str(path)]) == bench.OK
    data = json.loads(path.read_text(encoding="utf-8"))
    assert data["machine"].startswith("Fake GPU")
    assert {row["threads"] for row in data["rows"]} == {None}
    found = outcomes(data)
    assert len(found) == sum(limit.of["device"] == "cuda" for limit in limits.LIMITS)
    assert {says for says, met in found.items() if met is None} == {s for s in found if "Liger" in s and not liger}


def test_each_type_is_held_to_the_limits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "speed.json"
    patch(monkeypatch)
    cuda(monkeypatch, liger=False)
    bench.main(["--device", "cuda", *QUICK, str(path)])
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    slow = {"operator": "kernel", "variant": "segem", "mode": "eager", "direction": "backward", "dtype": "bfloat16"}
    for row in rows:
        if limits.selected(row, slow) and row["size"] == 1 << 26:
            row["seconds"]["median"] = 1.7  # moves 3 tensors, copying moves 2 in 1 s
    (missed,) = [v for v in limits.judge(rows, "cuda") if v.met is False]
    assert missed.row
    assert limits.selected(missed.row, slow)
    assert missed.quotient == pytest.approx(1.5 / 1.7)


def test_what_does_not_fit_on_a_gpu_is_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "speed.json"
    patch(monkeypatch)
    cuda(monkeypatch, liger=False)
    calls = contenders.calls

    def full(point: Point) -> Any:
        if point.size > 1 << 26:
            raise torch.OutOfMemoryError
        return calls(point)

    monkeypatch.setattr(contenders, "calls", full)
    assert bench.main(["--device", "cuda", *QUICK, str(path)]) == bench.OK
    assert {row["size"] for row in json.loads(path.read_text())["rows"]} == {1 << 24, 1 << 26, (1 << 26) + 1}


def test_an_interrupted_run_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "speed.json"
    with monkeypatch.context() as context:
        patch(context, fail_at=1)
        with pytest.raises(SystemExit) as stop:
            bench.main([*QUICK, str(path)])
    assert stop.value.code == bench.INTERRUPTED
    assert capsys.readouterr().err.endswith("interrupted; the same command goes on from here\n")
    kept = json.loads(path.read_text(encoding="utf-8"))["rows"]
    assert {row["size"] for row in kept} == {16}
    assert [p.size for p in again(monkeypatch, path)] == [1 << 22]
    assert json.loads(path.read_text(encoding="utf-8"))["rows"][: len(kept)] == kept
    assert not again(monkeypatch, path)
    assert len(again(monkeypatch, path, "--again")) == 2


def test_an_interruption_that_is_swallowed_stops_after_the_point(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "speed.json"
    patch(monkeypatch)
    race = timing.race

    def swallowing(*arguments: Any) -> Any:
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        return race(*arguments)

    monkeypatch.setattr(timing, "race", swallowing)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(SystemExit) as stop:
        bench.main([*QUICK, str(path)])
    assert stop.value.code == bench.INTERRUPTED
    assert {row["size"] for row in json.loads(path.read_text(encoding="utf-8"))["rows"]} == {16}
    assert signal.getsignal(signal.SIGINT) is before


def again(monkeypatch: pytest.MonkeyPatch, path: Path, *options: str) -> list[Point]:
    """What the same command measures."""
    with monkeypatch.context() as context:
        asked = patch(context)
        assert bench.main([*QUICK, str(path), *options]) == bench.OK
    return asked


def test_another_machine_or_setting_starts_afresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "speed.json"
    again(monkeypatch, path)
    assert len(again(monkeypatch, path, "--seconds", "1")) == 2
    with monkeypatch.context() as context:
        context.setattr(machine, "processor", lambda: "another")
        assert len(again(context, path, "--seconds", "1")) == 2
    assert json.loads(path.read_text(encoding="utf-8"))["machine"].startswith("another, ")


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--device", "tpu"], bench.USAGE, "invalid choice: 'tpu'"),
        (["--seconds", "-1"], bench.USAGE, "--seconds must be >= 0; got -1"),
        (["--seconds", "nan"], bench.USAGE, "--seconds must be >= 0; got nan"),
        (["--json", "/nowhere/at/all"], bench.USAGE, "must be a file in an existing folder"),
        (["--device", "cuda"], bench.MISSING, "PyTorch finds no CUDA device here"),
    ],
)
def test_bad_input(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    sentence: str,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit) as stop:
        bench.main(arguments)
    assert stop.value.code == code
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("content", ["not JSON", "[]", "{}", '{"schema": 1}'])
def test_a_file_of_something_else_is_left_alone(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.json"
    path.write_text(content)
    with pytest.raises(SystemExit) as stop:
        bench.main([*QUICK, str(path)])
    assert stop.value.code == bench.USAGE
    assert "holds something else" in capsys.readouterr().err
    assert path.read_text() == content


# --- For readers ---


def written(monkeypatch: pytest.MonkeyPatch, folder: Path, times: Mapping[str, float] = {}) -> Path:
    """A root with committed figures of a processor."""
    (folder / "codegen").mkdir()
    with monkeypatch.context() as context:
        patch(context, times)
        bench.main(["--json", str(folder / "codegen" / "bench-cpu.json")])
    return folder


def test_without_figures_the_readme_says_so(tmp_path: Path) -> None:
    assert speed.section(tmp_path) == "Speed on the CPU: not measured yet.\n\nSpeed on a GPU: not measured yet."


def test_the_readme_says_what_the_figures_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = speed.section(written(monkeypatch, tmp_path))
    assert "| SE-GEM, N = 4 | 900 ms (0.9) |" in text
    assert "N = 1" not in text
    assert "Limits met: 7 of 7." in text
    assert text.endswith("Speed on a GPU: not measured yet.")
    (image,) = re.findall(r"!\[.*\]\((.*)\)", text)
    assert (tmp_path / image).exists()


def test_the_readme_says_which_limits_are_missed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = speed.section(written(monkeypatch, tmp_path, {"copy": 0.5}))
    assert "Limits met: 6 of 7; missed: compiled, forward takes 1.8 (at most 1.5) times as long as copying." in text


def test_the_plot_has_each_operator_and_copying_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = written(monkeypatch, tmp_path) / "codegen" / "bench-cpu.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    curves = speed.curves(rows, "eager", "both")
    assert next(iter(curves)) == "copying"
    assert {"F.gelu", "SE-GEM, N = 4"} < set(curves)
    xs, ys = curves["SE-GEM, N = 4"]
    assert xs == sorted({r["size"] for r in rows if r["dtype"] == "float32" and r["threads"] == 1})
    assert ys[-1] == pytest.approx(5 * 4 * xs[-1] / 0.9)
    first, second = (tmp_path / name for name in ("a.svg", "b.svg"))
    for target in (first, second):
        plots.write_svg(plots.bandwidths({"both": curves, "again": curves}, "x", "y", title="t"), target)
    assert first.read_bytes() == second.read_bytes()
    assert "SE-GEM, N = 4" in first.read_text(encoding="utf-8")


@pytest.mark.parametrize(("seconds", "text"), [(2.5, "2.5 s"), (0.0123, "12.3 ms"), (4.56e-6, "4.56 us")])
def test_durations(seconds: float, text: str) -> None:
    assert speed.duration(seconds) == text


def test_a_spread_is_half_the_distance_of_the_quartiles() -> None:
    row = {"seconds": {"median": 1.0, "low": 0.9, "high": 1.3}}
    assert speed.cell(row, {"seconds": {"median": 0.5}}, spread=True) == "1 s ±20% (2)"


# --- Limits ---


def test_a_quotient_beyond_a_limit_is_told_from_one_within() -> None:
    slow, fast = limits.Limit("", {}, {}, long=1.5), limits.Limit("", {}, {}, fast=0.97)
    assert [limits.Verdict(slow, {}, q).met for q in (1.49, 1.5, 1.51)] == [True, True, False]
    assert [limits.Verdict(fast, {}, q).met for q in (0.96, 0.97, 1.2)] == [False, True, True]
    assert limits.Verdict(slow).met is None


def test_what_counts_as_moved_is_what_a_contender_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda(monkeypatch, liger=True)
    for c in contenders.contenders("cuda"):
        assert (c.operator in limits.GATED) == (c.inputs == 2)


@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated")  # Inductor's own import
def test_a_compiled_backward_runs_again():
    """Of shapes that vary, a product kept for backward would be given away there; timing needs it again."""
    x, grad = torch.randn(16, 16), torch.ones(16, 16)
    function = torch.compile(lambda x: (x @ x).sin(), fullgraph=True, dynamic=True)
    call = contenders.call(function, "backward", [x], grad)
    first, second = call(), call()
    assert torch.equal(*first, *second)
