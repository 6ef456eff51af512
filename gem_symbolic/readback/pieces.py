"""The regions of a definition without parameters, and its derivatives there: exact. r stands for x itself."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any

from gem_symbolic.branches import partition
from gem_symbolic.definitions import Activation
from gem_symbolic.formats import FORMATS
from gem_symbolic.pieced import literal, literals, plan
from gem_symbolic.pieces import NEAR, functions
from gem_symbolic.plans import Plan
from gem_symbolic.readback.constants import COMPUTED, nearest
from gem_symbolic.readback.operations import Graph
from gem_symbolic.readback.regions import FIELD, ONE, H, R, Region, limit
from gem_symbolic.readback.versions import ORDERS
from gem_symbolic.rounding import round_to


@dataclass(frozen=True)
class Pieces:
    """The derivatives of an activation without parameters, piece by piece."""

    activation: Activation
    N = None
    at_N = ""

    @cached_property
    def derivatives(self) -> list[list[Any]]:
        """By order, the function on each piece. Raises PlanError."""
        return [functions(self.activation, order, FIELD, "r") for order in range(len(ORDERS))]

    @cached_property
    def plans(self) -> list[Plan]:
        """Raises PlanError."""
        return [plan(self.activation, order) for order in range(len(ORDERS))]

    @cached_property
    def literals(self) -> Mapping[str, Fraction]:
        """What literals stand for, by how Python shows them. Raises PlanError."""
        return literals(self.plans)

    @cached_property
    def constants(self) -> Mapping[str, Any]:
        """The same, as elements."""
        return {text: FIELD.number(size) for text, size in self.literals.items()}

    def leaves(self, graph: Graph) -> dict[str, Any]:
        """The constants of the plans as nodes, by their texts."""
        signed = ((c, graph.leaf(literal(c))) for p in self.plans for c in p.fractions)
        return {c.text: graph.apply("neg", leaf) if c.text.startswith("-") else leaf for c, leaf in signed}

    @cached_property
    def regions(self) -> tuple[Region, ...]:
        """From left to right, then NaN: the junctions, -1, 0 and 1, and what lies between them."""
        ends = {end for i in partition(self.activation) for end in (i.low, i.high) if end is not None}
        return tuple(self.along(sorted({*ends, -NEAR, Fraction(0), NEAR})))

    def along(self, ends: list[Fraction]) -> Iterator[Region]:
        first, last, moving = ends[0], ends[-1], frozenset("h")
        yield Region("x = -inf", -math.inf)
        yield Region(f"x < {first}", R, FIELD.number(first) - H, moving)
        for low, high in pairwise(ends):
            yield from point(low)
            runs = FIELD.number(low) + FIELD.number(high - low) / (ONE + H)
            yield Region(f"{low} < x < {high}", R, runs, moving)
        yield from point(last)
        yield Region(f"x > {last}", R, FIELD.number(last) + H, moving)
        yield Region("x = +inf", math.inf)
        yield Region("x = NaN", math.nan)

    def at(self, region: Region, order: int) -> Any:
        """The value of that derivative in the region, or its limit: a number. At a junction that of its owner."""
        found = self.derivatives[order]
        if isinstance(region.x, float) and region.x:
            beyond = found[-1] if region.x > 0 else FIELD.substitute(found[0], r=-R)
            return math.nan if math.isnan(region.x) else limit(beyond)
        where = FIELD.number(0) + region.x if region.runs is None else FIELD.substitute(region.runs, h=ONE)
        owner = next(k for k, i in enumerate(partition(self.activation)) if FIELD.constant(where) in i)
        value = found[owner] if region.runs is not None else FIELD.substitute(found[owner], r=where)
        return 0.0 if value == 0 else value

    def rounded(self) -> str:
        """Which literal is not the nearest number to its coefficient, in a type that computes; empty where all are."""
        for text, size in self.literals.items():
            for form in map(FORMATS.__getitem__, COMPUTED):
                if not nearest(Fraction(round_to(float(text), form)), size, 1, form):
                    return f"{text} is not the nearest number of {form.name} to {size}"
        return ""


def point(at: Fraction) -> Iterator[Region]:
    """0 of both signs, or any other number."""
    if at:
        yield Region(f"x = {at}", FIELD.number(at))
    else:
        yield from (Region("x = -0", -0.0), Region("x = +0", 0.0))
