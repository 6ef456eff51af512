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


class _Powers(ast.NodeTransformer):
    def __init__(self, form: str):
        self.form = form

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Pow):
            return node
        return ast.parse(self.form.format(ast.unparse(node.left), ast.unparse(node.right)), mode="eval").body


def constant(text: str, target: Target) -> str:
    """A constant in the target's language."""
    return ast.unparse(_Powers(target.power).visit(ast.parse(text, mode="eval")))


def body(plan: Plan, target: Target) -> Body:
    """The plan in the target's language. What is nameless and used once is written where it is used."""
    uses = Counter(a.name for step in plan.steps for a in step.args if isinstance(a, Value))
    written: dict[str, str] = {}
    lines: list[str] = []

    def read(operand: Operand) -> str:
        return (
            constant(operand.text, target) if isinstance(operand, Constant) else written.get(operand.name, operand.name)
        )

    for step in plan.steps:
        expression = target.symbols[step.op].format(*map(read, step.args))
        nameless = step.name.startswith("_")
        if nameless and uses[step.name] <= 1:
            written[step.name] = expression
            continue
        name = f"p{step.name[1:]}" if nameless else step.name
        written[step.name] = name
        statement = target.assignment.format(name, tidy(expression))
        lines.append(statement + (target.comment.format(step.note) if step.note else ""))
    return Body(tuple(lines), tidy(read(plan.result)))
