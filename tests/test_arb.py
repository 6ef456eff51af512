"""The numerical engine against values that no code of ours computed."""

import csv
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from flint import arb, ctx

from gem_symbolic.checkers.arb import BITS, Concrete, overlap
from gem_symbolic.definitions import EGEM, GEM, SEGEM, VARIANTS, Branch
from gem_symbolic.prover import Prover
from gem_symbolic.reference import evaluate

ROWS = list(csv.DictReader((Path(__file__).parent / "data" / "oracle_constants.csv").open(encoding="utf-8")))
#: How a quantity of the table is asked for.
QUANTITIES = {"lipschitz": "max_abs(f, 1)", "minimum": "inf(f)"}
#: Gains as printed in the mathematical notes, 15 digits.
GAINS = [
    (GEM, 1, "1", "2.06937213706709"),
    (SEGEM, 1, "1", "1.31551645581364"),
    (EGEM, 2, "1e-4", "1.41517680383326"),
    (SEGEM, 2, "1e-4", "1.41405770177737"),
]


#: sup |GEM''|, likewise.
CURVATURES = [(1, "1.4571067811865"), (2, "3.0789139648"), (3, "5.5647548745")]


def quantity(row: dict[str, str]) -> str:
    if row["quantity"] != "lp_error":
        return QUANTITIES[row["quantity"]]
    return "max_abs(gap)" if row["p"] == "inf" else f"norm(gap, {row['p']})**(1/({row['p']}))"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: "-".join(row.values()))
def test_constants(row: dict[str, str]) -> None:
    concrete = Concrete(VARIANTS[row["variant"]], int(row["N"]), Fraction(row["eps"] or "1"))
    with ctx.workprec(BITS):
        found = concrete.evaluate(quantity(row))
        if row["value"] == "inf":
            assert not found.is_finite()
            return
        digits = len(row["value"].replace(".", "").lstrip("-0"))
        expected = arb(row["value"])
        assert abs(found - expected) < abs(expected) * arb(10) ** (2 - min(digits, 40))
        assert found.rel_accuracy_bits() > 60


@pytest.mark.parametrize(("activation", "N", "eps", "gain"), GAINS)
def test_gains(activation, N: int, eps: str, gain: str) -> None:
    with ctx.workprec(BITS):
        concrete = Concrete(activation, N, Fraction(eps))
        for way in ("moment", "moment_by_residues"):
            assert abs(concrete.evaluate(f"1/sqrt({way}(f, 2))") - arb(gain)) < arb("1e-14")


@pytest.mark.parametrize(("N", "curvature"), CURVATURES)
def test_curvatures(N: int, curvature: str) -> None:
    with ctx.workprec(BITS):
        assert abs(Concrete(GEM, N, Fraction(1)).evaluate("max_abs(f, 2)") - arb(curvature)) < arb("1e-10")


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("N", [1, 2, 5])
def test_the_two_ways_to_a_moment_overlap_and_a_wrong_one_does_not(name: str, N: int) -> None:
    concrete = Concrete(VARIANTS[name], N, Fraction(1))
    with ctx.workprec(BITS):
        for k in (1, 2):
            assert concrete.evaluate(f"moment(f, {k})").overlaps(concrete.evaluate(f"moment_by_residues(f, {k})"))
        assert not concrete.evaluate("moment(f, 1)").overlaps(concrete.evaluate("moment_by_residues(f, 2)"))


def test_the_mean_for_one_is_an_exponential_integral() -> None:
    with ctx.workprec(BITS):
        concrete = Concrete(EGEM, 1, Fraction(1, 3))
        half = arb(1) / 6
        closed = arb(1) / 3 * half.exp() * half.expint(1) / (2 * (2 * arb.pi()).sqrt())
        assert overlap(-concrete.evaluate("moment(gap, 1)"), closed)
        assert not overlap(-concrete.evaluate("moment(gap, 1)"), 2 * closed)


@pytest.mark.parametrize("name", VARIANTS)
def test_no_sampled_value_exceeds_an_enclosed_extremum(name: str) -> None:
    activation, N = VARIANTS[name], 2
    concrete = Concrete(activation, N, Fraction(1))
    for order in range(3):
        with ctx.workprec(BITS):
            high, low = float(concrete.evaluate(f"sup(f, {order})")), float(concrete.evaluate(f"inf(f, {order})"))
        grid = [Fraction(k, 16) for k in range(-80, 81)]
        values = [float(evaluate(activation, x, N, eps(activation), order=order)) for x in grid]
        assert low - 1e-9 <= min(values)
        assert max(values) <= high + 1e-9
        if order:
            assert max(values) > high - 0.02 * abs(high)  # and the grid comes near it


def eps(activation) -> str | None:
    return None if any(p.fixed for p in activation.parameters) else "1"


def test_a_pole_on_the_line_is_refused() -> None:
    from dataclasses import replace

    from gem_symbolic.definitions import Branch

    broken = replace(EGEM, branches=(Branch("x <= 0", "0"), Branch("x > 0", "x/(4*eps - x**(2*N))")))
    with ctx.workprec(BITS), pytest.raises(ArithmeticError, match=r"there is a pole at x = 2\.0000"):
        Concrete(broken, 1, Fraction(1)).evaluate("sup(f)")


def test_a_pole_at_the_junction_is_refuted() -> None:
    poled = replace(EGEM, branches=(Branch("x <= 0", "0"), Branch("x > 0", "F/x**(2*N + 1)")))
    outcomes = {o.certificate.id: o for o in Prover(poled, 1, Fraction(1)).prove()}
    assert outcomes["T2.smoothness"].status == "refuted"
    assert "pole" in str(outcomes["T2.smoothness"].counterexample)
