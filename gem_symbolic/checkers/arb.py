"""The numerical engine: at one N and eps, every quantity of a claim as a rigorous ball (Arb), from exact polynomials.

Critical points are isolated roots of integer polynomials, integrals are rigorous quadrature; nothing is sampled.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from flint import arb, ctx, fmpq, fmpq_poly

from gem_symbolic.certificates import Step
from gem_symbolic.checkers.flint import FlintAlgebra
from gem_symbolic.checkers.gaussian import moment_by_quadrature, moment_by_residues
from gem_symbolic.checkers.halfline import INFINITY, Side, positive_roots
from gem_symbolic.decide import Verdict
from gem_symbolic.definitions import Activation
from gem_symbolic.expressions import ExpressionError, evaluate
from gem_symbolic.piecewise import build
from gem_symbolic.reference import bind, exact_jet

BITS = 160


@dataclass(frozen=True)
class Concrete:
    """An activation at one N and eps."""

    activation: Activation
    N: int
    eps: Fraction

    @property
    def n(self) -> int:
        return 2 * self.N

    @cached_property
    def s(self) -> arb:
        return arb(fmpq(self.eps.numerator, self.eps.denominator)) ** arb(fmpq(1, self.n))

    @cached_property
    def sides(self) -> tuple[Side, Side]:
        model = build(self.activation, FlintAlgebra)
        free = {"eps": model.algebra.number(self.eps)} if "eps" in model.algebra.symbols else {}
        found = []
        for piece, sign in zip((model.pieces[0], model.pieces[-1]), (-1, 1), strict=True):
            value = model.algebra.substitute(piece.value, n=model.algebra.number(self.n), **free)
            found.append(Side(sign, self.n, *monomial_in_x(model.algebra, value)))
        return found[0], found[1]

    @cached_property
    def gap(self) -> tuple[Side, Side]:
        """The activation minus ReLU."""
        left, right = self.sides
        if right.a != 1:
            raise ExpressionError("the right branch is no multiple of x by a function of u")
        return left, Side(1, self.n, 1, right.P - right.Q, right.Q)

    def derivative(self, which: tuple[Side, Side], order: Any = 0) -> tuple[Side, Side]:
        left, right = which
        for _ in range(int(order)):
            left, right = left.derivative(), right.derivative()
        return left, right

    def stations(self, which: tuple[Side, Side], order: Any) -> list[tuple[arb, arb]]:
        return [station for side in self.derivative(which, order) for station in side.stations(self.s)]

    def variation(self, which: tuple[Side, Side]) -> arb:
        """The total variation: the sum of the rises and falls between stations, the jump at 0 left out."""
        total = arb(0)
        for side in which:
            values = [value for _, value in side.stations(self.s)]
            total += sum((abs(b - a) for a, b in zip(values, values[1:])), arb(0))
        return total

    def functions(self) -> dict[str, Callable[..., Any]]:
        def extreme(choose: Callable[[Any], arb]) -> Callable[..., arb]:
            return lambda which, order=0: choose([value for _, value in self.stations(which, order)])

        return {
            "sup": extreme(lambda values: largest(values)),
            "inf": extreme(lambda values: -largest([-v for v in values])),
            "max_abs": extreme(lambda values: largest([abs(v) for v in values])),
            "variation": self.variation,
            "norm": lambda which, p: sum((g.power_integral(fraction(p), self.s) for g in which), arb(0)),
            "zero": lambda side: single_zero(side, self.s),
            "D": lambda side, k=1: self.derivative((side, side), k)[0],
            "Max": lambda *values: largest(list(map(lifted, values))),
            "B": lambda a, b: lifted(a).gamma() * lifted(b).gamma() / lifted(a + b).gamma(),
            "sqrt": lambda value: lifted(value).sqrt(),
            "moment": lambda which, k: moment_by_quadrature(which, int(k), self.s),
            "moment_by_residues": lambda which, k: moment_by_residues(which, int(k), self.eps),
            "is_finite": lambda value: arb(int(value.is_finite())),
            "finite": lambda condition, value: lifted(value) if condition > 0 else INFINITY,
        }

    def evaluate(self, text: str, **more: Any) -> arb:
        """A formula as a ball. Names: n, N, s, eps, f, gap, L, R, and the functions above."""
        names = {
            "n": fmpq(self.n),
            "N": fmpq(self.N),
            "s": self.s,
            "eps": fmpq(self.eps.numerator, self.eps.denominator),
            "pi": arb.pi(),
            "f": self.sides,
            "gap": self.gap,
            "L": self.sides[0],
            "R": self.sides[1],
            **more,
        }
        return lifted(evaluate(text, names, number=fmpq, power=power, functions=self.functions()))


def monomial_in_x(algebra: FlintAlgebra, value: Any) -> tuple[int, fmpq_poly, fmpq_poly]:
    """(a, P, Q) with value = x^a P(u)/Q(u). Raises ExpressionError for anything else."""
    place_x, place_u = algebra.symbols.index("x"), algebra.symbols.index("u")
    exponents, polynomials = [], []
    for part in algebra.fraction(value):
        terms = algebra.terms(part)
        powers = {m[place_x] for m in terms} or {0}
        if len(powers) > 1:
            raise ExpressionError(f"{value} is not a power of x times a function of u")
        row = [fmpq(0)] * (max((m[place_u] for m in terms), default=0) + 1)
        for m, c in terms.items():
            row[m[place_u]] = fmpq(c.numerator, c.denominator)
        exponents.append(powers.pop())
        polynomials.append(fmpq_poly(row))
    return exponents[0] - exponents[1] if polynomials[0] != 0 else 1, polynomials[0], polynomials[1]


def single_zero(side: Side, s: arb) -> arb:
    """The only x on that side where the function vanishes. Raises ArithmeticError if there is not exactly one."""
    found = positive_roots(side.P)
    if len(found) != 1:
        raise ArithmeticError(f"there are {len(found)} zeros, not one")
    return side.sign * s * found[0] ** arb(fmpq(1, side.n))


def lifted(value: Any) -> arb:
    return value if isinstance(value, arb) else arb(value)


def largest(values: list[arb]) -> arb:
    """The maximum of balls, as a ball."""
    result = values[0]
    for value in values[1:]:
        result = result.max(value)
    return result


def fraction(value: fmpq) -> Fraction:
    return Fraction(int(value.p), int(value.q))


def power(base: Any, exponent: Any) -> Any:
    if isinstance(exponent, fmpq) and exponent.q == 1:
        return base ** int(exponent.p)
    return lifted(base) ** lifted(exponent)


def overlap(found: arb, expected: arb) -> bool:
    """Whether two balls can hold the same number; two infinities of one sign do."""
    if not found.is_finite() or not expected.is_finite():
        return bool(found == expected)
    return bool(found.overlaps(expected))


def digits(ball: arb) -> str:
    return ball.str(20, radius=False) if ball.is_finite() else str(ball)


def check_enclose(c: Concrete, quantity: str, expected: str) -> Verdict:
    try:
        found = c.evaluate(quantity)
    except ArithmeticError as error:
        return Verdict(False, f"{quantity}: {error}")
    wanted = c.evaluate(expected)
    if overlap(found, wanted):
        return Verdict(True, f"{quantity} = {found.str(20)}")
    return Verdict(False, f"{quantity} = {digits(found)}, not {digits(wanted)}")


def check_jet(c: Concrete, exponent: str) -> Verdict:
    """Derivatives at 0 from both sides, exactly, compared one by one."""
    claimed = int(fraction(evaluate(exponent, {"n": fmpq(c.n), "N": fmpq(c.N)}, number=fmpq, power=power)))
    for order, (left, right) in enumerate(jets(c, claimed)):
        if (left != right) != (order == claimed):
            relation = "jumps" if left != right else "does not jump"
            return Verdict(False, f"derivative {order} at 0 {relation}: {left} on the left, {right} on the right")
    return Verdict(True, f"derivatives 0 to {claimed - 1} at 0 agree exactly, derivative {claimed}: {left} and {right}")


def jets(c: Concrete, order: int) -> Iterator[tuple[fmpq, fmpq]]:
    """Both one-sided derivatives at 0, order by order."""
    eps = None if any(p.fixed for p in c.activation.parameters) else c.eps
    names = bind(c.activation, c.N, eps)
    left, right = (exact_jet(c.activation, i, Fraction(0), names, order) for i in (0, -1))
    factorial = 1
    for k, (a, b) in enumerate(zip(left, right, strict=True)):
        factorial *= max(k, 1)
        yield a * factorial, b * factorial


def check_below(c: Concrete, quantity: str, bound: str) -> Verdict:
    found, limit = c.evaluate(quantity), c.evaluate(bound)
    if found < limit or found >= limit:
        return Verdict(bool(found < limit), f"{quantity} = {digits(found)}, the bound is {digits(limit)}")
    return Verdict(None, f"{quantity} = {found} is not separated from {limit}")


CHECKS: dict[str, Callable[..., Verdict]] = {"enclose": check_enclose, "below": check_below, "jet": check_jet}


@dataclass(frozen=True)
class ArbChecker:
    """Checks the steps of a certificate that are about one N and eps."""

    N: int
    eps: Fraction
    name: str = "Arb"

    def check(self, activation: Activation, steps: tuple[Step, ...]) -> list[tuple[Step, Verdict]]:
        """A verdict for every numerical step."""
        concrete = Concrete(activation, self.N, self.eps)
        with ctx.workprec(BITS):
            return [(s, self._decide(concrete, s)) for s in steps if s.kind in CHECKS]

    @staticmethod
    def _decide(concrete: Concrete, step: Step) -> Verdict:
        try:
            return CHECKS[step.kind](concrete, *step.args)
        except ExpressionError as error:
            return Verdict(None, str(error))
