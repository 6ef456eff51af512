"""The kernels of the GEM family, one standalone generated file for each variant."""
