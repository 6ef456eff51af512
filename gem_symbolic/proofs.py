"""`python -m gem_symbolic.proofs` writes proofs/: for each variant the certificates as JSON, and as Markdown to read.

Beside them, in proofs/formal, the statements that Coq proves and a table of them; and in the package the outlines that
stored certificates are held to.

The same definitions give the same files, byte for byte.
"""

import ast
import json
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from gem_symbolic import files, mechanised, outlines
from gem_symbolic.calculus import derivative, study, value_at
from gem_symbolic.certificates import INSTANCES, VALUED, Step
from gem_symbolic.checkout import ROOT, needed
from gem_symbolic.definitions import VARIANTS, Activation
from gem_symbolic.expressions import parse
from gem_symbolic.notation import latex
from gem_symbolic.outlines import outline
from gem_symbolic.piecewise import build
from gem_symbolic.prover import PROVED, UNDECIDED, FlintAlgebra, Outcome, Prover, SymPyAlgebra, Workspace

FOLDER = ROOT / "proofs"
SCHEMA = 1
#: Where eps is free, numerical steps are recorded at this one.
EPS = "1e-4"
DIRECTIONS = {1: "rises", -1: "falls", 0: "is constant"}
RELATIONS = {">": ">", ">=": r"\ge", "<": "<", "<=": r"\le"}


def outcomes(activation: Activation) -> list[list[Outcome]]:
    """The outcomes of every claim, at each of the recorded N."""
    eps = Fraction(next((p.fixed for p in activation.parameters if p.fixed), None) or EPS)
    runs = (Prover(activation, N, eps, exact=INSTANCES[0] == N).prove() for N in INSTANCES)
    return [list(each) for each in zip(*runs, strict=True)]


class Writer:
    """The data of one activation's certificates, with every value computed by both engines and compared."""

    def __init__(self, activation: Activation):
        self.activation = activation
        self.workspaces: dict[str | None, tuple[Workspace, Workspace]] = {}

    def value(self, companion: str | None, step: Step) -> dict[str, Any]:
        """The first argument of a step as coefficient data. Raises ArithmeticError where the engines differ."""
        if companion not in self.workspaces:
            self.workspaces[companion] = (
                Workspace(self.activation, SymPyAlgebra, companion),
                Workspace(self.activation, FlintAlgebra, companion),
            )
        forms = [w.algebra.normal_form(w.read(step.args[0])) for w in self.workspaces[companion]]
        if forms[0] != forms[1]:
            raise ArithmeticError(f"SymPy and FLINT differ on {step.args[0]}")
        return forms[0]

    def factored(self, companion: str | None, step: Step) -> str:
        """The first argument of a step as a product, in LaTeX; nothing for a kind of step without a value."""
        if step.kind not in VALUED:
            return ""
        workspace = self.workspaces[companion][1]
        return latex(workspace.algebra.factored(workspace.read(step.args[0])))

    def step(self, outcome: Outcome, step: Step) -> dict[str, Any]:
        data: dict[str, Any] = {"kind": step.kind, "args": list(step.args), "lemma": step.lemma, "why": step.why}
        if step.kind in VALUED:
            data["value"] = self.value(outcome.certificate.companion, step)
        return data

    def claim(self, each: list[Outcome]) -> dict[str, Any]:
        first, certificate = each[0], each[0].certificate
        status = first.status if all(o.status == PROVED for o in each) else UNDECIDED
        return {
            "id": certificate.id,
            "statement": certificate.statement,
            "latex": certificate.latex,
            "assumptions": certificate.assumptions,
            "companion": certificate.companion,
            "status": status,
            "evidence": first.record()["evidence"],
            "steps": [self.step(first, step) for step, _ in first.verdicts],
            "instances": [
                {"N": N, "results": [next(iter(v.values())).why for step, v in outcome.verdicts if step.numerical]}
                for N, outcome in zip(INSTANCES, each, strict=True)
                if any(step.numerical for step, _ in outcome.verdicts)
            ],
        }

    def data(self, found: list[list[Outcome]]) -> dict[str, Any]:
        a = self.activation
        return {
            "schema": SCHEMA,
            "variant": a.name,
            "definition": a.formula(),
            "behaviour": list(behaviours(a)),
            "instances_at_eps": next((p.fixed for p in a.parameters if p.fixed), None) or EPS,
            "claims": [self.claim(each) for each in found],
        }


def behaviours(activation: Activation) -> Iterator[dict[str, Any]]:
    """Value, first and second derivative on both sides of 0: where they rise and fall, as data."""
    model = build(activation)
    for order in range(3):
        for piece, side in ((model.pieces[0], -1), (model.pieces[-1], 1)):
            f = derivative(piece.value, order)
            found = study(model.algebra, f, side)
            if found is None:
                continue  # not the same for every N
            turns = [{"u": z.formula, "value": value_at(model.algebra, f, z, side, "v")} for z in found.turns]
            yield {
                "order": order,
                "side": "x < 0" if side < 0 else "x > 0",
                "turns": turns,
                "signs": list(found.signs),
            }


def factor(text: str) -> str:
    """A formula in LaTeX, as a factor."""
    is_sum = isinstance(getattr(parse(text), "op", None), (ast.Add, ast.Sub))
    return rf"\left({latex(text)}\right)" if is_sum else latex(text)


def formula(step: Step, value: str = "") -> str | None:
    """What a step says, in LaTeX, with the value that was computed; None for a numerical one."""
    a = [RELATIONS[text] if text in RELATIONS else latex(text) for text in step.args]
    shown = f"{a[0]} = {value}" if value and value != a[0] else a[0]
    match step.kind:
        case "equal" | "power_equal":
            return f"{a[0]} = {a[1]}" + (f" = {value}" if value and value not in a else "")
        case "sign":
            interval = "" if (a[2], step.args[3]) == ("0", "oo") else rf",\ u \in ({a[2]}, {a[3]})"
            return rf"{shown} {a[1]} 0\quad (n \ge {a[4]}{interval})"
        case "roots":
            return rf"\#\{{u \in ({a[2]}, {a[3]}) : {shown} = 0\}} = {a[1]}"
        case "order":
            return rf"{shown} \sim {factor(step.args[2])} \cdot x^{{{a[1]}}}\quad (x \to 0)"
        case "infinity":
            return rf"{shown} \sim {factor(step.args[2])} \cdot x^{{{a[1]}}}\quad (|x| \to \infty)"
        case "coefficient":
            return rf"[x^{{{a[1]}}}]\; {a[0]} = {a[2]}"
        case "smaller_root":
            return rf"v = {a[0]}:\quad {a[1]} = 0"
        case "beta":
            return rf"\frac{{f - \mathrm{{ReLU}}}}{{x}} = {a[0]},\quad a = {a[1]},\ b = {a[2]}"
    return None


def lines(data: dict[str, Any], writer: Writer, found: list[list[Outcome]]) -> Iterator[str]:
    """The certificates as a text to read."""
    activation = writer.activation
    yield f"# {activation.title}: what is proved"
    yield ""
    yield "$$f(x) = \\begin{cases}"
    rows = [f"{latex(b.expr)} & {b.on.replace('<=', chr(92) + 'le')}" for b in activation.branches]
    yield " \\\\\n".join(rows)
    yield "\\end{cases}$$"
    yield ""
    where = [f"${name} = {latex(text)}$" for name, text in activation.where.items()]
    fixed = [f"${latex(p.name)} = {p.fixed}$" for p in activation.parameters if p.fixed]
    yield f"with {', '.join(where + fixed)}."
    yield ""
    yield activation.source
    yield ""
    yield (
        "Notation: $n = 2N$, $s = \\varepsilon^{1/n}$, $u = |x|^n/\\varepsilon$; $f_-$ and $f_+$ are the branches left "
        "and right of 0, $g_\\pm$ those of the companion named. $n$ is a symbol: what is shown holds for every "
        "$N \\ge 1$ and every $\\varepsilon > 0$. Every step is decided by exact arithmetic in each of the engines "
        "named, from the definition; lines marked *at N = ...* by rigorous enclosures, shown to 20 digits, at that "
        f"$N$ and $\\varepsilon = {latex(str(Fraction(data['instances_at_eps'])))}$."
    )
    yield from behaviour(data["behaviour"])
    for claim, each in zip(data["claims"], found, strict=True):
        yield from section(claim, writer, each[0])


def behaviour(rows: list[dict[str, Any]]) -> Iterator[str]:
    """What calculus derives: monotone intervals and turning points, as a table."""
    yield ""
    yield "## How it behaves"
    yield ""
    yield "Derived for every $N$ at once; from 0 outwards on each side, $t = |x| = s u^{1/n}$."
    yield ""
    yield "| function | side | |"
    yield "| --- | --- | --- |"
    for row in rows:
        text = DIRECTIONS[row["signs"][0]]
        for turn, sign in zip(row["turns"], row["signs"][1:], strict=True):
            place = f"v = {turn['u']}" if "v" in turn["value"] else turn["u"]
            text += f" until $u = {latex_of(place)}$, to ${latex(turn['value'])}$; then {DIRECTIONS[sign]}"
        yield f"| $f{chr(39) * row['order']}$ | ${row['side']}$ | {text} |"


def latex_of(place: str) -> str:
    return " = ".join(latex(part) for part in place.split(" = "))


def section(claim: dict[str, Any], writer: Writer, outcome: Outcome) -> Iterator[str]:
    yield ""
    yield f"## {claim['id']}: {claim['status']}"
    yield ""
    yield claim["statement"][0].upper() + claim["statement"][1:] + "."
    yield ""
    yield f"$${claim['latex']}$$"
    yield ""
    companion = f" The companion $g$ is {VARIANTS[claim['companion']].title}." if claim["companion"] else ""
    yield f"For {claim['assumptions']}.{companion}"
    yield ""
    exact = [(step, verdicts) for step, verdicts in outcome.verdicts if not step.numerical]
    for number, (step, verdicts) in enumerate(exact, 1):
        yield f"{number}. {step.why}"
        yield ""
        yield f"   $${formula(step, writer.factored(outcome.certificate.companion, step))}$$"
        yield ""
        if step.kind in ("sign", "roots"):
            yield f"   *Because {verdicts[FlintAlgebra.name].why}.*"
            yield ""
    for instance in claim["instances"]:
        yield f"- *at N = {instance['N']}*: " + "; ".join(f"`{result}`" for result in instance["results"])
    if claim["instances"]:
        yield ""
    yield "Decided by " + ", ".join(e["checker"] for e in claim["evidence"]) + "."


def write(activation: Activation, folder: Path) -> dict[str, Any]:
    """Writes the two files of an activation, each all at once, and returns the outline of its certificates."""
    found, writer = outcomes(activation), Writer(activation)
    data = writer.data(found)
    files.replace_text(folder / f"{activation.name}.json", json.dumps(data, indent=1, ensure_ascii=False) + "\n")
    files.replace_text(folder / f"{activation.name}.md", "\n".join(lines(data, writer, found)) + "\n")
    return outline(data)


def main() -> int:
    needed("gem_symbolic.proofs")
    FOLDER.mkdir(exist_ok=True)
    found = {}
    for name, activation in VARIANTS.items():
        found[name] = write(activation, FOLDER)
        print(f"proofs/{name}.json, proofs/{name}.md: written")
    files.replace_text(outlines.PATH, json.dumps(found, indent=1) + "\n")
    print(f"gem_symbolic/{outlines.PATH.name}: written")
    for path in mechanised.write(FOLDER / "formal"):
        print(f"proofs/formal/{path.name}: written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
