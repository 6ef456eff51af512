"""Runs the text of a kernel file on the values of `values`: each statement and expression is understood, or refused."""

import ast
import operator
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

from gem_symbolic.readback import elements, kernels, library, tensors
from gem_symbolic.readback.carried import CARRIED
from gem_symbolic.readback.numbers import Numbers, Refused
from gem_symbolic.readback.source import Composites, Source, World
from gem_symbolic.readback.values import (
    INTEGER,
    LITERAL,
    Class,
    Function,
    Instance,
    Launch,
    Library,
    Pointer,
    Primitive,
    Raised,
    Rows,
    Scalar,
    Shape,
    Text,
)

ARITHMETIC = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
ARITHMETIC |= {ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod}
COMPARISONS = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


@dataclass(frozen=True)
class Returned:
    value: Any


@dataclass(frozen=True)
class Frame:
    """The names of a running function, and those that it assigns; without a function, the file itself."""

    names: dict[str, Any]
    own: frozenset[str] | None = None


@dataclass(frozen=True, eq=False)
class Machine:
    """Runs functions of a file in a world; `jit` within a Triton kernel, one launched on a `grid`.

    `outside` is within a function that is not compiled with what calls it.
    """

    source: Source
    numbers: Numbers
    world: World
    composites: Composites | None = None
    names: dict[str, Any] = field(default_factory=dict)
    jit: bool = False
    outside: bool = False
    grid: kernels.Grid | None = None
    counts: kernels.Counts = field(default_factory=kernels.Counts)

    def load(self) -> "Machine":
        """Runs the file itself. Raises ValidationError."""
        _ = self.source.carried
        self.run(self.source.tree.body, Frame(self.names))
        return self

    def call(self, function: Function, args: Sequence[Any], kwargs: Mapping[str, Any] | None = None) -> Any:
        """The value of a function of the file. Raises ValidationError, and Raised where the function raises."""
        if function.jit != self.jit:
            raise Refused("a kernel is called as a function, or a function from a kernel")
        if self.composites and not kwargs and (roles := self.composites.roles(self, function, args)):
            return self.composites.call(self, function, roles, args)
        names = dict(zip(function.parameters, args))
        rest = tuple(args[len(function.parameters) :])
        if (rest and not function.rest) or names.keys() & (kwargs or {}).keys():
            raise Refused(f"too many arguments for {function.name}")
        names = {**function.defaults, **names, **(kwargs or {})}
        if names.keys() != set(function.parameters):
            raise Refused(f"the arguments are not those of {function.name}")
        if function.rest:
            names[function.rest] = rest
        m = replace(self, world=replace(self.world, compiled=None, exported=None)) if function.constant else self
        m = replace(m, outside=True) if function.outside else m
        done = m.run(function.node.body, Frame(names, function.own))
        return done.value if done else None

    # --- Statements ---

    def run(self, statements: Sequence[ast.stmt], frame: Frame) -> Returned | None:
        for statement in statements:
            self.source.visited.add(statement)
            try:
                done = self.execute(statement, frame)
            except (Refused, TypeError, KeyError, IndexError, AttributeError, ZeroDivisionError) as error:
                raise self.source.refusal(statement, str(error)) from error
            if done:
                return done
        return None

    def execute(self, statement: ast.stmt, frame: Frame) -> Returned | None:
        match statement:
            case ast.Expr(value=ast.Constant(value=str()) as text):
                self.source.visited.add(text)
            case ast.Expr(value=ast.Call() as call):
                self.evaluate(call, frame)
            case ast.Assign(targets=targets, value=value):
                result = self.evaluate(value, frame)
                for target in targets:
                    self.assign(target, result, frame)
            case ast.AnnAssign(target=ast.Name() as target, annotation=annotation, value=ast.expr() as value) if (
                self.jit
            ):
                self.annotated(annotation, frame)
                self.assign(target, self.evaluate(value, frame), frame)
            case ast.AugAssign(target=ast.Name(id=name) as target, op=ast.Add(), value=value):
                pointer = self.lookup(name, frame)
                if not isinstance(pointer, Pointer):
                    raise Refused("only pointers are moved in place")
                self.assign(target, elements.moved(self, pointer, self.evaluate(value, frame)), frame)
            case ast.Return(value=value) if frame.own is not None:
                return Returned(self.evaluate(value, frame) if value else None)
            case ast.If(test=test, body=body, orelse=orelse):
                return self.run(body if self.truth(self.evaluate(test, frame)) else orelse, frame)
            case ast.For(target=target, iter=iterable, body=body, orelse=[]) if frame.own is not None:
                steps = self.evaluate(iterable, frame)
                if not isinstance(steps, range | tuple):
                    raise Refused("only ranges are run through")
                for step in steps:
                    self.assign(target, step, frame)
                    if done := self.run(body, frame):
                        return done
            case ast.With(items=[ast.withitem(context_expr=context, optional_vars=None)], body=body):
                if self.evaluate(context, frame) != Library("torch.cuda.device_of"):
                    raise Refused("an unknown context")
                return self.run(body, frame)
            case ast.Raise(exc=ast.Call(func=ast.Name() as kind, args=args, keywords=[]) as call, cause=None):
                self.source.visited.add(call)
                error, _ = self.evaluate(kind, frame), [self.evaluate(a, frame) for a in args]
                raise Raised(error.__name__)
            case ast.FunctionDef() if frame.own is None:
                self.bind(statement.name, self.function(statement, frame), frame)
            case ast.ClassDef(bases=[base], keywords=[], decorator_list=[], body=body) if frame.own is None:
                self.bind(statement.name, self.extended(statement.name, base, body, frame), frame)
            case ast.Import() | ast.ImportFrom() if ast.unparse(statement) in library.IMPORTS:
                name, path = library.IMPORTS[ast.unparse(statement)]
                self.bind(name, library.NAMES.get(path, Library(path)), frame)
            case ast.Try(body=body, handlers=[handler], orelse=[], finalbody=[]) if frame.own is None:
                self.imports(body, handler, frame)
            case _:
                raise Refused("this statement is not recognised")
        return None

    def imports(self, body: Sequence[ast.stmt], handler: ast.ExceptHandler, frame: Frame) -> None:
        """Imports of triton, or what stands for them where triton is not installed."""
        if not all(ast.unparse(s).startswith("import triton") for s in body) or handler.name is not None:
            raise Refused("only triton is optional")
        match handler.type:
            case ast.Name(id="ImportError") as kind:
                self.source.visited.add(kind)
            case _:
                raise Refused("only a failing import is caught")
        self.run(body if self.world.triton else handler.body, frame)

    def bind(self, name: str, value: Any, frame: Frame) -> None:
        if frame.own is None and (name in frame.names or name in library.RESERVED):
            raise Refused(f"{name} gets a second meaning")
        frame.names[name] = value

    def assign(self, target: ast.expr, value: Any, frame: Frame) -> None:
        match target:
            case ast.Name(id=name):
                self.bind(name, value, frame)
            case ast.Attribute(value=owner, attr=name):
                instance = self.evaluate(owner, frame)
                if not isinstance(instance, Instance) or name in instance.fixed:
                    raise Refused("an attribute of something else than the object at hand is set")
                instance.attributes[name] = value
            case ast.Tuple(elts=[*targets, ast.Starred(value=rest)]) if isinstance(value, tuple):
                if len(value) < len(targets):
                    raise Refused("not enough values")
                for each, part in zip([*targets, rest], [*value[: len(targets)], value[len(targets) :]]):
                    self.assign(each, part, frame)
            case ast.Tuple(elts=targets) if isinstance(value, tuple) and len(value) == len(targets):
                for each, part in zip(targets, value):
                    self.assign(each, part, frame)
            case _:
                raise Refused("this assignment is not recognised")

    def function(self, node: ast.FunctionDef, frame: Frame) -> Function | Primitive:
        """A function as it is defined: what is carried verbatim is known by what it promises."""
        a = node.args
        if node in self.source.carried:
            return CARRIED[node.name]
        if a.posonlyargs or a.kwonlyargs or a.kwarg or node.returns or (a.vararg and a.vararg.annotation):
            raise Refused("these parameters are not recognised")
        marks = [self.evaluate(d, frame) for d in node.decorator_list]
        for annotation in [p.annotation for p in a.args if p.annotation]:
            self.annotated(annotation, frame)
        defaults = [self.evaluate(d, frame) for d in a.defaults]
        names = [p.arg for p in a.args][len(a.args) - len(defaults) :]
        function = Function(node, dict(zip(names, defaults)))
        for mark in reversed(marks):
            function = self.decorated(function, mark)
        if function.jit and (len(marks) > 1 or a.vararg):
            raise Refused("this is no kernel")
        return function

    def decorated(self, function: Function, mark: Any) -> Function:
        """What a decorator makes of a function."""
        match mark:
            case Library(path=path) if path in library.DECORATORS:
                return replace(function, **library.DECORATORS[path])
            case Primitive(name="remembered" | "uncompiled"):
                return mark.run(self, function)
        raise Refused("an unknown decorator")

    def annotated(self, annotation: ast.expr, frame: Frame) -> None:
        if getattr(self.evaluate(annotation, frame), "path", None) not in library.ANNOTATIONS:
            raise Refused("an unknown annotation")

    def extended(self, name: str, base: ast.expr, body: Sequence[ast.stmt], frame: Frame) -> Class:
        """A class of methods that extends one of PyTorch's, or a module of the file."""
        kind = self.evaluate(base, frame)
        inherited, path = {}, getattr(kind, "path", None)
        if isinstance(kind, Class) and kind.base == library.MODULE:
            inherited, path = kind.methods, kind.base
            if any(isinstance(n, ast.Name) and n.id == "super" for statement in body for n in ast.walk(statement)):
                raise Refused("what super stands for is known in classes that extend one of PyTorch's")
        elif path not in library.BASES:
            raise Refused("an unknown base class")
        methods: dict[str, Function] = {}
        for statement in body:
            self.source.visited.add(statement)
            match statement:
                case ast.Expr(value=ast.Constant(value=str()) as text):
                    self.source.visited.add(text)
                case ast.FunctionDef(decorator_list=marks) if statement.name not in methods:
                    static = [ast.unparse(mark) for mark in marks] == ["staticmethod"]
                    if static != (path == library.FUNCTION) or (marks and not static):
                        raise self.source.refusal(statement, "an unknown decorator")
                    self.source.visited.update(marks)
                    plain = copy(statement)
                    plain.decorator_list = []
                    method = self.function(plain, frame)
                    if not isinstance(method, Function):
                        raise self.source.refusal(statement, "a method has the name of a function carried verbatim")
                    methods[statement.name] = method
                case _:
                    raise self.source.refusal(statement, "this statement is not recognised in a class")
        return Class(name, path, {**inherited, **methods})

    # --- Expressions ---

    def truth(self, value: Any) -> bool:
        match value:
            case Scalar(type=kind) if kind == INTEGER:
                return self.numbers.sign(value.value) != 0
            case None | bool() | int() | str():
                return bool(value)
        raise Refused("this is neither true nor false")

    def evaluate(self, node: ast.expr, frame: Frame) -> Any:
        self.source.visited.add(node)
        try:
            return self.value(node, frame)
        except (Refused, TypeError, KeyError, IndexError, AttributeError, ZeroDivisionError) as error:
            raise self.source.refusal(node, str(error)) from error

    def value(self, node: ast.expr, frame: Frame) -> Any:
        match node:
            case ast.Name(id=name):
                return self.lookup(name, frame)
            case ast.Constant(value=None | bool() | int() | str() as value):
                return value
            case ast.Constant(value=float() as value):
                return Scalar(self.numbers.literal(value), LITERAL)
            case ast.Attribute(value=owner, attr=name):
                return library.attribute(self, self.evaluate(owner, frame), name)
            case ast.Call():
                return self.called(node, frame)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
                a, b = self.evaluate(left, frame), self.evaluate(right, frame)
                return elements.arithmetic(self, ARITHMETIC[type(op)], a, b)
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                a, b = self.evaluate(left, frame), self.evaluate(right, frame)
                if type(a) is not int or type(b) is not int or not 0 <= b < 100:
                    raise Refused("only integers are raised to powers")
                return a**b
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return elements.negative(self, self.evaluate(operand, frame))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return not self.truth(self.evaluate(operand, frame))
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self.compared(op, self.evaluate(left, frame), self.evaluate(right, frame))
            case ast.BoolOp(op=op, values=values):
                stop, found = isinstance(op, ast.Or), not isinstance(op, ast.Or)
                for value in values:
                    found = self.truth(self.evaluate(value, frame))
                    if found == stop:
                        break
                return found
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.evaluate(body if self.truth(self.evaluate(test, frame)) else orelse, frame)
            case ast.Subscript(value=owner, slice=index):
                return self.item(self.evaluate(owner, frame), self.evaluate(index, frame))
            case ast.Slice(lower=ast.expr() as lower, upper=upper, step=None):
                return slice(self.evaluate(lower, frame), self.evaluate(upper, frame) if upper else None)
            case ast.Tuple(elts=parts):
                return tuple(self.listed(parts, frame))
            case ast.Dict(keys=keys, values=values):
                items = {self.evaluate(k, frame): self.evaluate(v, frame) for k, v in zip(keys, values) if k}
                return {k: replace(v, tabled=True) if isinstance(v, Class) else v for k, v in items.items()}
            case ast.GeneratorExp(elt=each, generators=[part]) | ast.ListComp(elt=each, generators=[part]):
                return self.each(each, part, frame)
            case ast.JoinedStr(values=parts):
                return Text("".join(self.shown(part, frame) for part in parts))
        raise Refused("this expression is not recognised")

    def each(self, element: ast.expr, part: ast.comprehension, frame: Frame) -> tuple[Any, ...]:
        """What an expression is for each of some items."""
        match part:
            case ast.comprehension(target=ast.Name(id=name), iter=items, ifs=[]):
                inner = Frame(dict(frame.names), (frame.own or frozenset()) | {name})
                return tuple(
                    self.evaluate(element, replace(inner, names={**inner.names, name: item}))
                    for item in self.evaluate(items, frame)
                )
        raise Refused("this expression is not recognised")

    def shown(self, part: ast.expr, frame: Frame) -> str:
        """A part of a formatted text, as far as it is known."""
        self.source.visited.add(part)
        value = self.evaluate(part.value if isinstance(part, ast.FormattedValue) else part, frame)
        return value if isinstance(value, str) else Text().shown

    def lookup(self, name: str, frame: Frame) -> Any:
        places = (frame.names,) if name in (frame.own or ()) else (frame.names, self.names, library.BUILTINS)
        for place in places:
            if name in place:
                return place[name]
        raise Refused(f"{name} has no meaning here")

    def compared(self, op: ast.cmpop, a: Any, b: Any) -> Any:
        match op:
            case ast.Is() | ast.IsNot() if b is None:
                return (a is None) == isinstance(op, ast.Is)
            case ast.In() | ast.NotIn() if isinstance(b, tuple):
                if not elements.plain(a) or not elements.plain(b):
                    raise Refused("it is not known what this is")
                return (a in b) == isinstance(op, ast.In)
            case _ if type(op) in COMPARISONS:
                return elements.compare(self, COMPARISONS[type(op)], a, b)
        raise Refused("this comparison is not recognised")

    def item(self, owner: Any, index: Any) -> Any:
        match owner:
            case tuple() if type(index) is int and index >= 0:
                return owner[index]
            case Shape():
                return tensors.size(owner, index)
            case Rows() if isinstance(index, slice):
                return kernels.cut(self, owner, index)
            case dict():
                return owner[index]
            case Function(jit=True):
                return Launch(owner, index)
        raise Refused("an item of something that has none")

    def called(self, node: ast.Call, frame: Frame) -> Any:
        function = self.evaluate(node.func, frame)
        args = self.listed(node.args, frame)
        kwargs: dict[str, Any] = {}
        for k in node.keywords:
            value = self.evaluate(k.value, frame)
            kwargs |= {k.arg: value} if k.arg else value
        match function:
            case Function():
                return self.call(function, args, kwargs)
            case Launch():
                return kernels.launch(self, function, tuple(args), kwargs)
            case Primitive(run=run):
                return run(self, *args, **kwargs)
        raise Refused("the meaning of this call is not known")

    def listed(self, parts: Sequence[ast.expr], frame: Frame) -> list[Any]:
        """The values of expressions, one after the other; those of a starred one among them."""
        found: list[Any] = []
        for part in parts:
            if isinstance(part, ast.Starred):
                self.source.visited.add(part)
                found += self.evaluate(part.value, frame)
            else:
                found.append(self.evaluate(part, frame))
        return found
