"""What Coq proves: statements follow the definitions, the files belong to them, and nothing false passes."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from gem_symbolic import mechanised, verify
from gem_symbolic.checkers import coq
from gem_symbolic.definitions import EGEM, SEGEM, VARIANTS, Activation, Branch
from gem_symbolic.emit.coq import state, stated, statements
from gem_symbolic.emit.gallina import count, real
from gem_symbolic.expressions import ExpressionError
from gem_symbolic.theorems import certificates

LACKING = coq.missing(mechanised.LIBRARIES)
needs_coq = pytest.mark.skipif(bool(LACKING), reason=f"not installed: {', '.join(LACKING)}")
NAMES = {name: name for name in ("x", "n", "N", "eps", "s", "p")} | {"F": "egem_F N eps x"}


def text_of(activation: Activation, id: str) -> str:
    """The proposition of a claim."""
    found = next(c for c in certificates(activation) if c.id == id)
    statement = state(found, activation)
    assert statement is not None
    return statement.text


# --- From the definitions ---


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("x**(2*N)/(eps + x**(2*N))", "x ^ (2 * N) / (eps + x ^ (2 * N))"),
        ("x*F*(1 - F)", "x * egem_F N eps x * (1 - egem_F N eps x)"),
        ("eps*x**(1 - n)", "eps * powerRZ x (1 - 2 * Z.of_nat N)%Z"),
        ("(n - 1)**(1 - 1/n)", "Rpower (n - 1) (1 - 1 / n)"),
        ("s**(p + 1)/n*B((p + 1)/n, p)", "Rpower s (p + 1) / n * beta ((p + 1) / n) p"),
        ("-(s*x)", "- (s * x)"),
        ("-s*x", "(- s) * x"),
        ("-x**2", "- x ^ 2"),
        ("x - (eps - s)", "x - (eps - s)"),
        ("x/(eps*s)", "x / (eps * s)"),
        ("(-1)**3", "(- 1) ^ 3"),
        ("Max(1, n**2)", "Rmax 1 (n ^ 2)"),
        ("Abs(x)**(2*N)", "Rabs x ^ (2 * N)"),
    ],
)
def test_a_formula_keeps_its_meaning_in_coq(formula: str, expected: str) -> None:
    assert real(formula, NAMES) == expected


@pytest.mark.parametrize("formula", ["y", "x if x else 1", "f(x)", "x // 2"])
def test_what_coq_has_no_words_for_is_refused(formula: str) -> None:
    with pytest.raises(ExpressionError):
        real(formula, NAMES)


def test_orders_are_natural_numbers() -> None:
    assert (count("2*N"), count("4*N + 1"), count("3")) == ("2 * N", "4 * N + 1", "3")
    for wrong in ("1 - N", "N/2", "eps"):
        with pytest.raises(ExpressionError):
            count(wrong)


def test_a_changed_definition_or_claim_changes_what_is_to_be_proved() -> None:
    wider = replace(EGEM, where={**EGEM.where, "F": "x**(2*N)/(2*eps + x**(2*N))"})
    assert "x ^ (2 * N) / (2 * eps + x ^ (2 * N))" in statements({**VARIANTS, "egem": wider})
    bolder = replace(EGEM, claims={**EGEM.claims, "T2": {**EGEM.claims["T2"], "smoothness": "2*N + 1"}})
    assert "exactly_of_class (2 * N + 1)" in text_of(bolder, "T2.smoothness")
    assert "exactly_of_class (2 * N)" in text_of(EGEM, "T2.smoothness")


def test_other_junctions_are_refused() -> None:
    with pytest.raises(ExpressionError, match="x <= 0 and x > 0"):
        statements({"egem": replace(EGEM, branches=(Branch("x < 0", "0"), Branch("x >= 0", "x*F")))})


def test_what_cannot_be_stated_is_not_proved() -> None:
    swapped = replace(EGEM, branches=(Branch("x < 0", "0"), Branch("x >= 0", "x*F")))
    found = mechanised.outcomes(swapped)
    assert {record["status"] for record in found.values()} == {mechanised.NOT_PROVED}
    assert all("cannot be stated for Coq" in record["detail"] for record in found.values())


def test_what_is_not_formalised() -> None:
    lacking = {id for (_, id), statement in stated().items() if statement is None}
    assert lacking == {"T10.gain", "T10.mean", "T11.gelu", "T11.silu"}


# --- The files ---


def test_the_committed_files_are_what_is_generated() -> None:
    for name, text in mechanised.generated().items():
        assert (mechanised.SOURCES / name).read_text(encoding="utf-8") == text, f"{name}: run `make proofs`"


def test_every_statement_has_a_theorem() -> None:
    homes = coq.Development(mechanised.texts(), mechanised.STORE).homes
    assert {s.theorem for s in stated().values() if s} <= homes.keys()


def test_nothing_is_left_open() -> None:
    for text in mechanised.texts().values():
        assert coq.opening(text) is None


def test_comments_are_no_text() -> None:
    assert coq.bare("a (* b (* Admitted. *) c *) d") == "a  d"
    assert coq.opening("(* nothing is Admitted *) Qed.") is None
    assert coq.opening("Proof. Admitted.") == "Admitted"


# --- What Coq says ---

STATEMENT = "Definition T : Prop := forall n : nat, n + 0 = n.\n"
PROOF = """\
From Gem Require Import Statements.
Theorem t : T.
Proof. intro n. induction n; [reflexivity | simpl; now f_equal]. Qed.
"""
TINY = {"Statements": STATEMENT, "Proofs": PROOF}


def outcome(store: Path, texts: Mapping[str, str], thorough: bool = False) -> coq.Proof:
    return coq.Development(texts, store).prove({"t": "Statements.T"}, thorough)["t"]


@needs_coq
def test_a_theorem_is_proved_once(tmp_path: Path) -> None:
    told: list[str] = []
    development = coq.Development(TINY, tmp_path, told.append)
    for thorough in (False, True):
        assert development.prove({"t": "Statements.T"}, thorough) == {"t": coq.Proof("t", True)}
    before = {path: path.stat().st_mtime_ns for path in development.folder.glob("*.vo") if path.stem != "question"}
    assert development.prove({"t": "Statements.T"})["t"].holds
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert any("Proofs.v" in line for line in told)


ASSUMED = "From Gem Require Import Statements.\n{} more : T.\nTheorem t : T.\nProof. exact more. Qed.\n"


@needs_coq
@pytest.mark.parametrize(
    ("proofs", "why"),
    [
        (
            PROOF.replace("Proof. intro n. induction n; [reflexivity | simpl; now f_equal]. Qed.", "Admitted."),
            "Admitted",
        ),
        (PROOF.replace("now f_equal", "admit"), "contains admit"),
        (ASSUMED.format("Axiom"), "contains Axiom"),
        (ASSUMED.format("Parameter"), "contains Parameter"),
        (ASSUMED.format("Hypothesis"), "it rests on Proofs.more"),
        ("Unset Guard Checking.\n" + PROOF, "contains Unset Guard Checking"),
        (PROOF.replace("reflexivity", "idtac"), "Coq refuses Proofs.v"),
        (PROOF.replace("Theorem t : T", "Theorem t : forall n : nat, n = n"), "it does not prove Statements.T"),
        (
            PROOF.replace("Theorem t : T", "Definition T := True.\nTheorem t : T").replace(
                "intro n. induction n; [reflexivity | simpl; now f_equal]", "exact I"
            ),
            "it does not prove Statements.T",
        ),
        (PROOF.replace("Theorem t :", "Theorem other :"), "no file proves t"),
    ],
)
def test_what_is_no_proof_is_refused(proofs: str, why: str, tmp_path: Path) -> None:
    found = outcome(tmp_path, TINY | {"Proofs": proofs})
    assert not found.holds
    assert why in found.why


@needs_coq
def test_one_refused_theorem_leaves_the_others(tmp_path: Path) -> None:
    texts = TINY | {
        "More": "From Gem Require Import Statements Proofs.\nTheorem u : 0 = 0.\nProof. reflexivity. Qed.\n"
    }
    wanted = {"u": "Statements.T", "t": "Statements.T"}
    found = coq.Development(texts, tmp_path).prove(wanted)
    assert [found[name].holds for name in wanted] == [False, True]
    broken = texts | {"More": texts["More"].replace("reflexivity", "idtac")}
    found = coq.Development(broken, tmp_path).prove(wanted)
    assert [found[name].holds for name in wanted] == [False, True]
    assert "Coq refuses More.v" in found["u"].why


@needs_coq
def test_a_theorem_rests_on_the_axioms_of_the_library(tmp_path: Path) -> None:
    proof = "Require Import Reals.\nFrom Gem Require Import Statements.\n"
    proof += "Theorem t : T.\nProof. exact (Rplus_0_r 1). Qed.\n"
    real_statement = "Require Import Reals.\nDefinition T : Prop := (1 + 0)%R = 1%R.\n"
    found = outcome(tmp_path, {"Statements": real_statement, "Proofs": proof})
    assert found.holds
    assert found.axioms
    assert set(found.axioms) <= coq.AXIOMS


@needs_coq
def test_coq_proves_every_claim_that_is_formalised() -> None:
    found = mechanised.outcomes()
    assert [c for c, record in found.items() if record["status"] == mechanised.NOT_PROVED] == []
    assert sum(record["status"] == mechanised.PROVED for record in found.values()) >= 78


STEEPER = replace(EGEM, where={**EGEM.where, "F": "x**(4*N)/(eps + x**(4*N))"})
SMOOTHER = replace(SEGEM, claims={**SEGEM.claims, "T2": {**SEGEM.claims["T2"], "left": "-2/eps"}})


@needs_coq
@pytest.mark.parametrize("changed", [STEEPER, SMOOTHER], ids=["definition", "claim"])
def test_a_change_is_not_proved(changed: Activation, tmp_path: Path) -> None:
    # The theorems stand in files that need Smoothness.v: with those left out there is less to compile.
    needed = ("Vocabulary", "Smooth", "Junction", "Calculus", "Gate", "Statements", "Smoothness")
    texts = mechanised.texts({**VARIANTS, changed.name: changed})
    wanted = mechanised.wanted(
        {("", id): state(c, changed) for c in certificates(changed) if (id := c.id) == "T2.jump"}
    )
    found = coq.Development({name: texts[name] for name in needed}, tmp_path).prove(wanted)
    (proof,) = found.values()
    assert not proof.holds
    assert "Coq refuses Smoothness.v" in proof.why


# --- The command lines ---


@pytest.mark.parametrize(
    "command",
    [
        ("gem_symbolic.verify", "--variant", "segem", "--N", "2", "--no-kernels", "--formal"),
        ("gem_symbolic.formal", "--theorems"),
    ],
    ids=["verify", "formal"],
)
def test_a_missing_coqc_is_said_and_exits_with_3(command: tuple[str, ...], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        capture_output=True,
        text=True,
        env={"PATH": str(tmp_path)},
        cwd=mechanised.ROOT,
    )
    assert done.returncode == 3
    assert "coqc and coqchk not found" in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def verified(monkeypatch: pytest.MonkeyPatch, holds: bool) -> int:
    """The exit status of `verify --formal` where Coq says this to every claim that is formalised."""

    def said(self: coq.Development, theorems: Mapping[str, str], thorough: bool = False) -> dict[str, coq.Proof]:
        return {t: coq.Proof(t, holds, "" if holds else "Coq refuses it") for t in theorems}

    monkeypatch.setattr(mechanised, "missing", lambda: "")
    monkeypatch.setattr(coq.Development, "prove", said)
    return verify.main(["--variant", "segem", "--N", "2", "--no-kernels", "--formal", "--json", "-"])


def test_verify_says_what_coq_says_to_each_claim(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verified(monkeypatch, holds=True) == 0
    captured = capsys.readouterr()
    claims = {claim["id"]: claim for claim in json.loads(captured.out)["claims"]}
    assert claims["T2.jump"]["formal"]["status"] == "proved"
    assert claims["T2.jump"]["evidence"][-1]["checker"] == "Coq"
    assert claims["T10.gain"]["formal"]["status"] == "not formalised"
    assert "by Coq as well" in captured.err


def test_a_claim_that_coq_refuses_is_undecided(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verified(monkeypatch, holds=False) == 3
    captured = capsys.readouterr()
    claims = {claim["id"]: claim for claim in json.loads(captured.out)["claims"]}
    assert (claims["T2.jump"]["status"], claims["T2.jump"]["evidence"]) == ("undecided", [])
    assert claims["T10.gain"]["status"] == "proved"
    assert "Coq refuses it" in captured.err
