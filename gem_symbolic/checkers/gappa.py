"""Bounds of rounding errors: found by Gappa, and proved by Coq from what Gappa writes for it.

Gappa takes the hints of a script on trust and leaves them to Coq as hypotheses. Here each becomes a lemma, proved from
a lemma over the reals that comes with the script, so that nothing is left but the axioms of Coq's own library. Of what
Gappa says only that survives which Coq proves about a statement written from the plan.
"""

import math
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from gem_symbolic.checkers.coq import AXIOMS, Refused, assumed, run

TOOLS = ("gappa", "coqc")
#: What may not stand in a file.
OPEN = ("Hypothesis", "Axiom", "Parameter", "Conjecture", "Admitted", "admit")
#: A bound is what Gappa finds plus the first of these with which it then finds a proof, in units that the caller gives
#: and up to a multiple of GRID of them: the tightest ones make long proofs or none.
SLACKS = tuple(Fraction(k, 32) for k in (2, 16, 64))
GRID = Fraction(1, 32)
#: An end of an interval as Gappa prints it: 9b-4 {0.5625, 2^(-0.830075)}, where the rest is missing for an integer.
END = r"(-?\d+)(?:b(-?\d+))?(?: \{[^}]*\})?"
#: Seconds for one run of Gappa, and for one of Coq.
GAPPA, COQ = 60, 900

#: From Gappa's last lemma, which is about its own reading of the script, to a statement about real numbers.
OPENING = """\
Require Import Reals Lra.
{lemmas}
Require Import Gappa.Gappa_library.
Require Import Flocq.Core.Core.
Lemma dyadic m e : float2R (Float2 m e) = (IZR m * powerRZ 2 e)%R.
Proof. unfold float2R, Defs.F2R; simpl. now rewrite bpow_powerRZ. Qed.
Lemma relative x X i m e : REL x X i -> lower i = Float2 (-m) e -> upper i = Float2 m e ->
  (Rabs (x - X) <= IZR m * powerRZ 2 e * Rabs X)%R.
Proof.
  intros [r [[L U] E]] l u. rewrite l, dyadic, opp_IZR in L. rewrite u, dyadic in U.
  replace (x - X)%R with (r * X)%R by (rewrite E; ring). rewrite Rabs_mult.
  apply Rmult_le_compat_r; [apply Rabs_pos | apply Rabs_le; lra].
Qed.
Lemma absolute x X i m e : BND (x - X) i -> lower i = Float2 (-m) e -> upper i = Float2 m e ->
  (Rabs (x - X) <= IZR m * powerRZ 2 e)%R.
Proof. intros [L U] l u. rewrite l, dyadic, opp_IZR in L. rewrite u, dyadic in U. apply Rabs_le; lra. Qed.
Lemma between x i m e n f : BND x i -> lower i = Float2 m e -> upper i = Float2 n f ->
  (IZR m * powerRZ 2 e <= x <= IZR n * powerRZ 2 f)%R.
Proof. intros [L U] l u. rewrite l, dyadic in L. rewrite u, dyadic in U. split; assumption. Qed.
Lemma within x i m e n f : (IZR m * powerRZ 2 e <= x <= IZR n * powerRZ 2 f)%R ->
  lower i = Float2 m e -> upper i = Float2 n f -> BND x i.
Proof. intros [L U] l u. unfold BND. rewrite l, u, 2!dyadic. split; assumption. Qed.
Lemma apart x X i m e : (Rabs (x - X) <= IZR m * powerRZ 2 e)%R ->
  lower i = Float2 (-m) e -> upper i = Float2 m e -> BND (x - X) i.
Proof. intros A l u. apply Rabs_le_inv in A. unfold BND. rewrite l, u, 2!dyadic, opp_IZR. split; lra. Qed.
Lemma related x X i m e : (Rabs (x - X) <= IZR m * powerRZ 2 e * Rabs X)%R ->
  lower i = Float2 (-m) e -> upper i = Float2 m e -> (0 <=? m)%Z = true -> REL x X i.
Proof.
  intros E l u n. apply Z.leb_le, IZR_le in n.
  assert (0 <= IZR m * powerRZ 2 e)%R by (apply Rmult_le_pos; [assumption | apply powerRZ_le; lra]).
  set (k := (IZR m * powerRZ 2 e)%R) in *. unfold REL, BND. rewrite l, u, 2!dyadic, opp_IZR.
  replace (- IZR m * powerRZ 2 e)%R with (- k)%R by (unfold k; ring). fold k.
  destruct (Req_dec X 0) as [Z | Z].
  - subst X. rewrite Rabs_R0, Rmult_0_r, Rminus_0_r in E. assert (x = 0%R) as ->.
    { destruct (Req_dec x 0) as [| P]; [assumption | apply Rabs_pos_lt in P; lra]. }
    exists 0%R. split; [split; lra | ring].
  - exists ((x - X) / X)%R. apply Rabs_pos_lt in Z as P.
    assert (A : (Rabs ((x - X) / X) <= k)%R).
    { unfold Rdiv. rewrite Rabs_mult, Rabs_inv. apply Rmult_le_reg_r with (Rabs X); [assumption |].
      rewrite Rmult_assoc, Rinv_l; lra. }
    apply Rabs_le_inv in A. split; [split; lra | field; assumption].
Qed.
Ltac meet := match goal with
  | |- BND _ _ => solve [eapply within; [eassumption | reflexivity | reflexivity]]
  | |- BND _ _ => eapply apart; [eassumption | reflexivity | reflexivity]
  | |- REL _ _ _ => eapply related; [eassumption | reflexivity | reflexivity | reflexivity]
  | |- not _ => let B := fresh in intro B; match goal with G : not _ |- _ => apply G end;
       first [eapply (relative _ _ _ _ _ B) | eapply (absolute _ _ _ _ _ B) | eapply (between _ _ _ _ _ _ B)];
       reflexivity
  | |- _ /\\ _ => split; meet
  | |- _ => red; meet
  end.
"""
GENERATED = """\
Module Gappa_{name}.
{proof}
End Gappa_{name}.
Lemma {name} : {statement}.
Proof. intros. apply Classical_Prop.NNPP. intro. apply (Gappa_{name}.l1 {variables}). meet. Qed.
"""
DERIVED = """\
Theorem {name} : {statement}.
Proof. intros. {proof} Qed.
"""
#: What all the theorems rest on: asked once, as to look through the library takes as long as a proof.
ASSUMPTIONS = """\
From Bounds Require {modules}.
Definition all := {theorems} I.
Print Assumptions all.
"""


@dataclass(frozen=True)
class Lemma:
    """A statement for Coq by that name, and what Gappa wrote to prove it."""

    name: str
    statement: str
    proof: str
    #: For each hypothesis that Gappa leaves, in its order: the name of a lemma, and the names that it is applied to.
    hints: Sequence[tuple[str, Sequence[str]]] = ()

    @property
    def text(self) -> str:
        """For Coq, without hypotheses."""

        def proved(hypothesis: re.Match[str]) -> str:
            name, arguments = self.hints[int(hypothesis[1][1:]) - 1]
            applied = " ".join([name, *(f"_{a}" for a in arguments)])
            return f"Lemma {hypothesis[1]} : {hypothesis[2]}.\nProof. exact ({applied}). Qed."

        body = re.sub(r"^Hypothesis (a\d+) : (.*?)\.$", proved, self.proof, flags=re.MULTILINE)
        body = body.replace("Require Import Gappa.Gappa_library.\n", "")
        variables = " ".join(re.findall(r"^Variable _(\w+) : R\.$", self.proof, re.MULTILINE))
        return GENERATED.format(name=self.name, proof=body.strip(), statement=self.statement, variables=variables)


@dataclass(frozen=True)
class Derived:
    """A statement for Coq by that name, and how it follows from those before it."""

    name: str
    statement: str
    proof: str

    @property
    def text(self) -> str:
        return DERIVED.format(name=self.name, statement=self.statement, proof=self.proof)


def missing() -> list[str]:
    """The tools that are not installed."""
    return [tool for tool in TOOLS if shutil.which(tool) is None]


def enclosure(script: str) -> Fraction:
    """The largest magnitude of the enclosure that a script asks for. Raises Refused."""
    code, out, err = run(["gappa"], GAPPA, script)
    found = re.search(rf"in \[{END}, {END}\]", out + err)
    if code or not found:
        raise Refused(f"Gappa finds no bound: {(out + err).strip()}")
    ends = zip(found.groups()[::2], found.groups()[1::2])
    return max(abs(int(mantissa) * Fraction(2) ** int(exponent or 0)) for mantissa, exponent in ends)


def proof(script: str) -> str:
    """What Gappa writes for Coq about a script with a bound. Raises Refused."""
    code, out, err = run(["gappa", "-Bcoq"], GAPPA, script)
    if code:
        raise Refused(f"Gappa does not prove the bound: {err.strip()}")
    return out


def search(script: Callable[[Fraction | None], str], unit: Fraction) -> tuple[Fraction, str]:
    """A bound for a script that takes one, a multiple of GRID units, and Gappa's proof of it. Raises Refused."""
    found = enclosure(script(None)) / unit
    for slack in SLACKS:
        bound = math.ceil((found + slack) / GRID) * GRID * unit
        try:
            return bound, proof(script(bound))
        except Refused:
            if slack == SLACKS[-1]:
                raise
    raise AssertionError


def complete(hints: Sequence[str], lemmas: Sequence[Lemma | Derived]) -> str:
    """A Coq file that proves the lemmas that hints rest on, and then what Gappa proved and what follows from it."""
    return "\n".join([OPENING.replace("{lemmas}", "\n".join(hints)), *(lemma.text for lemma in lemmas)])


def check(text: str, path: Path) -> None:
    """Writes a Coq file and has it compiled: nothing may be admitted or assumed in it. Raises Refused."""
    path.write_text(text, encoding="utf-8")
    for word in OPEN:
        if re.search(rf"\b{word}\b", text):
            raise Refused(f"{path.name} contains {word}")
    compiled(path)


def compiled(path: Path) -> str:
    """What Coq prints about a file. Raises Refused."""
    code, out, err = run(["coqc", "-q", "-R", ".", "Bounds", path.name], COQ, folder=path.parent)
    if code:
        raise Refused(f"Coq refuses {path.name}: {err.strip()}")
    return out


def settle(paths: Sequence[Path]) -> None:
    """What the theorems of compiled files rest on, all in one folder: the AXIOMS at most. Raises Refused."""
    modules = [path.stem for path in paths]
    text = ASSUMPTIONS.format(modules=" ".join(modules), theorems=" ".join(f"let _ := {m}.bound in" for m in modules))
    path = paths[0].with_name("assumptions.v")
    path.write_text(text, encoding="utf-8")
    out = compiled(path)
    rests = assumed(out)
    if rests is None or not rests <= AXIOMS:
        raise Refused(f"the proofs rest on {', '.join(sorted((rests or set()) - AXIOMS)) or out.strip()}")
