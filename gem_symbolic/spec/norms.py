"""Integrals of a function without poles: L^p norms, exact where they can be, and moments of a standard normal variable.

A number that is not exact is an Arb ball: it holds the value for certain.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from flint import acb, acb_poly, arb, ctx, fmpq, fmpq_poly

from gem_symbolic.checkers.isolate import roots as complex_roots
from gem_symbolic.spec.extrema import largest
from gem_symbolic.spec.model import Function, Piece
from gem_symbolic.spec.rational import ONE, Rational, X, quotient
from gem_symbolic.spec.real import OO, Real, magnitude, roots

#: The working precisions of enclosures, in bits: the next where one gives fewer than ACCURATE good bits.
PRECISIONS, ACCURATE = (128, 512), 64
#: The integral against the normal density is cut off here.
CUT = 40
#: An exact number, an enclosure, or oo.
Value = Real | arb | float


def norm(function: Function, p: int | float) -> Value:
    """The L^p norm, p = 1, 2 or oo."""
    if p == OO:
        return magnitude(largest(function).value)
    pieces = [piece for piece in function.pieces if piece.function.num != 0]
    if any(None in (piece.low, piece.high) and p * piece.function.degree >= -1 for piece in pieces):
        return OO
    parts = [part for piece in pieces for part in (signed(piece) if p == 1 else [squared(piece)])]
    total = sharp(lambda: sum((integral(part) for part in parts), fmpq(0)))
    if isinstance(total, arb):
        return total if p == 1 else sharp(total.sqrt)
    return Real.of(total) if p == 1 else root(total)


def sharp(compute: Callable[[], Any]) -> Any:
    """What is computed, at the first precision that gives enough good bits of it, else at the last."""
    value = None
    for bits in PRECISIONS:
        with ctx.workprec(bits):
            value = compute()
        if not isinstance(value, arb) or (value.is_finite() and value.rel_accuracy_bits() >= ACCURATE):
            break
    return value


def signed(piece: Piece) -> Iterator[Piece]:
    """|f|, in parts on which f keeps its sign."""
    cuts = [x for x, _ in piece.zeros(piece.function.num)]
    ends = [piece.low, *cuts, piece.high]
    for low, high in pairwise(ends):
        part = Piece(low, high, False, False, piece.function)
        negative = part.function.at(part.middle) < Real.of(0)
        yield Piece(low, high, False, False, -part.function) if negative else part


def squared(piece: Piece) -> Piece:
    """f^2."""
    return Piece(piece.low, piece.high, False, False, piece.function**2)


def root(value: fmpq) -> Real:
    """The square root of a rational number >= 0."""
    return roots(X**2 - value)[-1][0]


def integral(piece: Piece) -> fmpq | arb:
    """The integral of a function over its interval, where it is finite; an exact number for a polynomial."""
    f, low, high = piece.function, piece.low, piece.high
    if low is not None and high is not None:
        if f.den == ONE and low.rational is not None and high.rational is not None:
            whole = f.num.integral()
            return whole(high.rational) - whole(low.rational)
        return enclosed(f, low.ball(ctx.prec), high.ball(ctx.prec))
    if high is not None:  # (-oo, high]: mirrored
        return integral(Piece(-high, None, False, False, f.mirrored()))
    if low is None:
        zero = Real.of(0)
        return integral(Piece(None, zero, False, False, f)) + integral(Piece(zero, None, False, False, f))
    start = max(low, Real.of(1))
    near = enclosed(f, low.ball(ctx.prec), start.ball(ctx.prec)) if low < start else arb(0)
    return near + enclosed(inverted(f), arb(0), 1 / start.ball(ctx.prec))


def inverted(f: Rational) -> Rational:
    """f(1/q)/q^2, without a pole at q = 0 where f is of degree -2 or less."""
    top, bottom = (fmpq_poly(list(reversed(p.coeffs()))) for p in (f.num, f.den))
    return quotient(top * X ** (-f.degree - 2), bottom)


def enclosed(f: Rational, low: arb, high: arb) -> arb:
    """The integral between two finite ends without a pole between them."""
    at = evaluated(f)
    return acb.integral(lambda z, _: at(z), low, high).real


def evaluated(f: Rational) -> Callable[[acb], acb]:
    """f on balls of complex numbers: the denominator by its roots, which stays sharp close to them."""
    over = acb_poly(f.num)
    poles = [(pole, int(m)) for factor, m in f.den.numer().factor()[1] for pole in complex_roots(factor)]

    def at(z: acb) -> acb:
        value = over(z)
        for pole, m in poles:
            value /= (z - pole) ** m
        return value

    return at


def second_moment(function: Function) -> arb:
    """E[f(Z)^2] for a standard normal Z."""
    return sharp(lambda: sum((half(part) for piece in function.pieces for part in halves(piece)), arb(0)))


def halves(piece: Piece) -> Iterator[Piece]:
    """The parts right and left of 0, the left one mirrored."""
    zero, f = Real.of(0), piece.function
    if piece.high is None or zero < piece.high:
        low = zero if piece.low is None or piece.low < zero else piece.low
        yield Piece(low, piece.high, False, False, f)
    if piece.low is None or piece.low < zero:
        high = zero if piece.high is None or zero < piece.high else piece.high
        yield Piece(-high, None if piece.low is None else -piece.low, False, False, f.mirrored())


def half(piece: Piece) -> arb:
    """The contribution of a part of the half-line x >= 0: quadrature up to CUT, and a bound of what is beyond."""
    f, cut, low = piece.function, Real.of(CUT), piece.low
    assert low is not None, "the part lies right of 0"
    if f.num == 0:
        return arb(0)
    at, total = evaluated(f), arb(0)
    if low < cut:
        high = cut if piece.high is None or cut < piece.high else piece.high
        total = (
            acb.integral(lambda z, _: at(z) ** 2 * (-z * z / 2).exp(), low.ball(ctx.prec), high.ball(ctx.prec)).real
            / (2 * arb.pi()).sqrt()
        )
    if piece.high is None or cut < piece.high:
        growth = max(f.degree, 0)
        beyond = Piece(max(low, cut), piece.high, True, False, f / quotient(X**growth))
        bound = magnitude(largest(Function("", "", (beyond,))).value)
        assert isinstance(bound, Real), "it is bounded, being of degree 0 at most"
        # The integral of x^(2k) phi over (CUT, oo) in terms of the incomplete gamma function.
        tail = arb(2) ** (growth - 1) * arb(CUT**2 / 2).gamma_upper(arb(growth) + arb(1) / 2) / arb.pi().sqrt()
        total += (bound.ball(ctx.prec) ** 2 * tail).union(arb(0))
    return total


def gain(function: Function) -> Value:
    """E[f(Z)^2]^(-1/2), which keeps the second moment of a standard normal input; oo for the function 0."""
    if all(piece.function.num == 0 for piece in function.pieces):
        return OO
    moment = second_moment(function)
    return sharp(lambda: 1 / moment.sqrt())
