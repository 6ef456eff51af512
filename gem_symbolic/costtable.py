"""What the kernels cost, as a text to read: codegen/COST.md, rendered from the data of codegen/cost.json."""

import functools
from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from gem_symbolic.accuracy import CODEGEN
from gem_symbolic.ahead import FORMS
from gem_symbolic.definitions import VARIANTS
from gem_symbolic.figures import QUANTITIES, read
from gem_symbolic.machinecode import PURPOSES
from gem_symbolic.pricing import CHOICES, KINDS, PLANS, PRICES
from gem_symbolic.readme import table

ROUNDING = CODEGEN.parent / "proofs" / "rounding.json"
#: The kernels: by type, in pairs on request. How many bytes a number is, and our name of the type.
TYPES = {"fp16": 2, "bf16": 2, "fp32": 4, "accurate": 4}
SIXTEEN = ("fp16", "bf16")
NAMES = {"fp16": "float16", "bf16": "bfloat16", "fp32": "float32", "accurate": "float32, accurate"}
#: Our name of each form and order.
NAMED = {
    ("elementwise", 0): "value",
    ("elementwise", 1): "gradient",
    ("elementwise", 2): "second derivative",
    ("bias", 0): "value with bias",
    ("gated", 0): "gated value",
    ("gated", 1): "gated gradients",
}
#: Issue slots of an H100 (132 processors that issue 4 instructions of 32 lanes each, 1.755 GHz) for each byte that
#: memory moves (3 TB/s).
SLOTS_A_BYTE = 132 * 4 * 32 * 1.755e9 / 3e12
BAR = 40  # of a forward in 16 bits


def budget(form: str, order: int, kind: str) -> float:
    """The issue slots there are while memory moves an element: what is read of it and what is written."""
    return SLOTS_A_BYTE * TYPES[kind] * FORMS[form, order].moves


def spread(values: Iterable[float]) -> str:
    """A number, or the range of several, as it is printed."""
    found = sorted(values)
    low, high = found[0], found[-1]
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def kernel_table(data: Mapping[str, Any], arch: int) -> str:
    """A row for each variant, form, order and type; what differs with N is shown for each, or as a range."""
    rows: dict[tuple[str, str, int, str], list[Mapping[str, Any]]] = defaultdict(list)
    for r in (r for r in data["kernels"] if r["arch"] == arch):
        rows[r["variant"], r["form"], r["order"], r["type"]].append(r)
    lines = [
        [
            VARIANTS[variant].title,
            NAMED[form, order],
            NAMES[kind],
            *(f"{r['slots']:.1f}" for r in found),
            f"{budget(form, order, kind):.0f}",
            spread(r["divisions"] for r in found),
            f"{spread(r['load'] for r in found)}, {spread(r['store'] for r in found)}",
            *(spread(r[key] for r in found) for key in ("registers", "local")),
        ]
        for (variant, form, order, kind), found in rows.items()
    ]
    Ns = dict.fromkeys(f"N = {r['N']}" for found in rows.values() for r in found)
    return table(["", "kernel", "type", *Ns, "of", "div", "load, store", "registers", "local"], lines)


def some(data: Mapping[str, Any], form: str, order: int, *kinds: str) -> list[Mapping[str, Any]]:
    """The kernels for sm_90 of that form, order and types."""
    wanted = (r for r in data["kernels"] if (r["form"], r["order"], r["arch"]) == (form, order, 90))
    return [r for r in wanted if r["type"] in kinds]


def verdict(data: Mapping[str, Any]) -> str:
    """Whether the bar is met, in a sentence, and what the other forms take at most."""
    forward = some(data, "elementwise", 0, *SIXTEEN)
    over = [r for r in forward if r["slots"] > BAR]
    worst = max(forward, key=lambda r: r["slots"])
    said = (
        f"The bar is {BAR} slots for a forward in 16 bits on sm_90: {len(forward) - len(over)} of {len(forward)} "
        f"kernels meet it; the dearest, {VARIANTS[worst['variant']].title} in {NAMES[worst['type']]} at "
        f"N = {worst['N']}, takes {worst['slots']:.1f}."
    )
    for form, order in FORMS:
        if form != "elementwise":
            dearest = max(r["slots"] for r in some(data, form, order, *SIXTEEN))
            of = budget(form, order, SIXTEEN[0])
            said += f"\n{NAMED[form, order].capitalize()} in 16 bits: {dearest:.1f} slots of {of:.0f} at most."
    pairs = [r["slots"] for r in some(data, "elementwise", 0, "accurate")]
    said += (
        f"\nIn pairs of binary32 a forward takes {min(pairs):.1f} to {max(pairs):.1f} slots of "
        f"{budget('elementwise', 0, 'accurate'):.0f}; the form in pairs that this began with took 119."
    )
    missed = [f"{VARIANTS[r['variant']].title} {NAMES[r['type']]} N = {r['N']} ({r['slots']:.1f})" for r in over]
    return said + (f"\nOver it: {', '.join(missed)}." if missed else "")


@functools.cache
def committed(path: Path) -> Mapping[str, Any]:
    return read(path)


def errors(variant: str, name: str, order: int, N: int) -> tuple[str, str]:
    """The largest error of a plan in binary32 that is proved, and that was seen; nothing where neither is known."""
    if order >= len(QUANTITIES):
        return "", ""
    records = committed(CODEGEN / "exhaustive" / f"{variant}.json").get("records", ())
    seen = [r["max_ulp"] for r in records if (r["id"], r["N"]) == (f"{name}.{QUANTITIES[order]}", N)]
    bounds = committed(ROUNDING).get("bounds", ()) if name == "plain" else ()
    wanted = ("binary32", variant, QUANTITIES[order], N, "relative")
    found = [b for b in bounds if tuple(b[k] for k in ("format", "variant", "quantity", "N", "error")) == wanted]
    found = [b for b in found if b["slip"]] or found  # for the scales at hand, where the scale is not exact
    return (
        f"{max(float(Fraction(b['bound'])) for b in found):.2f}" if found else "",
        f"{max(seen):.4f}" if seen else "",
    )


def render(data: Mapping[str, Any]) -> str:
    """COST.md, from the data alone."""
    tried: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for r in data["experiments"]:
        tried[r["what"]].append(r)
    as_it_is = next(iter(tried.values()))
    Ns = [f"N = {r['N']}" for r in as_it_is]
    where = table(
        ["slots of SE-GEM's forward in float16", *Ns],
        ([purpose, *(f"{r['by'].get(purpose, 0):.1f}" for r in as_it_is)] for purpose in PURPOSES),
    )
    quotients = table(
        ["SE-GEM's forward in float16", *Ns],
        ([what, *(f"{r['slots']:.1f}" for r in found)] for what, found in tried.items()),
    )
    prices = table(
        ["", "plan", "order", "N", *KINDS, "price", "machine code", "error proved", "error seen"],
        (
            [
                VARIANTS[p["variant"]].title,
                p["plan"],
                str(p["order"]),
                str(p["N"]),
                *(str(sum(p["operations"].get(op, 0) for op in ops)) for ops in KINDS.values()),
                str(p["price"]),
                *(
                    f"{r['slots']:.1f}"
                    for r in some(data, "elementwise", p["order"], PLANS[p["plan"]][1])
                    if all(r[key] == p[key] for key in ("variant", "N"))
                ),
                *errors(p["variant"], p["plan"], p["order"], p["N"]),
            ]
            for p in data["plans"]
        ),
    )
    chosen = table(["target", "plan", "why"], CHOICES)
    priced = ", ".join(f"{op} {slots}" for op, slots in PRICES.items())
    return f"""# What the kernels cost

Generated by `make cost` from the committed kernels: compiled ahead of time with Triton {data["triton"]} for
eps = {data["eps"]}, and counted in the machine code. Nothing ran, and no figure is a time.

For each N the *slots*: the instructions that a thread issues for one element of a full block, where no quotient calls
the routine for operands of extreme size. *of* is how many an H100 can issue while its memory moves that element
({SLOTS_A_BYTE:.1f} a byte at 3 TB/s, of all that is read and written), *div* the correctly rounded quotients an
element, *load, store* the bits that the narrowest of them moves, *local* the bytes of a thread's stack and spilled
registers. A derivative multiplies with the gradient that comes in. *With bias* adds a row of numbers to each row of x;
*gated* multiplies with the other half of each row; its *gradients* are both, in one pass.

{verdict(data)}

## sm_90

{kernel_table(data, 90)}

## sm_80

{kernel_table(data, 80)}

## Where the slots go

{where}

A correctly rounded quotient is an approximate reciprocal, a check of the operands' size, fused operations that refine
and correct, and a branch around the routine for operands out of range. The kernels of 16-bit types do without the check
and the branch: a reciprocal is the square of an inverse square root, which neither over- nor underflows here, and where
an infinity makes the correction a NaN the quotient before it is taken. What other quotients would take:

{quotients}

Beyond quotients, the power is N - 1 multiplications one after the other, and squaring takes fewer from N = 4 on.

## Plans

What the plan of each derivative executes, and its price in slots of binary32 on sm_90 ({priced}).
The machine code (of float32, for the short plan of bfloat16) has loads, stores and addresses besides, and the compiler
merges comparisons with selections. *Error proved* is the largest relative bound of rounding.md in proofs/, in units of
2^-24, at the eps there; *error seen* the largest of all binary32 inputs and every eps in exhaustive/, in ulp beyond the
absolute term of its bar: in the plain gradients nothing is left of it.

{prices}

{chosen}
"""
