"""Everything that is derived from a function, collected, and as JSON data."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flint import arb

from gem_symbolic.spec import junctions, norms, shape
from gem_symbolic.spec.extrema import Extremum, extrema, lipschitz
from gem_symbolic.spec.model import Function
from gem_symbolic.spec.norms import Value
from gem_symbolic.spec.real import OO, Real, polynomial_text

#: The exponents p of the L^p distances that are derived, by how they are written.
EXPONENTS: Mapping[str, int | float] = {"1": 1, "2": 2, "oo": OO}
#: Decimal digits that are shown, and up to how many characters a rational number stands without them.
DIGITS, SHORT = 15, 40


@dataclass(frozen=True)
class Facts:
    """What holds of a function; derived when asked for. `others` are the functions that distances are taken to.

    All but the poles needs a function without poles.
    """

    function: Function
    others: Mapping[str, Function]

    @cached_property
    def poles(self) -> tuple[Real, ...]:
        """The poles of each piece on the closure of its interval."""
        return tuple(junctions.poles(self.function))

    @cached_property
    def junctions(self) -> tuple[junctions.Junction, ...]:
        """How the pieces meet."""
        return junctions.junctions(self.function)

    @property
    def smoothness(self) -> int | None:
        """k for exactly C^k on the line, -1 for a discontinuity, None for C^oo."""
        return min((j.smoothness for j in self.junctions if j.smoothness is not None), default=None)

    @cached_property
    def range(self) -> tuple[Extremum, Extremum]:
        """The infimum and the supremum."""
        return extrema(self.function)

    @cached_property
    def lipschitz(self) -> Extremum:
        """The Lipschitz constant, and where it is reached or approached."""
        return lipschitz(self.function)

    @cached_property
    def runs(self) -> tuple[shape.Run, ...]:
        """The monotone intervals."""
        return shape.runs(self.function)

    @cached_property
    def monotone(self) -> int | None:
        """1 where the function never falls, -1 where it never rises, 0 where it is constant, None otherwise."""
        return shape.monotone(self.function)

    def distance(self, other: str, p: str) -> Value:
        """The L^p distance to another function."""
        return norms.norm(self.function.minus(self.others[other]), EXPONENTS[p])

    def items(self) -> Iterator[tuple[str, Any]]:
        """The facts as JSON data, by name, one after the other as they are derived."""
        f = self.function
        yield from {
            "title": f.title,
            "settings": {name: str(value) for name, value in f.settings.items()},
            "pieces": [{"on": p.on, "expr": str(p.function)} for p in f.pieces],
            "poles": [number(x) for x in self.poles],
        }.items()
        if self.poles:
            return
        low, high = self.range
        yield "smoothness", order(self.smoothness)
        yield "junctions", [junction(j) for j in self.junctions]
        yield "range", {"infimum": extremum(low), "supremum": extremum(high)}
        yield "monotone", [run(r) | {"direction": shape.WORDS[r.direction]} for r in self.runs]
        yield "lipschitz", extremum(self.lipschitz)
        flat = [run(r) for r in self.runs if r.direction == 0]
        yield "zero_gradient", {"intervals": flat, "points": [number(x) for x in shape.stationary(f)]}
        yield "asymptotes", {name: asymptote(f, side) for name, side in (("-oo", -1), ("oo", 1))}
        yield "distances", {to: {p: number(self.distance(to, p)) for p in EXPONENTS} for to in self.others}
        yield "gain", number(norms.gain(f))


def number(value: Value) -> dict[str, str]:
    """A number: exact with a decimal beside it, or an enclosure; an infinity as a text."""
    if isinstance(value, arb):
        return {"enclosure": value.str(DIGITS)} if value.is_finite() else {"undecided": "no enclosure found"}
    if not isinstance(value, Real):
        return {"exact": "oo" if value > 0 else "-oo"}
    exact = {"exact": str(value)}
    short = value.rational is not None and len(exact["exact"]) <= SHORT
    return exact if short else exact | {"decimal": value.ball().str(DIGITS, radius=False)}


def order(smoothness: int | None) -> int | str:
    """A smoothness order; in words where it is none."""
    return "oo" if smoothness is None else "discontinuous" if smoothness < 0 else smoothness


def junction(j: junctions.Junction) -> dict[str, Any]:
    """Where it is, how smooth, and which derivative jumps by how much."""
    found = {"x": number(j.x), "smoothness": order(j.smoothness)}
    return found if j.jump is None else found | {"derivative": j.m, "jump": number(j.jump)}


def extremum(e: Extremum) -> dict[str, Any]:
    return {"value": number(e.value), "x": number(e.x), "reached": e.reached}


def run(r: shape.Run) -> dict[str, Any]:
    return {"from": number(-OO if r.low is None else r.low), "to": number(OO if r.high is None else r.high)}


def asymptote(f: Function, side: int) -> dict[str, Any]:
    """The polynomial that the function nears, and the first term of what is left over."""
    a = shape.asymptote(f, side)
    found: dict[str, Any] = {"polynomial": polynomial_text(a.polynomial)}
    return found if a.leading is None else found | {"remainder": {"leading": number(a.leading), "power": a.power}}
