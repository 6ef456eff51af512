"""The numerical engine: at one N and eps, every quantity of a claim as a rigorous ball (Arb), from exact polynomials.

Critical points are isolated roots of integer polynomials, integrals are rigorous quadrature; nothing is sampled.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any

from flint import arb, ctx, fmpq, fmpq_poly

from gem_symbolic.algebra import Algebra
from gem_symbolic.certificates import Certificate, Step
from gem_symbolic.checkers.flint import FlintAlgebra
from gem_symbolic.checkers.gaussian import moment_by_quadrature, moment_by_residues
from gem_symbolic.checkers.halfline import INFINITY, Side, largest, positive_roots
from gem_symbolic.checkers.rivals import LAWS, distance
from gem_symbolic.decide import Verdict
from gem_symbolic.definitions import Activation
from gem_symbolic.expressions import ExpressionError, evaluate
from gem_symbolic.jets import bind, exact_jet
from gem_symbolic.piecewise import build

#: Working precision for small N; powers with exponent n need a few bits more for each n.
BITS = 160
#: Where a step compares two independent methods, what they are called, by a word in the name of the second.
METHODS = {
    "by_residues": ("quadrature (Arb)", "residues (Arb)"),
    "by_root": ("subdivision (Arb)", "critical point (Arb)"),
}
#: What can be computed faster by the second of two methods.
FASTER = (("moment(", "moment_by_residues("), ("distance(relu, ", "distance_by_root("))


@dataclass(frozen=True)
class Concrete:
    """An activation at one N and eps; what has two methods by its own one, or by the faster one always."""

    activation: Activation
    N: int
    eps: Fraction
    own: bool = True

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
            side = Side(sign, self.n, *monomial_in_x(model.algebra, value))
            for pole in positive_roots(side.Q):
                raise ArithmeticError(f"there is a pole at x = {digits(side.place(pole, self.s))}")
            found.append(side)
        return found[0], found[1]

    @cached_property
    def gap(self) -> tuple[Side, Side]:
        """The activation minus ReLU."""
        return minus_relu(self.sides)

    @cached_property
    def relu(self) -> tuple[Side, Side]:
        return Side(-1, self.n, 1, fmpq_poly(0), fmpq_poly(1)), Side(1, self.n, 1, fmpq_poly(1), fmpq_poly(1))

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
            total += sum((abs(b - a) for a, b in pairwise(values)), arb(0))
        return total

    def jets(self, order: int) -> tuple[list[fmpq], list[fmpq]]:
        """The Taylor coefficients at 0 from the left and from the right, exactly, from the definition.

        Raises ArithmeticError at a pole.
        """
        eps = None if any(p.fixed for p in self.activation.parameters) else self.eps
        names = bind(self.activation, self.N, eps)
        try:
            left, right = (exact_jet(self.activation, i, Fraction(0), names, order) for i in (0, -1))
        except ValueError as error:
            raise ArithmeticError(str(error)) from None
        return left, right

    def taylor(self, side: Side, order: fmpq) -> fmpq:
        return self.jets(int(order))[0 if side.sign < 0 else 1][int(order)]

    def functions(self) -> dict[str, Callable[..., Any]]:
        def extreme(choose: Callable[[Any], arb]) -> Callable[..., arb]:
            return lambda which, order=0: choose([value for _, value in self.stations(which, order)])

        return {
            "sup": extreme(lambda values: largest(values)),
            "inf": extreme(lambda values: -largest([-v for v in values])),
            "max_abs": extreme(lambda values: largest([abs(v) for v in values])),
            "variation": self.variation,
            "norm": lambda which, p: total([g.power_integral(fraction(p), self.s) for g in which]),
            "taylor": self.taylor,
            "factorial": lambda k: arb(math.factorial(int(k))),
            "value": lambda side, x: side.at((x / self.s) ** self.n, self.s),
            "zero": lambda side: single_zero(side, self.s),
            "D": lambda side, k=1: self.derivative((side, side), k)[0],
            "Max": lambda *values: largest(list(map(lifted, values))),
            "B": lambda a, b: lifted(a).gamma() * lifted(b).gamma() / lifted(a + b).gamma(),
            "sqrt": lambda value: lifted(value).sqrt(),
            "distance": lambda which, law: distance(minus_relu(which), law, self.s),
            "distance_by_root": lambda law: law.largest(),
            "moment": lambda which, k: moment_by_quadrature(which, int(k), self.s),
            "moment_by_residues": lambda which, k: moment_by_residues(which, int(k), self.eps),
            "finite": lambda condition, value: lifted(value) if condition > 0 else INFINITY,
        }

    @cached_property
    def known(self) -> dict[str, arb]:
        """The quantities evaluated so far."""
        return {}

    def quantity(self, text: str) -> arb:
        """A formula as a ball, evaluated once."""
        for slow, fast in () if self.own else FASTER:
            text = text.replace(slow, fast)
        if text not in self.known:
            self.known[text] = self.evaluate(text)
        return self.known[text]

    def evaluate(self, text: str, **more: Any) -> arb:
        """A formula as a ball. Names: n, N, s, eps, f, gap, relu, L, R, the laws, and the functions above."""
        names = {
            "n": fmpq(self.n),
            "N": fmpq(self.N),
            "s": self.s,
            "eps": fmpq(self.eps.numerator, self.eps.denominator),
            "pi": arb.pi(),
            "f": self.sides,
            "gap": self.gap,
            "relu": self.relu,
            "L": self.sides[0],
            "R": self.sides[1],
            **LAWS,
            **more,
        }
        return lifted(evaluate(text, names, number=fmpq, power=power, functions=self.functions()))


def minus_relu(which: tuple[Side, Side]) -> tuple[Side, Side]:
    """The function minus ReLU. Raises ExpressionError."""
    left, right = which
    if right.a != 1:
        raise ExpressionError("the right branch is no multiple of x by a function of u")
    return left, Side(1, right.n, 1, right.P - right.Q, right.Q)


def monomial_in_x(algebra: Algebra, value: Any) -> tuple[int, fmpq_poly, fmpq_poly]:
    """(a, P, Q) with value = x^a P(u)/Q(u). Raises ExpressionError for anything else."""
    place_x, place_u = algebra.symbols.index("x"), algebra.symbols.index("u")
    exponents: list[int] = []
    polynomials: list[fmpq_poly] = []
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
    top, bottom = polynomials
    return int(exponents[0] - exponents[1]) if top != 0 else 1, top, bottom


def single_zero(side: Side, s: arb) -> arb:
    """The only x on that side where the function vanishes. Raises ArithmeticError if there is not exactly one."""
    found = positive_roots(side.P)
    if len(found) != 1:
        raise ArithmeticError(f"there are {len(found)} zeros, not one")
    return side.sign * s * found[0] ** arb(fmpq(1, side.n))


def total(values: list[arb]) -> arb:
    """The sum of numbers >= 0, infinite where one of them is."""
    return sum(values, arb(0)) if all(v.is_finite() for v in values) else INFINITY


def lifted(value: Any) -> arb:
    return value if isinstance(value, arb) else arb(value)


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


def digits(ball: arb, count: int = 20) -> str:
    """The first digits of the number in a ball, the last of them to one unit; fewer where the ball is too large."""
    return ball.str(count, radius=False) if ball.is_finite() else "infinite" if abs(ball) == INFINITY else "undefined"


def short(ball: arb) -> str:
    """Twelve digits, without zeros at the end."""
    text = digits(ball, 12)
    return text if "e" in text or "." not in text else text.rstrip("0").rstrip(".")


def check_enclose(c: Concrete, quantity: str, expected: str) -> Verdict:
    found, wanted = c.quantity(quantity), c.quantity(expected)
    if overlap(found, wanted):
        return Verdict(True, f"{quantity} = {digits(found)}", value=short(found))
    return Verdict(False, f"{quantity} = {digits(found)}, not {digits(wanted)}")


def check_jet(c: Concrete, exponent: str) -> Verdict:
    """Derivatives at 0 from both sides, exactly, compared one by one."""
    claimed = int(fraction(evaluate(exponent, {"n": fmpq(c.n), "N": fmpq(c.N)}, number=fmpq, power=power)))
    left, right = fmpq(0), fmpq(0)
    for order, jet in enumerate(zip(*c.jets(claimed), strict=True)):
        left, right = (fmpq(math.factorial(order)) * value for value in jet)
        if (left != right) != (order == claimed):
            relation = "jumps" if left != right else "does not jump"
            return Verdict(False, f"derivative {order} at 0 {relation}: {left} on the left, {right} on the right")
    return Verdict(True, f"derivatives 0 to {claimed - 1} at 0 agree exactly, derivative {claimed}: {left} and {right}")


def check_finite(c: Concrete, quantity: str, condition: str) -> Verdict:
    found, claimed = c.quantity(quantity).is_finite(), c.quantity(condition) > 0
    state = "is finite" if found else "is infinite: the integral diverges"
    doubt = "" if found == claimed else f", but {condition} claims otherwise"
    return Verdict(found == claimed, f"{quantity} {state}{doubt}")


def check_below(c: Concrete, quantity: str, bound: str) -> Verdict:
    found, limit = c.quantity(quantity), c.quantity(bound)
    if found < limit or found >= limit:
        why = f"{quantity} = {digits(found)}, the bound is {digits(limit)}"
        return Verdict(bool(found < limit), why, value=short(found))
    return Verdict(None, f"{quantity} = {found} is not separated from {limit}")


CHECKS: dict[str, Callable[..., Verdict]] = {
    "enclose": check_enclose,
    "below": check_below,
    "finite": check_finite,
    "jet": check_jet,
}


class ArbChecker:
    """Checks the steps of certificates that are about one N and eps."""

    def __init__(self, activation: Activation, N: int, eps: Fraction, bits: int = 0, own: bool = True):
        self.concrete = Concrete(activation, N, eps, own)
        self.bits = bits or BITS + 4 * self.concrete.n

    def names(self, step: Step) -> tuple[str, ...]:
        """What decides a step: two names where two independent methods are compared."""
        return next((names for word, names in METHODS.items() if word in step.args[-1]), ("Arb",))

    def decide(self, certificate: Certificate, step: Step) -> Verdict | None:
        """The verdict on a numerical step; None for one that is about all N (see `exact`)."""
        if not step.numerical:
            return None
        with ctx.workprec(self.bits):
            try:
                return CHECKS[step.kind](self.concrete, *step.args)
            except ArithmeticError as error:
                return Verdict(False, f"{step.args[0]}: {error}")
            except ExpressionError as error:
                return Verdict(None, str(error))
