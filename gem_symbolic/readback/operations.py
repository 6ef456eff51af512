"""The operations that a function performs: it is run on values that record how they came about, beside a plan.

Over the reals many programs are equal; in floating point each order of operations rounds in its own way, and what was
proved and measured of a plan holds for no other. So a function of a file must perform the plan's very operations on
the same operands. Names do not matter, nor the order of statements, nor which operand of + and * comes first, nor
whether a < b or b > a is asked: IEEE 754 gives the same result.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from gem_symbolic.floats import POWERS
from gem_symbolic.readback.numbers import Numbers, Refused
from gem_symbolic.rules import OPERATIONS

#: What a reciprocal is the square of, wherever a plan has one.
INVERSE_ROOT = "rsqrt"
#: Operations of a plan that are several, one after the other.
COMPOUND = {"chain", "reciprocal"}
#: What is recorded as one operation: an fma is not the product and sum that it is over the reals.
RECORDED = OPERATIONS.keys() - COMPOUND
#: What the operators of Python are called in plans.
NAMES: Mapping[Callable[..., Any], str] = {f: name for name, f in OPERATIONS.items() if f.__module__ == "_operator"}
#: Operations of which the first operands may be exchanged: how many.
COMMUTE = {"add": 2, "mul": 2, "eq": 2, "fma": 2}
EXACT = {"add", "sub", "mul", "neg"}  # of integers
MIRRORED = {"gt": "lt", "ge": "le"}
DEPTH = 3  # of what is shown of an operation


@dataclass(frozen=True, eq=False, repr=False)
class Node:
    """The result of an operation, or an input or integer, whose `op` is its text; `varies` with x."""

    graph: "Graph"
    op: str
    args: tuple["Node", ...]
    varies: bool
    index: int

    def __add__(self, other: "Node | int") -> "Node":
        return self.graph.apply("add", self, other)

    def __sub__(self, other: "Node | int") -> "Node":
        return self.graph.apply("sub", self, other)

    def __rsub__(self, other: int) -> "Node":
        return self.graph.apply("sub", other, self)

    def __mul__(self, other: "Node | int") -> "Node":
        return self.graph.apply("mul", self, other)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> "Node":
        return self.graph.apply("neg", self)

    def show(self, depth: int = DEPTH) -> str:
        if not self.args:
            return self.op
        return f"{self.op}({', '.join(a.show(depth - 1) for a in self.args)})" if depth else "..."


@dataclass(frozen=True, eq=False, repr=False)
class Graph:
    """Operations on inputs: what is performed twice on the same operands is one node, so that equal means identical."""

    nodes: dict[tuple[str, tuple[Node, ...]], Node] = field(default_factory=dict)

    def leaf(self, text: str) -> Node:
        return self._node(text, (), text == "x")

    def apply(self, op: str, *args: Node | int) -> Node:
        """The operation on nodes and integers; integers among themselves are exact.

        Raises Refused for an operation that rounds and does not depend on x: it is not known in which precision. A
        product with a power of two does not round, and one with -1 is the negative number.
        """
        if op in EXACT and all(isinstance(a, int) for a in args):
            return self.leaf(str(OPERATIONS[op](*args)))
        operands = [self.leaf(str(a)) if isinstance(a, int) else a for a in args]
        if op == "mul" and any(a.op == "-1" for a in operands):  # exact, and the same of whatever number
            op, operands = "neg", [a for a in operands if a.op != "-1"]
        varies = any(a.varies for a in operands)
        exact = op == "neg" or (op == "mul" and any(a.op in POWERS for a in operands))
        if not varies and not exact:
            raise Refused(f"{op} of constants: in which precision is not known")
        if op in MIRRORED:
            op, operands = MIRRORED[op], operands[::-1]
        free = COMMUTE.get(op, 0)
        operands[:free] = sorted(operands[:free], key=lambda node: node.index)
        return self._node(op, tuple(operands), varies)

    def _node(self, op: str, args: tuple[Node, ...], varies: bool) -> Node:
        return self.nodes.setdefault((op, args), Node(self, op, args, varies, len(self.nodes)))

    @cached_property
    def operations(self) -> Mapping[str, Callable[..., Any]]:
        """The operations of plans on nodes."""
        return {**OPERATIONS, **{op: partial(self.apply, op) for op in RECORDED}, "reciprocal": self.reciprocal}

    def reciprocal(self, a: Node) -> Node:
        root = self.apply(INVERSE_ROOT, a)
        return root * root


@dataclass(frozen=True)
class Recorder(Numbers):
    """Numbers that are nodes: what a program does with them is recorded. No choice can depend on one."""

    graph: Graph = field(default_factory=Graph)

    def literal(self, value: float) -> Node:
        return self.graph.leaf(repr(value))

    def lift(self, value: int) -> Node:
        return self.graph.leaf(str(value))

    def sign(self, number: Any) -> int:
        raise Refused("a choice depends on a number that is not known")

    def combine(self, op: Callable[[Any, Any], Any], a: Any, b: Any) -> Node:
        return self.graph.apply(NAMES[op], a, b)

    def compare(self, op: Callable[[Any, Any], bool], a: Any, b: Any) -> Any:
        if op is operator.ne:
            raise Refused("no plan asks whether numbers differ")
        return self.graph.apply(NAMES[op], a, b)

    def absolute(self, a: Any) -> Node:
        return self.graph.apply("abs", a)

    def choose(self, condition: Any, yes: Any, no: Any) -> Node:
        return self.graph.apply("select", condition, yes, no)

    def fma(self, a: Any, b: Any, c: Any) -> Node:
        return self.graph.apply("fma", a, b, c)

    def inverse_root(self, a: Any) -> Node:
        return self.graph.apply(INVERSE_ROOT, a)


def difference(found: Node, expected: Node) -> str:
    """The innermost operations that differ, in words; empty where the nodes are the same."""
    if found is expected:
        return ""
    if found.op == expected.op and len(found.args) == len(expected.args) > 0:
        return next(why for why in map(difference, found.args, expected.args) if why)
    return f"{found.show()}, where the plan has {expected.show()}"
