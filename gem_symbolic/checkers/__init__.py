"""Independent engines that a certificate is re-checked with."""
