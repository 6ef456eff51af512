"""Decides the steps of a certificate in an exact engine: for every N at once."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache, partial
from typing import Any

from gem_symbolic.algebra import Algebra
from gem_symbolic.calculus import derivative, leading_term, mirrored, taylor_coefficient
from gem_symbolic.certificates import Certificate, Step
from gem_symbolic.checkers.flint import FlintAlgebra
from gem_symbolic.closedform import PowerProduct, power_product, surd
from gem_symbolic.decide import Verdict, grid, root_counts, sign
from gem_symbolic.definitions import Activation, find
from gem_symbolic.expressions import ExpressionError
from gem_symbolic.piecewise import PiecewiseRational, build

#: Independent symbols a step may use: p the exponent of a norm, s the scale, v a root, the rest free.
EXTRA = ("p", "s", "v", "W", "k", "z", "h", "d")


@dataclass(frozen=True)
class Workspace:
    """An activation (and a companion) in one engine, and the functions that steps may call."""

    activation: Activation
    engine: Callable[..., Algebra]
    companion: str | None = None

    @cached_property
    def model(self) -> PiecewiseRational:
        return build(self.activation, self.engine, EXTRA)

    @property
    def algebra(self) -> Algebra:
        return self.model.algebra

    @cached_property
    def branches(self) -> dict[str, Any]:
        """L and R, gL and gR."""
        named = {"L": self.model.pieces[0].value, "R": self.model.pieces[-1].value}
        if self.companion:
            fixed = {p.name: p.fixed for p in self.activation.parameters if p.fixed}
            found = find(self.companion)
            other = PiecewiseRational(replace(found, parameters=found.at(**fixed)), self.algebra)
            named |= {"gL": other.pieces[0].value, "gR": other.pieces[-1].value}
        return named

    @cached_property
    def functions(self) -> Mapping[str, Callable[..., Any]]:
        algebra = self.algebra
        derived: dict[tuple[str, int], Any] = {}

        def repeated(f: Any, k: Any = None) -> Any:
            key = str(f), 1 if k is None else int(algebra.constant(k) or 0)
            if key not in derived:
                derived[key] = derivative(f, key[1])
            return derived[key]

        return {
            "D": repeated,
            "when": lambda f, k: algebra.substitute(f, n=k),
            "M": lambda f: mirrored(algebra, f),
            "at": lambda f, c: algebra.substitute(f, u=c),
            "num": lambda f: algebra.fraction(f)[0],
            "den": lambda f: algebra.fraction(f)[1],
        }

    @cached_property
    def formulas(self) -> dict[str, Any]:
        """The formulas read so far."""
        return {}

    def read(self, text: str) -> Any:
        if text not in self.formulas:
            self.formulas[text] = self.model.read(text, self.branches, self.functions)
        return self.formulas[text]

    def outward(self, text: str) -> Any:
        """A formula about one side of 0 with x for |x|, so that every symbol is positive. Raises ExpressionError."""
        value = self.read(text)
        left, right = (re.search(rf"\b{name}\b", text) for name in ("L", "R"))
        if not left or "x" not in self.algebra.occurring(value):
            return value
        if right:
            raise ExpressionError(f"{text!r} joins two sides of 0, where x has different signs")
        return mirrored(self.algebra, value)

    @cached_property
    def products(self) -> dict[str, PowerProduct]:
        """The names as products of powers; eps is s^n there."""
        known = {**self.model.names, **self.branches}
        lifted = {name: PowerProduct.of(self.algebra, value) for name, value in known.items()}
        scaled = {p.name: lifted["s"] ** lifted["n"] for p in self.activation.parameters if p.power and not p.fixed}
        return lifted | scaled

    def product(self, text: str) -> PowerProduct:
        """A formula with powers whose exponents depend on n."""
        return power_product(self.algebra, text, self.products, self.functions)

    def exponent(self, text: str) -> tuple[int, int]:
        """(a, b) of an exponent a + b n. Raises ExpressionError."""
        value = self.read(text)
        slope = self.algebra.diff(value, "n")
        a, b = self.algebra.constant(value - slope * self.algebra.gens["n"]), self.algebra.constant(slope)
        if a is None or b is None or a.denominator != 1 or b.denominator != 1:
            raise ExpressionError(f"the exponent {text!r} is not linear in n")
        return int(a), int(b)


def check_equal(w: Workspace, left: str, right: str) -> Verdict:
    difference = w.read(left) - w.read(right)
    if w.algebra.constant(difference) == 0:
        return Verdict(True, "the difference is the zero polynomial")
    return Verdict(False, f"the difference is {difference}", a_point(w.algebra, difference))


def a_point(algebra: Algebra, element: Any) -> Mapping[str, Fraction] | None:
    """A positive rational point where the element is not zero."""
    names = sorted(algebra.occurring(element))
    for value in grid():
        point = dict.fromkeys(names, value) | {"n": Fraction(2)}
        if algebra.sample(element, **point):
            return point
    return None


def check_power_equal(w: Workspace, left: str, right: str) -> Verdict:
    same = w.product(left) == w.product(right)
    return Verdict(same, "the exponents of every base agree" if same else "the exponents of the bases differ")


def moved(w: Workspace, text: str, low: str, high: str) -> Any:
    """The value as a function of |x| and of a u > 0 that runs through (low, high)."""
    value = w.outward(text)
    if (low, high) == ("0", "oo"):
        return value
    u, start = w.algebra.gens["u"], w.read(low)
    inner = start + u if high == "oo" else start + (w.read(high) - start) * u / (w.algebra.number(1) + u)
    return w.algebra.substitute(value, u=inner)


def check_sign(w: Workspace, value: str, relation: str, low: str, high: str, first: str) -> Verdict:
    return sign(w.algebra, moved(w, value, low, high), relation, int(first))


def check_roots(w: Workspace, value: str, count: str, low: str, high: str) -> Verdict:
    numerator, _ = w.algebra.fraction(moved(w, value, low, high))
    if w.algebra.constant(numerator) == 0:
        return Verdict(False, "it vanishes identically", {"n": Fraction(2)})
    _, factors = w.algebra.factors(numerator)
    tables = []
    for factor, _ in factors:
        if "u" in w.algebra.occurring(factor):
            if w.algebra.occurring(factor) - {"n", "u"}:
                return Verdict(None, f"the roots of {factor} depend on more than n")
            tables.append(root_counts(w.algebra, factor, "u", 2))
    if None in tables:
        return Verdict(None, "no bound was found beyond which the number of roots is constant")
    known = [t for t in tables if t]
    cases = range(2, max((max(t) for t in known), default=2) + 2, 2)
    totals = {n: sum(t.get(n, t[max(t)]) for t in known) for n in cases}
    wrong = {n: found for n, found in totals.items() if found != int(count)}
    if wrong:
        n, found = next(iter(wrong.items()))
        return Verdict(False, f"there are {found} roots, not {count}", {"n": Fraction(n)})
    return Verdict(True, f"counted for n = {', '.join(map(str, cases))}; no root is gained or lost beyond")


def check_leading(at_infinity: bool) -> Callable[[Workspace, str, str, str], Verdict]:
    def check(w: Workspace, value: str, exponent: str, leading: str) -> Verdict:
        element = w.read(value)
        if w.algebra.constant(element) == 0:
            return Verdict(False, "it is identically zero")
        found = leading_term(w.algebra, element, at_infinity)
        if found is None:
            return Verdict(None, "which term leads depends on n")
        c = found.c / w.model.unit**found.b
        why = f"the leading term is ({c}) x^({found.a} + {found.b} n)"
        if (found.a, found.b) != w.exponent(exponent) or c != w.read(leading):
            return Verdict(False, why, {"n": Fraction(2)})
        return Verdict(True, why)

    return check


def check_coefficient(w: Workspace, value: str, exponent: str, expected: str) -> Verdict:
    a, b = w.exponent(exponent)
    if b < 0:
        return Verdict(None, "a Taylor coefficient needs an exponent that grows with n")
    c = taylor_coefficient(w.algebra, w.read(value), a, b) / w.model.unit**b
    holds = c == w.read(expected)
    return Verdict(holds, f"the coefficient is {c}", None if holds else {"n": Fraction(2)})


def check_smaller_root(w: Workspace, value: str, polynomial: str) -> Verdict:
    root = surd(w.algebra, value, w.model.names)
    quadratic = w.read(polynomial)
    rows = w.algebra.coefficients(w.algebra.fraction(quadratic)[0], "v")
    if len(rows) != 3 or root.d is None:
        return Verdict(None, "no square root or no quadratic polynomial")
    at_root = surd(w.algebra, "c0 + c1*v + c2*v**2", {"c0": rows[0], "c1": rows[1], "c2": rows[2], "v": root})
    if any(w.algebra.constant(part) != 0 for part in (at_root.a, at_root.b)):
        return Verdict(False, "it is no root")
    if not (sign(w.algebra, root.b, "<").holds and sign(w.algebra, root.d, ">").holds):
        return Verdict(False, "it is not the smaller of the two roots")
    return Verdict(True, "rational part and coefficient of the square root vanish; the conjugate root is larger")


def check_beta(w: Workspace, value: str, a: str, b: str) -> Verdict:
    """Substitution: |value| = u^j/(1+u)^k gives B((p+1)/n + j p, k p - (p+1)/n - j p)."""
    element, u = w.read(value), w.algebra.gens["u"]
    j, k = 0, 0
    for part, direction in zip(w.algebra.fraction(element), (1, -1), strict=True):
        constant, factors = w.algebra.factors(part)
        for factor, multiplicity in factors:
            if w.algebra.constant(factor / u) is not None:
                j += direction * multiplicity
            elif w.algebra.constant(factor / (w.algebra.number(1) + u)) is not None:
                k -= direction * multiplicity
            else:
                return Verdict(None, f"{element} is not of the form u^j/(1+u)^k")
        if abs(constant) != 1:
            return Verdict(False, f"the factor is {constant}, not 1")
    first = w.read(f"(p + 1)/n + ({j})*p")
    holds = w.read(a) == first and w.read(a) + w.read(b) == w.read(f"({k})*p")
    return Verdict(holds, f"j = {j}, k = {k}, so the integral is B({first}, {k} p - ({first}))")


RELATION = {"=": operator.eq, ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
CHECKS: Mapping[str, Callable[..., Verdict]] = {
    "equal": check_equal,
    "power_equal": check_power_equal,
    "sign": check_sign,
    "roots": check_roots,
    "order": check_leading(at_infinity=False),
    "infinity": check_leading(at_infinity=True),
    "coefficient": check_coefficient,
    "smaller_root": check_smaller_root,
    "beta": check_beta,
}


class ExactChecker:
    """Checks certificates of one activation in one exact engine."""

    def __init__(self, activation: Activation, engine: type[Algebra]):
        self.name = engine.name
        self.workspace = lru_cache(partial(Workspace, activation, engine))

    def names(self, step: Step) -> tuple[str, ...]:
        """What decides a step."""
        return (self.name,)

    def decide(self, certificate: Certificate, step: Step) -> Verdict | None:
        """The verdict on a step that is about all N; None for one that is about a single N (see `arb`)."""
        if step.numerical:
            return None
        try:
            return CHECKS[step.kind](self.workspace(certificate.companion), *step.args)
        except ZeroDivisionError:
            return Verdict(False, "a denominator is zero")
        except ExpressionError as error:
            return Verdict(None, str(error))


def witness(activation: Activation, companion: str | None, step: Step, N: int, eps: Fraction) -> str | None:
    """A rational x at which an equation or an inequality fails, with exact values, for one N and eps; None if none."""
    if step.kind not in ("equal", "sign"):
        return None
    w = Workspace(activation, FlintAlgebra, companion)
    left, relation, right = (step.args[0], "=", step.args[1]) if step.kind == "equal" else (*step.args[:2], "0")
    values = [w.read(text) if step.kind == "equal" else w.outward(text) for text in (left, right)]
    scale = Fraction(float(eps) ** (1 / (2 * N))).limit_denominator(1000)
    # x stands for itself in an equation about the left branch, and for |x| in an inequality.
    direction = -1 if step.kind == "equal" and re.search(r"\bL\b", f"{left} {right}") else 1
    for q in grid():
        x = direction * q * scale
        point = {"n": Fraction(2 * N), "x": x, "u": x ** (2 * N) / eps, "eps": eps}
        point = {name: value for name, value in point.items() if name in w.algebra.symbols}
        found, bound = (w.algebra.sample(value, **point) for value in values)
        if (
            found is not None
            and bound is not None
            and in_range(w, step, point)
            and not RELATION[relation](found, bound)
        ):
            place = "x" if step.kind == "equal" else "|x|"
            return f"at {place} = {x}, {left} = {decimal(found)}, not {relation} {decimal(bound)}"
    return None


def in_range(w: Workspace, step: Step, point: Mapping[str, Fraction]) -> bool:
    """Whether u lies in the interval of an inequality, and n where it is claimed."""
    if step.kind == "equal":
        return True
    _, _, low, high, first = step.args
    above = (w.algebra.sample(w.read(low), n=point["n"]) or 0) < point["u"]
    below = high == "oo" or point["u"] < (w.algebra.sample(w.read(high), n=point["n"]) or 0)
    return above and below and point["n"] >= int(first)


def decimal(value: Fraction) -> str:
    """An exact number where it is short, else its first digits."""
    return str(value) if len(str(value)) <= 16 else f"{float(value):.12g}"
