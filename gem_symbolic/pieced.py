"""Evaluation plans of piecewise rational functions without parameters, derived from their exact pieces.

On each piece f = P/Q in lowest terms, by Horner's scheme. Where x is unbounded and Q is no constant, z = x for |x| <= 1
and z = 1/x beyond; there P and Q are read backwards, in z, times x^(deg P - deg Q): no finite x gives a NaN, and an
infinite one gives the limit. The pieces are chosen by comparisons with the junctions; one quotient serves them all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from gem_symbolic.branches import Interval
from gem_symbolic.definitions import Activation
from gem_symbolic.formats import FORMATS
from gem_symbolic.pieces import NEAR, Piece, Polynomial, pieces
from gem_symbolic.plans import Builder, Constant, Plan, PlanError, Quantity, Value
from gem_symbolic.rounding import round_to

#: The narrowest format that a plan is computed in, and the integers that it has exactly.
NARROW = FORMATS["binary32"]
EXACT = 1 << NARROW.precision


def constant(builder: Builder, value: Fraction) -> Quantity:
    """The rational number, which a target writes as the nearest one of binary64. Raises PlanError."""
    literal = round_to(value, "binary64")
    inside = value == 0 or NARROW.tiny <= abs(value) <= NARROW.max
    if not inside or round_to(literal, NARROW) != round_to(value, NARROW):
        said = str(value) if len(str(value)) <= 60 else f"{str(value)[:30]}..., of {len(str(value))} characters,"
        raise PlanError(f"no evaluation plan: {said} has no nearest number in {NARROW.name} by way of binary64")
    text = str(value) if value.denominator > 1 or abs(value) <= EXACT else f"{value}/1"  # too large for an integer
    return Quantity(builder, Constant(text, text))


def horner(builder: Builder, p: Polynomial, at: Quantity) -> Quantity:
    """The polynomial at a quantity; powers without a term cost no addition."""
    (degree, leading), *rest = [(k, c) for k, c in enumerate(p) if c][::-1] or [(0, Fraction(0))]
    value = constant(builder, leading)
    if leading == -1 and degree:
        value, degree = -at, degree - 1
    for k, c in [*rest, (0, Fraction(0))]:
        for _ in range(degree - k):
            value = value * at
        if c:
            size = constant(builder, abs(c))
            value = value + size if c > 0 else value - size
        degree = k
    return value


@dataclass(frozen=True)
class Part:
    """What a piece is made of: top/bottom times the factors, one after the other."""

    top: Quantity
    bottom: Quantity
    factors: tuple[Quantity, ...] = ()


def scaled(piece: Piece) -> tuple[Polynomial, Polynomial]:
    """P and Q as they are written: with integers, where binary32 has these exactly, or by the largest one of Q."""
    if all(abs(c) <= EXACT for c in (*piece.top, *piece.bottom)):
        return piece.top, piece.bottom
    unit = max(map(abs, piece.bottom))
    return tuple(c / unit for c in piece.top), tuple(c / unit for c in piece.bottom)


def part(builder: Builder, piece: Piece) -> Part:
    """A piece in the quantities x and z of the plan."""
    x, one = builder.names["x"], constant(builder, Fraction(1))
    if len(piece.bottom) == 1:
        (unit,) = piece.bottom
        whole = piece.tame and len(piece.top) > 1 and all(abs(c) <= EXACT for c in piece.top)
        if whole:  # the zeros of the polynomial stay where they are
            return Part(horner(builder, piece.top, x) * constant(builder, 1 / unit), one)
        return Part(horner(builder, tuple(c / unit for c in piece.top), x), one)
    top, bottom = scaled(piece)
    if piece.tame and len(top) > 1:
        return Part(horner(builder, top, x), horner(builder, bottom, x))
    far, z = begun(builder)
    tops, bottoms = (
        [horner(builder, p, z) for p in (top[::-1], top)],
        [horner(builder, p, z) for p in (bottom[::-1], bottom)],
    )
    growth = len(top) - len(bottom)
    if growth < 0:
        tops[0] = tops[0] * z
    steps = [x] * growth if growth > 0 else [z] * (-growth - 1)
    factors = tuple(builder.apply("select", far, step, one) for step in steps)
    return Part(chosen(builder, far, *tops), chosen(builder, far, *bottoms), factors)


def begun(builder: Builder) -> tuple[Quantity, Quantity]:
    """Whether x is far, and z: x where it is near, and 1/x where it is far."""
    x, one = builder.names["x"], constant(builder, NEAR)
    far = builder.named("far", builder.apply("gt", builder.apply("abs", x), one), "beyond -1 and 1")
    above, below = (builder.apply("select", far, *sides) for sides in ((one, x), (x, one)))
    return far, builder.named("z", above / below, "x or 1/x, in [-1, 1]")


def chosen(builder: Builder, condition: Quantity, yes: Quantity, no: Quantity) -> Quantity:
    return yes if yes == no else builder.apply("select", condition, yes, no)


def joined(builder: Builder, where: Sequence[Interval], values: Sequence[Quantity]) -> Quantity:
    """The value of the piece that x is in. A NaN fails every comparison: it gets to a value that depends on x."""
    x, runs = builder.names["x"], list[tuple[Interval, Quantity]]()
    for interval, value in zip(where, values):
        if runs and runs[-1][1] == value:
            interval = replace(runs.pop()[0], high=interval.high, high_closed=interval.high_closed)
        runs.append((interval, value))
    pivot = next((k for k, (_, value) in enumerate(runs) if isinstance(value.operand, Value)), len(runs))
    found = x if pivot == len(runs) else runs[pivot][1]
    for interval, value in runs[pivot + 1 :] or runs[-1:] * (pivot == len(runs)):
        found = builder.apply("select", beyond(builder, interval), value, found)
    for interval, value in reversed(runs[: min(pivot, len(runs) - 1)]):
        found = builder.apply(
            "select", compared(builder, "le" if interval.high_closed else "lt", interval.high), value, found
        )
    return found


def beyond(builder: Builder, interval: Interval) -> Quantity:
    """Whether x lies in the interval or on the right of it: is a number, if there is nothing on the left."""
    x = builder.names["x"]
    if interval.low is None:
        return builder.apply("eq", x, x)
    return compared(builder, "ge" if interval.low_closed else "gt", interval.low)


def compared(builder: Builder, op: str, end: Fraction | None) -> Quantity:
    assert end is not None
    return builder.apply(op, builder.names["x"], constant(builder, end))


def plan(activation: Activation, order: int = 0) -> Plan:
    """The evaluation plan of the derivative of that order, at a junction that of the piece which owns it.

    Raises PlanError for a junction that is no rational number, for a pole, and for coefficients or degrees too large.
    """
    found, builder = pieces(activation, order), Builder()
    builder.names["x"] = Quantity(builder, Value("x"))
    where, parts, one = [p.interval for p in found], [part(builder, p) for p in found], constant(builder, Fraction(1))
    value = joined(builder, where, [p.top for p in parts])
    if any(p.bottom != one for p in parts):
        bottom = builder.named("bottom", joined(builder, where, [p.bottom for p in parts]))
        value = builder.named("top", value) / bottom
    for k in range(max(len(p.factors) for p in parts)):
        value = value * joined(builder, where, [p.factors[k] if k < len(p.factors) else one for p in parts])
    if value == builder.names["x"]:  # a result that is the very input is none that PyTorch can differentiate
        value = builder.apply("mul", value, one)
    return builder.plan(order, value)


def literals(plans: Iterable[Plan]) -> dict[str, Fraction]:
    """What the literals of a file stand for, by how Python shows them: their sizes, as signs are written apart.

    Raises PlanError where two numbers are written as the same.
    """
    found: dict[str, Fraction] = {}
    for constant in (c for p in plans for c in p.fractions):
        size = abs(constant.fraction or Fraction(0))
        if found.setdefault(literal(constant), size) != size:
            raise PlanError(f"no evaluation plan: {size} and {found[literal(constant)]} are one number in binary64")
    return found


def literal(constant: Constant) -> str:
    """How a quotient of integers is written, but for its sign."""
    return repr(abs(round_to(constant.fraction or 0, "binary64")))
