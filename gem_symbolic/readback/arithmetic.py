"""The types and expressions of an emitted C++ file: what they are, or why they are refused."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gem_symbolic.formats import FORMATS
from gem_symbolic.readback.kinds import (
    ARITHMETIC,
    ASKED,
    COMPARISONS,
    EXACT,
    FLOATS,
    INDEX,
    INPUTS,
    INTEGERS,
    LITERAL,
    ROW,
    Bound,
    Frame,
    Number,
    Object,
    Offset,
    Pointer,
    Symbol,
)
from gem_symbolic.readback.numbers import Refused
from gem_symbolic.readback.operations import Graph, Node
from gem_symbolic.readback.program import BASIC, Function, Program
from gem_symbolic.readback.syntax import Tree

#: An integer, in decimal digits, which the grammar takes together with its sign where it has one.
WHOLE = re.compile(r"0|-?[1-9][0-9]*")
#: A literal that is no integer, as Python shows it.
DECIMAL = re.compile(r"[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?")


@dataclass(eq=False)
class Evaluator:
    """Values of expressions for one N; operations are in the type `compute`. `stored` is what arrays got at i."""

    program: Program
    graph: Graph
    N: int | None
    compute: str
    visited: set[Tree]
    stored: dict[str, Number] = field(default_factory=dict)

    def call(
        self,
        function: Function,
        args: Sequence[Any],
        given: Sequence[Any] = (),
        owner: Bound | None = None,
        this: Object | None = None,
    ) -> Any:
        """The value of a function of the file."""
        raise NotImplementedError

    def overload(self, functions: Sequence[Function], args: Sequence[Any]) -> Function:
        """The function that is meant."""
        raise NotImplementedError

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
        if (a in INTEGERS or b in INTEGERS or a == b) and a in order and b in order:
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
        if value.type == LITERAL and kind in FLOATS:  # rounded to the type, which the plan says too
            return Number(kind, value.value)
        if value.type in INTEGERS:
            if kind == "int64":
                return Number(kind, value.value)
            if kind not in FLOATS or not isinstance(value.value, int):
                raise Refused("this integer is not converted")
            return Number(kind, self.graph.leaf(str(value.value)))
        computing = kind in FLOATS and value.type in FLOATS
        if not computing and "binary64" not in (kind, value.type):  # what 16-bit types are made from, and made into
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
            case "number_literal", () if WHOLE.fullmatch(node.text):
                return self.integer("int", int(node.text))
            case "number_literal", () if DECIMAL.fullmatch(node.text):
                return Number(LITERAL, self.graph.leaf(repr(float(node.text))))
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
                if pointer.array not in INPUTS or pointer.null or self.stored:  # what is written may lie there
                    raise Refused("an element is read that is not to be read, or after one is written")
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
        if name == "N" and self.N is not None:
            return self.integer("int64", self.N)
        raise Refused(f"{name} is not known")

    def apply(self, op: str, *args: Any) -> Number:
        """An operation in the type that computes."""
        kinds = {a.type for a in args if not (isinstance(a, Number) and a.type in INTEGERS)}
        if kinds != {self.compute}:
            raise Refused(f"an operation in {', '.join(sorted(map(str, kinds))) or 'integers'}, not in {self.compute}")
        values = [self.implicit(self.compute, a).value for a in args]
        kind = "bool" if op in COMPARISONS.values() else self.compute
        return Number(kind, self.graph.apply(op, *values))

    def truth(self, value: Any) -> bool:
        """Whether a condition holds, which must be known; a pointer is one that is not null."""
        match value:
            case Pointer(null=null):
                return not null
            case Number(type="bool", value=bool(true)):
                return true
        raise Refused("a choice depends on a number that is not known")

    def moved(self, pointer: Pointer, by: Any) -> Pointer:
        """The pointer, moved to where the row begins in its array."""
        if pointer.null or pointer.stride is None or by != Number("int64", Offset(pointer.stride)):
            raise Refused(f"{pointer.array} is moved otherwise than by the row times its stride")
        return replace(pointer, stride=None)

    def binary(self, node: Tree, frame: Frame) -> Any:
        a, b = self.evaluate(node["left"], frame), self.evaluate(node["right"], frame)
        symbol = node["operator"].text
        if symbol == "&&":
            return Number("bool", self.truth(a) and self.truth(b))
        if isinstance(a, Pointer) and symbol == "+":
            return self.moved(a, b)
        if not (isinstance(a, Number) and isinstance(b, Number)):
            raise Refused(f"{node.words}: this is not recognised")
        if a.type in INTEGERS and b.type in INTEGERS:
            strides = [n.value for n in (a, b) if n.value is not ROW and isinstance(n.value, Symbol)]
            if symbol == "*" and ROW in (a.value, b.value) and len(strides) == 1:
                return Number("int64", Offset(*strides))
            if not (isinstance(a.value, int) and isinstance(b.value, int)):
                raise Refused(f"{node.words}: this depends on what is not known")
            if symbol in EXACT:
                return self.integer(self.common(a.type, b.type), EXACT[symbol](a.value, b.value))
            if symbol in ASKED:
                return Number("bool", ASKED[symbol](a.value, b.value))
        elif symbol in ARITHMETIC or symbol in COMPARISONS:
            return self.apply((ARITHMETIC | COMPARISONS)[symbol], a, b)
        raise Refused(f"{node.words}: this operation is not recognised")

    def conditional(self, node: Tree, frame: Frame) -> Any:
        condition = self.evaluate(node["condition"], frame)
        yes, no = node["consequence"], node["alternative"]
        if not isinstance(condition, Number) or not isinstance(condition.value, Node):
            chosen = yes if self.truth(condition) else no
            self.visited.add(chosen)
            return self.evaluate(chosen, frame)
        if condition.type != "bool":
            raise Refused("this condition is not recognised")
        self.visited.update((yes, no))
        values = [self.evaluate(part, frame) for part in (yes, no)]
        if any(not isinstance(v, Number) or v.type != self.compute for v in values):
            raise Refused(f"a choice between numbers that are not both of {self.compute}")
        return Number(self.compute, self.graph.apply("select", condition.value, *(v.value for v in values)))

    def element(self, node: Tree, frame: Frame) -> Pointer:
        """The array whose element at the index, of the row, is meant."""
        if node.kind == "subscript_expression" and node.labels == ("argument", "indices"):
            pointer = self.evaluate(node["argument"], frame)
            indices = [self.evaluate(part, frame) for part in node["indices"].listed()]
            if isinstance(pointer, Pointer) and [i.value for i in indices] == [INDEX] and pointer.stride is None:
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
            case "primitive_type", ():
                return self.cast(function, args, frame)
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
