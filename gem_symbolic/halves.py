"""What a 16-bit type does to a function: its error at every number of the type, for a kernel and for the formula typed.

Each result is compared with the oracle, to far below an ulp, so that these figures are exhaustive.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gem_symbolic.definitions import Activation
from gem_symbolic.formats import FORMATS, Format
from gem_symbolic.measure import exhaustive
from gem_symbolic.running import tensor
from gem_symbolic.sweep import Exact, Floats, values

Function = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Numbers:
    """The finite numbers of a 16-bit format in ascending order, and the exact values there."""

    format: Format
    x: Floats
    exact: Exact


@dataclass(frozen=True)
class Errors:
    """What a function did at these numbers: errors in units in the last place; infinite where a result is NaN or an
    infinity that is not the correctly rounded value."""

    x: Floats
    ulps: Floats

    @property
    def lost(self) -> NDArray[np.bool_]:
        """Where nothing of the result is left."""
        return np.isinf(self.ulps)

    @property
    def share(self) -> float:
        """Which part of the finite numbers that is."""
        return float(self.lost.mean())

    @property
    def first(self) -> float:
        """The smallest positive number at which nothing of the result is left; infinite if there is none."""
        return float(self.x[self.lost & (self.x > 0)].min(initial=np.inf))

    @property
    def worst(self) -> float:
        """The largest error of the other results."""
        return float(self.ulps[~self.lost].max())

    def envelope(self, side: int) -> tuple[list[float], list[float]]:
        """The largest error of what is left in each binade on that side of 0, by the binade's lower end."""
        size = self.x * side
        kept = (size > 0) & ~self.lost
        binades, ulps = np.frexp(size[kept])[1] - 1, self.ulps[kept]
        places = np.unique(binades)
        return np.ldexp(1.0, places).tolist(), [float(ulps[binades == place].max()) for place in places]

    @property
    def gaps(self) -> list[tuple[float, float]]:
        """The ends of the runs of numbers at which nothing of the result is left."""
        edges = np.flatnonzero(np.diff(np.concatenate(([0], self.lost, [0]))))
        return [(float(self.x[a]), float(self.x[b - 1])) for a, b in edges.reshape(-1, 2)]


def numbers(activation: Activation, N: int | None, eps: Any, format: str) -> Numbers:
    """Every finite number of the format, but for -0; N and eps are None for an activation without parameters.

    Raises ValueError for a bad parameter.
    """
    found = exhaustive(FORMATS[format])
    x = np.unique(found.numbers[np.isfinite(found.numbers)])
    return Numbers(found.format, x, values(activation, N, x, found.format, eps))


def errors(at: Numbers, function: Function) -> Errors:
    """The errors of a function of a tensor, which is given the numbers in their own type."""
    result = function(tensor(at.x, at.format)).to(torch.float64).numpy()
    return Errors(at.x, np.abs(at.exact.ulps(result, at.format)))
