"""How each path of a kernel is run, so that what it returns can be measured: numbers in, numbers out, as float64.

The paths are those of `bars.PLANS`: PyTorch on the CPU, what torch.compile computes, Triton's kernels in its
interpreter or on a GPU, as they come and in pairs; and of what has no parameters C++.
"""

import ctypes
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from fractions import Fraction
from functools import partial
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np

from gem_symbolic import ahead, native
from gem_symbolic.bars import DTYPES, PIECED, PLANS
from gem_symbolic.definitions import Activation
from gem_symbolic.formats import FORMATS, Format
from gem_symbolic.jets import bind
from gem_symbolic.sweep import Floats

#: Computes the derivative of an order at numbers of a format, all of them held as float64.
Run = Callable[[Floats, Format, int], Floats]


def tensor(numbers: Floats, format: Format) -> Any:
    """The numbers as a torch tensor of their format."""
    import torch

    return torch.from_numpy(numbers).to(getattr(torch, DTYPES[format.name]))


def torch_run(
    module: ModuleType, name: str, N: int | None, eps: Any, device: str = "cpu", compiled: bool = False
) -> Run:
    """The emitted function and its gradient under autograd, in plain PyTorch; what is None is not given.

    On another device than the CPU Triton's kernels run, unless it is compiled: by torch.compile, as a module.
    """
    import torch

    given = {key: value for key, value in (("N", N), ("eps", eps)) if value is not None}
    if compiled:
        torch.compiler.reset()  # one code object is compiled only so many times
        function = torch.compile(getattr(module, name.upper())(**given), fullgraph=True)
    else:
        function = partial(getattr(module, name), **given)

    def run(numbers: Floats, format: Format, order: int) -> Floats:
        x = tensor(numbers, format).to(device).requires_grad_(order > 0)
        y = function(x)
        for left in reversed(range(order)):
            (y,) = torch.autograd.grad(y, x, torch.ones_like(y), create_graph=left > 0)
        return y.detach().to(torch.float64).cpu().numpy()

    return run


@contextmanager
def compiling() -> Iterator[None]:
    """Within it, emitted code takes itself for code that torch.compile traces, and runs what would be traced."""
    import torch

    with mock.patch.object(torch.compiler, "is_compiling", return_value=True):
        yield


def compiled_run(module: ModuleType, name: str, N: int | None, eps: Any) -> Run:
    """The same as compiled code evaluates it, by the operations that a compiler is given, one after the other."""
    eager = torch_run(module, name, N, eps)

    def run(numbers: Floats, format: Format, order: int) -> Floats:
        with compiling():
            return eager(numbers, format, order)

    return run


@contextmanager
def interpreted() -> Iterator[None]:
    """Within it, a kernel module that is loaded gets Triton's interpreter, which runs on the CPU, in numpy."""
    with suppress(ImportError):
        import triton.language  # noqa: F401  Triton's own functions are compiled ones, whichever module comes first
    before = os.environ.get("TRITON_INTERPRET")
    os.environ["TRITON_INTERPRET"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["TRITON_INTERPRET"]
        else:
            os.environ["TRITON_INTERPRET"] = before


def triton_call(module: Any, N: int | None, eps: Any, accurate: bool = False) -> Callable[[Any, int], Any]:
    """The emitted Triton kernel as a function of a tensor and an order; `accurate` asks for pairs."""
    import torch

    constants = () if N is None else ahead.constants(module, N, eps, accurate)

    def call(x: Any, order: int) -> Any:
        return module._triton_apply(x, torch.ones_like(x) if order else None, None, order, *constants)

    return call


def triton_run(module: Any, N: int | None, eps: Any, accurate: bool = False, device: str = "cpu") -> Run:
    """The emitted Triton kernel in Triton's interpreter, or on a device; `accurate` asks for pairs.

    Raises ValueError where the interpreter is needed and the module was loaded outside `interpreted`.

    The interpreter's own conversions of bfloat16 cut off instead of rounding, and get subnormals wrong. So for bfloat16
    the numbers go in and come out in binary32, in which the kernel computes, and torch rounds them.
    """
    import torch

    interpreted = type(getattr(module, "_kernel", None)).__name__ == "InterpretedFunction"
    if device == "cpu" and not interpreted:
        raise ValueError("load the kernel module within running.interpreted(): compiled kernels need a GPU")
    call = triton_call(module, N, eps, accurate)

    def run(numbers: Floats, format: Format, order: int) -> Floats:
        x = tensor(numbers, FORMATS["binary32"] if interpreted and format.name == "bfloat16" else format).to(device)
        # A block of any size takes the interpreter about as long, so one holds all the numbers.
        block = module._BLOCK
        module._BLOCK = 1 << (len(numbers) - 1).bit_length() if interpreted else block
        try:
            with np.errstate(all="ignore"):
                y = call(x, order)
        finally:
            module._BLOCK = block
        return y.to(getattr(torch, DTYPES[format.name])).to(torch.float64).cpu().numpy()

    return run


def native_run(source: str) -> Run:
    """The functions of a C++ source without parameters, compiled. Raises native.CompilerError."""
    import torch

    library = native.load(source)

    def run(numbers: Floats, format: Format, order: int) -> Floats:
        x = tensor(numbers, format)
        y, size, pointer = torch.empty_like(x), ctypes.c_int64(len(numbers)), ctypes.c_void_p
        if PIECED["native"][format.name] == "wide":
            rows = ctypes.c_int64(1), size, size, size, size
            places = pointer(x.data_ptr()), None, None, pointer(y.data_ptr())
            getattr(library, f"wide_{format.name}")(*places, *rows, order)
        else:
            getattr(library, f"plain_{format.name}")(pointer(x.data_ptr()), None, pointer(y.data_ptr()), size, order)
        return y.to(torch.float64).numpy()

    return run


def runs(
    module: ModuleType, activation: Activation, N: Any, eps: Any, paths: Iterable[str] = PLANS, device: str = "cpu"
) -> dict[str, Run]:
    """How each path is run, by name, for a kernel module that `emit` wrote. Raises ValueError for a bad parameter.

    On the CPU the paths through Triton need the module to have been loaded within `interpreted`, and what compiled code
    computes is run operation by operation. On a GPU it is compiled.
    """
    names = bind(activation, N, eps)
    if not names:
        pieced = {"torch": torch_run, "compiled": compiled_run}
        found = {path: run(module, activation.name, None, None) for path, run in pieced.items() if path in paths}
        return found | ({"triton": triton_run(module, None, None)} if "triton" in paths else {})
    fixed = {p.name for p in activation.parameters if p.fixed}
    value = Fraction(int(names["eps"].p), int(names["eps"].q))
    given = None if "eps" in fixed else value
    makers: Mapping[str, Callable[[], Run]] = {
        "torch": lambda: torch_run(module, activation.name, N, given),
        "compiled": lambda: (
            compiled_run(module, activation.name, N, given)
            if device == "cpu"
            else torch_run(module, activation.name, N, given, device, compiled=True)
        ),
        "triton": lambda: triton_run(module, N, value, device=device),
        "accurate": lambda: triton_run(module, N, value, accurate=True, device=device),
    }
    return {path: makers[path]() for path in paths}
