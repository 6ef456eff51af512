"""Checks stored certificates again, as data, without SymPy and without the theorems: `verify --check DIR`.

What a certificate says and the steps it takes are held to its outline in the package; then each step is decided by
FLINT's polynomials over Q, each stored value and each enclosure is computed again, by FLINT and Arb, and compared.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import zip_longest
from pathlib import Path
from typing import Any

from gem_symbolic import outlines
from gem_symbolic.certificates import INSTANCES, VALUED, Certificate, Step
from gem_symbolic.checkers.arb import ArbChecker
from gem_symbolic.checkers.exact import ExactChecker
from gem_symbolic.checkers.flint import FlintAlgebra
from gem_symbolic.decide import Verdict
from gem_symbolic.definitions import VARIANTS, Activation

REFUSED, REFUTED, UNDECIDED = "refused", "refuted", "undecided"
#: Enough for the 20 digits that are stored.
BITS = 128


@dataclass(frozen=True)
class Finding:
    """What is wrong with a certificate: edited (refused), false (refuted) or undecided; where, and why."""

    status: str
    where: str
    why: str

    def __str__(self) -> str:
        return f"{self.where}: {self.status}: {self.why}"


def paths(folder: Path) -> list[Path]:
    """The certificates of the variants in a folder. Raises ValueError, in one sentence, where there is none."""
    if not folder.is_dir():
        raise ValueError(f"there is no folder {str(folder)!r}; give the one that `make proofs` writes to")
    found = [path for name in VARIANTS if (path := folder / f"{name}.json").is_file()]
    if not found:
        names = ", ".join(f"{name}.json" for name in VARIANTS)
        raise ValueError(f"there is no certificate in {str(folder)!r}; one of {names} is looked for")
    return found


def single(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object in which each name stands once. Raises ValueError."""
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("a name stands twice in an object")
    return data


def check(path: Path) -> list[Finding]:
    """All that is wrong with the certificates in a file; nothing where each holds."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=single)
    except (OSError, ValueError, RecursionError) as error:
        return [Finding(REFUSED, path.name, f"it cannot be read as JSON: {error}")]
    try:
        return examine(VARIANTS[path.stem], data)
    except RecursionError:
        return [Finding(REFUSED, path.name, "it is nested too deeply")]


def examine(activation: Activation, data: Any) -> list[Finding]:
    """All that is wrong with the certificates of an activation, as JSON data; nothing where each holds."""
    name = activation.name
    try:
        edited = list(differences(name, outlines.stored()[name], outlines.outline(data)))
    except (KeyError, TypeError, AttributeError):
        return [Finding(REFUSED, name, "it has not the form of a certificate")]
    if data.get("definition") != activation.formula():
        edited.append(Finding(REFUSED, name, f"it is about another definition than that of {activation.title}"))
    return edited or list(Checker(activation, data).findings())


def differences(name: str, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Finding]:
    """Where the outline of a certificate is not the one that it must have."""
    if found["head"] != wanted["head"]:
        yield Finding(REFUSED, name, "what stands above the claims was edited: variant, definition or behaviour")
    for must, claim in zip_longest(wanted["claims"], found["claims"]):
        if must is None or claim is None or claim["id"] != must["id"]:
            there = "no claim" if claim is None else f"the claim {claim['id']!r}"
            asked = "no further claim" if must is None else f"the claim {must['id']!r}"
            yield Finding(REFUSED, name, f"{there} stands where {asked} is expected")
            return
        where = f"{name}, {claim['id']}"
        if claim["words"] != must["words"]:
            yield Finding(REFUSED, where, "its statement, or what is said about it, is not what it must be")
        if len(claim["steps"]) != len(must["steps"]):
            yield Finding(REFUSED, where, f"it has {len(claim['steps'])} steps, not {len(must['steps'])}")
        for number, (step, expected) in enumerate(zip(claim["steps"], must["steps"]), 1):
            if step != expected:
                yield Finding(REFUSED, f"{where}, step {number}", "it is not the step that the claim needs there")


def canonical(data: Any) -> str:
    """JSON data as a text; unlike for ==, true is not 1 and 1 is not 1.0."""
    return json.dumps(data, sort_keys=True)


class Checker:
    """Decides the steps of certificates that have the right outline, and computes what is stored in them again."""

    def __init__(self, activation: Activation, data: Mapping[str, Any]):
        self.name, self.claims = activation.name, data["claims"]
        self.exact = ExactChecker(activation, FlintAlgebra)
        eps = Fraction(data["instances_at_eps"])
        self.numerical = {N: ArbChecker(activation, N, eps, BITS, own=False) for N in INSTANCES}

    def findings(self) -> Iterator[Finding]:
        """All that is wrong with the claims."""
        for claim in self.claims:
            where, certificate = f"{self.name}, {claim['id']}", certified(claim)
            if claim["status"] != "proved":
                yield Finding(UNDECIDED, where, "it is not said to be proved")
            for number, (step, stored) in enumerate(zip(certificate.steps, claim["steps"]), 1):
                yield from self.step(f"{where}, step {number}", certificate, step, stored)
            yield from self.instances(where, certificate, claim.get("instances"))

    def step(self, where: str, certificate: Certificate, step: Step, stored: Mapping[str, Any]) -> Iterator[Finding]:
        """What is wrong with a step, for all N."""
        if not step.numerical:
            yield from judged(where, self.exact.decide(certificate, step))
        kept = {name: data for name, data in stored.items() if name == "value"}
        if canonical(kept) != canonical(self.value(certificate, step)):
            yield Finding(REFUSED, where, "the stored value is not that of its formula")

    def instances(self, where: str, certificate: Certificate, stored: Any) -> Iterator[Finding]:
        """What is wrong with the numerical steps of a claim, at each N, and with what is stored of them."""
        steps, computed = [s for s in certificate.steps if s.numerical], []
        for N, arb in self.numerical.items() if steps else ():
            verdicts = [arb.decide(certificate, step) for step in steps]
            for step, verdict in zip(steps, verdicts):
                yield from judged(f"{where}, {step.args[0]} at N = {N}", verdict)
            computed.append({"N": N, "results": [verdict.why if verdict else "" for verdict in verdicts]})
        if canonical(stored) != canonical(computed):
            yield Finding(REFUSED, where, "the stored enclosures are not those of its quantities")

    def value(self, certificate: Certificate, step: Step) -> dict[str, Any]:
        """What is stored with a step: where its first argument is a rational function, that as coefficient data."""
        if step.kind not in VALUED:
            return {}
        workspace = self.exact.workspace(certificate.companion)
        return {"value": workspace.algebra.normal_form(workspace.read(step.args[0]))}


def certified(claim: Mapping[str, Any]) -> Certificate:
    """The certificate that stored data of the right outline stands for."""
    steps = tuple(Step(s["kind"], tuple(s["args"]), s["why"], s["lemma"]) for s in claim["steps"])
    return Certificate(claim["id"], claim["statement"], claim["latex"], steps, claim["assumptions"], claim["companion"])


def judged(where: str, verdict: Verdict | None) -> Iterator[Finding]:
    """What a verdict means for the certificate: nothing where the step holds."""
    if verdict is None or verdict.holds is None:
        yield Finding(UNDECIDED, where, verdict.why if verdict else "nothing here decides a step of this kind")
    elif not verdict.holds:
        yield Finding(REFUTED, where, verdict.why)


def run(folder: Path, tell: Callable[[str], None]) -> list[Finding]:
    """Checks every certificate in a folder and tells what was found. Raises ValueError where there is none."""
    found: list[Finding] = []
    there = {path.stem: path for path in paths(folder)}
    for name in VARIANTS:
        if name not in there:
            tell(f"{name}.json is not there")
            continue
        wrong = check(there[name])
        tell("\n".join(map(str, wrong)) or f"{name}.json: all {len(outlines.stored()[name]['claims'])} claims hold")
        found += wrong
    return found
