"""Moments E[f(Z)^k], Z standard normal, in two independent ways: rigorous quadrature, and residues in closed form."""

from fractions import Fraction

from flint import acb, acb_poly, acb_series, arb, ctx, fmpq, fmpq_poly

from gem_symbolic.checkers.halfline import Side
from gem_symbolic.checkers.isolate import roots

#: The integral is cut off here; beyond, |f| <= bound |x| and the Gaussian tail is below 2^-1100.
CUT = 40
Sides = tuple[Side, Side]


def moment_by_quadrature(sides: Sides, k: int, s: arb) -> arb:
    """For k = 1 or 2 and branches x R(u), R bounded: each half-line's integral, cut off, and a bound of the rest."""
    return sum((side.sign**k * half_moment(side, k, s) for side in sides), arb(0))


def half_moment(side: Side, k: int, s: arb) -> arb:
    if side.P == 0:
        return arb(0)
    over, under = acb_poly(side.P), acb_poly(side.Q)
    root = (2 * arb.pi()).sqrt()

    def near(r: acb, analytic: bool) -> acb:
        u, t = r**side.n, r * s
        return s * (t * over(u) / under(u)) ** k * (-t * t / 2).exp() / root

    def far(q: acb, analytic: bool) -> acb:
        # r = 1/q; dividing by u^degree keeps the quotient bounded where u is huge.
        r = 1 / q
        u, t = q**side.n, r * s
        degree = max(side.P.degree(), side.Q.degree())
        top, bottom = (acb_poly(padded(p, degree)) for p in (side.P, side.Q))
        return s * (t * top(u) / bottom(u)) ** k * (-t * t / 2).exp() / root / (q * q)

    cut = CUT / s
    total = acb.integral(near, 0, cut if cut < 1 else 1).real
    if cut > 1:
        total += acb.integral(far, 1 / cut, 1).real
    ratio = Side(1, side.n, 0, side.P, side.Q)
    bound = max((abs(v) for _, v in ratio.stations(s)), key=lambda b: float(b.upper()))
    # For T >= 1 and k <= 2 the integral of t^k phi over (T, oo) is below (T + 1) phi(T).
    rest = bound**k * (CUT + 1) * (-(arb(CUT) ** 2) / 2).exp() / root
    return total + arb(0, rest.upper())


def padded(p: fmpq_poly, degree: int) -> fmpq_poly:
    """u^degree p(1/u)."""
    row = [p[i] for i in range(degree + 1)]
    return fmpq_poly(row[::-1])


def moment_by_residues(sides: Sides, k: int, eps: Fraction) -> arb:
    """The same moments from partial fractions: E_1 for k = 1, the Faddeeva function for k = 2."""
    return sum((side.sign**k * half_by_residues(side, k, eps) for side in sides), arb(0))


def half_by_residues(side: Side, k: int, eps: Fraction) -> arb:
    """With v = t^2/2 for k = 1: integral of R e^-v / sqrt(2 pi); for k = 2 half the integral of t^2 R^2 phi over R."""
    if side.P == 0:
        return arb(0)
    step = side.n // 2 if k == 1 else side.n
    scale = (fmpq(2) ** step if k == 1 else fmpq(1)) / fmpq(eps.numerator, eps.denominator)
    stretch = fmpq_poly([0] * step + [scale])
    top, bottom = side.P(stretch), side.Q(stretch)
    if k == 2:
        top, bottom = top * top * fmpq_poly([0, 0, 1]), bottom * bottom
    common = top.gcd(bottom)
    top, bottom = top // common, bottom // common
    whole, rest = divmod(top, bottom)
    moments = [arb(1)] if k == 1 else [arb(1), arb(0)]
    for j in range(len(moments), whole.degree() + 1):
        moments.append(moments[-1] * j if k == 1 else moments[-2] * (j - 1))
    total = sum((arb(whole[j]) * moments[j] for j in range(whole.degree() + 1)), arb(0))
    if bottom.degree() > 0:
        with ctx.extraprec(64 + 8 * bottom.degree()):  # the residues cancel
            poles = roots(square_free(bottom).numer())
            order = bottom.degree() // len(poles)
            total += sum((residue(rest, bottom, pole, order, k) for pole in poles), acb(0)).real
    return total / (2 * arb.pi()).sqrt() if k == 1 else total / 2


def square_free(p: fmpq_poly) -> fmpq_poly:
    return p // p.gcd(p.derivative())


def residue(top: fmpq_poly, bottom: fmpq_poly, pole: acb, order: int, k: int) -> acb:
    """The contribution of one pole: its principal part against the transform of the weight and its derivatives."""
    length = order + 1
    simple = square_free(bottom)
    cofactor = fmpq_poly([bottom[bottom.degree()] / simple[simple.degree()] ** order])
    around = acb_series([pole, 1], length)
    # bottom = c simple^order, and simple(pole + h) = h (simple' + ...): divide by h exactly.
    inner = horner(simple, around)
    lifted = acb_series([inner[j + 1] for j in range(order)], order)
    regular = horner(top, acb_series([pole, 1], order)) / (lifted**order * acb(arb(cofactor[0])))
    transform = weight_transform(pole, k)
    total = acb(0)
    value, previous = transform, acb(0)
    for m in range(1, order + 1):
        total += regular[order - m] * value
        # derivatives of the transform, divided by (m-1)!
        value, previous = next_derivative(pole, value, previous, m, k), value
    return total


def horner(p: fmpq_poly, x: acb_series) -> acb_series:
    value = acb_series([0], x.prec)
    for c in reversed(p.coeffs()):
        value = value * x + acb(arb(c))
    return value


def weight_transform(z: acb, k: int) -> acb:
    """The integral of weight(t)/(t - z): e^-t on (0, oo) for k = 1, phi on R for k = 2."""
    if k == 1:
        return (-z).exp() * (-z).expint(1)
    upper = z if z.imag > 0 else z.conjugate()
    zeta = upper / arb(2).sqrt()
    value = acb(0, 1) * (arb.pi() / 2).sqrt() * (-zeta * zeta).exp() * (acb(0, -1) * zeta).erfc()
    return value if z.imag > 0 else value.conjugate()


def next_derivative(z: acb, value: acb, previous: acb, m: int, k: int) -> acb:
    """K^(m)/m! from K^(m-1)/(m-1)! and the one before, for the transform K: K' = -1/z - K, or K' = -1 - z K."""
    if k == 1:
        return -(value + (-1) ** (m - 1) / z**m) / m
    return -(z * value + previous + (1 if m == 1 else 0)) / m
