"""gem_symbolic: exact theorems and verified kernels for the GEM family of activation functions."""

__version__ = "0.1.0"
