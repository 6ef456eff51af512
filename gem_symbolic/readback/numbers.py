"""Exact numbers for a program that is run once for a whole region: real numbers, and the special values of IEEE 754.

A number is an element other than 0 of a field of rational functions, or one of the floats nan, inf, -inf, 0.0 and -0.0.
"""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gem_symbolic.algebra import Algebra


class Refused(ValueError):
    """The program does something that is not known to be right; the machine adds where."""


@dataclass(frozen=True)
class Numbers:
    """Arithmetic and comparisons. A sign is a fact, or that of elements in the `positive` symbols alone.

    `moved` replaces a symbol by an element that runs through the values which the symbol takes.
    """

    algebra: Algebra
    positive: frozenset[str] = frozenset()
    moved: Mapping[str, Any] = field(default_factory=dict)
    facts: Sequence[tuple[Any, int]] = ()

    def lift(self, value: int) -> Any:
        return self.algebra.number(value) if value else 0.0

    def sign(self, number: Any) -> int:
        """-1, 0 or 1. Raises Refused where it is not the same throughout the region, or not known, or for a NaN."""
        if isinstance(number, float):
            if math.isnan(number):
                raise Refused("a NaN has no sign")
            return (number > 0) - (number < 0)
        for element, known in self.facts:
            if number == element or number == -element:
                return known if number == element else -known
        found = self._throughout(number)
        if not found and self.moved:
            found = self._throughout(self.algebra.substitute(number, **self.moved))
        if not found:
            raise Refused(f"the sign of {number} is not the same throughout, or not known")
        return found

    def _throughout(self, element: Any) -> int:
        """1 or -1 for an element whose coefficients show it, else 0."""
        if not self.algebra.occurring(element) <= self.positive:
            return 0
        found = 1
        for part in self.algebra.fraction(element):
            signs = {1 if c > 0 else -1 for c in self.algebra.terms(part).values()}
            found *= signs.pop() if len(signs) == 1 else 0
        return found

    def combine(self, op: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
        """a + b, a - b, a * b or a / b, exactly; by the rules of IEEE 754 where one of them is a special value."""
        if not isinstance(a, float) and not isinstance(b, float):
            value = op(a, b)
            return 0.0 if value == 0 else value
        if op in (operator.add, operator.sub) and not (isinstance(a, float) and isinstance(b, float)):
            if isinstance(b, float) and b == 0:
                return a
            if isinstance(a, float) and a == 0:
                return b if op is operator.add else -b
        # What is left depends on nothing but the sign of a finite number beside a special value.
        a, b = (v if isinstance(v, float) else float(self.sign(v)) for v in (a, b))
        if op is operator.truediv and b == 0:
            return math.nan if math.isnan(a) or a == 0 else math.copysign(math.inf, a) * math.copysign(1, b)
        return op(a, b)

    def fused(self, a: Any, b: Any, c: Any) -> Any:
        """a * b + c, exactly. The sign of a factor need not be known where the other is zero and it does not matter."""
        factors = [a, b]
        for i in (0, 1):
            if factors[i] == 0 and not isinstance(factors[1 - i], float):
                products = [math.copysign(0.0, sign) for sign in (1, -1)]
                results = [self.combine(operator.add, p, c) for p in products]
                if not isinstance(c, float) or math.copysign(1, results[0]) == math.copysign(1, results[1]):
                    return results[0]
        return self.combine(operator.add, self.combine(operator.mul, a, b), c)

    def compare(self, op: Callable[[Any, Any], bool], a: Any, b: Any) -> bool:
        """Whether a < b, and so on; false beside a NaN, except for "unequal". Raises Refused like `sign`."""
        if isinstance(a, float) or isinstance(b, float):
            return op(*(v if isinstance(v, float) else float(self.sign(v)) for v in (a, b)))
        return op(self.sign(self.combine(operator.sub, a, b)), 0)
