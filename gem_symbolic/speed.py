"""What a benchmark found, for readers: its table, its curves, and the part of the README. Standard library only."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gem_symbolic import limits
from gem_symbolic.definitions import VARIANTS
from gem_symbolic.limits import Row

#: How operators are called that are not ours.
NAMES = {
    "copy": "copying",
    "relu": "F.relu",
    "silu": "F.silu",
    "gelu": "F.gelu",
    "gelu_tanh": "F.gelu, tanh",
    "nothing": "a Function that does nothing",
    "silu_mul": "F.silu(x)*up",
    "liger_swiglu": "Liger's SwiGLU",
    "liger_geglu": "Liger's GEGLU",
}
#: What is ours, beside the title of its variant.
OURS = {
    "kernel": "{title}, N = {N}",
    "unaligned": "{title}, N = {N}, one element more",
    "glu": "{title}, N = {N}, gated",
    "formula": "{title}, N = {N}, typed in PyTorch",
}
#: Columns: mode and direction.
COLUMNS = {
    "forward": ("eager", "forward"),
    "backward": ("eager", "backward"),
    "both": ("eager", "both"),
    "compiled: forward": ("compiled", "forward"),
    "compiled: backward": ("compiled", "backward"),
    "compiled: both": ("compiled", "both"),
}
#: The size that tables are of, and the operators that the README shows.
SHOWN = {"cpu": 1 << 22, "cuda": 1 << 26}
IN_README = ("relu", "silu", "gelu", "gelu_tanh", "kernel", "formula")
TYPE = "float32"


def name(row: Row) -> str:
    """What a row is of, for a reader."""
    if row["variant"] is None:
        return NAMES[row["operator"]]
    return OURS[row["operator"]].format(title=VARIANTS[row["variant"]].title, N=row["N"])


def duration(seconds: float) -> str:
    """Three digits and a unit."""
    scale, unit = next(((s, u) for s, u in ((1, "s"), (1e-3, "ms")) if seconds >= s), (1e-6, "us"))
    return f"{seconds / scale:.3g} {unit}"


def elements(size: int) -> str:
    power = size.bit_length() - 1
    return f"2^{power}" + (f" + {size - (1 << power)}" if size > 1 << power else "")


def cell(row: Row, copy: Row, spread: bool) -> str:
    """A median, how far the quartiles are from it, and how many times as long as copying that is."""
    quartiles = row["seconds"]["high"] - row["seconds"]["low"]
    about = f" ±{quartiles / 2 / limits.median(row):.0%}" if spread else ""
    return f"{duration(limits.median(row))}{about} ({limits.median(row) / limits.median(copy):.3g})"


def table(rows: Sequence[Row], spread: bool = True) -> Iterator[list[str]]:
    """The rows of one point, copying among them, as lines of text: a head, then a line for each operator."""
    copy = next(row for row in rows if row["operator"] == "copy")
    yield ["", *COLUMNS]
    found = {(name(row), row["mode"], row["direction"]): row for row in rows}
    for title in dict.fromkeys(map(name, rows)):
        cells = (found.get((title, *column)) for column in COLUMNS.values())
        yield [title, *(cell(row, copy, spread) if row else "" for row in cells)]


def point(rows: Iterable[Row], dtype: str, size: int, threads: int | None) -> list[Row]:
    return [r for r in rows if (r["dtype"], r["size"], r["threads"]) == (dtype, size, threads)]


def caption(data: Mapping[str, Any], dtype: str, size: int, threads: int | None) -> str:
    """What a table shows, of what, where, and what is a ratio to what."""
    copy = next(r for r in point(data["rows"], dtype, size, threads) if r["operator"] == "copy")
    on = {None: "", 1: ", one thread"}.get(threads, f", {threads} threads")
    return (
        f"{dtype}, {elements(size)} elements{on}, on {data['machine']}: medians of {copy['runs']} runs, all in turn in "
        f"one process; in brackets, how many times as long as copying the tensor into another one"
    )


def curves(rows: Iterable[Row], mode: str, direction: str) -> dict[str, tuple[list[int], list[float]]]:
    """For each operator that the README shows, sizes (elements) and bandwidths (bytes a second); copying first.

    In float32, on one thread or on the GPU, and of each variant the largest N.
    """
    rows = [r for r in rows if r["dtype"] == TYPE and r["threads"] in (None, 1) and r["operator"] != "formula"]
    shown = [r for r in largest(rows) if (r["mode"], r["direction"]) == (mode, direction)]
    result: dict[str, tuple[list[int], list[float]]] = {}
    for row in sorted([*(r for r in rows if r["operator"] == "copy"), *shown], key=lambda r: r["size"]):
        xs, ys = result.setdefault(name(row), ([], []))
        xs.append(row["size"])
        ys.append(limits.bandwidth(row))
    return result


def largest(rows: Iterable[Row]) -> list[Row]:
    """What the README shows: of each variant the largest N only."""
    rows = [row for row in rows if row["operator"] in IN_README]
    top = max((row["N"] for row in rows if row["N"]), default=None)
    return [row for row in rows if row["N"] in (None, top)]


def verdict(verdict: limits.Verdict) -> list[str]:
    """A limit for a reader: what it is, the worst that was found, where, and how it ended."""
    says = verdict.limit.says.format(verdict.limit.bound)
    if verdict.row is None:
        return [says, "", "", "not measured"]
    worst = f"{name(verdict.row)}, {verdict.row['dtype']}, {elements(verdict.row['size'])}"
    return [says, f"{verdict.quotient:.3g}", worst, "met" if verdict.met else "missed"]


def section(root: Path) -> str:
    """The README's part on speed: for each device what is committed, or that there is nothing yet."""
    return "\n\n".join(part(root, device) for device in SHOWN)


def part(root: Path, device: str) -> str:
    path = root / "codegen" / f"bench-{device}.json"
    if not path.exists():
        return f"Speed on {'a GPU' if device == 'cuda' else 'the CPU'}: not measured yet."
    data = json.loads(path.read_text(encoding="utf-8"))
    where = TYPE, SHOWN[device], 1 if device == "cpu" else None
    shown = point(data["rows"], *where)
    head, *lines = table([r for r in shown if r["operator"] == "copy"] + largest(shown), spread=False)
    found = list(limits.judge(data["rows"], device))
    missed = [v.limit.says.format(f"{v.quotient:.3g} ({v.limit.bound})") for v in found if v.met is False]
    met = f"Limits met: {sum(v.met is True for v in found)} of {len(found)}"
    markdown = [head, ["---"] * len(head), *lines]
    return "\n".join(
        [
            *("| " + " | ".join(line) + " |" for line in markdown),
            "",
            f"({caption(data, *where)})",
            "",
            f"{met}{'; missed: ' if missed else ''}{'; '.join(missed)}.",
            "",
            f"![bandwidth against size](codegen/{path.with_suffix('.svg').name})",
        ]
    )
