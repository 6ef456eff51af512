"""What an emitted C++ file declares: its functions, structs and types. Whatever else stands there is refused."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from gem_symbolic.formats import FORMATS
from gem_symbolic.readback.syntax import Tree, read
from gem_symbolic.readback.values import ValidationError

INCLUDES = {"<algorithm>", "<cmath>", "<cstdint>", "<cstring>", "<type_traits>"}
#: Declarations that are known as a whole.
N_IS_GIVEN = "constexpr std::int64_t N = GEM_N;"
ABS = "using std::abs;"
#: The 16-bit types with what they use: taken as a block, by the SHA-256 of its words in the template. That it rounds
#: once, and widens exactly, is tested on every number of each type.
BLOCK = ("same_bits", "Short")
BLOCK_DIGEST = "ec76089c59b165ef712bb8c11d238bc883c93cc4c214081e4347a486331ad107"
ALLOWED = {"inline", "constexpr", "[[gnu::always_inline]]"}  # before a function: none changes what it computes
BASIC = {"float": "binary32", "double": "binary64", "int": "int", "bool": "bool", "void": "void"}


@dataclass(frozen=True, eq=False)
class Parameter:
    name: str
    type: Tree
    pointer: bool
    const: bool


@dataclass(frozen=True, eq=False)
class Function:
    """A function, or a template of one: `templates` are the kinds and names of its parameters, "class" or "int"."""

    name: str
    node: Tree
    templates: tuple[tuple[str, str], ...]
    parameters: tuple[Parameter, ...]

    @property
    def body(self) -> Tree:
        return self.node["body"]


@dataclass(frozen=True, eq=False)
class Struct:
    """A struct, or a template of one."""

    name: str
    templates: tuple[tuple[str, str], ...] = ()
    fields: dict[str, Tree] = field(default_factory=dict)
    structs: dict[str, "Struct"] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)


@dataclass(eq=False)
class Program:
    """What a file declares. Entries are the functions that are called from C."""

    functions: dict[str, list[Function]] = field(default_factory=dict)
    structs: dict[str, Struct] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    entries: dict[str, Function] = field(default_factory=dict)
    constants: dict[str, int] = field(default_factory=dict)  # where they are declared
    block: dict[str, Tree] = field(default_factory=dict)

    def all(self) -> Iterator[Function]:
        for overloads in self.functions.values():
            yield from overloads
        for struct in self.structs.values():
            yield from struct.functions.values()
        yield from self.entries.values()

    def add(self, node: Tree, name: str, *, overload: Function | None = None) -> None:
        """A name of the file gets its meaning. Raises ValidationError for a second one."""
        others = self.functions.get(name, [])
        known = (name in BASIC, name in self.structs, name in self.types, name in self.entries, name in self.constants)
        if any(known) or name in self.block:
            raise node.refusal(f"{name} gets a second meaning")
        if others and not (overload and all(distinct(overload, other) for other in others)):
            raise node.refusal(f"{name} gets a second meaning")


def distinct(a: Function, b: Function) -> bool:
    """Whether two functions are overloads that differ in the types of all parameters, templates aside."""
    types = [[p.type.words for p in f.parameters] for f in (a, b)]
    return not a.templates and not b.templates and len(types[0]) == len(types[1]) and all(map(str.__ne__, *types))


def load(text: str, parametric: bool = True) -> Program:
    """What a file declares; only one with parameters is given N. Raises ValidationError, naming the line."""
    program = Program()
    for node in read(text).parts:
        match node.kind, node.labels:
            case "preproc_include", ("#include", "path") if node["path"].text in INCLUDES:
                pass
            case "preproc_ifdef", ("#ifndef", "name", "preproc_call", "#endif") if (
                parametric and node["name"].text == "GEM_N" and node["preproc_call"]["directive"].text == "#error"
            ):
                pass
            case "namespace_definition", ("namespace", "body"):
                for part in node["body"].parts[1:-1]:
                    declare(program, part)
            case "linkage_specification", ("extern", "value", "body") if node["value"].text == '"C"':
                for part in node["body"].parts[1:-1]:
                    entry = function(part, ())
                    program.add(part, entry.name)
                    if entry.name in program.functions:
                        raise part.refusal(f"{entry.name} gets a second meaning")
                    program.entries[entry.name] = entry
            case _:
                raise node.refusal("this is not recognised in a file")
    missing = ({"N", "abs"} if parametric else {"abs"}) ^ program.constants.keys()
    if missing or program.block.keys() != set(BLOCK):
        raise ValidationError(f"the file lacks {', '.join(sorted(missing | (set(BLOCK) - program.block.keys())))}")
    words = " ".join(part.text for name in BLOCK for part in program.block[name].walk() if not part.parts)
    if hashlib.sha256(words.encode()).hexdigest() != BLOCK_DIGEST:
        raise program.block[BLOCK[-1]].refusal("the 16-bit types are not those that are known")
    return program


def declare(program: Program, node: Tree) -> None:
    """A declaration of the namespace."""
    match node.kind, node.labels:
        case "declaration", _ if node.words == N_IS_GIVEN:
            program.add(node, "N")
            program.constants["N"] = node.start
        case "using_declaration", _ if node.words == ABS:
            program.add(node, "abs")
            program.constants["abs"] = node.start
        case "alias_declaration", ("using", "name", "=", "type", ";"):
            name = node["name"].text
            program.add(node, name)
            program.types[name] = alias(program, node["type"])
        case "template_declaration", ("template", "parameters", "function_definition"):
            inner = node["function_definition"]
            name = inner["declarator"]["declarator"].text
            block(program, node, name) if name in BLOCK else overload(program, function(inner, templates(node)))
        case "template_declaration", ("template", "parameters", "struct_specifier", ";"):
            found = struct(node["struct_specifier"], templates(node))
            program.add(node, found.name)
            program.structs[found.name] = found
        case "template_declaration", ("template", "parameters", "class_specifier", ";"):
            block(program, node, node["class_specifier"]["name"].text)
        case "function_definition", _:
            overload(program, function(node, ()))
        case _:
            raise node.refusal("this is not recognised in a file")


def block(program: Program, node: Tree, name: str) -> None:
    if name not in BLOCK:
        raise node.refusal("an unknown class")
    program.add(node, name)
    program.block[name] = node


def overload(program: Program, found: Function) -> None:
    program.add(found.node, found.name, overload=found)
    program.functions.setdefault(found.name, []).append(found)


def alias(program: Program, node: Tree) -> str:
    """The type that gets another name: a basic one, or a 16-bit format."""
    inner = node["type"] if node.labels == ("type",) else node
    if inner.kind == "primitive_type" and inner.text in ("float", "double"):
        return BASIC[inner.text]
    if inner.kind == "template_type" and inner["name"].text == "Short" and "Short" in program.block:
        numbers = [a.text for a in inner["arguments"].listed()]
        for form in FORMATS.values():
            if form.bits == 16 and numbers == [str(n) for n in (form.precision, form.emin, form.emax)]:
                return form.name
    raise node.refusal("an unknown type")


def templates(node: Tree) -> tuple[tuple[str, str], ...]:
    found = []
    for parameter in node["parameters"].listed():
        match parameter.kind, parameter.labels:
            case "type_parameter_declaration", ("class", "type_identifier"):
                found.append(("class", parameter["type_identifier"].text))
            case "parameter_declaration", ("type", "declarator") if parameter["type"].text == "int":
                found.append(("int", parameter["declarator"].text))
            case _:
                raise parameter.refusal("an unknown parameter of a template")
    return tuple(found)


def function(node: Tree, given: tuple[tuple[str, str], ...], member: bool = False) -> Function:
    """Raises ValidationError for specifiers and parameters that are not known."""
    marks = [p.text for p in node.parts[:-3]]
    known = ALLOWED | {"static"} if member else ALLOWED
    if (
        node.kind != "function_definition"
        or node.labels[-3:] != ("type", "declarator", "body")
        or not set(marks) <= known
    ):
        raise node.refusal("this is not recognised as a function")
    declarator = node["declarator"]
    match declarator.kind, declarator.labels:
        case "function_declarator", ("declarator", "parameters"):
            pass
        case "function_declarator", ("declarator", "parameters", "type_qualifier") if (
            member and declarator["type_qualifier"].text == "const"
        ):
            pass
        case _:
            raise node.refusal("this is not recognised as a function")
    parameters = tuple(parameter(p) for p in declarator["parameters"].listed())
    names = [p.name for p in parameters] + [name for _, name in given]
    if len(set(names)) != len(names):
        raise node.refusal("two parameters have one name")
    return Function(declarator["declarator"].text, node, given, parameters)


def parameter(node: Tree) -> Parameter:
    marks = [p.text for p in node.parts[:-2]]
    if node.kind != "parameter_declaration" or node.labels[-2:] != ("type", "declarator"):
        raise node.refusal("an unknown parameter")
    if [m for m in marks if m != "[[maybe_unused]]"] not in ([], ["const"]):
        raise node.refusal("an unknown parameter")
    declarator = node["declarator"]
    pointer = declarator.kind == "pointer_declarator"
    if pointer and declarator.labels != ("*", "declarator"):
        raise node.refusal("an unknown parameter")
    name = declarator["declarator"] if pointer else declarator
    if name.kind != "identifier":
        raise node.refusal("an unknown parameter")
    return Parameter(name.text, node["type"], pointer, "const" in marks)


def struct(node: Tree, given: tuple[tuple[str, str], ...] = ()) -> Struct:
    if node.labels != ("struct", "name", "body"):
        raise node.refusal("this is not recognised as a struct")
    found = Struct(node["name"].text, given)
    for part in node["body"].parts[1:-1]:
        match part.kind, part.labels:
            case "field_declaration", ("type", ";") if part["type"].kind == "struct_specifier":
                inner = struct(part["type"])
                names, values = [inner.name], [inner]
                table = found.structs
            case "field_declaration", ("type", *rest) if set(rest) <= {"declarator", ",", ";"}:
                names = [p.text for p, label in zip(part.parts, part.labels) if label == "declarator"]
                if any(p.kind != "field_identifier" for p, k in zip(part.parts, part.labels) if k == "declarator"):
                    raise part.refusal("an unknown field")
                values, table = [part["type"]] * len(names), found.fields
            case "function_definition", _:
                method = function(part, (), member=True)
                names, values, table = [method.name], [method], found.functions
            case "template_declaration", ("template", "parameters", "function_definition"):
                method = function(part["function_definition"], templates(part), member=True)
                names, values, table = [method.name], [method], found.functions
            case _:
                raise part.refusal("this is not recognised in a struct")
        for name, value in zip(names, values):
            if name in {*found.fields, *found.structs, *found.functions, *(n for _, n in given)}:
                raise part.refusal(f"{name} gets a second meaning")
            table[name] = value  # type: ignore[assignment]
    return found
