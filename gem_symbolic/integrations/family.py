"""The modules of the family by the name of their variant."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from torch import nn

import gem_symbolic.nn
from gem_symbolic.definitions import VARIANTS

FAMILY: Mapping[str, type[nn.Module]] = {
    name: getattr(gem_symbolic.nn, name.upper()) for name, activation in VARIANTS.items() if activation.emitted
}


VARIANT = {module: name for name, module in FAMILY.items()}


def setting(module: Any) -> tuple[str, int, Fraction] | None:
    """(variant, N, eps) of a module of the family; None for any other module, the gated forms too."""
    name = VARIANT.get(type(module))
    return None if name is None else (name, module.N, module.eps)
