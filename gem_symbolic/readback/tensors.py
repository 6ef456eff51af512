"""What PyTorch does with whole tensors: their shapes, halves and copies, and the Functions of autograd."""

import math
from dataclasses import replace
from typing import Any

from gem_symbolic.readback.numbers import Refused
from gem_symbolic.readback.values import (
    INTEGER,
    Class,
    Layout,
    Library,
    Node,
    Packed,
    Rows,
    Scalar,
    Shape,
    Tensor,
)

ROW_BY_ROW = Library("torch.contiguous_format")
PARAMETER = "torch.nn.Parameter"


def empty(shape: Shape, like: Tensor, layout: Layout = Layout.CONTIGUOUS) -> Tensor:
    """Not yet written."""
    return Tensor(None, like.type, like.home, like.device, shape, layout)


def empty_like(m: Any, a: Tensor, memory_format: Library | None = None) -> Tensor:
    """Not yet written; laid out as `a` where that is dense, unless it is to be row by row."""
    if memory_format not in (None, ROW_BY_ROW):
        raise Refused("an unknown layout")
    by_row = memory_format == ROW_BY_ROW or a.layout is Layout.CONTIGUOUS
    return empty(a.shape, a, Layout.CONTIGUOUS if by_row else Layout.DENSE)


def contiguous(m: Any, a: Tensor) -> Tensor:
    return replace(a, layout=Layout.CONTIGUOUS, node=None)


def numel(m: Any, a: Tensor | Rows) -> Scalar:
    sizes = [m.numbers.algebra.number(0)] if m.world.empty else a.shape.sizes
    return Scalar(math.prod(sizes, start=m.numbers.algebra.number(1)), INTEGER)


def dim(m: Any, a: Tensor | Packed) -> Any:
    """How many dimensions there are: at least one where all but the last are taken as one size."""
    few = len(a.shape.sizes)
    return few if few < 2 else Scalar(m.numbers.algebra.gens["dimensions"], INTEGER)


def size(shape: Shape, index: Any) -> Any:
    """shape[-1], or shape[-1:]."""
    if index == slice(-1, None):
        return Shape(shape.sizes[-1:])
    if index != -1 or not shape.sizes:
        raise Refused("of a shape only the last size is known")
    return Scalar(shape.sizes[-1], INTEGER)


def chunk(m: Any, a: Packed, parts: int, along: int) -> tuple[Tensor, Tensor]:
    if (parts, along) != (2, -1):
        raise Refused("a tensor is split otherwise than in halves of its last dimension")
    return a.left, a.right


def cat(m: Any, parts: tuple[Tensor, ...], along: int) -> Packed:
    """Two tensors as halves of the last dimension of one."""
    if len(parts) != 2 or along != -1:
        raise Refused("what is put together are not two halves of a last dimension")
    left, right = parts
    if left.shape != right.shape or left.type != right.type or not left.shape.sizes:
        raise Refused("what is put together are not two halves of a last dimension")
    return Packed(replace(left, value=left.known, node=None), replace(right, value=right.known, node=None))


def sum_to_size(m: Any, a: Tensor, shape: Shape) -> Tensor:
    """The sum over all dimensions that the shape lacks; the symbol `total` stands for the sum over all but the last."""
    if shape == a.shape:
        return replace(a, node=None)
    if shape.sizes != a.shape.sizes[-1:]:
        raise Refused("a sum over other dimensions than all but the last")
    value = a.value if a.value is None else a.value * m.numbers.algebra.gens["total"]
    return replace(a, value=value, shape=shape, layout=Layout.CONTIGUOUS, node=None)


def view_as(m: Any, a: Tensor, other: Tensor) -> Tensor:
    """The tensor itself: a view in the same shape holds the same numbers."""
    if a.shape != other.shape:
        raise Refused("a view in another shape")
    return a


def kind_of(m: Any, value: Any) -> Library:
    """type(x), for a tensor of a call."""
    return Library(value.kind)


def apply(m: Any, function: Class, *inputs: Any) -> Any:
    """As autograd applies a Function: its forward, remembering the inputs for the backward.

    Compiled code must not depend on a table that may hold other Functions, and all other code must look there.
    """
    if function.tabled == bool(m.world.compiled):
        raise Refused("this Function is not the one for code that is " + ("compiled" if m.world.compiled else "eager"))
    output = m.call(function.methods["forward"], inputs)
    node = Node(function, inputs, output)
    match output:
        case Tensor() | Packed():
            return replace(output, node=node)
        case tuple() if output and all(isinstance(part, Tensor) for part in output):
            return tuple(replace(part, node=node) for part in output)
    raise Refused("the forward gives no tensor")
