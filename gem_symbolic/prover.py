"""Decides claims: every step of a certificate goes to every engine that can decide it.

A claim is proved when each step holds in each of them, refuted when a step that the claim implies is false in each of
them, and undecided otherwise.
"""

import os

# With python-flint installed SymPy computes with FLINT unless told otherwise; the two engines are to be independent.
os.environ.setdefault("SYMPY_GROUND_TYPES", "python")

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from gem_symbolic.certificates import Certificate, Step
from gem_symbolic.checkers.arb import ArbChecker
from gem_symbolic.checkers.exact import ExactChecker, Workspace, witness
from gem_symbolic.checkers.flint import FlintAlgebra
from gem_symbolic.decide import Verdict
from gem_symbolic.definitions import Activation
from gem_symbolic.sympyfield import SymPyAlgebra
from gem_symbolic.theorems import certificates

#: `proofs` takes the engines from here, after the ground types are set.
__all__ = [
    "PROVED",
    "REFUTED",
    "UNDECIDED",
    "FlintAlgebra",
    "Outcome",
    "Prover",
    "SymPyAlgebra",
    "Workspace",
]

PROVED, REFUTED, UNDECIDED = "proved", "refuted", "undecided"
Verdicts = Mapping[str, Verdict]


@dataclass(frozen=True)
class Outcome:
    """A claim decided: the verdicts of the engines on each step, and what follows."""

    certificate: Certificate
    verdicts: tuple[tuple[Step, Verdicts], ...]
    status: str
    counterexample: str | None = None

    @property
    def engines(self) -> tuple[str, ...]:
        """The engines that took part."""
        return tuple(dict.fromkeys(name for _, verdicts in self.verdicts for name in verdicts))

    @property
    def value(self) -> str:
        """The first value that was enclosed, at the N and eps of the run."""
        return next((d.value for _, v in self.verdicts for d in v.values() if d.value), "")

    def evidence(self) -> list[dict[str, str]]:
        """What each engine contributed, as JSON data."""
        found = []
        for engine in self.engines:
            decided = [(step, verdicts[engine]) for step, verdicts in self.verdicts if engine in verdicts]
            numbers = [verdict.why for step, verdict in decided if step.numerical]
            steps = "1 step holds" if len(decided) == 1 else f"{len(decided)} steps hold"
            detail = "; ".join([steps, *numbers])
            found.append({"kind": "proved", "checker": engine, "detail": detail})
        return found

    def record(self) -> dict[str, Any]:
        """The claim as JSON data."""
        data: dict[str, Any] = {
            "id": self.certificate.id,
            "statement": self.certificate.statement,
            "status": self.status,
        }
        data["evidence"] = self.evidence() if self.status == PROVED else []
        return data | ({"counterexample": self.counterexample} if self.counterexample else {})


@dataclass(frozen=True)
class Prover:
    """All claims of an activation, decided at one N and eps where a step is numerical."""

    activation: Activation
    N: int
    eps: Fraction
    exact: bool = True  # False leaves out the steps about all N, to look at one more N

    def prove(self) -> Iterator[Outcome]:
        """One outcome a claim, as they are reached."""
        engines = (SymPyAlgebra, FlintAlgebra) if self.exact else ()
        checkers = (
            *(ExactChecker(self.activation, engine) for engine in engines),
            ArbChecker(self.activation, self.N, self.eps),
        )
        for certificate in certificates(self.activation):
            steps = [s for s in certificate.steps if self.exact or s.numerical]
            yield self._conclude(certificate, tuple(judged(certificate, steps, checkers)))

    def _conclude(self, certificate: Certificate, verdicts: tuple[tuple[Step, Verdicts], ...]) -> Outcome:
        refuting = [(s, v) for s, v in verdicts if not s.lemma and v and all(d.holds is False for d in v.values())]
        if refuting:
            return Outcome(certificate, verdicts, REFUTED, self._counterexample(certificate, refuting))
        # A step that no engine took up, or an exact one that only one engine did, proves nothing.
        enough = all(len(v) >= (1 if s.numerical else 2) for s, v in verdicts)
        holds = enough and all(d.holds for _, v in verdicts for d in v.values())
        return Outcome(certificate, verdicts, PROVED if holds else UNDECIDED)

    def _counterexample(self, certificate: Certificate, refuting: Sequence[tuple[Step, Verdicts]]) -> str:
        """The most concrete of what the engines found: a numerical fact, else a point, else what is true instead."""
        at = f"N = {self.N}, eps = {self.eps}"
        for step, verdicts in refuting:
            if step.numerical:
                return f"at {at}: {next(iter(verdicts.values())).why}"
        for step, _ in refuting:
            found = witness(self.activation, certificate.companion, step, self.N, self.eps)
            if found:
                return f"at {at}: {found}"
        step, verdicts = refuting[0]
        return f"{step.why} This fails: {next(iter(verdicts.values())).why}"


def judged(
    certificate: Certificate, steps: Sequence[Step], checkers: Sequence[ExactChecker | ArbChecker]
) -> Iterator[tuple[Step, Verdicts]]:
    """Each step with the verdict of every engine that decides steps of its kind."""
    for step in steps:
        decided = [(checker, checker.decide(certificate, step)) for checker in checkers]
        yield step, {name: verdict for checker, verdict in decided if verdict for name in checker.names(step)}
