"""The rules that evaluation plans are derived by, as data: name, left, right, guard.

Each says that left, a quantity over the reals, may be computed as right where the guard holds. Texts are formulas of
`expressions` in the names at hand, with the operations as functions; the tests check every row, exactly over the reals
and in floating point against high precision. Nothing here knows a definition.

A *pair* is an unevaluated sum a + a_low of two numbers of the type that computes, a_low small beside a.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

# --- Operations ---


def select(condition: Any, yes: Any, no: Any) -> Any:
    return yes if condition else no


def chain(a: Any, b: Any, k: int) -> Any:
    """a*b^k, by k multiplications one after the other."""
    for _ in range(int(k)):
        a = a * b
    return a


#: What each operation means over the reals. A target adds how it is spelled. Each rounds once, to nearest, but for
#: `reciprocal`, which is only near: its relative error is at most ESTIMATE.
OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "abs": abs,
    "neg": operator.neg,
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "fma": lambda a, b, c: a * b + c,
    "reciprocal": lambda a: 1 / a,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "eq": operator.eq,
    "select": select,
    "chain": chain,
}
#: A reciprocal is the square of an inverse square root, for which CUDA documents 2^-22.9.
ESTIMATE = 2.0**-21.7


@dataclass(frozen=True)
class Rule:
    """left may be computed as right, where the guard holds."""

    name: str
    left: str
    right: str
    guard: str = ""


# --- Two sides of the scale ---

#: What branches share: t = |x|, inside the scale t <= s. Only what is used enters a plan.
SHARED = (
    Rule("t", "abs(x)", "abs(x)"),
    Rule("inside", "le(t, s)", "le(t, s)", "within the scale"),
    Rule("w", "select(inside, t/s, s/t)", "select(inside, t, s)/select(inside, s, t)", "t/s or s/t, in [0, 1]"),
    Rule("w2", "w**2", "w*w"),
    Rule("u", "w**(2*N)", "chain(w2, w2, N - 1)", "w^(2N), in [0, 1]"),
    Rule("v", "w/s", "inv_s*w"),
    Rule("d", "1 + u", "1 + u"),
)
#: The same with a quotient on one side of the scale only: s/t, or that times `up`, a power of two.
SPLIT = (
    Rule("far", "s/t", "s/t", "outside the scale"),
    Rule("w", "select(inside, t/s, s/t)", "select(inside, t*inv_s, far)", "t/s or s/t, in [0, 1]"),
)
LIFTED = (
    Rule("far", "up*s/t", "s*up/t", "outside the scale, where s/t might be subnormal"),
    Rule("w", "select(inside, t/s, s/t)", "select(inside, t*inv_s, far*down)", "t/s or s/t, in [0, 1]"),
)
#: The same with one quotient, for a type that computes with a far wider range of exponents than x has.
WIDE = (
    Rule("t", "abs(x)", "abs(x)"),
    Rule("r", "t/s", "t*inv_s"),
    Rule("r2", "(t/s)**2", "r*r"),
    Rule("u", "(t/s)**(2*N)", "chain(r2, r2, N - 1)", "(t/s)^(2N), which may be infinite"),
    Rule("d", "1 + u", "1 + u"),
    Rule("q", "1/d", "1/d", "in [0, 1]"),
    Rule("far", "eq(q, 0)", "eq(q, 0)", "so far out that nothing is left"),
    Rule("p", "1 - q", "select(far, 1, u*q)", "u/d, in [0, 1]"),
)
#: What t times a positive power of q is: even where t is infinite.
FADED = Rule("faded", "t*a", "select(far, 0, t*a)")


@dataclass(frozen=True)
class Lead(Rule):
    """How t^power w^(2N taken) is written in a region; `lifted` where right is `up` times that."""

    power: int = 0
    taken: int = 0
    lifted: bool = False


def lead(power: int, region: str, taken: int, right: str, lifted: bool = False) -> Lead:
    left = f"{'up*' if lifted else ''}t**{power}*w**(2*N*{taken})"
    return Lead(f"{left} {region}", left, right, region, power, taken, lifted)


#: The row that takes most of the factors u at hand is used: t u would underflow in u where s w^(2N-1) does not.
LEADS = (
    lead(0, "inside", 0, "1"),
    lead(0, "outside", 0, "1"),
    lead(1, "inside", 0, "t"),
    lead(1, "outside", 0, "t"),
    lead(1, "outside", 1, "chain(s*w, w2, N - 1)"),
    lead(-1, "inside", 1, "chain(v, w2, N - 1)"),
    lead(-1, "outside", 0, "v"),
)
#: What is at most the scale in size is lifted, so that low parts do not underflow before the result does.
LIFTED_LEADS = (
    lead(1, "inside", 0, "t*up", lifted=True),
    lead(1, "outside", 0, "t"),
    lead(1, "outside", 1, "chain(s*far, w2, N - 1)", lifted=True),
)


# --- Routines: operations that are several, some of them on pairs ---

LOW = "_low"


@dataclass(frozen=True)
class Routine(Rule):
    """right is a list of assignments, one a line; `results` are what it gives, of their names.

    left is what the results add up to, of the numbers that the arguments stand for: for pairs, up to products of low
    parts. A capital argument is a pair, A for a and a_low.
    """

    arguments: str = ""
    results: str = ""

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        return tuple(p for a in self.arguments for p in ((a,) if a.islower() else (a.lower(), a.lower() + LOW)))

    @cached_property
    def lines(self) -> tuple[tuple[str, str], ...]:
        rows = (line.partition(" = ") for line in self.right.strip().splitlines())
        return tuple((name.strip(), text) for name, _, text in rows)

    @cached_property
    def given(self) -> tuple[str, ...]:
        return tuple(self.results.split())

    @property
    def paired(self) -> bool:
        return len(self.given) == 2


#: Products are exact as pairs, by fma (Dekker); sums by the algorithms of Dekker and Knuth; quotients by a residual
#: (Markstein). Where an operand is infinite the correction is a NaN, and what it would have corrected is right; in the
#: last quotient the dividend is, also where it is so near the largest number that the guess is infinite. What is close
#: has a low part of a unit in the last place of the high one or so, at the cost of some operations more.
ROUTINES: Mapping[str, Routine] = {
    r.name: r
    for r in (
        Routine(
            "product",
            "A*B",
            """
            high = a*b
            low = fma(a, b_low, fma(a_low, b, fma(a, b, -high)))
            """,
            arguments="AB",
            results="high low",
        ),
        Routine(
            "close_product",
            "A*B",
            """
            near = a*b
            rest = fma(a, b_low, fma(a_low, b, fma(a, b, -near)))
            high = near + rest
            low = rest - (high - near)
            """,
            arguments="AB",
            results="high low",
        ),
        Routine(
            "scaled",
            "a*B",
            """
            high = a*b
            low = fma(a, b_low, fma(a, b, -high))
            """,
            arguments="aB",
            results="high low",
        ),
        Routine(
            "raised",
            "a + B",
            """
            high = a + b
            low = b - (high - a) + b_low
            """,
            guard="|a| >= |b|",
            arguments="aB",
            results="high low",
        ),
        Routine(
            "sum",
            "a + B",
            """
            high = a + b
            part = high - a
            low = a - (high - part) + (b - part) + b_low
            """,
            arguments="aB",
            results="high low",
        ),
        Routine(
            "divided",
            "A/b",
            """
            near = reciprocal(b)
            high = a*near
            inverse = fma(near, fma(-b, near, 1), near)
            low = (fma(-high, b, a) + a_low)*inverse
            """,
            guard="b > 0",
            arguments="Ab",
            results="high low",
        ),
        Routine(
            "close_divided",
            "A/b",
            """
            near = reciprocal(b)
            guess = a*near
            inverse = fma(near, fma(-b, near, 1), near)
            better = fma(fma(-guess, b, a), inverse, guess)
            high = select(eq(better, better), better, guess)
            rest = fma(-high, b, a) + a_low
            first = rest*inverse
            second = fma(fma(-first, b, rest), inverse, first)
            low = select(eq(second, second), second, 0)
            """,
            guard="b > 0",
            arguments="Ab",
            results="high low",
        ),
        Routine(
            "quotient",
            "A/B",
            """
            inverse = reciprocal(b)
            guess = a*inverse
            ratio = fma(fma(-guess, b_low, fma(-guess, b, a) + a_low), inverse, guess)
            result = select(eq(ratio, ratio), ratio, a)
            """,
            guard="b >= 1, and b = 1 next to an infinity",
            arguments="AB",
            results="result",
        ),
        Routine(
            "near_quotient",
            "a/b",
            """
            inverse = reciprocal(b)
            guess = a*inverse
            ratio = fma(fma(-guess, b, a), inverse, guess)
            result = select(eq(ratio, ratio), ratio, guess)
            """,
            guard="b > 0",
            arguments="ab",
            results="result",
        ),
        Routine("rough_quotient", "a/b", "result = a*reciprocal(b)", guard="b >= 1", arguments="ab", results="result"),
    )
}


@dataclass(frozen=True)
class Counterpart(Rule):
    """What an operation `name` on operands of these kinds becomes in pairs: right, and the kind of that."""

    kinds: str = ""
    gives: str = "pair"


def counterpart(op: str, kinds: str, right: str, gives: str = "pair") -> Counterpart:
    letters = "abc"[: len(kinds.split())]
    return Counterpart(op, f"{op}({', '.join(letters)})", right, kinds, kinds, gives)


#: Kinds of operands: truth values, 1, integers, powers of two, other single numbers, pairs, pairs in [0, 1]; and what
#: each is as well.
ALSO: Mapping[str, str] = {
    "truth": "truth",
    "one": "one power integer single",
    "integer": "integer single",
    "power": "power single",
    "single": "single",
    "pair": "pair",
    "unit": "unit pair",
}
#: The first row that fits is used. Where none does, single numbers are made pairs.
COUNTERPARTS = (
    *(counterpart(op, "single single", f"{op}(a, b)", "truth") for op in ("lt", "le", "gt", "ge")),
    counterpart("abs", "single", "abs(a)", "single"),
    counterpart("mul", "single power", "a*b", "single"),
    counterpart("select", "truth power power", "select(a, b, c)", "power"),
    counterpart("select", "truth single single", "select(a, b, c)", "single"),
    counterpart("neg", "single", "-a", "single"),
    counterpart("neg", "pair", "each(neg, a)"),
    counterpart("add", "integer unit", "raised(a, b)"),
    counterpart("add", "unit integer", "raised(b, a)"),
    counterpart("sub", "integer unit", "raised(a, each(neg, b))"),
    counterpart("sub", "unit integer", "raised(-b, a)"),
    counterpart("add", "single pair", "sum(a, b)"),
    counterpart("add", "pair single", "sum(b, a)"),
    counterpart("sub", "single pair", "sum(a, each(neg, b))"),
    counterpart("sub", "pair single", "sum(-b, a)"),
    counterpart("mul", "pair power", "each(mul, a, b)"),
    counterpart("mul", "single pair", "scaled(a, b)"),
    counterpart("mul", "pair single", "scaled(b, a)"),
    counterpart("mul", "unit unit", "product(a, b)", "unit"),
    counterpart("mul", "pair pair", "product(a, b)"),
    counterpart("div", "pair single", "divided(a, b)"),
    counterpart("div", "pair pair", "quotient(a, b)", "single"),
    counterpart("select", "truth pair pair", "each(select, a, b, c)"),
    counterpart("chain", "unit unit integer", "pair_chain(a, b, c)", "unit"),
    counterpart("chain", "pair pair integer", "pair_chain(a, b, c)"),
)
#: What goes before in a plan with a difference, where all leading digits may cancel.
CLOSE = (
    counterpart("mul", "unit unit", "close_product(a, b)", "unit"),
    counterpart("div", "pair single", "close_divided(a, b)"),
    counterpart("chain", "unit unit integer", "close_chain(a, b, c)", "unit"),
)
#: Loops: a*b^k, by k products of that kind one after the other.
CHAINS: Mapping[str, str] = {"pair_chain": "product", "close_chain": "close_product"}
