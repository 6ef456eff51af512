"""The activations as functions of a tensor, and the classes behind `nn`: the emitted kernels, extended.

Tensors are float16, bfloat16, float32 or float64, of any shape, strides and device, and every number is in the domain:
a finite one gives a finite one, an infinite one the limit, NaN gives NaN. N is an integer >= 1 and has no unit, scale >
0 has that of x, eps = scale**(2N) > 0 the power 2N of it. A TypeError says that a type is none of these, a ValueError
that a parameter or a shape does not fit, and a NotImplementedError that a third derivative is asked for. What is
computed, and where the mathematics comes from, stands in `definitions`; what is proved of it, in proofs/.

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
