"""Two kinds of closed form that are no rational functions, with an exact test of equality.

PowerProduct: a product of powers of irreducible polynomials with exponents in Q(n), such as s (n-1)^(1-1/n) / n.
Surd: a + b sqrt(d) over a field.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from gem_symbolic import decide
from gem_symbolic.algebra import Algebra
from gem_symbolic.expressions import ExpressionError, evaluate


def prime_factors(number: int) -> dict[int, int]:
    """The prime factorisation of a positive integer, by trial division (the numbers here are small)."""
    found: dict[int, int] = {}
    p = 2
    while p * p <= number:
        while number % p == 0:
            number, found[p] = number // p, found.get(p, 0) + 1
        p += 1
    if number > 1:
        found[number] = found.get(number, 0) + 1
    return found


@dataclass(frozen=True)
class PowerProduct:
    """sign * product of base**exponent, each base an irreducible polynomial or a prime: equal forms, equal numbers."""

    algebra: Algebra
    sign: int
    powers: Mapping[str, tuple[Any, Any]]

    @classmethod
    def of(cls, algebra: Algebra, element: Any) -> "PowerProduct":
        """From an element of the field."""
        powers: dict[str, tuple[Any, Any]] = {}
        total = Fraction(1)
        for part, direction in zip(algebra.fraction(element), (1, -1), strict=True):
            constant, factors = algebra.factors(part)
            total *= constant**direction
            for base, exponent in factors:
                # The leading coefficient decides which of f and -f is the base: bases must not depend on the engine.
                lead = max(algebra.terms(base).items())[1]
                base, total = base / algebra.number(lead), total * lead ** (exponent * direction)
                powers[str(base)] = (base, algebra.number(exponent * direction))
        if total == 0:
            return cls(algebra, 0, {})
        for part, direction in ((abs(total).numerator, 1), (abs(total).denominator, -1)):
            for prime, exponent in prime_factors(part).items():
                powers[str(prime)] = (algebra.number(prime), algebra.number(exponent * direction))
        return cls(algebra, 1 if total > 0 else -1, powers)

    def plain(self) -> Any:
        """The element of the field that it is. Raises ExpressionError for a fractional or symbolic exponent."""
        value = self.algebra.number(self.sign)
        for base, exponent in self.powers.values():
            k = self.algebra.constant(exponent)
            if k is None or k.denominator != 1:
                raise ExpressionError(f"a sum may not contain ({base})**({exponent})")
            value = value * base ** int(k)
        return value

    def __add__(self, other: "PowerProduct") -> "PowerProduct":
        return self.of(self.algebra, self.plain() + other.plain())

    def __sub__(self, other: "PowerProduct") -> "PowerProduct":
        return self.of(self.algebra, self.plain() - other.plain())

    def __neg__(self) -> "PowerProduct":
        return PowerProduct(self.algebra, -self.sign, self.powers)

    def __mul__(self, other: "PowerProduct") -> "PowerProduct":
        powers = dict(self.powers)
        for key, (base, exponent) in other.powers.items():
            total = exponent + powers[key][1] if key in powers else exponent
            powers[key] = (base, total)
        kept = {k: v for k, v in powers.items() if self.algebra.constant(v[1]) != 0}
        return PowerProduct(self.algebra, self.sign * other.sign, kept if self.sign * other.sign else {})

    def __truediv__(self, other: "PowerProduct") -> "PowerProduct":
        return self * other ** self.of(self.algebra, self.algebra.number(-1))

    def __pow__(self, exponent: "PowerProduct") -> "PowerProduct":
        power = exponent.plain()
        k = self.algebra.constant(power)
        if self.sign < 0 and (k is None or k.denominator != 1):
            raise ExpressionError("a negative number has no real power with a fractional exponent")
        if self.sign == 0 and (k is None or k <= 0):
            raise ExpressionError("0 has only positive powers")
        if k is None or k.denominator != 1:
            for base, _ in self.powers.values():
                if not decide.sign(self.algebra, base, ">").holds:
                    raise ExpressionError(f"{base} may be negative and has a fractional exponent")
        sign = self.sign if k is None or k % 2 else abs(self.sign)
        return PowerProduct(self.algebra, sign, {key: (b, e * power) for key, (b, e) in self.powers.items()})

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PowerProduct):
            return NotImplemented
        return self.sign == other.sign and {k: e for k, (_, e) in self.powers.items()} == {
            k: e for k, (_, e) in other.powers.items()
        }

    __hash__ = None  # type: ignore[assignment]  # exponents are field elements, compared and never hashed


def power_product(
    algebra: Algebra, text: str, names: Mapping[str, PowerProduct], functions: Mapping[str, Any]
) -> PowerProduct:
    """A formula as a PowerProduct; `functions` take and give elements of the field. Raises ExpressionError."""

    def lifted(function: Any) -> Any:
        return lambda *arguments: PowerProduct.of(algebra, function(*(a.plain() for a in arguments)))

    return evaluate(
        text,
        names,
        number=lambda value: PowerProduct.of(algebra, algebra.number(value)),
        functions={name: lifted(function) for name, function in functions.items()},
    )


@dataclass(frozen=True)
class Surd:
    """a + b sqrt(d) over a field; all Surds of one computation share d."""

    algebra: Algebra
    a: Any
    b: Any
    d: Any = None

    def _join(self, other: "Surd") -> Any:
        if self.d is not None and other.d is not None and self.d != other.d:
            raise ExpressionError("a formula may hold one square root only")
        return self.d if self.d is not None else other.d

    def __add__(self, other: "Surd") -> "Surd":
        return Surd(self.algebra, self.a + other.a, self.b + other.b, self._join(other))

    def __sub__(self, other: "Surd") -> "Surd":
        return self + -other

    def __neg__(self) -> "Surd":
        return Surd(self.algebra, -self.a, -self.b, self.d)

    def __mul__(self, other: "Surd") -> "Surd":
        d = self._join(other)
        cross = self.b * other.b * d if d is not None else self.algebra.number(0)
        return Surd(self.algebra, self.a * other.a + cross, self.a * other.b + self.b * other.a, d)

    def __truediv__(self, other: "Surd") -> "Surd":
        norm = other.a * other.a - (other.b * other.b * other.d if other.d is not None else self.algebra.number(0))
        return self * Surd(self.algebra, other.a / norm, -other.b / norm, other.d)

    def __pow__(self, exponent: "Surd") -> "Surd":
        k = self.algebra.constant(exponent.a)
        if k is None or k.denominator != 1 or k < 0:
            raise ExpressionError("only a natural number may stand as an exponent here")
        result = Surd(self.algebra, self.algebra.number(1), self.algebra.number(0), self.d)
        for _ in range(int(k)):
            result = result * self
        return result


def surd(algebra: Algebra, text: str, names: Mapping[str, Any]) -> Surd:
    """A formula with at most one square root as a Surd. Raises ExpressionError."""
    zero, one = algebra.number(0), algebra.number(1)
    return evaluate(
        text,
        {name: value if isinstance(value, Surd) else Surd(algebra, value, zero) for name, value in names.items()},
        number=lambda value: Surd(algebra, algebra.number(value), zero),
        functions={"sqrt": lambda inside: Surd(algebra, zero, one, inside.a)},
    )
