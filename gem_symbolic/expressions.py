"""Text to value: the one grammar of formulas, evaluated in whatever number system the caller brings.

Accepted: integers, names, + - * / **, unary minus, parentheses and the named functions the caller provides. Nothing
is executed: the text is parsed with `ast` and walked through an allow-list.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


class ExpressionError(ValueError):
    """The text is not a formula of the grammar, or names something unknown."""


@lru_cache(maxsize=4096)
def parse(text: str) -> ast.expr:
    """The syntax tree of a formula. Raises ExpressionError."""
    try:
        return ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise ExpressionError(f"cannot read the formula {text!r}: {error.msg}") from None


def evaluate(
    text: str,
    names: Mapping[str, Any],
    number: Callable[[int], Any] = int,
    power: Callable[[Any, Any], Any] = operator.pow,
    functions: Mapping[str, Callable[..., Any]] | None = None,
) -> Any:
    """The value of a formula: `names` gives the variables, `number` lifts integers, `power` raises.

    Raises ExpressionError for anything outside the grammar.
    """

    def walk(node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=int(value)) if not isinstance(value, bool):
                return number(value)
            case ast.Name(id=name) if name in names:
                return names[name]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -walk(operand)
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return power(walk(left), walk(right))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                return OPERATORS[type(op)](walk(left), walk(right))
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in (functions or {}):
                return (functions or {})[name](*map(walk, arguments))
        raise ExpressionError(f"{ast.unparse(node)!r} is not allowed in the formula {text!r}")

    return walk(parse(text))


def with_definitions(names: Mapping[str, Any], where: Mapping[str, str], **how: Any) -> dict[str, Any]:
    """`names` extended by each definition of `where`, in order."""
    extended = dict(names)
    for name, text in where.items():
        extended[name] = evaluate(text, extended, **how)
    return extended


class _Insert(ast.NodeTransformer):
    def __init__(self, values: Mapping[str, str]):
        self.values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return parse(self.values[node.id]) if node.id in self.values else node


def insert(text: str, **values: str) -> str:
    """The formula with names replaced by formulas."""
    return ast.unparse(_Insert(values).visit(ast.parse(text, mode="eval")))
