"""Formulas as people read them: plain text and LaTeX from the text of a step."""

import ast
import re

from gem_symbolic.expressions import parse

GREEK = {"eps": r"\varepsilon", "L": r"f_-", "R": r"f_+", "gL": r"g_-", "gR": r"g_+", "oo": r"\infty"}
NAMED = {
    "sqrt": r"\sqrt{%s}",
    "Max": r"\max(%s)",
    "B": r"\mathrm{B}(%s)",
    "num": r"\mathrm{num}(%s)",
    "den": r"\mathrm{den}(%s)",
}
SYMBOLS = {ast.Add: (" + ", 1), ast.Sub: (" - ", 1), ast.Mult: (r" \, ", 2), ast.Div: ("/", 2), ast.Pow: ("^", 4)}


def plain(text: str) -> str:
    """A formula in plain text: powers with ^, products without a sign where they read well."""
    return re.sub(r" ?\* ?", " ", re.sub(r" ?\*\* ?", "^", text)).replace(" / ", "/")


def latex(text: str) -> str:
    """A formula in LaTeX."""
    return _walk(parse(text))[0]


def _walk(node: ast.expr) -> tuple[str, int]:
    """The LaTeX of a node and how tightly it binds (1 a sum ... 5 an atom)."""
    match node:
        case ast.Constant(value=value):
            return str(value), 5
        case ast.Name(id=name):
            return GREEK.get(name, name), 5
        case ast.UnaryOp(operand=operand):
            return "-" + _wrap(operand, 2), 1
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return rf"\frac{{{_walk(left)[0]}}}{{{_walk(right)[0]}}}", 3
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return f"{_wrap(left, 5)}^{{{_walk(right)[0]}}}", 4
        case ast.BinOp(left=left, op=op, right=right):
            sign, binding = SYMBOLS[type(op)]
            return _wrap(left, binding) + sign + _wrap(right, binding + (type(op) is not ast.Add)), binding
        case ast.Call(func=ast.Name(id="D"), args=[f, *order]):
            k = ast.unparse(order[0]) if order else "1"
            return _wrap(f, 5) + ("'" * int(k) if int(k) < 4 else f"^{{({k})}}"), 5
        case ast.Call(func=ast.Name(id="M"), args=[f]):
            return _wrap(f, 5) + "(-x)", 5
        case ast.Call(func=ast.Name(id="at"), args=[f, value]):
            return rf"\left.{_wrap(f, 2)}\right|_{{u = {_walk(value)[0]}}}", 5
        case ast.Call(func=ast.Name(id="when"), args=[f, value]):
            return rf"\left.{_wrap(f, 2)}\right|_{{n = {_walk(value)[0]}}}", 5
        case ast.Call(func=ast.Name(id="factorial"), args=[k]):
            return f"{_wrap(k, 5)}!", 5
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return NAMED[name] % ", ".join(_walk(a)[0] for a in arguments), 5
    raise ValueError(f"no notation for {ast.unparse(node)!r}")


def _wrap(node: ast.expr, binding: int) -> str:
    text, own = _walk(node)
    return text if own >= binding else rf"\left({text}\right)"
