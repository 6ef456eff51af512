"""Evaluation plans: the explicit list of operations that a kernel executes, and how one is written step by step.

A plan says nothing of precision: the same list serves binary32 and binary64. It is derived in `floats` and `pairs`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import Any

from sympy import Rational, factor
from sympy import Symbol as Variable

from gem_symbolic.expressions import evaluate
from gem_symbolic.rules import CHAINS, LOW, OPERATIONS, ROUTINES, Routine


class PlanError(ValueError):
    """The definition is outside the class of functions that plans are derived for."""


@dataclass(frozen=True)
class Constant:
    """A constant: how it is written, and the real number that it means.

    Written as a name it is computed beforehand and rounded once; written as an expression in N it is that integer.
    Written as a quotient of integers it is that number, which targets write as the nearest one of binary64.
    """

    text: str
    meaning: str

    @property
    def fraction(self) -> Fraction | None:
        """The number that it is written as a quotient of, if it is."""
        return Fraction(self.text) if re.fullmatch(r"-?\d+/\d+", self.text) else None


@dataclass(frozen=True)
class Value:
    """The result of an operation, or the input x. A name that begins with an underscore is nobody's choice."""

    name: str


Operand = Value | Constant
#: What gives a pair: the name of a step and that with LOW.
PAIRED = {name for name, routine in ROUTINES.items() if routine.paired} | CHAINS.keys()


@dataclass(frozen=True)
class Step:
    """name = op(*args), or name, name_low = op(*args)."""

    name: str
    op: str
    args: tuple[Operand, ...]
    note: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of what it gives."""
        return (self.name, self.name + LOW) if self.op in PAIRED else (self.name,)


def performed(routine: Routine, operations: Mapping[str, Callable[..., Any]]) -> Callable[..., Any]:
    """The routine, in a number system of the caller's: on numbers as its parameters name them."""

    def run(*args: Any) -> Any:
        known = dict(zip(routine.parameters, args))
        for name, text in routine.lines:
            known[name] = evaluate(text, known, functions=operations)
        found = tuple(known[name] for name in routine.given)
        return found if routine.paired else found[0]

    return run


def complete(operations: Mapping[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """The operations with the routines that are made of them."""
    found = {**operations, **{name: performed(routine, operations) for name, routine in ROUTINES.items()}}

    def chained(product: Callable[..., Any], a: Any, a_low: Any, b: Any, b_low: Any, k: Any) -> tuple[Any, Any]:
        for _ in range(int(k)):
            a, a_low = product(a, a_low, b, b_low)
        return a, a_low

    return {**found, **{name: partial(chained, found[product]) for name, product in CHAINS.items()}}


@dataclass(frozen=True)
class Plan:
    """A straight-line program in the input x and the constants, for the derivative of that order."""

    order: int
    steps: tuple[Step, ...]
    result: Operand

    @property
    def fractions(self) -> Iterator[Constant]:
        """The constants that are written as quotients."""
        operands = [*(a for step in self.steps for a in step.args), self.result]
        yield from (a for a in dict.fromkeys(operands) if isinstance(a, Constant) and a.fraction is not None)

    def run(
        self,
        names: Mapping[str, Any],
        number: Callable[[int], Any] = int,
        operations: Mapping[str, Callable[..., Any]] = OPERATIONS,
    ) -> Any:
        """The result in a number system of the caller's; `names` gives x, N and the constants, by their texts.

        A constant that it does not give is evaluated.
        """
        known, functions = dict(names), complete(operations)

        def read(operand: Operand) -> Any:
            if isinstance(operand, Value):
                return known[operand.name]
            return known[operand.text] if operand.text in known else evaluate(operand.text, known, number)

        for step in self.steps:
            found = functions[step.op](*map(read, step.args))
            known |= zip(step.names, found if step.op in PAIRED else (found,))
        return read(self.result)


def unaltered(plan: Plan) -> tuple[bool, bool]:
    """Whether the plan returns x itself or an integer for x < 0, and for x > 0: whatever computes, that is exact."""
    steps = {step.name: step for step in plan.steps}
    last = steps.get(getattr(plan.result, "name", ""))
    if last is None or last.op != "select":
        return False, False
    test, *sides = last.args
    kept = [side == Value("x") or (isinstance(side, Constant) and side.text.isdigit()) for side in sides]
    compared = steps[getattr(test, "name", "")]
    if compared.args != (Value("x"), Constant("0", "0")):
        return False, False
    on_left = {"le": True, "lt": True, "ge": False, "gt": False}[compared.op]
    return (kept[0], kept[1]) if on_left else (kept[1], kept[0])


# --- Writing one ---

#: A polynomial in n, constant term first, without trailing zeros.
Coefficient = tuple[Fraction, ...]


@dataclass
class Builder:
    """Collects steps; equal operations are written once."""

    steps: dict[tuple[str, tuple[Operand, ...]], Step] = field(default_factory=dict)
    names: dict[str, "Quantity"] = field(default_factory=dict)
    renamed: dict[Operand, Operand] = field(default_factory=dict)

    def current(self, operand: Operand) -> Operand:
        """The operand by the name that it has now."""
        return self.renamed.get(operand, operand)

    def apply(self, op: str, *args: "Quantity") -> "Quantity":
        key = op, tuple(self.current(a.operand) for a in args)
        if key not in self.steps:
            self.steps[key] = Step(f"_{len(self.steps)}", *key)
        return Quantity(self, Value(self.steps[key].name))

    def named(self, name: str, value: "Quantity", note: str = "") -> "Quantity":
        """Gives the value a name, in the steps that use it too, unless it has one or is no step."""
        value = Quantity(self, self.current(value.operand))
        for key, step in self.steps.items():
            if step.name == getattr(value.operand, "name", None) and step.name.startswith("_"):
                self.steps[key] = Step(name, step.op, step.args, note)
                self.renamed |= zip(map(Value, step.names), map(Value, self.steps[key].names))
                rows = [Step(s.name, s.op, tuple(map(self.current, s.args)), s.note) for s in self.steps.values()]
                self.steps = {(s.op, s.args): s for s in rows}
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
        functions = {op: (lambda *args, op=op: self.apply(op, *args)) for op in OPERATIONS}
        return evaluate(text, self.names, self.integer, functions=functions)

    def plan(self, order: int, result: "Quantity") -> Plan:
        """The steps that the result needs."""
        final = self.current(result.operand)
        needed, steps = {final}, list[Step]()
        for step in reversed(self.steps.values()):
            if not needed.isdisjoint(map(Value, step.names)):
                needed.update(step.args)
                steps.append(step)
        return Plan(order, tuple(steps[::-1]), final)


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
