"""`verify --spec` as it is called: exit status, the JSON contract, tables, and the list of shipped specs."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from gem_symbolic import kernelcheck, produce, verify
from gem_symbolic.spec.read import load, shipped
from gem_symbolic.spec.show import LENGTH

FACTS = {
    *("title", "settings", "pieces", "poles", "smoothness", "junctions", "range", "monotone", "lipschitz"),
    *("zero_gradient", "asymptotes", "distances", "gain"),
}


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    status = verify.main(["--spec", *arguments, "--json", "-"])
    return status, json.loads(capsys.readouterr().out)  # standard output carries JSON only


def test_json_has_claims_as_for_a_variant_and_the_facts(capsys: pytest.CaptureFixture[str]) -> None:
    status, data = run(capsys, "hard_swish")
    assert status == 0
    assert {key: data[key] for key in ("schema", "variant", "N", "eps", "measurements")} == {
        "schema": 1,
        "variant": "hard_swish",
        "N": None,
        "eps": None,
        "measurements": [],
    }
    for claim in data["claims"]:
        assert claim.keys() == {"id", "statement", "status", "evidence"}
        assert [e.keys() for e in claim["evidence"]] == [{"kind", "checker", "detail"}] * 2
    assert data["facts"].keys() == FACTS
    assert data["facts"]["range"]["infimum"] == {
        "value": {"exact": "-3/8"},
        "x": {"exact": "-3/2"},
        "reached": True,
    }
    assert data["facts"]["distances"]["relu"]["2"] == {
        "exact": "root(20*x^2 - 9, 2)",
        "decimal": "0.670820393249937",
    }


def test_a_refuted_claim_prints_its_counterexample_and_exits_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert verify.main(["--spec", "broken_segem", "--N", "1", "--eps", "1/3"]) == 1
    shown = capsys.readouterr().out
    assert "N = 1, eps = 1/3" in shown
    assert "smoothness refuted: derivative 2 jumps by -6 at x = 0: C^1" in shown
    assert "1 of 2 claims proved" in shown


def test_a_pole_is_refused_by_name_and_nothing_more_is_claimed(capsys: pytest.CaptureFixture[str]) -> None:
    status, data = run(capsys, "pade_pole")
    assert status == 1
    assert [(c["id"], c["status"]) for c in data["claims"]] == [("poles", "refuted"), ("smoothness", "undecided")]
    assert data["claims"][0]["counterexample"].startswith("pole at x = -5.09730933000266...")
    assert data["facts"].keys() == {"title", "settings", "pieces", "poles"}


def test_what_is_not_decided_in_time_exits_with_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert verify.main(["--spec", "pade", "--seconds", "0.001"]) == 3
    shown = capsys.readouterr().out
    assert "spec undecided: not decided within 0.001 s" in shown
    assert "the facts are not complete" in shown


def test_parameters_are_set_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    status, data = run(capsys, "leaky_relu", "--set", "alpha=2")
    assert data["facts"]["settings"] == {"alpha": "2"}
    assert status == 1  # with alpha above 1 the Lipschitz constant is alpha
    (refuted,) = [claim for claim in data["claims"] if claim["status"] == "refuted"]
    assert refuted["counterexample"].startswith("sup |f'| = 2")


def test_errors_of_the_derivation_are_usage_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[[branch]]\non = "x < 0"\nexpr = "x"\n', encoding="utf-8")
    with pytest.raises(SystemExit) as stop:
        verify.main(["--spec", str(path)])
    assert stop.value.code == 2
    assert "mine.toml, line 2, branch 1, on: nothing is defined beyond 0" in capsys.readouterr().err


def test_the_list_shows_every_shipped_spec(capsys: pytest.CaptureFixture[str]) -> None:
    assert verify.main(["--list"]) == 0
    shown = capsys.readouterr().out
    for name in shipped():
        assert f"\n{name}  ({load(name).title})" in shown
        assert load(name).source in shown


def test_the_example_of_the_documentation_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parent.parent / "docs" / "specs.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```toml\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    (tmp_path / "hinge.toml").write_text(example, encoding="utf-8")
    for more in ((), ("--N", "2", "--set", "alpha=1/3")):
        status, data = run(capsys, str(tmp_path / "hinge.toml"), *more)
        assert status == 0
        assert len(data["claims"]) == 4


# --- With kernels ---


def test_kernels_are_written_read_back_and_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(produce, "FORMATS", ("binary16",))
    status, data = run(capsys, "leaky_relu", "--set", "alpha=1/4", "--emit", str(tmp_path / "kernels"))
    assert status == 0
    assert sorted(path.name for path in (tmp_path / "kernels").iterdir()) == ["leaky_relu.cpp", "leaky_relu.py"]
    assert "0.25 * x" in (tmp_path / "kernels" / "leaky_relu.py").read_text(encoding="utf-8")
    kernels = [claim for claim in data["claims"] if claim["id"].startswith("kernels.")]
    assert len(kernels) == 8
    assert {claim["status"] for claim in data["claims"]} == {"proved"}
    assert {m["id"].split(".")[0] for m in data["measurements"]} == {"torch", "native", "compiled", "triton"}
    assert all(m["ok"] and m["kind"] == "exhaustive" for m in data["measurements"])


def test_a_missed_limit_exits_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    missed = {"id": "torch.binary16.value", "kind": "exhaustive", "max_ulp": None, "limit": 0.501, "ok": False}
    missed |= {"absolute": 0.0, "inputs": 65536, "misrounded": 1, "worst": None, "zero_to": None}
    monkeypatch.setattr(produce, "produce", lambda *_: ([], [missed]))
    assert verify.main(["--spec", "relu", "--emit", str(tmp_path)]) == 1
    assert "0 of 1 measurements within their limits" in capsys.readouterr().out


def test_no_kernels_are_made_where_there_is_a_pole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, data = run(capsys, "pade_pole", "--emit", str(tmp_path / "kernels"))
    assert status == 1
    assert data["claims"][0]["counterexample"].startswith("pole at x = ")
    assert not (tmp_path / "kernels").exists()


def test_no_kernels_are_made_of_irrational_junctions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        '[[branch]]\non = "x < root(x^2 - 2, 2)"\nexpr = "0"\n[[branch]]\non = "x >= root(x^2 - 2, 2)"\nexpr = "x"\n'
    )
    with pytest.raises(SystemExit) as caught:
        verify.main(["--spec", str(path), "--emit", str(tmp_path / "kernels")])
    assert caught.value.code == 2
    assert "no kernels: the junction root(x^2 - 2, 2) of mine is no rational number" in capsys.readouterr().err
    assert not (tmp_path / "kernels").exists()


def test_no_kernels_are_made_of_endless_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[[branch]]\non = "all x"\nexpr = "x + 1234567890123456789^300"\n', encoding="utf-8")
    with pytest.raises(SystemExit) as caught:
        verify.main(["--spec", str(path), "--emit", str(tmp_path / "kernels")])
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert "no kernels: a number of mine in lowest terms has more than 4000 digits" in said
    assert len(said) < 200
    assert verify.main(["--spec", str(path)]) == 0
    shown = capsys.readouterr().out
    assert max(len(digits) for digits in re.findall(r"\d+", re.sub(r"\s", "", shown))) <= LENGTH


def test_kernels_need_pytorch(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.setattr(kernelcheck, "missing", lambda: "PyTorch is not installed")
    assert verify.main(["--spec", "relu", "--emit", str(tmp_path / "kernels")]) == 3
    assert "PyTorch is not installed" in capsys.readouterr().err
    assert not (tmp_path / "kernels").exists()


@pytest.mark.parametrize("more", [["--emit", "kernels"], ["--set", "a=1"], ["--seconds", "3"]])
def test_what_belongs_to_specs_is_refused_for_a_variant(more: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        verify.main(["--variant", "gem", "--N", "1", *more])
    assert caught.value.code == 2
    assert "belong to --spec" in capsys.readouterr().err


@pytest.mark.parametrize(
    "more", [["--variant", "gem"], ["--scale", "1"], ["--formal"], ["--smt"], ["--html", "page.html"], ["--no-kernels"]]
)
def test_what_belongs_to_variants_is_refused_for_a_spec(more: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        verify.main(["--spec", "relu", *more])
    assert caught.value.code == 2
    assert f"--spec takes no {more[0]}" in capsys.readouterr().err
