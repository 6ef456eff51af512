"""The limits of speed that a benchmark is held to, as data, and the judgement of its rows. Standard library only.

A limit compares rows of the same run: those that `of` selects, each with the row beside it that differs as `than` says.
Where `of` gives several values for a field, any of them is meant.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
#: What a row is of. Beside it a row has {"seconds": {"median", "low", "high"}, "runs"}, low and high the quartiles.
FIELDS = ("operator", "variant", "N", "mode", "direction", "dtype", "size", "device", "threads")

#: The tensors that are read and written once, whatever is computed: by (gated, direction).
MOVED = {
    (False, "forward"): 2,
    (False, "backward"): 3,
    (False, "both"): 5,
    (True, "forward"): 3,
    (True, "backward"): 5,
    (True, "both"): 8,
}
GATED = {"glu", "silu_mul", "liger_swiglu", "liger_geglu"}
WIDTHS = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}  # bytes


def moved(row: Row) -> int:
    """The bytes that an operator moves at least. What a copy moves in that time is its bandwidth."""
    return MOVED[row["operator"] in GATED, row["direction"]] * WIDTHS[row["dtype"]] * row["size"]


def bandwidth(row: Row) -> float:
    """In bytes a second, by the median."""
    return moved(row) / median(row)


def median(row: Row) -> float:
    """In seconds."""
    return row["seconds"]["median"]


@dataclass(frozen=True)
class Limit:
    """A limit, `long` or `fast`: a quotient of times of at most `long`, or one of bandwidths of at least `fast`.

    `beside` seconds are taken off the time that is judged. `says` has a gap for the quotient.
    """

    says: str
    of: Mapping[str, Any]
    than: Mapping[str, Any]
    long: float | None = None
    fast: float | None = None
    beside: float = 0

    def quotient(self, row: Row, other: Row) -> float:
        return (median(row) - self.beside) / median(other) if self.long else bandwidth(row) / bandwidth(other)

    def excess(self, quotient: float) -> float:
        """How far beyond its limit a quotient is: more than 1 misses it."""
        return quotient / self.long if self.long else (self.fast or 0) / max(quotient, 1e-30)

    @property
    def bound(self) -> str:
        return f"at most {self.long:g}" if self.long else f"at least {self.fast:g}"


def alone(operator: str, **fields: Any) -> dict[str, Any]:
    """What has neither variant nor N."""
    return {"operator": operator, "variant": None, "N": None, **fields}


COPY = alone("copy", mode="eager", direction="forward")
CPU = {"operator": "kernel", "mode": "eager", "device": "cpu", "dtype": "float32", "size": 1 << 22, "threads": 1}
CUDA = {
    "operator": "kernel",
    "mode": "eager",
    "device": "cuda",
    "dtype": ("float16", "bfloat16", "float32"),
    "size": (1 << 26, 1 << 28),
}
FORWARD, BACKWARD, BOTH = ({"direction": name} for name in ("forward", "backward", "both"))
COMPILED = {"mode": "compiled"}
GLU = {"operator": "glu"}

FORMULA = {"operator": "formula"}
ODD, EVEN = {"operator": "unaligned", "size": (1 << 26) + 1}, {"operator": "kernel", "size": 1 << 26}
SMALL = {"size": 1 << 24}

LIMITS: Sequence[Limit] = (
    Limit("forward takes {} times as long as copying", CPU | FORWARD, COPY, long=2),
    Limit("forward takes {} times as long as F.gelu", CPU | FORWARD, alone("gelu"), long=1),
    Limit("compiled, forward takes {} times as long as copying", CPU | FORWARD | COMPILED, COPY, long=1.5),
    Limit("forward and backward take {} times as long as F.gelu's", CPU | BOTH, alone("gelu"), long=1),
    Limit("forward is {} times as fast as its formula in PyTorch", CPU | FORWARD, FORMULA, fast=10),
    Limit("forward and backward are {} times as fast as their formula in PyTorch", CPU | BOTH, FORMULA, fast=10),
    Limit(
        "a call with 16 elements, less 5 us, takes {} times as long as a Function that does nothing",
        CPU | FORWARD | {"size": 16},
        alone("nothing"),
        long=1,
        beside=5e-6,
    ),
    Limit("forward has {} of the bandwidth of copying", CUDA | FORWARD, COPY, fast=0.97),
    Limit("backward has {} of the bandwidth of copying", CUDA | BACKWARD, COPY, fast=0.93),
    Limit("at 2^24 forward has {} of the bandwidth of copying", CUDA | FORWARD | SMALL, COPY, fast=0.8),
    Limit("at 2^24 backward has {} of the bandwidth of copying", CUDA | BACKWARD | SMALL, COPY, fast=0.8),
    Limit("forward of 2^26 + 1 elements takes {} times as long as of 2^26", CUDA | FORWARD | ODD, EVEN, long=1.03),
    Limit("backward of 2^26 + 1 elements takes {} times as long as of 2^26", CUDA | BACKWARD | ODD, EVEN, long=1.03),
    Limit(
        "gated, forward takes {} times as long as Liger's SwiGLU",
        CUDA | FORWARD | GLU,
        alone("liger_swiglu"),
        long=1.03,
    ),
    Limit(
        "gated, forward takes {} times as long as Liger's GEGLU", CUDA | FORWARD | GLU, alone("liger_geglu"), long=1.03
    ),
    Limit("compiled, forward takes {} times as long as F.silu", CUDA | FORWARD | COMPILED, alone("silu"), long=1.03),
    Limit("compiled, backward takes {} times as long as F.silu", CUDA | BACKWARD | COMPILED, alone("silu"), long=1.03),
)


@dataclass(frozen=True)
class Verdict:
    """The worst row that a limit holds for, and the quotient there; None where a row is missing."""

    limit: Limit
    row: Row | None = None
    quotient: float | None = None

    @property
    def met(self) -> bool | None:
        return None if self.quotient is None else self.limit.excess(self.quotient) <= 1


def key(row: Row) -> tuple[Any, ...]:
    return tuple(row[field] for field in FIELDS)


def selected(row: Row, of: Mapping[str, Any]) -> bool:
    return all(row[field] in (value if isinstance(value, tuple) else (value,)) for field, value in of.items())


def judge(rows: Iterable[Row], device: str, limits: Iterable[Limit] = LIMITS) -> Iterator[Verdict]:
    """A verdict on each limit for the device."""
    known = {key(row): row for row in rows}
    for limit in limits:
        if limit.of["device"] != device:
            continue
        pairs = ((row, known.get(key({**row, **limit.than}))) for row in known.values() if selected(row, limit.of))
        found = [Verdict(limit, row, limit.quotient(row, other)) for row, other in pairs if other]
        yield max(found, key=lambda v: limit.excess(v.quotient or 0), default=Verdict(limit))
