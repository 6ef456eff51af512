"""Bounds of rounding errors as a text to read: proofs/rounding.md, rendered from the data of proofs/rounding.json."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from gem_symbolic.bars import BARS
from gem_symbolic.definitions import VARIANTS
from gem_symbolic.formats import FORMATS
from gem_symbolic.roundoff import NEAR, QUANTITIES, TOP

Bound = Mapping[str, Any]

DIGITS = 2
#: A bound that exceeds the largest error seen by more than this factor is listed, with what was found about it.
LOOSE = 3
PREAMBLE = """\
# Rounding errors: what is proved

For the plain plan, as `gem_symbolic.floats` derives it, in binary32 and in binary64, round to nearest even: every \
operation in its order, each rounded once. The unit is 2^-24 in binary32 and 2^-53 in binary64, half a unit in the \
last place of 1. Each bound holds for every real scale S in [{low}, {high}] (GEM: S = 1), s being S rounded once, and \
for every |x| with w = min(|x|, S)/max(|x|, S) in the range given. There nothing overflows, and nothing underflows \
that matters. *Least* is {least}; where w begins at 0, |x| lies within 2^±{top32} in binary32 and 2^±{top64} in \
binary64. *Inside* means |x| <= s; the range ends a little above 1, as S may be smaller than s. The worst scale is \
half a unit in the last place from its nearest number. The bounds *at eps* are for scales that are as near to it as \
those of eps = {eps} are: |s - S| <= k S units, with k = {slips}.

A *relative* bound of k says |computed - exact| <= k |exact| units. With |exact| = m 2^e and 1 <= m < 2 that is at \
most k m/2 units in the last place, less than k ulp. An *absolute* bound of k says |computed - exact| <= k units; it \
stands around a zero of the exact value, to within a factor of {near} in u.

*Proved*: Gappa finds the bounds, from scripts generated from the plans, and Coq proves them with Flocq. What Coq \
proves is stated from the plan alone: from the list of operations that it is on one side of 0 and of the scale, for \
every real |x| and S. The rounding there knows subnormals but no largest number; that no step comes near to that \
follows from the ranges. The hints that Gappa takes on trust are proved there as identities over the \
reals, nothing is admitted, and nothing is assumed but the axioms of the standard library's real numbers. *Seen*, in \
brackets, is the largest error on a sample of {inputs} inputs for each bound, drawn at random and followed from the \
worst ones to their neighbours, against the exact program in {against}: *sampled*.

Where a side is not listed nothing is rounded: the result is x or a constant. Not proved: anything about N > 4, second \
derivatives, compensated plans, scales and |x| outside the ranges, results that are subnormal or nearly so.

Made by `make formal`.
"""
LISTED = """\
## Bounds more than {loose} times what was seen

Each was looked into:
"""
#: What was found about the bounds that are loose: what a bound has to have for the sentence to be about it.
FINDINGS: tuple[tuple[Mapping[str, Any], str], ...] = (
    (
        {"begins": "0", "quantity": "value"},
        "Far out 1 + u rounds to 1, and the quotient by it is |x| itself where |x| is a number of the format. The "
        "bound is for every real |x|, and counts the rounding of that quotient.",
    ),
    (
        {"begins": "0", "quantity": "gradient"},
        "Far out every step gives an integer, the limit of the gradient, from which the exact value differs by much "
        "less than a unit. The bound is what is added to what Gappa finds, so that it finds a short proof.",
    ),
    (
        {"N": 1, "error": "absolute", "region": "outside"},
        "The zero is at w = 1, and next to it, from below, the roundings of w and of its square are half a unit at "
        "most. The bound of the cut's error counts a whole unit for each, which is right elsewhere in the range.",
    ),
)


def render(found: Mapping[str, Any]) -> str:
    """The data as a text to read."""
    low, high = found["scale"]
    bounds, sample = found["bounds"], found["observed"]
    top32, top64 = (FORMATS[name].emax - TOP for name in found["unit"])
    preamble = PREAMBLE.format(
        low=low,
        high=high,
        least=least(bounds),
        top32=top32,
        top64=top64,
        near=NEAR,
        inputs=f"{sample['inputs']:,}",
        against=" and ".join(sample["against"].values()) + ", each for its format",
        eps=", ".join(found["eps"]),
        slips=slips(bounds),
    )
    parts = [summary(bounds, name) for name in found["unit"]] + [table(name, bounds) for name in VARIANTS]
    lines = [preamble, *(line for part in parts for line in part), *loose(bounds)]
    return "\n".join(lines).rstrip("\n") + "\n"


def by_N(bounds: Iterable[Bound], value: str) -> dict[str, dict[int, str]]:
    """format -> N -> the text of a quantity that depends on nothing else."""
    found: dict[str, dict[int, str]] = {}
    for b in bounds:
        found.setdefault(b["format"], {})[b["N"]] = value.format(**b)
    return found


def sentence(found: Mapping[str, Mapping[int, str]]) -> str:
    return "; ".join(
        f"{', '.join(texts.values())} for N = {', '.join(map(str, texts))} in {name}" for name, texts in found.items()
    )


def least(bounds: Sequence[Bound]) -> str:
    return sentence(by_N((b for b in bounds if b["w"][0].startswith("2^-")), "{w[0]}"))


def slips(bounds: Sequence[Bound]) -> str:
    found = [dict(b, slip=shown(Fraction(b["slip"]))) for b in bounds if b["slip"]]
    return sentence(by_N(found, "{slip}"))


def grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for line in (head, ["---"] * len(head), *rows):
        yield "| " + " | ".join(line) + " |"
    yield ""


def shown(bound: Fraction) -> str:
    """Rounded up: what is shown is a bound."""
    return f"{math.ceil(bound * 10**DIGITS) / 10**DIGITS:.{DIGITS}f}"


def at_eps(bounds: Iterable[Bound]) -> dict[str, Bound]:
    """By id of the bound for every scale: the one at eps, where there is one, else the same."""
    own = {b["id"]: b for b in bounds}
    return {id: own.get(f"{id}.eps", bound) for id, bound in own.items() if not bound["slip"]}


def summary(bounds: Sequence[Bound], format: str) -> Iterator[str]:
    """The largest bounds of each quantity and N, for every scale and at eps, beside the bar of the kernels."""
    special = at_eps(bounds)
    names = list(dict.fromkeys(b["variant"] for b in bounds))
    Ns = list(dict.fromkeys(b["N"] for b in bounds))

    def row(name: str, order: int, quantity: str, error: str) -> list[str]:
        cells = []
        for N in Ns:
            wanted = {"format": format, "variant": name, "quantity": quantity, "N": N, "error": error, "slip": None}
            chosen = [b for b in bounds if wanted.items() <= b.items()]
            if not chosen:
                cells.append("")
                continue
            own, near = (
                max(Fraction(b["bound"]) for b in some) for some in (chosen, [special[b["id"]] for b in chosen])
            )
            bar = BARS["plain", format, order]
            limit = bar.ulps(N) if error == "relative" else bar.beside(N) * 2 ** FORMATS[format].precision
            cells.append(
                " · ".join(f"{shown(k)}{'' if k <= limit else ' (above)'}" for k in (own, near)) + f" · {limit:g}"
            )
        return [f"{VARIANTS[name].title}, {quantity}", *cells]

    for error, unit in (("relative", "in ulp"), ("absolute", "beside its ulp, in units")):
        rows = [row(name, order, q, error) for name in names for order, q in enumerate(QUANTITIES)]
        yield f"## {format}: the largest {error} bounds, for every scale · at eps · the bar {unit}"
        yield ""
        yield from grid(["", *(f"N = {N}" for N in Ns)], (r for r in rows if any(r[1:])))


def ratio(bound: Bound) -> float | None:
    """How many times what was seen; None where no error was seen."""
    return float(Fraction(bound["bound"])) / bound["observed"] if bound["observed"] else None


def place(end: str) -> str:
    """An end of a range, the same in every format."""
    if end.startswith("2^-"):
        return "least"
    return "1" if end.startswith("1 +") else f"{float(Fraction(end)):.4g}"


def table(name: str, bounds: Sequence[Bound]) -> Iterator[str]:
    """A row for each range: for each format the bound for every scale and at eps, each beside what was seen."""
    special = at_eps(bounds)
    found = {b["id"]: b for b in bounds if b["variant"] == name and not b["slip"]}
    formats = list(dict.fromkeys(b["format"] for b in found.values()))
    scaled = any(special[id] is not b for id, b in found.items())
    rows = []
    for id, b in found.items():
        if b["format"] != formats[0]:
            continue
        row = [f"{b['quantity']}, {b['side']}", str(b["N"]), b["region"], " to ".join(map(place, b["w"])), b["error"]]
        for format in formats:
            other = format + id.removeprefix(b["format"])
            row += pair(found[other])
            row += (pair(special[other]) if special[other] is not found[other] else [""]) if scaled else []
        rows.append(row)
    yield f"## {VARIANTS[name].title}: proved, with what was seen in brackets"
    yield ""
    columns = [f"{format}{at}" for format in formats for at in ("", *([", at eps"] if scaled else []))]
    yield from grid(["", "N", "region", "w", "error", *columns], rows)


def pair(b: Bound) -> list[str]:
    return [f"{shown(Fraction(b['bound']))} ({b['observed']:.{DIGITS}f})"]


def is_loose(b: Bound) -> bool:
    times = ratio(b)
    return times is None or times > LOOSE


def finding(b: Bound) -> int | None:
    """Which of the FINDINGS is about a bound."""
    return next(
        (i for i, (about, _) in enumerate(FINDINGS) if about.items() <= {**b, "begins": b["w"][0]}.items()), None
    )


def loose(bounds: Sequence[Bound]) -> Iterator[str]:
    """The bounds that exceed what was seen by more than LOOSE, grouped by what was found about them."""
    groups: dict[int | None, list[Bound]] = {}
    for b in filter(is_loose, bounds):
        groups.setdefault(finding(b), []).append(b)
    if not groups:
        yield f"No bound is more than {LOOSE} times what was seen."
        return
    yield LISTED.format(loose=LOOSE)
    for i, group in groups.items():
        yield f"- {'Not looked into.' if i is None else FINDINGS[i][1]}"
        unseen = [Fraction(b["bound"]) for b in group if ratio(b) is None]
        if unseen:
            yield f"  - {len(unseen)} bounds, {shown(max(unseen))} at most, where no error was seen"
        for b in group:
            if (times := ratio(b)) is not None:
                seen = f"{b['observed']:.{DIGITS}f} was seen, {times:.1f} times less"
                yield f"  - `{b['id']}`: {shown(Fraction(b['bound']))}; {seen}"
