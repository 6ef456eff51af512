"""Exact numbers for a program that is run once for a whole region: real numbers, and the special values of IEEE 754.

A number is an element other than 0 of a field of rational functions, or one of the floats nan, inf, -inf, 0.0 and -0.0.
The element 0 is a zero whose sign is not known. An inverse square root is known by its square.
"""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from typing import Any

from gem_symbolic.algebra import Algebra


class Refused(ValueError):
    """The program does something that is not known to be right; the machine adds where."""


@dataclass(frozen=True)
class InverseRoot:
    """1/sqrt(radicand), for an element that is positive."""

    radicand: Any


def ieee(op: Callable[[Any, Any], Any], a: float, b: float) -> float:
    """The operation on floats, where Python raises an exception too."""
    if op is operator.truediv and b == 0:
        return math.nan if math.isnan(a) or a == 0 else math.copysign(math.inf, a) * math.copysign(1, b)
    return op(a, b)


@dataclass(frozen=True)
class Numbers:
    """Arithmetic and comparisons. A sign is a fact, or that of elements in the `positive` symbols alone.

    `moved` replaces a symbol by an element that runs through the values which the symbol takes; `literals` are the
    numbers that literals stand for, by how Python shows them.
    """

    algebra: Algebra
    positive: frozenset[str] = frozenset()
    moved: Mapping[str, Any] = field(default_factory=dict)
    facts: Sequence[tuple[Any, int]] = ()
    literals: Mapping[str, Any] = field(default_factory=dict)

    def literal(self, value: float) -> Any:
        """What a literal with a fraction or an exponent stands for. Raises Refused."""
        if repr(value) not in self.literals:
            raise Refused(f"{value!r} is no coefficient of the plans")
        return self.literals[repr(value)]

    def lift(self, value: int) -> Any:
        return self.algebra.number(value) if value else 0.0

    def sign(self, number: Any) -> int:
        """-1, 0 or 1. Raises Refused where it is not the same throughout the region, or not known, or for a NaN."""
        if isinstance(number, float):
            if math.isnan(number):
                raise Refused("a NaN has no sign")
            return (number > 0) - (number < 0)
        if isinstance(number, InverseRoot):
            raise Refused("an inverse square root is used otherwise than squared")
        if number == 0:
            return 0
        for element, known in self.facts:
            if number == element or number == -element:
                return known if number == element else -known
        found = self._throughout(number)
        if not found and self.moved:
            moved = self.algebra.substitute(number, **self.moved)
            found = self._throughout(moved) or self._counted(moved)
        if not found:
            raise Refused(f"the sign of {number} is not the same throughout, or not known")
        return found

    def _throughout(self, element: Any) -> int:
        """1 or -1 for an element whose coefficients show it, else 0."""
        found, positive = 1, [symbol in self.positive for symbol in self.algebra.symbols]
        for part in self.algebra.fraction(element):
            terms = self.algebra.terms(part)
            if any(e and not p for exponents in terms for e, p in zip(exponents, positive)):
                return 0
            signs = {1 if c > 0 else -1 for c in terms.values()}
            found *= signs.pop() if len(signs) == 1 else 0
        return found

    def _counted(self, element: Any) -> int:
        """1 or -1 for an element in one positive symbol without a positive root or pole, else 0."""
        symbols = self.algebra.occurring(element)
        if len(symbols) != 1 or not symbols <= self.positive:
            return 0
        (symbol,) = symbols
        parts = [part for part in self.algebra.fraction(element) if self.algebra.constant(part) is None]
        if any(self.algebra.roots_above(part, symbol, Fraction(0)) for part in parts):
            return 0
        sample = self.algebra.sample(element, **{symbol: 1})
        return 0 if sample is None else (sample > 0) - (sample < 0)

    def combine(self, op: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
        """a + b, a - b, a * b or a / b, exactly; by the rules of IEEE 754 where one of them is a special value.

        Raises Refused where what is divided by may vanish, or the result depends on a sign that is not known.
        """
        if roots := [v for v in (a, b) if isinstance(v, InverseRoot)]:
            if op is not operator.mul or len(roots) < 2 or a != b:
                raise Refused("an inverse square root is used otherwise than squared")
            return self.algebra.number(1) / a.radicand
        floats = [isinstance(v, float) for v in (a, b)]
        if not any(floats) and (op is not operator.truediv or self.sign(b)):
            value = op(a, b)
            return 0.0 if value == 0 and a != 0 and b != 0 else value
        if op in (operator.add, operator.sub) and not all(floats):
            if floats[1] and b == 0 != a:
                return a
            if floats[0] and a == 0 != b:
                return b if op is operator.add else -b
        # What is left depends on nothing but the sign of a finite number beside a special value.
        found = {repr(v): v for v in (ieee(op, *pair) for pair in product(*map(self._alike, (a, b))))}
        if len(found) > 1 and any(found.values()):
            raise Refused(f"the sign of {b if floats[0] else a} is not the same throughout, or not known")
        return next(iter(found.values())) if len(found) == 1 else self.algebra.number(0)

    def _alike(self, number: Any) -> tuple[float, ...]:
        """The floats that a number may be like, as far as its sign goes."""
        if isinstance(number, float):
            return (number,)
        if number == 0:
            return (0.0, -0.0)
        try:
            return (float(self.sign(number)),)
        except Refused:
            return (1.0, -1.0, 0.0, -0.0)

    def inverse_root(self, a: Any) -> Any:
        """1/sqrt(a). Raises Refused like `sign`, and for a zero whose sign is not known."""
        if isinstance(a, float):
            if a == 0:
                return math.copysign(math.inf, a)
            return 0.0 if a == math.inf else math.nan
        if self.sign(a) == 0:
            raise Refused("the sign of a zero is not known")
        return InverseRoot(a) if self.sign(a) > 0 else math.nan

    def absolute(self, a: Any) -> Any:
        """|a|. Raises Refused like `sign`."""
        return abs(a) if isinstance(a, float) else a if self.sign(a) > 0 else -a

    def choose(self, condition: Any, yes: Any, no: Any) -> Any:
        return yes if condition else no

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        """a * b + c, which is rounded once."""
        return self.combine(operator.add, self.combine(operator.mul, a, b), c)

    def compare(self, op: Callable[[Any, Any], bool], a: Any, b: Any) -> bool:
        """Whether a < b, and so on; false beside a NaN, except for "unequal". Raises Refused like `sign`."""
        if isinstance(a, float) or isinstance(b, float):
            return op(*(v if isinstance(v, float) else float(self.sign(v)) for v in (a, b)))
        return op(self.sign(self.combine(operator.sub, a, b)), 0)
