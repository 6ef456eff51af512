"""Every operator, constant and name of the functions of a kernel file, one at a time: no wrong mutant survives."""

import ast
import math
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
from altered import HELPERS, LOADED, MUTATED, PAIRED, proved

SWAPS: dict[type, tuple[Callable[[], ast.AST], ...]] = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Add,),
    ast.Div: (ast.Mult,),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq, ast.Lt, ast.LtE),
}


def changes(node: ast.AST, names: list[str]) -> Iterator[ast.AST]:
    """A node with its operator, integer, name, order of arguments or sign changed, an fma split, a sum reassociated."""
    for field in ("op", "ops"):
        operators = getattr(node, field, None)
        for other in SWAPS.get(type(operators[0] if isinstance(operators, list) else operators), ()):
            yield other_than(node, **{field: [other()] if field == "ops" else other()})
    match node:
        case ast.Constant(value=int(value)):
            yield from (ast.Constant(v) for v in (value + 1, value - 1))
        case ast.Constant(value=float(value)):
            yield from (ast.Constant(math.nextafter(value, to)) for to in (-math.inf, math.inf))
        case ast.Name(id=name, ctx=ast.Load()) if name in names:
            after = names[(names.index(name) + 1) % len(names)]
            yield from (other_than(node, id=v) for v in sorted({after, names[0], names[-1], "0"} - {name}))
        case ast.Call(func=ast.Attribute(attr="fma"), args=[a, b, c]):
            yield ast.BinOp(ast.BinOp(a, ast.Mult(), b), ast.Add(), c)
            yield ast.Call(node.func, [a, c, b], [])
        case ast.Call(args=[*others, a, b]):
            yield other_than(node, args=[*others, b, a])
        case ast.Tuple(elts=[a, b]):
            yield other_than(node, elts=[b, a])
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            yield operand
    match node:
        case ast.BinOp(ast.BinOp(a, ast.Add() | ast.Sub() as inner, b), ast.Add() | ast.Sub() as outer, c):
            same = type(inner) is type(outer)
            yield ast.BinOp(a, inner, ast.BinOp(b, ast.Add() if same else ast.Sub(), c))


def other_than(node: Any, **fields: Any) -> Any:
    return ast.copy_location(type(node)(**{**{name: getattr(node, name) for name in node._fields}, **fields}), node)


class Replace(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST):
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.old else self.generic_visit(node)


def mutants(function: ast.FunctionDef) -> Iterator[list[Any]]:
    """The body of the function with one thing changed, all others as they are."""
    loaded = {n.id for n in ast.walk(function) if isinstance(n, ast.Name)}
    called = {n.func.id for n in ast.walk(function) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    names = sorted(loaded - called - {"torch", "tl"})
    for k, statement in enumerate(function.body):
        for place, node in enumerate(ast.walk(statement)):
            for new in changes(node, names):
                fresh = deepcopy(statement)
                altered = Replace(list(ast.walk(fresh))[place], deepcopy(new)).visit(fresh)
                yield [*function.body[:k], ast.fix_missing_locations(altered), *function.body[k + 1 :]]


@dataclass(frozen=True)
class Root:
    """The inverse square root of a number, by its square."""

    of: Fraction

    def __mul__(self, other: "Root") -> Fraction:
        assert self == other
        return divide(1, self.of)


def divide(a, b):
    return Fraction(a) / b if b else Fraction(0)


OPERATIONS_OF_LIBRARIES = SimpleNamespace(
    abs=abs,
    where=lambda c, a, b: a if c else b,
    div_rn=divide,
    rsqrt=Root,
    fma=lambda a, b, c: a * b + c,
    static_range=range,
)


def at_points(functions: dict[str, Any], name: Any, low: Fraction) -> list[object]:
    """A function by brute force: exact values at points, on both sides of the scale and of 0, low parts as given."""
    module = Plain().visit(ast.Module([deepcopy(f) for f in functions.values()], type_ignores=[]))
    names = {"torch": OPERATIONS_OF_LIBRARIES, "tl": OPERATIONS_OF_LIBRARIES, "divide": divide}
    exec(compile(ast.fix_missing_locations(module), "<file>", "exec"), names)
    s, points = Fraction(3, 2), [Fraction(k, 4) for k in range(-13, 14)]
    pair = (low, -2 * low, Fraction(8), Fraction(1, 8)) if name in PAIRED else ()
    return [names[name](x, s, 1 / s, *pair, N) for N in (1, 2, 3) for x in points]


class Plain(ast.NodeTransformer):
    """Functions that Python can run: a / b as divide(a, b), where x/0 is no error: what is not selected is unused."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        node.decorator_list = []
        for argument in node.args.args:
            argument.annotation = None
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.op, ast.Div):
            return ast.Call(ast.Name("divide", ast.Load()), [node.left, node.right], [])
        return node


@pytest.mark.parametrize("name", [*MUTATED, *PAIRED, *HELPERS])
def test_no_wrong_mutant_survives(name, record_property):
    """What performs the plan's operations is equal, to the last low part."""
    caller: Any = HELPERS.get(name, name)
    needed = {n for n in LOADED.names if n in {caller, *HELPERS}}
    functions = {n: LOADED.names[n].node for n in needed}
    right = {low: at_points(functions, caller, low) for low in (Fraction(0), Fraction(1, 7))}
    assert proved(LOADED, caller) == (True, True)
    killed = survived = identical = 0
    for body in mutants(LOADED.names[name].node):
        node = other_than(LOADED.names[name].node, body=body)
        m = replace(LOADED, names={**LOADED.names, name: replace(LOADED.names[name], node=node)})
        equal, planned = proved(m, caller)
        assert equal or not planned, ast.unparse(node)
        killed, survived, identical = killed + (not equal), survived + equal, identical + planned
        for low in (Fraction(0), *([Fraction(1, 7)] if planned else [])) if equal else ():
            assert at_points(functions | {name: node}, caller, low) == right[low], ast.unparse(node)
    record_property("mutants", f"{killed} refused, {survived} proved equal, {identical} the same operations")
    print(killed, survived, identical)
    assert killed > 2
    assert identical <= killed
