"""Rational functions of x over Q, in lowest terms."""

from dataclasses import dataclass

from flint import arb_poly, ctx, fmpq, fmpq_mat, fmpq_poly

from gem_symbolic.spec.real import OO, Extended, Real, balls, polynomial_text, precisions, sign

X = fmpq_poly([0, 1])
ONE = fmpq_poly([1])


@dataclass(frozen=True)
class Rational:
    """num/den in lowest terms, the denominator with leading coefficient 1. Made by `quotient`."""

    num: fmpq_poly
    den: fmpq_poly

    __hash__ = None  # type: ignore[assignment]  # compared, never hashed

    def __add__(self, other: "Rational") -> "Rational":
        return quotient(self.num * other.den + other.num * self.den, self.den * other.den)

    def __neg__(self) -> "Rational":
        return Rational(-self.num, self.den)

    def __sub__(self, other: "Rational") -> "Rational":
        return self + -other

    def __mul__(self, other: "Rational") -> "Rational":
        return quotient(self.num * other.num, self.den * other.den)

    def __truediv__(self, other: "Rational") -> "Rational":
        """Raises ZeroDivisionError."""
        return quotient(self.num * other.den, self.den * other.num)

    def __pow__(self, exponent: int) -> "Rational":
        """To an integer. Raises ZeroDivisionError for 0 to a negative one."""
        if exponent < 0:
            return quotient(self.den**-exponent, self.num**-exponent)
        return Rational(self.num**exponent, self.den**exponent)

    def __str__(self) -> str:
        over, under = polynomial_text(self.num), polynomial_text(self.den)
        return over if under == "1" else f"({over})/({under})"

    @property
    def constant(self) -> fmpq | None:
        """The value, where it does not depend on x."""
        return self.num[0] if self.den == ONE and self.num.degree() <= 0 else None

    def derivative(self) -> "Rational":
        """f'."""
        return quotient(self.num.derivative() * self.den - self.num * self.den.derivative(), self.den * self.den)

    @property
    def degree(self) -> int:
        """The power of x that it grows like. Raises ValueError for the function 0."""
        if self.num == 0:
            raise ValueError("the function 0 has no degree")
        return self.num.degree() - self.den.degree()

    def limit(self, side: int) -> Extended:
        """The limit at oo for side = 1, at -oo for side = -1."""
        if self.num == 0 or self.degree < 0:
            return Real.of(0)
        lead = self.num.leading_coefficient()
        if self.degree == 0:
            return Real.of(lead)
        return OO if lead * side**self.degree > 0 else -OO

    def mirrored(self) -> "Rational":
        """f(-x)."""
        x = fmpq_poly([0, -1])
        return quotient(self.num(x), self.den(x))

    def at(self, x: Real) -> Real:
        """The exact value at a number. Raises ZeroDivisionError at a pole."""
        if sign(self.den, x) == 0:
            raise ZeroDivisionError(f"{self} has a pole at {x}")
        if x.rational is not None:
            return Real.of(self.num(x.rational) / self.den(x.rational))
        return element(self, x)


def quotient(num: fmpq_poly, den: fmpq_poly = ONE) -> Rational:
    """num/den. Raises ZeroDivisionError."""
    if den == 0:
        raise ZeroDivisionError("division by zero")
    common = num.gcd(den)
    num, den = num // common, den // common
    lead = den.leading_coefficient()
    return Rational(num / lead, den / lead)


def constant(value: fmpq | int) -> Rational:
    """The function that has that value everywhere."""
    return Rational(fmpq_poly([value]), ONE)


def element(f: Rational, x: Real) -> Real:
    """f(x) for an irrational x: f stands for an element of the field Q(x), whose minimal polynomial FLINT computes.

    The element acts on Q(x) by multiplication; the matrix of that map has the same minimal polynomial.
    """
    modulus = x.polynomial
    _, inverse, _ = (f.den % modulus).xgcd(modulus)
    power, degree, columns = (f.num % modulus) * inverse % modulus, modulus.degree(), []
    for _ in range(degree):
        columns.append([power[k] for k in range(degree)])
        power = power * X % modulus
    minimal = fmpq_mat(columns).minpoly().numer()
    coefficients = tuple(int(c) for c in minimal.coeffs())
    if len(coefficients) == 2:
        return Real(coefficients, 0)
    return Real(coefficients, which(coefficients, f, x))


def which(coefficients: tuple[int, ...], f: Rational, x: Real) -> int:
    """Which real root of the polynomial f(x) is."""
    for bits in precisions():
        with ctx.workprec(bits):
            at = x.ball(bits)
            value = arb_poly(f.num)(at) / arb_poly(f.den)(at)
            near = [k for k, root in enumerate(balls(coefficients, bits)) if root.overlaps(value)]
        if len(near) == 1:
            return near[0]
    raise AssertionError("the precisions do not end")
