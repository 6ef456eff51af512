"""Reads a kernel file back and proves that it computes the definition: value, first and second derivative.

The text alone is looked at. `readback` runs it, from the function that a user calls, in every setting (device, type,
with and without triton, lanes of a block), forward and through the backward of each order, with x a symbol: so it is
known which function of (x, s, 1/s, N) gives which derivative. Then each such function is run exactly, for given N, once
for every region of the line, and the rational function that comes out is compared with the derivative of the
definition there: an identity of polynomials, a proof for every x of the region and every eps. A statement or an
expression that is not understood, or that no case reaches, is an error.

`python -m gem_symbolic.validate codegen/segem.py` exits with 0 if the file is its definition, 1 if not, and with 2 for
a usage error.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from gem_symbolic.definitions import Activation, find
from gem_symbolic.readback.calls import Roles, follow, machines
from gem_symbolic.readback.machine import Composite, Machine, Source, World
from gem_symbolic.readback.numbers import Numbers
from gem_symbolic.readback.regions import FIELD, MOVED, ONE, ORDERS, REGIONS, Definition, S, position, same
from gem_symbolic.readback.values import (
    COMPUTE,
    Scalar,
    Tensor,
    ValidationError,
)

WHY = "each derivative is one function of x, s, 1/s and N, times the incoming gradients"
TARGETS = {"torch": "PyTorch", "triton": "Triton"}


@dataclass(frozen=True)
class Finding:
    """Whether a target computes what it should in one region or setting; how it is known, or why not."""

    target: str
    order: str
    where: str
    holds: bool
    why: str


@dataclass(frozen=True)
class Validation:
    """What was found about a file."""

    activation: str
    Ns: tuple[int, ...]
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        return all(f.holds for f in self.findings)

    @property
    def refuted(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if not f.holds)


def prove(m: Machine, composite: Composite, order: int, definitions: Iterable[Definition]) -> Iterator[Finding]:
    """A finding for every region. Raises ValidationError."""
    for region in REGIONS:
        moved = {"r": MOVED[region.place]} if region.place in MOVED else {}
        numbers = Numbers(FIELD, frozenset(FIELD.symbols) if moved else frozenset("s"), moved)
        runner = replace(m, numbers=numbers, jit=composite.home == "triton")
        holds, why = True, "equal as rational functions of x and s" if moved else "equal"
        for definition in definitions:
            given = {
                "x": Tensor(position(region), COMPUTE, composite.home),
                "s": Scalar(S, COMPUTE),
                "inv_s": Scalar(ONE / S, COMPUTE),
                "s_low": Scalar(0.0, COMPUTE),
                "N": definition.N,
            }
            found = runner.call(composite.function, [given[role] for role in composite.roles])
            expected = definition.at(region, order)
            if not isinstance(found, Tensor) or found.type != COMPUTE or not same(found.value, expected):
                got = getattr(found, "value", "no tensor")
                holds, why = False, f"N = {definition.N}: {composite.function.name} gives {got}, not {expected}"
                break
        yield Finding(TARGETS[composite.home], ORDERS[order], region.name, holds, why)


def validate(source: str, activation: Activation, Ns: Iterable[int] = range(1, 9)) -> Validation:
    """Proves that a kernel file is the definition for these N; N = 2 is always among them, as loops do not run at 1.

    Raises ValidationError, naming the line, for what is not understood or reached by no case.
    """
    chosen = tuple(sorted({*Ns, 2}))
    read = Source.read(source)
    roles: Roles = {}
    try:
        loaded = machines(read, activation)
        findings = [
            Finding("calls", "all", str(setting), not wrong, wrong or WHY)
            for setting, wrong in follow(loaded, activation, roles)
        ]
        definitions = [Definition(activation, N) for N in chosen]
        for (_, order), composites in roles.items():
            for composite in composites:
                world = World(COMPUTE, triton=composite.triton)
                m = replace(loaded[composite.triton], world=world, composites=None)
                findings += prove(m, composite, order, definitions)
    except RecursionError:
        raise ValidationError("a function calls itself without end") from None
    result = Validation(activation.name, chosen, tuple(findings))
    if result.holds:
        for node in read.unreached():
            raise read.refusal(node, "no case reaches this, so it is not known what it does")
        missing = [f"{TARGETS[t]}, {ORDERS[k]}" for t in TARGETS for k in range(len(ORDERS)) if (t, k) not in roles]
        if missing:
            raise ValidationError(f"nothing computes {missing[0]}")
    return result


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    from rich.console import Console
    from rich.table import Table

    parser = argparse.ArgumentParser(
        prog="python -m gem_symbolic.validate", description="Prove that kernel files are their definitions."
    )
    parser.add_argument("files", nargs="+", type=Path, help="kernel files, each named after its variant")
    console, status = Console(), 0
    for path in parser.parse_args(arguments).files:
        try:
            text, activation = path.read_text(encoding="utf-8"), find(path.stem)
        except (OSError, ValueError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            return 2
        try:
            result = validate(text, activation)
        except ValidationError as error:
            print(f"{path}: {error}", file=sys.stderr)
            status = 1
            continue
        table = Table(title=f"{path}, N = {', '.join(map(str, result.Ns))}")
        for heading in ("target", "what", "cases", "result"):
            table.add_column(heading)
        for target, order in dict.fromkeys((f.target, f.order) for f in result.findings):
            rows = [f for f in result.findings if (f.target, f.order) == (target, order)]
            wrong = [f"{f.where}: {f.why}" for f in rows if not f.holds]
            table.add_row(target, order, str(len(rows)), wrong[0] if wrong else "[green]proved[/green]")
        console.print(table)
        status = status or int(not result.holds)
    return status


if __name__ == "__main__":
    sys.exit(main())
