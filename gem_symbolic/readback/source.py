"""What a machine runs and where: the text of a file, the world around it, the functions that stand for themselves."""

import ast
import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from gem_symbolic.readback import elements
from gem_symbolic.readback.carried import ORIGINALS
from gem_symbolic.readback.numbers import Refused
from gem_symbolic.readback.values import Function, Scalar, Tensor, Type, ValidationError


@dataclass(frozen=True)
class World:
    """What is given: the type to compute in, what eps stands for, whether it is a float, whether triton is there.

    `at` is what functions are evaluated at. `compiled` and `exported` are None where nothing may depend on them; `wide`
    is computing in binary64 on a CPU. The scale is out of the range of the `excluded` types. `lane`, that of a kernel,
    has the signs of what is left of a row after its block, and of what is left from the lane on. A tensor is a `single`
    row, or there is no element if `empty`.
    """

    compute: Type
    eps: str = "eps"
    fixed: Fraction | None = None
    floating: bool = False
    triton: bool = False
    at: str = "x"
    compiled: bool | None = None
    exported: bool | None = None
    wide: bool = False
    excluded: frozenset[Type] = frozenset()
    lane: tuple[int, int] = (1, 1)
    single: bool = False
    empty: bool = False


@dataclass(frozen=True, eq=False)
class Source:
    """The text of a file, its syntax tree, and which of its nodes have been run."""

    text: str
    tree: ast.Module
    visited: set[ast.AST] = field(default_factory=set)

    @classmethod
    def read(cls, text: str) -> "Source":
        """Raises ValidationError for what is no Python."""
        try:
            return cls(text, ast.parse(text))
        except (SyntaxError, ValueError) as error:
            raise ValidationError(f"this is no Python: {error}") from None

    def refusal(self, node: ast.AST, why: str) -> ValidationError:
        shown = " ".join(ast.unparse(node).split())
        return ValidationError(f"line {getattr(node, 'lineno', '?')}: {shown[:100]}: {why}")

    @cached_property
    def carried(self) -> set[ast.AST]:
        """The nodes of the functions carried verbatim. Raises ValidationError where one is not what the package has."""
        nodes: set[ast.AST] = set()
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef) and (original := ORIGINALS.get(node.name)):
                if ast.dump(node) != ast.dump(ast.parse(inspect.getsource(original)).body[0]):
                    raise self.refusal(node, f"this is not {original.__module__}.{node.name}")
                nodes |= set(ast.walk(node))
        return nodes

    def unreached(self) -> Iterator[ast.AST]:
        """What has never been run, in the order of the text."""
        for node in ast.walk(self.tree):
            loaded = not isinstance(getattr(node, "ctx", None), ast.Store)
            if isinstance(node, ast.stmt | ast.expr) and loaded and node not in self.visited | self.carried:
                yield node


@dataclass(frozen=True)
class Composite:
    """A function of the file, as it is with or without triton, its operations' library, what its arguments mean."""

    home: str
    function: Function
    roles: tuple[str, ...]
    triton: bool = True


@dataclass(eq=False)
class Composites:
    """The functions of the file that depend on x, N and the constants alone: to its caller each is a symbol."""

    known: Mapping[str, Any]  # the meaning of an argument -> the element that it is
    places: Mapping[str, Any]  # the same for x, by where functions are evaluated
    symbols: Sequence[str]
    found: dict["Composite", Any] = field(default_factory=dict)
    called: list["Composite"] = field(default_factory=list)

    def take(self) -> list["Composite"]:
        """What has been called since the last time."""
        taken, self.called = self.called, []
        return taken

    def roles(self, m: Any, function: Function, args: Sequence[Any]) -> tuple[str, ...] | None:
        """The meaning of each argument; None where that is not what the arguments are.

        A function of x alone is one of these if it is `arithmetic`: if it were mistaken for one, it would be refused.
        """
        named, known = [], {**self.known, "x": self.places[m.world.at]}
        for a in args:
            if not isinstance(a, Tensor | Scalar):
                return None
            named.append(next((k for k, v in known.items() if a.value is not None and a.value == v), None))
        tensors = [k for k, a in zip(named, args) if isinstance(a, Tensor)]
        found = tensors == ["x"] and None not in named and ("s" in named or function.arithmetic)
        return tuple(named) if found else None

    def call(self, m: Any, function: Function, roles: tuple[str, ...], args: Sequence[Any]) -> Tensor:
        elements.common(m, tuple(args))
        x = next(a for a in args if isinstance(a, Tensor))
        key = Composite(elements.home(m), function, roles, m.world.triton)
        if key not in self.found:
            if len(self.found) == len(self.symbols):
                raise Refused("there are more functions of x than a file has")
            self.found[key] = m.numbers.algebra.gens[self.symbols[len(self.found)]]
        self.called.append(key)
        return replace(x, value=self.found[key], node=None)
