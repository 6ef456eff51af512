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
    yield from validate.claims(source, activation)


def measured(activation: Activation, source: str, N: int, eps: Fraction) -> Iterator[dict[str, Any]]:
    """The accuracy of each kernel path, type and quantity, as JSON data."""
    module = emit.load(source, activation.name)
    paths = measure.runs(module, activation, N, eps, ("torch", "triton"))
    for measurement in measure.kernels(activation, N, eps, paths, spread=SPREAD):
        yield measurement.record()
