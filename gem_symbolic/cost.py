"""`python -m gem_symbolic.cost` counts what the Triton kernels cost: codegen/cost.json and, from that, codegen/COST.md.

Nothing runs: each committed kernel is compiled ahead of time, no GPU is needed, and the machine code is counted. A
thread's *issue slots* are the instructions on the shortest way through the machine code from the first one to the end
of a full block, over the stores of 128 bits: the way of every block but the last, where no quotient is so small or so
large that the routine for such operands is called. Divided by the elements of a thread they are comparable to what a
GPU can issue while it moves an element through memory.
"""

import argparse
import functools
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

from gem_symbolic.accuracy import CODEGEN, NS, fingerprint, source
from gem_symbolic.branches import split_parameters
from gem_symbolic.definitions import VARIANTS, Activation
from gem_symbolic.emit import ACCURATE, load
from gem_symbolic.figures import QUANTITIES, read
from gem_symbolic.files import replace_text
from gem_symbolic.machinecode import PURPOSES, full_block, instructions, purposes
from gem_symbolic.pricing import CHOICES, KINDS, PLANS, PRICES, operations, price
from gem_symbolic.readme import table

DATA, TABLE = CODEGEN / "cost.json", CODEGEN / "COST.md"
ROUNDING = CODEGEN.parent / "proofs" / "rounding.json"
ORDERS, EPS = (0, 1, 2), "1e-4"
#: The kernels: by type, in pairs on request. How many bytes a number is, Triton's name of the type, and ours.
TYPES = {"fp16": 2, "bf16": 2, "fp32": 4, "accurate": 4}
POINTEES = {"accurate": "fp32"}
NAMES = {"fp16": "float16", "bf16": "bfloat16", "fp32": "float32", "accurate": "float32, accurate"}
#: For the newest architecture everything is counted, for the older one N = 3.
ARCHITECTURES = {90: NS, 80: (3,)}
#: Issue slots of an H100 (132 processors that issue 4 instructions of 32 lanes each, 1.755 GHz) for each byte that
#: memory moves (3 TB/s).
SLOTS_A_BYTE = 132 * 4 * 32 * 1.755e9 / 3e12
BAR = 40  # of a forward in 16 bits


# --- Compiling ---


@dataclass(frozen=True)
class Cost:
    """What a kernel costs: slots, quotients and approximate reciprocals an element; bits a load and a store move.

    `divisions` counts the quotients that PTX rounds correctly, `reciprocals` the approximations that machine code
    starts from; `by` says what the slots are for.
    """

    variant: str
    order: int
    N: int
    type: str
    arch: int
    slots: float
    divisions: float
    reciprocals: float
    load: int
    store: int
    registers: int
    local: int
    by: Mapping[str, float]


def tool(*arguments: str | Path) -> str:
    """What NVIDIA's cuobjdump, which comes with Triton, prints."""
    from triton import knobs

    return subprocess.run([knobs.nvidia.cuobjdump.path, *arguments], capture_output=True, text=True, check=True).stdout


def width(ptx: str, instruction: str) -> int:
    """The bits that the widest load or store of global memory moves."""
    found = re.findall(rf"{instruction}\.global\S*?(?:\.v(\d))?\.b(\d+)", ptx)
    return max(int(vector or 1) * int(bits) for vector, bits in found)


def cost(module: ModuleType, variant: str, order: int, N: int, kind: str, arch: int, eps: Fraction) -> Cost:
    """Compiles a kernel ahead of time and counts."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    form, pointer = next(iter(module._FORMATS.values())), f"*{POINTEES.get(kind, kind)}"
    s, inv_s = module.scale_constants(N, eps, *form)
    pair = module.pair_constants(N, eps, *form) if kind == "accurate" else module._NO_PAIR
    constants = {"order": order, "N": N, "s": s, "inv_s": inv_s, "block": module._BLOCK}
    constants |= zip(("s_low", "inv_s_low", "up", "down"), pair)
    arguments = {"x_pointer": pointer, "g_pointer": pointer, "y_pointer": pointer, "size": "i32"}
    signature = {name: arguments.get(name, "constexpr") for name in module._kernel.arg_names}
    aligned = {(i,): [["tt.divisibility", 16]] for i in range(3)}  # as the pointers of fresh allocations are
    kernel = triton.compile(
        ASTSource(fn=module._kernel, signature=signature, constexprs=constants, attrs=aligned),
        target=GPUTarget("cuda", arch, 32),
        options=module._OPTIONS,
    )
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(kernel.asm["cubin"])
        file.flush()
        way, usage = full_block(instructions(tool("-sass", file.name))), tool("-res-usage", file.name)
    elements, ptx = module._BLOCK // (32 * module._OPTIONS["num_warps"]), kernel.asm["ptx"]
    registers, *local = (int(re.findall(rf"{name}:(\d+)", usage)[0]) for name in ("REG", "STACK", "LOCAL"))
    return Cost(
        variant,
        order,
        N,
        kind,
        arch,
        slots=round(len(way) / elements, 2),
        divisions=len(re.findall(r"div\.rn\.f32", ptx)) / (2 * elements),  # the last block has as many again
        reciprocals=sum(i.opcode.startswith("MUFU.RCP") for i in way) / elements,
        load=width(ptx, "ld"),
        store=width(ptx, "st"),
        registers=registers,
        local=sum(local),
        by={p: round(n / elements, 2) for p, n in sorted(purposes(way).items())},
    )


# --- Experiments: the same kernel with other quotients ---

HELPER = """
    @triton.jit
    def _approximate(a, b):
        return a / b

    @triton.jit
    def _short_value("""
#: What is measured, and the replacements in the text of SE-GEM's file that make it.
EXPERIMENTS: Mapping[str, Sequence[tuple[str, str]]] = {
    "as it is: quotients from a reciprocal and two fma": (),
    "top/d correctly rounded (div.rn)": (("= _near_quotient(top, d)", "= tl.div_rn(top, d)"),),
    "both quotients correctly rounded": (("= _near_quotient(", "= tl.div_rn("),),
    "both quotients approximate (div.full)": (("= _near_quotient(", "= _approximate("),),
}


def experiment(text: str, replacements: Sequence[tuple[str, str]]) -> str:
    """The kernel file with other quotients. Raises ValueError for a replacement that finds nothing."""
    for old, new in replacements:
        if old not in text:
            raise ValueError(f"{old!r} is not in the kernel file any more")
        text = text.replace(old, new)
    head, tail = text.split("\n    @triton.jit\n    def _short_value(", 1)
    return head + HELPER + tail


# --- Data and table ---


def rows(text: str, activation: Activation, cases: Iterable[tuple[int, int, str, int]]) -> Iterator[Cost]:
    """The cost of a kernel file for each (order, N, type, architecture)."""
    module = load(text, f"cost_{activation.name}")
    fixed = next((p.fixed for p in split_parameters(activation)[1] if p.fixed), None)
    for order, N, kind, arch in cases:
        yield cost(module, activation.name, order, N, kind, arch, Fraction(fixed or EPS))


def orders(kind: str) -> Sequence[int]:
    """The derivatives that there are kernels of."""
    return ORDERS[:ACCURATE] if kind == "accurate" else ORDERS


CASES = [
    (order, N, kind, arch) for arch, Ns in ARCHITECTURES.items() for kind in TYPES for order in orders(kind) for N in Ns
]


def measured() -> dict[str, Any]:
    """Everything that is counted, as JSON data."""
    import triton

    emitted, tried = [a for a in VARIANTS.values() if a.emitted], VARIANTS["segem"]
    return {
        "schema": 1,
        "triton": triton.__version__,
        "eps": EPS,
        "code": {a.name: fingerprint(source(a)) for a in emitted},
        "kernels": [asdict(c) for a in emitted for c in rows(source(a), a, CASES)],
        "experiments": [
            {"what": what, **asdict(c)}
            for what, replacements in EXPERIMENTS.items()
            for c in rows(experiment(source(tried), replacements), tried, [(0, N, "fp16", 90) for N in NS])
        ],
        "plans": [
            {"variant": a.name, "plan": name, "order": k, "N": N, "operations": counts, "price": price(counts)}
            for a in emitted
            for name, (derive, kind) in PLANS.items()
            for k in orders(kind)
            for N in NS
            for counts in [dict(sorted(operations(derive(a, k), N).items()))]
        ],
    }


def budget(order: int, kind: str) -> float:
    """The issue slots there are while memory moves an element: x and the result, and the gradient that comes in."""
    return SLOTS_A_BYTE * TYPES[kind] * (2 if order == 0 else 3)


def spread(values: Iterable[float]) -> str:
    """A number, or the range of several, as it is printed."""
    found = sorted(values)
    low, high = found[0], found[-1]
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def kernel_table(data: Mapping[str, Any], arch: int) -> str:
    Ns = ARCHITECTURES[arch]
    head = ["kernel", "order", "type", *(f"N = {N}" for N in Ns), "of", "div", "load, store", "registers", "local"]
    lines = []
    for variant in data["code"]:
        for order in ORDERS:
            for kind in (k for k in TYPES if order in orders(k)):
                found = [
                    next(
                        r
                        for r in data["kernels"]
                        if (r["variant"], r["order"], r["type"], r["arch"], r["N"]) == (variant, order, kind, arch, N)
                    )
                    for N in Ns
                ]
                lines.append(
                    [
                        VARIANTS[variant].title,
                        str(order),
                        NAMES[kind],
                        *(f"{r['slots']:.1f}" for r in found),
                        f"{budget(order, kind):.0f}",
                        spread(r["divisions"] for r in found),
                        f"{spread(r['load'] for r in found)}, {spread(r['store'] for r in found)}",
                        *(spread(r[key] for r in found) for key in ("registers", "local")),
                    ]
                )
    return table(head, lines)


def verdict(data: Mapping[str, Any]) -> str:
    """Whether the bar is met, in a sentence."""
    forward = [r for r in data["kernels"] if r["order"] == 0 and TYPES[r["type"]] == 2 and r["arch"] == 90]
    over = [r for r in forward if r["slots"] > BAR]
    worst = max(forward, key=lambda r: r["slots"])
    said = (
        f"The bar is {BAR} slots for a forward in 16 bits on sm_90: {len(forward) - len(over)} of {len(forward)} "
        f"kernels meet it; the dearest, {VARIANTS[worst['variant']].title} in {NAMES[worst['type']]} at "
        f"N = {worst['N']}, takes {worst['slots']:.1f}."
    )
    pairs = [r["slots"] for r in data["kernels"] if r["order"] == 0 and r["type"] == "accurate" and r["arch"] == 90]
    said += (
        f"\nIn pairs of binary32 a forward takes {min(pairs):.1f} to {max(pairs):.1f} slots of "
        f"{budget(0, 'accurate'):.0f}; the form in pairs that this began with took 119."
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
    near = {r["N"]: r for r in data["experiments"] if r["what"] == next(iter(EXPERIMENTS))}
    where = table(
        ["slots of SE-GEM's forward in float16", *(f"N = {N}" for N in NS)],
        ([purpose, *(f"{near[N]['by'].get(purpose, 0):.1f}" for N in NS)] for purpose in PURPOSES),
    )
    tried = table(
        ["SE-GEM's forward in float16", *(f"N = {N}" for N in NS)],
        ([what, *(f"{r['slots']:.1f}" for r in data["experiments"] if r["what"] == what)] for what in EXPERIMENTS),
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
                    for r in data["kernels"]
                    if r["type"] == PLANS[p["plan"]][1]
                    and r["arch"] == 90
                    and all(r[key] == p[key] for key in ("variant", "order", "N"))
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
({SLOTS_A_BYTE:.1f} a byte at 3 TB/s; a derivative reads the incoming gradient too), *div* the correctly rounded
quotients an element, *load, store* the bits that one of them moves, *local* the bytes of a thread's stack and spilled
registers.

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

{tried}

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


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m gem_symbolic.cost", description="Count what the kernels cost.")
    parser.add_argument("--table", action="store_true", help="only write the table anew, from the committed data")
    if not parser.parse_args(arguments).table:
        with tempfile.TemporaryDirectory(prefix="gem_symbolic-") as cache:
            os.environ["TRITON_CACHE_DIR"] = cache
            replace_text(DATA, json.dumps(measured(), indent=1) + "\n")
    data = json.loads(DATA.read_text(encoding="utf-8"))
    replace_text(TABLE, render(data))
    print(verdict(data))
    return 0


if __name__ == "__main__":
    sys.exit(main())
