"""Exact calculus on the field Q(n, parameters, x, u) of `piecewise`: polynomial arithmetic, no heuristics.

The one rule: d/dx x^a R(u) = x^(a-1) (a R + n u R'(u)), from u = x^n/s^n. It holds on both sides of 0. All that follows
holds for every even n >= 2 at once, or is None where it is not the same for all of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from gem_symbolic.algebra import Algebra
from gem_symbolic.decide import root_counts
from gem_symbolic.expressions import insert


def generator(f: Any, name: str) -> Any:
    """The generator of that name of the field that f lives in."""
    return f.field.gens[[str(s) for s in f.field.symbols].index(name)]


def derivative(f: Any, order: int = 1) -> Any:
    """The derivative of f with respect to x, of any order >= 0."""
    n, x, u = (generator(f, name) for name in ("n", "x", "u"))
    for _ in range(order):
        f = f.diff(x) + n * u / x * f.diff(u)
    return f


def mirrored(algebra: Algebra, f: Any) -> Any:
    """f(-x)."""
    return algebra.substitute(f, x=-algebra.gens["x"])


@dataclass(frozen=True)
class Leading:
    """c x^a u^b: the leading term at 0 or at infinity, of order x^(a + b n)."""

    a: int
    b: int
    c: Any


def leading_term(algebra: Algebra, f: Any, at_infinity: bool) -> Leading | None:
    """The leading term of f != 0, for every n; None where it depends on n which one that is.

    At 0 the exponent is the multiplicity of 0 as a zero of f: the order in the junction lemma.
    """
    place = {name: algebra.symbols.index(name) for name in ("x", "u")}
    direction = -1 if at_infinity else 1
    found = []
    for part in algebra.fraction(f):
        exponents = {(m[place["x"]], m[place["u"]]) for m in algebra.terms(part)}
        first = min(exponents, key=lambda e: (direction * e[1], direction * e[0]))
        for a, b in exponents - {first}:
            # For every n >= 2, (a + b n) - (a0 + b0 n) must be > 0 at 0, < 0 at infinity.
            slope, at_two = direction * (b - first[1]), direction * ((a - first[0]) + 2 * (b - first[1]))
            if slope < 0 or at_two <= 0:
                return None
        rows = algebra.coefficients(algebra.coefficients(part, "u")[first[1]], "x")
        found.append((first, rows[first[0]]))
    ((a, b), top), ((c, d), bottom) = found
    return Leading(a - c, b - d, top / bottom)


def taylor_coefficient(algebra: Algebra, f: Any, a: int, b: int) -> Any:
    """The coefficient of x^a u^b in the expansion of f at 0, for b >= 0. Raises ZeroDivisionError at a pole."""
    factorial = 1
    for k in range(b):
        f, factorial = algebra.diff(f, "u"), factorial * (k + 1)
    f = algebra.substitute(f, u=algebra.number(0)) / algebra.number(factorial)
    numerator, denominator = algebra.fraction(f)
    rows = algebra.coefficients(numerator, "x")
    shift = len(algebra.coefficients(denominator, "x")) - 1  # the denominator is c x^shift here
    c = rows[a + shift] if 0 <= a + shift < len(rows) else algebra.number(0)
    return c / (denominator / algebra.gens["x"] ** shift)


@dataclass(frozen=True)
class Zero:
    """A zero u > 0, for every n: the root of an irreducible factor that lies in (low, high] for n = `at`.

    `formula` gives it in closed form, for every n, where the factor has degree 1 or 2 in u.
    """

    factor: Any
    formula: str | None
    low: Fraction
    high: Fraction
    at: int


def zeros(algebra: Algebra, f: Any) -> tuple[Zero, ...] | None:
    """The zeros u > 0 of f, in order; None where their number or order is not the same for every n.

    The order of the zeros of all factors together is constant because their product has no multiple root for any n.
    """
    numerator, _ = algebra.fraction(f)
    factors = [p for p, _ in algebra.factors(numerator)[1] if "u" in algebra.occurring(p) and str(p) != "u"]
    if any(algebra.occurring(p) - {"n", "u"} for p in factors):
        return None
    product = algebra.number(1)
    for p in factors:
        product = product * p
    counts = root_counts(algebra, product, "u", 2) if factors else {2: 0}
    if counts is None or len(set(counts.values())) != 1:
        return None
    n = max(counts)
    return tuple(
        Zero(p, closed_form(algebra, p, high, n), low, high, n)
        for low, high in brackets(algebra, univariate(algebra, product, n))
        for p in factors
        if roots_in(algebra, univariate(algebra, p, n), low, high)
    )


def univariate(algebra: Algebra, p: Any, n: int) -> list[Fraction]:
    """The coefficients in u for that n, constant term first."""
    return [algebra.sample(c, n=n) or Fraction(0) for c in algebra.coefficients(p, "u")]


def roots_in(algebra: Algebra, row: Sequence[Fraction], low: Fraction, high: Fraction) -> int:
    """The number of roots in (low, high] of a square-free polynomial."""
    return algebra.count_roots(row, low) - algebra.count_roots(row, high)


def brackets(algebra: Algebra, row: Sequence[Fraction]) -> Iterator[tuple[Fraction, Fraction]]:
    """Disjoint (low, high] with one positive root of a square-free polynomial each, in order."""
    high = Fraction(1)
    while algebra.count_roots(row, high):
        high *= 2
    waiting = [(Fraction(0), high)]
    while waiting:
        low, high = waiting.pop()
        inside = roots_in(algebra, row, low, high)
        if inside == 1 and low > 0 and sum(c * low**k for k, c in enumerate(row)) != 0:
            yield low, high
        elif inside:
            middle = (low + high) / 2
            waiting += [(middle, high), (low, middle)]


def closed_form(algebra: Algebra, p: Any, high: Fraction, n: int) -> str | None:
    """The root of p that lies next below `high` for that n, as a formula in n, for degree 1 and 2."""
    rows = algebra.coefficients(p, "u")
    if len(rows) == 2:
        return algebra.factored(-rows[0] / rows[1])
    if len(rows) == 3:
        c, b, a = rows
        two, four = algebra.number(2), algebra.number(4)
        middle, square = -b / (two * a), (b * b - four * a * c) / (four * a * a)
        larger = algebra.count_roots(univariate(algebra, p, n), high) == 0
        return f"{algebra.factored(middle)} {'+' if larger else '-'} sqrt({algebra.factored(square)})"
    return None


@dataclass(frozen=True)
class Study:
    """How a function behaves on one side of 0, from 0 outwards, for every n.

    `turns` are the zeros of its derivative and `signs` say whether it rises (1) or falls (-1) with |x| before, between
    and after them; a constant function has the one sign 0. `start` and `end` are its leading terms at 0 and at
    infinity, None for the function 0.
    """

    turns: tuple[Zero, ...]
    signs: tuple[int, ...]
    start: Leading | None
    end: Leading | None


def study(algebra: Algebra, f: Any, side: int) -> Study | None:
    """The behaviour of f for x > 0 (side 1) or x < 0 (side -1); None where it is not the same for every n."""
    if algebra.constant(f) == 0:
        return Study((), (0,), None, None)
    start, end = (leading_term(algebra, f, at_infinity) for at_infinity in (False, True))
    slope = derivative(f) * algebra.number(side)  # with respect to |x|
    if algebra.constant(slope) == 0:
        return Study((), (0,), start, end)
    turns = zeros(algebra, slope)
    if turns is None or start is None or end is None:
        return None
    n = turns[0].at if turns else 2
    # No turn lies at the lower end of a bracket, nor between it and the turn before.
    points = [turn.low for turn in turns] + [turns[-1].high + 1 if turns else Fraction(1)]
    values = [algebra.sample(slope, n=n, u=u, x=side) or Fraction(0) for u in points]
    return Study(turns, tuple((v > 0) - (v < 0) for v in values), start, end)


def value_at(algebra: Algebra, f: Any, zero: Zero, side: int, name: str) -> str | None:
    """f = x^a R(u) at a zero u = c on a side of 0, as a formula: (side s)**a*c**(a/n)*R(c).

    A zero with a square root is written as `name`. None for an f that is no power of x times a function of u.
    """
    leading = leading_term(algebra, f, at_infinity=False)
    if leading is None or zero.formula is None:
        return None
    ratio = f / algebra.gens["x"] ** leading.a * algebra.number(side**leading.a)
    if "x" in algebra.occurring(ratio):
        return None
    if "sqrt" in zero.formula:
        place, value = name, insert(algebra.factored(ratio), u=name)
    else:
        numerator, denominator = algebra.coefficients(zero.factor, "u")
        place, value = f"({zero.formula})", algebra.factored(algebra.substitute(ratio, u=-numerator / denominator))
    if leading.a == 0:
        return value
    power = "s" if leading.a == 1 else f"s**({leading.a})"
    return f"{power}*{place}**({leading.a}/n)*({value})"
