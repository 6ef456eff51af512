"""Reads a kernel file back: over the reals it is the definition, in floating point the evaluation plan.

The text alone is looked at. `readback` runs it, from what a user calls, with and without a bias, as a gated unit and as
a module, in every setting (device, type, compiled or not, with and without triton, lanes of a block, rows), forward and
through the backward of each order, with x a symbol: so it is known which function of x, or of x + bias, N and the
constants gives which derivative, and in which version. Then each such function is
run exactly, for given N, once for every region of the line, and the rational function that comes out is compared with
the derivative of the definition there: an identity of polynomials, a proof for every x of the region and every eps. A
statement or an expression that is not understood, or that no case reaches, is an error.

Equal over the reals is not enough: each of these functions is run once more, recording its operations, and must perform
those of the plan that was analysed, in its order, with its constants: which plan, says its version. In pairs, low parts
are 0 over the reals, and their operations recorded as all others. The constants that a call passes, s and 1/s with
their low parts, are compared with the real numbers that they stand for.

A C++ source is read in the same way, from the functions that C calls: `validate_native`.

`python -m gem_symbolic.validate codegen/segem.py` exits with 0 if the file is its definition, 1 if not, and with 2 for
a usage error; a file that ends in .cpp is read as C++.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from gem_symbolic import native, pieced
from gem_symbolic.definitions import Activation, find
from gem_symbolic.emit import PLANS
from gem_symbolic.formats import FORMATS
from gem_symbolic.piecewise import PiecewiseRational, build
from gem_symbolic.plans import Plan, PlanError
from gem_symbolic.readback import entries
from gem_symbolic.readback.calls import follow, machines
from gem_symbolic.readback.constants import examined
from gem_symbolic.readback.machine import Machine
from gem_symbolic.readback.numbers import Numbers, Refused
from gem_symbolic.readback.operations import Graph, Recorder, difference
from gem_symbolic.readback.pieces import Pieces
from gem_symbolic.readback.regions import FIELD, Definition, same
from gem_symbolic.readback.source import Composite, Source, World
from gem_symbolic.readback.traces import Roles
from gem_symbolic.readback.values import COMPUTE, Scalar, Tensor, ValidationError
from gem_symbolic.readback.versions import ORDERS, Version, versions

WHY = "each result is made of functions of x, the constants and N, times what they must be multiplied with"
#: The target that is read from a source of its own, and what is said of its entries.
CPP = "C++"
ENTRIES = "every element is computed in {0.compute}, by the function of its order, times g, rounded once to {0.type}"
GRADIENTS = "both gradients of every element are computed in {0.compute} and rounded once to {0.type}"
#: How a plan is named beside an order.
PLANNED = {"plain": "", "wide": ", wide", entries.COMPENSATED: ", in pairs"}
BLOCK = "; the 16-bit types are the block of known text, which the tests run on every number"
SAME = "the operations of {}, on the same operands"
#: A definition for one N, or one without parameters.
Defined = Definition | Pieces
#: Findings about floating point: where they say that they are, and what their target is.
OPERATIONS, CONSTANTS = "operations", "constants"


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


def given(composite: Composite, x: Any, N: int | None, constants: Mapping[str, Any]) -> list[Any]:
    """The arguments of a function."""
    values = {name: Scalar(value, COMPUTE) for name, value in constants.items()}
    values |= {"x": Tensor(x, COMPUTE, composite.home), "N": N}
    return [values[role] for role in composite.roles]


def isolated(version: Version, triton: bool = True) -> World:
    """Where a function of (x, N, constants) is run by itself."""
    return World(COMPUTE, triton=triton, wide=version.wide)


def prove(
    m: Machine, version: Version, composite: Composite, order: int, definitions: Sequence[Defined]
) -> Iterator[Finding]:
    """A finding for every region. Raises ValidationError."""
    for region in definitions[0].regions:
        what = "x and s" if definitions[0].N else "x"
        holds, why = True, "equal" if region.runs is None else f"equal as rational functions of {what}"
        for definition in definitions:
            numbers = Numbers(**region.arithmetic, literals=definition.constants)
            runner = replace(m, numbers=numbers, jit=composite.home == "triton")
            found = runner.call(composite.function, given(composite, region.x, definition.N, definition.constants))
            expected = definition.at(region, order)
            if not isinstance(found, Tensor) or found.type != COMPUTE or not same(found.value, expected):
                got = getattr(found, "value", "no tensor")
                holds, why = False, f"{definition.at_N}{composite.function.name} gives {got}, not {expected}"
                break
        yield Finding(version.title, ORDERS[order], region.name, holds, why)


def performed(
    m: Machine, version: Version, composite: Composite, order: int, plans: "Plans", definitions: Iterable[Defined]
) -> Finding:
    """Whether a function performs the operations of the plan of its version, for these N."""
    title = version.title, ORDERS[order], OPERATIONS
    try:
        expected = plans.of(version, order)
        for definition in definitions:
            graph = Graph()
            x, constants, N = graph.leaf("x"), definition.leaves(graph), definition.N
            runner = replace(m, numbers=Recorder(FIELD, graph=graph), jit=composite.home == "triton")
            found = runner.call(composite.function, given(composite, x, N, constants))
            planned = expected.run({"x": x, "N": N, **constants}, operations=graph.operations)
            if why := difference(found.value, planned):
                return Finding(*title, False, f"{definition.at_N}{composite.function.name} performs {why}")
    except (PlanError, Refused, ValidationError) as error:
        return Finding(*title, False, str(error))
    return Finding(*title, True, SAME.format(version.planned))


@dataclass
class Plans:
    """The evaluation plans of an activation, derived when they are asked for."""

    activation: Activation

    @cached_property
    def model(self) -> PiecewiseRational:
        return build(self.activation)

    def of(self, version: Version, order: int) -> Plan:
        """Raises PlanError."""
        return version.plan(self.model, order) if self.activation.parameters else pieced.plan(self.activation, order)


def examine(read: Source, activation: Activation, Ns: Iterable[int], roles: Roles) -> Iterator[Finding]:
    """What is found, one after the other; fills `roles`. Raises ValidationError."""
    loaded = machines(read, activation)
    for setting, wrong in follow(loaded, activation, roles):
        yield Finding("calls", "all", str(setting), not wrong, wrong or WHY)
    definitions, plans = defined(activation, Ns), Plans(activation)
    for (version, order), composites in roles.items():
        for composite in composites:
            m = replace(loaded[composite.triton], world=isolated(version, composite.triton), composites=None)
            yield from prove(m, version, composite, order, definitions)
            yield performed(m, version, composite, order, plans, definitions)
    for title, wrong, why in rounded(activation, definitions):
        yield Finding(CONSTANTS, "all", title, not wrong, wrong or why)


def defined(activation: Activation, Ns: Iterable[int]) -> Sequence[Defined]:
    """The definition for each N; without parameters there is one."""
    return [Definition(activation, N) for N in Ns] if activation.parameters else [Pieces(activation)]


def rounded(activation: Activation, definitions: Sequence[Defined]) -> Iterator[tuple[str, str, str]]:
    """What is looked at of constants, what is wrong there, or else what holds."""
    for definition in definitions:
        if isinstance(definition, Pieces):
            yield "literals", definition.rounded(), "each literal is the nearest number to its coefficient"
    if activation.parameters:
        yield from examined([d.N for d in definitions if d.N], [p.fixed for p in activation.parameters if p.fixed])


def validate(source: str, activation: Activation, Ns: Iterable[int] = range(1, 9)) -> Validation:
    """Proves that a kernel file is the definition, and performs its evaluation plans, for these N.

    N = 2 is always among them, as loops do not run at 1; without parameters there are none.

    Raises ValidationError, naming the line, for what is not understood or reached by no case.
    """
    chosen = among(activation, Ns)
    read, roles = Source.read(source), Roles()
    try:
        result = Validation(activation.name, chosen, tuple(examine(read, activation, chosen, roles)))
    except PlanError as error:
        raise ValidationError(str(error)) from None
    except RecursionError:
        raise ValidationError("a function calls itself without end") from None
    if result.equal:
        check_all_is_reached(read, roles, activation)
    return result


def among(activation: Activation, Ns: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted({*Ns, 2})) if activation.parameters else ()


def check_all_is_reached(read: Source, roles: Roles, activation: Activation) -> None:
    """Raises ValidationError for what has not been run, and for a derivative that nothing gives."""
    for node in read.unreached():
        raise read.refusal(node, "no case reaches this, so it is not known what it does")
    for version in versions(activation):
        for order, title in enumerate(version.orders):
            if (version, order) not in roles:
                raise ValidationError(f"nothing computes {version.title}, {title}")


def validate_native(
    source: str, activation: Activation, Ns: Iterable[int] = range(1, 9), flags: Sequence[str] = native.FLAGS
) -> Validation:
    """The same for a C++ source, compiled with these flags: see `readback.entries`.

    Raises ValidationError, naming the line, for what is not understood or reached by no case.
    """
    chosen, plans = among(activation, Ns), Plans(activation)

    @cache
    def planned(name: str, order: int) -> Plan:
        return PLANS[name](plans.model, order) if activation.parameters else pieced.plan(activation, order)

    known = entries.known(bool(activation.parameters))
    try:
        report = entries.examine(source, defined(activation, chosen), planned, known)
    except (PlanError, RecursionError) as error:
        raise ValidationError(str(error)) from None
    title = {(plan, order): f"{ORDERS[order]}{PLANNED[plan]}" for plan, order in report.operations}
    wrong = entries.flags(flags)
    findings = [Finding(CPP, "all", "flags", not wrong, wrong or "they leave each operation what it is")]
    for entry in known:
        wrong = report.entries[entry.name]
        why = (ENTRIES if entry.ordered else GRADIENTS).format(entry) + (
            BLOCK if FORMATS[entry.type].bits == 16 else ""
        )
        findings.append(Finding(CPP, "all", entry.name, not wrong, wrong or why))
    for (plan, order, region), wrong in report.regions.items():
        findings.append(Finding(CPP, title[plan, order], region, not wrong, wrong or "equal as rational functions"))
    for key, wrong in report.operations.items():
        findings.append(Finding(CPP, title[key], OPERATIONS, not wrong, wrong or SAME.format("its plan")))
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
