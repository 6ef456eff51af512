"""Reads a kernel file back: over the reals it is the definition, in floating point the evaluation plan.

The text alone is looked at. `readback` runs it, from the function that a user calls, in every setting (device, type,
with and without triton, lanes of a block), forward and through the backward of each order, with x a symbol: so it is
known which function of (x, s, 1/s, N) gives which derivative. Then each such function is run exactly, for given N, once
for every region of the line, and the rational function that comes out is compared with the derivative of the
definition there: an identity of polynomials, a proof for every x of the region and every eps. A statement or an
expression that is not understood, or that no case reaches, is an error.

Equal over the reals is not enough: each of these functions is run once more, recording its operations, and must perform
those of the plan that was analysed, in its order, with its constants. The constants that a call passes, s and 1/s, are
compared with the real numbers that they stand for.

A C++ source is read in the same way, from the functions that C calls: `validate_native`.

`python -m gem_symbolic.validate codegen/segem.py` exits with 0 if the file is its definition, 1 if not, and with 2 for
a usage error; a file that ends in .cpp is read as C++.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, cached_property
from pathlib import Path

from gem_symbolic import native
from gem_symbolic.branches import split_parameters
from gem_symbolic.definitions import Activation, find
from gem_symbolic.floats import plan
from gem_symbolic.formats import FORMATS, Format
from gem_symbolic.pairs import compensated
from gem_symbolic.parameters import scale_constants
from gem_symbolic.piecewise import PiecewiseRational, build
from gem_symbolic.plans import Plan, PlanError
from gem_symbolic.readback import entries
from gem_symbolic.readback.calls import Roles, follow, machines
from gem_symbolic.readback.machine import Composite, Machine, Source, World
from gem_symbolic.readback.numbers import Numbers, Refused
from gem_symbolic.readback.operations import Graph, Recorder, difference
from gem_symbolic.readback.regions import FIELD, MOVED, ONE, ORDERS, REGIONS, Definition, S, position, same
from gem_symbolic.readback.values import (
    COMPUTE,
    Scalar,
    Tensor,
    ValidationError,
)

WHY = "each derivative is one function of x, s, 1/s and N, times the incoming gradients"
TARGETS = {"torch": "PyTorch", "triton": "Triton"}
#: The target that is read from a source of its own, and what is said of its entries.
CPP = "C++"
ENTRIES = "every element is computed in {0.compute}, by the function of its order, times g, rounded once to {0.type}"
BLOCK = "; the 16-bit types are the block of known text, which the tests run on every number"
SAME = "the operations of the evaluation plan, on the same operands"
#: Findings about floating point: where they say that they are, and what their target is.
OPERATIONS, CONSTANTS = "operations", "constants"
#: The formats that kernels compute in, and the eps for which the constants are looked at.
COMPUTED = ("binary32", "binary64")
EPS = ("1e-30", "1e-6", "1e-4", "1e-2", "1/3", "1", "10", "4096", "1e30")


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
    """What was found about a file: `holds` for all of it, `equal` for what is said over the reals alone."""

    activation: str
    Ns: tuple[int, ...]
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        return all(f.holds for f in self.findings)

    @property
    def equal(self) -> bool:
        return all(f.holds for f in self.findings if f.where != OPERATIONS and f.target != CONSTANTS)

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
                "N": definition.N,
            }
            found = runner.call(composite.function, [given[role] for role in composite.roles])
            expected = definition.at(region, order)
            if not isinstance(found, Tensor) or found.type != COMPUTE or not same(found.value, expected):
                got = getattr(found, "value", "no tensor")
                holds, why = False, f"N = {definition.N}: {composite.function.name} gives {got}, not {expected}"
                break
        yield Finding(TARGETS[composite.home], ORDERS[order], region.name, holds, why)


def performed(m: Machine, composite: Composite, order: int, plans: "Plans", Ns: Iterable[int]) -> Finding:
    """Whether a function performs the operations of the plan, for these N."""
    title = TARGETS[composite.home], ORDERS[order], OPERATIONS
    try:
        expected = plans.of(order)
        for N in Ns:
            graph = Graph()
            x, s, inv_s = map(graph.leaf, ("x", "s", "inv_s"))
            given = {
                "x": Tensor(x, COMPUTE, composite.home),
                "s": Scalar(s, COMPUTE),
                "inv_s": Scalar(inv_s, COMPUTE),
                "N": N,
            }
            runner = replace(m, numbers=Recorder(FIELD, graph=graph), jit=composite.home == "triton")
            found = runner.call(composite.function, [given[role] for role in composite.roles])
            planned = expected.run({"x": x, "s": s, "inv_s": inv_s, "N": N}, operations=graph.operations)
            if why := difference(found.value, planned):
                return Finding(*title, False, f"N = {N}: {composite.function.name} performs {why}")
    except (PlanError, Refused, ValidationError) as error:
        return Finding(*title, False, str(error))
    return Finding(*title, True, SAME)


@dataclass
class Plans:
    """The evaluation plans of an activation, derived when they are asked for."""

    activation: Activation

    @cached_property
    def model(self) -> PiecewiseRational:
        return build(self.activation)

    def of(self, order: int) -> Plan:
        """Raises PlanError."""
        return plan(self.model, order)


def nearest(number: Fraction, power: Fraction, degree: int, form: Format) -> bool:
    """Whether a number is the one of the format that is nearest to power**(1/degree): decided by powers alone.

    Between normal numbers; of two that are equally near it is the one whose last bit is 0.
    """
    exponent = number.numerator.bit_length() - number.denominator.bit_length()
    exponent -= number < Fraction(2) ** exponent
    unit = Fraction(2) ** (exponent - form.precision + 1)
    below = unit / 2 if number == Fraction(2) ** exponent else unit  # the distance to the number before
    low, high = (number - below / 2) ** degree, (number + unit / 2) ** degree
    last = number / unit
    return last.denominator == 1 and (low < power < high or (last % 2 == 0 and power in (low, high)))


def constants(activation: Activation, Ns: Iterable[int]) -> Iterator[Finding]:
    """Whether what a call passes for s and 1/s are the nearest numbers to them, in each format that computes.

    The file carries the very function that is called here, and a call is seen to use it with the format's bits.
    """
    fixed = [p.fixed for p in split_parameters(activation)[1] if p.fixed]
    for form in (FORMATS[name] for name in COMPUTED):
        wrong = ""
        for N in Ns:
            for eps in map(Fraction, fixed or EPS):
                pair = scale_constants(N, eps, form.precision, form.emin, form.emax)
                for name, value, power in zip(("s", "1/s"), map(Fraction, pair), (eps, 1 / eps)):
                    if not nearest(value, power, 2 * N, form):
                        wrong = wrong or f"N = {N}, eps = {eps}: {float(value)!r} is not the nearest number to {name}"
        why = f"s and 1/s are the nearest numbers for eps = {', '.join(fixed or EPS)}"
        yield Finding(CONSTANTS, "all", form.name, not wrong, wrong or why)


def validate(source: str, activation: Activation, Ns: Iterable[int] = range(1, 9)) -> Validation:
    """Proves that a kernel file is the definition, and performs its evaluation plans, for these N.

    N = 2 is always among them, as loops do not run at 1.

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
        definitions, plans = [Definition(activation, N) for N in chosen], Plans(activation)
        for (_, order), composites in roles.items():
            for composite in composites:
                world = World(COMPUTE, triton=composite.triton)
                m = replace(loaded[composite.triton], world=world, composites=None)
                findings += prove(m, composite, order, definitions)
                findings.append(performed(m, composite, order, plans, chosen))
        findings += constants(activation, chosen)
    except RecursionError:
        raise ValidationError("a function calls itself without end") from None
    result = Validation(activation.name, chosen, tuple(findings))
    if result.equal:
        for node in read.unreached():
            raise read.refusal(node, "no case reaches this, so it is not known what it does")
        missing = [f"{TARGETS[t]}, {ORDERS[k]}" for t in TARGETS for k in range(len(ORDERS)) if (t, k) not in roles]
        if missing:
            raise ValidationError(f"nothing computes {missing[0]}")
    return result


def validate_native(
    source: str, activation: Activation, Ns: Iterable[int] = range(1, 9), flags: Sequence[str] = native.FLAGS
) -> Validation:
    """The same for a C++ source, compiled with these flags: see `readback.entries`.

    Raises ValidationError, naming the line, for what is not understood or reached by no case.
    """
    chosen = tuple(sorted({*Ns, 2}))
    model = build(activation)

    @cache
    def planned(pairs: bool, order: int) -> Plan:
        return compensated(model, order) if pairs else plan(model, order)

    try:
        report = entries.examine(source, [Definition(activation, N) for N in chosen], planned)
    except (PlanError, RecursionError) as error:
        raise ValidationError(str(error)) from None
    title = {(pairs, order): ORDERS[order] + ", in pairs" * pairs for pairs, order in report.operations}
    wrong = entries.flags(flags)
    findings = [Finding(CPP, "all", "flags", not wrong, wrong or "they leave each operation what it is")]
    for entry in entries.KNOWN:
        wrong = report.entries[entry.name]
        why = ENTRIES.format(entry) + (BLOCK if FORMATS[entry.type].bits == 16 else "")
        findings.append(Finding(CPP, "all", entry.name, not wrong, wrong or why))
    for (pairs, order, region), wrong in report.regions.items():
        findings.append(Finding(CPP, title[pairs, order], region, not wrong, wrong or "equal as rational functions"))
    for key, wrong in report.operations.items():
        findings.append(Finding(CPP, title[key], OPERATIONS, not wrong, wrong or SAME))
    return Validation(activation.name, chosen, tuple(findings))


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    from rich.console import Console
    from rich.table import Table

    parser = argparse.ArgumentParser(
        prog="python -m gem_symbolic.validate",
        description="Prove that kernel files are their definitions, by the operations of their evaluation plans.",
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
            result = (validate_native if path.suffix == ".cpp" else validate)(text, activation)
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
