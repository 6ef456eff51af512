"""The page: what a run found, made ready for the template, and the template filled in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from latex2mathml.converter import convert
from markupsafe import Markup

from gem_symbolic.definitions import Activation
from gem_symbolic.notation import latex, plain
from gem_symbolic.observe import value
from gem_symbolic.proofs import formula
from gem_symbolic.prover import PROVED, Outcome
from gem_symbolic.report.pictures import Inliner, bandwidths, derivatives, distances, histograms

CODEGEN = Path(__file__).resolve().parents[2] / "codegen"
#: The headline numbers that claims give: id of the claim, what is read, and the words beside it.
HEADLINES = {
    "T3.lipschitz": "Lipschitz constant",
    "T6.sup": "sup |f − ReLU|",
    "T11.gelu": "sup |f − GELU|",
    "T11.silu": "sup |f − SiLU|",
    "T8.curvature": "sup |f″|",
    "T10.gain": "gain under Gaussian input",
}
#: What each badge means.
BADGES = {
    "proved": "an exact computation that ends in a decision, by the engines named",
    "exhaustive": "every input of the type was compared with the reference",
    "sampled": "a spread of inputs was compared; nothing is claimed of the rest",
    "undecided": "neither proved nor refuted",
    "refuted": "false, with a counterexample",
}
#: What is shown of a claim where it was asked for: the key of its record, and the word before it.
ALSO = {"formal": "Coq", "smt": "Inequalities"}
#: What the converter takes for letters, and the operators that they are, as most fonts have them.
OPERATORS = {"&#x029F5;": "∖", "&#x0007E;": "∼", "&#x027F9;": "⟹", "&#x027FA;": "⟺"}
ENVIRONMENT = Environment(
    loader=PackageLoader("gem_symbolic.report", "."),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def math(text: str, display: str = "inline") -> Markup:
    """LaTeX as MathML."""
    shown = convert(text, display=display)
    for wrong, right in OPERATORS.items():
        shown = shown.replace(f"<mi>{wrong}</mi>", f"<mo>{right}</mo>")
    return Markup(shown)


def steps(outcome: Outcome) -> Iterator[dict[str, Any]]:
    """The derivation of a claim, a line for each step: why, what it says, and who decided it."""
    for step, verdicts in outcome.verdicts:
        shown = None if step.numerical else formula(step)
        reasons = dict.fromkeys(verdict.why for verdict in verdicts.values())
        yield {
            "why": step.why,
            "formula": math(shown, "block") if shown else None,
            "found": "; ".join(reasons) if step.numerical or not all(v.holds for v in verdicts.values()) else "",
            "engines": ", ".join(verdicts),
        }


def claims(records: Sequence[Mapping[str, Any]], outcomes: Mapping[str, Outcome]) -> Iterator[dict[str, Any]]:
    """What the page says of each claim."""
    for record in records:
        outcome = outcomes.get(record["id"])
        yield {
            **record,
            "engines": ", ".join(e["checker"] for e in record["evidence"]),
            "details": [] if outcome else [f"{e['checker']}: {e['detail']}" for e in record["evidence"]],
            "value": outcome.value if outcome and record["status"] == PROVED else "",
            "formula": math(outcome.certificate.latex, "block") if outcome else None,
            "assumptions": outcome.certificate.assumptions if outcome else "",
            "steps": list(steps(outcome)) if outcome else [],
            "counterexample": record.get("counterexample", ""),
            "also": {words: record[key] for key, words in ALSO.items() if key in record},
        }


@dataclass(frozen=True)
class Tile:
    """A headline number, the words beside it, the badge of what stands behind it, and the id of a measurement."""

    number: str
    words: str
    badge: str
    of: str = ""


def headlines(
    activation: Activation, N: int, eps: Fraction, found: Sequence[Mapping[str, Any]], measured: Sequence[Any]
) -> Iterator[Tile]:
    """The numbers that come first; a claim gives one only where it is proved."""
    known = {claim["id"]: claim for claim in found if claim["status"] == PROVED}
    statuses = [claim["status"] for claim in found]
    overall = next((s for s in ("refuted", "undecided") if s in statuses), "proved")
    yield Tile(f"{statuses.count('proved')} of {len(found)}", "claims proved", overall)
    if "T2.smoothness" in known:
        order = int(value(activation.claims["T2"]["smoothness"], N, eps))
        yield Tile(Markup(f"C<sup>{order}</sup>"), "smooth, exactly", known["T2.smoothness"]["status"])
    for id, words in HEADLINES.items():
        if id in known and known[id]["value"]:
            yield Tile(known[id]["value"], words, known[id]["status"])
    for kind in ("exhaustive", "sampled"):
        errors = [m for m in measured if m["kind"] == kind]
        if errors:
            largest = max(errors, key=lambda m: float("inf") if m["max_ulp"] is None else m["max_ulp"])
            number = "infinite" if largest["max_ulp"] is None else f"{largest['max_ulp']:.4f} ulp"
            yield Tile(number, "largest error", kind, largest["id"])


def render(report: Any, outcomes: Sequence[Outcome], eps: Fraction, command: str) -> str:
    """The page about a report of `verify`, with the outcomes of its proofs, drawn at that eps."""
    activation, N = report.activation, report.N
    data, inline = report.data(), Inliner()
    found = list(claims(data["claims"], {o.certificate.id: o for o in outcomes}))
    smooth = activation.claims.get("T2", {}).get("smoothness", "2*N")
    fixed = {p.name: p.fixed for p in activation.parameters if p.fixed}
    return ENVIRONMENT.get_template("page.html.j2").render(
        activation=activation,
        N=N,
        eps=eps,
        everywhere=report.eps is None,
        fixed=fixed,
        branches=[(math(f"f(x) = {latex(b.expr)}"), b.on.replace("<=", "≤")) for b in activation.branches],
        where=[math(f"{name} = {latex(text)}") for name, text in activation.where.items()],
        smooth=plain(smooth),
        headlines=list(headlines(activation, N, eps, found, data["measurements"])),
        derivatives=list(derivatives(activation, N, eps, int(value(smooth, N, eps)) + 1, inline)),
        claims=found,
        distances=list(distances(activation, N, bool(fixed), inline)),
        histograms=list(histograms(data["measurements"], inline)),
        measurements=data["measurements"],
        bandwidths=bandwidths(CODEGEN, inline),
        badges=BADGES,
        command=command,
    )
