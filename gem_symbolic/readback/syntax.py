"""C++ text to syntax trees, by tree-sitter: every part of a node has a label, so that a match names them all."""

from collections.abc import Iterator
from dataclasses import dataclass

import tree_sitter_cpp
from tree_sitter import Language, Node, Parser

from gem_symbolic.emit.targets import SPLICES
from gem_symbolic.readback.values import ValidationError

LANGUAGE = Language(tree_sitter_cpp.language())


@dataclass(frozen=True, eq=False)
class Tree:
    """A node without its comments. The label of a part is its field in the grammar, else its kind, else its text."""

    kind: str
    text: str
    line: int
    start: int
    labels: tuple[str, ...]
    parts: tuple["Tree", ...]

    def __getitem__(self, label: str) -> "Tree":
        """The first part with the label. Raises KeyError."""
        if label not in self.labels:
            raise KeyError(label)
        return self.parts[self.labels.index(label)]

    @property
    def words(self) -> str:
        """The text, whatever its spaces are."""
        return " ".join(self.text.split())

    def listed(self) -> "tuple[Tree, ...]":
        """What stands between brackets and commas, and nothing else. Raises ValidationError."""
        inner, marks = self.parts[1:-1:2], self.parts[2:-1:2]
        if any(m.kind != "," for m in marks) or (len(self.parts) > 2 and len(inner) != len(marks) + 1):
            raise self.refusal("this list is not recognised")
        return inner

    def walk(self) -> "Iterator[Tree]":
        yield self
        for part in self.parts:
            yield from part.walk()

    def refusal(self, why: str) -> ValidationError:
        return ValidationError(f"line {self.line}: {self.words[:100]}: {why}")


def read(text: str) -> Tree:
    """The tree of a file. Raises ValidationError for what is no C++, or might be read in two ways."""
    data = text.encode()
    for number, line in enumerate(text.split("\n"), 1):
        if any(s in line for s in SPLICES) or not line.isprintable():
            raise ValidationError(f"line {number}: {line[:100]}: this can be read in two ways")

    def convert(node: Node) -> Tree:
        if node.is_error or node.is_missing:
            raise ValidationError(f"line {node.start_point[0] + 1}: this is no C++")
        labels, parts = [], []
        for place, child in enumerate(node.children):
            if child.type != "comment":
                part = convert(child)
                labels.append(node.field_name_for_child(place) or child.type)
                parts.append(part)
        written = data[node.start_byte : node.end_byte].decode()
        return Tree(node.type, written, node.start_point[0] + 1, node.start_byte, tuple(labels), tuple(parts))

    return convert(Parser(LANGUAGE).parse(data).root_node)
