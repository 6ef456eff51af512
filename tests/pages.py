"""Follows a page of the documentation: its Python is executed from top to bottom, and what it shows is compared."""

import doctest
import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent.parent / "docs"
BLOCK = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def blocks(text: str) -> list[tuple[str, str, int]]:
    """The fenced blocks of a page: language, text and number of the first line."""
    return [(m[1], m[2], text.count("\n", 0, m.start()) + 1) for m in BLOCK.finditer(text)]


def follow(text: str, name: str) -> dict[str, Any]:
    """Executes `python` blocks and compares `pycon` blocks; returns the names that are then known.

    Raises AssertionError with what was expected and what came, or what a block raises.
    """
    known: dict[str, Any] = {"__name__": name}
    for language, block, line in blocks(text):
        if language == "python":
            exec(compile("\n" * line + block, name, "exec"), known)
        elif language == "pycon":
            report: list[str] = []
            examples = doctest.DocTestParser().get_doctest(block, known, name, name, line)
            doctest.DocTestRunner(optionflags=FLAGS).run(examples, out=report.append, clear_globs=False)
            known |= examples.globs
            assert not report, "".join(report)
    return known
