"""`python -m gem_symbolic.accuracy` measures the committed kernels over a grid of parameters: codegen/accuracy.json.

The data behind the accuracy figures of the documentation. The 16-bit types are measured on all their numbers.
"""

import ast
import hashlib
import json
import math
import os
import sys
from collections.abc import Iterator
from typing import Any

from gem_symbolic.bars import PLANS
from gem_symbolic.branches import split_parameters
from gem_symbolic.checkout import ROOT, needed
from gem_symbolic.definitions import VARIANTS, Activation
from gem_symbolic.emit import load
from gem_symbolic.formats import FORMATS
from gem_symbolic.measure import Measurement, kernels, runs

CODEGEN = ROOT / "codegen"
DATA = CODEGEN / "accuracy.json"
NS = (1, 2, 3, 4)
EPS = ("1e-6", "1e-4", "1e-2", "1", "10")
DIGITS = 4  # of an error in ulps, rounded up: what is printed is a bound


def fingerprint(kernel: str) -> str:
    """The SHA-256 of a kernel file's code, its header and comments aside: which code the figures belong to."""
    _header, *code = ast.parse(kernel).body
    return hashlib.sha256("\n".join(map(ast.unparse, code)).encode()).hexdigest()


def source(activation: Activation) -> str:
    return (CODEGEN / f"{activation.name}.py").read_text(encoding="utf-8")


def measured(activation: Activation) -> Iterator[tuple[int, str, Measurement]]:
    """Every measurement of an activation's committed kernels, with its N and eps."""
    module = load(source(activation), f"measured_{activation.name}")
    fixed = next((p.fixed for p in split_parameters(activation)[1] if p.fixed), None)
    for N in NS:
        for eps in (fixed,) if fixed else EPS:
            for measurement in kernels(activation, N, eps, runs(module, activation, N, eps, PLANS), FORMATS):
                yield N, eps, measurement


def worst(activation: Activation) -> dict[str, dict[str, Any]]:
    """By id of the measurement: its largest error, where that is, and whether every one was within its limit.

    The inputs, and those whose result is not correctly rounded, are counted over the whole grid.
    """
    found: dict[str, dict[str, Any]] = {}
    for N, eps, m in measured(activation):
        known = found.setdefault(m.id, {"kind": m.kind, "max_ulp": -1.0, "ok": True, "inputs": 0, "misrounded": 0})
        known["ok"] &= m.ok
        known["inputs"] += m.inputs
        known["misrounded"] += m.misrounded
        error = math.ceil(m.max_ulp * 10**DIGITS) / 10**DIGITS if math.isfinite(m.max_ulp) else math.inf
        if error > known["max_ulp"]:
            known |= {"max_ulp": error, "limit": m.limit, "absolute": m.absolute, "N": N, "eps": eps, "x": m.worst}
    return found


def main() -> int:
    needed("gem_symbolic.accuracy")
    os.environ["TRITON_INTERPRET"] = "1"  # before Triton is imported: its kernels run on the CPU here
    emitted = [a for a in VARIANTS.values() if a.emitted]
    data = {a.name: {"code": fingerprint(source(a)), "measurements": worst(a)} for a in emitted}
    DATA.write_text(json.dumps({"schema": 1, "N": NS, "eps": EPS, "variants": data}, indent=1) + "\n", encoding="utf-8")
    missed = [f"{name}: {id}" for name, d in data.items() for id, m in d["measurements"].items() if not m["ok"]]
    print("\n".join(missed) or f"{DATA.name}: every measurement is within its limit")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
