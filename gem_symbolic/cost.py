"""`python -m gem_symbolic.cost` counts what the Triton kernels cost: codegen/cost.json and, from that, codegen/COST.md.

Nothing runs: each committed kernel is compiled ahead of time, no GPU is needed, and the machine code is counted. A
thread's *issue slots* are the instructions on the shortest way through the machine code from the first one to the end
of a full block, over the stores of 128 bits: the way of every block but the last, where no quotient is so small or so
large that the routine for such operands is called. Divided by the elements of a thread they are comparable to what a
GPU can issue while it moves an element through memory.
"""

import argparse
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
from gem_symbolic.ahead import FORMS, compiled, launch
from gem_symbolic.branches import split_parameters
from gem_symbolic.checkout import needed
from gem_symbolic.costtable import TYPES, render, verdict
from gem_symbolic.definitions import VARIANTS, Activation
from gem_symbolic.emit import ACCURATE, ORDERS, load
from gem_symbolic.files import replace_text
from gem_symbolic.machinecode import full_block, instructions, narrowest, purposes
from gem_symbolic.pricing import PLANS, operations, price

DATA, TABLE = CODEGEN / "cost.json", CODEGEN / "COST.md"
EPS = "1e-4"
#: For the newest architecture everything is counted, for the older one N = 3.
ARCHITECTURES = {90: NS, 80: (3,)}


# --- Compiling ---


@dataclass(frozen=True)
class Cost:
    """What a kernel costs: slots, quotients and approximate reciprocals an element; bits that loads and stores move.

    `divisions` counts the quotients that PTX rounds correctly, `reciprocals` the approximations that machine code
    starts from; `by` says what the slots are for.
    """

    variant: str
    form: str
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


def cost(module: ModuleType, variant: str, form: str, order: int, N: int, kind: str, arch: int, eps: Fraction) -> Cost:
    """Compiles a kernel ahead of time and counts."""
    arguments = launch(module, form, order, kind, N, eps)
    kernel = compiled(module, arguments, arch)
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(kernel.asm["cubin"])
        file.flush()
        way, usage = full_block(instructions(tool("-sass", file.name))), tool("-res-usage", file.name)
    elements = arguments["block"] // (32 * module._OPTIONS["num_warps"])
    registers, *local = (int(re.findall(rf"{name}:(\d+)", usage)[0]) for name in ("REG", "STACK", "LOCAL"))
    return Cost(
        variant,
        form,
        order,
        N,
        kind,
        arch,
        slots=round(len(way) / elements, 2),
        divisions=len(re.findall(r"div\.rn\.f32", kernel.asm["ptx"])) / (2 * elements),  # as many in the last block
        reciprocals=sum(i.opcode.startswith("MUFU.RCP") for i in way) / elements,
        load=narrowest(way, "LDG"),
        store=narrowest(way, "STG"),
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
#: The quotients of the short plan, the first one first.
QUOTIENTS = ("near_quotient", "rough_quotient")
#: What is measured, and the replacements in the text of SE-GEM's file that make it.
EXPERIMENTS: Mapping[str, Sequence[tuple[str, str]]] = {
    "as it is: quotients from a reciprocal, the first with two fma": (),
    "top/d correctly rounded (div.rn)": (("= _rough_quotient(top, d)", "= tl.div_rn(top, d)"),),
    "both quotients correctly rounded": tuple((f"= _{q}(", "= tl.div_rn(") for q in QUOTIENTS),
    "both quotients approximate (div.full)": tuple((f"= _{q}(", "= _approximate(") for q in QUOTIENTS),
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


#: Form, order, N, type and architecture of a kernel.
Case = tuple[str, int, int, str, int]


def rows(text: str, activation: Activation, cases: Iterable[Case]) -> Iterator[Cost]:
    """The cost of a kernel file in each case."""
    module = load(text, f"cost_{activation.name}")
    fixed = next((p.fixed for p in split_parameters(activation)[1] if p.fixed), None)
    for form, order, N, kind, arch in cases:
        yield cost(module, activation.name, form, order, N, kind, arch, Fraction(fixed or EPS))


def there(order: int, kind: str) -> bool:
    """Whether there are kernels of that derivative."""
    return kind != "accurate" or order < ACCURATE


CASES: list[Case] = [
    (form, order, N, kind, arch)
    for arch, Ns in ARCHITECTURES.items()
    for form, order in FORMS
    for kind in TYPES
    if there(order, kind)
    for N in Ns
]


#: What is tried in the experiments.
FORWARD: Sequence[Case] = [("elementwise", 0, N, "fp16", 90) for N in NS]


def measured() -> dict[str, Any]:
    """Everything that is counted, as JSON data."""
    import triton

    emitted, tried = [a for a in VARIANTS.values() if a.emitted], VARIANTS["segem"]
    return {
        "schema": 2,
        "triton": triton.__version__,
        "eps": EPS,
        "code": {a.name: fingerprint(source(a)) for a in emitted},
        "kernels": [asdict(c) for a in emitted for c in rows(source(a), a, CASES)],
        "experiments": [
            {"what": what, **asdict(c)}
            for what, replacements in EXPERIMENTS.items()
            for c in rows(experiment(source(tried), replacements), tried, FORWARD)
        ],
        "plans": [
            {"variant": a.name, "plan": name, "order": k, "N": N, "operations": counts, "price": price(counts)}
            for a in emitted
            for name, (derive, kind) in PLANS.items()
            for k in range(len(ORDERS))
            if there(k, kind)
            for N in NS
            for counts in [dict(sorted(operations(derive(a, k), N).items()))]
        ],
    }


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m gem_symbolic.cost", description="Count what the kernels cost.")
    parser.add_argument("--table", action="store_true", help="only write the table anew, from the committed data")
    options = parser.parse_args(arguments)
    needed("gem_symbolic.cost")
    if not options.table:
        with tempfile.TemporaryDirectory(prefix="gem_symbolic-") as cache:
            os.environ["TRITON_CACHE_DIR"] = cache
            replace_text(DATA, json.dumps(measured(), indent=1) + "\n")
    data = json.loads(DATA.read_text(encoding="utf-8"))
    replace_text(TABLE, render(data))
    print(verdict(data))
    return 0


if __name__ == "__main__":
    sys.exit(main())
