"""The benchmark of proving: medians, the fit, and going on after an interruption."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from gem_symbolic import provingtime


def fake(N: str | None) -> float:
    return 0.1 if N is None else 0.1 + 0.02 * int(N) ** 0.5


def patch(monkeypatch: pytest.MonkeyPatch, fail_at: str = "never") -> list[str | None]:
    asked: list[str | None] = []

    def seconds(arguments: Sequence[str]) -> float:
        N = arguments[arguments.index("--N") + 1] if "--N" in arguments else None
        if fail_at == N:
            raise KeyboardInterrupt
        asked.append(N)
        return fake(N)

    monkeypatch.setattr(provingtime, "seconds", seconds)
    return asked


def test_the_fit_is_the_exponent() -> None:
    assert provingtime.exponent({N: 3.0 * N**1.5 for N in provingtime.NS}) == pytest.approx(1.5)


def test_a_table_with_the_fitted_exponent(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    patch(monkeypatch)
    assert provingtime.main(["--repeats", "1"]) == 0
    shown = capsys.readouterr().out
    assert "the rest grows like N^0.50" in shown
    assert all(str(N) in shown for N in provingtime.NS)


def test_an_interrupted_run_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "times.json"
    patch(monkeypatch, fail_at="8")
    with pytest.raises(KeyboardInterrupt):
        provingtime.main(["--repeats", "1", "--json", str(path)])
    assert set(json.loads(path.read_text(encoding="utf-8"))["seconds"]) == {"start", "1", "2", "4"}
    asked = patch(monkeypatch)
    assert provingtime.main(["--repeats", "1", "--json", str(path)]) == 0
    assert asked == ["8", "16", "32", "64"]


def test_other_settings_start_afresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "times.json"
    patch(monkeypatch)
    provingtime.main(["--repeats", "1", "--json", str(path)])
    asked = patch(monkeypatch)
    provingtime.main(["--repeats", "1", "--json", str(path), "--variant", "egem"])
    assert len(asked) == len(provingtime.NS) + 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--variant", "relu"], "unknown variant 'relu'"),
        (["--repeats", "0"], "--repeats must be >= 1; got 0"),
        (["--json", "/nowhere/at/all"], "must be a file in an existing folder"),
    ],
)
def test_bad_input(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        provingtime.main(arguments)
    assert stop.value.code == 2
    assert sentence in capsys.readouterr().err


def test_a_real_process_is_timed() -> None:
    assert 0 < provingtime.seconds(["--list"]) < 60
