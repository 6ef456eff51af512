"""Exact engines: a field of rational functions over Q in named symbols, and what is asked of it.

SymPy (`sympyfield`) and FLINT (`checkers.flint`) each bring their own arithmetic, factorisation, discriminants and root
counts; `calculus` and `decide` use nothing else, so each conclusion can be reached twice, independently.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

Terms = Mapping[tuple[int, ...], Fraction]


class Algebra:
    """A field Q(symbols). Elements carry + - * / and integer powers; the rest is here."""

    name = ""
    symbols: tuple[str, ...]
    gens: dict[str, Any]

    def __init__(self, symbols: Sequence[str]):
        raise NotImplementedError

    def number(self, value: int | Fraction) -> Any:
        """The constant."""
        raise NotImplementedError

    def diff(self, element: Any, symbol: str) -> Any:
        """The partial derivative."""
        raise NotImplementedError

    def fraction(self, element: Any) -> tuple[Any, Any]:
        """Numerator and denominator without common factor, both polynomial elements."""
        raise NotImplementedError

    def terms(self, polynomial: Any) -> Terms:
        """The coefficients of a polynomial element by exponents, in the order of `symbols`."""
        raise NotImplementedError

    def factors(self, polynomial: Any) -> tuple[Fraction, list[tuple[Any, int]]]:
        """The constant and the irreducible factors over Q with their multiplicities."""
        raise NotImplementedError

    def discriminant(self, polynomial: Any, symbol: str) -> Any:
        """The discriminant with respect to a symbol."""
        raise NotImplementedError

    def count_roots(self, coefficients: Sequence[Fraction], low: Fraction) -> int:
        """The number of distinct real roots > low of a square-free polynomial, constant term first."""
        raise NotImplementedError

    # What follows is the same for every engine.

    def roots_above(self, polynomial: Any, symbol: str, low: Fraction) -> int:
        """The number of distinct real roots > low of a polynomial that is not 0, in that symbol alone."""
        radical = self.fraction(self.diff(polynomial, symbol) / polynomial)[1]  # the same roots, each once
        return self.count_roots([self.constant(c) or Fraction(0) for c in self.coefficients(radical, symbol)], low)

    def substitute(self, element: Any, **values: Any) -> Any:
        """The element with symbols replaced by elements. Raises ZeroDivisionError at a pole."""
        numerator, denominator = (self._insert(part, values) for part in self.fraction(element))
        return numerator / denominator

    def _insert(self, polynomial: Any, values: Mapping[str, Any]) -> Any:
        places = [values.get(symbol, self.gens[symbol]) for symbol in self.symbols]
        total = self.number(0)
        for exponents, coefficient in self.terms(polynomial).items():
            term = self.number(coefficient)
            for place, exponent in zip(places, exponents, strict=True):
                if exponent:
                    term = term * place**exponent
            total = total + term
        return total

    def constant(self, element: Any) -> Fraction | None:
        """The rational number that the element is, or None."""
        numerator, denominator = (self.terms(part) for part in self.fraction(element))
        if any(any(exponents) for part in (numerator, denominator) for exponents in part):
            return None
        return sum(numerator.values(), Fraction(0)) / sum(denominator.values())

    def coefficients(self, polynomial: Any, symbol: str) -> list[Any]:
        """The coefficients in one symbol, constant term first, as elements."""
        place = self.symbols.index(symbol)
        rows: dict[int, Any] = {}
        for exponents, coefficient in self.terms(polynomial).items():
            term = self.number(coefficient)
            for other, exponent in zip(self.symbols, exponents, strict=True):
                if exponent and other != symbol:
                    term = term * self.gens[other] ** exponent
            rows[exponents[place]] = rows.get(exponents[place], self.number(0)) + term
        return [rows.get(k, self.number(0)) for k in range(max(rows, default=0) + 1)]

    def occurring(self, element: Any) -> set[str]:
        """The symbols that occur in the element."""
        return {
            symbol
            for part in self.fraction(element)
            for exponents in self.terms(part)
            for symbol, exponent in zip(self.symbols, exponents, strict=True)
            if exponent
        }

    def normal_form(self, element: Any) -> dict[str, Any]:
        """The canonical fraction as coefficient data: rows [coefficient, exponents], largest first, in the symbols that
        occur; the first coefficient of the denominator is 1."""
        parts = [self.terms(part) for part in self.fraction(element)]
        lead = parts[1][max(parts[1])]
        places = [i for i in range(len(self.symbols)) if any(m[i] for part in parts for m in part)]
        rows = [
            [[str(c / lead), [m[i] for i in places]] for m, c in sorted(part.items(), reverse=True)] for part in parts
        ]
        return {"symbols": [self.symbols[i] for i in places], "numerator": rows[0], "denominator": rows[1]}

    def factored(self, element: Any) -> str:
        """The element as a product of irreducible factors, in the grammar of `expressions`."""
        (above, top), (below, bottom) = (self._product(part) for part in self.fraction(element))
        constant = above / below
        size = abs(constant.numerator)
        top = [str(size)] * (size != 1 or not top) + top
        bottom = [str(constant.denominator)] * (constant.denominator != 1) + bottom
        text = "*".join(top) if not bottom else f"{'*'.join(top)}/({'*'.join(bottom)})"
        return f"-{text}" if constant < 0 else text

    def _product(self, polynomial: Any) -> tuple[Fraction, list[str]]:
        if not self.terms(polynomial):
            return Fraction(0), []
        constant, factors = self.factors(polynomial)
        bases = [(str(f).replace("^", "**"), k) for f, k in factors]
        return constant, [
            (base if base in self.symbols else f"({base})") + (f"**{k}" if k > 1 else "") for base, k in bases
        ]

    def sample(self, element: Any, **values: Fraction | int) -> Fraction | None:
        """The exact value at a rational point, or None where a symbol is left or the point is a pole."""
        if not self.occurring(element) <= values.keys():
            return None
        numerator, denominator = (self._at(part, values) for part in self.fraction(element))
        return numerator / denominator if denominator else None

    def _at(self, polynomial: Any, values: Mapping[str, Fraction | int]) -> Fraction:
        total = Fraction(0)
        for exponents, coefficient in self.terms(polynomial).items():
            for symbol, exponent in zip(self.symbols, exponents, strict=True):
                if exponent:
                    coefficient *= Fraction(values[symbol]) ** exponent
            total += coefficient
        return total
