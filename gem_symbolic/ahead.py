"""Kernels compiled ahead of time: without a GPU, but from the arguments that a launch would pass.

The functions of an emitted module that launch a kernel are called with tensors of the CPU, and what reaches the kernel
is recorded: which arguments are left out, where pointers and strides are multiples of 16, which number is 1.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any
from unittest import mock

#: Triton's names of the types, and torch's; "accurate" is float32 in pairs.
POINTEES = {"fp16": "float16", "bf16": "bfloat16", "fp32": "float32", "accurate": "float32"}
#: The rows and columns of what is launched: full blocks and a tail, and all strides multiples of 16.
ROWS, COLUMNS = 2, 1024 + 512


class Recorder:
    """Stands for a kernel: takes down the arguments of each launch, by name."""

    def __init__(self, names: list[str]):
        self.names = names
        self.launches: list[dict[str, Any]] = []

    def __getitem__(self, grid: tuple[int, ...]) -> Callable[..., None]:
        return lambda *arguments, **_options: self.launches.append(dict(zip(self.names, arguments, strict=True)))


@contextmanager
def recorded(module: ModuleType) -> Iterator[list[dict[str, Any]]]:
    """Within it, the module's launches run nothing and are taken down in the list that this gives."""
    recorder = Recorder(module._kernel.arg_names)
    with mock.patch.object(module, "_kernel", recorder):
        yield recorder.launches


@dataclass(frozen=True)
class Form:
    """What a kernel is launched for: how many numbers an element it moves, and the call that launches it.

    The call is given the module, a function that makes a new tensor of so many columns, the order, and the constants.
    """

    moves: int
    call: Callable[..., Any]


def elementwise(module: ModuleType, new: Callable[[int], Any], order: int, constants: tuple[Any, ...]) -> None:
    """On tensors of any size, no multiple of 16."""
    module._triton_apply(new(COLUMNS + 1), new(COLUMNS + 1) if order else None, None, order, *constants)


def biased(module: ModuleType, new: Callable[[int], Any], order: int, constants: tuple[Any, ...]) -> None:
    module._triton_apply(new(COLUMNS), None, new(COLUMNS)[0], order, *constants)


def gated(module: ModuleType, new: Callable[[int], Any], order: int, constants: tuple[Any, ...]) -> None:
    module._triton_apply(*new(2 * COLUMNS).chunk(2, 1), None, order, *constants)


def gradients(module: ModuleType, new: Callable[[int], Any], order: int, constants: tuple[Any, ...]) -> None:
    module._triton_gradients(new(2 * COLUMNS), None, new(COLUMNS), *constants)


#: The kernels by form and order.
FORMS: Mapping[tuple[str, int], Form] = {
    ("elementwise", 0): Form(2, elementwise),
    ("elementwise", 1): Form(3, elementwise),
    ("elementwise", 2): Form(3, elementwise),
    ("bias", 0): Form(2, biased),  # the row of bias stays in the cache
    ("gated", 0): Form(3, gated),
    ("gated", 1): Form(5, gradients),
}


def constants(module: ModuleType, N: int, eps: Any, accurate: bool = False) -> tuple[Any, ...]:
    """(N, s, 1/s, what pairs need besides), as an emitted module passes them to its kernel; eps is as users give it.

    Raises ValueError for a bad parameter, and where the scale is out of the range of binary32.
    """
    import torch

    N, eps, narrow, _, pair = module._setting(N, eps, None)
    if narrow is None:
        narrow = module.scale_constants(N, eps, *module._FORMATS[torch.float32])  # which says why there are none
    return N, *narrow, pair if accurate else module._NO_PAIR


def launch(module: ModuleType, form: str, order: int, kind: str, N: int, eps: Any) -> dict[str, Any]:
    """The arguments, by name, with which the module launches its kernel."""
    import torch

    def new(columns: int) -> torch.Tensor:
        return torch.empty(ROWS, columns, dtype=getattr(torch, POINTEES[kind]))

    with recorded(module) as launches:
        FORMS[form, order].call(module, new, order, constants(module, N, eps, kind == "accurate"))
    (arguments,) = launches
    return arguments


def compiled(module: ModuleType, arguments: Mapping[str, Any], arch: int, **options: Any) -> Any:
    """The kernel that a launch with these arguments would run, by name; specialised as Triton does it."""
    import torch
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource
    from triton.runtime.jit import mangle_type

    signature, values, attributes = {}, {}, {}
    always = {parameter.name for parameter in module._kernel.params if parameter.is_constexpr}
    for place, (name, value) in enumerate(arguments.items()):
        signature[name] = "constexpr" if name in always else mangle_type(value, specialize=True)
        if signature[name] == "constexpr":
            values[name] = value
        elif (value.data_ptr() if isinstance(value, torch.Tensor) else value) % 16 == 0:
            attributes[(place,)] = [["tt.divisibility", 16]]
    source = ASTSource(fn=module._kernel, signature=signature, constexprs=values, attrs=attributes)
    return triton.compile(source, target=GPUTarget("cuda", arch, 32), options={**module._OPTIONS, **options})
