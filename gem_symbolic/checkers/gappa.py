"""Bounds of rounding errors: found by Gappa, and proved by Coq from what Gappa writes for it.

Gappa takes the hints of a script on trust and leaves them to Coq as hypotheses. Here each becomes a lemma, proved from
a lemma over the reals that comes with the script, so that nothing is left but the axioms of Coq's own library.
"""

import math
import re
import shutil
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

TOOLS = ("gappa", "coqc")
#: What a proof may rest on: the axioms of the real numbers in Coq's standard library.
AXIOMS = {
    "ClassicalDedekindReals.sig_not_dec",
    "ClassicalDedekindReals.sig_forall_dec",
    "FunctionalExtensionality.functional_extensionality_dep",
    "Classical_Prop.classic",
}
#: A bound is what Gappa finds times the first of these with which it then finds a proof, rounded up to a multiple of
#: 2**-FINE; the tightest ones make long proofs or none.
SLACKS = (Fraction(10001, 10000), Fraction(102, 100), Fraction(11, 10))
FINE = 32
#: An end of an interval as Gappa prints it: 9b-4 {0.5625, 2^(-0.830075)}, where the rest is missing for an integer.
END = r"(-?\d+)(?:b(-?\d+))?(?: \{[^}]*\})?"
TIMEOUT = 1800


THEOREM = "bound"
#: From Gappa's last lemma, which is about its own reading of the script, to a statement about real numbers.
TACTICS = """\
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
Lemma within x i m e n f : (IZR m * powerRZ 2 e <= x <= IZR n * powerRZ 2 f)%R ->
  lower i = Float2 m e -> upper i = Float2 n f -> BND x i.
Proof. intros [L U] l u. unfold BND. rewrite l, u, 2!dyadic. split; assumption. Qed.
Ltac meet := match goal with
  | |- BND _ _ => eapply within; [eassumption | reflexivity | reflexivity]
  | |- not _ => let B := fresh in intro B; match goal with G : not _ |- _ => apply G end;
       first [eapply (relative _ _ _ _ _ B) | eapply (absolute _ _ _ _ _ B)]; reflexivity
  | |- _ /\\ _ => split; meet
  | |- _ => red; meet
  end.
"""
ENDING = """\
{theorem}
Proof. intros. apply Classical_Prop.NNPP. intro. apply (l1 {variables}). meet. Qed.
Print Assumptions bound.
"""


class Refused(Exception):
    """The bound is not proved."""


def missing() -> list[str]:
    """The tools that are not installed."""
    return [tool for tool in TOOLS if shutil.which(tool) is None]


def run(command: Sequence[str], text: str | None = None, folder: Path | None = None) -> tuple[int, str, str]:
    done = subprocess.run(command, input=text, capture_output=True, text=True, cwd=folder, timeout=TIMEOUT)
    return done.returncode, done.stdout, done.stderr


def enclosure(script: str) -> Fraction:
    """The largest magnitude of the enclosure that a script asks for. Raises Refused."""
    code, out, err = run(["gappa"], script)
    found = re.search(rf"in \[{END}, {END}\]", out + err)
    if code or not found:
        raise Refused(f"Gappa finds no bound: {(out + err).strip()}")
    ends = zip(found.groups()[::2], found.groups()[1::2])
    return max(abs(int(mantissa) * Fraction(2) ** int(exponent or 0)) for mantissa, exponent in ends)


def rounded(bound: Fraction) -> Fraction:
    return Fraction(math.ceil(bound * 2**FINE), 2**FINE)


def proof(script: str) -> str:
    """What Gappa writes for Coq about a script with a bound. Raises Refused."""
    code, out, err = run(["gappa", "-Bcoq"], script)
    if code:
        raise Refused(f"Gappa does not prove the bound: {err.strip()}")
    return out


def complete(proof: str, lemmas: Sequence[tuple[str, str, Sequence[str]]], theorem: str) -> str:
    """A Coq file without hypotheses that ends with the theorem, a statement by the name of THEOREM.

    The i-th hypothesis is proved by the i-th lemma (name, text, names that it is applied to).
    """

    def proved(hypothesis: re.Match[str]) -> str:
        name, _, arguments = lemmas[int(hypothesis[1][1:]) - 1]
        applied = " ".join([name, *(f"_{a}" for a in arguments)])
        return f"Lemma {hypothesis[1]} : {hypothesis[2]}.\nProof. exact ({applied}). Qed."

    body = re.sub(r"^Hypothesis (a\d+) : (.*?)\.$", proved, proof, flags=re.MULTILINE)
    variables = " ".join(re.findall(r"^Variable _(\w+) : R\.$", proof, re.MULTILINE))
    ending = ENDING.format(theorem=theorem, variables=variables)
    return "\n".join(["Require Import Reals Lra.", *(text for _, text, _ in lemmas), body, TACTICS, ending])


def check(text: str, path: Path) -> None:
    """Writes a Coq file and has it compiled: nothing may be admitted or assumed. Raises Refused."""
    path.write_text(text, encoding="utf-8")
    for word in ("Hypothesis", "Axiom", "Parameter", "Conjecture", "Admitted", "admit"):
        if re.search(rf"\b{word}\b", text):
            raise Refused(f"{path.name} contains {word}")
    code, out, err = run(["coqc", "-q", path.name], folder=path.parent)
    if code:
        raise Refused(f"Coq refuses {path.name}: {err.strip()}")
    assumed = set(re.findall(r"^(\S+)\s*(?::|$)", out.partition("Axioms:")[2], re.MULTILINE))
    if "Axioms:" not in out or not assumed <= AXIOMS:
        raise Refused(f"{path.name} rests on {', '.join(sorted(assumed - AXIOMS)) or out.strip()}")
