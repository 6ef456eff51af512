"""Choosing eps: what is answered meets the demand, and 0.1 % more of it does not."""

import json
from fractions import Fraction
from pathlib import Path

import pytest

from gem_symbolic import choose, observe
from gem_symbolic.definitions import EGEM, GEM, SEGEM, SEGEM_GATED, Activation
from gem_symbolic.presets import PRESETS
from gem_symbolic.tradeoff import Demand, Unreachable, lipschitz_reach, named
from gem_symbolic.tradeoff import choose as chosen

MORE = Fraction(1001, 1000)


def demand(activation: Activation, N: int, name: str, bound: str, p: str | None = None) -> Demand:
    return Demand(activation, N, named(activation, name, Fraction(p) if p else None), Fraction(bound))


@pytest.mark.parametrize(
    ("activation", "N", "name", "bound", "p"),
    [
        (SEGEM, 1, "sup", "1/1000", None),
        (EGEM, 2, "sup", "1/3", None),
        (SEGEM_GATED, 3, "sup", "7/1000", None),
        (EGEM, 1, "lp", "1/1000", "2"),
        (SEGEM, 3, "lp", "1/10", "3/2"),
        (SEGEM_GATED, 2, "lp", "1/100", "1"),
        (SEGEM, 2, "variation", "1/50", None),
        (SEGEM, 1, "curvature", "10", None),
        (EGEM, 4, "curvature", "37/2", None),
    ],
)
def test_the_eps_meets_the_demand_and_a_little_beyond_it_does_not(
    activation: Activation, N: int, name: str, bound: str, p: str | None
) -> None:
    asked = demand(activation, N, name, bound, p)
    eps = chosen([asked])
    assert eps is not None
    assert asked.met(eps)
    assert not asked.met(eps * MORE if asked.direction > 0 else eps / MORE)
    assert asked.met(eps / MORE if asked.direction > 0 else eps * MORE)


def test_what_is_exact_is_given_exactly() -> None:
    asked = demand(EGEM, 1, "sup", "1/200")
    assert str(asked.solution) == "1/10000"
    assert chosen([asked]) == Fraction(1, 10000)  # on the bound itself, which no ball can decide


def test_against_a_search_that_knows_no_claim() -> None:
    eps = chosen([demand(SEGEM, 2, "lp", "1/100", "2")])
    assert eps is not None
    assert observe.lp_error("segem", 2, eps, 2) == pytest.approx(0.01, rel=1e-4)
    eps = chosen([demand(SEGEM, 2, "curvature", "20")])
    assert eps is not None
    assert observe.curvature("segem", 2, eps) == pytest.approx(20, rel=1e-3)


def test_several_demands_together() -> None:
    near, flat = demand(SEGEM, 2, "sup", "1/10"), demand(SEGEM, 2, "curvature", "100")
    eps = chosen([near, flat])
    assert eps is not None
    assert near.met(eps)
    assert flat.met(eps)
    assert eps == chosen([near])
    with pytest.raises(Unreachable, match="no eps does"):
        chosen([near, demand(SEGEM, 2, "curvature", "17")])
    assert chosen([near, demand(SEGEM, 2, "curvature", "18")]) == eps


@pytest.mark.parametrize(
    ("activation", "bound", "reach"),
    [
        (SEGEM, "1", 2),
        (SEGEM, "25/24", 3),
        (SEGEM, "1041/1000", 2),
        (SEGEM, "999/1000", 0),
        (EGEM, "9/8", 1),
        (EGEM, "1", 0),
        (GEM, "25/16", 2),
        (SEGEM_GATED, "49/24", 3),
    ],
)
def test_the_lipschitz_constant_is_a_matter_of_N(activation: Activation, bound: str, reach: int) -> None:
    assert lipschitz_reach(activation, Fraction(bound)) == reach
    for N in (reach, reach + 1):
        if N:
            assert demand(activation, N, "lipschitz", bound).met(Fraction(1)) is (reach >= N)


def answered(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert choose.main([*arguments, "--json", "-"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    data = answered(capsys, "--variant", "segem", "--N", "2", "--sup", "1e-3")
    assert data["demands"] == [{"demand": "sup |f - ReLU| <= 1/1000", "eps": "eps <= 1/105468750000"}]
    (answer,) = data["answers"]
    assert Fraction(answer["eps"]) < Fraction(1, 105468750000) < Fraction(answer["eps"]) * MORE
    costs = {cost["id"]: cost["value"] for cost in answer["costs"]}
    assert costs["sup"] == "0.000999999960937"
    assert costs["lipschitz"] == "1"


def test_the_costs_of_an_eps(capsys: pytest.CaptureFixture[str]) -> None:
    data = answered(capsys, "--variant", "egem", "--N", "1", "--scale", "1/100", "--lp", "2")
    (answer,) = data["answers"]
    assert answer["eps"] == "0.0001"
    costs = {cost["id"]: float(cost["value"]) for cost in answer["costs"]}
    assert costs["lp"] == pytest.approx(observe.lp_error("egem", 1, "1e-4", 2), rel=1e-6)
    assert costs["curvature"] == pytest.approx(145.71067811865)


def test_every_preset_says_where_it_comes_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert choose.main(["--list"]) == 0
    shown = capsys.readouterr().out
    for name, preset in PRESETS.items():
        assert name in shown
        assert preset.source in shown
        data = answered(capsys, "--variant", "egem", "--preset", name, *([] if preset.N else ["--N", "2"]))
        assert [Fraction(a["eps"]) for a in data["answers"]] == list(map(Fraction, preset.eps))
        assert data["source"] == preset.source


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        ("", 2, "give --variant, or --list"),
        ("--variant relu --N 1 --sup 1", 2, "unknown variant 'relu'"),
        ("--variant egem --sup 1", 2, "give --N"),
        ("--variant egem --N 2", 2, "give a demand, such as --sup 1e-3, or --eps, or --preset"),
        ("--variant egem --N 2 --sup 1 --eps 1", 2, "give demands, or --eps or --scale, or --preset"),
        ("--variant egem --N 2 --sup 0", 2, "sup must be > 0; got '0'"),
        ("--variant egem --N 2 --sup x", 2, "sup must be a rational number"),
        ("--variant egem --N 2 --lp 1/2 --tolerance 1", 2, "p must be >= 1; got '1/2'"),
        ("--variant egem --N 2 --lp 101 --tolerance 1", 2, "p must be at most 100"),
        ("--variant egem --N 2 --lp 1.001 --tolerance 1", 2, "with at most 100 as denominator; got '1.001'"),
        ("--variant egem --N 100000000000 --sup 1", 2, "N must be at most 100"),
        ("--variant egem --N 2 --sup 1e999999999", 2, "sup must be from 1e-60 to 1e60, in at most 100 characters"),
        ("--variant egem --N 2 --tolerance 1", 2, "give --lp P with --tolerance"),
        ("--variant gem --N 2 --sup 1", 2, "GEM has no parameter eps: it is fixed at 1"),
        ("--variant egem --preset best", 2, "unknown preset 'best'; known are deep-cnn"),
        ("--variant egem --preset bert-small", 2, "this preset does not say which"),
        ("--variant egem --preset deep-cnn --N 3", 2, "the preset deep-cnn has N = 1; got --N 3"),
        ("--variant egem --N 2 --eps 1 --json /nowhere/at/all", 2, "must be a file in an existing folder"),
        ("--variant egem --N 1 --lp 1 --tolerance 1", 1, "is infinite for N = 1, whatever eps is"),
        ("--variant segem --N 3 --lipschitz 1", 1, "the Lipschitz constant is 25/24 for N = 3, more than 1"),
        ("--variant egem --lipschitz 1", 1, "no N has a Lipschitz constant <= 1"),
        ("--variant segem_gated --N 1 --curvature 3", 1, "nothing is claimed of the curvature"),
        ("--variant segem --N 2 --sup 1e-3 --curvature 10", 1, "no eps does"),
    ],
)
def test_bad_input_and_demands_that_nothing_meets_get_one_sentence(
    arguments: str, status: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        choose.main(arguments.split())
    assert stop.value.code == status
    captured = capsys.readouterr()
    assert captured.out == ""
    assert sentence in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "short"),
    [
        ("--N 1 --scale 1e60", True),
        ("--N 1 --sup 1e-20", True),
        ("--N 1 --curvature 1e-60", False),
        ("--N 100 --sup 1e60", False),
    ],
)
def test_what_is_at_the_limits_is_answered(arguments: str, short: bool, capsys: pytest.CaptureFixture[str]) -> None:
    assert choose.main(["--variant", "egem", *arguments.split()]) == 0
    shown = capsys.readouterr().out
    assert "SiLU" in shown
    assert ("about" not in shown) is short  # a formula that would fill pages is given by its first digits
    assert max(map(len, shown.splitlines())) < 300


def test_text_and_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "answer.json"
    assert choose.main(["--variant", "segem", "--N", "1", "--curvature", "10", "--json", str(path)]) == 0
    assert "eps >= (12*sqrt(2) + 17)/1600" in capsys.readouterr().out
    assert json.loads(path.read_text())["answers"][0]["eps"] == "0.0212317"
    assert choose.main(["--variant", "segem", "--lipschitz", "1"]) == 0
    assert "every N up to 2" in capsys.readouterr().out
    assert choose.main(["--variant", "segem", "--N", "2", "--lipschitz", "1"]) == 0
    assert "every eps meets that" in capsys.readouterr().out
