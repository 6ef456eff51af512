"""What rounding does to a plan: its cases, each a straight-line program over a range, and exact identities about it.

A case fixes N, the side of 0, and whether |x| lies within the scale; there a plan has no comparison left, and every
selection is made. The exact program is the same list without rounding, on the exact scale. Between the two stands a
hybrid: computed up to the *cut*, exact beyond. A cut is a quantity of `floats.SHARED` through which everything
computed passes; the error of the result is that of the steps beyond the cut, with the rest of the plan, plus what an
error e of the cut v does, which is an identity: F(v) = F(V)(1 + e R(e, V)) with v = V(1 + e).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache, cached_property
from math import floor
from typing import Any

from sympy import Poly, Symbol, cancel, expand, factor_list, fraction, gcd, real_roots, sqf_list

from gem_symbolic.definitions import Activation
from gem_symbolic.expressions import evaluate
from gem_symbolic.floats import plan
from gem_symbolic.formats import FORMATS, Format
from gem_symbolic.parameters import root
from gem_symbolic.piecewise import build
from gem_symbolic.plans import Constant, Operand, Plan
from gem_symbolic.rules import OPERATIONS

QUANTITIES = ("value", "gradient")
SIDES = {"left": -1, "right": 1}
#: Where |x| lies, and a point there in units of the scale.
REGIONS = {"inside": Fraction(1, 2), "outside": Fraction(2)}
#: The candidates for a cut, the best one first.
CUTS = ("u", "w2", "w")
#: The scale lies in 2**±SCALE. A program's steps stay so many powers of two within the ends of the format's range.
SCALE, SPARE = 16, 18
#: Far out, where the result is nearly x or a constant, |x| stays so many powers of two below the largest number.
TOP = 7
#: Around a zero of the exact result, within this factor in u, errors are absolute.
NEAR = 3
#: The errors of scales are bounded by multiples of 2**-FINER of the unit.
FINER = 6
#: The ends of ranges are multiples of 2**-GRID.
GRID = 10


# --- Programs ---


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
    """A plan where every selection is made: operations on t = |x| and the scale s."""

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
    def cut(self) -> str:
        """The first of CUTS that, with x and the scale, determines the result."""
        for name in CUTS:
            before = {line.name for line in self.behind(name)}
            if name in before and not before & {line.name for line in self.behind(self.result, (name,))}:
                return name
        raise ValueError(f"no cut of the program is among {', '.join(CUTS)}")

    @property
    def beyond(self) -> tuple[Line, ...]:
        """The lines beyond the cut."""
        return self.behind(self.result, (self.cut,))

    @property
    def anonymous(self) -> "Program":
        """The same program with numbers for names, but for the candidates for a cut."""
        kept = (*CUTS, "x")
        names = {line.name: line.name if line.name in kept else f"y{i}" for i, line in enumerate(self.lines)}
        lines = (Line(names[n.name], n.op, tuple(names.get(str(a), a) for a in n.args)) for n in self.lines)
        return Program(tuple(lines), names.get(str(self.result), self.result))


@dataclass
class Writer:
    """Collects the lines of a program; those of a step are named after its `label`."""

    lines: list[Line] = field(default_factory=list)
    label: str = ""

    def apply(self, op: str, *args: "Traced | int") -> "Traced | int":
        """The operation, as a line; to multiply or divide by 1 rounds nothing and writes none."""
        others = [a for a in args if a != 1]
        if (op == "mul" and len(others) < 2) or (op == "div" and args[1] == 1):
            return others[0]
        names = tuple(a.name if isinstance(a, Traced) else a for a in args)
        value = OPERATIONS[op](*(a.value if isinstance(a, Traced) else a for a in args))
        before = sum(line.name.startswith(f"{self.label}_") for line in self.lines)
        line = Line(f"{self.label}_{before + 1}", op, names)
        self.lines.append(line)
        return Traced(self, line.name, value)

    def step(self, label: str, operation: Callable[..., Any], *args: Any) -> Any:
        """The operation, which may be many of those of `apply`: the line that computes its result has the label."""
        self.label, before = label, len(self.lines)
        result = operation(*args)
        if len(self.lines) == before:
            return result
        self.lines[-1] = replace(self.lines[-1], name=label)
        return replace(result, name=label)


@dataclass(frozen=True)
class Traced:
    """A quantity that writes what is done to it, with its value at a point, which decides comparisons."""

    writer: Writer
    name: str
    value: Fraction

    def __add__(self, other: "Traced | int") -> "Traced | int":
        return self.writer.apply("add", self, other)

    def __radd__(self, other: int) -> "Traced | int":
        return self.writer.apply("add", other, self)

    def __sub__(self, other: "Traced | int") -> "Traced | int":
        return self.writer.apply("sub", self, other)

    def __rsub__(self, other: int) -> "Traced | int":
        return self.writer.apply("sub", other, self)

    def __mul__(self, other: "Traced | int") -> "Traced | int":
        return self.writer.apply("mul", self, other)

    def __rmul__(self, other: int) -> "Traced | int":
        return self.writer.apply("mul", other, self)

    def __truediv__(self, other: "Traced | int") -> "Traced | int":
        return self.writer.apply("div", self, other)

    def __rtruediv__(self, other: int) -> "Traced | int":
        return self.writer.apply("div", other, self)

    def __neg__(self) -> "Traced | int":
        return self.writer.apply("neg", self)

    def __abs__(self) -> "Traced":
        return replace(self, name="t", value=abs(self.value))

    def __lt__(self, other: "Traced | int") -> bool:
        return self.value < value_of(other)

    def __le__(self, other: "Traced | int") -> bool:
        return self.value <= value_of(other)

    def __gt__(self, other: "Traced | int") -> bool:
        return self.value > value_of(other)

    def __ge__(self, other: "Traced | int") -> bool:
        return self.value >= value_of(other)


def value_of(operand: Traced | int) -> Fraction | int:
    return operand.value if isinstance(operand, Traced) else operand


def program(plan: Plan, N: int, side: str, region: str, unit: bool = False) -> Program:
    """The plan at N, on a side of 0, within or beyond the scale, which is 1 if `unit`.

    The operations of the plan are done on quantities that write down what is done to them.
    """
    sign = SIDES[side]
    writer = Writer([] if sign > 0 else [Line("x", "neg", ("t",))])
    known: dict[str, Any] = {
        "x": Traced(writer, "t" if sign > 0 else "x", sign * REGIONS[region]),
        "s": 1 if unit else Traced(writer, "s", Fraction(1)),
        "N": N,
    }

    def read(operand: Operand) -> Any:
        return evaluate(operand.text, known) if isinstance(operand, Constant) else known[operand.name]

    for step in plan.steps:
        label = f"p{step.name[1:]}" if step.name.startswith("_") else step.name
        known[step.name] = writer.step(label, OPERATIONS[step.op], *map(read, step.args))
    result = read(plan.result)
    whole = Program(tuple(writer.lines), result.name if isinstance(result, Traced) else result)
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
    format: Format
    program: Program
    slip: Fraction | None = None

    @property
    def id(self) -> str:
        scale = "" if self.slip is None else ".eps"
        return (
            f"{self.format.name}.{self.variant}.{self.quantity}.N{self.N}.{self.side}.{self.region}.{self.part}{scale}"
        )

    @property
    def quantity(self) -> str:
        return QUANTITIES[self.order]

    @property
    def grain(self) -> Fraction:
        """The unit that errors are counted in: half a unit in the last place of 1."""
        return Fraction(1, 2**self.format.precision)

    @property
    def scale(self) -> tuple[Fraction, Fraction]:
        """The range of the scale S."""
        return (Fraction(1), Fraction(1)) if self.unit else (Fraction(1, 2**SCALE), Fraction(2**SCALE))

    @property
    def size(self) -> tuple[Fraction, Fraction]:
        """The range of t = |x| that follows."""
        (low, high), far = self.scale, Fraction(2) ** (self.format.emax - TOP)
        if self.region == "inside":
            return max(low * self.low, 1 / far), high * self.high
        return low / self.high, min(high / self.low, far) if self.low else far

    @cached_property
    def power(self) -> int:
        """The cut is w to this power."""
        at_two = self.program.evaluate({"t": Fraction(2), "s": Fraction(1)}, self.program.cut)
        return max(at_two, 1 / at_two).numerator.bit_length() - 1


def edge(format: Format) -> Fraction:
    """|x| <= s, s rounded, lets |x|/S exceed 1 by as much as s exceeds S."""
    return 1 + Fraction(1, 2 ** (format.precision - 1))


def slip(values: Iterable[Fraction], N: int, format: Format) -> Fraction:
    """A bound of the relative error of the computed scales of these eps: the least multiple of a fine unit."""
    found, unit = 0, Fraction(1, 2 ** (format.precision + FINER))
    for eps in values:
        power = root(eps, 2 * N, format.precision) ** (2 * N) / eps  # (s/S)^(2N)
        while not (1 - found * unit) ** (2 * N) <= power <= (1 + found * unit) ** (2 * N):
            found += 1
    return found * unit


def lowest(N: int, format: Format) -> Fraction:
    """The least w: with it w^(2N+1) times the scale is a normal number."""
    return Fraction(1, 2 ** ((-format.emin - SPARE) // (2 * N + 1)))


def positions(case: Case) -> Iterator[tuple[Fraction, Fraction, bool]]:
    """(low, high, relative): ranges of w that cover all from the lowest up, and from 0 where the result stays away."""
    v, end, least = Symbol("v"), edge(case.format), lowest(case.N, case.format)
    top, bottom = fraction(cancel(case.program.evaluate({"t": Symbol("t"), "s": Symbol("s"), case.program.cut: v})))
    if top.subs(v, 0) != 0 and bottom.subs(v, 0) != 0:
        yield Fraction(0), least, True

    def place(root: float) -> Fraction:
        return Fraction(floor(root ** (1 / case.power) * 2**GRID), 2**GRID)

    roots: list[Any] = real_roots(Poly(top, v)) if top.has(v) else []
    start = least
    for zero in sorted(float(r) for r in roots if r > 0):
        low, high = place(zero / NEAR), min(place(zero * NEAR), end)
        if low < 1:
            yield start, low, True
            yield low, end if high >= 1 else high, False
            start = end if high >= 1 else high
    if start < end:
        yield start, end, True


def cases(
    activation: Activation, N: int, eps: Iterable[Fraction] = (), format: Format = FORMATS["binary32"]
) -> Iterator[Case]:
    """The cases of value and gradient; a branch that computes nothing has none.

    Those that depend on the scale come twice: for every scale, and for those of the `eps` given.
    """
    eps = tuple(eps)
    model = build(activation)
    unit = model.algebra.constant(model.unit) == 1
    zero = Fraction(0)
    for order in (0, 1):
        whole = plan(model, order)
        for side in SIDES:
            for region in REGIONS:
                straight = program(whole, N, side, region, unit)
                if not straight.lines:
                    continue
                blank = Case(activation.name, order, N, side, region, zero, zero, True, 0, unit, format, straight)
                for part, (low, high, relative) in enumerate(positions(blank), 1):
                    case = replace(blank, low=low, high=high, relative=relative, part=part)
                    yield case
                    if eps and low and not unit:
                        yield replace(case, slip=slip(eps, N, format))


# --- Identities: what an error e of the cut does, v = V (1 + e) ---


@dataclass(frozen=True)
class Identity:
    """F(v) = F(V) (1 + e R): R is `above`, a polynomial in e and V, over the product of `below`.

    These are polynomials, each in V alone or in v alone. It holds where no one of `nonzero`, other such, is 0.
    """

    above: Any
    below: tuple[Any, ...]
    nonzero: tuple[Any, ...]


#: The symbols of identities: the cut as computed and exactly, its relative error, and 1/(1 + v) and 1/(1 + V).
COMPUTED, EXACT, ERROR = (Symbol(name) for name in ("v", "V", "e"))
INVERSES = Symbol("p"), Symbol("q")


@cache
def identity(program: Program) -> Identity:
    top, bottom = fraction(cancel(program.evaluate({"t": Symbol("t"), "s": Symbol("s"), program.cut: EXACT})))
    top = top.subs(dict.fromkeys((Symbol("t"), Symbol("s")), 1))  # a factor that cancels

    def moved(f: Any) -> Any:
        return f.subs(EXACT, EXACT * (1 + ERROR))

    change = cancel((moved(top) * bottom - top * moved(bottom)) / ERROR)
    common = gcd(change, top)
    (c, exact), (k, computed) = factors(cancel(top / common)), factors(bottom.subs(EXACT, COMPUTED))
    excluded = tuple(f for f, _ in factor_list(top)[1]) + factors(bottom)[1] + computed
    return Identity(expand(cancel(change / common) / (c * k)), exact + computed, tuple(dict.fromkeys(excluded)))


def factors(f: Any) -> tuple[Any, tuple[Any, ...]]:
    """(constant, square-free factors, each as often as it divides)."""
    found: Any = sqf_list(f)
    return found[0], tuple(g for g, k in found[1] for _ in range(k))


@cache
def slope(program: Program) -> Any:
    """The polynomial R in p = 1/(1 + v) and q = 1/(1 + V) with F(v) = F(V) - e (1 - q) p R.

    For a function F of the cut alone that is a polynomial in q, as (p - q) = -e (1 - q) p. Raises ValueError.
    """
    p, q = INVERSES
    value = cancel(program.evaluate({program.cut: 1 / q - 1}))
    if not value.is_polynomial(q) or value.free_symbols != {q}:
        raise ValueError("the result is not a polynomial in the inverse of 1 + the cut")
    return expand(cancel((value.subs(q, p) - value) / (p - q)))
