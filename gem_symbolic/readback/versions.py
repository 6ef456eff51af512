"""The versions of the kernels, as data: where each runs, the plan that it carries out, the constants that it gets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gem_symbolic.definitions import Activation
from gem_symbolic.floats import POWERS, plan
from gem_symbolic.pairs import SCALE, compensated, short
from gem_symbolic.piecewise import PiecewiseRational
from gem_symbolic.plans import Plan
from gem_symbolic.rules import LOW
from gem_symbolic.wide import wide

#: What a file computes, by order.
ORDERS = ("value", "first derivative", "second derivative")
#: The constants that only pairs need.
PAIR = (*(f"{name}{LOW}" for name in sorted(SCALE, key=len)), *POWERS)


@dataclass(frozen=True)
class Version:
    """Functions for the derivatives of the orders, in a library; what their plan is, in words and derived.

    What is `wide` is computed in binary64 on a CPU alone, for narrower types.
    """

    name: str
    title: str
    home: str
    planned: str
    plan: Callable[[PiecewiseRational, int], Plan]
    orders: tuple[str, ...] = ORDERS
    pairs: bool = False
    wide: bool = False


TORCH = Version("pytorch", "PyTorch", "torch", "its evaluation plan", plan)
WIDE = Version("pytorch.wide", "PyTorch in a wider type", "torch", "its wide plan", wide, wide=True)
KERNEL = Version("triton", "Triton", "triton", "its evaluation plan", plan)
SHORT = Version(
    "triton.short",
    "Triton for 16-bit types",
    "triton",
    "its evaluation plan with quotients by way of a reciprocal",
    lambda model, order: short(plan(model, order)),
)
ACCURATE = Version(
    "triton.accurate", "Triton in pairs", "triton", "its compensated plan", compensated, ORDERS[:2], pairs=True
)
#: Those of files without parameters: whatever the type of x, what computes carries out the one plan there is.
PIECED = (TORCH, KERNEL)
VERSIONS: Mapping[str, Version] = {v.title: v for v in (TORCH, WIDE, KERNEL, SHORT, ACCURATE)}


def versions(activation: Activation) -> tuple[Version, ...]:
    """The versions that a kernel file of the activation holds."""
    return tuple(VERSIONS.values()) if activation.parameters else PIECED
