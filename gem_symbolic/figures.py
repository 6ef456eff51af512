"""The committed accuracy figures: codegen/accuracy.json, and binary32 from codegen/exhaustive/ where that is whole.

An exhaustive figure stands in the place of a sampled one if there is a sweep of every input for each N and eps of the
grid. It was measured in C++, which computes the same plans: *wide* as PyTorch does on the CPU, *plain* as compiled code
and Triton do, *compensated* as Triton does on request.
Standard library only.
"""

import json
import math
from collections.abc import Mapping, Sequence, Set
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

from gem_symbolic.definitions import find

PLANS = {"torch": "wide", "compiled": "plain", "triton": "plain", "accurate": "compensated"}
QUANTITIES = ("value", "gradient")
FORMAT, INPUTS = "binary32", 1 << 32
DIGITS = 4  # of an error in ulps, rounded up: what is printed is a bound


def read(path: Path) -> dict[str, Any]:
    """The data of a JSON file; none where there is no file."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def accuracy(root: Path) -> dict[str, Any]:
    """The data of accuracy.json below the root, with the exhaustive figures there are; nothing where it is missing."""
    data = read(root / "codegen" / "accuracy.json")
    for name, found in data.get("variants", {}).items():
        records = read(root / "codegen" / "exhaustive" / f"{name}.json").get("records", [])
        fixed = [p.fixed for p in find(name).parameters if p.fixed]
        found["measurements"] |= swept(records, set(product(data["N"], map(Fraction, fixed or data["eps"]))))
    return data


def on_gpu(root: Path) -> dict[str, Any]:
    """The data of accuracy-cuda.json below the root, and as "sweeps" the records of exhaustive/cuda/ by variant.

    Of each record `more` is how many more results than of C++ are not correctly rounded. Nothing where the file is
    missing, and no sweeps of another machine.
    """
    data = read(root / "codegen" / "accuracy-cuda.json")
    folder = root / "codegen" / "exhaustive"
    if data:
        data["sweeps"] = {}
    for path in sorted((folder / "cuda").glob("*.json")) if data else ():
        found = read(path)
        if found["machine"] == data["machine"]:
            known = {case(r): r["misrounded"] for r in read(folder / path.name)["records"]}
            data["sweeps"][path.stem] = [r | {"more": r["misrounded"] - known[case(r)]} for r in found["records"]]
    return data


def case(record: Mapping[str, Any]) -> tuple[int, Fraction, str]:
    """What a record of a sweep is of."""
    return record["N"], Fraction(record["eps"]), record["id"]


def swept(records: Sequence[Mapping[str, Any]], grid: Set[tuple[int, Fraction]]) -> dict[str, dict[str, Any]]:
    """By id, what stands in the place of a measurement: the worst of the sweeps of the grid, where none is missing."""
    better = {}
    for path, quantity in product(PLANS, QUANTITIES):
        id = f"{path}.{FORMAT}.{quantity}"
        whole = [r for r in records if r["id"] == f"{PLANS[path]}.{quantity}" and r["inputs"] == INPUTS]
        rows = {at: r for r in whole if (at := (r["N"], Fraction(r["eps"]))) in grid}
        if rows.keys() == grid:
            worst = max(rows.values(), key=lambda r: bound(r["max_ulp"]))
            better[id] = {
                **{key: worst[key] for key in ("limit", "absolute", "N", "eps", "x")},
                "kind": "exhaustive",
                "by": "C++",
                "max_ulp": bound(worst["max_ulp"]),
                "ok": all(r["ok"] for r in rows.values()),
                "inputs": len(rows) * INPUTS,
                "misrounded": sum(r["misrounded"] for r in rows.values()),
                "under": max(bound(r.get("under_ulp", 0.0)) for r in rows.values()),
            }
    return better


def bound(error: float | None) -> float:
    """An error rounded up to DIGITS digits; no error is an infinite one."""
    return math.inf if error is None else math.ceil(error * 10**DIGITS) / 10**DIGITS
