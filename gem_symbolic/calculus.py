"""Exact calculus on the field Q(n, parameters, x, u) of `piecewise`: polynomial arithmetic, no heuristics.

The one rule: d/dx x^a R(u) = x^(a-1) (a R + n u R'(u)), from u = x^n/s^n. It holds on both sides of 0.
"""

from sympy.polys.fields import FracElement


def generator(f: FracElement, name: str) -> FracElement:
    """The generator of that name of the field that f lives in."""
    return f.field.gens[[str(s) for s in f.field.symbols].index(name)]


def derivative(f: FracElement, order: int = 1) -> FracElement:
    """The derivative of f with respect to x, of any order >= 0."""
    n, x, u = (generator(f, name) for name in ("n", "x", "u"))
    for _ in range(order):
        f = f.diff(x) + n * u / x * f.diff(u)
    return f
