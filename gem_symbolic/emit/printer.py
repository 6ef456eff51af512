"""From a plan to statements: one line `name = expression` for each value that has a name or is used more than once."""

import ast
from collections import Counter
from dataclasses import dataclass

from gem_symbolic.emit.targets import Target
from gem_symbolic.floats import Constant, Operand, Plan, Value


@dataclass(frozen=True)
class Body:
    """The lines of a function, and the expression that it returns."""

    lines: tuple[str, ...]
    result: str


def tidy(expression: str) -> str:
    """The expression without needless parentheses, as ruff formats it; its structure stays."""
    return ast.unparse(ast.parse(expression, mode="eval")).replace(" ** ", "**")


def body(plan: Plan, target: Target) -> Body:
    """The plan in the target's language. What is nameless and used once is written where it is used."""
    uses = Counter(a.name for step in plan.steps for a in step.args if isinstance(a, Value))
    written: dict[str, str] = {}
    lines: list[str] = []

    def read(operand: Operand) -> str:
        return operand.text if isinstance(operand, Constant) else written.get(operand.name, operand.name)

    for step in plan.steps:
        expression = target.symbols[step.op].format(*map(read, step.args))
        nameless = step.name.startswith("_")
        if nameless and uses[step.name] <= 1:
            written[step.name] = expression
            continue
        name = f"p{step.name[1:]}" if nameless else step.name
        written[step.name] = name
        lines.append(f"{name} = {tidy(expression)}" + (f"  # {step.note}" if step.note else ""))
    return Body(tuple(lines), tidy(read(plan.result)))
