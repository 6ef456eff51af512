"""What a program that is read back computes with: typed numbers, tensors seen at one place, pointers, functions."""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from gem_symbolic.readback.numbers import Refused

EXACT = 10**6  # more bits than any type has


@dataclass(frozen=True, eq=False)
class Type:
    """A type of numbers: its name and the bits of its significand. Each exists once."""

    name: str
    bits: int = EXACT

    def __str__(self) -> str:
        return self.name


INTEGER = Type("integer")
INT32 = Type("int32")
BOOL = Type("bool")
#: The type of the composites, whichever it is: nothing can be asked of it.
COMPUTE = Type("compute")


@dataclass(frozen=True, eq=False)
class Scalar:
    """A number that is no tensor, rounded once to its type."""

    value: Any
    type: Type


@dataclass(eq=False)
class Tensor:
    """One element of a tensor: what it is, before it has been written None.

    `bits` is the narrowest significand that it was rounded to after it was computed; `rounded` is the number of
    operations on floats that it came from, those within a function of x and constants aside; `dense` tells how the
    tensor lies in memory.
    """

    value: Any
    type: Type
    home: str = "torch"
    device: str = "cpu"
    dense: bool = True
    bits: int = EXACT
    rounded: int = 0
    node: "Node | None" = None

    @property
    def known(self) -> Any:
        if self.value is None:
            raise Refused("a tensor is read before it is written")
        return self.value


@dataclass(frozen=True, eq=False)
class Pointer:
    """What a kernel gets for a tensor; with an offset, the place of one of its elements."""

    tensor: Tensor
    offset: Any = None


@dataclass(frozen=True)
class Blocks:
    """The number of blocks of that many elements that cover a size."""

    size: Any
    block: int


@dataclass(frozen=True, eq=False)
class Function:
    """A function of the file, with the values of its parameters' defaults."""

    node: ast.FunctionDef
    defaults: Mapping[str, Any]
    jit: bool = False

    @property
    def name(self) -> str:
        return self.node.name

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        return tuple(a.arg for a in self.node.args.args)

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
    """A class of the file: the base that it extends, and its methods."""

    name: str
    base: str
    methods: Mapping[str, Function]


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
    """How autograd came by a tensor: the Function and its inputs."""

    function: Class
    inputs: tuple[Any, ...]
    output: Tensor


class Raised(Exception):
    """The program raises the exception of that name."""


class ValidationError(ValueError):
    """The text is not understood, or does what is not known to be right: in which line, and why."""
