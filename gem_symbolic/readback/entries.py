"""What the functions of an emitted C++ file compute: of each that is called from C, for each order, what it writes."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, combinations
from typing import Any

from gem_symbolic.emit import ACCURATE, COMPUTE, WIDE
from gem_symbolic.emit import ORDERS as NAMES
from gem_symbolic.plans import Plan, complete
from gem_symbolic.readback.cpp import Machine
from gem_symbolic.readback.kinds import (
    ANOTHER,
    INPUTS,
    OUTPUTS,
    ROWS,
    SIZE,
    Bound,
    Frame,
    Number,
    Object,
    Pointer,
    Symbol,
    Typed,
)
from gem_symbolic.readback.numbers import Refused
from gem_symbolic.readback.operations import Node, difference
from gem_symbolic.readback.program import Program, load
from gem_symbolic.readback.reals import needed, unequal
from gem_symbolic.readback.syntax import Tree
from gem_symbolic.readback.values import ValidationError
from gem_symbolic.rules import ROUTINES

#: What the arguments of entries mean, by their places: arrays, sizes, strides of arrays, the order, then constants.
ROW_BY_ROW = "x bias g y rows columns x_stride g_stride y_stride order"
GRADIENTS = "x g w x_grad g_grad rows columns x_stride g_stride w_stride x_grad_stride g_grad_stride"
ARRAY = "x g y size order"
SCALE = "s inv_s"
IN_PAIRS = "s_low inv_s_low up down"
SIZES = {"size": SIZE, "columns": SIZE, "rows": ROWS}
OPTIONAL = ("bias", "g")  # arrays that may be null, where there is an order


@cache
def stride(array: str) -> Symbol:
    """How far the rows of an array are from one another."""
    return Symbol(f"{array}_stride")


COMPENSATED = "compensated"
#: Flags that are known to leave each operation what it is, and the one without which a*b + c may be fused.
HARMLESS = {
    *("-std=c++17", "-O3", "-march=native", "-shared", "-fPIC"),
    *("-fno-math-errno", "-fno-trapping-math", "--param=vect-epilogues-nomask=0"),
}
UNFUSED = "-ffp-contract=off"


@dataclass(frozen=True)
class Entry:
    """A function that is called from C: its plan, the type that computes, that of the numbers, its arguments."""

    plan: str
    compute: str
    type: str
    orders: int
    arguments: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.plan}{'' if self.ordered else '_gradients'}_{self.type}"

    @property
    def ordered(self) -> bool:
        """Whether it gives the derivative of an order that is asked for; or else, gradients."""
        return "order" in self.arguments

    @property
    def outputs(self) -> set[str]:
        return {a for a in self.arguments if a in OUTPUTS}

    @property
    def lacking(self) -> Iterator[Set[str]]:
        """The arrays that are null, in each way."""
        optional = [a for a in self.arguments if a in OPTIONAL and self.ordered]
        return map(frozenset, chain.from_iterable(combinations(optional, n) for n in range(len(optional), -1, -1)))


def known(parametric: bool) -> tuple[Entry, ...]:
    """The entries of a file; without parameters it has no pairs, and passes no scale."""
    more = tuple(SCALE.split()) if parametric else ()
    paired = Entry(COMPENSATED, "binary32", "binary32", ACCURATE, tuple(f"{ARRAY} {SCALE} {IN_PAIRS}".split()))
    return (
        *(Entry("wide", "binary64", type, len(NAMES), (*ROW_BY_ROW.split(), *more)) for type in WIDE),
        *(Entry("wide", "binary64", type, 0, (*GRADIENTS.split(), *more)) for type in WIDE),
        *(Entry("plain", type, type, len(NAMES), (*ARRAY.split(), *more)) for type in COMPUTE),
        *([paired] if parametric else []),
    )


KNOWN = known(parametric=True)


@dataclass(eq=False)
class Library:
    """A file for one N, its functions run: all on one graph, so that equal is the same."""

    program: Program
    definition: Any
    visited: set[Tree]
    graph: Typed = field(default_factory=Typed)
    planned: dict[tuple[str, int], Node] = field(default_factory=dict)
    #: The functions of x that were found, and why they are not the derivative, by region.
    functions: dict[tuple[str, int], Node] = field(default_factory=dict)
    proved: dict[tuple[Node, int], dict[str, str]] = field(default_factory=dict)

    def machine(self, compute: str) -> Machine:
        return Machine(self.program, self.graph, self.definition.N, compute, self.visited)

    def operations(self) -> dict[str, Callable[..., Any]]:
        """The operations of plans; here a reciprocal is the square of a root's inverse."""

        def reciprocal(b: Any) -> Node:
            root = self.graph.apply("div", 1, self.graph.apply("sqrt", b))
            return root * root

        return {**self.graph.operations, "reciprocal": reciprocal}

    def expected(self, name: str, plan: Plan) -> Node:
        """What the plan of that name computes."""
        key = name, plan.order
        if key not in self.planned:
            names = {"x": self.graph.leaf("x"), **self.definition.leaves(self.graph), "N": self.definition.N}
            self.planned[key] = plan.run(names, operations=self.operations())
        return self.planned[key]

    def argument(self, entry: Entry, name: str, order: int | None, null: Set[str]) -> Number | Pointer:
        """What an entry is passed."""
        array = name.removesuffix("_stride")
        if array != name:
            return Number("int64", stride(array))
        if name in SIZES:
            return Number("int64", SIZES[name])
        if name in INPUTS or name in OUTPUTS:
            strided = f"{name}_stride" in entry.arguments
            return Pointer(entry.type, name, name in null, stride(name) if strided else None)
        if name == "order":
            return Number("int", ANOTHER if order is None else order)
        return Number(entry.compute, self.graph.leaf(name))

    def run(self, entry: Entry, order: int | None, null: Set[str], status: int = 0) -> dict[str, Node]:
        """What an entry writes where some arrays are null, with another status nothing.

        Raises ValidationError, and Refused.
        """
        machine, function = self.machine(entry.compute), self.program.entries[entry.name]
        args = [self.argument(entry, name, order, null) for name in entry.arguments]
        for parameter, a in zip(function.parameters, args):
            if (kind := machine.type(parameter.type, Frame({}, {}))) != a.type:  # C converts nothing
                raise Refused(f"{parameter.name} is {kind}, where {a.type} is passed")
        found = machine.call(function, args)
        if found != Number("int", status) or machine.stored.keys() != (set() if status else entry.outputs):
            asked = "beyond the last" if order is None else order
            raise Refused(f"it writes or returns something else than it should for order {asked}")
        return {array: number.value for array, number in machine.stored.items()}

    def outside(self, entry: Entry) -> str:
        """Why an entry is wrong where there is no such order; empty if it is not."""
        try:
            for null in entry.lacking:
                self.run(entry, None, null, status=1)
        except Refused as error:
            return str(error)
        return ""

    def at(self, function: Node, x: Node) -> Node:
        """The function at another place than x."""
        known = {self.graph.leaf("x"): x}
        for n in needed(function):
            if n not in known:
                known[n] = self.graph.apply(n.op, *(known[a] for a in n.args)) if n.args else n
        return known[function]

    def weighted(self, entry: Entry, function: Node, null: Set[str]) -> Node:
        """What an entry should write, by its function of x."""
        leaf, apply = self.graph.leaf, self.graph.apply
        if "bias" in entry.arguments and "bias" not in null:
            function = self.at(function, apply("add", leaf("x"), leaf("bias")))
        return self.finished(entry, function if "g" in null else apply("mul", function, leaf("g")))

    def gradients(self, entry: Entry) -> dict[str, Node]:
        """What an entry of gradients should write: f'(x) (g w) and f(x) w."""
        leaf, apply = self.graph.leaf, self.graph.apply
        value, first = (self.functions[entry.plan, order] for order in range(2))
        x_grad, g_grad = apply("mul", first, apply("mul", leaf("g"), leaf("w"))), apply("mul", value, leaf("w"))
        return {"x_grad": self.finished(entry, x_grad), "g_grad": self.finished(entry, g_grad)}

    def refuted(self, function: Node, order: int) -> dict[str, str]:
        """Why a function is not the derivative, by region; empty texts where it is."""
        key = function, order
        if key not in self.proved:
            regions = self.definition.regions
            self.proved[key] = {region.name: unequal(function, self.definition, region, order) for region in regions}
        return self.proved[key]

    def finished(self, entry: Entry, node: Node) -> Node:
        """The node, rounded once to the type of x."""
        return node if entry.type == entry.compute else self.graph.apply(f"to {entry.type}", node)

    def routines(self) -> Iterator[tuple[str, str]]:
        """Each routine on pairs, and how it differs from what it should be."""
        for struct in self.program.structs.values():
            for compute in COMPUTE:
                owner = Bound(struct, tuple((name, compute) for _, name in struct.templates))
                for name, function in struct.functions.items():
                    if name not in ROUTINES:
                        continue
                    leaves = [self.graph.leaf(p) for p in ROUTINES[name].parameters]
                    try:
                        found = self.machine(compute).call(function, [Number(compute, n) for n in leaves], owner=owner)
                    except Refused as error:
                        raise function.node.refusal(str(error)) from error
                    parts = [n.value for n in (found.fields.values() if isinstance(found, Object) else [found])]
                    wanted = complete(self.operations())[name](*leaves)
                    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
                    whys = map(difference, parts, wanted) if len(parts) == len(wanted) else ["another result"]
                    yield name, next((why for why in whys if why), "")


def flags(given: Sequence[str]) -> str:
    """What is wrong with the flags of the compiler; empty if nothing is."""
    unknown = [f for f in given if f not in HARMLESS | {UNFUSED}]
    if unknown:
        return f"it is not known what {unknown[0]} does to floating point"
    return "" if UNFUSED in given else f"without {UNFUSED} products and sums may be fused"


# --- What is found ---


@dataclass(eq=False)
class Report:
    """Why something is wrong; empty where nothing is: of each entry, and of each plan and order."""

    entries: dict[str, str] = field(default_factory=dict)
    regions: dict[tuple[str, int, str], str] = field(default_factory=dict)
    operations: dict[tuple[str, int], str] = field(default_factory=dict)

    def note(self, table: dict[Any, str], key: Any, why: str) -> None:
        """What is found first is kept."""
        table[key] = table.get(key, "") or why


def examine(
    text: str, definitions: Iterable[Any], plan: Callable[[str, int], Plan], known: Sequence[Entry] = KNOWN
) -> Report:
    """Runs each entry of a file for each order, with and without what may be null. `plan` gives those of a name.

    Raises ValidationError, naming the line, for what is not understood or reached by nothing.
    """
    program = load(text, parametric=SCALE.split()[0] in known[0].arguments)
    if wrong := sorted(program.entries.keys() ^ {entry.name for entry in known}):
        raise ValidationError(f"the functions called from C are not those that are known: {', '.join(wrong)}")
    report, visited = Report(), set[Tree]()
    for definition in definitions:
        library = Library(program, definition, visited)
        different = [f"{name} performs {why}" for name, why in library.routines() if why]
        for entry in known:
            try:
                if not entry.ordered:
                    compare(library, entry, None, frozenset(), library.gradients(entry), report)
                    continue
                report.note(report.entries, entry.name, library.outside(entry))
                for order in range(entry.orders):
                    inspect(library, entry, order, plan(entry.plan, order), report)
                    if different and entry.plan == COMPENSATED:
                        report.note(report.operations, (entry.plan, order), different[0])
            except Refused as error:
                raise program.entries[entry.name].node.refusal(str(error)) from error
    for function in program.all():
        for node in function.body.walk():
            if required(node) and node not in visited:
                raise node.refusal("no case reaches this, so it is not known what it does")
            if node.kind == "conditional_expression":
                for arm in (node["consequence"], node["alternative"]):
                    if arm not in visited:
                        raise arm.refusal("no case reaches this, so it is not known what it does")
    return report


def required(node: Tree) -> bool:
    """Whether it is a statement."""
    return node.kind.endswith("_statement") or node.kind in ("declaration", "preproc_call")


def inspect(library: Library, entry: Entry, order: int, plan: Plan, report: Report) -> None:
    """What an entry writes for an order: over the reals, as operations, at x + bias and times g."""
    at = f"{library.definition.at_N}{entry.name}"
    bare, *others = entry.lacking
    (written,) = library.run(entry, order, bare).values()
    function = written if entry.type == entry.compute else written.args[0]
    library.functions[entry.plan, order] = function
    for null in others:
        compare(library, entry, order, null, {"y": library.weighted(entry, function, null)}, report)
    why = difference(written, library.finished(entry, library.expected(entry.plan, plan)))
    report.note(report.operations, (entry.plan, order), why and f"{at} performs {why}")
    for region, why in library.refuted(function, order).items():
        report.note(report.regions, (entry.plan, order, region), why and f"{at} gives {why}")


def compare(
    library: Library, entry: Entry, order: int | None, null: Set[str], wanted: Mapping[str, Node], report: Report
) -> None:
    """Whether an entry writes what it should by the functions that were found."""
    written = library.run(entry, order, null)
    at = [f"{library.definition.at_N}{entry.name}", *([] if order is None else [f"order {order}"])]
    at += [f"without {array}" for array in sorted(null)]
    for array, node in wanted.items():
        why = difference(written[array], node)
        report.note(report.entries, entry.name, why and f"{', '.join(at)}: for {array} it performs {why}")
