"""`python -m gem_symbolic.bench` measures how fast the kernels are, beside what they are compared with.

Copying into a tensor that is there, F.relu, F.silu, both F.gelu, the definition's formula typed in PyTorch, gated
units, and on a GPU Liger's where it is installed; forward, backward and both, eager and compiled. What has size, type
and threads in common is timed in turn in one process. It prints medians, how far the quartiles are from them, and in
brackets the ratio to copying, then each limit of speed as met or missed. With --json it writes every figure after every
point, draws bandwidth against size beside it, as FILE with .svg, and goes on where an interrupted run stopped.
"""

import argparse
import json
import math
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gem_symbolic import files, limits, speed
from gem_symbolic.machine import DeviceError, machine

if TYPE_CHECKING:
    from gem_symbolic.contenders import Point

SCHEMA = 1
OK, MISSED, USAGE, MISSING, INTERRUPTED = 0, 1, 2, 3, 130
WIDTH = 180  # of a line in a pipe
#: Sizes (elements) by device and type: powers of 4. On the CPU the 16 are for what a call costs.
FEW = [1 << 18, 1 << 22, 1 << 26]
SIZES = {
    "cpu": {"float32": [16, *(4**k for k in range(5, 14))], "float64": FEW, "float16": FEW, "bfloat16": FEW},
    "cuda": {dtype: [4**k for k in range(5, 15)] for dtype in ("float32", "bfloat16", "float16")},
}
PANELS = {
    "forward": ("eager", "forward"),
    "forward and backward": ("eager", "both"),
    "forward, compiled": ("compiled", "forward"),
    "forward and backward, compiled": ("compiled", "both"),
}


def points(device: str, threads: int, quick: bool) -> Iterator["Point"]:
    """What is measured, the points that limits and tables speak of first; `quick` leaves out the others.

    On the CPU on one thread, and float32 on all of them too.
    """
    from gem_symbolic.contenders import Point

    sizes = SIZES[device]
    every = [Point(device, dtype, size, 1 if device == "cpu" else None) for dtype in sizes for size in sizes[dtype]]
    if device == "cpu" and threads > 1:
        every += [Point(device, speed.TYPE, size, threads) for size in FEW]
    judged = [p for p in every if any(spoken_of(p, limit) for limit in limits.LIMITS)]
    yield from judged
    if not quick:
        yield from (p for p in every if p not in judged)


def spoken_of(point: "Point", limit: limits.Limit) -> bool:
    """Whether a limit selects rows of a point."""
    return all(
        getattr(point, field) in (value if isinstance(value, tuple) else (value,))
        for field, value in limit.of.items()
        if hasattr(point, field)
    )


def stored(path: Path | None, head: dict[str, Any]) -> dict[str, Any]:
    """What an interrupted run with the same settings on the same machine left, or a fresh start.

    Raises ValueError for a file that is not of a benchmark.
    """
    if path and path.exists():
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            if {key: data[key] for key in head} == head:
                return data
        except (ValueError, KeyError, TypeError):
            raise ValueError(f"{str(path)!r} is there and holds something else: name another file") from None
    return head | {"rows": []}


def text(data: dict[str, Any]) -> str:
    """As JSON, with a line for each row."""
    head = {key: value for key, value in data.items() if key != "rows"}
    rows = ",\n".join(map(json.dumps, data["rows"]))
    return f'{json.dumps(head)[:-1]}, "rows": [\n{rows}\n]}}\n'


def measured(point: "Point", budget: float) -> Iterator[dict[str, Any]]:
    """The rows of a point; none where it does not fit into the memory of the GPU."""
    import torch

    from gem_symbolic import contenders, timing

    if point.threads:
        torch.set_num_threads(point.threads)
    clock = timing.Cuda() if point.device == "cuda" else timing.cpu
    try:
        timed = timing.race(contenders.calls(point), clock, budget)
    except torch.OutOfMemoryError:
        timed = {}
    torch.compiler.reset()
    for key, found in timed.items():
        yield dict(zip(limits.FIELDS, key)) | found


@contextmanager
def interrupts() -> Iterator[list[int]]:
    """Ctrl-C raises KeyboardInterrupt, and is noted: now and then a compiler or autograd swallows the exception."""
    noted: list[int] = []

    def note(number: int, _: object) -> None:
        noted.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, note)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)


def fill(data: dict[str, Any], wanted: Sequence["Point"], path: Path | None, show: Any, noted: Sequence[int]) -> None:
    """Measures the points that the data lacks, writing after each. Raises KeyboardInterrupt, soon after Ctrl-C."""
    for index, point in enumerate(wanted):
        if noted:
            raise KeyboardInterrupt
        where = point.dtype, point.size, point.threads
        if not speed.point(data["rows"], *where):
            show(f"{index + 1} of {len(wanted)}: {point.dtype}, {speed.elements(point.size)}, {point.threads or ''}")
            data["rows"] += measured(point, data["budget"])
            if path:
                files.replace_text(path, text(data))


def report(data: dict[str, Any], console: Any) -> bool:
    """Prints a table for each type and the limits; returns whether none is missed."""
    from rich import box
    from rich.table import Table

    def show(head: Sequence[str], lines: Iterator[list[str]] | list[list[str]], title: str = "") -> None:
        result = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
        for column in head:
            result.add_column(column, no_wrap=True)
        for line in lines:
            result.add_row(*line)
        console.print(result)

    size = speed.SHOWN[data["device"]]
    for dtype, threads in dict.fromkeys((r["dtype"], r["threads"]) for r in data["rows"] if r["size"] == size):
        head, *lines = speed.table(speed.point(data["rows"], dtype, size, threads))
        show(head, lines, speed.caption(data, dtype, size, threads))
    verdicts = list(limits.judge(data["rows"], data["device"]))
    show(["limit", "worst found", "of", ""], [speed.verdict(v) for v in verdicts])
    return not any(v.met is False for v in verdicts)


def draw(data: dict[str, Any], path: Path) -> None:
    """Bandwidth against size, as SVG."""
    from gem_symbolic import plots

    families = {
        heading: {label: (xs, [y / 1e9 for y in ys]) for label, (xs, ys) in speed.curves(data["rows"], *panel).items()}
        for heading, panel in PANELS.items()
    }
    name, *_ = data["machine"].split(",")
    figure = plots.bandwidths(families, "elements", "GB/s", title=f"Bandwidth, {speed.TYPE}, {name}")
    plots.write_svg(figure, path)


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="python -m gem_symbolic.bench", description=__doc__)
    p.add_argument("--device", default="cpu", choices=sorted(SIZES))
    p.add_argument("--json", type=Path, metavar="FILE", help="write the figures, and go on from what is there")
    p.add_argument("--again", action="store_true", help="measure afresh what the file has already")
    p.add_argument("--quick", action="store_true", help="only the sizes and types that limits are of")
    p.add_argument(
        "--seconds",
        type=float,
        default=20.0,
        metavar="S",
        help="how long each size and type is timed (20), after compiling for about a minute; at least five rounds, so "
        "that the largest sizes take longer. In all about 45 minutes on a CPU, five minutes with --quick",
    )
    return p


def begun(options: argparse.Namespace) -> dict[str, Any]:
    """The data that a run goes on from. Raises ValueError, OSError or DeviceError, in one sentence."""
    if not 0 <= options.seconds < math.inf:
        raise ValueError(f"--seconds must be >= 0; got {options.seconds:g}")
    if options.json:
        files.writable(options.json)
    head = {"schema": SCHEMA, "subject": "operators", "device": options.device, "budget": options.seconds}
    return stored(None if options.again else options.json, head | {"machine": machine(options.device)})


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit status: 0, 1 a limit missed, 2 usage error, 3 no such device."""
    p = parser()
    options = p.parse_args(arguments)
    try:
        data = begun(options)
    except (ValueError, OSError) as error:
        p.exit(USAGE, f"{p.prog}: {error}\n")
    except DeviceError as error:
        p.exit(MISSING, f"{p.prog}: {error}\n")
    import torch
    from rich.console import Console

    wanted = list(points(options.device, torch.get_num_threads(), options.quick))
    progress = Console(stderr=True)
    try:
        with interrupts() as noted, progress.status("") as status:
            show = status.update if progress.is_terminal else lambda _: None
            fill(data, wanted, options.json, show, noted)
    except KeyboardInterrupt:
        kept = "; the same command goes on from here" if options.json else ", and nothing is kept without --json"
        p.exit(INTERRUPTED, f"{p.prog}: interrupted{kept}\n")
    if options.json:
        draw(data, options.json.with_suffix(".svg"))
    return OK if report(data, Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)) else MISSED


if __name__ == "__main__":
    sys.exit(main())
