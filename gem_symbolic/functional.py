"""The activations as functions of a tensor, and the classes behind `nn`: the emitted kernels, extended.

This is the one module that imports gem_symbolic.kernels, the name that the folder codegen/ is installed under.
"""

# pyright: reportMissingImports=false
from gem_symbolic.kernels import egem as _egem
from gem_symbolic.kernels import gem as _gem
from gem_symbolic.kernels import segem as _segem
from gem_symbolic.kernels.egem import EGEM, EGEMGLU, egem, egem_glu
from gem_symbolic.kernels.gem import GEM, GEMGLU, gem, gem_glu
from gem_symbolic.kernels.segem import SEGEM, SEGEMGLU, segem, segem_glu
from gem_symbolic.operators import extend

__all__ = ["EGEM", "EGEMGLU", "GEM", "GEMGLU", "SEGEM", "SEGEMGLU"]
__all__ += ["egem", "egem_glu", "gem", "gem_glu", "segem", "segem_glu"]

for _module in (_egem, _gem, _segem):
    extend(_module)
