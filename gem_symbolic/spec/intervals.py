"""The intervals that branches live on, and whether they tile the line.

"x <= 0", "0 < x < 1", "x > -s/2", "all x"; an end is a formula in the parameters, or root(p, k), the real root number k
of the polynomial p in x, counted from the left from 1: root(x^2 - 2, 2) is the square root of two.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gem_symbolic.expressions import ExpressionError
from gem_symbolic.spec.grammar import CHARACTERS, read, shown
from gem_symbolic.spec.rational import ONE, Rational, X, quotient
from gem_symbolic.spec.real import Real, roots

ROOT = re.compile(r"\s*root\s*\((?P<polynomial>[^,]*),\s*(?P<index>[0-9]{1,3})\s*\)\s*")
SIGN = re.compile(r"<=|>=|<|>")
HOW = 'write "x <= 0", "x > 0", "0 < x <= 1" or "all x"'


@dataclass(frozen=True)
class Interval:
    """An interval of the real line, not empty; None stands for an infinite end."""

    low: Real | None
    high: Real | None
    low_closed: bool
    high_closed: bool


def interval(text: str, parameters: Mapping[str, Rational]) -> Interval:
    """The interval that a text describes. Raises ExpressionError, in one sentence."""
    if len(text) > CHARACTERS:
        raise ExpressionError(f"it has {len(text)} characters; the limit is {CHARACTERS}")
    if text.split() == ["all", "x"]:
        return Interval(None, None, False, False)
    signs = SIGN.findall(text)
    parts = [part.strip() for part in SIGN.split(text)]
    if len(signs) == 1 and parts[0] == "x":
        at, closed = end(parts[1], parameters), signs[0].endswith("=")
        below = signs[0].startswith("<")
        return Interval(None, at, False, closed) if below else Interval(at, None, closed, False)
    if len(signs) == 2 and parts[1] == "x" and all(sign.startswith("<") for sign in signs):
        low, high = end(parts[0], parameters), end(parts[2], parameters)
        if not low < high:
            raise ExpressionError(f"{shown(text)!r} is empty or a single point: its left end must be below its right")
        return Interval(low, high, signs[0] == "<=", signs[1] == "<=")
    raise ExpressionError(f"cannot read the interval {shown(text)!r}; {HOW}")


def end(text: str, parameters: Mapping[str, Rational]) -> Real:
    """The end of an interval. Raises ExpressionError."""
    if match := ROOT.fullmatch(text):
        p = read(match["polynomial"], {"x": quotient(X), **parameters})
        if p.den != ONE or p.constant is not None:
            raise ExpressionError(f"{shown(match['polynomial'].strip())!r} is not a polynomial in x with a root")
        found, index = [root for root, _ in roots(p.num)], int(match["index"])
        if not 1 <= index <= len(found):
            raise ExpressionError(f"{shown(text)!r} does not exist: the polynomial has {len(found)} real roots")
        return found[index - 1]
    value = read(text, parameters).constant
    assert value is not None, "parameters are constants"
    return Real.of(value)


def untiled(intervals: Sequence[Interval]) -> tuple[int, str] | None:
    """What keeps intervals, from left to right, from tiling the line: the one to blame and why; None where they do."""
    edge: Real | None = None
    missing = True  # whether the edge itself still needs a branch
    for k, i in enumerate(intervals):
        if (k == 0) != (i.low is None):
            return k, "no branch before it reaches -oo" if k == 0 else "it overlaps the branch before it"
        if edge is not None and i.low is not None:
            if i.low < edge or (i.low == edge and i.low_closed and not missing):
                return k, f"it overlaps the branch before it, which ends at {edge}"
            if edge < i.low:
                return k, f"nothing is defined between {edge} and {i.low}"
            if missing and not i.low_closed:
                return k, f"nothing is defined at {edge}"
        edge, missing = i.high, not i.high_closed
        if edge is None and k + 1 < len(intervals):
            return k + 1, "the branch before it reaches oo"
    return None if edge is None else (len(intervals) - 1, f"nothing is defined beyond {edge}")
