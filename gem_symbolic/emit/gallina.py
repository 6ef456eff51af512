"""Formulas in Coq's language: what text of a definition or a claim, as `expressions` reads it, is called there."""

import ast
from collections.abc import Iterator, Mapping

from gem_symbolic.expressions import ExpressionError, parse

#: How tightly a piece of text binds.
SUM, PRODUCT, POWER, APPLIED, ATOM = range(1, 6)
OPERATORS = {ast.Add: ("+", SUM), ast.Sub: ("-", SUM), ast.Mult: ("*", PRODUCT), ast.Div: ("/", PRODUCT)}
FUNCTIONS = {"Max": "Rmax", "sqrt": "sqrt", "B": "beta"}


def integer(node: ast.expr) -> tuple[int, int] | None:
    """(a, b) where the formula is a N + b, None where it is anything else."""
    match node:
        case ast.Constant(value=int(value)):
            return 0, value
        case ast.Name(id="N" | "n" as name):
            return (1 if name == "N" else 2), 0
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = integer(operand)
            return inner and (-inner[0], -inner[1])
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() as op, right=right):
            a, b = integer(left), integer(right)
            if a is None or b is None:
                return None
            if isinstance(op, ast.Mult):
                factor, other = (a, b) if a[0] == 0 else (b, a)
                return (factor[1] * other[0], factor[1] * other[1]) if factor[0] == 0 else None
            sign = 1 if isinstance(op, ast.Add) else -1
            return a[0] + sign * b[0], a[1] + sign * b[1]
    return None


def count(text: str) -> str:
    """A natural number in N, as Coq has it."""
    found = integer(parse(text))
    if found is None or min(found) < 0:
        raise ExpressionError(f"{text!r} is no natural number for every N")
    return _natural(*found)


def _natural(a: int, b: int) -> str:
    slope = {0: "", 1: "N"}.get(a, f"{a} * N")
    return " + ".join(filter(None, [slope, str(b) if b or not a else ""]))


def _whole(a: int, b: int) -> str:
    slope = {0: "", 1: "Z.of_nat N"}.get(abs(a), f"{abs(a)} * Z.of_nat N")
    return f"({b} {'-' if a < 0 else '+'} {slope})%Z" if a else f"({b})%Z"


def real(text: str, names: Mapping[str, str]) -> str:
    """A formula over the reals; `names` says what stands for each name. Raises ExpressionError."""
    return _walk(parse(text), names)[0]


def _walk(node: ast.expr, names: Mapping[str, str]) -> tuple[str, int]:
    def wrap(inner: ast.expr, binding: int) -> str:
        text, own = _walk(inner, names)
        return text if own >= binding else f"({text})"

    match node:
        case ast.Constant(value=int(value)):
            return str(value), ATOM
        case ast.Name(id=name) if name in names:
            return names[name], APPLIED if " " in names[name] else ATOM
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"- {wrap(operand, POWER)}", SUM
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            exponent = integer(right)
            if exponent is None:
                return f"Rpower {wrap(left, ATOM)} {wrap(right, ATOM)}", APPLIED
            if min(exponent) < 0:
                return f"powerRZ {wrap(left, ATOM)} {_whole(*exponent)}", APPLIED
            text = _natural(*exponent)
            return f"{wrap(left, APPLIED)} ^ {f'({text})' if ' ' in text else text}", POWER
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            sign, binding = OPERATORS[type(op)]
            return f"{wrap(left, binding)} {sign} {wrap(right, binding + 1)}", binding
        case ast.Call(func=ast.Name(id="Abs"), args=[argument]):
            return f"Rabs {wrap(argument, ATOM)}", APPLIED
        case ast.Call(func=ast.Name(id=name), args=arguments) if name in FUNCTIONS:
            return " ".join([FUNCTIONS[name], *(wrap(a, ATOM) for a in arguments)]), APPLIED
    raise ExpressionError(f"{ast.unparse(node)!r} has no counterpart in Coq")


def divisors(text: str) -> Iterator[str]:
    """What a formula divides by, where that is not a constant."""
    for node in ast.walk(parse(text)):
        match node:
            case ast.BinOp(op=ast.Div(), right=right) if not isinstance(right, ast.Constant):
                yield ast.unparse(right)
