"""What holds for every test: SymPy computes with its own arithmetic, so that FLINT stays an independent engine."""

import os
import sys

assert "sympy" not in sys.modules, "SYMPY_GROUND_TYPES must be set before SymPy is imported"
os.environ["SYMPY_GROUND_TYPES"] = "python"
