"""The launch of a Triton kernel over rows, seen at one lane of one block: where it reads and writes.

Program (index, row) takes the lanes of block `index` of that row. Each lane must touch no element but its own, that of
its row and column in each tensor, and none beyond the last column.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
    Part,
    Pointer,
    Rows,
    Scalar,
    Shape,
    Tensor,
    Type,
)

LAUNCH_OPTIONS = {"num_warps", "num_stages", "enable_fp_fusion"}


#: How many rows a grid has room for, as its second axis.
ROOM = 65535


@dataclass(frozen=True)
class Grid:
    """Of a launch, the lanes of a block, the columns, and the row and block that are looked at."""

    block: int
    columns: Any
    row: Any
    index: Any

    def column(self, lane: Any) -> Any:
        return self.index * self.block + lane


@dataclass(eq=False)
class Counts:
    """The symbols that stand for numbers of a launch: how many blocks cover a size; the parts that rows are cut in."""

    blocks: list[tuple[Any, int, Any]] = field(default_factory=list)  # size, lanes of a block, their number
    parts: list[Part] = field(default_factory=list)


def cdiv(m: Any, size: Scalar, block: int) -> Scalar:
    """The number of blocks of that many elements that cover a size."""
    for known, lanes, symbol in m.counts.blocks:
        if known == size.value and lanes == block:
            return Scalar(symbol, INTEGER)
    symbol = m.numbers.algebra.gens[f"blocks{len(m.counts.blocks)}"]
    m.counts.blocks.append((size.value, block, symbol))
    return Scalar(symbol, INTEGER)


def steps(m: Any, *given: Any) -> Any:
    """range(...); through rows that need several steps it is seen at one of them, that of the row looked at."""
    if all(type(a) is int for a in given):
        return range(*given)
    match given:
        case (0, Scalar(type=kind) as stop, int(step)) if kind == INTEGER and step > 0:
            pass
        case _:
            raise Refused("it is not known what is run through")
    if m.numbers.sign(stop.value) > 0 and m.numbers.sign(stop.value - step) <= 0:
        return (0,)
    for part in m.counts.parts:
        if part.rows == stop.value and part.step == step:
            return (Scalar(part.first, INTEGER),)
    first, count = (m.numbers.algebra.gens[f"{name}{len(m.counts.parts)}"] for name in ("first", "count"))
    m.counts.parts.append(Part(stop.value, step, first, count))
    return (Scalar(first, INTEGER),)


def least(m: Any, a: Any, b: Any) -> Any:
    """min(a, b) of numbers of rows."""
    for part in m.counts.parts:
        if a.value == part.rows - part.first and b == part.step:
            return Scalar(part.count, INTEGER)
    return a if m.numbers.sign(a.value - b) <= 0 else b


def cut(m: Any, rows: Rows, along: slice) -> Rows:
    """A part of the rows, which must be what one step takes."""
    for part in m.counts.parts:
        ends = along.start.value == part.first and along.stop.value == part.first + part.step
        if rows.part is None and part.rows == rows.shape.sizes[0] and ends:
            return replace(rows, part=part)
    raise Refused("these are not the rows of a step")


def launch(m: Any, kernel: Launch, args: tuple[Any, ...], options: Mapping[str, Any]) -> None:
    """One element of each tensor: a lane of a block, in the machine's world before, at or beyond the end of a row."""
    if unknown := options.keys() - LAUNCH_OPTIONS:
        raise Refused(f"an unknown option {', '.join(sorted(unknown))}")
    if options.get("enable_fp_fusion") is not False:
        raise Refused("fusing of multiplication and addition is not off")
    grid = covering(m, kernel.grid, [a for a in args if isinstance(a, Rows)])
    room, active = m.world.lane
    left = grid.columns - grid.column(m.numbers.algebra.number(0))
    facts = ((left - grid.block, room), (left - m.numbers.algebra.gens["lane"], active))
    within = replace(m.numbers, facts=(*m.numbers.facts, *facts))
    names = kernel.function.parameters
    if len(names) != len(args):
        raise Refused("a kernel does not get what it takes")
    given = [argument(m, a, name in kernel.function.constexprs) for name, a in zip(names, args)]
    replace(m, numbers=within, jit=True, grid=grid).call(kernel.function, given)


def covering(m: Any, grid: Any, tensors: list[Rows]) -> Grid:
    """The grid, which must have one program for each block of each row of tensors that are seen as rows together."""
    gens = m.numbers.algebra.gens
    if not tensors or any(t.shape is not tensors[0].shape or t.part is not tensors[0].part for t in tensors):
        raise Refused("a kernel gets tensors that are not seen as rows together")
    rows, columns = tensors[0].shape.sizes
    if tensors[0].part is not None:
        rows = tensors[0].part.count
    elif m.numbers.sign(rows - ROOM) > 0:
        raise Refused("a grid has no room for so many rows")
    match grid:
        case (Scalar(value=blocks), Scalar(value=programs)) if programs == rows:
            for size, block, symbol in m.counts.blocks:
                if size == columns and symbol == blocks:
                    return Grid(block, columns, gens["row"] if rows != 1 else rows - 1, gens["block"])
    raise Refused("the grid is not the blocks that cover a row, and the rows")


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
    if axis not in (0, 1):
        raise Refused("the grid has two axes")
    return Scalar(m.grid.row if axis else m.grid.index, INT32)


def arange(m: Any, start: int, stop: int) -> Tensor:
    if (start, stop) != (0, m.grid.block):
        raise Refused("the lanes are not those of the grid's blocks")
    return Tensor(m.numbers.algebra.gens["lane"], INT32, home="triton")


def widened(m: Any, a: Scalar, kind: Type) -> Scalar:
    """An integer of a kernel in another type."""
    if a.type != INT32 or kind != INT64:
        raise Refused(f"{a.type} is converted to {kind}")
    return replace(a, type=kind)
