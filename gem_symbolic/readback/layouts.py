"""The functions of `layout` that kernel files carry verbatim, by what they promise."""

from typing import Any

from gem_symbolic.readback.numbers import Refused
from gem_symbolic.readback.tensors import empty
from gem_symbolic.readback.values import INTEGER, Layout, Packed, Rows, Scalar, Shape, Tensor

Seen = tuple[Any, tuple[Any, ...], tuple[Any, ...]]


def matrices(m: Any, columns: Any, first: Any, *others: Any) -> Seen:
    """The tensors as rows, each with a stride of its own; without columns, rows of whichever length."""
    if not isinstance(first, Tensor) or any(t is not None and t.value is None for t in others):
        raise Refused("what a kernel writes would not be written where it is expected")
    by_row = columns is not None
    if first.layout is not Layout.CONTIGUOUS and (by_row or first.layout is not Layout.DENSE):
        raise Refused("what a kernel writes cannot be seen as rows")
    if by_row and (not isinstance(columns, Scalar) or (columns.value,) != first.shape.sizes[-1:]):
        raise Refused("rows of another length than the last dimension")
    return seen(m, by_row, (first, *others))


def seen(m: Any, by_row: bool, tensors: tuple[Any, ...]) -> Seen:
    """(columns, tensors, strides) of tensors of one shape, all of which lie so that it can be done."""
    if any(t is not None and (not isinstance(t, Tensor) or t.shape != tensors[0].shape) for t in tensors):
        raise Refused("a kernel gets tensors of different shapes")
    if m.world.empty:
        return 0, tensors, (0,) * len(tensors)
    gens = m.numbers.algebra.gens
    pieces = m.numbers.algebra.number(1) if m.world.single else gens["pieces"]
    shape = Shape(tensors[0].shape.sizes if by_row else (pieces, gens["length"]))
    strides = [gens[f"stride{k}"] for k in range(len(tensors))]
    rows = tuple(t if t is None else Rows(t, stride, shape) for t, stride in zip(tensors, strides))
    steps = tuple(0 if t is None else Scalar(stride, INTEGER) for t, stride in zip(tensors, strides))
    return Scalar(shape.sizes[-1], INTEGER), rows, steps


def gradients(m: Any, x: Any, up: Any, w: Tensor) -> tuple[Any, Any, Any, Any]:
    """(gradients, columns, tensors, strides): two new tensors, or one that holds both halves as x does."""
    inputs = (x, up) if isinstance(x, Tensor) and isinstance(up, Tensor) else None
    if isinstance(x, Packed) and up is None:
        inputs = x.left, x.right
    if inputs is None:
        raise Refused("neither two tensors nor one that holds both")
    left, right = (empty(t.shape, inputs[0]) for t in inputs)
    grads = Packed(left, right) if up is None else (left, right)
    return grads, *seen(m, up is None, (left, right, *inputs, w))
