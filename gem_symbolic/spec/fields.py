"""What a spec file may hold, table by table, as data, and the check against it."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from gem_symbolic.parameters import exact
from gem_symbolic.spec.grammar import shown
from gem_symbolic.spec.locate import located

#: The limits: branches, distances, the size of an integer parameter, the digits and decimal exponent of a real one.
BRANCHES, INTEGER, DIGITS = 32, 1000, 60
#: The texts that are printed as they are, and how long they may be.
PRINTED, LENGTH = ("title", "source", "to"), 300
#: Names that mean something else in a spec.
RESERVED = ("x", "oo", "all", "root")

Accepted = tuple[type, ...]
TEXT: Accepted = (str,)
#: What a file may hold, table by table: field -> (types, in words, whether it must be there).
FIELDS: Mapping[str, Mapping[str, tuple[Accepted, str, bool]]] = {
    "": {
        "title": (TEXT, "text", False),
        "source": (TEXT, "text", False),
        "integers": ((dict,), "a table", False),
        "reals": ((dict,), "a table", False),
        "branch": ((list,), "one or more tables [[branch]]", True),
        "claims": ((dict,), "a table", False),
    },
    "branch": {"on": (TEXT, "an interval as text", True), "expr": (TEXT, "a formula as text", True)},
    "claims": {
        "smoothness": ((int, str), 'an integer, a formula in the parameters as text, or "oo"', False),
        "lipschitz": ((int, str), 'an integer, a formula in the parameters as text, or "oo"', False),
        "monotone": ((bool,), "true or false", False),
        "dead_region": ((bool,), "true or false", False),
        "bounded_below": ((bool,), "true or false", False),
        "distance": ((list,), "one or more tables [[claims.distance]]", False),
    },
    "claims.distance": {
        "to": (TEXT, '"relu", "identity" or the name of a shipped spec', True),
        "p": ((int, str), '1, 2 or "oo"', True),
        "finite": ((bool,), "true or false", False),
        "below": ((int, str), "an integer, or a formula in the parameters as text", False),
    },
}


def check(where: str, text: str, data: Mapping[str, Any]) -> None:
    """Raises SpecError where parsed TOML holds anything that is not accepted, or lacks a field."""

    def require(table: str, index: int, values: Any) -> None:
        if not isinstance(values, dict):
            raise located(where, text, f"it must be a table; got {kind(values)}", table, index)
        accepted = FIELDS[table]
        for key, value in values.items():
            if key not in accepted:
                known = ", ".join(accepted)
                raise located(where, text, f"unknown field {shown(key)!r}; known are {known}", table, index, key)
            types, words, _ = accepted[key]
            if key in PRINTED and not (str(value).isprintable() and len(str(value)) <= LENGTH):
                raise located(where, text, f"it must be at most {LENGTH} printable characters", table, index, key)
            if type(value) not in types:
                raise located(where, text, f"it must be {words}; got {kind(value)}", table, index, key)
        for key, (_, words, needed) in accepted.items():
            if needed and key not in values:
                raise located(where, text, f"{key} is missing: it must be {words}", table, index)

    require("", 0, data)
    if not 1 <= len(data["branch"]) <= BRANCHES:
        raise located(
            where, text, f"there must be 1 to {BRANCHES} branches; got {len(data['branch'])}", "", 0, "branch"
        )
    claims = data.get("claims", {})
    require("claims", 0, claims)
    for table, rows in (("branch", data["branch"]), ("claims.distance", claims.get("distance", []))):
        for k, row in enumerate(rows):
            require(table, k, row)


def parameters(where: str, text: str, data: Mapping[str, Any]) -> tuple[dict[str, int], dict[str, Fraction]]:
    """The integer and the real parameters of checked TOML, with their values. Raises SpecError."""
    found: dict[str, dict[str, Any]] = {"integers": {}, "reals": {}}
    for table, read in (("integers", integer), ("reals", positive)):
        for key, value in data.get(table, {}).items():
            try:
                if not key.isascii() or not key.isidentifier() or key in RESERVED:
                    raise ValueError(f"{shown(key)!r} cannot be the name of a parameter")
                if key in found["integers"]:
                    raise ValueError("it is an integer parameter already")
                found[table][key] = read(value, key)
            except ValueError as error:
                raise located(where, text, str(error), table, 0, key) from None
    return found["integers"], found["reals"]


def kind(value: Any) -> str:
    """What a TOML value is, in words."""
    names = {bool: "true or false", int: "an integer", float: "a float", str: "text", list: "a list", dict: "a table"}
    return names.get(type(value), "a date or time")


def integer(value: Any, name: str) -> int:
    """An integer parameter. Raises ValueError, in one sentence."""
    given = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 9 else value
    if type(given) is not int or not 1 <= given <= INTEGER:
        raise ValueError(f"{name} must be an integer from 1 to {INTEGER}; got {shown(str(value))!r}")
    return given


def positive(value: Any, name: str) -> Fraction:
    """A positive parameter. Raises ValueError, in one sentence."""
    if isinstance(value, Fraction):
        return value
    if type(value) not in (int, str):
        raise ValueError(f'{name} must be text such as "1e-2" or "1/3", or an integer; got {kind(value)}')
    words = str(value)
    digits, _, tens = words.lower().partition("e")
    if len(digits) > DIGITS or len(tens) > 4:
        raise ValueError(f"{name} is too long; the limits are {DIGITS} digits and e-60 to e60")
    if tens.lstrip("+-").isdigit() and abs(int(tens)) > DIGITS:
        raise ValueError(f"{name} is too large or too small; the limits are e-60 and e60")
    number = exact(value, name)
    if number <= 0:
        raise ValueError(f"{name} must be > 0; got {words!r}")
    return number
