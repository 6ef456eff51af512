"""What is raced: the kernels and what they are compared with, as a table; and the calls that are timed.

The kernels are called as a training script calls them. The *formula* is the text of the definition evaluated by
autograd, as somebody would type it who has no kernel. *nothing* is a torch.autograd.Function of the kernels' form that
computes nothing. Liger's gated units run on a GPU only.
"""

import importlib
import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import FunctionType
from typing import Any

import torch
import torch._functorch.config
import torch.nn.functional as F
from torch.autograd.graph import get_gradient_edge

from gem_symbolic import functional, nn
from gem_symbolic.branches import branch_values, partition, split_parameters
from gem_symbolic.definitions import VARIANTS, Activation

#: The ends of the grid that accuracy is measured on, and the parameter of those that have one.
NS = (1, 4)
EPS = 1e-4
COLUMNS = 4096  # of the matrices that gated units take
DIRECTIONS = ("forward", "backward", "both")
#: Sizes (elements) of contenders that are of interest at one size only.
CALL, SPEEDUP = 16, 1 << 22
#: The sizes, by device, at which the kernels also take one element more, and so have no full last block.
UNALIGNED = {"cpu": (), "cuda": (1 << 26,)}

Tensors = Sequence[torch.Tensor]


@dataclass(frozen=True)
class Point:
    """What a race has in common. `threads` is None on a GPU."""

    device: str
    dtype: str
    size: int
    threads: int | None


@dataclass(frozen=True)
class Contender:
    """A function of so many tensors, in eager mode, and what torch.compile is given, if anything."""

    operator: str
    eager: Callable[..., torch.Tensor]
    compiled: Callable[..., torch.Tensor] | None = None
    variant: str | None = None
    N: int | None = None
    inputs: int = 1
    directions: Sequence[str] = DIRECTIONS
    sizes: Sequence[int] | None = None  # None: any
    more: int = 0  # elements beside the size of the point
    overwrites: bool = False  # backward writes the gradients over the inputs

    def modes(self) -> Iterator[tuple[str, Callable[..., torch.Tensor]]]:
        yield "eager", self.eager
        if self.compiled:
            yield "compiled", torch.compile(apart(self.compiled), fullgraph=True)


def apart(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """The function with code of its own: what is compiled for one contender is not looked through for another."""

    def call(*inputs: torch.Tensor) -> torch.Tensor:
        return function(*inputs)

    return FunctionType(call.__code__.replace(), call.__globals__, "call", None, call.__closure__)


class Copy:
    """Copies into a tensor that is there already: the least that an operator does, less the memory it asks for."""

    def __init__(self) -> None:
        self.out: torch.Tensor | None = None

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        if self.out is None:
            self.out = torch.empty_like(x)
        return self.out.copy_(x)


class Nothing(torch.autograd.Function):
    """A Function that takes and keeps what the kernels' Function does, and computes nothing."""

    @staticmethod
    def forward(x, g, bias, order, N, s, inv_s, pair):
        return torch.empty_like(x)

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, g, bias, ctx.order, *ctx.constants = inputs
        ctx.save_for_backward(x, g, bias)

    @staticmethod
    def backward(ctx, grad):
        return grad, None, None, None, None, None, None, None


def formula(activation: Activation, N: int, eps: float, x: torch.Tensor) -> torch.Tensor:
    """The definition's text, evaluated in PyTorch: every branch everywhere, chosen by torch.where."""
    integer, (real,) = split_parameters(activation)
    names = {"x": x, integer.name: N, real.name: float(real.fixed or eps)}
    values = branch_values(activation, names)
    result = values[-1]
    for interval, value in reversed(list(zip(partition(activation)[:-1], values))):
        bound = float(interval.high or 0)
        result = torch.where(x <= bound if interval.high_closed else x < bound, value, result)
    return result


def silu_mul(x: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
    return F.silu(x) * up


torch._functorch.config.donated_buffer = False  # a compiled backward may run again: it is timed with its graph kept

TORCH: Mapping[str, Callable[..., torch.Tensor]] = {
    "relu": F.relu,
    "silu": F.silu,
    "gelu": F.gelu,
    "gelu_tanh": partial(F.gelu, approximate="tanh"),
}
#: Liger's gated units: operator -> module and Function. Their backward writes over its inputs.
LIGER = {
    "liger_swiglu": ("liger_kernel.ops.swiglu", "LigerSiLUMulFunction"),
    "liger_geglu": ("liger_kernel.ops.geglu", "LigerGELUMulFunction"),
}


def ours(activation: Activation, N: int, device: str) -> Iterator[Contender]:
    """The kernels of an activation, and its formula."""
    name = activation.name
    given: dict[str, Any] = {"N": N} | {p.name: EPS for p in split_parameters(activation)[1] if not p.fixed}
    plain, gated = (partial(getattr(functional, name + suffix), **given) for suffix in ("", "_glu"))
    module, gated_module = (getattr(nn, name.upper() + suffix)(**given) for suffix in ("", "GLU"))
    yield Contender("kernel", plain, module, name, N)
    yield Contender("unaligned", plain, None, name, N, sizes=UNALIGNED[device], more=1)
    yield Contender("glu", gated, gated_module, name, N, inputs=2)
    yield Contender("formula", partial(formula, activation, N, EPS), None, name, N, sizes=(SPEEDUP,))


def contenders(device: str) -> Iterator[Contender]:
    """Everything that is raced on a device, copy first."""
    yield Contender("copy", Copy(), directions=("forward",))
    for operator, function in TORCH.items():
        yield Contender(operator, function, function)
    constants = (None, None, 0, 1, 1.0, 1.0, (None,) * 4)
    yield Contender("nothing", lambda x: Nothing.apply(x, *constants), sizes=(CALL,))
    yield Contender("silu_mul", silu_mul, silu_mul, inputs=2)
    if device == "cuda" and importlib.util.find_spec("liger_kernel"):
        for operator, (module, function) in LIGER.items():
            apply = getattr(importlib.import_module(module), function).apply
            yield Contender(operator, apply, inputs=2, overwrites=True)
    for activation in VARIANTS.values():
        if activation.emitted:
            for N in NS:
                yield from ours(activation, N, device)


def tensors(point: Point, contender: Contender) -> tuple[Tensors, torch.Tensor]:
    """The inputs, normally distributed, and a gradient; of gated units all are matrices."""
    size, device = point.size + contender.more, torch.device(point.device)
    draw = partial(torch.randn, size, generator=torch.Generator(device).manual_seed(0), device=device)
    shape = (-1, min(size, COLUMNS)) if contender.inputs > 1 else (size,)
    *inputs, grad = (draw().to(getattr(torch, point.dtype)).view(shape) for _ in range(contender.inputs + 1))
    return inputs, grad


def call(function: Callable[..., torch.Tensor], direction: str, inputs: Tensors, grad: torch.Tensor) -> Any:
    """What is timed in a direction. Backward has its graph ready, and keeps it."""
    if direction == "forward":
        return partial(function, *inputs)
    leaves = [x.detach().requires_grad_() for x in inputs]
    if direction == "both":
        return lambda: torch.autograd.grad(function(*leaves), leaves, grad)
    edge = get_gradient_edge(function(*leaves))  # without the result, which may be as large as the input
    return lambda: torch.autograd.grad(edge, leaves, grad, retain_graph=True)


def calls(point: Point) -> dict[tuple[Any, ...], Any]:
    """The calls of a point, by the values of `limits.FIELDS`. Contenders share their inputs where they can."""
    found: dict[tuple[Any, ...], Any] = {}
    shared: dict[tuple[Any, ...], tuple[Tensors, torch.Tensor]] = {}
    for c in contenders(point.device):
        if c.sizes is not None and point.size not in c.sizes:
            continue
        form = c.inputs, c.more, c.operator if c.overwrites else None
        if form not in shared:
            shared[form] = tensors(point, c)
        for mode, function in c.modes():
            for direction in c.directions:
                where = point.dtype, point.size + c.more, point.device, point.threads
                found[c.operator, c.variant, c.N, mode, direction, *where] = call(function, direction, *shared[form])
    return found
