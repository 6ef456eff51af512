"""A function x^a P(u)/Q(u) on a half-line at a fixed n: derivatives, critical points, limits, integrals, rigorously."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from flint import acb, acb_poly, arb, arb_poly, ctx, fmpq, fmpq_poly

from gem_symbolic.checkers.isolate import real_roots

INFINITY = arb.pos_inf()
#: The coefficients of a polynomial, constant term first.
Row = tuple[fmpq, ...]


@dataclass(frozen=True)
class Side:
    """x^a P(u)/Q(u) for x > 0 (sign 1) or x < 0 (sign -1), with u = |x|^n/eps, at a fixed n."""

    sign: int
    n: int
    a: int
    P: fmpq_poly
    Q: fmpq_poly

    def derivative(self) -> "Side":
        u = fmpq_poly([0, 1])
        top = self.a * self.P * self.Q + self.n * u * (self.P.derivative() * self.Q - self.P * self.Q.derivative())
        common = top.gcd(self.Q * self.Q)
        return Side(self.sign, self.n, self.a - 1, top // common, self.Q * self.Q // common)

    def place(self, u: arb, s: arb) -> arb:
        """The x on this side where u is that ball."""
        return self.sign * s * u ** arb(fmpq(1, self.n))

    def at(self, u: arb, s: arb) -> arb:
        """The value where u > 0 is that ball."""
        t = abs(self.place(u, s))
        return self.sign**self.a * t**self.a * arb_poly(self.P)(u) / arb_poly(self.Q)(u)

    def limit(self, s: arb, at_infinity: bool) -> arb:
        """The limit at 0 or at infinity, possibly infinite."""
        if self.P == 0:
            return arb(0)
        pick = (lambda p: p.degree()) if at_infinity else valuation
        exponent = self.a + self.n * (pick(self.P) - pick(self.Q))
        lead = arb(self.P[pick(self.P)] / self.Q[pick(self.Q)]) * self.sign**self.a * s**self.a
        if exponent == 0:
            return lead
        vanishes = (exponent < 0) if at_infinity else (exponent > 0)
        return arb(0) if vanishes else lead * INFINITY

    def critical(self) -> list[arb]:
        """Every u > 0 where the derivative vanishes, isolated; none where it vanishes identically."""
        return positive_roots(self.derivative().P)

    def stations(self, s: arb) -> list[tuple[arb, arb]]:
        """(x, value) at 0, at each critical point from there outwards, and at infinity."""
        inner = [(self.place(u, s), self.at(u, s)) for u in self.critical()]
        ends = (arb(0), self.limit(s, False)), (self.sign * INFINITY, self.limit(s, True))
        return [ends[0], *inner, ends[1]]

    def power_integral(self, p: Fraction, s: arb) -> arb:
        """The integral of |value|^p over the half-line: two rigorous integrals over (0, 1), |x| = s r and s/r."""
        if self.P == 0:
            return arb(0)
        low, high = valuation(self.P) - valuation(self.Q), self.P.degree() - self.Q.degree()
        total = arb(0)
        for exponent, top, bottom in (
            (p * (self.a + self.n * low), stripped(self.P), stripped(self.Q)),
            (-p * (self.a + self.n * high) - 2, reverse(self.P), reverse(self.Q)),
        ):
            if exponent <= -1:
                return INFINITY
            total += unit_integral(exponent, p, self.n, top, bottom)
        return total * s ** arb(fmpq(*(p * self.a + 1).as_integer_ratio()))


def unit_integral(exponent: Fraction, p: Fraction, n: int, top: fmpq_poly, bottom: fmpq_poly) -> arb:
    """The integral of r^exponent |top(r^n)/bottom(r^n)|^p over (0, 1)."""
    sign = 1 if top(fmpq(1, 2)) / bottom(fmpq(1, 2)) > 0 else -1
    return quadrature(exponent, p, n, tuple((sign * top).coeffs()), tuple(bottom.coeffs()), ctx.prec)


@cache
def quadrature(exponent: Fraction, p: Fraction, n: int, top: Row, bottom: Row, bits: int) -> arb:
    """That integral at the working precision `bits`, computed once; r = v^m makes the power of v an integer."""
    m = exponent.denominator
    k = int(m * (exponent + 1)) - 1
    power = acb(arb(fmpq(*p.as_integer_ratio())))
    over, under = acb_poly(list(top)), acb_poly(list(bottom))

    def integrand(v: acb, analytic: bool) -> acb:
        u = v ** (n * m)
        value = over(u) / under(u)
        raised = value ** int(p) if p.denominator == 1 else (power * value.log(analytic=analytic)).exp()
        return m * v**k * raised

    return acb.integral(integrand, 0, 1).real


def valuation(p: fmpq_poly) -> int:
    return next(k for k, c in enumerate(p.coeffs()) if c != 0)


def stripped(p: fmpq_poly) -> fmpq_poly:
    """Without its power of u."""
    return fmpq_poly(p.coeffs()[valuation(p) :])


def reverse(p: fmpq_poly) -> fmpq_poly:
    """The coefficients backwards: u^degree p(1/u)."""
    return fmpq_poly(p.coeffs()[::-1])


def positive_roots(p: fmpq_poly) -> list[arb]:
    if p.degree() < 1:
        return []
    square_free = p.numer() // p.numer().gcd(p.numer().derivative())
    balls = real_roots(square_free)
    if any(b.contains(0) and b != 0 for b in balls):
        raise ArithmeticError("a root was not separated from 0")
    return sorted((b for b in balls if b > 0), key=lambda b: float(b.mid()))


def largest(values: list[arb]) -> arb:
    """The maximum of balls, as a ball."""
    result = values[0]
    for value in values[1:]:
        result = result.max(value)
    return result
