"""Runs functions of an emitted C++ file and records the operations: each statement is understood, or refused.

Types are those of C++: operators work on two numbers of one type or on one beside an integer, nothing else converts on
its own, and templates are deduced. So each operation is known to be one of the type that computes. Integers are known
numbers; numbers that are not are nodes of a graph, and no choice depends on one but by ?:.
"""

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gem_symbolic.formats import FORMATS
from gem_symbolic.readback.numbers import Refused
from gem_symbolic.readback.operations import Graph, Node
from gem_symbolic.readback.program import BASIC, Function, Parameter, Program, Struct
from gem_symbolic.readback.syntax import Tree

#: The widths of integers, and the types that compute.
INTEGERS = {"int": 32, "int64": 64}
FLOATS = ("binary32", "binary64")
ARITHMETIC = {"+": "add", "-": "sub", "*": "mul", "/": "div"}
COMPARISONS = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq"}
EXACT = {"+": operator.add, "-": operator.sub, "*": operator.mul}
ASKED = {op: getattr(operator, name) for op, name in COMPARISONS.items()}
UNROLL = "#pragma GCC unroll 64"
LIMIT = 1000  # of the rounds of a loop
#: Arrays that are read, and the one that is written.
INPUTS, OUTPUT = ("x", "g"), "y"


class Typed(Graph):
    """Operations in one known type: constants among themselves are no exception, unless they are integers."""

    def leaf(self, text: str) -> Node:
        return self._node(text, (), not text.lstrip("-").isdigit())


@dataclass(frozen=True, eq=False)
class Symbol:
    """An integer that is not known: the size of the arrays, an index below it, an order that there is none of."""

    name: str


SIZE, INDEX, ANOTHER = Symbol("size"), Symbol("i"), Symbol("another order")


@dataclass(frozen=True)
class Number:
    """A number of a type: an int, a bool, a Symbol or a Node."""

    type: str
    value: Any


@dataclass(frozen=True)
class Pointer:
    """To the first number of an array."""

    type: str
    array: str
    null: bool = False


@dataclass(frozen=True)
class Bound:
    """A struct with the arguments of its template."""

    struct: Struct
    types: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Object:
    type: Bound
    fields: Mapping[str, Any]


@dataclass(eq=False)
class Frame:
    """A running function: its names, the types that are known by names, the object that it is a function of."""

    names: dict[str, Any]
    types: dict[str, Any]
    owner: Bound | None = None
    this: Object | None = None
    fixed: set[str] = field(default_factory=set)  # what must not be assigned
    returns: Any = "void"
    looping: bool = False  # within a loop over the arrays, where what is assigned would come from the round before


@dataclass(frozen=True)
class Returned:
    value: Any


@dataclass(eq=False)
class Machine:
    """Runs functions for one N; all operations are in the type `compute`, and `stored` is what was written to y[i]."""

    program: Program
    graph: Graph
    N: int
    compute: str
    visited: set[Tree]
    stored: Number | None = None
    looping: bool = False

    # --- Functions ---

    def call(
        self,
        function: Function,
        args: Sequence[Any],
        given: Sequence[Any] = (),
        owner: Bound | None = None,
        this: Object | None = None,
    ) -> Any:
        """The value of a function, the first arguments of its template being given, the others deduced."""
        if len(args) != len(function.parameters) or len(given) > len(function.templates):
            raise Refused(f"the arguments are not those of {function.name}")
        frame = Frame({}, dict(owner.types) if owner else {}, owner, this)
        for (kind, name), value in zip(function.templates, given):
            if (kind == "class") == isinstance(value, Number):
                raise Refused(f"the arguments are not those of the template {function.name}")
            (frame.types if kind == "class" else frame.names)[name] = value
        open_ = {name for kind, name in function.templates[len(given) :] if kind == "class"}
        for parameter, value in zip(function.parameters, args):
            if parameter.type.text in open_:
                found = value.type if isinstance(value, Number | Pointer) else None
                if not found or isinstance(value, Pointer) != parameter.pointer:
                    raise Refused(f"the types of {function.name} cannot be deduced")
                if frame.types.setdefault(parameter.type.text, found) != found:
                    raise Refused(f"{parameter.type.text} would be {frame.types[parameter.type.text]} and {found}")
        for parameter, value in zip(function.parameters, args):
            frame.names[parameter.name] = self.passed(parameter, value, frame)
        if any(name not in frame.types and name not in frame.names for _, name in function.templates):
            raise Refused(f"the types of {function.name} cannot be deduced")
        frame.returns = self.type(function.node["type"], frame)
        done = self.run(function.body, frame)
        if frame.returns == "void":
            if done is not None:
                raise function.node.refusal("it returns a value")
            return None
        if done is None:
            raise function.node.refusal("no value is returned")
        return done.value

    def passed(self, parameter: Parameter, value: Any, frame: Frame) -> Any:
        kind = self.type(parameter.type, frame)
        if parameter.pointer or isinstance(value, Pointer):
            if not isinstance(value, Pointer) or not parameter.pointer or value.type != kind:
                raise Refused(f"{parameter.name} is another pointer")
            if value.array in INPUTS and not parameter.const:
                raise Refused(f"{parameter.name} points to what is only read")
            return value
        return self.implicit(kind, value)

    def overload(self, functions: Sequence[Function], args: Sequence[Any]) -> Function:
        """The function of several of that name whose types are those of the arguments, integers aside."""
        if len(functions) == 1:
            return functions[0]
        kinds = {a.type for a in args if isinstance(a, Number) and a.type in FLOATS}
        fitting = [f for f in functions if {self.type(p.type, Frame({}, {})) for p in f.parameters} == kinds]
        if len(fitting) != 1 or not all(isinstance(a, Number) and a.type != "bool" for a in args):
            raise Refused("which of the functions this is is not known")
        return fitting[0]

    # --- Statements ---

    def run(self, statement: Tree, frame: Frame) -> Returned | None:
        self.visited.add(statement)
        try:
            return self.execute(statement, frame)
        except (Refused, TypeError, KeyError, IndexError, AttributeError) as error:
            raise statement.refusal(str(error)) from error

    def block(self, statements: Sequence[Tree], frame: Frame) -> Returned | None:
        for statement in statements:
            if done := self.run(statement, frame):
                return done
        return None

    def execute(self, node: Tree, frame: Frame) -> Returned | None:
        match node.kind, node.labels:
            case "compound_statement", ("{", *_, "}"):
                outer = set(frame.names)
                done = self.block(node.parts[1:-1], frame)
                frame.names = {name: value for name, value in frame.names.items() if name in outer}
                return done
            case "preproc_call", ("directive", "argument") if node.words == UNROLL:
                pass
            case "declaration", labels if labels[-3:] == ("type", "declarator", ";"):
                self.declare(node, frame)
            case "expression_statement", (label, ";") if label == "assignment_expression":
                self.assign(node.parts[0], frame)
            case "expression_statement", (_, ";"):
                if self.evaluate(node.parts[0], frame) is not None:
                    raise Refused("a value is not used")
            case "return_statement", ("return", label, ";") if label != ";":
                written = node.parts[1]
                value = written if label == "initializer_list" else self.evaluate(written, frame)
                return Returned(self.initial(frame.returns, value, frame))
            case "if_statement", ("if", *labels) if [x for x in labels if x != "constexpr"][:2] == [
                "condition",
                "consequence",
            ]:
                return self.choose(node, frame)
            case "switch_statement", ("switch", "condition", "body"):
                return self.switch(node, frame)
            case "for_statement", ("for", "(", "initializer", "condition", ";", "update", ")", "body"):
                return self.loop(node, frame)
            case _:
                raise Refused("this statement is not recognised")
        return None

    def declare(self, node: Tree, frame: Frame) -> None:
        marks, declarator = [p.text for p in node.parts[:-3]], node["declarator"]
        if marks not in ([], ["const"]) or declarator.labels != ("declarator", "=", "value"):
            raise Refused("this declaration is not recognised")
        target, written = declarator["declarator"], declarator["value"]
        value = written if written.kind == "initializer_list" else self.evaluate(written, frame)
        if node["type"].kind != "placeholder_type_specifier":
            value = self.initial(self.type(node["type"], frame), value, frame)
        if not isinstance(value, Number | Object):
            raise Refused("the type of this is not known")
        if target.kind == "structured_binding_declarator":
            names = [part.text for part in target.listed()]
            if not isinstance(value, Object) or len(names) != len(value.fields):
                raise Refused("as many names as there are fields are asked for")
            pairs = list(zip(names, value.fields.values()))
        elif target.kind == "identifier":
            pairs = [(target.text, value)]
        else:
            raise Refused("this declaration is not recognised")
        for name, part in pairs:
            if name in frame.names or name in frame.types:
                raise Refused(f"{name} gets a second meaning")
            frame.names[name] = part
            if marks:
                frame.fixed.add(name)
            else:
                frame.fixed.discard(name)

    def assign(self, node: Tree, frame: Frame) -> None:
        if node.labels != ("left", "operator", "right") or node["operator"].text != "=":
            raise Refused("this assignment is not recognised")
        target, value = node["left"], self.evaluate(node["right"], frame)
        if target.kind == "identifier":
            name = target.text
            if name not in frame.names or name in frame.fixed or frame.looping:
                raise Refused(f"{name} is not to be assigned here")
            frame.names[name] = self.initial(frame.names[name].type, value, frame)
            return
        pointer = self.element(target, frame)
        if pointer.array != OUTPUT or self.stored is not None:
            raise Refused("an element is written that is not to be written, or a second time")
        if not isinstance(value, Number) or value.type != pointer.type:
            raise Refused(f"an element of type {pointer.type} is converted on its own")
        self.stored = value

    def choose(self, node: Tree, frame: Frame) -> Returned | None:
        condition = node["condition"]
        if condition.labels != ("(", "value", ")"):
            raise Refused("this condition is not recognised")
        match self.evaluate(condition["value"], frame):
            case Pointer(null=null):
                true = not null
            case Number(type="bool", value=bool(true)):
                pass
            case _:
                raise Refused("a choice depends on a number that is not known")
        if true:
            return self.run(node["consequence"], frame)
        if "alternative" in node.labels:
            other = node["alternative"]
            if other.labels[:1] != ("else",) or len(other.parts) != 2:
                raise Refused("this is not recognised")
            return self.run(other.parts[1], frame)
        return None

    def switch(self, node: Tree, frame: Frame) -> Returned | None:
        condition, body = node["condition"], node["body"]
        if condition.labels != ("(", "value", ")"):
            raise Refused("this condition is not recognised")
        chosen, found, running = self.evaluate(condition["value"], frame), set[int](), False
        if not isinstance(chosen.value, int) and chosen.value is not ANOTHER:
            raise Refused("a choice depends on a number that is not known")
        self.visited.add(body)
        for case in body.parts[1:-1]:
            if case.kind != "case_statement" or case.labels[:3] != ("case", "value", ":"):
                raise case.refusal("this is not recognised in a switch")
            value = self.evaluate(case["value"], frame)
            if not isinstance(value.value, int) or value.value in found:
                raise case.refusal("two cases are the same, or not known")
            found.add(value.value)
            running = running or chosen.value == value.value
            if running:
                self.visited.add(case)
                if done := self.block(case.parts[3:], frame):
                    return done
        return None

    def loop(self, node: Tree, frame: Frame) -> Returned | None:
        """for (i = a; i < b; ++i): round by round, or for any index below the size of the arrays."""
        first, condition, update = node["initializer"], node["condition"], node["update"]
        self.run(first, frame)
        name = first["declarator"]["declarator"].text
        start = frame.names[name].value
        if not isinstance(start, int) or condition.kind != "binary_expression" or update.words != f"++{name}":
            raise Refused("this loop is not recognised")
        if condition["left"].text != name or condition["operator"].text != "<":
            raise Refused("this loop is not recognised")

        def bound() -> Any:
            return self.evaluate(condition["right"], frame).value

        frame.fixed.add(name)
        kind = frame.names[name].type
        if bound() is SIZE:
            if start != 0 or self.looping or kind != "int64":
                raise Refused("the loop does not run from the first element to the last")
            frame.names[name], frame.looping, self.looping = Number(kind, INDEX), True, True
            done = self.run(node["body"], frame)
            frame.looping = self.looping = False
            if done:
                raise Refused("a loop is left early")
        else:
            for k in range(start, start + LIMIT):
                if not isinstance(bound(), int):
                    raise Refused("the end of the loop is not known")
                if not k < bound():
                    break
                frame.names[name] = Number(kind, k)
                if done := self.run(node["body"], frame):
                    return done
            else:
                raise Refused("the loop is too long")
        del frame.names[name]
        return None

    # --- Types ---

    def type(self, node: Tree, frame: Frame) -> Any:
        """The type that is written there. Raises Refused."""
        match node.kind:
            case "primitive_type" if node.text in BASIC:
                return BASIC[node.text]
            case "type_descriptor" if node.labels == ("type",):
                return self.type(node["type"], frame)
            case "type_identifier" | "identifier":
                if node.text in frame.types:
                    return frame.types[node.text]
                if frame.owner and node.text in frame.owner.struct.structs:
                    return Bound(frame.owner.struct.structs[node.text], frame.owner.types)
                if node.text in self.program.types:
                    return self.program.types[node.text]
            case "qualified_identifier" if node.words == "std::int64_t":
                return "int64"
            case "qualified_identifier" if node.labels == ("scope", "::", "name") and node["scope"].text == "std":
                name = node["name"]
                if name.labels == ("name", "arguments") and name["name"].text == "common_type_t":
                    a, b = (self.type(part, frame) for part in name["arguments"].listed())
                    return self.common(a, b)
            case "template_type":
                bound = self.program.structs.get(node["name"].text)
                given = [self.type(part, frame) for part in node["arguments"].listed()]
                if bound and [kind for kind, _ in bound.templates] == ["class"] * len(given):
                    return Bound(bound, tuple(zip((name for _, name in bound.templates), given)))
        raise Refused(f"the type {node.words} is not known")

    def common(self, a: Any, b: Any) -> str:
        """The type of a number of either type."""
        order = [*INTEGERS, *FLOATS]
        if a in INTEGERS or b in INTEGERS or a == b:
            if a in order and b in order:
                return max(a, b, key=order.index)
        raise Refused(f"{a} and {b} are not converted on their own")

    def initial(self, kind: Any, value: Any, frame: Frame) -> Any:
        """A variable of a type, initialised."""
        if not isinstance(value, Tree):
            return self.implicit(kind, value)
        if not isinstance(kind, Bound):
            raise Refused("only structs are made of several values")
        parts = [self.evaluate(part, frame) for part in value.listed()]
        if len(parts) != len(kind.struct.fields):
            raise Refused("the values are not those of the fields")
        inner = Frame({}, dict(kind.types), kind)
        types = [self.type(t, inner) for t in kind.struct.fields.values()]
        if any(part.type != t for part, t in zip(parts, types)):
            raise Refused("a field is converted")
        return Object(kind, dict(zip(kind.struct.fields, parts)))

    def implicit(self, kind: Any, value: Any) -> Any:
        """A value as one of the type, where C++ converts without being told: only what is exact, and integers."""
        if isinstance(value, Number | Object) and value.type == kind:
            return value
        if isinstance(value, Number) and value.type in INTEGERS and (kind == "int64" or kind in FLOATS):
            return self.converted(kind, value)
        raise Refused(f"{getattr(value, 'type', 'this')} is not converted to {kind} on its own")

    def converted(self, kind: Any, value: Any) -> Number:
        """A number as one of another type. Widening an input leaves it what it is; any other conversion is recorded."""
        if not isinstance(value, Number) or value.type == "bool" or not isinstance(kind, str):
            raise Refused("this is not converted")
        if value.type == kind:
            return value
        if value.type in INTEGERS:
            if kind == "int64":
                return Number(kind, value.value)
            if kind not in FLOATS or not isinstance(value.value, int):
                raise Refused("this integer is not converted")
            return Number(kind, self.graph.leaf(str(value.value)))
        if (
            kind not in FORMATS
            or (kind not in FLOATS or value.type not in FLOATS)
            and "binary64" not in (kind, value.type)
        ):
            raise Refused(f"{value.type} is not converted to {kind}")
        a, b = FORMATS[value.type], FORMATS[kind]
        wider = a.precision <= b.precision and a.emin >= b.emin and a.emax <= b.emax
        if wider and value.value.op in INPUTS:
            return Number(kind, value.value)
        return Number(kind, self.graph.apply(f"to {kind}", value.value))

    # --- Expressions ---

    def evaluate(self, node: Tree, frame: Frame) -> Any:
        """Raises Refused."""
        match node.kind, node.labels:
            case "number_literal", () if node.text == "0" or (node.text.isdigit() and node.text[0] != "0"):
                return self.integer("int", int(node.text))
            case "identifier", ():
                return self.name(node.text, frame)
            case "parenthesized_expression", ("(", _, ")"):
                return self.evaluate(node.parts[1], frame)
            case "unary_expression", ("operator", "argument") if node["operator"].text == "-":
                value = self.evaluate(node["argument"], frame)
                if isinstance(value, Number) and value.type in INTEGERS and isinstance(value.value, int):
                    return self.integer(value.type, -value.value)
                return self.apply("neg", value)
            case "binary_expression", ("left", "operator", "right"):
                if (call := self.member_template(node, frame)) is not None:
                    return self.method(*call)
                return self.binary(node, frame)
            case "conditional_expression", ("condition", "?", "consequence", ":", "alternative"):
                return self.conditional(node, frame)
            case "subscript_expression", _:
                pointer = self.element(node, frame)
                if pointer.array not in INPUTS or pointer.null:
                    raise Refused("an element is read that is not to be read")
                return Number(pointer.type, self.graph.leaf(pointer.array))
            case "field_expression", ("argument", "operator", "field") if node["operator"].text == ".":
                value = self.evaluate(node["argument"], frame)
                if isinstance(value, Object) and node["field"].text in value.fields:
                    return value.fields[node["field"].text]
            case "call_expression", ("function", "arguments"):
                args = [self.evaluate(a, frame) for a in node["arguments"].listed()]
                return self.called(node, node["function"], args, frame)
        raise Refused(f"{node.words}: this is not recognised")

    def integer(self, kind: str, value: int) -> Number:
        if not -(2 ** (INTEGERS[kind] - 1)) <= value < 2 ** (INTEGERS[kind] - 1):
            raise Refused(f"{value} is too large for {kind}")
        return Number(kind, value)

    def name(self, name: str, frame: Frame) -> Any:
        if name in frame.names:
            return frame.names[name]
        if frame.owner and name in frame.owner.struct.fields:
            if frame.this is None:
                raise Refused(f"{name} is a field of an object that there is none of")
            return frame.this.fields[name]
        if name == "N":
            return self.integer("int64", self.N)
        raise Refused(f"{name} is not known")

    def apply(self, op: str, *args: Any) -> Number:
        """An operation in the type that computes."""
        kinds = {a.type for a in args if not (isinstance(a, Number) and a.type in INTEGERS)}
        if kinds != {self.compute}:
            raise Refused(f"an operation in {', '.join(map(str, kinds)) or 'integers'}, not in {self.compute}")
        values = [self.implicit(self.compute, a).value for a in args]
        kind = "bool" if op in COMPARISONS.values() else self.compute
        return Number(kind, self.graph.apply(op, *values))

    def binary(self, node: Tree, frame: Frame) -> Number:
        a, b = self.evaluate(node["left"], frame), self.evaluate(node["right"], frame)
        symbol = node["operator"].text
        if not (isinstance(a, Number) and isinstance(b, Number)):
            raise Refused(f"{node.words}: this is not recognised")
        if a.type in INTEGERS and b.type in INTEGERS:
            if not (isinstance(a.value, int) and isinstance(b.value, int)):
                raise Refused(f"{node.words}: this depends on what is not known")
            if symbol in EXACT:
                return self.integer(self.common(a.type, b.type), EXACT[symbol](a.value, b.value))
            if symbol in ASKED:
                return Number("bool", ASKED[symbol](a.value, b.value))
        elif symbol in ARITHMETIC or symbol in COMPARISONS:
            return self.apply((ARITHMETIC | COMPARISONS)[symbol], a, b)
        raise Refused(f"{node.words}: this operation is not recognised")

    def conditional(self, node: Tree, frame: Frame) -> Number:
        condition = self.evaluate(node["condition"], frame)
        yes, no = node["consequence"], node["alternative"]
        if not isinstance(condition, Number) or condition.type != "bool":
            raise Refused("this condition is not recognised")
        chosen = [yes, no] if isinstance(condition.value, Node) else [yes if condition.value else no]
        self.visited.update(chosen)
        values = [self.evaluate(part, frame) for part in chosen]
        if len(values) == 1:
            return values[0]
        if any(not isinstance(v, Number) or v.type != self.compute for v in values):
            raise Refused(f"a choice between numbers that are not both of {self.compute}")
        return Number(self.compute, self.graph.apply("select", condition.value, *(v.value for v in values)))

    def element(self, node: Tree, frame: Frame) -> Pointer:
        """The array whose element at the index is meant."""
        if node.kind == "subscript_expression" and node.labels == ("argument", "indices"):
            pointer = self.evaluate(node["argument"], frame)
            indices = [self.evaluate(part, frame) for part in node["indices"].listed()]
            if isinstance(pointer, Pointer) and [i.value for i in indices] == [INDEX]:
                return pointer
        raise Refused(f"{node.words}: this is no element at the index")

    def called(self, node: Tree, function: Tree, args: list[Any], frame: Frame) -> Any:
        given: list[Any] = []
        match function.kind, function.labels:
            case "qualified_identifier", _:
                if function.words in ("std::fma", "std::sqrt") and len(args) == (
                    3 if function.words == "std::fma" else 1
                ):
                    if any(a.type != self.compute for a in args):
                        raise Refused(f"{function.words} in another type than {self.compute}")
                    return self.apply(function.words.removeprefix("std::"), *args)
                return self.cast(function, args, frame)
            case "template_function", ("name", "arguments"):
                given = [self.argument(part, frame) for part in function["arguments"].listed()]
                name = function["name"].text
            case "identifier", ():
                name = function.text
            case "field_expression", _:
                value = self.evaluate(function["argument"], frame)
                return self.method(value, function["field"].text, [], args)
            case _:
                raise Refused(f"{function.words}: this is not called")
        if name in frame.names:
            raise Refused(f"{name} is a number, which is not called")
        if frame.owner and name in frame.owner.struct.functions:
            return self.call(frame.owner.struct.functions[name], args, given, frame.owner, frame.this)
        if frame.owner and name in {*frame.owner.struct.fields, *frame.owner.struct.structs}:
            raise Refused(f"{name} is not called")
        if name in self.program.functions:
            chosen = self.overload(self.program.functions[name], args)
            if chosen.node.start > node.start:
                raise Refused(f"{name} is declared later, so that another one may be meant")
            return self.call(chosen, args, given)
        if name == "abs" and len(args) == 1 and not given and self.program.constants["abs"] < node.start:
            return self.apply("abs", *args)
        return self.cast(function, args, frame)

    def cast(self, function: Tree, args: list[Any], frame: Frame) -> Number:
        if len(args) != 1:
            raise Refused(f"{function.words} is not known")
        return self.converted(self.type(function, frame), args[0])

    def argument(self, node: Tree, frame: Frame) -> Any:
        """An argument of a template: a type, or an integer."""
        if node.kind == "type_descriptor" and node["type"].text in frame.names:
            return self.name(node["type"].text, frame)
        return self.type(node, frame) if node.kind == "type_descriptor" else self.evaluate(node, frame)

    def member_template(self, node: Tree, frame: Frame) -> tuple[Any, str, list[Any], list[Any]] | None:
        """a.f<k>(b, c), which the grammar takes for comparisons: what C++ reads where f is a template."""
        left, right = node["left"], node["right"]
        if node["operator"].text != ">" or left.kind != "binary_expression" or left["operator"].text != "<":
            return None
        if left["left"].kind != "field_expression" or right.kind != "parenthesized_expression":
            return None
        args: list[Tree] = []
        rest = right.parts[1]
        while rest.kind == "comma_expression":
            args.append(rest["left"])
            rest = rest["right"]
        value = self.evaluate(left["left"]["argument"], frame)
        given = [self.evaluate(left["right"], frame)]
        return value, left["left"]["field"].text, given, [self.evaluate(a, frame) for a in [*args, rest]]

    def method(self, value: Any, name: str, given: list[Any], args: list[Any]) -> Any:
        if not isinstance(value, Object) or name not in value.type.struct.functions:
            raise Refused(f"{name} is no function of this")
        return self.call(value.type.struct.functions[name], args, given, value.type, value)
