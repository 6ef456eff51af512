"""Reads a spec file: TOML checked field by field against one table of what is accepted. Nothing in it is executed.

title = "leaky ReLU"                # optional, as is source
[integers]                          # integer parameters >= 1 and their values unless told otherwise
[reals]                             # positive parameters, as text: "1e-2" or "1/3"
alpha = "0.01"
[[branch]]                          # one or more, which tile the line; `intervals` and `grammar` say what they hold
on = "x < 0"
expr = "alpha*x"
[[branch]]
on = "x >= 0"
expr = "x"
[claims]                            # optional; `claims` says what each means
smoothness = 0
[[claims.distance]]
to = "relu"
p = "oo"
"""

import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from flint import fmpq

from gem_symbolic.expressions import ExpressionError
from gem_symbolic.spec import grammar
from gem_symbolic.spec.fields import check, integer, parameters, positive
from gem_symbolic.spec.intervals import interval, untiled
from gem_symbolic.spec.junctions import poles
from gem_symbolic.spec.locate import SpecError, located
from gem_symbolic.spec.model import Function, Piece
from gem_symbolic.spec.rational import Rational, X, constant, quotient
from gem_symbolic.spec.real import Real

#: The specs that are shipped, one file each.
SHIPPED = Path(__file__).resolve().parent.parent / "specs"
#: The functions that every distance is derived to.
USUAL = ("relu", "identity")
#: The largest file, in bytes, and the most dots in a line: tomllib takes the square of the depth of a dotted key.
SIZE, DOTS = 64 * 1024, 500


@dataclass(frozen=True)
class Spec:
    """What a file says, its fields checked and its formulas not yet read.

    `integers` and `reals` are the parameters with their values unless told otherwise, `claims` what is claimed, as it
    stands in the file.
    """

    name: str
    where: str
    text: str = field(repr=False)
    title: str
    source: str
    branches: tuple[Mapping[str, str], ...]
    integers: Mapping[str, int] = field(default_factory=dict)
    reals: Mapping[str, Fraction] = field(default_factory=dict)
    claims: Mapping[str, Any] = field(default_factory=dict)

    def error(self, what: str, table: str = "", index: int = 0, key: str = "") -> SpecError:
        """The error of a field, with its place."""
        return located(self.where, self.text, what, table, index, key)

    def settings(self, given: Mapping[str, Any] | None = None) -> dict[str, Fraction]:
        """The parameters with their values, some of them given. Raises SpecError, in one sentence."""
        given = given or {}
        for name in given:
            if name not in {**self.integers, **self.reals}:
                known = ", ".join({**self.integers, **self.reals}) or "none"
                raise SpecError(f"{self.name} has no parameter {grammar.shown(name)!r}; it has {known}")
        try:
            whole = {name: Fraction(integer(given.get(name, value), name)) for name, value in self.integers.items()}
            return {**whole, **{name: positive(given.get(name, value), name) for name, value in self.reals.items()}}
        except ValueError as error:
            raise SpecError(str(error)) from None

    def function(self, given: Mapping[str, Any] | None = None) -> Function:
        """The function, with the parameters put in. Raises SpecError, in one sentence."""
        settings = self.settings(given)
        known = constants(settings)
        intervals, values = [], []
        for k, branch in enumerate(self.branches):
            for key in ("on", "expr"):
                try:
                    if key == "on":
                        intervals.append(interval(branch[key], known))
                    else:
                        values.append(grammar.read(branch[key], {"x": quotient(X), **known}))
                except ExpressionError as error:
                    raise self.error(str(error), "branch", k, key) from None
        order = sorted(
            range(len(intervals)), key=lambda k: (intervals[k].low is not None, intervals[k].low or Real.of(0))
        )
        if fault := untiled([intervals[k] for k in order]):
            raise self.error(fault[1], "branch", order[fault[0]], "on")
        pieces = [Piece(i.low, i.high, i.low_closed, i.high_closed, values[k]) for k in order for i in [intervals[k]]]
        return Function(self.name, self.title, tuple(pieces), settings)

    def others(self) -> dict[str, Function]:
        """The functions that distances are taken to, with their own values of parameters. Raises SpecError."""
        found = {name: load(name).function() for name in USUAL}
        for k, row in enumerate(self.claims.get("distance", [])):
            to = row["to"]
            if to not in found:
                try:
                    found[to] = load(to if to in shipped() else Path(self.where).parent / to).function()
                except SpecError as error:
                    raise self.error(str(error), "claims.distance", k, "to") from None
            if pole := next(poles(found[to]), None):
                raise self.error(f"{grammar.shown(to)} has a pole at {pole}", "claims.distance", k, "to")
        return found


def load(path: str | Path) -> Spec:
    """The spec in a TOML file, or the shipped one of that name. Raises SpecError, in one sentence."""
    where = SHIPPED / f"{path}.toml" if str(path) in shipped() else Path(path)
    text = contents(where)
    if max(row.count(".") for row in text.split("\n")) > DOTS:
        raise SpecError(f"{place(where)}: a line has more than {DOTS} dots")
    try:
        data = tomllib.loads(text)
    except RecursionError:
        raise SpecError(f"{place(where)}: it is nested too deeply") from None
    except ValueError as error:
        raise SpecError(f"{place(where)}: it is no TOML: {grammar.shown(str(error), 200)}") from None
    check(str(where), text, data)
    integers, reals = parameters(str(where), text, data)
    return Spec(
        name=where.stem,
        where=str(where),
        text=text,
        title=data.get("title", where.stem),
        source=data.get("source", ""),
        branches=tuple(data["branch"]),
        integers=integers,
        reals=reals,
        claims=data.get("claims", {}),
    )


def shipped() -> tuple[str, ...]:
    """The names of the shipped specs."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.toml")))


def place(path: Path) -> str:
    """A path in a sentence."""
    return grammar.shown(str(path), 200)


def contents(path: Path) -> str:
    """The text of a file. Raises SpecError, in one sentence."""
    try:
        regular = stat.S_ISREG(path.stat().st_mode)  # looked at first: opening a pipe would wait
        data = b""
        if regular:
            with path.open("rb") as file:
                data = file.read(SIZE + 1)
    except (OSError, ValueError) as error:
        known = ", ".join(shipped())
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise SpecError(f"cannot read {place(path)}: {reason}; shipped are {known}") from None
    if not regular:
        raise SpecError(f"{place(path)}: it is not a file")
    if len(data) > SIZE:
        raise SpecError(f"{place(path)}: it is larger than {SIZE} bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SpecError(f"{place(path)}, line {data[: error.start].count(10) + 1}: it is not UTF-8 text") from None


def constants(settings: Mapping[str, Fraction]) -> dict[str, Rational]:
    """The parameters as constant functions."""
    return {name: constant(fmpq(v.numerator, v.denominator)) for name, v in settings.items()}


def formula(text: str | int, settings: Mapping[str, Fraction]) -> Real | None:
    """The number that a formula in the parameters stands for; None for "oo". Raises ExpressionError."""
    if str(text).strip() == "oo":
        return None
    value = grammar.read(str(text), constants(settings)).constant
    assert value is not None, "parameters are constants"
    return Real.of(value)
