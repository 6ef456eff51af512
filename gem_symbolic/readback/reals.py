"""Recorded operations over the reals: whether what a C++ function computes is the derivative of a definition."""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gem_symbolic.readback.numbers import Numbers, Refused
from gem_symbolic.readback.operations import Node
from gem_symbolic.readback.regions import ONE, Region, same


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


def needed(node: Node) -> list[Node]:
    """What a node depends on, and the node itself, in the order of their making."""
    found: set[Node] = set()
    open_ = [node]
    while open_:
        if (n := open_.pop()) not in found:
            found.add(n)
            open_ += n.args
    return sorted(found, key=lambda n: n.index)


def value(node: Node, numbers: Exact, given: Mapping[str, Any]) -> Any:
    """What a node is in a region. Raises Refused."""
    known: dict[Node, Any] = {}
    for n in needed(node):
        if n.args:
            known[n] = numbers.perform(n.op, [known[a] for a in n.args])
        elif n.op in given:
            known[n] = given[n.op]
        elif n.varies:
            raise Refused(f"it depends on {n.op}")
        else:
            known[n] = numbers.lift(int(n.op))
    return known[node]


def unequal(node: Node, definition: Any, region: Region, order: int) -> str:
    """Why a node is not the derivative of the definition in a region; empty where it is."""
    numbers = Exact(**region.arithmetic)
    expected = definition.at(region, order)
    try:
        found = value(node, numbers, {**definition.constants, "x": region.x})
    except Refused as error:
        return str(error)
    return "" if same(found, expected) else f"{found}, not {expected}"
