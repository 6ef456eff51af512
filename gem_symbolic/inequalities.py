"""Solvers of satisfiability confirm the inequalities of the theorems, each for every real n >= 2 in place of 2N.

They confirm these steps of a claim, not the claim: what else its proof needs, SymPy and FLINT decide.
"""

from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

from gem_symbolic.certificates import Step
from gem_symbolic.checkers import smt
from gem_symbolic.checkers.exact import Workspace
from gem_symbolic.checkers.flint import FlintAlgebra
from gem_symbolic.checkers.queries import KINDS, query
from gem_symbolic.decide import Verdict
from gem_symbolic.definitions import Activation
from gem_symbolic.expressions import ExpressionError
from gem_symbolic.theorems import certificates

REQUIRED = "cvc5"
PROVED, UNDECIDED = "proved", "undecided"
#: What became of a claim, and what each solver contributed, as JSON data.
Confirmed = tuple[dict[str, str], list[dict[str, str]]]


def missing() -> str:
    """Why no inequality can be confirmed here, in one sentence; nothing where all is there."""
    if REQUIRED in smt.available():
        return ""
    return f"{REQUIRED} is not installed, so no solver confirms the inequalities: pip install 'gem_symbolic[smt]'"


def decide(solver: str, workspace: Workspace, step: Step) -> Verdict:
    """What a solver says to the inequality of a step; undecided where it cannot be stated."""
    try:
        return smt.decide(solver, query(workspace, step))
    except ZeroDivisionError:
        return Verdict(None, "a denominator is zero")
    except ExpressionError as error:
        return Verdict(None, str(error))


def record(found: Mapping[str, list[tuple[Step, Verdict]]]) -> Confirmed:
    """What became of a claim, from the verdicts of each solver on its steps."""
    for solver, verdicts in found.items():
        for step, verdict in verdicts:
            if not verdict.holds:
                return {"status": UNDECIDED, "detail": f"{solver} on {' '.join(step.args[:2])}: {verdict.why}"}, []
    count = len(next(iter(found.values())))
    detail = f"{count} {'inequality' if count == 1 else 'inequalities'}, for every real n in place of 2N"
    names = [f"{solver} {version(smt.PACKAGES[solver])}" for solver in found]
    evidence = [{"kind": "proved", "checker": name, "detail": detail} for name in names]
    return {"status": PROVED, "detail": f"{', '.join(names)}: {detail}"}, evidence


def outcomes(activation: Activation, tell: Callable[[str], Any] = lambda _: None) -> dict[str, Confirmed]:
    """What the solvers that are installed say to each claim of an activation that has inequalities, by its id."""
    found = {}
    for certificate in certificates(activation):
        steps = [step for step in certificate.steps if step.kind in KINDS]
        if steps:
            tell(f"{certificate.id}: inequalities")
            workspace = Workspace(activation, FlintAlgebra, certificate.companion)
            verdicts = {s: [(step, decide(s, workspace, step)) for step in steps] for s in smt.available()}
            found[certificate.id] = record(verdicts)
    return found
