"""What rounding does to a plan: its cases, each a straight-line program over a range, and exact identities about it.

A case fixes N, the side of 0, and whether |x| lies within the scale; there a plan has no comparison left, and every
selection is made. The exact program is the same list without rounding, on the exact scale. Between the two stands a
hybrid: computed up to the *cut*, exact beyond. A cut is a quantity of `floats.SHARED` through which everything
computed passes; the error of the result is that of the steps beyond the cut, with the rest of the plan, plus what an
error e of the cut v does, which is an identity: F(v) = F(V)(1 + e R(e, V)) with v = V(1 + e).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import floor
from typing import Any

from sympy import Poly, Symbol, cancel, expand, factor_list, fraction, gcd, real_roots, sqf_list

from gem_symbolic.definitions import Activation
from gem_symbolic.expressions import evaluate
from gem_symbolic.floats import OPERATIONS, Constant, Operand, Plan, plan
from gem_symbolic.formats import FORMATS
from gem_symbolic.parameters import root
from gem_symbolic.piecewise import build

QUANTITIES = ("value", "gradient")
COMPARISONS = ("lt", "le", "gt", "ge")
SIDES = {"left": -1, "right": 1}
#: Where |x| lies, and a point there in units of the scale.
REGIONS = {"inside": Fraction(1, 2), "outside": Fraction(2)}
#: The candidates for a cut, the best one first.
CUTS = ("u", "w2", "w")
#: No step of a program is smaller than 2**-SMALLEST times the scale, and the scale lies in 2**±SCALE.
SMALLEST, SCALE = 108, 16
#: Far out, where the result is nearly x or a constant, |x| lies in 2**±FAR.
FAR = 120
#: |x| <= s, s rounded, lets |x|/S exceed 1 by as much as s exceeds S.
EDGE = 1 + Fraction(1, 2**23)
#: Around a zero of the exact result, within this factor in u, errors are absolute.
NEAR = 3
#: The errors of scales are bounded by multiples of 2**-SLIP.
SLIP = 30
#: The ends of ranges are multiples of 2**-GRID.
GRID = 10


@dataclass(frozen=True)
class Line:
    """name = op(*args), rounded unless it changes a sign only; an argument is a name or an integer."""

    name: str
    op: str
    args: tuple[str | int, ...]

    @property
    def rounded(self) -> bool:
        return self.op != "neg"


@dataclass(frozen=True)
class Program:
    """A plan where every selection is made: operations on t = |x|, the scale s and its inverse."""

    lines: tuple[Line, ...]
    result: str | int

    def evaluate(self, known: Mapping[str, Any], name: str | int | None = None) -> Any:
        """The result, or the value of that name, without rounding of its own; what `known` gives is not computed."""
        name = self.result if name is None else name
        values: dict[str | int, Any] = {**known}
        for line in self.behind(name, tuple(known)):
            values[line.name] = OPERATIONS[line.op](*(values.get(a, a) for a in line.args))
        return values.get(name, name)

    def behind(self, name: str | int, known: tuple[str, ...] = ()) -> tuple[Line, ...]:
        """The lines that a value needs, its own included, when the values of `known` are given."""
        needed = {name} - set(known)
        for line in reversed(self.lines):
            if line.name in needed:
                needed |= set(line.args) - set(known)
        return tuple(line for line in self.lines if line.name in needed)

    @cached_property
    def cut(self) -> str | None:
        """The first of CUTS that, with x and the scale, determines the result."""
        for name in CUTS:
            before = {line.name for line in self.behind(name)}
            if name in before and not before & {line.name for line in self.behind(self.result, (name,))}:
                return name
        return None

    @property
    def beyond(self) -> tuple[Line, ...]:
        """The lines beyond the cut."""
        return self.behind(self.result, (self.cut,) if self.cut else ())


def program(plan: Plan, N: int, side: str, region: str, unit: bool = False) -> Program:
    """The plan at N, on a side of 0, within or beyond the scale, which is 1 if `unit`.

    To take |x| or to multiply or divide by 1 rounds nothing: such steps are names for their argument.
    """
    values: dict[str, Any] = {"x": SIDES[side] * REGIONS[region], "N": N, "s": Fraction(1), "inv_s": Fraction(1)}
    names: dict[str, str | int] = {"x": "t" if SIDES[side] > 0 else "x", "s": "s", "inv_s": "inv_s"}
    lines: list[Line] = [] if SIDES[side] > 0 else [Line("x", "neg", ("t",))]
    if unit:
        names |= {"s": 1, "inv_s": 1}

    def number(operand: Operand) -> Any:
        return evaluate(operand.text, values) if isinstance(operand, Constant) else values[operand.name]

    def name(operand: Operand) -> str | int:
        text = operand.text if isinstance(operand, Constant) else operand.name
        return names[text] if text in names else int(number(operand))

    def apply(label: str, op: str, *args: str | int) -> str | int:
        others = [a for a in args if a != 1]
        if (op == "mul" and len(others) < 2) or (op == "div" and args[1] == 1):
            return others[0] if others else 1
        lines.append(Line(label, op, args))
        return label

    for step in plan.steps:
        label = f"p{step.name[1:]}" if step.name.startswith("_") else step.name
        values[step.name] = OPERATIONS[step.op](*map(number, step.args))
        if step.op in COMPARISONS:
            continue
        if step.op == "select":
            condition, yes, no = step.args
            names[step.name] = name(yes if number(condition) else no)
        elif step.op == "abs":
            names[step.name] = "t"
        elif step.op == "chain":
            product, factor, count = name(step.args[0]), name(step.args[1]), int(number(step.args[2]))
            for i in range(1, count + 1):
                product = apply(label if i == count else f"{label}_{i}", "mul", product, factor)
            names[step.name] = product
        else:
            names[step.name] = apply(label, step.op, *map(name, step.args))
    whole = Program(tuple(lines), name(plan.result))
    return Program(whole.behind(whole.result), whole.result)


# --- Cases ---


@dataclass(frozen=True)
class Case:
    """A program with the range of w = min(|x|, S)/max(|x|, S), and whether its error is relative or absolute there.

    `part` numbers the ranges of a region, from small w to large; `unit` says that the scale is 1. The computed scale
    is the nearest number to S; with a `slip` it is assumed to lie within that relative error.
    """

    variant: str
    order: int
    N: int
    side: str
    region: str
    low: Fraction
    high: Fraction
    relative: bool
    part: int
    unit: bool
    program: Program
    slip: Fraction | None = None

    @property
    def id(self) -> str:
        scale = "" if self.slip is None else ".eps"
        return f"{self.variant}.{self.quantity}.N{self.N}.{self.side}.{self.region}.{self.part}{scale}"

    @property
    def quantity(self) -> str:
        return QUANTITIES[self.order]

    @property
    def scale(self) -> tuple[Fraction, Fraction]:
        """The range of the scale S."""
        return (Fraction(1), Fraction(1)) if self.unit else (Fraction(1, 2**SCALE), Fraction(2**SCALE))

    @property
    def size(self) -> tuple[Fraction, Fraction]:
        """The range of t = |x| that follows."""
        (low, high), far = self.scale, Fraction(2) ** FAR
        if self.region == "inside":
            return max(low * self.low, 1 / far), high * self.high
        return low / self.high, min(high / self.low, far) if self.low else far


def slip(values: Iterable[Fraction], N: int) -> Fraction:
    """A bound of the relative error of the computed scales of these eps: the least multiple of 2**-SLIP."""
    found = 0
    for eps in values:
        power = root(eps, 2 * N, FORMATS["binary32"].precision) ** (2 * N) / eps  # (s/S)^(2N)
        while not (1 - Fraction(found, 2**SLIP)) ** (2 * N) <= power <= (1 + Fraction(found, 2**SLIP)) ** (2 * N):
            found += 1
    return Fraction(found, 2**SLIP)


def lowest(N: int) -> Fraction:
    """The least w: w^(2N+1) is 2**-SMALLEST at the least."""
    return Fraction(1, 2 ** (SMALLEST // (2 * N + 1)))


def positions(program: Program, N: int) -> Iterator[tuple[Fraction, Fraction, bool]]:
    """(low, high, relative): ranges of w that cover all from the lowest up, and from 0 where the result stays away."""
    v = Symbol("v")
    assert program.cut
    names = {name: Symbol(name) for name in ("t", "s", "inv_s")}
    top, bottom = fraction(cancel(program.evaluate(names | {program.cut: v})))
    if top.subs(v, 0) != 0 and bottom.subs(v, 0) != 0:
        yield Fraction(0), lowest(N), True
    at_two = program.evaluate({"t": Fraction(2), "s": Fraction(1), "inv_s": Fraction(1)}, program.cut)
    power = max(at_two, 1 / at_two).numerator.bit_length() - 1  # the cut is w to this power

    def place(root: float) -> Fraction:
        return Fraction(floor(root ** (1 / power) * 2**GRID), 2**GRID)

    roots: list[Any] = real_roots(Poly(top, v)) if top.has(v) else []
    start = lowest(N)
    for zero in sorted(float(r) for r in roots if r > 0):
        low, high = place(zero / NEAR), min(place(zero * NEAR), EDGE)
        if low < 1:
            yield start, low, True
            yield low, EDGE if high >= 1 else high, False
            start = EDGE if high >= 1 else high
    if start < EDGE:
        yield start, EDGE, True


def cases(activation: Activation, N: int, eps: Iterable[Fraction] = ()) -> Iterator[Case]:
    """The cases of value and gradient; a branch that computes nothing has none.

    The relative ones that depend on the scale come twice: for every scale, and for those of the `eps` given.
    """
    eps = tuple(eps)
    model = build(activation)
    unit = model.algebra.constant(model.unit) == 1
    for order in (0, 1):
        whole = plan(model, order)
        for side in SIDES:
            for region in REGIONS:
                straight = program(whole, N, side, region, unit)
                parts = positions(straight, N) if straight.lines else ()
                for part, (low, high, relative) in enumerate(parts, 1):
                    case = Case(activation.name, order, N, side, region, low, high, relative, part, unit, straight)
                    yield case
                    if eps and relative and low and not unit:
                        yield replace(case, slip=slip(eps, N))


# --- Identities ---


@dataclass(frozen=True)
class Identity:
    """What an error of the cut does: F(v) = F(V) (1 + e R) or F(v) = F(V) + e R, with e = (v - V)/V.

    R is `above`, a polynomial in e and V, over the product of `below`: polynomials, each in V alone or in v alone.
    It holds where no one of `nonzero`, other such polynomials, is 0.
    """

    above: Any
    below: tuple[Any, ...]
    nonzero: tuple[Any, ...]


#: The symbols of an Identity: the cut as computed and exactly, and its relative error.
COMPUTED, EXACT, ERROR = (Symbol(name) for name in ("v", "V", "e"))


def identity(case: Case) -> Identity:
    program = case.program
    names = {name: Symbol(name) for name in ("t", "s", "inv_s")}
    assert program.cut
    top, bottom = fraction(cancel(program.evaluate(names | {program.cut: EXACT})))
    if case.relative:
        top = top.subs(dict.fromkeys(names.values(), 1))  # a factor that cancels

    def moved(f: Any) -> Any:
        return f.subs(EXACT, EXACT * (1 + ERROR))

    change = cancel((moved(top) * bottom - top * moved(bottom)) / ERROR)
    below = top if case.relative else bottom
    common = gcd(change, below)
    (c, exact), (k, computed) = factors(cancel(below / common)), factors(bottom.subs(EXACT, COMPUTED))
    zeros = tuple(f for f, _ in factor_list(top)[1]) if case.relative else ()
    excluded = zeros + factors(bottom)[1] + computed
    return Identity(expand(cancel(change / common) / (c * k)), exact + computed, tuple(dict.fromkeys(excluded)))


def factors(f: Any) -> tuple[Any, tuple[Any, ...]]:
    """(constant, square-free factors, each as often as it divides)."""
    found: Any = sqf_list(f)
    return found[0], tuple(g for g, k in found[1] for _ in range(k))
