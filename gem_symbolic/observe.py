"""The numbers that figures show: what the oracle gives when it is sampled, and what the theorems claim, evaluated.

The two come from different places on purpose. Observed values know nothing of the theorems: they are quadratures and
searches over `reference.evaluate`. Claimed values are the closed forms that `definitions` states.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import mpmath
from mpmath import inf, mp, mpf

from gem_symbolic.definitions import Activation, find
from gem_symbolic.expressions import evaluate as formula
from gem_symbolic.parameters import resolve
from gem_symbolic.reference import evaluate

Real = Any  # an mpf: mpmath makes that class at run time, so that no annotation can name it

DPS = 15  # of the quadratures; the oracle is asked for twice as many digits
BREAKS = (-inf, -2, -1, -0.5, 0, inf)  # in units of the scale: where an integrand over the line bends
GRID = [mpf(2) ** (mpf(k) / 64) for k in range(-192, 193)]  # one to eight scales away, and as near


def rational(value: Fraction | int) -> Real:
    return mpf(Fraction(value).numerator) / Fraction(value).denominator


def scale(N: int, eps: Any) -> Real:
    """The length on which everything happens: eps = scale**(2N)."""
    N, eps = resolve(N, eps)
    return mpmath.root(rational(eps), 2 * N)


def value(text: str, N: int, eps: Any, **more: Any) -> Real:
    """The number that a closed form means for these parameters; `more` gives further names, such as p."""
    names = {"N": mpf(N), "n": mpf(2 * N), "eps": rational(resolve(N, eps)[1]), "s": scale(N, eps), **more}
    return formula(text, names, number=mpf, functions={"sqrt": mpmath.sqrt, "Max": max})


def claimed(variant: str, theorem: str, what: str, N: int, eps: Any) -> Real:
    """The number that a claim in `definitions` states for these parameters."""
    claims = find(variant).claims[theorem]
    v = {"v": value(claims["v"], N, eps)} if "v" in claims else {}
    return value(claims[what], N, eps, **v)


def derivative(
    variant: str | Activation, N: int | None, eps: Any, order: int, xs: Sequence[Any], side: str
) -> list[float]:
    """A derivative at each x; at a junction, from that side. Without parameters N and eps are None."""
    return [float(evaluate(variant, x, N=N, eps=eps, order=order, dps=20, side=side)) for x in xs]


def taylor(variant: str, N: int, eps: Any, order: int) -> tuple[float, float]:
    """The Taylor coefficients of that order at 0 of the branches on the left and on the right."""
    left, right = (derivative(variant, N, eps, order, [0], side)[0] for side in ("left", "right"))
    return left / math.factorial(order), right / math.factorial(order)


def jump(variant: str, N: int, eps: Any, order: int) -> Real:
    """How far the derivative of that order jumps at 0, right minus left."""
    left, right = (evaluate(variant, 0, N=N, eps=eps, order=order, side=side) for side in ("left", "right"))
    return right - left


def claimed_jump(variant: str, N: int, eps: Any) -> Real:
    """The jump that T2 claims for the first derivative that has one; it states the two Taylor coefficients."""
    left, right = (claimed(variant, "T2", side, N, eps) for side in ("left", "right"))
    return (right - left) * mpmath.factorial(claimed(variant, "T2", "smoothness", N, eps) + 1)


def gap(variant: str, N: int, eps: Any, xs: Sequence[Any]) -> list[Real]:
    """The distance to ReLU at each x, signed."""
    return [evaluate(variant, x, N=N, eps=eps, dps=2 * DPS) - max(x, 0) for x in xs]


def lp_error(variant: str, N: int, eps: Any, p: float) -> float:
    """The L^p distance to ReLU on the real line by quadrature; p = inf by search on a grid."""
    with mp.workdps(DPS):
        s = scale(N, eps)
        if p == inf:
            return float(max(abs(y) for y in gap(variant, N, eps, [side * r * s for r in GRID for side in (-1, 1)])))
        area = mpmath.quad(lambda r: abs(gap(variant, N, eps, [r * s])[0]) ** p * s, BREAKS)
        return float(area ** (1 / mpf(p)))


def claimed_lp_error(variant: str, N: int, eps: Any, p: float) -> float:
    """The L^p distance to ReLU that T6 claims, from the Beta function; infinite where the integral diverges."""
    if p == inf:
        return float(claimed(variant, "T6", "sup", N, eps))
    pairs = [pair.split(",") for pair in find(variant).claims["T6"]["beta"].split(";")]
    arguments = [[value(text, N, eps, p=mpf(p)) for text in pair] for pair in pairs]
    if any(a <= 0 for pair in arguments for a in pair):
        return float(inf)
    area = scale(N, eps) ** (p + 1) * sum(mpmath.beta(*pair) for pair in arguments) / (2 * N)
    return float(area ** (1 / mpf(p)))


def curvature(variant: str, N: int, eps: Any) -> float:
    """The largest |second derivative|, by search on a grid around the junction."""
    s = scale(N, eps)
    points = [side * r * s for r in GRID for side in (-1, 1)]
    return max(abs(y) for y in derivative(variant, N, eps, 2, points, side="left"))


def slope(ys: Sequence[float], eps: Sequence[Any]) -> str:
    """The slope of a line on log axes, from its ends, as the quotient of small integers that it is."""
    rise, run = (math.log(float(v[-1])) - math.log(float(v[0])) for v in (ys, eps))
    return str(Fraction(rise / run).limit_denominator(100))
