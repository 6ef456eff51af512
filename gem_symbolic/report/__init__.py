"""One self-contained page about a run of `verify`: HTML with its pictures as SVG and its formulas as MathML inside."""

import importlib.util

NEEDS = ("matplotlib", "latex2mathml")


def missing() -> str:
    """Why no page can be written here, in one sentence; nothing where all is there."""
    absent = [name for name in NEEDS if not importlib.util.find_spec(name)]
    if not absent:
        return ""
    return f"{' and '.join(absent)} not installed, so no page can be written: install gem_symbolic[report]"
