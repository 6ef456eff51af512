"""What a kernel file's header says beside the definition: theorems from committed certificates, and measured errors.

Both are generated and committed elsewhere; where a file is missing, the header says nothing of it.
"""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gem_symbolic.definitions import VARIANTS, Activation

ROOT = Path(__file__).resolve().parents[2]
CLAIMS = ("T2.smoothness", "T3.lipschitz", "T4.dead", "T4.alive", "T5.range", "T5.minimum", "T6.sup", "T8.curvature")
TYPES = {"binary16": "float16", "bfloat16": "bfloat16", "binary32": "float32"}
#: path -> what it is, and the types that it is measured in.
PATHS = {
    "torch": ("PyTorch on the CPU", TYPES),
    "triton": ("Triton, interpreted", TYPES),
    "accurate": ("Triton with accurate=True, interpreted", {"binary32": "float32"}),
}
QUANTITIES = ("value", "gradient")


def committed(root: Path = ROOT) -> dict[str, list[str]]:
    """The sentences for each variant, from proofs/ and codegen/accuracy.json below `root`."""
    accuracy = read(root / "codegen" / "accuracy.json")
    return {
        name: [*proved(read(root / "proofs" / f"{name}.json")), *measured(accuracy, activation)]
        for name, activation in VARIANTS.items()
    }


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def proved(certificates: Mapping[str, Any]) -> Iterator[str]:
    """The claims of CLAIMS that are proved, in that order."""
    claims = {c["id"]: c["statement"] for c in certificates.get("claims", ()) if c["status"] == "proved"}
    for id in CLAIMS:
        if id in claims:
            yield f"Proved ({id.split('.')[0]}, n = 2N): {claims[id]}."


def measured(accuracy: Mapping[str, Any], activation: Activation) -> Iterator[str]:
    """A sentence for each path: the largest errors of value and gradient by type, and how they were found."""
    found = accuracy.get("variants", {}).get(activation.name, {}).get("measurements", {})
    for path, (where, types) in PATHS.items() if found else ():
        errors = (
            f"{quantity} "
            + ", ".join(error(type, found[f"{path}.{format}.{quantity}"]) for format, type in types.items())
            for quantity in QUANTITIES
        )
        grid = f"N = {', '.join(map(str, accuracy['N']))}"
        if any(p.power and not p.fixed for p in activation.parameters):
            grid += f", eps = {', '.join(accuracy['eps'])}"
        yield f"Measured ({where}; {grid}), largest error in ulp: {'; '.join(errors)}."


def error(type: str, measurement: Mapping[str, Any]) -> str:
    beyond = measurement["absolute"]
    allowed = f" beyond 2^{math.log2(beyond):.0f}" if beyond else ""
    return f"{measurement['max_ulp']:.4f} in {type}{allowed} ({measurement['kind']})"
