"""Where a function breaks: its poles, and how smooth it is where two pieces meet (T1)."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import factorial

from gem_symbolic.spec.model import Function
from gem_symbolic.spec.rational import Rational, quotient
from gem_symbolic.spec.real import Real, roots, sign


@dataclass(frozen=True)
class Junction:
    """Two pieces meet at x: derivatives of order < m agree, the m-th jumps by `jump`, right minus left.

    m = 0 stands for a discontinuity; m and jump are None where both are the same function.
    """

    x: Real
    m: int | None
    jump: Real | None

    @property
    def smoothness(self) -> int | None:
        """k for exactly C^k, -1 for a discontinuity, None for C^oo."""
        return None if self.m is None else self.m - 1


def poles(function: Function) -> Iterator[Real]:
    """The poles of each piece on the closure of its interval, from the left."""
    for piece in function.pieces:
        for x, _ in roots(piece.function.den):
            if piece.inside(x) or x in (piece.low, piece.high):
                yield x


def junctions(function: Function) -> tuple[Junction, ...]:
    """Every junction of a function without poles."""
    return tuple(junction(x, right.function - left.function) for x, left, right in function.junctions)


def junction(x: Real, gap: Rational) -> Junction:
    """The junction at x of two pieces, of which right minus left is the gap."""
    if gap.num == 0:
        return Junction(x, None, None)
    m, rest, p = 0, gap.num, x.polynomial
    while sign(rest, x) == 0:
        m, rest = m + 1, rest // p
    # gap = p^m rest/den near x, and p(y) = p'(x) (y - x) + ...
    return Junction(x, m, quotient(factorial(m) * p.derivative() ** m * rest, gap.den).at(x))


def smoothness(function: Function) -> int | None:
    """k for exactly C^k on the line, -1 for a discontinuity, None for C^oo; the function has no poles."""
    orders = [j.smoothness for j in junctions(function) if j.smoothness is not None]
    return min(orders, default=None)
