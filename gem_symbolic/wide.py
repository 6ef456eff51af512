"""The *wide* plan: one quotient, for numbers of a type with a far narrower range than the one that computes.

With d = 1 + u, p = u/d and q = 1/d, which add up to 1, a branch is a power of x times a polynomial in p and q, all of
whose terms have the same degree. In the wider type u overflows only where p is 1 and q is 0, whatever the result is
rounded to.
"""

from gem_symbolic.definitions import Activation
from gem_symbolic.floats import Branch, Term, begun, branch, joined, plan, sides, times
from gem_symbolic.piecewise import PiecewiseRational, build
from gem_symbolic.plans import Builder, Coefficient, Plan, Quantity
from gem_symbolic.rules import FADED, WIDE


def form(builder: Builder, coefficients: tuple[Coefficient, ...]) -> Quantity:
    """The sum of c_k p^k q^(d - k) for the d + 1 coefficients; what is negative is subtracted."""
    p, q = builder.names["p"], builder.names["q"]
    *rest, leading = coefficients
    value, negative, power = builder.constant(times(-1 if leading[-1] < 0 else 1, leading)), leading[-1] < 0, q
    for c in reversed(rest):
        value = value * p
        if c:
            below = c[-1] < 0
            size = builder.constant(times(-1 if below else 1, c)) * power
            if negative == below:
                value = value + size
            else:
                value, negative = (value - size, False) if below else (size - value, False)
        power = power * q
    return -value if negative else value


def direct(term: Term | None) -> bool:
    """Whether the term is that power of x, 0 or 1, times such a polynomial."""
    return term is None or (term.power in (0, 1) and term.depth - term.factors >= len(term.coefficients) - 1)


def side(builder: Builder, term: Term | None, sign: int, what: str) -> Branch:
    """The branch of a side, of the sign of x. Raises PlanError."""
    if term is None or not term.divides:
        return branch(builder, term, sign, "", (), what)
    fading = term.depth - term.factors - (len(term.coefficients) - 1)
    value = builder.names["p"] ** term.factors * builder.names["q"] ** fading
    value = value * form(builder, term.coefficients) / builder.integer(term.divisor)
    if term.power:
        builder.names["a"] = value
        value = builder.read(FADED.right) if fading else builder.names["t"] * value
    return Branch(sign**term.power, value)


def wide(activation: Activation | PiecewiseRational, order: int = 0) -> Plan:
    """The wide plan of the derivative of that order; that of `plan` where there is none. Raises PlanError."""
    model = activation if isinstance(activation, PiecewiseRational) else build(activation)
    terms, what = sides(model, order)
    if not all(map(direct, terms)):
        return plan(model, order)
    builder = begun(model, {}, WIDE)
    left, right = (side(builder, t, sign, what) for t, sign in zip(terms, (-1, 1)))
    return builder.plan(order, joined(builder, left, right, closed=model.pieces[0].interval.high_closed))
