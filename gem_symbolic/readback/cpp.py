"""Runs functions of an emitted C++ file and records the operations: each statement is understood, or refused.

Types are those of C++: operators work on two numbers of one type or on one beside an integer, nothing else converts on
its own, and templates are deduced. So each operation is known to be one of the type that computes. Integers are known
numbers; numbers that are not are nodes of a graph, and no choice depends on one but by ?:.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gem_symbolic.readback.arithmetic import Evaluator
from gem_symbolic.readback.kinds import (
    ANOTHER,
    FLOATS,
    INDICES,
    INPUTS,
    LIMIT,
    OUTPUTS,
    PRAGMAS,
    ROWS,
    Bound,
    Frame,
    Number,
    Object,
    Pointer,
    Returned,
    Symbol,
)
from gem_symbolic.readback.numbers import Refused
from gem_symbolic.readback.program import Function, Parameter
from gem_symbolic.readback.syntax import Tree


@dataclass(eq=False)
class Machine(Evaluator):
    """Runs functions for one N. `loops` are the ends of the loops over numbers and rows that are running."""

    loops: list[Symbol] = field(default_factory=list)

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
            case "preproc_call", ("directive", "argument") if node.words in PRAGMAS:
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
        if pointer.array not in OUTPUTS or pointer.array in self.stored:
            raise Refused("an element is written that is not to be written, or a second time")
        if not isinstance(value, Number) or value.type != pointer.type:
            raise Refused(f"an element of type {pointer.type} is converted on its own")
        self.stored[pointer.array] = value

    def choose(self, node: Tree, frame: Frame) -> Returned | None:
        condition = node["condition"]
        if condition.labels != ("(", "value", ")"):
            raise Refused("this condition is not recognised")
        if self.truth(self.evaluate(condition["value"], frame)):
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
        """for (i = a; i < b; ++i): round by round, or for any index below the number of rows, or of numbers in one."""
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
        if (end := bound()) in INDICES:
            if start != 0 or kind != "int64" or not set(self.loops) <= {ROWS} - {end}:
                raise Refused("the loop does not run from the first element to the last")
            looping, frame.names[name], frame.looping = frame.looping, Number(kind, INDICES[end]), True
            self.loops.append(end)
            done = self.run(node["body"], frame)
            self.loops.pop()
            frame.looping = looping
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
