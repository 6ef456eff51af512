"""`verify --spec` as it is called: exit status, the JSON contract, tables, and the list of shipped specs."""

import json
from pathlib import Path
from typing import Any

import pytest

from gem_symbolic import verify
from gem_symbolic.spec.read import load, shipped

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
