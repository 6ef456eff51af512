"""`python -m gem_symbolic.provingtime` measures how long proving takes, as a whole process, against N.

Medians of repeated runs of `verify --no-kernels`. Beside them stands what is left when the time of a process that only
starts and lists the definitions is taken off, and the exponent a of the fit c N^a to that. An interrupted run with
--json goes on where it stopped.
"""

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gem_symbolic import files
from gem_symbolic.definitions import VARIANTS, find

SCHEMA = 1
NS = (1, 2, 4, 8, 16, 32, 64)
START = "start"


def seconds(arguments: Sequence[str]) -> float:
    """How long a `verify` process takes. Raises CalledProcessError where it fails."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "gem_symbolic.verify", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def exponent(times: dict[int, float]) -> float:
    """The slope of a least-squares line through log time against log N."""
    xs, ys = [math.log(N) for N in times], [math.log(t) for t in times.values()]
    slope, _ = statistics.linear_regression(xs, ys)
    return slope


def stored(path: Path | None, variant: str, repeats: int) -> dict[str, Any]:
    """What an interrupted run with the same settings left, or a fresh start."""
    head = {"schema": SCHEMA, "subject": "proofs", "variant": variant, "repeats": repeats, "machine": machine()}
    if path and path.exists():
        data = json.loads(path.read_text(encoding="utf-8"))
        if {key: data.get(key) for key in head} == head:
            return data
    return head | {"seconds": {}}


def machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def measure(data: dict[str, Any], path: Path | None, show: Any) -> None:
    """Fills in the medians that are missing, writing after each."""
    jobs = {START: ["--list"]} | {str(N): ["--variant", data["variant"], "--N", str(N), "--no-kernels"] for N in NS}
    for name, arguments in jobs.items():
        if name not in data["seconds"]:
            show(f"N = {name}" if name != START else "start of a process")
            data["seconds"][name] = statistics.median(seconds(arguments) for _ in range(data["repeats"]))
            if path:
                files.replace_text(path, json.dumps(data, indent=1) + "\n")


def report(data: dict[str, Any], console: Any) -> None:
    """Prints the times as a table."""
    from rich import box
    from rich.table import Table

    start = data["seconds"][START]
    beyond = {N: data["seconds"][str(N)] - start for N in NS}
    title = VARIANTS[data["variant"]].title
    console.print(f"{title}: proving, whole process, median of {data['repeats']} ({data['machine']})")
    result = Table(box=box.SIMPLE_HEAD)
    for column in ("N", "seconds", "beyond the start"):
        result.add_column(column, justify="right")
    for N, rest in beyond.items():
        result.add_row(str(N), f"{data['seconds'][str(N)]:.2f}", f"{rest:.2f}")
    console.print(result)
    console.print(f"a process that only starts takes {start:.2f} s; the rest grows like N^{exponent(beyond):.2f}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit status: 0, or 2 for a usage error."""
    p = argparse.ArgumentParser(prog="python -m gem_symbolic.provingtime", description=__doc__)
    p.add_argument("--variant", default="segem", help=f"one of {', '.join(VARIANTS)}")
    p.add_argument("--repeats", type=int, default=3, help="runs for each median")
    p.add_argument("--json", type=Path, metavar="FILE", help="write the medians, and go on from what is there")
    options = p.parse_args(arguments)
    try:
        find(options.variant)
        if options.repeats < 1:
            raise ValueError(f"--repeats must be >= 1; got {options.repeats}")
        if options.json:
            files.writable(options.json)
    except (ValueError, OSError) as error:
        p.exit(2, f"{p.prog}: {error}\n")
    from rich.console import Console

    data = stored(options.json, options.variant, options.repeats)
    progress = Console(stderr=True)
    with progress.status("") as status:
        measure(data, options.json, status.update if progress.is_terminal else lambda _: None)
    report(data, Console(width=None if sys.stdout.isatty() else 120, highlight=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
