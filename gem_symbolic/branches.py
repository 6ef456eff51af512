"""The text of a definition, read without SymPy: its intervals, parameters, and branches in any number system."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from gem_symbolic.definitions import INTEGER, Activation, Parameter
from gem_symbolic.expressions import ExpressionError, evaluate, with_definitions

#: The interval of a definition that has a single branch.
EVERYWHERE = "all x"
INTERVAL = re.compile(r"(?:(?P<low>\S+) (?P<open><=?) )?x(?: (?P<how><=?|>=?) (?P<bound>\S+))?")


@dataclass(frozen=True)
class Interval:
    """An interval of the real line; None stands for an infinite end."""

    low: Fraction | None
    high: Fraction | None
    low_closed: bool = False
    high_closed: bool = False

    @classmethod
    def parse(cls, text: str) -> "Interval":
        """From "x <= 0", "x > 1/2", "0 < x <= 1" or EVERYWHERE. Raises ExpressionError."""
        if text.strip() == EVERYWHERE:
            return cls(None, None)
        match = INTERVAL.fullmatch(text.strip())
        if not match or not match["bound"]:
            raise ExpressionError(f'cannot read the interval {text!r}; write "x <= 0", "x > 0" or "0 < x <= 1"')
        bound, closed = Fraction(match["bound"]), "=" in match["how"]
        if match["how"].startswith(">"):
            return cls(bound, None, low_closed=closed)
        low = Fraction(match["low"]) if match["low"] else None
        return cls(low, bound, match["open"] == "<=", closed)

    def __contains__(self, x: Any) -> bool:
        above = self.low is None or x > self.low or (self.low_closed and x == self.low)
        below = self.high is None or x < self.high or (self.high_closed and x == self.high)
        return above and below


def partition(activation: Activation) -> tuple[Interval, ...]:
    """The intervals of the branches, left to right. Raises ExpressionError unless they tile the line."""
    intervals = tuple(Interval.parse(b.on) for b in activation.branches)
    ends_open = intervals[0].low is None and intervals[-1].high is None
    joined = all(a.high == b.low and a.high_closed != b.low_closed for a, b in pairwise(intervals))
    if not (ends_open and joined):
        raise ExpressionError(f"the branches of {activation.name} do not tile the real line from left to right")
    return intervals


def branch_values(activation: Activation, names: Mapping[str, Any], **how: Any) -> tuple[Any, ...]:
    """Every branch evaluated in a number system of the caller's (see `expressions.evaluate`)."""
    known = with_definitions(names, activation.where, **how)
    return tuple(evaluate(b.expr, known, **how) for b in activation.branches)


def split_parameters(activation: Activation) -> tuple[Parameter, tuple[Parameter, ...]]:
    """The integer parameter, and the real ones."""
    integer = next(p for p in activation.parameters if p.domain == INTEGER)
    return integer, tuple(p for p in activation.parameters if p is not integer)
