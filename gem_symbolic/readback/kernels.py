"""The launch of a Triton kernel over rows, seen at one lane of one block: where it reads and writes.

Program row * blocks + index takes the lanes of block `index` of that row. Each lane must touch no element but its own,
that of its row and column in each tensor, and none beyond the last column.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gem_symbolic.readback.elements import to
from gem_symbolic.readback.numbers import Refused
from gem_symbolic.readback.values import (
    BOOL,
    INT32,
    INT64,
    INTEGER,
    Launch,
    Layout,
    Pointer,
    Rows,
    Scalar,
    Shape,
    Tensor,
    Type,
)

LAUNCH_OPTIONS = {"num_warps", "num_stages", "enable_fp_fusion"}


@dataclass(frozen=True)
class Grid:
    """Of a launch, the lanes of a block, the columns and the number of blocks that cover them; the place looked at."""

    block: int
    columns: Any
    blocks: Any
    row: Any
    index: Any

    def column(self, lane: Any) -> Any:
        return self.index * self.block + lane


def cdiv(m: Any, size: Scalar, block: int) -> Scalar:
    """The number of blocks of that many elements that cover a size: a symbol for each such pair."""
    gens = m.numbers.algebra.gens
    for known, symbol in m.covers:
        if known == (size.value, block):
            return Scalar(symbol, INTEGER)
    symbol = gens[f"blocks{len(m.covers)}"]
    m.covers.append(((size.value, block), symbol))
    return Scalar(symbol, INTEGER)


def launch(m: Any, kernel: Launch, args: tuple[Any, ...], options: Mapping[str, Any]) -> None:
    """One element of each tensor: a lane of a block, in the machine's world before, at or beyond the end of a row."""
    if unknown := options.keys() - LAUNCH_OPTIONS:
        raise Refused(f"an unknown option {', '.join(unknown)}")
    if options.get("enable_fp_fusion") is not False:
        raise Refused("fusing of multiplication and addition is not off")
    grid = covering(m, kernel.grid, [a.shape for a in args if isinstance(a, Rows)])
    room, active = m.world.lane
    left = grid.columns - grid.column(m.numbers.algebra.number(0))
    facts = ((left - grid.block, room), (left - m.numbers.algebra.gens["lane"], active))
    within = replace(m.numbers, facts=(*m.numbers.facts, *facts))
    given = [
        argument(m, a, name in kernel.function.constexprs)
        for name, a in zip(kernel.function.parameters, args, strict=True)
    ]
    replace(m, numbers=within, jit=True, grid=grid).call(kernel.function, given)


def covering(m: Any, grid: Any, shapes: list[Shape]) -> Grid:
    """The grid, which must have one program for each block of each row of the tensors of one `matrices`."""
    gens = m.numbers.algebra.gens
    if not shapes or any(shape is not shapes[0] for shape in shapes):
        raise Refused("a kernel gets tensors that are not seen as rows together")
    rows, columns = shapes[0].sizes
    match grid:
        case (Scalar(value=programs),):
            for (size, block), blocks in m.covers:
                if size == columns and programs == rows * blocks:
                    return Grid(block, columns, blocks, gens["row"], gens["block"])
    raise Refused("the grid is not the number of blocks that cover the rows")


def argument(m: Any, value: Any, constant: bool) -> Any:
    """What a kernel gets: for a tensor a pointer, for an integer one of perhaps 32 bits unless it is compiled in."""
    match value:
        case Rows(tensor=tensor):
            return Pointer(tensor, value, m.numbers.algebra.number(0))
        case Tensor():
            return Pointer(value, None, m.numbers.algebra.number(0))
        case Scalar(type=kind) if kind == INTEGER and not constant:
            return replace(value, type=INT32)
    return value


def place(m: Any, pointer: Pointer, mask: Tensor | None) -> bool:
    """Whether the element is there and not masked. Raises Refused where it is not the lane's own, or out of bounds."""
    if m.grid is None:
        raise Refused("memory is read outside a kernel")
    own = m.grid.column(m.numbers.algebra.gens["lane"])
    if pointer.rows is not None:
        own = m.grid.row * pointer.rows.stride + own
    elif pointer.tensor.shape != Shape((m.grid.columns,)) or pointer.tensor.layout is not Layout.CONTIGUOUS:
        raise Refused("the tensor is not one row without gaps")
    if pointer.offset != own:
        raise Refused(f"element {pointer.offset} is not the one of this lane, {own}")
    if mask is not None and mask.type != BOOL:
        raise Refused("the mask is no tensor of truth values")
    allowed = mask is None or bool(mask.known)
    if allowed and m.world.lane[1] <= 0:
        raise Refused("an element beyond the end of a row is touched")
    return allowed


def load(m: Any, pointer: Pointer, mask: Tensor | None = None) -> Tensor:
    place(m, pointer, mask)
    known = pointer.tensor.known
    return replace(pointer.tensor, value=known, home="triton", shape=Shape(), layout=Layout.CONTIGUOUS, node=None)


def store(m: Any, pointer: Pointer, value: Tensor, mask: Tensor | None = None) -> None:
    if place(m, pointer, mask):
        if pointer.tensor.value is not None:
            raise Refused("an element is written over")
        converted = to(m, value, pointer.tensor.type)
        pointer.tensor.value, pointer.tensor.bits = converted.known, converted.bits
        pointer.tensor.rounded = converted.rounded


def program_id(m: Any, axis: int) -> Scalar:
    if axis != 0:
        raise Refused("the grid has one axis")
    return Scalar(m.grid.row * m.grid.blocks + m.grid.index, INT32)


def arange(m: Any, start: int, stop: int) -> Tensor:
    if (start, stop) != (0, m.grid.block):
        raise Refused("the lanes are not those of the grid's blocks")
    return Tensor(m.numbers.algebra.gens["lane"], INT32, home="triton")


def widened(m: Any, a: Scalar, kind: Type) -> Scalar:
    """An integer of a kernel in another type."""
    if a.type != INT32 or kind != INT64:
        raise Refused(f"{a.type} is converted to {kind}")
    return replace(a, type=kind)
