"""Altered kernel files, for the tests of reading back: what is proved of them, or why they are refused."""

import ast
import cProfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from gem_symbolic import emit
from gem_symbolic.definitions import SEGEM, Activation
from gem_symbolic.readback.machine import Machine
from gem_symbolic.readback.numbers import Numbers
from gem_symbolic.readback.regions import FIELD, Definition
from gem_symbolic.readback.source import Composite, Source
from gem_symbolic.readback.traces import Roles
from gem_symbolic.readback.values import ValidationError
from gem_symbolic.readback.versions import ACCURATE, KERNEL, SHORT, TORCH, WIDE, Version
from gem_symbolic.rules import ROUTINES
from gem_symbolic.validate import Plans, check_all_is_reached, examine, isolated, performed, prove

CODEGEN = Path(__file__).resolve().parent.parent / "codegen"
TEXT = (CODEGEN / "segem.py").read_text()

#: The functions of each version, by their prefix.
PREFIXES = {"_wide_": WIDE, "_": TORCH, "_triton_": KERNEL, "_short_": SHORT, "_accurate_": ACCURATE}
SINGLE = [prefix + order for prefix in ("_", "_triton_", "_short_") for order in emit.ORDERS]
SINGLE += [f"_wide_{order}" for order in emit.ORDERS[: emit.ACCURATE]]
#: The short ones are the others but for their quotients.
MUTATED = [name for name in SINGLE if not name.startswith("_short_") or name == "_short_first"]
PAIRED = [f"_accurate_{order}" for order in emit.ORDERS[: emit.ACCURATE]]
#: What they call, and one of them that does.
HELPERS = {f"_{name}": "_accurate_first" for name in ROUTINES} | {
    "_pair_chain": "_accurate_value",
    "_close_chain": "_accurate_first",
    "_divided": "_accurate_value",
    "_reciprocal": "_accurate_value",
    "_near_quotient": "_short_value",
    "_rough_quotient": "_short_value",
    "_triton_chain": "_triton_value",
    "_chain": "_value",
}


def calls(run: Callable[[], object]) -> int:
    """How many functions are called: what a run costs, the same on every machine."""
    profile = cProfile.Profile()
    profile.runcall(run)
    return sum(entry.callcount for entry in profile.getstats())


def altered(old: str, new: str) -> str:
    assert old in TEXT, f"{old!r} is not in the file any more"
    return TEXT.replace(old, new, 1)


def refused(text: str, activation: Activation = SEGEM) -> str:
    """Why a file is refused by `validate`; empty where it is not."""
    try:
        read, roles = Source.read(text), Roles()
        why = next((f.why for f in examine(read, activation, (1, 2), roles) if not f.holds), "")
        if not why:
            check_all_is_reached(read, roles, activation)
        return why
    except (ValidationError, RecursionError) as error:
        return str(error)


PLANS, DEFINITIONS = Plans(SEGEM), [Definition(SEGEM, 3)]


def loaded(text: str) -> Machine:
    return Machine(Source.read(text), Numbers(FIELD), isolated(TORCH)).load()


LOADED = loaded(TEXT)


def proved(m: Machine, name: str) -> tuple[bool, bool]:
    """Whether a function is a derivative of the definition, and whether it performs the operations of its plan."""
    prefix, order = next((p, k) for p in PREFIXES for k, o in enumerate(emit.ORDERS) if name == p + o)
    version: Version = PREFIXES[prefix]
    roles = ("x", "s", "inv_s", *(("s_low", "inv_s_low", "up", "down") if version.pairs else ()), "N")
    composite, m = Composite(version.home, m.names[name], roles), replace(m, world=isolated(version))
    try:
        equal = all(f.holds for f in prove(m, version, composite, order, DEFINITIONS))
    except ValidationError:
        equal = False
    return equal, performed(m, version, composite, order, PLANS, DEFINITIONS).holds


def needs(m: Machine, name: str) -> dict[str, str]:
    """A function and all that it calls, as they are written."""
    node = m.names[name].node
    found = {name: ast.dump(node)}
    for called in {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and n.id in HELPERS and n.id in m.names}:
        found |= needs(m, called)
    return found


def alone(text: str) -> dict[str, tuple[bool, bool]]:
    """What is proved of the functions that are not as in the file; `validate` looks at all there is."""
    try:
        m = loaded(text)
    except ValidationError:
        return {}
    names = [name for name in (*SINGLE, *PAIRED) if name in m.names]
    return {name: proved(m, name) for name in names if needs(m, name) != needs(LOADED, name)}
