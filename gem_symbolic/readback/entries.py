"""What the functions of an emitted C++ file compute: of each that is called from C, for each order, what it writes."""

import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gem_symbolic.emit import ACCURATE, COMPUTE, ENTRIES
from gem_symbolic.emit import ORDERS as NAMES
from gem_symbolic.plans import Plan, complete
from gem_symbolic.readback.cpp import Machine
from gem_symbolic.readback.kinds import ANOTHER, SIZE, Bound, Frame, Number, Object, Pointer, Typed
from gem_symbolic.readback.numbers import Numbers, Refused
from gem_symbolic.readback.operations import Node, difference
from gem_symbolic.readback.program import Program, load
from gem_symbolic.readback.regions import FIELD, MOVED, ONE, REGIONS, UP, Definition, Region, S, position, same
from gem_symbolic.readback.syntax import Tree
from gem_symbolic.readback.values import ValidationError
from gem_symbolic.rules import ROUTINES

#: What the arguments of an entry mean, by their places: arrays, the size, the order, then constants.
CONSTANTS = ("s", "inv_s")
IN_PAIRS = (*CONSTANTS, "s_low", "inv_s_low", "up", "down")
#: What the constants are over the reals: a pair is exact there without its low part, and `up` is any positive number.
REAL: Mapping[str, Any] = {"s": S, "inv_s": ONE / S, "s_low": 0.0, "inv_s_low": 0.0, "up": UP, "down": ONE / UP}
COMPENSATED = "compensated"
#: Flags that are known to leave each operation what it is, and the one without which a*b + c may be fused.
HARMLESS = {"-std=c++17", "-O3", "-march=native", "-shared", "-fPIC", "-fno-math-errno", "-fno-trapping-math"}
UNFUSED = "-ffp-contract=off"


@dataclass(frozen=True)
class Entry:
    """A function that is called from C: its plan, the type that computes, that of the numbers, its constants."""

    plan: str
    compute: str
    type: str
    orders: int
    constants: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.plan}_{self.type}"

    @property
    def pairs(self) -> bool:
        """Whether it computes in pairs."""
        return self.plan == COMPENSATED


KNOWN = (
    *(Entry(plan, compute, type, len(NAMES), CONSTANTS) for plan, compute, type in ENTRIES),
    Entry(COMPENSATED, "binary32", "binary32", ACCURATE, IN_PAIRS),
)


# --- Over the reals ---


class Zero(float):
    """A zero whose sign is not known: nothing is divided by it."""


@dataclass(frozen=True)
class Root:
    """The positive square root of a positive element: only its inverse and its square are known."""

    square: Any


@dataclass(frozen=True)
class Exact(Numbers):
    """Numbers with square roots, in which zero times a number of either sign is zero."""

    def combine(self, op: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
        if isinstance(a, Root) or isinstance(b, Root):
            if op is operator.truediv and not isinstance(a, Root) and a == ONE:
                return Root(ONE / b.square)
            if op is operator.mul and isinstance(a, Root) and isinstance(b, Root) and a == b:
                return a.square
            raise Refused("a square root is neither inverted nor squared")
        unknown = isinstance(a, Zero) or isinstance(b, Zero)
        if op is operator.truediv and isinstance(b, Zero):
            raise Refused("a division by a zero whose sign is not known")
        try:
            value = super().combine(op, a, b)
        except Refused:
            finite = [v for v in (a, b) if not isinstance(v, float)]
            if op is not operator.mul or len(finite) != 1 or 0 not in (a, b):
                raise
            return Zero()
        return Zero() if unknown and isinstance(value, float) and value == 0 else value

    def negative(self, a: Any) -> Any:
        return a if isinstance(a, Zero) else -a

    def root(self, a: Any) -> Any:
        if isinstance(a, float):
            return math.sqrt(a) if a >= 0 else math.nan
        return Root(a) if self.sign(a) > 0 else math.nan

    def perform(self, op: str, args: Sequence[Any]) -> Any:
        """An operation that was recorded. Conversions change nothing over the reals."""
        match op:
            case "add" | "sub" | "mul":
                return self.combine(getattr(operator, op), *args)
            case "div":
                return self.combine(operator.truediv, *args)
            case "lt" | "le" | "eq":
                return self.compare(getattr(operator, op), *args)
            case "abs":
                return self.absolute(*args)
            case "neg":
                return self.negative(*args)
            case "fma":
                return self.fma(*args)
            case "select":
                return self.choose(*args)
            case "sqrt":
                return self.root(*args)
        if op.startswith("to "):
            return args[0]
        raise Refused(f"{op} has no meaning over the reals")


def value(node: Node, numbers: Exact, given: Mapping[str, Any]) -> Any:
    """What a node is in a region: what it depends on is computed in the order of its making. Raises Refused."""
    needed: set[Node] = set()
    open_ = [node]
    while open_:
        if (n := open_.pop()) not in needed:
            needed.add(n)
            open_ += n.args
    known: dict[Node, Any] = {}
    for n in sorted(needed, key=lambda n: n.index):
        if n.args:
            known[n] = numbers.perform(n.op, [known[a] for a in n.args])
        elif n.op in given:
            known[n] = given[n.op]
        elif n.varies:
            raise Refused(f"it depends on {n.op}")
        else:
            known[n] = numbers.lift(int(n.op))
    return known[node]


def unequal(node: Node, definition: Definition, region: Region, order: int) -> str:
    """Why a node is not the derivative of the definition in a region; empty where it is."""
    moved = {"r": MOVED[region.place]} if region.place in MOVED else {}
    numbers = Exact(FIELD, frozenset(FIELD.symbols) if moved else frozenset(("s", "up")), moved)
    expected = definition.at(region, order)
    try:
        found = value(node, numbers, {**REAL, "x": position(region)})
    except Refused as error:
        return str(error)
    return "" if same(found, expected) else f"{found}, not {expected}"


# --- As operations ---


@dataclass(eq=False)
class Library:
    """A file for one N, its functions run: all on one graph, so that equal is the same."""

    program: Program
    N: int
    visited: set[Tree]
    graph: Typed = field(default_factory=Typed)
    planned: dict[tuple[bool, int], Node] = field(default_factory=dict)
    proved: set[tuple[Node, int]] = field(default_factory=set)  # over the reals

    def machine(self, compute: str) -> Machine:
        return Machine(self.program, self.graph, self.N, compute, self.visited)

    def operations(self) -> dict[str, Callable[..., Any]]:
        """The operations of plans; here a reciprocal is the square of a root's inverse."""

        def reciprocal(b: Any) -> Node:
            root = self.graph.apply("div", 1, self.graph.apply("sqrt", b))
            return root * root

        return {**self.graph.operations, "reciprocal": reciprocal}

    def expected(self, plan: Plan, pairs: bool) -> Node:
        """What the plan computes."""
        key = pairs, plan.order
        if key not in self.planned:
            names = {name: self.graph.leaf(name) for name in ("x", *IN_PAIRS)}
            self.planned[key] = plan.run({**names, "N": self.N}, operations=self.operations())
        return self.planned[key]

    def run(self, entry: Entry, order: int | None, weighted: bool) -> Node | None:
        """What an entry writes; None where it refuses the order. Raises ValidationError, and Refused."""
        machine, function = self.machine(entry.compute), self.program.entries[entry.name]
        args = [
            Pointer(entry.type, "x"),
            Pointer(entry.type, "g", null=not weighted),
            Pointer(entry.type, "y"),
            Number("int64", SIZE),
            Number("int", ANOTHER if order is None else order),
            *(Number(entry.compute, self.graph.leaf(name)) for name in entry.constants),
        ]
        for parameter, a in zip(function.parameters, args):
            if (kind := machine.type(parameter.type, Frame({}, {}))) != a.type:  # C converts nothing
                raise Refused(f"{parameter.name} is {kind}, where {a.type} is passed")
        status = machine.call(function, args)
        refused = order is None
        if status != Number("int", int(refused)) or (machine.stored is None) != refused:
            raise Refused(f"it writes or returns something else than it should for order {order or 'beyond the last'}")
        return machine.stored.value if machine.stored else None

    def outside(self, entry: Entry) -> str:
        """Why an entry is wrong where there is no such order; empty if it is not."""
        try:
            for weighted in (False, True):
                self.run(entry, None, weighted)
        except Refused as error:
            return str(error)
        return ""

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
    """Why something is wrong; empty where nothing is: of each entry, and of each order, plain or in pairs."""

    entries: dict[str, str] = field(default_factory=dict)
    regions: dict[tuple[bool, int, str], str] = field(default_factory=dict)
    operations: dict[tuple[bool, int], str] = field(default_factory=dict)

    def note(self, table: dict[Any, str], key: Any, why: str) -> None:
        """What is found first is kept."""
        table[key] = table.get(key, "") or why


def examine(text: str, definitions: Iterable[Definition], plan: Callable[[bool, int], Plan]) -> Report:
    """Runs each entry of a file for each order, with and without a weight. `plan` gives those in pairs, or the others.

    Raises ValidationError, naming the line, for what is not understood or reached by nothing.
    """
    program = load(text)
    if wrong := sorted(program.entries.keys() ^ {entry.name for entry in KNOWN}):
        raise ValidationError(f"the functions called from C are not those that are known: {', '.join(wrong)}")
    report, visited = Report(), set[Tree]()
    for definition in definitions:
        library = Library(program, definition.N, visited)
        different = [f"{name} performs {why}" for name, why in library.routines() if why]
        for entry in KNOWN:
            try:
                report.note(report.entries, entry.name, library.outside(entry))
                for order in range(entry.orders):
                    inspect(library, entry, order, definition, plan(entry.pairs, order), report)
                    report.note(
                        report.operations, (entry.pairs, order), different[0] if different and entry.pairs else ""
                    )
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


def inspect(library: Library, entry: Entry, order: int, definition: Definition, plan: Plan, report: Report) -> None:
    """What an entry writes for an order, over the reals, as operations, and times g."""
    at = f"N = {definition.N}: {entry.name}"
    written, weighted = library.run(entry, order, False), library.run(entry, order, True)
    assert written is not None
    assert weighted is not None
    function = written if entry.type == entry.compute else written.args[0]
    why = difference(weighted, library.finished(entry, library.graph.apply("mul", function, library.graph.leaf("g"))))
    report.note(report.entries, entry.name, why and f"{at}, order {order}: times g it performs {why}")
    why = difference(written, library.finished(entry, library.expected(plan, entry.pairs)))
    report.note(report.operations, (entry.pairs, order), why and f"{at} performs {why}")
    if (function, order) not in library.proved:
        library.proved.add((function, order))
        for region in REGIONS:
            why = unequal(function, definition, region, order)
            report.note(report.regions, (entry.pairs, order, region.name), why and f"{at} gives {why}")
