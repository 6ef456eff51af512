"""`python -m gem_symbolic.formal` has Coq prove theorems, and bounds of rounding errors, which it writes.

The theorems are those of proofs/formal (see `mechanised`). The bounds go into proofs/rounding.json and rounding.md.
`--theorems` proves the theorems alone, `--rounding` the bounds alone.

Every bound is found by Gappa from scripts that are generated from the evaluation plan, and proved by Coq. Beside it
stands the largest error seen on a sample. What was proved is kept in a folder, by the digest of what it rests on, so
that an interrupted run goes on where it stopped. `--render` writes rounding.md alone, from the committed data. Exit
status: 0 all proved, 1 a theorem or a bound refused, 2 usage error, 3 a tool is missing.
"""

import argparse
import hashlib
import json
import math
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from rich.console import Console

from gem_symbolic import files, mechanised, roundingtable
from gem_symbolic.accuracy import EPS, NS
from gem_symbolic.checkers import coq, gappa
from gem_symbolic.checkout import ROOT, needed
from gem_symbolic.definitions import VARIANTS
from gem_symbolic.emit.gappa import Statement, beyond, cut, hints, moved, reach, scripts, steps, total, whole
from gem_symbolic.formats import FORMATS
from gem_symbolic.roundoff import SCALE, Case, cases, edge, lowest
from gem_symbolic.sampled import INPUTS, observed

DATA = ROOT / "proofs" / "rounding.json"
SCHEMA = 1
#: The formats that the plain plan computes in, and how many digits of its error are given.
PLAIN, DIGITS = ("binary32", "binary64"), 2
#: How an absolute error follows from its two parts, and the claim about a case from all that was proved before.
SUM = "eapply total; [eapply (steps {variables}); eassumption | eapply (moved {variables}); eassumption]."
COMPOSITION = (
    "eapply (beyond {beyond}); first [eassumption | eapply (reach {reach}); eassumption "
    "| eapply (cut {cut}); eassumption]."
)


def all_cases() -> list[Case]:
    formats = [FORMATS[name] for name in PLAIN]
    eps = [Fraction(e) for e in EPS]
    return [c for f in formats for a in VARIANTS.values() for N in NS for c in cases(a, N, eps, f)]


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def key(case: Case) -> str:
    """What the proof of a case rests on, apart from the tools: two variants that compute the same have one proof."""
    case = replace(case, program=case.program.anonymous)
    lemmas = [hint.lemma("") for hint in hints(case)] if case.low else []
    fixed = [gappa.OPENING, gappa.GENERATED, gappa.DERIVED, SUM, COMPOSITION, str(gappa.SLACKS), str(gappa.GRID)]
    return digest("\n".join([scripts(case), whole(case, case.grain).coq, *lemmas, *fixed]))


def assemble(case: Case) -> tuple[Fraction, dict[str, str], str]:
    """A bound that Gappa proves, its scripts by name, and the file for Coq. Raises gappa.Refused."""
    texts: dict[str, str] = {}
    lemmas: list[gappa.Lemma | gappa.Derived] = []
    named = [(f"hint{i}", hint) for i, hint in enumerate(hints(case), 1)] if case.low else []

    def proved(name: str, statement: Statement, proof: str) -> None:
        texts[name] = statement.script
        told = [(n, hint.names) for n, hint in named if hint in statement.hints]
        lemmas.append(gappa.Lemma(name, statement.coq, proof, told))

    def searched(name: str, statement: Callable[[Fraction | None], Statement]) -> Fraction:
        bound, proof = gappa.search(lambda b: statement(b).script, case.grain)
        proved(name, statement(bound), proof)
        return bound

    def derived(name: str, statement: Statement, proof: str) -> None:
        lemmas.append(gappa.Derived(name, statement.coq, proof))

    if not case.low:  # far out the whole program is small enough
        bound = searched("far", lambda b: whole(case, b))
        derived("bound", whole(case, bound), "now apply far.")
        return bound, texts, gappa.complete([], lemmas)
    proved("reach", reach(case), gappa.proof(reach(case).script))
    error = searched("cut", lambda b: cut(case, b))
    if case.relative:
        bound = searched("beyond", lambda b: beyond(case, error, b))
    else:
        parts = searched("steps", lambda b: steps(case, error, b)), searched("moved", lambda b: moved(case, error, b))
        bound = sum(parts, Fraction(0))
        together = total(case, parts, bound)
        proved("total", together, gappa.proof(together.script))
        derived("beyond", beyond(case, error, bound), SUM.format(variables=" ".join(beyond(case, error).variables)))
    variables = {"reach": reach(case), "cut": cut(case), "beyond": beyond(case, error)}
    composition = COMPOSITION.format(**{name: " ".join(step.variables) for name, step in variables.items()})
    derived("bound", whole(case, bound), composition)
    return bound, texts, gappa.complete([hint.lemma(name) for name, hint in named], lemmas)


def prove(case: Case, folder: Path) -> tuple[Fraction, Path]:
    """A bound of the case's error, proved now or before, and the file of its proof. Raises gappa.Refused."""
    name = key(case)
    record = folder / f"{name}.json"
    if record.exists():
        known = json.loads(record.read_text(encoding="utf-8"))
        return Fraction(known["bound"]) * case.grain, folder / known["file"]
    path = folder / f"{case.id.replace('.', '_')}_{name[:8]}.v"
    bound, texts, proof = assemble(case)
    for part, text in texts.items():
        path.with_name(f"{path.stem}_{part}.g").write_text(text, encoding="utf-8")
    gappa.check(proof, path)
    files.replace_text(record, json.dumps({"file": path.name, "bound": str(bound / case.grain)}) + "\n")
    return bound, path


def prove_all(
    found: Sequence[Case], folder: Path, jobs: int, console: Console
) -> tuple[dict[str, Fraction], list[str]]:
    """(bounds by id, why others were refused)."""
    groups: dict[str, list[Case]] = {}
    for case in found:
        groups.setdefault(key(case), []).append(case)
    bounds: dict[str, Fraction] = {}
    paths, refused = [], []
    with console.status("starting") as status, ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(prove, group[0], folder): group for group in groups.values()}
        for done in as_completed(running):
            group = running[done]
            try:
                bound, path = done.result()
                bounds |= dict.fromkeys((case.id for case in group), bound)
                paths.append(path)
            except gappa.Refused as refusal:
                refused.append(f"{group[0].id}: {refusal}")
            status.update(f"{len(bounds)} of {len(found)} bounds proved: {group[0].id}")
        if not refused:
            status.update("what the proofs rest on")
            try:
                gappa.settle(sorted(paths))
            except gappa.Refused as refusal:
                refused.append(str(refusal))
    return bounds, refused


def record(case: Case, bound: Fraction) -> dict[str, Any]:
    return {
        "id": case.id,
        "format": case.format.name,
        "variant": case.variant,
        "quantity": case.quantity,
        "N": case.N,
        "side": case.side,
        "region": case.region,
        "part": case.part,
        "w": [place(case.low, case), place(case.high, case)],
        "slip": None if case.slip is None else str(case.slip / case.grain),
        "error": "relative" if case.relative else "absolute",
        "bound": str(bound / case.grain),
        "observed": math.ceil(round(observed(case, EPS) * 10**DIGITS, 3)) / 10**DIGITS,
        "scripts": digest(scripts(case)),
    }


def place(w: Fraction, case: Case) -> str:
    """An end of a range, exactly."""
    if w == edge(case.format):
        return f"1 + 2^-{case.format.precision - 1}"
    return f"2^-{w.denominator.bit_length() - 1}" if w == lowest(case.N, case.format) else str(w)


def data(found: Sequence[Case], bounds: dict[str, Fraction]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "unit": {name: f"2^-{FORMATS[name].precision}" for name in PLAIN},
        "scale": [f"2^-{SCALE}", f"2^{SCALE}"],
        "eps": list(EPS),
        "observed": {"kind": "sampled", "inputs": INPUTS, "against": {"binary32": "float64", "binary64": "longdouble"}},
        "bounds": [record(case, bounds[case.id]) for case in found],
    }


def rounding(folder: Path, jobs: int, console: Console) -> list[str]:
    """Proves every bound and writes the data; why bounds were refused."""
    found = all_cases()
    bounds, refused = prove_all(found, folder, jobs, console)
    if not refused:
        files.replace_text(DATA, json.dumps(data(found, bounds), indent=1) + "\n")
        render()
        print(f"{len(bounds)} bounds proved; written to {DATA.relative_to(ROOT)}")
    return refused


def render() -> None:
    """Writes rounding.md from the committed data."""
    committed = json.loads(DATA.read_text(encoding="utf-8"))
    files.replace_text(DATA.with_suffix(".md"), roundingtable.render(committed))


def theorems(store: Path, console: Console) -> list[str]:
    """Proves every claim that is formalised, and prints what became of each; why some were not proved."""
    with console.status("the statements") as status:
        found = mechanised.outcomes(tell=status.update, store=store, thorough=True)
    for (variant, id), record in found.items():
        print(f"{variant:<12} {id:<14} {record['status']:<15} {record['detail']}".rstrip())
    counts = {status: sum(r["status"] == status for r in found.values()) for status in mechanised.STATUSES}
    print(", ".join(f"{count} claims {status}" for status, count in counts.items()))
    failed = {c: r for c, r in found.items() if r["status"] == mechanised.NOT_PROVED}
    return [f"{variant} {id}: {record['detail']}" for (variant, id), record in failed.items()]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m gem_symbolic.formal",
        description="Prove theorems with Coq, and rounding bounds with Gappa and Coq.",
    )
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--theorems", action="store_true", help="only the theorems of proofs/formal")
    only.add_argument("--rounding", action="store_true", help="only the bounds of rounding errors")
    only.add_argument("--render", action="store_true", help="only write rounding.md, from the committed data")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "formal", help="where scripts and proofs go")
    parser.add_argument("--jobs", type=int, default=2, help="how many cases are proved at a time")
    options = parser.parse_args(arguments)
    needed("gem_symbolic.formal")
    if options.render:
        render()
        return 0
    bounds = [] if options.theorems else gappa.missing()
    absent = bounds or ([] if options.rounding else coq.missing(mechanised.LIBRARIES))
    if absent:
        print(
            f"{' and '.join(absent)} not found, so nothing was proved: "
            "install the Debian packages gappa, coq, libcoq-coquelicot, libcoq-gappa and libcoq-flocq",
            file=sys.stderr,
        )
        return 3
    options.folder.mkdir(parents=True, exist_ok=True)
    console = Console(stderr=True)
    refused = [] if options.rounding else theorems(options.folder / "theorems", console)
    refused += [] if options.theorems else rounding(options.folder, options.jobs, console)
    if refused:
        print(*refused, sep="\n", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
