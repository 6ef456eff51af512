"""What a program that is read back computes with: typed numbers, tensors seen at one place, pointers, functions."""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any

from gem_symbolic.readback.numbers import Refused

EXACT = 10**6  # more bits than any type has
TENSOR = "torch.Tensor"


@dataclass(frozen=True, eq=False)
class Type:
    """A type of numbers: its name and the bits of its significand. Each exists once."""

    name: str
    bits: int = EXACT

    def __str__(self) -> str:
        return self.name


#: Integers of Python, which have no bounds, and those of kernels.
INTEGER = Type("integer")
#: Literals that are no integers: with a tensor they are rounded to its type.
LITERAL = Type("literal")
INT32, INT64 = Type("int32"), Type("int64")
BOOL = Type("bool")
#: The type of the composites, whichever it is: nothing can be asked of it.
COMPUTE = Type("compute")


@dataclass(frozen=True, eq=False)
class Scalar:
    """A number that is no tensor, rounded once to its type."""

    value: Any
    type: Type


class Layout(Enum):
    """How a tensor lies in memory."""

    CONTIGUOUS = "row by row, without gaps"
    DENSE = "without gaps, its dimensions in any order"
    STRIDED = "in any way"


@dataclass(frozen=True)
class Shape:
    """The sizes of a tensor: that of the last dimension, before it the product of all others; none for a number."""

    sizes: tuple[Any, ...] = ()


@dataclass(eq=False)
class Tensor:
    """One element of a tensor: what it is, before it has been written None.

    `bits` is the narrowest significand that it was rounded to after it was computed; `rounded` is the number of
    operations on floats that it came from, those within a function of x and constants aside; `kind` is its class.
    """

    value: Any
    type: Type
    home: str = "torch"
    device: str = "cpu"
    shape: Shape = Shape()
    layout: Layout = Layout.CONTIGUOUS
    bits: int = EXACT
    rounded: int = 0
    node: "Node | None" = None
    kind: str = TENSOR

    @property
    def known(self) -> Any:
        if self.value is None:
            raise Refused("a tensor is read before it is written")
        return self.value


@dataclass(frozen=True, eq=False)
class Packed:
    """A tensor whose last dimension holds two halves, each seen at one place."""

    left: Tensor
    right: Tensor
    node: "Node | None" = None
    kind: str = TENSOR

    @property
    def type(self) -> Type:
        return self.left.type

    @property
    def device(self) -> str:
        return self.left.device

    @property
    def shape(self) -> Shape:
        *others, last = self.left.shape.sizes
        return Shape((*others, last + last))


@dataclass(frozen=True, eq=False)
class Part:
    """Of so many rows those of one step: the `first`, and the `count` of them, which is smaller at the end."""

    rows: Any
    step: int
    first: Any
    count: Any


@dataclass(frozen=True, eq=False)
class Rows:
    """A tensor as kernels get it: element (row, column) lies at row * stride + column.

    Tensors seen so together share their `shape`, the numbers of rows and columns, of which this may be a `part`.
    """

    tensor: Tensor
    stride: Any
    shape: Shape
    part: Part | None = None


@dataclass(frozen=True, eq=False)
class Pointer:
    """What a kernel gets for a tensor, moved by an offset; without rows the tensor is one row."""

    tensor: Tensor
    rows: Rows | None
    offset: Any


@dataclass(frozen=True, eq=False)
class Function:
    """A function of the file, with the values of its parameters' defaults.

    `jit` says that it is a kernel, `constant` that its result is kept, and so must depend on its arguments alone,
    `outside` that where code is compiled it still runs in Python, and what it gives is a constant of what is compiled.
    """

    node: ast.FunctionDef
    defaults: Mapping[str, Any]
    jit: bool = False
    constant: bool = False
    outside: bool = False

    @property
    def name(self) -> str:
        return self.node.name

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        return tuple(a.arg for a in self.node.args.args)

    @cached_property
    def constexprs(self) -> frozenset[str]:
        """The parameters of a kernel that are known where it is compiled: no others are annotated."""
        return frozenset(a.arg for a in self.node.args.args if a.annotation)

    @cached_property
    def arithmetic(self) -> bool:
        """Whether it needs all its arguments, and asks nothing of them but their numbers."""
        attributes = [n.value for n in ast.walk(self.node) if isinstance(n, ast.Attribute)]
        asked = {n.id for n in attributes if isinstance(n, ast.Name)}
        return not self.defaults and asked.isdisjoint(self.parameters)

    @cached_property
    def rest(self) -> str | None:
        """The parameter that takes all further arguments."""
        return self.node.args.vararg.arg if self.node.args.vararg else None

    @cached_property
    def own(self) -> frozenset[str]:
        """The names that are its own because it assigns them."""
        return frozenset(n.id for n in ast.walk(self.node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))


@dataclass(frozen=True)
class Launch:
    """A kernel with its grid."""

    function: Function
    grid: Any


@dataclass(frozen=True, eq=False)
class Class:
    """A class of the file: the library's that it extends, and its methods; whether it comes from a table of classes."""

    name: str
    base: str
    methods: Mapping[str, Function]
    tabled: bool = False


@dataclass(eq=False)
class Instance:
    """An object, by its attributes; those that the program may not set are `fixed`."""

    attributes: dict[str, Any] = field(default_factory=dict)
    fixed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Text:
    """Text for a person to read, as far as it is known: nothing in a program can depend on it."""

    shown: str = "..."


@dataclass(frozen=True)
class Library:
    """A name of a library, such as torch.where, with the dots."""

    path: str


@dataclass(frozen=True, eq=False)
class Primitive:
    """A function whose meaning is known: run(machine, *args, **kwargs)."""

    name: str
    run: Callable[..., Any]


@dataclass(frozen=True, eq=False)
class Node:
    """How autograd came by what a Function gave: the Function, its inputs and what it gave."""

    function: Class
    inputs: tuple[Any, ...]
    output: Any


class Raised(Exception):
    """The program raises the exception of that name."""


class ValidationError(ValueError):
    """The text is not understood, or does what is not known to be right: in which line, and why."""
