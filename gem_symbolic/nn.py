"""The activations as modules: `from gem_symbolic.nn import SEGEM`; those in GLU are the gated forms.

A module has no weights. It takes what its function in `functional` takes and raises what that raises; a bad N, eps or
scale is refused when it is made. What it computes, and where the mathematics comes from, stands in `definitions`.
"""

from gem_symbolic import functional

__all__ = ["EGEM", "EGEMGLU", "GEM", "GEMGLU", "SEGEM", "SEGEMGLU"]

EGEM, GEM, SEGEM = functional.EGEM, functional.GEM, functional.SEGEM
EGEMGLU, GEMGLU, SEGEMGLU = functional.EGEMGLU, functional.GEMGLU, functional.SEGEMGLU
