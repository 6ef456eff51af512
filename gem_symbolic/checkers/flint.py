"""The second exact engine: FLINT's multivariate polynomials over Q, with fractions of our own on top."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import Ordering, fmpq, fmpq_mpoly_ctx, fmpz_poly

from gem_symbolic.algebra import Algebra, Terms
from gem_symbolic.checkers.isolate import real_roots


class Field:
    """Q(symbols): the ring that numerators and denominators live in, and its generators as fractions."""

    def __init__(self, symbols: Sequence[str]):
        self.symbols = tuple(symbols)
        self.context = fmpq_mpoly_ctx.get(self.symbols, Ordering.lex)
        self.one = self.context.constant(1)
        self.gens = tuple(Quotient(self, g, self.one) for g in self.context.gens())

    def constant(self, value: int | Fraction) -> "Quotient":
        value = Fraction(value)
        return Quotient(self, self.context.constant(fmpq(value.numerator, value.denominator)), self.one)


@dataclass(frozen=True, eq=False)
class Quotient:
    """num/den in lowest terms, the denominator with leading coefficient 1."""

    field: Field
    num: Any
    den: Any

    @classmethod
    def reduced(cls, field: Field, num: Any, den: Any) -> "Quotient":
        if den == 0:
            raise ZeroDivisionError("division by the zero polynomial")
        common = num.gcd(den)
        num, den = num / common, den / common
        lead = den.leading_coefficient()
        return cls(field, num / lead, den / lead)

    def _lift(self, other: Any) -> "Quotient":
        return other if isinstance(other, Quotient) else self.field.constant(other)

    def __add__(self, other: Any) -> "Quotient":
        other = self._lift(other)
        return self.reduced(self.field, self.num * other.den + other.num * self.den, self.den * other.den)

    def __sub__(self, other: Any) -> "Quotient":
        return self + -self._lift(other)

    def __neg__(self) -> "Quotient":
        return Quotient(self.field, -self.num, self.den)

    def __mul__(self, other: Any) -> "Quotient":
        other = self._lift(other)
        return self.reduced(self.field, self.num * other.num, self.den * other.den)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "Quotient":
        other = self._lift(other)
        return self.reduced(self.field, self.num * other.den, self.den * other.num)

    def __pow__(self, exponent: int) -> "Quotient":
        if exponent < 0:
            return self.reduced(self.field, self.den**-exponent, self.num**-exponent)
        return Quotient(self.field, self.num**exponent, self.den**exponent)

    def __eq__(self, other: object) -> bool:
        other = self._lift(other)
        return self.num == other.num and self.den == other.den

    __hash__ = None  # type: ignore[assignment]  # compared, never hashed

    def __str__(self) -> str:
        return str(self.num) if self.den == 1 else f"({self.num})/({self.den})"

    def diff(self, generator: "Quotient") -> "Quotient":
        """The partial derivative, by the quotient rule."""
        name = str(generator)
        top = self.num.derivative(name) * self.den - self.num * self.den.derivative(name)
        return self.reduced(self.field, top, self.den * self.den)


def rational(value: fmpq) -> Fraction:
    return Fraction(int(value.p), int(value.q))


class FlintAlgebra(Algebra):
    """The engine on FLINT."""

    name = "FLINT"

    def __init__(self, symbols: Sequence[str]):
        self.field = Field(symbols)
        self.symbols = self.field.symbols
        self.gens = dict(zip(self.symbols, self.field.gens, strict=True))

    def number(self, value: int | Fraction) -> Quotient:
        return self.field.constant(value)

    def diff(self, element: Quotient, symbol: str) -> Quotient:
        return element.diff(self.gens[symbol])

    def fraction(self, element: Quotient) -> tuple[Quotient, Quotient]:
        return Quotient(self.field, element.num, self.field.one), Quotient(self.field, element.den, self.field.one)

    def terms(self, polynomial: Quotient) -> Terms:
        scale = polynomial.den.leading_coefficient()
        return {tuple(map(int, m)): rational(c / scale) for m, c in polynomial.num.terms()}

    def factors(self, polynomial: Quotient) -> tuple[Fraction, list[tuple[Quotient, int]]]:
        constant, factors = polynomial.num.factor()
        return rational(constant), [(Quotient(self.field, f, self.field.one), int(k)) for f, k in factors]

    def discriminant(self, polynomial: Quotient, symbol: str) -> Quotient:
        return Quotient(self.field, polynomial.num.discriminant(symbol), self.field.one)

    def count_roots(self, coefficients: Sequence[Fraction], low: Fraction) -> int:
        if len(coefficients) < 2:
            return 0
        scale = 1
        for c in coefficients:
            scale *= c.denominator
        p = fmpz_poly([int(c * scale) for c in coefficients])
        balls = [root - fmpq(low.numerator, low.denominator) for root in real_roots(p)]
        at_low = sum(c * low**k for k, c in enumerate(coefficients)) == 0
        decided = [b for b in balls if b > 0 or b < 0]
        if len(decided) + at_low != len(balls):
            raise ArithmeticError("a root was not separated from the end of the interval")
        return sum(1 for b in decided if b > 0)
