"""Integrals in closed form, for the second engine: SymPy reduces them exactly, and only logarithms are enclosed.

Horowitz and Ostrogradsky: a rational function is the derivative of another one plus A/D with D square-free, and the
integral of A/D is the sum over the roots r of D of A(r)/D'(r) log(x - r).
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from flint import acb, acb_poly, arb, ctx, fmpq, fmpq_poly
from sympy import Poly, Rational
from sympy.integrals.rationaltools import ratint_ratpart

from gem_symbolic.checkers.isolate import roots
from gem_symbolic.spec.model import Function
from gem_symbolic.spec.second import End, Number, Part, parts, x

#: The working precision, in bits.
PRECISION = 256


def norm_power(function: Function, other: Function, p: int) -> fmpq | arb:
    """The p-th power of the L^p distance, p = 1 or 2, where it is finite; exact where no logarithm is in it."""
    with ctx.workprec(PRECISION):
        return sum((integral(part) for whole in parts(function, other) for part in powers(whole, p)), fmpq(0))


def powers(part: Part, p: int) -> Iterator[Part]:
    """|f|^p, for p = 1 cut where f changes its sign."""
    if part.over.is_zero:
        return
    if p == 2:
        yield Part(part.low, part.high, part.over.pow(2), part.under.pow(2))
        return
    for low, high in pairwise([part.low, *zeros(part), part.high]):
        cut = Part(low, high, part.over, part.under)
        negative = cut.sign(part.over.mul(part.under)) == -1
        yield Part(low, high, part.over.neg() if negative else part.over, part.under)


def zeros(part: Part) -> list[End]:
    """The zeros inside, from the left."""
    found: list[End] = []
    for factor, _ in part.over.factor_list()[1]:
        isolated: Any = factor.intervals() if factor.degree() else []
        found += [End(factor, low, high).narrowed(Rational(1, 2**PRECISION)) for (low, high), _ in isolated]
    low, high = part.brackets(part.over)
    return sorted(
        (e for e in found if (low is None or e.low > low) and (high is None or e.high < high)), key=lambda e: e.low
    )


def integral(part: Part) -> fmpq | arb:
    """The integral of a function without poles on its closed interval, where it is finite."""
    whole, rest = part.over.div(part.under)
    exact, logarithms = ratint_ratpart(rest, part.under, x)
    over, under = (flint(Poly(side, x, domain="QQ")) for side in exact.together().as_numer_denom())
    top, bottom = (flint(Poly(side, x, domain="QQ")) for side in logarithms.together().as_numer_denom())
    antiderivative = flint(whole.integrate(x))
    poles = roots(bottom.numer()) if bottom.degree() > 0 else []
    slope = bottom.derivative()
    residues = [(r, acb_poly(top)(r) / acb_poly(slope)(r)) for r in poles]

    def at(end: End | None, side: int) -> fmpq | arb:
        if end is None:  # the residues add up to 0: of the logarithms their arguments are left, at -oo
            turns = [c * acb(0, arb.pi() * (-1 if r.imag > 0 else 1)) for r, c in residues if r.imag != 0]
            return sum(turns, acb(0)).real if side < 0 and turns else fmpq(0)
        if not residues and end.p.degree() == 1:
            exactly = fraction(-end.p.nth(0) / end.p.nth(1))
            return antiderivative(exactly) + over(exactly) / under(exactly)
        z = acb(ball(end))
        logs = [c * (z - r if r.imag != 0 else acb(abs((z - r).real))).log() for r, c in residues]
        polynomials = acb_poly(antiderivative)(z) + acb_poly(over)(z) / acb_poly(under)(z)
        return (polynomials + sum(logs, acb(0))).real

    return at(part.high, 1) - at(part.low, -1)


def ball(end: End) -> arb:
    """An enclosure of the number."""
    if end.p.degree() == 1:
        return arb(fraction(-end.p.nth(0) / end.p.nth(1)))
    narrow = end.narrowed(Rational(1, 2**PRECISION))
    return arb(fraction(narrow.low)).union(arb(fraction(narrow.high)))


def fraction(value: Number) -> fmpq:
    """SymPy's rational number in FLINT."""
    return fmpq(int(value.p), int(value.q))


def flint(p: Poly) -> fmpq_poly:
    """SymPy's polynomial in FLINT."""
    return fmpq_poly([fraction(c) for c in reversed(p.all_coeffs())])
