"""Where a field stands in the text of a TOML file, and the error that says so: tomllib gives values without lines."""

import re
from collections import Counter

from gem_symbolic.spec.grammar import shown

HEADER = re.compile(r"\s*\[{1,2}\s*([\w.-]+)\s*\]{1,2}\s*(?:#.*)?")


def line(text: str, table: str = "", index: int = 0, key: str = "") -> int:
    """The line, from 1, of a key in table number `index` of that name ("" is the top); of the table without the key.

    Where the key stands in no line of its own, the line of its table; 1 where that has none either.
    """
    seen: Counter[str] = Counter()
    current, found = ("", 0), 1
    for at, row in enumerate(text.split("\n"), start=1):  # as TOML counts
        if header := HEADER.fullmatch(row):
            current = (header[1], seen[header[1]])
            seen[header[1]] += 1
            if current == (table, index):
                found = at
        elif current == (table, index) and key and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[.=]", row):
            return at
        elif current == ("", 0) and found == 1 and table and re.match(rf"\s*{re.escape(table)}\s*[.=]", row):
            found = at
    return found


class SpecError(ValueError):
    """A spec cannot be read: one sentence that names the file, the line and the field."""


def located(where: str, text: str, what: str, table: str = "", index: int = 0, key: str = "") -> SpecError:
    """The error of a field, with its place."""
    several = table in ("branch", "claims.distance")
    field_name = ", ".join(filter(None, [f"{table} {index + 1}" if several else table, shown(key)]))
    return SpecError(f"{shown(where, 200)}, line {line(text, table, index, key)}, {field_name or 'top level'}: {what}")
