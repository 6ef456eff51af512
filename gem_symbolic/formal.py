"""`python -m gem_symbolic.formal` proves bounds of rounding errors, and writes proofs/rounding.json and rounding.md.

Every bound is found by Gappa from a script that is generated from the evaluation plan, and proved by Coq. Beside it
stands the largest error seen on a sample. `--render` writes rounding.md alone, from the committed data. Exit status: 0
every bound proved, 1 one of them refused, 2 usage error, 3 a tool is missing.
"""

import argparse
import hashlib
import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from gem_symbolic import files
from gem_symbolic.accuracy import EPS, NS
from gem_symbolic.branches import split_parameters
from gem_symbolic.checkers import gappa
from gem_symbolic.definitions import VARIANTS
from gem_symbolic.emit.gappa import hints, script, theorem
from gem_symbolic.formats import FORMATS
from gem_symbolic.measure import BARS, decode, ordinal
from gem_symbolic.parameters import root
from gem_symbolic.rounding import round_to
from gem_symbolic.roundoff import EDGE, FAR, NEAR, QUANTITIES, SCALE, Case, cases

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "proofs" / "rounding.json"
SCHEMA = 1
BINARY32 = FORMATS["binary32"]
#: Bounds are in this unit, and shown with so many digits.
UNIT, DIGITS = Fraction(1, 2**24), 2
#: How many inputs are tried for each case and eps.
SAMPLE = 50_000
#: A bound that exceeds the largest error seen by more than this factor is listed.
LOOSE = 3
JOBS = 2


def all_cases() -> list[Case]:
    """The cases of every emitted variant."""
    return [c for a in VARIANTS.values() if a.emitted for N in NS for c in cases(a, N, map(Fraction, EPS))]


def digest(found: list[Case]) -> str:
    """The SHA-256 of the scripts: which plans, ranges and identities the bounds belong to."""
    return hashlib.sha256("\n".join(map(script, found)).encode()).hexdigest()


def prove(case: Case, folder: Path) -> Fraction:
    """A bound of the case's error, proved. Raises gappa.Refused."""
    found = gappa.enclosure(script(case))
    lemmas = [(f"hint{i}", hint.lemma(f"hint{i}"), hint.names) for i, hint in enumerate(hints(case), 1)]
    path = folder / f"{case.id.replace('.', '_')}.v"
    for slack in gappa.SLACKS:
        bound = gappa.rounded(found * slack)
        text = script(case, bound)
        path.with_suffix(".g").write_text(text, encoding="utf-8")
        try:
            proof = gappa.proof(text)
        except gappa.Refused:
            if slack == gappa.SLACKS[-1]:
                raise
            continue
        gappa.check(gappa.complete(proof, lemmas, theorem(gappa.THEOREM, case, bound)), path)
        return bound
    raise AssertionError


# --- What was seen ---


def scales(case: Case) -> list[str]:
    fixed = next((p.fixed for p in split_parameters(VARIANTS[case.variant])[1] if p.fixed), None)
    return [fixed] if fixed else list(EPS)


def observed(case: Case) -> float:
    """The largest error on a sample, evenly spaced in ulps, in UNIT; the exact program is run in binary64."""
    worst = 0.0
    for eps in map(Fraction, scales(case)):
        s, exact = (float(root(eps, 2 * case.N, bits)) for bits in (24, 53))
        ends = (exact * float(w) ** (1 if case.region == "inside" else -1) if w else 0.0 for w in (case.low, case.high))
        low, high = sorted(min(max(t or 2.0**-100, 2.0**-100), 2.0**100) for t in ends)
        if case.region == "outside" and not case.low:
            low, high = high, 2.0**100
        low, high = (max(low, s), high) if case.region == "outside" else (low, min(high, s))
        first, last = (ordinal(round_to(t, BINARY32), BINARY32) for t in (low, high))
        wide = decode(np.unique(np.linspace(first, last, SAMPLE).astype(np.int64)), BINARY32)
        with np.errstate(all="ignore"):
            one = np.float32(1)
            got = case.program.evaluate(
                {"t": wide.astype(np.float32), "s": np.float32(s), "inv_s": one / np.float32(s)}
            )
            want = case.program.evaluate({"t": wide, "s": exact, "inv_s": 1 / exact})
        error = np.abs(got.astype(np.float64) - want)
        worst = max(worst, float(np.max(error / np.abs(want) if case.relative else error)))
    return worst * 2**24


# --- Data ---


def record(case: Case, bound: Fraction) -> dict[str, Any]:
    return {
        "id": case.id,
        "variant": case.variant,
        "quantity": case.quantity,
        "N": case.N,
        "side": case.side,
        "region": case.region,
        "w": [str(case.low), str(case.high)],
        "x": [str(end) for end in case.size],
        "slip": None if case.slip is None else str(case.slip / UNIT),
        "error": "relative" if case.relative else "absolute",
        "bound": str(bound / UNIT),
        "observed": math.ceil(observed(case) * 100) / 100,
    }


def data(found: list[Case], folder: Path, console: Console) -> dict[str, Any]:
    """The bounds of all cases. Raises gappa.Refused."""
    bounds: dict[str, Fraction] = {}
    with console.status("starting") as status, ThreadPoolExecutor(JOBS) as pool:
        running = {pool.submit(prove, case, folder): case for case in found}
        try:
            for done in as_completed(running):
                bounds[running[done].id] = done.result()
                status.update(f"{len(bounds)} of {len(found)} bounds proved: {running[done].id}")
        except gappa.Refused:
            pool.shutdown(cancel_futures=True)
            raise
    return {
        "schema": SCHEMA,
        "scripts": digest(found),
        "unit": "2^-24",
        "scale": [f"2^-{SCALE}", f"2^{SCALE}"],
        "sample": {"eps": list(EPS), "inputs": SAMPLE},
        "bounds": [record(case, bounds[case.id]) for case in found],
    }


# --- To read ---

PREAMBLE = """\
# Rounding errors: what is proved

For the plain plan in binary32, round to nearest even, as `gem_symbolic.floats` derives it: every operation in its \
order, each rounded once. Each bound holds for every real scale S in [{low}, {high}] (GEM: S = 1), s being S rounded \
once to binary32, and for every |x| with w = min(|x|, S)/max(|x|, S) in the range given (where that begins at 0: and \
|x| in [2^-{far}, 2^{far}]). In these ranges nothing overflows, and nothing underflows that matters. Inside means \
|x| <= s; the range ends a little above 1, since S may be smaller than s. The worst scale is half a unit from its \
nearest number. The bounds *at eps* are for scales that are as near to it as those of eps = {eps}: \
|s - S| <= k 2^-24 S, with k = {slips} for N = {Ns}.

A *relative* bound of k says |computed - exact| <= k 2^-24 |exact|. With |exact| = m 2^e and 1 <= m < 2 a unit in the \
last place is 2^(e - 23), so the error is at most m k/2 ulp, which is less than k ulp. An *absolute* bound of k says \
|computed - exact| <= k 2^-24; it stands around a zero of the exact value, to within a factor of {near} in u.

The bounds are found by Gappa, from scripts generated from the plans, and proved by Coq with Flocq: the hints that \
Gappa takes on trust are proved there as identities over the reals, nothing is admitted, and nothing is assumed but \
the axioms of the standard library's real numbers. *Seen* is the largest error on a sample of {inputs} inputs for each \
of eps = {eps}. Where a side is not listed nothing is rounded there: the result is x or a constant.
"""
LISTED = """\
## Bounds more than {loose} times what was seen

A bound adds up the worst case of every operation, as if all of them met at one input with the \
same sign; where many operations follow one another, no input comes near to that.
"""


def render(found: Mapping[str, Any]) -> str:
    """The data as a text to read."""
    low, high = found["scale"]
    bounds, sample = found["bounds"], found["sample"]
    slips = {b["N"]: b["slip"] for b in bounds if b["slip"]}
    preamble = PREAMBLE.format(
        low=low,
        high=high,
        near=NEAR,
        far=FAR,
        inputs=f"{sample['inputs']:,}",
        eps=", ".join(sample["eps"]),
        slips=", ".join(shown(Fraction(k)) for k in slips.values()),
        Ns=", ".join(map(str, slips)),
    )
    tables = (table(name, [b for b in bounds if b["variant"] == name]) for name in VARIANTS)
    return "\n".join([preamble, *summary(bounds), *(line for rows in tables for line in rows), *loose(bounds)]) + "\n"


def grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for line in (head, ["---"] * len(head), *rows):
        yield "| " + " | ".join(line) + " |"
    yield ""


def at_eps(bounds: Sequence[Mapping[str, Any]]) -> dict[str, Fraction]:
    """By id of the bound for every scale: the one at eps, where there is one, else the same."""
    own = {b["id"]: Fraction(b["bound"]) for b in bounds}
    return {id: own.get(f"{id}.eps", bound) for id, bound in own.items() if not id.endswith(".eps")}


def summary(bounds: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The largest relative bound of each quantity and N, for every scale and at eps, beside the bar."""
    special = at_eps(bounds)
    rows = []
    for name in dict.fromkeys(b["variant"] for b in bounds):
        for order, quantity in enumerate(QUANTITIES):
            cells = []
            for N in NS:
                wanted = {"variant": name, "quantity": quantity, "N": N, "error": "relative", "slip": None}
                chosen = [b for b in bounds if wanted.items() <= b.items()]
                bar = BARS["plain", "binary32", order].ulps(N)
                largest = (max(Fraction(b["bound"]) for b in chosen), max(special[b["id"]] for b in chosen))
                cells.append(" · ".join(f"{shown(k)}{'' if k <= bar else ' (above)'}" for k in largest) + f" · {bar:g}")
            rows.append([f"{VARIANTS[name].title}, {quantity}", *cells])
    yield "## The largest relative bounds: for every scale, at eps, and the bar in ulp"
    yield ""
    yield from grid(["", *(f"N = {N}" for N in NS)], rows)


def shown(bound: Fraction) -> str:
    """Rounded up: what is shown is a bound."""
    return f"{math.ceil(bound * 10**DIGITS) / 10**DIGITS:.{DIGITS}f}"


def ratio(bound: Mapping[str, Any]) -> float | None:
    """How many times what was seen; None where no error was seen."""
    return float(Fraction(bound["bound"])) / bound["observed"] if bound["observed"] else None


def place(w: str) -> str:
    value = Fraction(w)
    if value == EDGE:
        return "1 + 2^-23"
    exponent = value.denominator.bit_length() - 1
    return f"2^-{exponent}" if value.numerator == 1 and exponent else f"{float(value):.4g}"


def table(name: str, bounds: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not bounds:
        return
    special = at_eps(bounds)
    rows = [
        [
            f"{b['quantity']}, {b['side']}",
            str(b["N"]),
            b["region"],
            " to ".join(map(place, b["w"])),
            b["error"],
            shown(Fraction(b["bound"])),
            shown(special[b["id"]]) if f"{b['id']}.eps" in {o["id"] for o in bounds} else "",
            f"{b['observed']:.2f}",
            f"{times:.1f}" if (times := ratio(b)) is not None else "",
        ]
        for b in bounds
        if not b["slip"]
    ]
    yield f"## {VARIANTS[name].title}"
    yield ""
    yield from grid(["", "N", "region", "w", "error", "bound", "at eps", "seen", "bound/seen"], rows)


def loose(bounds: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The bounds that exceed what was seen by more than LOOSE, and why."""
    found = [(b, times) for b in bounds if (times := ratio(b)) is not None and times > LOOSE]
    if not found:
        yield f"No bound is more than {LOOSE} times what was seen."
        return
    yield LISTED.format(loose=LOOSE)
    for b, times in found:
        yield f"- `{b['id']}`: {shown(Fraction(b['bound']))} against {b['observed']:.2f}, {times:.1f} times."


# --- The command ---


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m gem_symbolic.formal", description="Prove bounds of rounding errors with Gappa and Coq."
    )
    parser.add_argument("--render", action="store_true", help="only write rounding.md, from the committed data")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "formal", help="where scripts and proofs go")
    options = parser.parse_args(arguments)
    if not options.render:
        if absent := gappa.missing():
            print(
                f"{' and '.join(absent)} not found, so nothing was proved: "
                "install the Debian packages gappa, coq, libcoq-gappa and libcoq-flocq",
                file=sys.stderr,
            )
            return 3
        options.folder.mkdir(parents=True, exist_ok=True)
        try:
            found = data(all_cases(), options.folder, Console(stderr=True))
        except gappa.Refused as refusal:
            print(refusal, file=sys.stderr)
            return 1
        files.replace_text(DATA, json.dumps(found, indent=1) + "\n")
    committed = json.loads(DATA.read_text(encoding="utf-8"))
    files.replace_text(DATA.with_suffix(".md"), render(committed))
    if not options.render:
        print(f"{len(committed['bounds'])} bounds proved; written to {DATA.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
