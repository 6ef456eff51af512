"""What the code of a module calls by name: functions of the kinds that are looked for, found in its bytecode."""

import dis
import functools
import inspect
from collections.abc import Iterable, Iterator, Mapping
from types import CodeType, FunctionType, ModuleType
from typing import Any

import torch
from torch import nn

from gem_symbolic.integrations.kinds import Kinds

UNKNOWN, SELF = object(), object()
#: Between a name that is loaded and the attribute of it that is loaded next.
SILENT = {"CACHE", "EXTENDED_ARG", "NOP", "PRECALL", "PUSH_NULL"}


def methods(cls: type[nn.Module]) -> dict[str, FunctionType]:
    """The methods of a class and those that it inherits from classes that are not PyTorch's, by name."""
    found: dict[str, FunctionType] = {}
    for base in cls.__mro__:
        if not base.__module__.startswith("torch.nn.") and base is not object:
            for name, value in vars(base).items():
                function = inspect.unwrap(value) if callable(value) else None
                if isinstance(function, FunctionType) and not name.startswith("__"):
                    found.setdefault(name, function)
    return found


def codes(code: CodeType) -> Iterator[CodeType]:
    """The code, and that of the functions made in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes(constant)


def mentioned(function: FunctionType, own: Mapping[str, FunctionType]) -> Iterator[Any]:
    """What a method names: globals, what is in those, methods of its class, and methods of what may be a tensor."""
    value: Any = UNKNOWN
    for step in (step for code in codes(function.__code__) for step in dis.get_instructions(code)):
        if step.opname in SILENT:
            continue
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            value = function.__globals__.get(step.argval, UNKNOWN)
        elif step.opname in ("LOAD_ATTR", "LOAD_METHOD") and value is SELF:
            value = own.get(step.argval, SELF)
        elif step.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            inside = vars(value) if isinstance(value, (ModuleType, type)) else {}  # getattr may import
            value = inside.get(step.argval, getattr(torch.Tensor, step.argval, UNKNOWN))
        else:
            value = SELF if step.argval == "self" else UNKNOWN
        yield value


def reached(function: FunctionType, own: Mapping[str, FunctionType]) -> list[FunctionType]:
    """A method, and those of its class and the functions of its file that it names, and so on."""
    found = [function]
    for current in found:
        for value in mentioned(current, own):
            near = isinstance(value, FunctionType) and (
                value.__globals__ is current.__globals__ or value in own.values()
            )
            if near and value not in found:
                found.append(value)
    return found


def called(cls: type[nn.Module], kinds: Kinds) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The functions of these kinds that a class names: its forward and all that is reached from there; the rest of it.

    Each as torch.nn.functional.gelu. Functions of the same file are read too, those of other files are not.
    """
    own = methods(cls)
    inside = reached(own["forward"], own) if "forward" in own else []
    outside = [f for f in dict.fromkeys(f for m in own.values() for f in reached(m, own)) if f not in inside]
    return named(inside, own, kinds), named(outside, own, kinds)


def called_in(value: Any, kinds: Kinds) -> tuple[str, ...]:
    """The functions of these kinds that a stored function names; nothing for a value that is none written in Python."""
    while isinstance(value, functools.partial):
        value = value.func
    return named(reached(value, {}), {}, kinds) if isinstance(value, FunctionType) else ()


def named(functions: Iterable[FunctionType], own: Mapping[str, FunctionType], kinds: Kinds) -> tuple[str, ...]:
    """What code names of these kinds, each once."""
    found: dict[str, None] = {}
    for value in (value for function in functions for value in mentioned(function, own)):
        if isinstance(value, nn.Module) and kinds.of_module(value):
            found[f"a {type(value).__name__} outside the model"] = None
        elif kinds.of_function(value):
            found[kinds.name(value)] = None
    return tuple(found)
