"""What there is while a C++ file is run: numbers of a type, pointers and objects; the functions that are running."""

import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gem_symbolic.readback.operations import Graph, Node
from gem_symbolic.readback.program import Struct

#: The widths of integers, and the types that compute.
INTEGERS = {"int": 32, "int64": 64}
FLOATS = ("binary32", "binary64")
#: The type of a literal that is no integer, until it is converted.
LITERAL = "literal"
ARITHMETIC = {"+": "add", "-": "sub", "*": "mul", "/": "div"}
COMPARISONS = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq"}
EXACT = {"+": operator.add, "-": operator.sub, "*": operator.mul}
ASKED = {op: getattr(operator, name) for op, name in COMPARISONS.items()}
#: What is known before a loop: the second says that its rounds do not depend on one another, which is seen.
PRAGMAS = {"#pragma GCC unroll 64", "#pragma GCC ivdep"}
LIMIT = 1000  # of the rounds of a loop
#: Arrays that are read, and those that are written.
INPUTS, OUTPUTS = ("x", "bias", "g", "w"), ("y", "x_grad", "g_grad")


class Typed(Graph):
    """Operations in one known type: constants among themselves are no exception, unless they are integers."""

    def leaf(self, text: str) -> Node:
        return self._node(text, (), not text.lstrip("-").isdigit())


@dataclass(frozen=True, eq=False)
class Symbol:
    """An integer that is not known: how many numbers or rows there are, an index, how far rows are from one another."""

    name: str


SIZE, INDEX, ANOTHER = Symbol("size"), Symbol("i"), Symbol("another order")
ROWS, ROW = Symbol("rows"), Symbol("row")
#: What a loop over all that there is runs through, by its end.
INDICES = {SIZE: INDEX, ROWS: ROW}


@dataclass(frozen=True)
class Offset:
    """The row times a stride: where the row begins in the array that has that stride."""

    stride: Symbol


@dataclass(frozen=True)
class Number:
    """A number of a type: an int, a bool, a Symbol, an Offset or a Node."""

    type: str
    value: Any


@dataclass(frozen=True)
class Pointer:
    """To the first number of an array, or of its row; with a stride it has not been moved to the row yet."""

    type: str
    array: str
    null: bool = False
    stride: Symbol | None = None


@dataclass(frozen=True)
class Bound:
    """A struct with the arguments of its template."""

    struct: Struct
    types: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Object:
    type: Bound
    fields: Mapping[str, Any]


@dataclass(eq=False)
class Frame:
    """A running function: its names, the types that are known by names, the object that it is a function of."""

    names: dict[str, Any]
    types: dict[str, Any]
    owner: Bound | None = None
    this: Object | None = None
    fixed: set[str] = field(default_factory=set)  # what must not be assigned
    returns: Any = "void"
    looping: bool = False  # within a loop over numbers or rows, where what is assigned would come from the round before


@dataclass(frozen=True)
class Returned:
    value: Any
