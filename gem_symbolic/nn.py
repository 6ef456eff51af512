"""The activations as modules: `from gem_symbolic.nn import SEGEM`."""

from gem_symbolic import functional

__all__ = ["EGEM", "GEM", "SEGEM"]

EGEM, GEM, SEGEM = functional.EGEM, functional.GEM, functional.SEGEM
