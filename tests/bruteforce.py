"""Random piecewise rational functions as data, and what holds of them by evaluation alone.

None of the calculus of `gem_symbolic.spec` is used here: a function is lists of integers, evaluated in 150 digits at
points of its own, or in binary64 at many; where binary64 finds a disagreement, 150 digits have the last word.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import factorial, isinf
from typing import Any

import mpmath
import numpy as np
from hypothesis import strategies as st
from mpmath import mpf

from gem_symbolic.spec import extrema, junctions, shape
from gem_symbolic.spec.model import Function
from gem_symbolic.spec.read import Spec
from gem_symbolic.spec.real import Real

Coefficients = tuple[int, ...]  # of a polynomial, constant term first
Number = Any  # an mpmath.mpf, which has no type stubs
DIGITS = 150
#: The step beside a junction: its powers stay far above the rounding errors.
STEP = mpf(10) ** -20
#: A denominator so small is one at a zero, and how far beside it the value is taken, with more digits.
TINY, BESIDE = mpf(10) ** -70, mpf(10) ** -100
#: Where binary64 looks: dense near 0, thin far out.
GRID = np.sinh(np.linspace(-12, 12, 1201))
FAR = mpf(10) ** 12


@dataclass(frozen=True)
class End:
    """A junction: an integer polynomial it is a root of, how a spec names it, and how to compute it."""

    p: Coefficients
    text: str
    radicand: Fraction
    degree: int = 1
    sign: int = 1

    @property
    def value(self) -> Number:
        return self.sign * mpmath.root(mpf(self.radicand.numerator) / self.radicand.denominator, self.degree)


@dataclass(frozen=True)
class Part:
    """over/under on one interval, with its left end in it or not."""

    over: Coefficients
    under: Coefficients
    low_closed: bool

    def at(self, x: Any) -> Any:
        """The value, in the arithmetic of x."""
        below = horner(self.under, x)
        if isinstance(below, mpf) and abs(below) < TINY:  # where a factor cancels, the function has the value beside it
            with mpmath.workdps(5 * DIGITS):
                x = x + BESIDE
                return horner(self.over, x) / horner(self.under, x)
        return horner(self.over, x) / below


@dataclass(frozen=True)
class Case:
    """A piecewise rational function."""

    ends: tuple[End, ...]
    parts: tuple[Part, ...]

    def spec(self) -> Spec:
        """The function as a spec."""
        branches = []
        for k, part in enumerate(self.parts):
            low = self.ends[k - 1].text if k else None
            high = self.ends[k].text if k < len(self.ends) else None
            sign = "<=" if part.low_closed else "<"
            if high is None:
                on = f"x {'>=' if part.low_closed else '>'} {low}" if low else "all x"
            else:
                on = f"x {'<' if self.parts[k + 1].low_closed else '<='} {high}"
                on = f"{low} {sign} {on}" if low else on
            branches.append({"on": on, "expr": f"({formula(part.over)})/({formula(part.under)})"})
        return Spec("case", "case.toml", "", "case", "", tuple(branches))


def horner(p: Coefficients, x: Any) -> Any:
    value = x * 0
    for c in reversed(p):
        value = value * x + c
    return value


def times(p: Coefficients, q: Coefficients) -> Coefficients:
    product = [0] * (len(p) + len(q) - 1)
    for i, a in enumerate(p):
        for j, b in enumerate(q):
            product[i + j] += a * b
    return tuple(product)


def plus(p: Coefficients, q: Coefficients) -> Coefficients:
    width = max(len(p), len(q))
    return tuple(a + b for a, b in zip([*p, *[0] * (width - len(p))], [*q, *[0] * (width - len(q))], strict=True))


def formula(p: Coefficients) -> str:
    """A polynomial as a user would write it."""
    terms = [f"{c}*x^{k}" if k else str(c) for k, c in enumerate(p) if c]
    return " + ".join(terms).replace("+ -", "- ") or "0"


def rational(p: int, q: int) -> End:
    return End((-p, q), f"{p}/{q}", Fraction(abs(p), q), sign=-1 if p < 0 else 1)


#: Junctions to choose from: rational numbers, square roots, cube roots.
ENDS = (
    *(rational(p, q) for p, q in ((-7, 2), (-2, 1), (-1, 1), (-1, 3), (0, 1), (1, 4), (1, 1), (3, 2), (3, 1))),
    *(
        End((-k, 0, 1), f"root(x^2 - {k}, {1 if sign < 0 else 2})", Fraction(k), 2, sign)
        for k in (2, 5)
        for sign in (-1, 1)
    ),
    End((-3, 0, 0, 2), "root(2*x^3 - 3, 1)", Fraction(3, 2), 3),
)
#: Denominators: most without a real root, some with one.
UNDERS: tuple[Coefficients, ...] = (
    (1,),
    (1,),
    (1,),
    (1, 0, 1),
    (2, 1, 1),
    (5, -2, 1),
    (3, 0, 0, 0, 2),
    (-1, 2),
    (-3, 0, 1),
)

small = st.integers(-4, 4)
polynomials = st.lists(small, min_size=1, max_size=4).map(tuple)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """One to four pieces: the next is the last one plus what vanishes to a random order, or another one."""
    ends = sorted(draw(st.sets(st.sampled_from(ENDS), max_size=3)), key=lambda e: e.value)
    over, under = draw(polynomials), draw(st.sampled_from(UNDERS))
    parts = [Part(over, under, False)]
    for end in ends:
        fresh = draw(st.integers(0, 5)) == 0
        if fresh:
            over, under = draw(polynomials), draw(st.sampled_from(UNDERS))
        else:
            order = draw(st.integers(0, 4 if end.degree == 1 else 2))
            bump, below = (draw(small),), draw(st.sampled_from(UNDERS))
            for _ in range(order):
                bump = times(bump, end.p)
            over, under = plus(times(over, below), times(bump, under)), times(under, below)
        parts.append(Part(over, under, draw(st.booleans())))
    return Case(tuple(ends), tuple(parts))


def number(value: Real | float) -> Number:
    """A derived number, in DIGITS digits."""
    if not isinstance(value, Real):
        return mpf(value)
    if value.rational is not None:
        return mpf(int(value.rational.p)) / int(value.rational.q)
    return mpf(value.ball(600).mid().str(DIGITS, radius=False))


def near(a: Number, b: Number, relative: float) -> bool:
    return abs(a - b) <= relative * max(1, abs(a), abs(b))


def disagreements(case: Case) -> list[str]:
    """What is derived of a function and is not so."""
    with mpmath.workdps(DIGITS):
        function = case.spec().function()
        found = list(poles(case, function))
        if found or next(junctions.poles(function), None) is not None:
            return found
        return [*smoothness(case, function), *suprema(case, function), *monotone(case, function)]


def intervals(case: Case) -> list[tuple[Number, Number]]:
    values = [mpf("-inf"), *(e.value for e in case.ends), mpf("inf")]
    return list(pairwise(values))


def poles(case: Case, function: Function) -> Iterator[str]:
    """A pole is a zero of a denominator; where none is derived, no denominator changes its sign."""
    claimed = [number(x) for x in junctions.poles(function)]
    for x in claimed:
        unders = [p.under for p, (low, high) in zip(case.parts, intervals(case), strict=True) if low <= x <= high]
        if all(abs(horner(under, x)) > mpf(10) ** -100 for under in unders):
            yield f"{x} is no pole"
    for part, (low, high) in zip(case.parts, intervals(case), strict=True):
        inside = GRID[(float(low) < GRID) & (float(high) > GRID)]
        signs = {int(mpmath.sign(horner(part.under, x))) for x in (low, high) if not isinf(x)}
        signs |= set(np.sign(horner(part.under, inside)).astype(int).tolist())
        if len(signs - {0}) < 2:
            continue
        points = [x for x in (low, *map(mpf, inside.tolist()), high) if not isinf(x)]
        # a common factor may change its sign with the numerator: then the function has a value there
        crossing = any(abs(part.at(x)) > 10**6 for x in approached(part, points))
        if crossing and not any(low <= x <= high for x in claimed):
            yield f"a denominator changes its sign between {low} and {high}"


def approached(part: Part, points: list[Number]) -> Iterator[Number]:
    """Numbers close to where a denominator changes its sign, by bisection."""
    for low, high in pairwise(points):
        a, b = horner(part.under, low), horner(part.under, high)
        if a * b < 0:
            for _ in range(60):
                middle = (low + high) / 2
                low, high = (low, middle) if a * horner(part.under, middle) <= 0 else (middle, high)
            yield high + (high - low)


def smoothness(case: Case, function: Function) -> Iterator[str]:
    """right - left is like c t^m beside the junction: m and c from its values at two small steps."""
    derived = junctions.junctions(function)
    for end, (left, right), j in zip(case.ends, pairwise(case.parts), derived, strict=True):
        if not near(end.value, number(j.x), 1e-100):
            yield f"the junction {end.text} is not at {j.x}"
        gaps = [right.at(end.value + t) - left.at(end.value + t) for t in (STEP, STEP / 10)]
        if abs(gaps[0]) < mpf(10) ** -130:
            if j.m is not None:
                yield f"at {end.text} both pieces are the same function"
            continue
        m = mpmath.log10(abs(gaps[0] / gaps[1]))
        order = int(mpmath.nint(m))
        jump = factorial(order) * gaps[0] / STEP**order
        if not near(m, mpf(order), 1e-10) or j.m != order or j.jump is None or not near(jump, number(j.jump), 1e-12):
            yield f"at {end.text} derivative {m} jumps by {jump}; derived were {j.m} and {j.jump}"


def value(case: Case, x: Number) -> Number:
    """f(x)."""
    k = 0
    for end, part in zip(case.ends, case.parts[1:], strict=True):
        k += part.low_closed if near(x, end.value, 1e-100) else x > end.value
    return case.parts[k].at(x)


def suprema(case: Case, function: Function) -> Iterator[str]:
    """No value is beyond a derived extremum, and values come close to it; where it is reached, f has it."""
    for e, sign in zip(extrema.extrema(function), (-1, 1), strict=True):
        bound, best = sign * number(e.value), max(best_values(case, sign))
        if isinf(bound):
            if bound < 0 or best < 10**6:
                yield f"values reach {sign * best} only; derived was {sign * bound}"
        elif best > bound + mpf(10) ** -40 * max(1, abs(bound)) or best < bound - mpf(10) ** -6 * max(1, abs(bound)):
            yield f"values reach {sign * best}; derived was {sign * bound}"
        if not isinf(number(e.x)) and e.reached != near(value(case, number(e.x)), number(e.value), 1e-80):
            yield f"f({e.x}) = {e.value} is {'not ' if e.reached else ''}so"


def best_values(case: Case, sign: int) -> Iterator[Number]:
    """sign*f at the ends of the pieces, far out, and at the best points of the grid, refined by golden sections."""
    for part, (low, high) in zip(case.parts, intervals(case), strict=True):
        ends = [-FAR if isinf(low) else low, FAR if isinf(high) else high]
        yield from (sign * part.at(x) for x in ends)
        xs = GRID[(float(low) < GRID) & (float(high) > GRID)]
        if len(xs) < 1:
            xs = np.array([float((ends[0] + ends[1]) / 2)])
        k = int(np.argmax(sign * part.at(xs)))
        a = mpf(float(xs[k - 1])) if k else ends[0]
        b = mpf(float(xs[k + 1])) if k + 1 < len(xs) else ends[1]
        yield golden(part, sign, max(a, ends[0]), min(b, ends[1]))


def golden(part: Part, sign: int, a: Number, b: Number) -> Number:
    """The largest value of sign*f that golden sections find."""
    ratio = (mpmath.sqrt(5) - 1) / 2
    c, d = b - ratio * (b - a), a + ratio * (b - a)
    fc, fd = sign * part.at(c), sign * part.at(d)
    for _ in range(25):
        if fc > fd:
            b, d, fd = d, c, fc
            c = b - ratio * (b - a)
            fc = sign * part.at(c)
        else:
            a, c, fc = c, d, fd
            d = a + ratio * (b - a)
            fd = sign * part.at(d)
    return max(fc, fd)


def monotone(case: Case, function: Function) -> Iterator[str]:
    """The runs tile the line, and on each the values at neighbours of the grid differ as it says."""
    runs = shape.runs(function)
    bounds = [None, *(r.high for r in runs)]
    if [r.low for r in runs] != bounds[:-1] or bounds[-1] is not None:
        yield "the runs do not tile the line"
        return
    cuts = [number(r.high) for r in runs if r.high is not None]
    if any(a >= b for a, b in pairwise(cuts)):
        yield "the runs are not in order"
    for part, (low, high) in zip(case.parts, intervals(case), strict=True):
        for run in runs:
            a = max(low, mpf("-inf") if run.low is None else number(run.low))
            b = min(high, mpf("inf") if run.high is None else number(run.high))
            if b - a > mpf(10) ** -100:  # a junction is computed in two ways
                yield from differences(part, run.direction, a, b)
    for x, (before, after) in zip(cuts, pairwise(runs), strict=True):
        if before.direction == after.direction and all(not near(x, e.value, 1e-100) for e in case.ends):
            yield f"two runs of the same direction meet at {x}"


def step(a: Number, b: Number) -> int:
    """The sign of b - a, 0 where they differ by rounding errors."""
    return 0 if abs(b - a) <= mpf(10) ** -140 * max(abs(a), abs(b)) else int(mpmath.sign(b - a))


def differences(part: Part, direction: int, low: Number, high: Number) -> Iterator[str]:
    """Neighbours between two numbers at which the values do not differ in the given direction."""
    start = -FAR if isinf(low) else low
    stop = FAR if isinf(high) else high
    inside = GRID[(float(low) < GRID) & (float(high) > GRID)]
    exact = [start, start + (stop - start) / 3, stop - (stop - start) / 3, stop]
    values = [part.at(x) for x in exact]
    wrong = [ab for ab, (fa, fb) in zip(pairwise(exact), pairwise(values)) if step(fa, fb) != direction]
    if len(inside) > 1:
        f = part.at(inside)
        suspects = np.flatnonzero(np.sign(np.diff(f)) != direction)
        for k in suspects[:: max(1, len(suspects) // 8)]:
            a, b = mpf(float(inside[k])), mpf(float(inside[k + 1]))
            if low <= a and b <= high and step(part.at(a), part.at(b)) != direction:
                wrong.append((a, b))
    for a, b in wrong:
        yield f"between {a} and {b} the direction is not {direction}"
