"""The activations as modules: `from gem_symbolic.nn import SEGEM`; those in GLU are the gated forms."""

from gem_symbolic import functional

__all__ = ["EGEM", "EGEMGLU", "GEM", "GEMGLU", "SEGEM", "SEGEMGLU"]

EGEM, GEM, SEGEM = functional.EGEM, functional.GEM, functional.SEGEM
EGEMGLU, GEMGLU, SEGEMGLU = functional.EGEMGLU, functional.GEMGLU, functional.SEGEMGLU
