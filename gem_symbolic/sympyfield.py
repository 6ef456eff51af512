"""The first exact engine: SymPy's fraction fields over Q."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from sympy import QQ
from sympy.polys.fields import FracField
from sympy.polys.rootisolation import dup_count_real_roots

from gem_symbolic.algebra import Algebra, Terms


class SymPyAlgebra(Algebra):
    """The engine on SymPy's sparse fraction fields."""

    name = "SymPy"

    def __init__(self, symbols: Sequence[str]):
        self.symbols = tuple(symbols)
        self.field = FracField(list(symbols), QQ)
        self.gens = dict(zip(self.symbols, self.field.gens, strict=True))

    def number(self, value: int | Fraction) -> Any:
        value = Fraction(value)
        return self.field(QQ(value.numerator, value.denominator))

    def diff(self, element: Any, symbol: str) -> Any:
        return element.diff(self.gens[symbol])

    def fraction(self, element: Any) -> tuple[Any, Any]:
        return self.field(element.numer), self.field(element.denom)

    def terms(self, polynomial: Any) -> Terms:
        scale = polynomial.denom.LC
        return {m: Fraction(str(c / scale)) for m, c in polynomial.numer.terms() if c}

    def factors(self, polynomial: Any) -> tuple[Fraction, list[tuple[Any, int]]]:
        constant, factors = (polynomial.numer / polynomial.denom.LC).factor_list()
        return Fraction(str(constant)), [(self.field(f), k) for f, k in factors]

    def discriminant(self, polynomial: Any, symbol: str) -> Any:
        ring = self.field.ring
        place = self.symbols.index(symbol)
        order = [ring.symbols[place], *(s for i, s in enumerate(ring.symbols) if i != place)]
        turned = ring.clone(symbols=order).from_dict(
            {(m[place], *(e for i, e in enumerate(m) if i != place)): c for m, c in polynomial.numer.terms()}
        )
        result = turned.discriminant()
        back = {(*m[:place], 0, *m[place:]): c for m, c in result.terms()}
        return self.field(ring.from_dict(back))

    def count_roots(self, coefficients: Sequence[Fraction], low: Fraction) -> int:
        if len(coefficients) < 2:
            return 0
        dense = [QQ(c.numerator, c.denominator) for c in reversed(coefficients)]
        bound = QQ(low.numerator, low.denominator)
        at_low = sum(c * low**k for k, c in enumerate(coefficients)) == 0
        return int(dup_count_real_roots(dense, QQ, inf=bound)) - at_low
