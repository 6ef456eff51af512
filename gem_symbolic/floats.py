"""Evaluation plans of activations and their derivatives, derived from the exact branches of `piecewise` by `rules`.

The derivation is symbolic in N. With t = |x| and the scale s of the activation, every quantity is written in
w = min(t, s)/max(t, s), which lies in [0, 1], and u = w^(2N): inside the scale (t <= s) the field's u is u, outside it
is 1/u. Nothing can overflow, and each tail underflows gradually.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import comb, lcm
from typing import Any

from gem_symbolic.calculus import derivative
from gem_symbolic.definitions import Activation
from gem_symbolic.piecewise import PiecewiseRational, build
from gem_symbolic.plans import Builder, Coefficient, Constant, Plan, PlanError, Quantity, Value
from gem_symbolic.rules import LEADS, LIFTED, LIFTED_LEADS, SHARED, SPLIT, Lead, Rule


@dataclass(frozen=True)
class Term:
    """The function x^power u^factors P(u) over divisor (1 + u)^depth: P with integer values, neither end of it zero."""

    power: int
    factors: int
    coefficients: tuple[Coefficient, ...]
    depth: int
    divisor: int

    @property
    def constant(self) -> bool:
        return self.power == self.factors == self.depth == 0 and len(self.coefficients) == 1

    @property
    def divides(self) -> bool:
        return self.depth > 0 or self.divisor > 1

    @property
    def turned(self) -> "Term":
        """The same function with 1/u in the place of u."""
        factors = self.depth - self.factors - (len(self.coefficients) - 1)
        return replace(self, factors=factors, coefficients=self.coefficients[::-1])


def spread(model: PiecewiseRational, polynomial: Any, what: str) -> tuple[int, dict[int, Coefficient]]:
    """(a, {k: c}) with the polynomial = x^a sum of c u^k, each c a polynomial in n. Raises PlanError."""
    powers: set[int] = set()
    rows: dict[int, dict[int, Fraction]] = {}
    for exponents, coefficient in model.algebra.terms(polynomial).items():
        at = dict(zip(model.algebra.symbols, exponents))
        n, x, u = (at.pop(name) for name in ("n", "x", "u"))
        if any(at.values()):
            raise PlanError(f"no evaluation plan: {what} depends on {', '.join(at)} other than through the scale")
        powers.add(x)
        rows.setdefault(u, {})[n] = coefficient
    if len(powers) != 1:
        raise PlanError(f"no evaluation plan: {what} is not a power of x times a function of u")
    return powers.pop(), {k: tuple(row.get(i, Fraction(0)) for i in range(max(row) + 1)) for k, row in rows.items()}


def term(model: PiecewiseRational, f: Any, what: str) -> Term | None:
    """A branch, or a derivative of one, as a Term; None for zero. Raises PlanError."""
    if f == model.algebra.number(0):
        return None
    (above, top), (below, bottom) = (spread(model, part, what) for part in model.algebra.fraction(f))
    low, high = min(bottom), max(bottom)
    depth, unit = high - low, bottom[high][0]
    if bottom != {low + k: (unit * comb(depth, k),) for k in range(depth + 1)}:
        raise PlanError(f"no evaluation plan: the denominator of {what} is not made of x, u and 1 + u")
    first, last = min(top), max(top)
    divisor = lcm(*((c / unit).denominator for row in top.values() for c in row))
    coefficients = tuple(tuple(c / unit * divisor for c in top.get(k, ())) for k in range(first, last + 1))
    return Term(above - below, first - low, coefficients, depth, divisor)


def times(sign: int, coefficient: Coefficient) -> Coefficient:
    return tuple(sign * c for c in coefficient)


def horner(builder: Builder, coefficients: tuple[Coefficient, ...]) -> Quantity:
    """The polynomial in u with these coefficients, constant term first; what is negative is subtracted."""
    *rest, leading = coefficients
    negative = leading[-1] < 0
    value = builder.constant(times(-1 if negative else 1, leading))
    for c in reversed(rest):
        value = value * builder.names["u"]
        if c:
            below = c[-1] < 0
            size = builder.constant(times(-1 if below else 1, c))
            if negative == below:
                value = value + size
            else:
                value, negative = (value - size, False) if below else (size - value, False)
    return -value if negative else value


@dataclass(frozen=True)
class Top:
    """The numerator of a branch in a region: `sign` times the quantity, which is up times too large if `lifted`."""

    sign: int
    quantity: Quantity
    lifted: bool


def numerator(builder: Builder, term: Term, region: str, side: int, leads: Iterable[Lead], what: str) -> Top:
    """The term times (1 + u)^depth in a region of a side, in the quantities that are named. Raises PlanError."""
    if region == "outside":
        term = term.turned
    fitting = [row for row in leads if (row.power, row.guard) == (term.power, region) and row.taken <= term.factors]
    if not fitting:
        raise PlanError(f"no evaluation plan: {what} is unbounded other than like x, or has a higher power of x")
    lead = max(fitting, key=lambda row: row.taken)
    sign = side ** abs(term.power)
    product = builder.read(lead.right) * builder.names["u"] ** (term.factors - lead.taken)
    if len(term.coefficients) == 1 and abs(term.coefficients[0][-1]) == 1 == len(term.coefficients[0]):
        return Top(sign * int(term.coefficients[0][0]), product, lead.lifted)
    coefficients = tuple(times(sign, c) for c in term.coefficients)
    return Top(1, product * horner(builder, coefficients), lead.lifted)


@dataclass(frozen=True)
class Branch:
    """A branch: sign top/bottom factor. The bottom is None for a branch without division, the factor for 1."""

    sign: int
    top: Quantity
    bottom: Quantity | None = None
    factor: Quantity | None = None


def branch(builder: Builder, term: Term | None, side: int, suffix: str, leads: Iterable[Lead], what: str) -> Branch:
    """The branch of a side, its parts named with the suffix. Raises PlanError."""
    if term is None:
        return Branch(1, builder.integer(0))
    if not term.divides:
        coefficient = builder.constant(term.coefficients[0])
        if term.constant:
            return Branch(1, coefficient)
        if (term.power, term.factors, len(term.coefficients)) != (1, 0, 1):
            raise PlanError(f"no evaluation plan: {what} is unbounded other than like x, or has a higher power of x")
        return Branch(1, builder.names["x"] * coefficient)
    inner, outer = (numerator(builder, term, region, side, leads, what) for region in ("inside", "outside"))
    sign = inner.sign if inner.sign == outer.sign else 1
    quantities = [top.quantity if top.sign == sign else -top.quantity for top in (inner, outer)]
    quantities = [builder.named(name + suffix, q) for name, q in zip(("inner", "outer"), quantities)]
    top = quantities[0]
    if quantities[0] != quantities[1]:
        top = builder.apply("select", builder.names["inside"], *quantities)
    factor = None
    if inner.lifted or outer.lifted:
        down, one = builder.names["down"], builder.integer(1)
        factors = [down if t.lifted else one for t in (inner, outer)]
        factor = down if factors[0] == factors[1] else builder.apply("select", builder.names["inside"], *factors)
    bottom = builder.integer(term.divisor) * builder.names["d"] ** term.depth
    return Branch(sign, builder.named("top" + suffix, top), bottom, factor)


def constants(model: PiecewiseRational) -> dict[str, str]:
    """The named constants of every plan of the model, with the real numbers that they mean. Raises PlanError."""
    unit = model.algebra.constant(model.unit)
    scales = [str(unit)] if unit is not None else [p for p in model.names if model.names[p] == model.unit]
    if not scales:
        raise PlanError("no evaluation plan: the scale is not a power of one parameter")
    return {"s": f"({scales[0]})**(1/(2*N))", "inv_s": f"({scales[0]})**(-1/(2*N))"}


#: The constants of a plan that is split: a power of two and its inverse.
POWERS = {"up": "2**k", "down": "2**-k"}


def sides(model: PiecewiseRational, order: int) -> tuple[list[Term | None], str]:
    """The derivative of that order on both sides of 0, and what it is, in words. Raises PlanError."""
    what = f"{model.activation.name}, derivative of order {order},"
    if [p.interval.high for p in model.pieces] != [0, None]:
        raise PlanError(f"no evaluation plan: {model.activation.name} is not two branches joined at 0")
    terms = [term(model, derivative(p.value, order), what) for p in model.pieces]
    if all(t is None or t.constant for t in terms):
        raise PlanError(f"no evaluation plan: {what} is constant on both sides, and would not pass a NaN on")
    return terms, what


def begun(model: PiecewiseRational, more: Mapping[str, str], rules: Iterable[Rule]) -> Builder:
    """A plan with x, the constants and what the branches share."""
    builder = Builder()
    named = {**constants(model), **more}
    builder.names |= {name: Quantity(builder, Constant(name, meaning)) for name, meaning in named.items()}
    builder.names |= {"x": Quantity(builder, Value("x")), "N": Quantity(builder, Constant("N", "N"))}
    for rule in rules:
        builder.names[rule.name] = builder.named(rule.name, builder.read(rule.right), rule.guard)
    return builder


def plan(activation: Activation | PiecewiseRational, order: int = 0, split: bool = False) -> Plan:
    """The evaluation plan of the derivative of that order, for every N at once. Raises PlanError.

    A NaN fails every comparison, so each `select` sends it to a side that computes with x. A `split` plan has a
    quotient on one side of the scale only, and lifts what is like x by a power of two: see `rules`.
    """
    model = activation if isinstance(activation, PiecewiseRational) else build(activation)
    terms, what = sides(model, order)
    lifted = split and any(t is not None and t.divides and t.power == 1 for t in terms)
    builder = begun(model, POWERS if split else {}, shared(split, lifted))
    leads = (*LIFTED_LEADS, *(row for row in LEADS if row.power != 1)) if lifted else LEADS
    both = all(t is not None and t.divides for t in terms)
    suffixes = ("_left", "_right") if both else ("", "")
    left, right = (branch(builder, t, side, suffix, leads, what) for t, side, suffix in zip(terms, (-1, 1), suffixes))
    return builder.plan(order, joined(builder, left, right, closed=model.pieces[0].interval.high_closed))


def shared(split: bool, lifted: bool) -> Iterable[Rule]:
    """The rows of what branches share, in the order of their use."""
    if not split:
        return SHARED
    instead = {rule.name: rule for rule in (LIFTED if lifted else SPLIT)}
    rows = [instead.get(rule.name, rule) for rule in SHARED]
    rows.insert(next(i for i, rule in enumerate(rows) if rule.name == "w"), instead["far"])
    return rows


def joined(builder: Builder, left: Branch, right: Branch, closed: bool) -> Quantity:
    """The branch of each side of 0; 0 itself lies on the left if that is `closed` there.

    A side that returns x itself takes 0 too, where the other one is continuous with it, and so keeps its sign.
    """
    x = builder.names["x"]
    if x in (left.top, right.top):
        closed = left.top == x
    on_left, on_right = ("le(x, 0)", "gt(x, 0)") if closed else ("lt(x, 0)", "ge(x, 0)")

    def pick(left: Quantity, right: Quantity) -> Quantity:
        """Each on its side; a NaN goes to the right unless that is a constant."""
        if left == right:
            return left
        if isinstance(right.operand, Constant):
            return builder.apply("select", builder.read(on_right), right, left)
        return builder.apply("select", builder.read(on_left), left, right)

    def finished(sign: int, top: Quantity, bottom: Quantity | None, factor: Quantity | None) -> Quantity:
        ratio = top if bottom is None else builder.named("ratio", top / bottom)
        ratio = ratio if factor is None else ratio * factor
        return -ratio if sign < 0 else ratio

    if left.bottom is None or right.bottom is None:
        sides = (finished(b.sign, b.top, b.bottom, b.factor) for b in (left, right))
        return pick(*sides)
    # One quotient serves both sides.
    top, bottom = (
        builder.named(n, pick(*b)) for n, b in (("top", (left.top, right.top)), ("bottom", (left.bottom, right.bottom)))
    )
    factor = None
    if left.factor is not None and right.factor is not None:
        factor = pick(left.factor, right.factor)
    if left.sign == right.sign:
        return finished(left.sign, top, bottom, factor)
    ratio = finished(1, top, bottom, factor)
    return pick(-ratio, ratio) if left.sign < 0 else pick(ratio, -ratio)
