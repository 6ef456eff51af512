"""Floating point: the formats, and evaluation plans, the explicit list of operations that a kernel executes.

A plan is derived from the exact branches of `piecewise` by the rules below, symbolically in N. With t = |x| and the
scale s of the activation, every quantity is written in w = min(t, s)/max(t, s), which lies in [0, 1], and u = w^(2N):
inside the scale (t <= s) the field's u is u, outside it is 1/u. Nothing can overflow, and each tail underflows
gradually. The plan says nothing of precision: the same list serves binary32 and binary64.
"""

import operator
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import comb, lcm
from typing import Any

from sympy import Rational, factor
from sympy import Symbol as Variable

from gem_symbolic.calculus import derivative
from gem_symbolic.definitions import Activation
from gem_symbolic.expressions import evaluate
from gem_symbolic.piecewise import PiecewiseRational, build


class PlanError(ValueError):
    """The definition is outside the class of functions that plans are derived for."""


# --- Plans ---


def select(condition: Any, yes: Any, no: Any) -> Any:
    return yes if condition else no


def chain(a: Any, b: Any, k: int) -> Any:
    """a*b^k, by k multiplications one after the other."""
    for _ in range(int(k)):
        a = a * b
    return a


#: What each operation means. A target adds how it is spelled.
OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "abs": abs,
    "neg": operator.neg,
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "select": select,
    "chain": chain,
}


@dataclass(frozen=True)
class Constant:
    """A constant: how it is written, and the real number that it means.

    Written as a name it is computed beforehand and rounded once; written as an expression in N it is that integer.
    """

    text: str
    meaning: str


@dataclass(frozen=True)
class Value:
    """The result of an operation, or the input x. A name that begins with an underscore is nobody's choice."""

    name: str


Operand = Value | Constant


@dataclass(frozen=True)
class Step:
    """name = op(*args)."""

    name: str
    op: str
    args: tuple[Operand, ...]
    note: str = ""


@dataclass(frozen=True)
class Plan:
    """A straight-line program in the input x and the constants, for the derivative of that order."""

    order: int
    steps: tuple[Step, ...]
    result: Operand

    def run(
        self,
        names: Mapping[str, Any],
        number: Callable[[int], Any] = int,
        operations: Mapping[str, Callable[..., Any]] = OPERATIONS,
    ) -> Any:
        """The result in a number system of the caller's; `names` gives x, N and the named constants."""
        known = dict(names)

        def read(operand: Operand) -> Any:
            return known[operand.name] if isinstance(operand, Value) else evaluate(operand.text, known, number)

        for step in self.steps:
            known[step.name] = operations[step.op](*map(read, step.args))
        return read(self.result)


# --- Rules, as data: text in the grammar of `expressions`, with the operations as functions ---

#: What branches share: name, how it is computed, a note for the reader. Only what is used enters a plan.
SHARED = (
    ("t", "abs(x)", ""),
    ("inside", "le(t, s)", "within the scale"),
    ("w", "select(inside, t, s)/select(inside, s, t)", "t/s or s/t, in [0, 1]"),
    ("w2", "w*w", ""),
    ("u", "chain(w2, w2, N - 1)", "w^(2N), in [0, 1]"),
    ("v", "inv_s*w", ""),
    ("d", "1 + u", ""),
)


@dataclass(frozen=True)
class Lead:
    """How |x|^power u^taken is written in a region; `signed` where the text is x^power itself, with its sign."""

    power: int
    region: str
    taken: int
    text: str
    signed: bool = False


#: The row that takes most of the factors u at hand is used: x u would underflow in u where s w^(2N-1) does not.
LEADS = (
    Lead(0, "inside", 0, "1"),
    Lead(0, "outside", 0, "1"),
    Lead(1, "inside", 0, "x", signed=True),
    Lead(1, "outside", 0, "x", signed=True),
    Lead(1, "outside", 1, "chain(s*w, w2, N - 1)"),
    Lead(-1, "inside", 1, "chain(v, w2, N - 1)"),
    Lead(-1, "outside", 0, "v"),
)


# --- The derivation ---

#: A polynomial in n, constant term first, without trailing zeros.
Coefficient = tuple[Fraction, ...]


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


@dataclass
class Builder:
    """Collects steps; equal operations are written once."""

    steps: dict[tuple[str, tuple[Operand, ...]], Step] = field(default_factory=dict)
    names: dict[str, "Quantity"] = field(default_factory=dict)
    operations: Collection[str] = tuple(OPERATIONS)

    def apply(self, op: str, *args: "Quantity") -> "Quantity":
        key = op, tuple(a.operand for a in args)
        if key not in self.steps:
            self.steps[key] = Step(f"_{len(self.steps)}", *key)
        return Quantity(self, Value(self.steps[key].name))

    def named(self, name: str, value: "Quantity", note: str = "") -> "Quantity":
        """Gives the value a name, unless it has one or is no step."""
        for key, step in self.steps.items():
            if step.name == getattr(value.operand, "name", None) and step.name.startswith("_"):
                self.steps[key] = Step(name, step.op, step.args, note)
                return Quantity(self, Value(name))
        return value

    def constant(self, coefficient: Coefficient) -> "Quantity":
        """The constant that is a polynomial in n, written in N."""
        N = Variable("N")
        terms = (Rational(c.numerator, c.denominator) * (2 * N) ** k for k, c in enumerate(coefficient))
        text = str(factor(sum(terms, start=Rational(0))))
        return Quantity(self, Constant(text, text))

    def integer(self, value: int) -> "Quantity":
        return self.constant((Fraction(value),))

    def read(self, text: str) -> "Quantity":
        """The value of a rule's text."""
        functions = {op: (lambda *args, op=op: self.apply(op, *args)) for op in self.operations}
        return evaluate(text, self.names, self.integer, functions=functions)

    def plan(self, order: int, result: "Quantity") -> Plan:
        """The steps that the result needs."""
        needed = {result.operand}
        for step in reversed(self.steps.values()):
            if Value(step.name) in needed:
                needed.update(step.args)
        return Plan(order, tuple(s for s in self.steps.values() if Value(s.name) in needed), result.operand)


@dataclass(frozen=True)
class Quantity:
    """An operand, with arithmetic that writes steps. Multiplying and dividing by 1 writes none."""

    builder: Builder
    operand: Operand

    @property
    def one(self) -> bool:
        return self.operand == Constant("1", "1")

    def __add__(self, other: "Quantity") -> "Quantity":
        return self.builder.apply("add", self, other)

    def __sub__(self, other: "Quantity") -> "Quantity":
        if isinstance(self.operand, Constant) and isinstance(other.operand, Constant):  # N - 1
            text = f"{self.operand.text} - {other.operand.text}"
            return Quantity(self.builder, Constant(text, text))
        return self.builder.apply("sub", self, other)

    def __mul__(self, other: "Quantity") -> "Quantity":
        return other if self.one else self if other.one else self.builder.apply("mul", self, other)

    def __truediv__(self, other: "Quantity") -> "Quantity":
        return self if other.one else self.builder.apply("div", self, other)

    def __neg__(self) -> "Quantity":
        return self.builder.apply("neg", self)

    def __pow__(self, exponent: int) -> "Quantity":
        product = self.builder.integer(1)
        for _ in range(exponent):
            product = product * self
        return product


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


def numerator(builder: Builder, term: Term, region: str, side: int, what: str) -> Quantity:
    """The term times (1 + u)^depth in a region of a side, in the quantities of SHARED. Raises PlanError."""
    if region == "outside":
        term = term.turned
    leads = [lead for lead in LEADS if (lead.power, lead.region) == (term.power, region) and lead.taken <= term.factors]
    if not leads:
        raise PlanError(f"no evaluation plan: {what} is unbounded other than like x, or has a higher power of x")
    lead = max(leads, key=lambda lead: lead.taken)
    sign = 1 if lead.signed else side ** abs(term.power)
    coefficients = tuple(times(sign, c) for c in term.coefficients)
    product = builder.read(lead.text) * builder.names["u"] ** (term.factors - lead.taken)
    return -product if coefficients == ((-1,),) else product * horner(builder, coefficients)


def quotient(builder: Builder, term: Term | None, side: int, suffix: str, what: str) -> tuple[Quantity, Quantity]:
    """(top, bottom) of a branch, named with the suffix; the bottom is 1 for a branch without division."""
    if term is None:
        return builder.integer(0), builder.integer(1)
    inner, outer = (
        builder.named(name + suffix, numerator(builder, term, region, side, what))
        for name, region in (("inner", "inside"), ("outer", "outside"))
    )
    top = inner if inner == outer else builder.apply("select", builder.names["inside"], inner, outer)
    return builder.named("top" + suffix, top), builder.integer(term.divisor) * builder.names["d"] ** term.depth


def constants(model: PiecewiseRational) -> dict[str, str]:
    """The named constants of every plan of the model, with the real numbers that they mean. Raises PlanError."""
    unit = model.algebra.constant(model.unit)
    scales = [str(unit)] if unit is not None else [p for p in model.names if model.names[p] == model.unit]
    if not scales:
        raise PlanError("no evaluation plan: the scale is not a power of one parameter")
    return {"s": f"({scales[0]})**(1/(2*N))", "inv_s": f"({scales[0]})**(-1/(2*N))"}


def plan(activation: Activation | PiecewiseRational, order: int = 0) -> Plan:
    """The evaluation plan of the derivative of that order, for every N at once. Raises PlanError.

    A NaN fails every comparison, so each `select` sends it to a side that computes with x.
    """
    model = activation if isinstance(activation, PiecewiseRational) else build(activation)
    what = f"{model.activation.name}, derivative of order {order},"
    if [p.interval.high for p in model.pieces] != [0, None]:
        raise PlanError(f"no evaluation plan: {model.activation.name} is not two branches joined at 0")
    terms = [term(model, derivative(p.value, order), what) for p in model.pieces]
    if all(t is None or t.constant for t in terms):
        raise PlanError(f"no evaluation plan: {what} is constant on both sides, and would not pass a NaN on")

    builder = Builder()
    builder.names |= {name: Quantity(builder, Constant(name, meaning)) for name, meaning in constants(model).items()}
    builder.names |= {"x": Quantity(builder, Value("x")), "N": Quantity(builder, Constant("N", "N"))}
    for name, text, note in SHARED:
        builder.names[name] = builder.named(name, builder.read(text), note)
    both = all(t is not None and t.divides for t in terms)
    suffixes = ("_left", "_right") if both else ("", "")
    branches = [quotient(builder, t, side, suffix, what) for t, side, suffix in zip(terms, (-1, 1), suffixes)]

    closed = model.pieces[0].interval.high_closed  # 0 itself lies on the left
    on_left, on_right = ("le(x, 0)", "gt(x, 0)") if closed else ("lt(x, 0)", "ge(x, 0)")

    def pick(left: Quantity, right: Quantity) -> Quantity:
        """Each on its side; a NaN goes to the right unless that is a constant."""
        if left == right:
            return left
        if terms[1] is None or terms[1].constant:
            return builder.apply("select", builder.read(on_right), right, left)
        return builder.apply("select", builder.read(on_left), left, right)

    if both:
        top, bottom = (builder.named(name, pick(*parts)) for name, parts in zip(("top", "bottom"), zip(*branches)))
        return builder.plan(order, top / bottom)
    return builder.plan(order, pick(*(builder.named("ratio", top / bottom) for top, bottom in branches)))
