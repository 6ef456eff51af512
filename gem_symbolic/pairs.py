"""The *compensated* plan: a plain plan carried out in pairs, unevaluated sums high + low of two floating-point numbers.

Each operation of the plain plan has a counterpart, by the kinds of its operands: RULES lists them. The input and the
integers are exact, the scale comes as a pair, and the result is rounded once, at the end. What an operation on pairs
means is the operation on the numbers that they stand for; how it is computed is the target's business.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from gem_symbolic.floats import OPERATIONS, Builder, Constant, Operand, Plan, PlanError, Quantity, Value, chain, select

#: What each operation on pairs means.
PAIR_OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "pair": operator.add,
    "pair_neg": operator.neg,
    "pair_shift": operator.add,  # a single number and a pair that is not larger
    "pair_sum": operator.add,  # a single number and a pair
    "pair_scale": operator.mul,  # a single number and a pair
    "pair_mul": operator.mul,
    "pair_div": operator.truediv,
    "pair_select": select,
    "pair_chain": chain,
    "rounded": operator.pos,
}

#: Kinds of operands: truth values, integers, single numbers, pairs, and pairs in [0, 1]; and what each is as well.
ALSO: Mapping[str, str] = {"truth": "truth", "integer": "integer single", "single": "single"}
ALSO |= {"pair": "pair", "unit": "unit pair"}


@dataclass(frozen=True)
class Rule:
    """An operation on operands a, b, c of these kinds, its counterpart, and the kind of the result."""

    op: str
    kinds: str
    text: str
    gives: str = "pair"


#: The first row that fits is used. Where none does, single numbers are made pairs.
RULES = (
    *(Rule(op, "single single", f"{op}(a, b)", "truth") for op in ("lt", "le", "gt", "ge")),
    Rule("abs", "single", "abs(a)", "single"),
    Rule("select", "truth single single", "select(a, b, c)", "single"),
    Rule("neg", "pair", "pair_neg(a)"),
    Rule("add", "integer unit", "pair_shift(a, b)"),
    Rule("add", "unit integer", "pair_shift(b, a)"),
    Rule("sub", "integer unit", "pair_shift(a, pair_neg(b))"),
    Rule("sub", "unit integer", "pair_shift(-b, a)"),
    Rule("add", "single pair", "pair_sum(a, b)"),
    Rule("add", "pair single", "pair_sum(b, a)"),
    Rule("sub", "single pair", "pair_sum(a, pair_neg(b))"),
    Rule("sub", "pair single", "pair_sum(-b, a)"),
    Rule("mul", "single pair", "pair_scale(a, b)"),
    Rule("mul", "pair single", "pair_scale(b, a)"),
    Rule("mul", "unit unit", "pair_mul(a, b)", "unit"),
    Rule("mul", "pair pair", "pair_mul(a, b)"),
    Rule("div", "pair pair", "pair_div(a, b)"),
    Rule("select", "truth pair pair", "pair_select(a, b, c)"),
    Rule("chain", "unit unit integer", "pair_chain(a, b, c)", "unit"),
    Rule("chain", "pair pair integer", "pair_chain(a, b, c)"),
)
#: Values of a plain plan that are known to be in [0, 1]; products of such are found to be.
UNITS = {"w"}
#: The constants that are no integers, and what to add to each.
LOWS = {"s": "s_low"}


def compensated(plain: Plan) -> Plan:
    """The plan in pairs. Raises PlanError for an operation without a counterpart."""
    builder = Builder(operations=(*OPERATIONS, *PAIR_OPERATIONS))
    known: dict[Operand, tuple[Quantity, str]] = {Value("x"): (Quantity(builder, Value("x")), "single")}

    def read(operand: Operand, comparing: bool) -> tuple[Quantity, str]:
        """An operand's quantity and kind; what is compared is the high part."""
        if operand in known:
            return known[operand]
        constant = Quantity(builder, operand)
        if not isinstance(operand, Constant) or operand.text == operand.meaning:
            return constant, "integer"
        return (constant, "single") if comparing else (paired(constant), "pair")

    def paired(single: Quantity) -> Quantity:
        """A single number as a pair, under a name."""
        name = getattr(single.operand, "name", getattr(single.operand, "text", ""))
        if isinstance(single.operand, Constant) and single.operand.text != single.operand.meaning:
            if name not in LOWS:
                raise PlanError(f"no compensated plan: {name} is no pair")
            low = Quantity(builder, Constant(LOWS[name], f"{single.operand.meaning} - {name}"))
        else:
            low = builder.integer(0)
        pair = builder.apply("pair", single, low)
        return builder.named(f"{name}_pair", pair) if name.isidentifier() else pair

    def counterpart(op: str, args: list[tuple[Quantity, str]]) -> tuple[Quantity, str]:
        for kinds in product(*(ALSO[kind].split() for _, kind in args)):
            for rule in RULES:
                if (rule.op, rule.kinds) == (op, " ".join(kinds)):
                    builder.names = dict(zip("abc", (a for a, _ in args)))
                    return builder.read(rule.text), rule.gives
        lifted = [(paired(a), "pair") if "single" in ALSO[kind].split() else (a, kind) for a, kind in args]
        if lifted == args:
            raise PlanError(f"no compensated plan: {op} of {', '.join(kind for _, kind in args)}")
        return counterpart(op, lifted)

    def rounded(a: Quantity, kind: str) -> tuple[Quantity, str]:
        return (builder.apply("rounded", a), "single") if "pair" in ALSO[kind].split() else (a, kind)

    for step in plain.steps:
        comparing = step.op in ("lt", "le", "gt", "ge")
        args = [read(a, comparing) for a in step.args]
        if step.op == "select" and Value(step.name) == plain.result:
            args = [rounded(*a) for a in args]  # each side of 0, so that what is exact there stays so
        value, kind = counterpart(step.op, args)
        if not step.name.startswith("_"):
            value = builder.named(step.name, value, step.note)
        known[Value(step.name)] = value, "unit" if step.name in UNITS else kind
    result, _ = rounded(*read(plain.result, False))
    return builder.plan(plain.order, result)
