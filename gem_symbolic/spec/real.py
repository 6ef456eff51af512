"""Exact real algebraic numbers: order, equality and signs are decided, never estimated.

A number is named by its minimal polynomial and by which real root of it it is. FLINT factors polynomials and encloses
their roots in disjoint balls; two numbers that are not the same are told apart by balls small enough.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, total_ordering

from flint import arb, arb_poly, ctx, fmpq, fmpq_poly, fmpz_poly

from gem_symbolic.checkers.isolate import real_roots

#: The relative accuracy, in bits, that comparisons start from; it doubles until they are decided.
BITS = 64
OO = float("inf")


@cache
def balls(coefficients: tuple[int, ...], bits: int) -> tuple[arb, ...]:
    """The real roots of an irreducible integer polynomial, from the left, in disjoint balls of that accuracy."""
    with ctx.workprec(bits):
        return tuple(sorted(real_roots(fmpz_poly(list(coefficients)))))


@total_ordering
@dataclass(frozen=True)
class Real:
    """The real root number `index`, counted from the left from 0, of an irreducible polynomial.

    Its coefficients are coprime integers, constant term first, the last one positive.
    """

    coefficients: tuple[int, ...]
    index: int

    @classmethod
    def of(cls, value: fmpq | int) -> "Real":
        """The rational number."""
        value = fmpq(value)
        return cls((-int(value.p), int(value.q)), 0)

    @property
    def rational(self) -> fmpq | None:
        """The value, where it is rational."""
        return fmpq(-self.coefficients[0], self.coefficients[1]) if len(self.coefficients) == 2 else None

    @property
    def polynomial(self) -> fmpq_poly:
        """The minimal polynomial, up to a factor."""
        return fmpq_poly(list(self.coefficients))

    def ball(self, bits: int = BITS) -> arb:
        """An enclosure of that relative accuracy."""
        if self.rational is not None:
            with ctx.workprec(bits):
                return arb(self.rational)
        return balls(self.coefficients, bits)[self.index]

    def __lt__(self, other: "Extended") -> bool:
        if not isinstance(other, Real):
            return other == OO
        if self == other:
            return False
        if self.rational is not None and other.rational is not None:
            return self.rational < other.rational
        for bits in precisions():
            a, b = self.ball(bits), other.ball(bits)
            if a < b or a > b:
                return a < b
        raise AssertionError("the precisions do not end")

    def __neg__(self) -> "Real":
        mirrored = [(-1) ** k * c for k, c in enumerate(self.coefficients)]
        lead = 1 if mirrored[-1] > 0 else -1
        last = 0 if self.rational is not None else len(balls(self.coefficients, BITS)) - 1
        return Real(tuple(lead * c for c in mirrored), last - self.index)

    def __str__(self) -> str:
        """In the notation of the spec files."""
        if self.rational is not None:
            return str(self.rational)
        return f"root({polynomial_text(self.polynomial)}, {self.index + 1})"


#: A real algebraic number, or an infinity: the only floats there are here.
Extended = Real | float


def magnitude(value: Extended) -> Extended:
    """The absolute value."""
    if not isinstance(value, Real):
        return OO
    return -value if value < Real.of(0) else value


def precisions() -> Iterator[int]:
    """BITS, doubled without end."""
    bits = BITS
    while True:
        yield bits
        bits *= 2


def polynomial_text(p: fmpq_poly) -> str:
    """A polynomial in x, as the spec files write it: "x^2 - 2"."""
    text = ""
    for k, c in reversed(list(enumerate(p.coeffs()))):
        if c != 0:
            power = {0: "", 1: "x"}.get(k, f"x^{k}")
            size = "" if power and abs(c) == 1 else str(abs(c)) + ("*" if power else "")
            text += (" - " if text else "-") if c < 0 else (" + " if text else "")
            text += size + power
    return text or "0"


def roots(p: fmpq_poly) -> list[tuple[Real, int]]:
    """The real roots of a polynomial other than 0, from the left, with their multiplicities."""
    found = []
    for factor, multiplicity in p.numer().factor()[1]:
        sign = -1 if factor.leading_coefficient() < 0 else 1
        coefficients = tuple(sign * int(c) for c in factor.coeffs())
        count = 1 if len(coefficients) == 2 else len(balls(coefficients, BITS))
        found += [(Real(coefficients, index), int(multiplicity)) for index in range(count)]
    return sorted(found)


def sign(p: fmpq_poly, at: Real) -> int:
    """The sign of a polynomial at a number: -1, 0 or 1."""
    if at.rational is not None:
        value = p(at.rational)
        return (value > 0) - (value < 0)
    if (p % at.polynomial) == 0:
        return 0
    for bits in precisions():
        with ctx.workprec(bits):
            value = arb_poly(p)(at.ball(bits))
        if value > 0 or value < 0:
            return 1 if value > 0 else -1
    raise AssertionError("the precisions do not end")


def between(low: Real | None, high: Real | None) -> fmpq:
    """A short rational number strictly between two numbers, low < high; None stands for an infinite end."""
    if low is None:
        return fmpq(0) if high is None else -between(-high, None)
    for bits in precisions():
        with ctx.workprec(bits):
            above = low.ball(bits).upper().fmpq() if low.rational is None else low.rational
            if high is None:
                return simplest(above, None)
            below = high.ball(bits).lower().fmpq() if high.rational is None else high.rational
        if above < below:
            return simplest(above, below)
    raise AssertionError("the precisions do not end")


def simplest(low: fmpq, high: fmpq | None) -> fmpq:
    """The rational number with the smallest denominator strictly between low and high; None stands for infinity."""
    if low < 0 and (high is None or high > 0):
        return fmpq(0)
    if high is not None and high <= 0:
        return -simplest(-high, -low)
    whole = fmpq(low.p // low.q)
    if high is None or whole + 1 < high:
        return whole + 1
    return whole + 1 / simplest(1 / (high - whole), None if low == whole else 1 / (low - whole))
