"""Plans made of plans: the *compensated* one, carried out in pairs, and the *short* one, with short quotients.

A pair is an unevaluated sum of two floating-point numbers. Each operation of a split plan has a counterpart, by the
kinds of its operands: `rules.COUNTERPARTS` lists them. The input and the integers are exact, the scale and its inverse
come as pairs, and the result is rounded once, in the last quotient.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from gem_symbolic.definitions import Activation
from gem_symbolic.expressions import evaluate
from gem_symbolic.floats import POWERS, plan
from gem_symbolic.piecewise import PiecewiseRational
from gem_symbolic.plans import PAIRED, Builder, Constant, Operand, Plan, PlanError, Quantity, Value
from gem_symbolic.rules import ALSO, CHAINS, CLOSE, COUNTERPARTS, LOW, OPERATIONS, ROUTINES

#: Values of a split plan that are known to be in [0, 1]; products of such are found to be.
UNITS = {"w"}
SCALE = {"s", "inv_s"}


def short(plain: Plan) -> Plan:
    """The plan with every quotient made of a reciprocal, at half the price or less.

    All but the last are all but the nearest number, as powers multiply their errors; the last is off by a few ulps.
    """
    last = max((i for i, s in enumerate(plain.steps) if s.op == "div"), default=None)
    ops = ("rough_quotient" if i == last else "near_quotient" for i in range(len(plain.steps)))
    steps = (replace(s, op=op) if s.op == "div" else s for s, op in zip(plain.steps, ops))
    return replace(plain, steps=tuple(steps))


@dataclass(frozen=True)
class Number:
    """What a value of the split plan becomes: one quantity or the two of a pair, and their kind."""

    kind: str
    parts: tuple[Quantity, ...]

    def __neg__(self) -> "Number":
        return Number(self.kind, tuple(-p for p in self.parts))

    def __mul__(self, other: "Number") -> "Number":
        (a,), (b,) = self.parts, other.parts
        return Number(self.kind, (a * b,))


def low(builder: Builder, name: str) -> Quantity:
    """The low part of what has that name."""
    return Quantity(builder, Value(name + LOW))


def compensated(activation: Activation | PiecewiseRational, order: int = 0) -> Plan:
    """The plan in pairs of the derivative of that order. Raises PlanError."""
    return in_pairs(plan(activation, order, split=True))


def in_pairs(split: Plan) -> Plan:
    """A split plan, carried out in pairs. Raises PlanError for an operation without a counterpart."""
    builder = Builder()
    rows = (*CLOSE, *COUNTERPARTS) if any(step.op == "sub" for step in split.steps) else COUNTERPARTS
    known: dict[Operand, Number] = {Value("x"): Number("single", (Quantity(builder, Value("x")),))}

    def read(operand: Operand, comparing: bool) -> Number:
        """An operand; what is compared is the high part."""
        if operand in known:
            return known[operand]
        assert isinstance(operand, Constant)
        high = Quantity(builder, operand)
        if operand.text in SCALE:
            rest = Constant(operand.text + LOW, f"{operand.meaning} - {operand.text}")
            return Number("single", (high,)) if comparing else Number("pair", (high, Quantity(builder, rest)))
        kind = "power" if operand.text in POWERS else "one" if operand.text == "1" else "integer"
        return Number(kind, (high,))

    def each(op: str, *args: Number) -> Number:
        """An operation on the high parts, and on the low ones; what is no pair takes part in both."""
        parts = (builder.apply(op, *(a.parts[i % len(a.parts)] for a in args)) for i in range(2))
        return Number("pair", tuple(parts))

    def called(name: str, *args: Number) -> Number:
        """An operation or a routine on all parts of its operands."""
        found = builder.apply(name, *(p for a in args for p in a.parts))
        if name not in PAIRED:
            return Number("single", (found,))
        assert isinstance(found.operand, Value)
        return Number("pair", (found, low(builder, found.operand.name)))

    def paired(a: Number) -> Number:
        return a if len(a.parts) == 2 or a.kind == "truth" else Number("pair", (*a.parts, builder.integer(0)))

    functions: dict[str, Callable[..., Any]] = {"each": each}
    for name in (*OPERATIONS, *ROUTINES, *CHAINS):
        functions[name] = lambda *args, name=name: called(name, *args)

    def counterpart(op: str, args: list[Number]) -> Number:
        for kinds in product(*(ALSO[a.kind].split() for a in args)):
            for row in rows:
                if (row.name, row.kinds) == (op, " ".join(kinds)):
                    given = dict(zip("abc", args)) | {op: op for op in OPERATIONS}  # which `each` is to perform
                    return replace(evaluate(row.right, given, functions=functions), kind=row.gives)
        lifted = [paired(a) for a in args]
        if lifted == args:
            raise PlanError(f"no compensated plan: {op} of {', '.join(a.kind for a in args)}")
        return counterpart(op, lifted)

    def named(name: str, value: Number, note: str) -> Number:
        """The value with its steps named, each once."""
        steps = {s.name: s for s in builder.steps.values()}
        first = getattr(value.parts[0].operand, "name", "")
        if len(value.parts) == 2 and first in steps and steps[first].op in PAIRED:
            return replace(value, parts=(builder.named(name, value.parts[0], note), low(builder, name)))
        rows = zip((name, name + LOW), value.parts, (note, ""))
        return replace(value, parts=tuple(builder.named(*row) for row in rows))

    for step in split.steps:
        value = counterpart(step.op, [read(a, step.op in ("lt", "le", "gt", "ge")) for a in step.args])
        if not step.name.startswith("_"):
            value = named(step.name, value, step.note)
        kind = "unit" if step.name in UNITS else value.kind
        known[Value(step.name)] = replace(value, kind=kind)
    result = read(split.result, False)
    if len(result.parts) != 1:
        raise PlanError("no compensated plan: the result is not rounded by a quotient")
    return builder.plan(split.order, result.parts[0])
