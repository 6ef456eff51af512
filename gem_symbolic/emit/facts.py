"""What a kernel file's header says beside the definition: theorems from committed certificates, and measured errors.

Both are generated and committed elsewhere; where a file is missing, the header says nothing of it.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gem_symbolic.bars import BARS, DTYPES, PLANS, Bar
from gem_symbolic.checkout import ROOT
from gem_symbolic.definitions import VARIANTS, Activation
from gem_symbolic.figures import QUANTITIES, accuracy, read

CLAIMS = ("T2.smoothness", "T3.lipschitz", "T4.dead", "T4.alive", "T5.range", "T5.minimum", "T6.sup", "T8.curvature")
PATHS = {
    "torch": "PyTorch on the CPU",
    "compiled": "what torch.compile computes, operation by operation",
    "triton": "Triton, interpreted",
    "accurate": "Triton with accurate=True, interpreted",
}


def committed(root: Path = ROOT) -> dict[str, list[str]]:
    """The sentences for each variant, from proofs/ and the figures of codegen/ below `root`."""
    figures = accuracy(root)
    return {
        name: [*proved(read(root / "proofs" / f"{name}.json")), *measured(figures, activation)]
        for name, activation in VARIANTS.items()
    }


def proved(certificates: Mapping[str, Any]) -> Iterator[str]:
    """The claims of CLAIMS that are proved, in that order."""
    claims = {c["id"]: c["statement"] for c in certificates.get("claims", ()) if c["status"] == "proved"}
    for id in CLAIMS:
        if id in claims:
            yield f"Proved ({id.split('.')[0]}, n = 2N): {claims[id]}."


def measured(figures: Mapping[str, Any], activation: Activation) -> Iterator[str]:
    """A sentence for each path: the largest errors of value and gradient by type, and how they were found."""
    found = figures.get("variants", {}).get(activation.name, {}).get("measurements", {})
    for path, where in PATHS.items():
        if not any(id.startswith(f"{path}.") for id in found):
            continue
        errors = (
            f"{quantity} "
            + ", ".join(
                error(DTYPES[format] + held(BARS[plan, format, order]), found[f"{path}.{format}.{quantity}"])
                for format, plan in PLANS[path].items()
            )
            for order, quantity in enumerate(QUANTITIES)
        )
        grid = f"N = {', '.join(map(str, figures['N']))}"
        if any(p.power and not p.fixed for p in activation.parameters):
            grid += f", eps = {', '.join(figures['eps'])}"
        yield f"Measured ({where}; {grid}), largest error in ulp: {'; '.join(errors)}."


def held(bar: Bar) -> str:
    """Which results a bar is about, where that is not all."""
    return f" where its size is at least 2^{math.log2(bar.below):.0f}" if bar.small else ""


def error(type: str, measurement: Mapping[str, Any]) -> str:
    beyond = measurement["absolute"]
    allowed = f" beyond 2^{math.log2(beyond):.0f}" if beyond else ""
    how = ", ".join([measurement["kind"], *(f"by {by} of the same plan" for by in [measurement.get("by")] if by)])
    return f"{measurement['max_ulp']:.4f} in {type}{allowed} ({how})"
