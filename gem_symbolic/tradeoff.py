"""Which eps meets a demand, and what it costs: the claims of T3, T6, T7, T8 and T11, evaluated and solved for eps.

A claim about a distance or a curvature is a power law c s^k in the scale s = eps^(1/n). For one N it is solved in
closed form by SymPy; no search. The number that is printed is rounded to the safe side and checked by Arb against the
quantity itself, enclosed from the definition without the claim.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from fractions import Fraction
from functools import cached_property
from typing import Any

import sympy
from flint import ctx, fmpq

from gem_symbolic.checkers.arb import BITS, Concrete, short
from gem_symbolic.definitions import Activation
from gem_symbolic.expressions import evaluate, insert
from gem_symbolic.theorems.t6_distance import power_of_norm

#: Significant digits of an eps, tried in turn where so few do not meet the demands.
DIGITS = (6, 12, 24)
#: The length up to which an exact eps is shown as a formula.
SHOWN = 200
SCALE = sympy.Symbol("s", positive=True)


class Unreachable(ValueError):
    """No eps meets the demand: why, in one sentence."""


@dataclass(frozen=True)
class Quantity:
    """A number that depends on N and eps: its title, the formula that is claimed of it, and what Arb encloses.

    `finite` is a formula that is > 0 exactly where the quantity is finite.
    """

    title: str
    theorem: str
    formula: str | None
    enclosed: str
    finite: str = "1"


def quantities(activation: Activation, p: Fraction | None = None) -> dict[str, Quantity]:
    """What is claimed of the activation, by name; the L^p distance for the p that is given."""
    of = activation.claims
    found = {}
    if "T6" in of:
        found["sup"] = Quantity("sup |f - ReLU|", "T6", of["T6"]["sup"], "max_abs(gap)")
        if p is not None:
            formula = insert(f"({power_of_norm(of['T6'])})**(1/p)", p=str(p))
            norm = f"norm(gap, {p})**(1/({p}))"
            finite = insert(of["T6"]["finite"], p=str(p))
            found["lp"] = Quantity(f"||f - ReLU||_p, p = {p}", "T6", formula, norm, finite)
    if "T7" in of:
        found["variation"] = Quantity("||f' - ReLU'||_1", "T7", of["T7"]["variation"], "variation(gap)")
    if "T8" in of:
        formula = insert(of["T8"]["supremum"], v=of["T8"]["v"])
        found["curvature"] = Quantity("sup |f''|", "T8", formula, "max_abs(f, 2)")
    if "T3" in of:
        found["lipschitz"] = Quantity("Lipschitz constant", "T3", of["T3"]["lipschitz"], "max_abs(f, 1)")
    if "T5" in of and "minimum" in of["T5"]:
        found["minimum"] = Quantity("min f", "T5", of["T5"]["minimum"], "inf(f)")
    if "T11" in of:
        found |= {
            law: Quantity(f"sup |f - {title}|", "T11", None, f"distance(f, {law})")
            for law, title in (("gelu", "GELU"), ("silu", "SiLU"))
        }
    return found


def rational(value: Fraction) -> Any:
    return sympy.Rational(value.numerator, value.denominator)


def exactly(text: str, **names: Any) -> Any:
    """A formula as an exact number of SymPy, the scale a symbol."""

    def beta(a: Any, b: Any) -> Any:
        return sympy.gamma(a) * sympy.gamma(b) / sympy.gamma(a + b)

    functions = {"sqrt": sympy.sqrt, "Max": sympy.Max, "B": beta}
    return evaluate(text, {"s": SCALE, **names}, number=sympy.Integer, functions=functions)


@dataclass(frozen=True)
class Demand:
    """That a quantity is at most a bound; solved for eps at one N."""

    activation: Activation
    N: int
    quantity: Quantity
    bound: Fraction

    @cached_property
    def law(self) -> tuple[Any, Any]:
        """(c, k) with the quantity equal to c s^k. Raises Unreachable where it is infinite."""
        names = {"n": sympy.Integer(2 * self.N), "N": sympy.Integer(self.N)}
        if not exactly(self.quantity.finite, **names) > 0:
            raise Unreachable(f"{self.quantity.title} is infinite for N = {self.N}, whatever eps is")
        assert self.quantity.formula is not None
        return exactly(self.quantity.formula, **names).as_coeff_exponent(SCALE)

    @cached_property
    def solution(self) -> Any:
        """The eps at which the quantity is the bound, exactly; the demand is met on one side of it."""
        c, k = self.law
        return sympy.radsimp(sympy.expand(sympy.powsimp((rational(self.bound) / c) ** (2 * self.N / k))))

    @property
    def direction(self) -> int:
        """1 where the demand bounds eps from above, -1 from below, 0 where the quantity does not depend on eps."""
        return int(sympy.sign(self.law[1]))

    def met(self, eps: Fraction) -> bool:
        """Whether the quantity itself, enclosed at that eps, is at most the bound; at equality, by the law."""
        with ctx.workprec(BITS + 8 * self.N):
            found = Concrete(self.activation, self.N, eps).evaluate(self.quantity.enclosed)
            bound = fmpq(self.bound.numerator, self.bound.denominator)
            if found <= bound or found > bound:
                return bool(found <= bound)
        return bool(self.solution == rational(eps) if self.direction else self.law[0] <= rational(self.bound))

    def record(self) -> dict[str, str]:
        """The demand and what it means for eps, as JSON data."""
        relation = {1: "eps <= ", -1: "eps >= "}.get(self.direction)
        meaning = f"{relation}{shown(self.solution)}" if relation else "every eps"
        return {"demand": f"{self.quantity.title} <= {self.bound}", "eps": meaning}

    def says(self) -> str:
        """The same as text."""
        return "{demand}: {eps}".format(**self.record())


def shown(value: Any) -> str:
    """An exact number as a formula, or where that would fill a line and more, its first digits."""
    long = any(max(abs(a.p), a.q) >> SHOWN for a in value.atoms(sympy.Rational))
    text = "" if long else str(value)
    return text if 0 < len(text) <= SHOWN else f"about {sympy.N(value, max(DIGITS))}"


def rounded(value: Any, digits: int, up: bool) -> Fraction:
    """An exact positive number to so many significant digits, upwards or downwards."""
    context = Context(prec=digits, rounding=ROUND_CEILING if up else ROUND_FLOOR)
    return Fraction(context.create_decimal(str(sympy.N(value, 2 * max(DIGITS)))))


def choose(demands: Sequence[Demand]) -> Fraction | None:
    """The largest eps that meets every demand, rounded down; where nothing bounds it from above, the smallest, up.

    None where every eps does.
    Raises Unreachable, in one sentence, where no eps does.
    """
    for demand in demands:
        if not demand.direction and not demand.met(Fraction(1)):
            value = demand.law[0]
            raise Unreachable(f"the {demand.quantity.title} is {value} for N = {demand.N}, more than {demand.bound}")
    above = min((d for d in demands if d.direction > 0), key=lambda d: d.solution, default=None)
    below = max((d for d in demands if d.direction < 0), key=lambda d: d.solution, default=None)
    ruling = above or below
    if ruling is None:
        return None
    if above and below and above.solution < below.solution:
        raise Unreachable(f"no eps does: {above.says()}, but {below.says()}")
    for digits in DIGITS:
        eps = rounded(ruling.solution, digits, up=ruling is below)
        if all(demand.met(eps) for demand in demands):
            return eps
    told = "; ".join(d.says() for d in demands)
    raise Unreachable(f"no eps of {DIGITS[-1]} digits does, as far as Arb can tell: {told}")


def costs(activation: Activation, N: int, eps: Fraction, p: Fraction | None = None) -> Iterator[dict[str, str | None]]:
    """Every quantity at that N and eps, enclosed by Arb and printed to twelve digits, as JSON data."""
    with ctx.workprec(BITS + 8 * N):
        concrete = Concrete(activation, N, eps)
        for name, quantity in quantities(activation, p).items():
            value = short(concrete.evaluate(quantity.enclosed))
            yield {"id": name, "title": quantity.title, "theorem": quantity.theorem, "value": value}


def lipschitz_reach(activation: Activation, bound: Fraction) -> int:
    """The largest N whose Lipschitz constant is at most the bound, 0 if none.

    The constant is a maximum of rational functions of n that grow with n: each is solved for n.
    """
    n = sympy.Symbol("n", positive=True)
    limit = rational(bound)
    value = exactly(activation.claims["T3"]["lipschitz"], n=n, N=n / 2)
    reaches = []
    for part in value.args if isinstance(value, sympy.Max) else (value,):
        if part.has(n):
            roots = [root for root in sympy.solve(sympy.Eq(part, limit), n) if root.is_real]
            reaches.append(int(sympy.floor(max(roots) / 2)) if roots else 0)
        elif part > limit:
            return 0
    return min(reaches)


def named(activation: Activation, name: str, p: Fraction | None = None) -> Quantity:
    """The quantity of that name. Raises Unreachable where nothing is claimed of it."""
    found: Mapping[str, Quantity] = quantities(activation, p)
    if name not in found:
        raise Unreachable(f"nothing is claimed of the {name} of {activation.title}, so it cannot be bounded")
    return found[name]
