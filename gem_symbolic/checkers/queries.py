"""The inequalities of a proof as statements on real polynomials, for a solver of satisfiability.

n = 2N becomes a real number, the integer powers of x become symbols of their own, as everywhere in the proofs: what
holds for every real n from some point on holds for every N there.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from gem_symbolic.algebra import Terms
from gem_symbolic.certificates import Step
from gem_symbolic.checkers.exact import Workspace
from gem_symbolic.closedform import surd

RELATIONS: Mapping[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "!=": operator.ne,
}
#: The kinds of step that state an inequality.
KINDS = ("sign", "smaller_root")
#: Stands for the square root in a step that holds one.
ROOT = "z"


@dataclass(frozen=True)
class Constraint:
    """polynomial `relation` 0, the polynomial by the exponents of `symbols`."""

    symbols: tuple[str, ...]
    terms: Terms
    relation: str

    @property
    def variables(self) -> set[str]:
        """The symbols that occur."""
        return {s for exponents in self.terms for s, e in zip(self.symbols, exponents, strict=True) if e}

    def holds(self, point: Mapping[str, Fraction]) -> bool:
        """Whether it holds at a rational point, exactly."""
        total = Fraction(0)
        for exponents, value in self.terms.items():
            for symbol, exponent in zip(self.symbols, exponents, strict=True):
                value *= point[symbol] ** exponent if exponent else 1
            total += value
        return RELATIONS[self.relation](total, 0)


@dataclass(frozen=True)
class Query:
    """Every point where all assumptions hold satisfies all conclusions."""

    assumptions: tuple[Constraint, ...]
    conclusions: tuple[Constraint, ...]

    @property
    def variables(self) -> tuple[str, ...]:
        """The symbols that occur, in order."""
        return tuple(sorted({s for c in self.assumptions + self.conclusions for s in c.variables}))


def query(w: Workspace, step: Step) -> Query:
    """The query of a step of one of the KINDS. Raises ExpressionError."""
    return from_sign(w, *step.args) if step.kind == "sign" else from_root(w, *step.args)


def constraint(w: Workspace, polynomial: Any, relation: str) -> Constraint:
    return Constraint(w.algebra.symbols, w.algebra.terms(polynomial), relation)


def quotient(w: Workspace, element: Any, relation: str) -> tuple[Constraint, Constraint]:
    """element `relation` 0, and that its denominator is not 0: the sign of a quotient is that of the product."""
    top, bottom = w.algebra.fraction(element)
    return constraint(w, top * bottom, relation), constraint(w, bottom, "!=")


def from_sign(w: Workspace, value: str, relation: str, low: str, high: str, first: str) -> Query:
    """value `relation` 0 for every real n >= first, u in (low, high), and the other symbols > 0."""
    element, gens = w.outward(value), w.algebra.gens
    occurring = w.algebra.occurring(element)
    assumptions = [constraint(w, gens["n"] - w.algebra.number(int(first)), ">=")]
    assumptions += [constraint(w, gens[symbol], ">") for symbol in sorted(occurring - {"n", "u"})]
    if "u" in occurring:
        assumptions += quotient(w, gens["u"] - w.read(low), ">")
    if "u" in occurring and high != "oo":
        assumptions += quotient(w, gens["u"] - w.read(high), "<")
    return Query(tuple(assumptions), quotient(w, element, relation))


def from_root(w: Workspace, value: str, polynomial: str) -> Query:
    """v = a + b z with z >= 0, z^2 = d: it is a root of the quadratic in v, and the slope there says the smaller."""
    algebra = w.algebra
    root, v, z = surd(algebra, value, w.model.names), algebra.gens["v"], algebra.gens[ROOT]
    quadratic = algebra.fraction(w.read(polynomial))[0]
    assumptions = (
        constraint(w, algebra.gens["n"] - algebra.number(2), ">="),
        constraint(w, z, ">="),
        *quotient(w, z**2 - root.d, "="),
        *quotient(w, v - root.a - root.b * z, "="),
    )
    lead = algebra.coefficients(quadratic, "v")[2]
    slope = algebra.diff(quadratic, "v") * lead
    return Query(assumptions, (constraint(w, quadratic, "="), constraint(w, slope, "<")))
