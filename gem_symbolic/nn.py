"""The activations as modules: `from gem_symbolic.nn import SEGEM`."""

from gem_symbolic.functional import EGEM, GEM, SEGEM

__all__ = ["EGEM", "GEM", "SEGEM"]
