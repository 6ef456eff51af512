"""Finds formulas of the family in source text, however they are spelled: Python, prose, LaTeX, or calls such as pow.

What gives the family away is its denominator, a unit (1, eps or a power of the scale) plus a power of the variable:
that sum is looked for, with a symbolic exponent anywhere, with a number as exponent (or the gate's own u) below a
fraction bar.
"""

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterator
from pathlib import Path

POWER_CALLS = {"pow", "power", "float_power"}
DIVISION_CALLS = {"div", "divide", "true_divide", "truediv", "reciprocal"}
LATEX = (
    (r"\\(?:var)?epsilon|ε", "eps"),
    (r"\\[a-zA-Z]*frac", ""),
    (r"\\(?:left|right|cdot|,|;|!)", " "),
    (r"\}\s*\{", ")/("),
    (r"\{", "("),
    (r"\}", ")"),
    (r"\|([^|\n]{1,12})\|", r"(\1)"),
    (r"\^", "**"),
    (r"(?<![\w.])(\d+)\s*([a-zA-Z(])", r"\1*\2"),
    (r"\b([a-z])\s+(?=[a-zA-Z]\b)", r"\1*"),
)


def found(path: Path, gate: str | None = "u") -> list[str]:
    """The formulas in a file: Python is parsed, strings and comments are read as prose, and so is any other file.

    `gate` is the name that stands for the power over eps; None where proofs use it as a symbol like any other.
    """
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return in_prose(text, gate)
    comments = (t.string for t in tokenize.generate_tokens(io.StringIO(text).readline) if t.type == tokenize.COMMENT)
    return [*in_python(ast.parse(text), gate), *(f for c in comments for f in in_prose(c.lstrip("# "), gate))]


def in_python(tree: ast.AST, gate: str | None = "u") -> Iterator[str]:
    """The formulas in the expressions of a syntax tree and in its strings."""
    yield from in_expression(tree, gate)
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)):
                yield from in_prose(text, gate)
            case ast.JoinedStr(values=values):  # an f-string: whatever is filled in stands as a name
                yield from in_prose("".join(str(v.value) if isinstance(v, ast.Constant) else "n" for v in values), gate)


def in_prose(text: str, gate: str | None = "u") -> list[str]:
    """The formulas in running text: each pair of parentheses, and the text as a whole, is read as an expression."""
    for pattern, replacement in LATEX:
        text = re.sub(pattern, replacement, text)
    groups = [(text[max(0, a - 3) : a], text[a:b]) for a, b in parentheses(text)]
    candidates = [text.strip(), *(f"1/{group}" if before.rstrip().endswith("/") else group for before, group in groups)]
    return list(dict.fromkeys(f for c in candidates for f in in_expression(parsed(c), gate)))


def parentheses(text: str) -> Iterator[tuple[int, int]]:
    """The spans of the balanced pairs of parentheses."""
    stack: list[int] = []
    for at, character in enumerate(text):
        if character == "(":
            stack.append(at)
        elif character == ")" and stack:
            yield stack.pop(), at + 1


def parsed(text: str) -> ast.AST:
    try:
        with warnings.catch_warnings(action="ignore", category=SyntaxWarning):  # "2(x)" in prose is not a call
            return ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError):
        return ast.Module(body=[], type_ignores=[])


def in_expression(tree: ast.AST, gate: str | None) -> Iterator[str]:
    for node in ast.walk(tree):
        below = list(denominators(node))
        if is_gate_sum(node) or any(is_gate_sum(d, numeric=True) or is_one_plus(d, gate) for d in below):
            yield ast.unparse(node)


def denominators(node: ast.AST) -> Iterator[ast.AST]:
    """The factors that a node divides by."""
    match node:
        case ast.BinOp(op=ast.Div(), right=below):
            yield from factors(below)
        case ast.BinOp(left=below, op=ast.Pow(), right=ast.UnaryOp(op=ast.USub())):
            yield from factors(below)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in DIVISION_CALLS:
            operands = [*node.args, *([node.func.value] if isinstance(node.func, ast.Attribute) else [])]
            yield from (factor for operand in operands for factor in factors(operand))


def factors(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            yield from factors(left)
            yield from factors(right)
        case ast.BinOp(left=base, op=ast.Pow()):
            yield from factors(base)
        case _:
            yield node


def is_gate_sum(node: ast.AST, numeric: bool = False) -> bool:
    """Whether a node is a unit plus a power, in either order."""
    match node:
        case ast.BinOp(left=a, op=ast.Add(), right=b):
            return any(is_unit(unit) and has_power(term, numeric) for unit, term in ((a, b), (b, a)))
    return False


def is_one_plus(node: ast.AST, gate: str | None) -> bool:
    match node:
        case ast.BinOp(left=a, op=ast.Add(), right=b):
            return any(is_unit(unit) and isinstance(u, ast.Name) and u.id == gate for unit, u in ((a, b), (b, a)))
    return False


def is_unit(node: ast.AST) -> bool:
    """1, eps in any wrapping (self.eps, float(eps), eps.to(x)), or the scale to a symbolic power."""
    match node:
        case ast.Constant(value=value):
            return value == 1
        case ast.Name(id=name) | ast.Attribute(attr=name) if name.lower().startswith("eps"):
            return True
        case ast.Attribute(value=inner):
            return is_unit(inner)
        case ast.Call(func=function, args=arguments):
            return any(map(is_unit, [function, *arguments]))
        case ast.BinOp(left=ast.Name(id="s" | "scale") | ast.Attribute(attr="s" | "scale"), op=ast.Pow()):
            return is_power(node, numeric=False)
    return False


def has_power(node: ast.AST, numeric: bool) -> bool:
    return any(is_power(part, numeric) for part in ast.walk(node))


def is_power(node: ast.AST, numeric: bool) -> bool:
    """A variable to a symbolic power; with `numeric`, also to an integer from 2 on, or a product x*x."""
    match node:
        case ast.BinOp(left=base, op=ast.Pow(), right=exponent):
            pass
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[base, exponent]) if name in POWER_CALLS:
            pass
        case ast.Call(func=ast.Attribute(value=base, attr=name), args=[exponent]) if name in POWER_CALLS:
            pass
        case ast.BinOp(left=a, op=ast.Mult(), right=b):
            return numeric and isinstance(a, ast.Name) and ast.dump(a) == ast.dump(b)
        case _:
            return False
    names = {part.id.lower() for part in ast.walk(base) if isinstance(part, ast.Name)}
    symbolic = any(isinstance(part, ast.Name | ast.Attribute) for part in ast.walk(exponent))
    number = isinstance(exponent, ast.Constant) and isinstance(exponent.value, int) and exponent.value >= 2
    return bool(names) and not any(name.startswith("eps") for name in names) and (symbolic or (numeric and number))
