"""The C++ kernels on tensors of the CPU: compiled on first use, run by as many threads as PyTorch is told to use."""

import ctypes
import functools
import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch

from gem_symbolic import native
from gem_symbolic.layout import gradients, matrices

#: The types that the kernels take, by their names in C++.
TYPES = {torch.float16: "binary16", torch.bfloat16: "bfloat16", torch.float32: "binary32"}
#: The classes of tensors that are no more than their numbers.
PLAIN = (torch.Tensor, torch.nn.Parameter)
#: A thread gets so many numbers at least, as in PyTorch.
GRAIN = 1 << 15

POINTER, INTEGER, NUMBER = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double
VALUE = (*4 * [POINTER], *5 * [INTEGER], ctypes.c_int, NUMBER, NUMBER)
GRADIENTS = (*5 * [POINTER], *7 * [INTEGER], NUMBER, NUMBER)


@functools.cache
def missing(why: str) -> None:
    """Says once that there are no C++ kernels."""
    warnings.warn(
        f"on the CPU the activations run as plain PyTorch, several times slower: {why}", RuntimeWarning, stacklevel=2
    )


@functools.cache
def function(source: Path, N: int, name: str, types: Sequence[Any]) -> Any:
    """A function of the compiled source for that N; None, with a warning, where it cannot be compiled."""
    try:
        found = getattr(native.load(source.read_text(encoding="utf-8"), {"GEM_N": N}), name)
    except (native.CompilerError, OSError) as error:
        return missing(str(error))
    found.argtypes = types
    return found


def fits(x: Any, *others: Any) -> bool:
    """Whether the kernels take these tensors, of which those but the first may be None.

    They must be no more than their numbers, of one narrow type, and in the memory of the CPU, where there is some: a
    tensor of zeros that autograd made has none.
    """
    return x.dtype in TYPES and all(
        t is None or (type(t) in PLAIN and t.is_cpu and t.dtype == x.dtype and (t.data_ptr() != 0 or t.numel() == 0))
        for t in (x, *others)
    )


@functools.cache
def pool(threads: int) -> ThreadPoolExecutor:
    """The threads beside the calling one."""
    return ThreadPoolExecutor(threads - 1, thread_name_prefix="gem_symbolic")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=pool.cache_clear)  # a child has none of its parent's threads


def pieces(rows: int, columns: int, parts: int) -> Iterator[tuple[int, int, int, int]]:
    """Parts of a matrix that cover it, as (row, rows, column, columns): some rows each, or some columns."""
    length = rows if rows >= parts else columns
    for k in range(parts):
        start, stop = length * k // parts, length * (k + 1) // parts
        yield (start, stop - start, 0, columns) if rows >= parts else (0, rows, start, stop - start)


def run(function: Any, columns: int, tensors: Sequence[Any], strides: Sequence[int], *rest: Any) -> None:
    """function(addresses..., rows, columns, *rest) for matrices of one type, the last of which is written.

    A stride of 0 stands for one row that serves for all; a tensor may be None.
    """
    last = tensors[-1]
    size, rows = last.element_size(), last.numel() // columns
    bases = [None if t is None else t.data_ptr() for t in tensors]

    def call(row: int, rows: int, column: int, columns: int) -> None:
        places = (None if b is None else b + (row * s + column) * size for b, s in zip(bases, strides))
        function(*places, rows, columns, *rest)

    parts = min(torch.get_num_threads(), last.numel() // GRAIN)
    if parts < 2:
        function(*bases, rows, columns, *rest)
        return
    own, *others = pieces(rows, columns, parts)
    started = [pool(parts).submit(call, *piece) for piece in others]
    call(*own)
    for task in started:
        task.result()


def derivative(source: Path, x: Any, g: Any, bias: Any, order: int, N: int, s: float, inv_s: float) -> Any:
    """g f^(order)(x + bias) as the emitted Functions give it, in tensors that fit; None where there is no compiler."""
    called = function(source, N, f"wide_{TYPES[x.dtype]}", VALUE)
    if called is None:
        return None
    y = torch.empty_like(x) if bias is None else x.new_empty(x.shape)
    if x.numel():
        columns, (y_rows, x_rows, g_rows), (a, b, c) = matrices(None if bias is None else x.shape[-1], y, x, g)
        bias = bias if bias is None else bias.contiguous()
        run(called, columns, (x_rows, bias, g_rows, y_rows), (b, 0, c, a), b, c, a, order, s, inv_s)
    return y


def both(source: Path, x: Any, up: Any, w: Any, N: int, s: float, inv_s: float) -> Any:
    """The gradients of w f(x) up as the emitted Functions give them, in tensors that fit; None without a compiler."""
    called = function(source, N, f"wide_gradients_{TYPES[x.dtype]}", GRADIENTS)
    if called is None:
        return None
    grads, columns, (x_grad, up_grad, gate, other, weight), (a, b, c, d, e) = gradients(x, up, w)
    if w.numel():
        run(called, columns, (gate, other, weight, x_grad, up_grad), (c, d, e, a, b), c, d, e, a, b, s, inv_s)
    return grads
