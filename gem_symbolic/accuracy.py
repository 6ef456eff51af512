"""`python -m gem_symbolic.accuracy` measures the committed kernels over a grid of parameters: codegen/accuracy.json.

The data behind the accuracy figures of the documentation. The 16-bit types are measured on all their numbers. With
--device cuda what a GPU computes is measured: Triton's kernels, and what torch.compile makes for it, with the name of
the GPU in codegen/accuracy-cuda.json.
"""

import argparse
import ast
import hashlib
import json
import math
import multiprocessing
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from gem_symbolic import files
from gem_symbolic.bars import PLANS
from gem_symbolic.branches import split_parameters
from gem_symbolic.checkout import MISSING, ROOT, needed
from gem_symbolic.definitions import VARIANTS, Activation, find
from gem_symbolic.emit import load
from gem_symbolic.formats import FORMATS
from gem_symbolic.machine import DeviceError, machine
from gem_symbolic.measure import Measurement, kernels
from gem_symbolic.running import runs

CODEGEN = ROOT / "codegen"
DATA = CODEGEN / "accuracy.json"
NS = (1, 2, 3, 4)
EPS = ("1e-6", "1e-4", "1e-2", "1", "10")
DIGITS = 4  # of an error in ulps, rounded up: what is printed is a bound
#: Where the figures of a device are kept, and what its processes are told: on the CPU Triton runs in its interpreter,
#: and as many processes compile as there are cores.
FILES = {"cpu": DATA, "cuda": CODEGEN / "accuracy-cuda.json"}
TOLD = {"cpu": {"TRITON_INTERPRET": "1"}, "cuda": {"TORCHINDUCTOR_COMPILE_THREADS": "1"}}
#: What is measured on each: on a GPU the CPU's own path is not.
PATHS = {"cpu": tuple(PLANS), "cuda": tuple(path for path in PLANS if path != "torch")}
INTERRUPTED = 130
#: The functions of a kernel file that figures do not depend on: what compiled code is told, and what is remembered.
NO_NUMBER = ("uncompiled", "remembered", "_exporting")


def fingerprint(kernel: str) -> str:
    """The SHA-256 of a kernel file's statements, as they are written: which code the figures belong to.

    Without its header, which quotes the figures, and without what gives no number.
    """
    lines = kernel.splitlines()
    _header, *code = ast.parse(kernel).body
    kept = [node for node in code if getattr(node, "name", None) not in NO_NUMBER]
    starts = [min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))]) for node in kept]
    text = "\n".join("\n".join(lines[start - 1 : node.end_lineno]) for start, node in zip(starts, kept))
    return hashlib.sha256(text.encode()).hexdigest()


def source(activation: Activation) -> str:
    return (CODEGEN / f"{activation.name}.py").read_text(encoding="utf-8")


def grid(activation: Activation) -> Iterator[tuple[int, str]]:
    """Every N and eps that an activation is measured for."""
    fixed = next((p.fixed for p in split_parameters(activation)[1] if p.fixed), None)
    for N in NS:
        for eps in (fixed,) if fixed else EPS:
            yield N, eps


def measured(name: str, N: int, eps: str, device: str = "cpu") -> list[Measurement]:
    """Every measurement of an activation's committed kernels for N and eps."""
    activation = find(name)
    module = load(source(activation), f"measured_{name}")
    return list(kernels(activation, N, eps, runs(module, activation, N, eps, PATHS[device], device), FORMATS))


def worst(found: Sequence[tuple[int, str, Sequence[Measurement]]]) -> dict[str, dict[str, Any]]:
    """By id of the measurement: its largest error, where that is, and whether every one was within its limit.

    The inputs, and those whose result is not correctly rounded, are counted over the whole grid.
    """
    result: dict[str, dict[str, Any]] = {}
    for N, eps, m in ((N, eps, m) for N, eps, measurements in found for m in measurements):
        known = result.setdefault(m.id, {"kind": m.kind, "max_ulp": -1.0, "ok": True, "inputs": 0, "misrounded": 0})
        known["ok"] &= m.ok
        known["inputs"] += m.inputs
        known["misrounded"] += m.misrounded
        error = math.ceil(m.max_ulp * 10**DIGITS) / 10**DIGITS if math.isfinite(m.max_ulp) else math.inf
        if error > known["max_ulp"]:
            known |= {"max_ulp": error, "limit": m.limit, "absolute": m.absolute, "N": N, "eps": eps, "x": m.worst}
    return result


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="python -m gem_symbolic.accuracy", description=__doc__)
    p.add_argument("--device", default="cpu", choices=sorted(FILES), help="what computes (cpu)")
    p.add_argument("--json", type=Path, metavar="FILE", help="where the figures go, in the place of codegen/")
    return p


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit status: 0, 1 a limit missed, 2 usage error, 3 no such device."""
    p = parser()
    options = p.parse_args(arguments)
    if options.json is None:
        needed("gem_symbolic.accuracy")
    path = options.json or FILES[options.device]
    try:
        files.writable(path)
        head = {"machine": machine(options.device)} if options.device != "cpu" else {}
    except (ValueError, OSError) as error:
        p.error(str(error))
    except DeviceError as error:
        p.exit(MISSING, f"{p.prog}: {error}\n")
    from rich.console import Console
    from rich.progress import Progress

    os.environ |= TOLD[options.device]  # before Triton and torch are imported by the processes
    cases = [(a.name, *case, options.device) for a in VARIANTS.values() if a.emitted for case in grid(a)]
    screen = Console(stderr=True)
    pool = ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn"))
    try:
        with Progress(console=screen, disable=not screen.is_terminal) as progress:
            found = list(progress.track(pool.map(measured, *zip(*cases)), len(cases)))
    except KeyboardInterrupt:
        p.exit(INTERRUPTED, f"{p.prog}: interrupted, and nothing is written\n")
    finally:
        pool.shutdown(cancel_futures=True)
    data = {}
    for name in dict.fromkeys(name for name, *_ in cases):
        own = [(N, eps, ms) for (other, N, eps, _), ms in zip(cases, found) if other == name]
        data[name] = {"code": fingerprint(source(find(name))), "measurements": worst(own)}
    figures = {"schema": 1, **head, "N": NS, "eps": EPS, "variants": data}
    files.replace_text(path, json.dumps(figures, indent=1) + "\n")
    missed = [f"{name}: {id}" for name, d in data.items() for id, m in d["measurements"].items() if not m["ok"]]
    print("\n".join(missed) or f"{path.name}: every measurement is within its limit")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
