"""The bars of accuracy: how far off each plan may be in each format, and which path follows which plan. Data only."""

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    """How far off a result may be: (per_N * N + constant) ulp, and an absolute error beside it.

    The absolute term holds as it stands for N <= 4. Beyond, it grows as N^2: next to its zero the gradient is N times
    a difference whose terms are known to N roundings. Where the exact result is smaller than `below` in size, and not
    because it is near a zero, the bar is `smaller`.
    """

    per_N: int
    constant: float
    absolute: float = 0.0
    below: float = 0.0
    small: "Bar | None" = None

    @property
    def smaller(self) -> "Bar":
        return self.small or self

    def ulps(self, N: int) -> float:
        return self.per_N * N + self.constant

    def beside(self, N: int) -> float:
        return self.absolute * max(1, N / 4) ** 2


#: (plan, format, order) -> bar. *wide* computes in binary64 and rounds once, *plain* in binary32, rounded once for what
#: is narrower, or in binary64 for binary64 itself, *short* as that with quotients from a reciprocal, *compensated* in
#: pairs of binary32. Near its zero a gradient keeps no relative accuracy, hence its absolute term.
BARS: Mapping[tuple[str, str, int], Bar] = {
    ("wide", "binary16", 0): Bar(0, 0.501),
    ("wide", "binary16", 1): Bar(0, 0.501, 2.0**-45),
    ("wide", "bfloat16", 0): Bar(0, 0.501),
    ("wide", "bfloat16", 1): Bar(0, 0.501, 2.0**-45),
    ("wide", "binary32", 0): Bar(0, 0.501),
    ("wide", "binary32", 1): Bar(0, 0.501, 2.0**-45),
    ("short", "binary16", 0): Bar(0, 0.51),
    ("short", "binary16", 1): Bar(0, 0.51, 2.0**-20),
    ("short", "bfloat16", 0): Bar(0, 0.51),
    ("short", "bfloat16", 1): Bar(0, 0.51, 2.0**-20),
    ("plain", "binary16", 0): Bar(0, 0.51),
    ("plain", "binary16", 1): Bar(0, 0.51, 2.0**-20),
    ("plain", "bfloat16", 0): Bar(0, 0.51),
    ("plain", "bfloat16", 1): Bar(0, 0.51, 2.0**-20),
    ("plain", "binary32", 0): Bar(5, 4),
    ("plain", "binary32", 1): Bar(6, 6, 2.0**-20),
    ("plain", "binary64", 0): Bar(5, 4),
    ("plain", "binary64", 1): Bar(6, 6, 2.0**-49),
    ("compensated", "binary32", 0): Bar(0, 0.51, below=2.0**-100, small=Bar(0, 1)),
    ("compensated", "binary32", 1): Bar(0, 0.51, 2.0**-45, below=2.0**-40, small=Bar(0, 0, 2.0**-64)),
}
#: path -> the plan that it follows in each format: PyTorch on the CPU, what torch.compile computes, and Triton kernels.
PLANS: Mapping[str, Mapping[str, str]] = {
    "torch": {"binary16": "wide", "bfloat16": "wide", "binary32": "wide", "binary64": "plain"},
    "compiled": {"binary16": "plain", "bfloat16": "plain", "binary32": "plain"},
    "triton": {"binary16": "short", "bfloat16": "short", "binary32": "plain"},
    "accurate": {"binary32": "compensated"},
}
#: The same for activations without parameters: they have one plan, whatever computes, and are measured in C++ too.
PIECED: Mapping[str, Mapping[str, str]] = {
    "torch": PLANS["torch"],
    "native": PLANS["torch"],
    "compiled": PLANS["compiled"],
    "triton": dict.fromkeys(PLANS["triton"], "plain"),
}
#: What is measured without a limit; only what is no number, infinite or of the wrong sign for no reason is refused.
UNLIMITED = Bar(0, math.inf)
#: path -> the package that it needs.
NEEDS: Mapping[str, str] = {"torch": "torch", "compiled": "torch", "triton": "triton", "accurate": "triton"}
#: torch's names of the formats.
DTYPES: Mapping[str, str] = {
    "binary16": "float16",
    "bfloat16": "bfloat16",
    "binary32": "float32",
    "binary64": "float64",
}
#: Where the bins of histograms of errors end, in ulps; the last one is open.
EDGES = (0.5, 0.501, 0.51, 1, 2, 4, 8, 16, 32)
