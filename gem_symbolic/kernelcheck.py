"""The shipped kernels of an activation, for `verify`: read back and proved, then run and measured."""

import importlib.util
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

# Triton's interpreter runs the kernels on the CPU; it must be asked for before Triton is imported.
os.environ.setdefault("TRITON_INTERPRET", "1")

from gem_symbolic import emit, measure, validate
from gem_symbolic.definitions import VARIANTS, Activation
from gem_symbolic.prover import PROVED, REFUTED

#: How many numbers are spread over a type that is sampled.
SPREAD = 10_000


def text(activation: Activation) -> str:
    """The shipped file of a variant that has one, the file that would be emitted for any other activation."""
    if activation.emitted and VARIANTS.get(activation.name) is activation:
        spec = importlib.util.find_spec(f"gem_symbolic.kernels.{activation.name}")
        if spec is None or spec.origin is None:
            raise FileNotFoundError(f"the kernel file of {activation.name} is missing; `make codegen` writes it")
        return Path(spec.origin).read_text(encoding="utf-8")
    return emit.source(activation)


def read_back(activation: Activation, source: str) -> Iterator[dict[str, Any]]:
    """A claim for each target: what the file computes is the definition, as JSON data."""
    try:
        found = validate.validate(source, activation)
    except validate.ValidationError as error:
        statement = f"the kernel file of {activation.title} is understood"
        yield {"id": "kernels", "statement": statement, "status": REFUTED, "evidence": [], "counterexample": str(error)}
        return
    for target, title in validate.TARGETS.items():
        findings = [f for f in found.findings if f.target == target]
        wrong = next((f for f in findings if not f.holds), None)
        Ns = f"N = {found.Ns[0]} to {found.Ns[-1]}"
        claim: dict[str, Any] = {
            "id": f"kernels.{target}",
            "statement": f"read back from the file, value, first and second derivative in {title} are those of "
            f"{activation.title}, over the reals, for {Ns} and every eps",
            "status": PROVED if findings and not wrong else REFUTED,
            "evidence": [],
        }
        if wrong:
            claim["counterexample"] = f"{wrong.order}, {wrong.where}: {wrong.why}"
        else:
            detail = f"{len(findings)} cases: each order in each region of the line, and each way to call it"
            claim["evidence"] = [{"kind": "proved", "checker": "FLINT", "detail": detail}]
        yield claim


def measured(activation: Activation, source: str, N: int, eps: Fraction) -> Iterator[dict[str, Any]]:
    """The accuracy of each kernel path, type and quantity, as JSON data."""
    module = emit.load(source, activation.name)
    paths = measure.runs(module, activation, N, eps, ("torch", "triton"))
    for measurement in measure.kernels(activation, N, eps, paths, spread=SPREAD):
        yield measurement.record()
