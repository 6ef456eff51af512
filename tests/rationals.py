"""Piecewise rational activations without parameters, as a specification prints them: what kernels are emitted for."""

from gem_symbolic.branches import EVERYWHERE
from gem_symbolic.definitions import Activation, Branch


def activation(name: str, *branches: tuple[str, str]) -> Activation:
    return Activation(name, name.replace("_", " "), tuple(Branch(*b) for b in branches), (), "An example of the tests.")


HARD_SWISH = activation("hard_swish", ("x <= -3", "0"), ("-3 < x < 3", "x*(x + 3)/6"), ("x >= 3", "x"))
HARD_SIGMOID = activation("hard_sigmoid", ("x <= -3", "0"), ("-3 < x < 3", "(x + 3)/6"), ("x >= 3", "1"))
LEAKY_RELU = activation("leaky_relu", ("x <= 0", "x/100"), ("x > 0", "x"))
SOFTSIGN = activation("softsign", ("x < 0", "x/(1 - x)"), ("x >= 0", "x/(1 + x)"))
SMOOTHSTEP = activation("smoothstep", ("x <= 0", "0"), ("0 < x < 1", "x*(3*x**2 - 2*x**3)"), ("x >= 1", "x"))
PADE = activation("pade", (EVERYWHERE, "(x**5 + 10*x**3 + 4*x + 1)/(x**4 + 3*x**2 + 2)"))
SQNL = activation(
    "sqnl", ("x < -2", "-1"), ("-2 <= x < 0", "x + x**2/4"), ("0 <= x <= 2", "x - x**2/4"), ("x > 2", "1")
)
RATIONALS = {a.name: a for a in (HARD_SWISH, HARD_SIGMOID, LEAKY_RELU, SOFTSIGN, SMOOTHSTEP, PADE, SQNL)}
