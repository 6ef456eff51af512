"""The gain of an activation, from the rigorous enclosure that theorem T10 has of it."""

import os
from fractions import Fraction
from functools import cache

from torch import nn

from gem_symbolic.integrations.family import setting
from gem_symbolic.integrations.names import read


def gain(activation: nn.Module | str) -> float:
    """E[f(Z)^2]^(-1/2) for standard normal Z, correctly rounded: what torch.nn.init.calculate_gain is for ReLU.

    For a module of the family, or its name: gain(SEGEM(N=2, eps=1e-4)) or gain("segem_n2_e1e-4"). A layer whose input
    is f(z) and whose weights have the variance gain^2/fan_in gives numbers of the variance that z has, if that is 1;
    ReLU, being homogeneous, does so for every variance, with calculate_gain("relu") = sqrt(2), which this tends to as
    eps -> 0. Here 1 is the variance that is kept: a deep network returns to it with SE-GEM, as f(x)/x falls with |x|,
    and moves away from it with GEM and E-GEM, for which that rises, with GEM(N=1) within some ten layers.

    The mathematics is T10; the number is rounded from an enclosure by quadrature in ball arithmetic (Arb), where a
    second one, by residues, meets it. Raises ValueError for another module and for what is no name. Needs python-flint;
    what checks the proofs is loaded on the first call.
    """
    if isinstance(activation, str):
        cls, arguments = read(activation)
        activation = cls(**arguments)
    found = setting(activation)
    if found is None:
        raise ValueError(
            f"gain is for the modules of gem_symbolic.nn that are not gated, or their names; got {activation!r}"
        )
    return rounded(*found)


@cache
def rounded(name: str, N: int, eps: Fraction) -> float:
    """The gain of a variant. Raises ArithmeticError where the enclosures are too wide or do not meet."""
    # As `prover` sets it: what is loaded here must not let SymPy compute with FLINT, should a proof be asked for later.
    os.environ.setdefault("SYMPY_GROUND_TYPES", "python")
    from flint import ctx

    from gem_symbolic.checkers.arb import BITS, Concrete
    from gem_symbolic.definitions import find
    from gem_symbolic.theorems import t10_gaussian

    activation = find(name)
    claimed = next(c for c in t10_gaussian.certificates(activation, {}) if c.id == "T10.gain")
    with ctx.workprec(BITS + 8 * N):
        concrete = Concrete(activation, N, eps)
        one, other = (concrete.evaluate(text) for text in claimed.steps[0].args)
        low, high = float(one.lower()), float(one.upper())
    if low != high or not one.overlaps(other):
        raise ArithmeticError(f"the enclosures {one} and {other} give no gain")
    return low
