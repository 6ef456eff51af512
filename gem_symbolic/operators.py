"""The Functions of the emitted files, extended: C++ on the CPU, forward mode, vmap, and tensors that are sharded.

The emitted files stand alone, and torch.compile takes their Functions as they are, which it would not with a jvp. In
eager mode these take their place: see EAGER there.
"""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from gem_symbolic import cpu, shards


def batched(function: Any, info: Any, in_dims: tuple[Any, ...], inputs: tuple[Any, ...], row: int | None = None) -> Any:
    """What vmap asks for: all tensors with the batch first, but for a `row`, an input that serves for all as it is."""
    ranks = [t.dim() - (d is not None) for t, d in zip(inputs, in_dims) if isinstance(t, torch.Tensor)]

    def first(k: int, t: Any, d: int | None) -> Any:
        if not isinstance(t, torch.Tensor) or (k == row and d is None):
            return t
        moved = t.unsqueeze(0).expand(info.batch_size, *t.shape) if d is None else t.movedim(d, 0)
        return moved.reshape(info.batch_size, *(max(ranks) + 1 - moved.dim()) * [1], *moved.shape[1:])

    return function.apply(*(first(k, t, d) for k, (t, d) in enumerate(zip(inputs, in_dims)))), 0


def made(gradient: Any, like: Any) -> Any:
    """A gradient or a tangent, zero where autograd passes none for a tensor: its own zeros would be no DTensors."""
    return torch.zeros_like(like) if gradient is None and like is not None else gradient


def extend(module: Any) -> None:
    """Puts Functions that can do more in the place of those of an emitted module."""
    source = Path(module.__file__).with_suffix(".cpp")
    halves: Callable[..., Any] = module._halves

    def f(x: Any, weight: Any, bias: Any, order: int, constants: Any) -> Any:
        """The derivative of that order at x + bias times the weight."""
        return Elementwise.apply(x, weight, bias, order, *constants)

    def wide(x: Any, tangent: Any) -> Any:
        """The tangent in the type that computes: what it is multiplied by is not rounded before."""
        return tangent.to(module._compute_type(x))

    class Elementwise(module._Elementwise):
        @staticmethod
        def forward(x: Any, g: Any, bias: Any, order: int, N: int, s: float, inv_s: float, pair: Any) -> Any:
            constants = order, N, s, inv_s, pair
            if shards.sharded(x):
                return shards.each(lambda x, g, bias: Elementwise.forward(x, g, bias, *constants), x, g, bias)
            if cpu.fits(x, g, bias) and (bias is None or bias.dim() == 1):
                y = cpu.derivative(source, x, g, bias, order, N, s, inv_s)
                if y is not None:
                    return y
            return module._Elementwise.forward(x, g, bias, *constants)

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            module._Elementwise.setup_context(ctx, inputs, output)
            ctx.save_for_forward(*inputs[:3])

        @staticmethod
        def jvp(ctx: Any, x_tangent: Any, g_tangent: Any, bias_tangent: Any, *_: Any) -> Any:
            x, g, bias = ctx.saved_tensors
            along = wide(x, x_tangent if bias is None else x_tangent + bias_tangent)
            tangent = f(x, along if g is None else along * g, bias, ctx.order + 1, ctx.constants)
            return tangent if g is None else tangent + f(x, g_tangent, bias, ctx.order, ctx.constants)

        @staticmethod
        def vmap(info: Any, in_dims: Any, *inputs: Any) -> Any:
            return batched(Elementwise, info, in_dims, inputs, row=2)

    class Gated(module._Gated):
        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            module._Gated.setup_context(ctx, inputs, output)
            ctx.save_for_forward(*inputs[:2])

        @staticmethod
        def jvp(ctx: Any, x_tangent: Any, up_tangent: Any, *_: Any) -> Any:
            x, up = ctx.saved_tensors
            gate, other = halves(x, up)
            a, b = halves(x_tangent, up_tangent)
            return f(gate, wide(x, a) * other, None, 1, ctx.constants) + f(gate, b, None, 0, ctx.constants)

        @staticmethod
        def vmap(info: Any, in_dims: Any, *inputs: Any) -> Any:
            return batched(Gated, info, in_dims, inputs)

    class Gradients(module._Gradients):
        @staticmethod
        def forward(x: Any, up: Any, w: Any, N: int, s: float, inv_s: float, pair: Any) -> Any:
            if shards.sharded(x):
                gate, other = halves(x, up)
                weights = (wide(x, w) * other, 1), (w, 0)
                grads = [Elementwise.forward(gate, g, None, order, N, s, inv_s, pair) for g, order in weights]
                return torch.cat(grads, -1) if up is None else tuple(grads)
            if cpu.fits(x, up, w):
                grads = cpu.both(source, x, up, w, N, s, inv_s)
                if grads is not None:
                    return grads
            return module._Gradients.forward(x, up, w, N, s, inv_s, pair)

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            module._Gradients.setup_context(ctx, inputs, output)
            ctx.save_for_forward(*inputs[:3])
            ctx.set_materialize_grads(False)

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            x, *_ = ctx.saved_tensors
            return module._Gradients.backward(ctx, *(made(grad, x) for grad in grads))

        @staticmethod
        def jvp(ctx: Any, x_tangent: Any, up_tangent: Any, w_tangent: Any, *_: Any) -> Any:
            x, up, w = ctx.saved_tensors
            gate, other = halves(x, up)
            a, b = halves(made(x_tangent, x), made(up_tangent, up))
            a, w_tangent = wide(x, a), wide(x, made(w_tangent, w))
            of_gate = f(gate, a * w * other, None, 2, ctx.constants)
            of_gate = of_gate + f(gate, wide(x, b) * w + w_tangent * other, None, 1, ctx.constants)
            of_up = f(gate, a * w, None, 1, ctx.constants) + f(gate, w_tangent, None, 0, ctx.constants)
            return torch.cat((of_gate, of_up), -1) if up is None else (of_gate, of_up)

        @staticmethod
        def vmap(info: Any, in_dims: Any, *inputs: Any) -> Any:
            return batched(Gradients, info, in_dims, inputs)

    functions = {"elementwise": Elementwise, "gated": Gated, "gradients": Gradients}
    for function in functions.values():
        # `apply` asks for the signature in every call, and to find it takes longer than all else that is done there.
        function.forward.__signature__ = inspect.signature(function.forward)
    module.EAGER |= functions
