"""From steps to statements: one line `name = expression` for each value that has a name or is used more than once."""

import ast
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from gem_symbolic.emit.targets import Target
from gem_symbolic.plans import PAIRED, Builder, Constant, Operand, Plan, Quantity, Step, Value
from gem_symbolic.rules import CHAINS, ROUTINES, Routine


@dataclass(frozen=True)
class Body:
    """The lines of a function, and the expressions that it returns, separated by commas."""

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


def constant(constant: Constant, target: Target) -> str:
    """A constant in the target's language."""
    if (number := constant.fraction) is not None:
        return ("-" if number < 0 else "") + target.number.format(float(abs(number)))
    return ast.unparse(_Powers(target.power).visit(ast.parse(constant.text, mode="eval")))


def statements(steps: Sequence[Step], results: Sequence[Operand], target: Target) -> Body:
    """Steps in the target's language. What is used once and nameless, or just returned, is written where it is used."""
    uses = Counter(a.name for step in steps for a in step.args if isinstance(a, Value))
    returned = results[0] if len(results) == 1 else None
    written: dict[str, str] = {}
    lines: list[str] = []

    def read(operand: Operand) -> str:
        return constant(operand, target) if isinstance(operand, Constant) else written.get(operand.name, operand.name)

    for step in steps:
        args = [read(a) for a in step.args]
        called = step.op in ROUTINES or step.op in CHAINS
        expression = target.call.format(step.op, ", ".join(args)) if called else target.symbols[step.op].format(*args)
        nameless = step.name.startswith("_")
        passing = (nameless and uses[step.name] <= 1) or (Value(step.name) == returned and not uses[step.name])
        if passing and step.op not in PAIRED:
            written[step.name] = expression
            continue
        names = [f"p{name[1:]}" if nameless else name for name in step.names]
        written |= zip(step.names, names)
        form = target.unpacking if step.op in PAIRED else target.assignment
        lines.append(form.format(*names, tidy(expression)) + (target.comment.format(step.note) if step.note else ""))
    return Body(tuple(lines), ", ".join(tidy(read(r)) for r in results))


def body(plan: Plan, target: Target) -> Body:
    """A plan in the target's language."""
    return statements(plan.steps, [plan.result], target)


def routine(routine: Routine, target: Target) -> Body:
    """A routine in the target's language."""
    builder = Builder()
    builder.names |= {name: Quantity(builder, Value(name)) for name in routine.parameters}
    for name, text in routine.lines:
        builder.names[name] = builder.named(name, builder.read(text))
    return statements(tuple(builder.steps.values()), [builder.names[name].operand for name in routine.given], target)
