"""The activations as functions of a tensor, the classes behind `nn`: the emitted kernels, and nothing of its own.

This is the one module that imports gem_symbolic.kernels, the name that the folder codegen/ is installed under.
"""

# pyright: reportMissingImports=false
from gem_symbolic.kernels.egem import EGEM, egem
from gem_symbolic.kernels.gem import GEM, gem
from gem_symbolic.kernels.segem import SEGEM, segem

__all__ = ["EGEM", "GEM", "SEGEM", "egem", "gem", "segem"]
