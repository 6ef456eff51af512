"""The inequalities by solvers: all confirmed, altered ones answered with a point, and what is unknown stays so."""

import json
from dataclasses import replace
from fractions import Fraction
from itertools import chain, repeat

import pytest

from gem_symbolic import inequalities, proofs, verify
from gem_symbolic.certificates import Step, sign, smaller_root
from gem_symbolic.checkers import smt
from gem_symbolic.checkers.exact import Workspace
from gem_symbolic.checkers.flint import FlintAlgebra
from gem_symbolic.checkers.queries import KINDS, RELATIONS, Constraint, Query, query
from gem_symbolic.definitions import EGEM, SEGEM, VARIANTS
from gem_symbolic.theorems import certificates

SOLVERS = tuple(smt.SOLVERS)
STEPS = [
    (name, certificate.companion, step)
    for name, activation in VARIANTS.items()
    for certificate in certificates(activation)
    for step in certificate.steps
    if step.kind in KINDS
]
E_GEM = Workspace(EGEM, FlintAlgebra)
HIGHEST = "(n + 1)**2/(4*n)"


def test_every_solver_is_installed_here() -> None:
    assert smt.available() == SOLVERS


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", VARIANTS)
def test_every_inequality_is_confirmed(name: str, solver: str) -> None:
    steps = [(companion, step) for variant, companion, step in STEPS if variant == name]
    stored = json.loads((proofs.FOLDER / f"{name}.json").read_text(encoding="utf-8"))["claims"]
    assert len(steps) == sum(s["kind"] in KINDS for claim in stored for s in claim["steps"]) >= 20
    for companion, step in steps:
        verdict = smt.decide(solver, query(Workspace(VARIANTS[name], FlintAlgebra, companion), step))
        assert verdict.holds, (step, verdict)
        assert step.kind == "smaller_root" or "evaluated exactly" in verdict.why, (step, verdict)


def test_the_documentation_counts_them() -> None:
    signs = sum(step.kind == "sign" for *_, step in STEPS)
    told = (proofs.FOLDER.parent / "docs" / "evidence.md").read_text(encoding="utf-8")
    assert f"confirms all {signs}, and in T8" in told
    assert f"({len(STEPS) - signs} more)" in told


def sampled(w: Workspace, text: str, point: dict[str, Fraction]) -> Fraction | None:
    """A formula at a rational point, exactly, from the definition; None at a pole."""
    return w.algebra.sample(w.outward(text), **point)


def test_a_query_says_what_its_step_says() -> None:
    """Sampled: at rational points a query holds, and makes its assumptions, exactly where the inequality does."""
    seen = set()
    for name, companion, step in STEPS:
        if step.kind != "sign":
            continue
        w = Workspace(VARIANTS[name], FlintAlgebra, companion)
        asked, (text, relation, low, high, first) = query(w, step), step.args
        for n in (Fraction(2), Fraction(3), Fraction(6), Fraction(13, 2)):
            for u in (Fraction(-1, 3), Fraction(1, 5), Fraction(1), Fraction(9, 2), Fraction(40)):
                point = dict.fromkeys(w.algebra.symbols, Fraction(3, 2)) | {"n": n, "u": u}
                value = sampled(w, text, point)
                says = value is not None and RELATIONS[relation](value, 0)
                inside = n >= int(first)
                if "u" in w.algebra.occurring(w.outward(text)):
                    bottom, top = (sampled(w, end, point) if end != "oo" else u + 1 for end in (low, high))
                    inside = inside and bottom is not None and top is not None and bottom < u < top
                assert all(c.holds(point) for c in asked.conclusions) == says, (step, point)
                assert all(c.holds(point) for c in asked.assumptions) == inside, (step, point)
                seen.add((says, inside))
    assert seen == {(True, True), (True, False), (False, False)}


#: Inequalities that fail somewhere.
ALTERED: dict[str, Step] = {
    "supremum too small": sign(f"D(R) - 99/100*{HIGHEST}", "<=", ""),
    "supremum reached": sign(f"D(R) - {HIGHEST}", "<", ""),
    "the opposite": sign("D(R)", "<", ""),
    "nowhere as low": sign("D(R) - 1/2", ">", ""),
    "from too small a u on": sign("x*D(R, 2)", "<", "", low="n/(n - 1)"),
    "up to too large a u": sign("x*D(R, 2)", ">", "", high="(n + 2)/(n - 1)"),
    "for too small an n": sign("(n - 1)**2/(4*n) - 1", ">", "", first=4),
    "a pole inside": sign("1/(u - n)**2", ">", ""),
    "never": sign("R - R", ">", ""),
}


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("what", ALTERED)
def test_an_altered_inequality_is_answered_with_a_point(what: str, solver: str) -> None:
    step = ALTERED[what]
    verdict = smt.decide(solver, query(E_GEM, step))
    assert verdict.holds is False, verdict
    point = dict(verdict.point or {})
    assert point["n"] >= int(step.args[4])
    assert point["n"] % 2 == 0
    value = sampled(E_GEM, step.args[0], point)
    assert value is None or not RELATIONS[step.args[1]](value, 0)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    ("root", "polynomial"),
    [
        ("(2*n**2 + 1 + n*sqrt(3*(n**2 + 2)))/(n**2 - 1)", "(n**2 - 1)*v**2 - (4*n**2 + 2)*v + (n**2 - 1)"),
        ("(2*n**2 + 1 - n*sqrt(3*(n**2 + 3)))/(n**2 - 1)", "(n**2 - 1)*v**2 - (4*n**2 + 2)*v + (n**2 - 1)"),
        ("(2*n**2 + 1 - n*sqrt(3*(n**2 + 2)))/(n**2 - 1)", "(n**2 - 1)*v**2 - (4*n**2 + 3)*v + (n**2 - 1)"),
    ],
    ids=["the larger root", "another square root", "another polynomial"],
)
def test_what_is_not_the_smaller_root_is_not_confirmed(root: str, polynomial: str, solver: str) -> None:
    assert smt.decide(solver, query(E_GEM, smaller_root(root, polynomial, ""))).holds is not True


N_LEAST = Constraint(("n",), {(1,): Fraction(1), (0,): Fraction(-2)}, ">=")
N_BELOW = Constraint(("n",), {(1,): Fraction(1), (0,): Fraction(-1)}, "<")
N_EVEN = Constraint(("n",), {(1,): Fraction(1), (0,): Fraction(-3)}, "!=")


@pytest.mark.parametrize("solver", SOLVERS)
def test_contradictory_assumptions_prove_nothing(solver: str) -> None:
    verdict = smt.decide(solver, Query((N_LEAST, N_BELOW), (N_LEAST,)))
    assert verdict.holds is None
    assert "control is unsat" in verdict.why


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_failure_between_the_even_numbers_refutes_nothing(solver: str) -> None:
    verdict = smt.decide(solver, Query((N_LEAST,), (N_EVEN,)))
    assert (verdict.holds, verdict.why) == (None, "it fails at n = 3, where n is not even")


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_question_too_hard_for_its_time_is_undecided(solver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = tuple("abcdefgh")
    terms = {tuple(7 if i == j else 2 for i in range(8)): Fraction(j + 1) for j in range(8)} | {(0,) * 8: Fraction(-3)}
    square = {tuple(4 if i == j else 1 for i in range(8)): Fraction((-1) ** j) for j in range(8)}
    hard = Query((Constraint(names, square, "="),), (Constraint(names, terms, "!="),))
    monkeypatch.setattr(smt, "LIMIT", 1)
    assert smt.decide(solver, hard).holds is None


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([smt.Answer("unknown", {})], "gave no answer"),
        ([smt.Answer("unsat", {}), smt.Answer("unknown", {})], "the control is unknown"),
        ([smt.Answer("unsat", {}), smt.Answer("sat", {"n": Fraction(1)})], "does not hold where it should"),
        ([smt.Answer("sat", {"n": Fraction(4)})], "the counterexample n = 4 is none"),
        ([smt.Answer("sat", {"n": Fraction(1)})], "the counterexample n = 1 is none"),
        ([smt.Answer("sat", {})], "at a point that is not rational"),
    ],
)
def test_an_answer_is_not_believed_further_than_it_goes(
    answers: list[smt.Answer], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = chain(answers, repeat(answers[-1]))
    monkeypatch.setattr(smt, "SOLVERS", {"cvc5": lambda text, variables: next(given)})
    verdict = smt.decide("cvc5", Query((N_LEAST,), (N_LEAST,)))
    assert verdict.holds is None
    assert why in verdict.why


def test_the_command_line_shows_what_the_solvers_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert verify.main(["--variant", "segem", "--N", "3", "--no-kernels", "--smt", "--json", "-"]) == 0
    shown = capsys.readouterr()
    claims = {c["id"]: c for c in json.loads(shown.out)["claims"]}
    said = [e for e in claims["T3.infimum"]["evidence"] if e["checker"].startswith("cvc5 ")]
    assert said == [
        {"kind": "proved", "checker": said[0]["checker"], "detail": "3 inequalities, for every real n in place of 2N"}
    ]
    assert "smt" not in claims["T0.reflection"]
    count = sum("smt" in c for c in claims.values())
    assert f"the inequalities of {count} of them by SMT as well" in shown.err


def test_what_a_solver_does_not_know_is_undecided(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(smt, "SOLVERS", {"cvc5": lambda text, variables: smt.Answer("unknown", {})})
    assert verify.main(["--variant", "gem", "--N", "1", "--no-kernels", "--smt", "--json", "-"]) == 3
    claims = {c["id"]: c for c in json.loads(capsys.readouterr().out)["claims"]}
    assert (claims["T3.infimum"]["status"], claims["T3.infimum"]["evidence"]) == ("undecided", [])
    assert claims["T6.norm"]["status"] == "proved"  # it has no inequality


def test_z3_is_optional_and_cvc5_is_not(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(smt.importlib.util, "find_spec", lambda name: None if name == "z3" else object())
    outcome, evidence = inequalities.outcomes(replace(SEGEM, claims={"T2": SEGEM.claims["T2"]}))["T2.poles"]
    assert outcome["status"] == "proved"
    assert [e["checker"].split()[0] for e in evidence] == ["cvc5"]
    monkeypatch.setattr(smt.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit) as stop:
        verify.main(["--variant", "gem", "--N", "1", "--no-kernels", "--smt"])
    assert stop.value.code == 3
    assert "cvc5 is not installed" in capsys.readouterr().err


def test_what_cannot_be_stated_is_undecided() -> None:
    for step, why in (
        (sign("R - L", ">", ""), "joins two sides"),
        (sign("1/(R - R)", ">", ""), "a denominator is zero"),
        (smaller_root("n", "v**2 - n", ""), "no square root"),
        (smaller_root("sqrt(n)", "v - n", ""), "not quadratic"),
    ):
        verdict = inequalities.decide("cvc5", E_GEM, step)
        assert verdict.holds is None
        assert why in verdict.why
