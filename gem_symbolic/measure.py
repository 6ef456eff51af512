"""Measured accuracy: what a kernel returns, against the oracle, input by input.

A result passes where |computed - exact| <= ulps * ulp(exact) + absolute. BARS says how much each plan may be off; the
inputs are all of a 16-bit type, or a sample of a wider one: numbers spaced evenly in ulps, the ends of the type and of
its subnormals, and every number around a junction and around a zero of the derivative.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gem_symbolic.bars import BARS, EDGES, PIECED, PLANS, UNLIMITED, Bar
from gem_symbolic.branches import partition
from gem_symbolic.definitions import Activation
from gem_symbolic.figures import QUANTITIES
from gem_symbolic.formats import FORMATS, Format
from gem_symbolic.pieces import DEGREE, sizes, zeros
from gem_symbolic.reference import evaluate
from gem_symbolic.rounding import round_to, ulp
from gem_symbolic.running import Run
from gem_symbolic.sweep import Exact, Floats, values

Ordinals = NDArray[np.int64]

#: How many numbers of a sampled type are spread over it, stand on either side of a junction, and of a critical point.
SPREAD, NEAR_JUNCTION, NEAR_CRITICAL = 10_000, 256, 200_000
#: The limit at an infinity is the value at this power of two, rounded: the definitions are rational functions.
FAR = 1 << 13
#: Without parameters, how far off binary64 may be for terms of the size 1, whatever their sum is: a unit for each
#: product, sum and power of z in Horner's scheme, twice, as there are two polynomials.
ROUNDING = 4 * DEGREE * 2.0**-53
#: Within so much of a zero of the derivative, relative to it, the derivative is near its zero.
NEAR = Fraction(1, 8)


@dataclass(frozen=True)
class Measurement:
    """One kernel path, format and quantity: how many inputs, and the worst of them.

    Without parameters `absolute` is that of terms of the size 1. `max_ulp` is the largest error in ulps once the bar's
    absolute term is taken off, max(0, |error| - absolute) over
    ulp(exact), so `ok` is max_ulp <= limit. A NaN for a number, a number for a NaN, a wrong limit at an infinity and a
    zero of the wrong sign (where a value underflows) are infinitely far off. `worst` is the input of the largest error;
    `misrounded` counts the finite inputs whose result is not the nearest number of the format. `zero_to`: the exact
    gradient rounds to zero at every number of the format up to this one (None: not even at the lowest). `under` is the
    largest error where the bar for small results holds. `histogram` counts the finite inputs by |error| in ulps,
    nothing taken off, in the bins that EDGES end.
    """

    id: str
    kind: str
    max_ulp: float
    limit: float
    absolute: float
    ok: bool
    worst: float
    inputs: int
    misrounded: int
    zero_to: float | None = None
    under: float = 0.0
    histogram: tuple[int, ...] = ()

    def record(self) -> dict[str, Any]:
        """As JSON data; a number that is not finite is null."""
        return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in vars(self).items()}


@dataclass(frozen=True)
class Inputs:
    """Numbers of a format, infinities and NaN included, and whether they are all there are."""

    format: Format
    kind: str
    numbers: Floats


def decode(ordinals: Ordinals, format: Format) -> Floats:
    """The numbers of a format in their order: 0 is +0, 1 the smallest subnormal, -1 its negative, and so on to NaN."""
    size = np.abs(ordinals)
    biased, fraction = size >> (format.precision - 1), size & ((1 << (format.precision - 1)) - 1)
    significand = fraction + np.where(biased > 0, 1 << (format.precision - 1), 0)
    with np.errstate(over="ignore"):
        number = np.ldexp(significand.astype(np.float64), np.maximum(biased, 1) - 1 + format.least)
    beyond = np.where(fraction == 0, np.inf, np.nan)
    return np.copysign(np.where(biased > format.emax - format.emin + 1, beyond, number), ordinals)


def ordinal(number: float, format: Format) -> int:
    """The place of a finite number of the format in its order: the inverse of `decode`."""
    binade = max(math.frexp(number)[1] - 1, format.emin) if number else format.emin
    significand = int(Fraction(abs(number)) / Fraction(2) ** (binade - format.precision + 1))
    place = significand + ((binade - format.emin) << (format.precision - 1))
    return -place if number < 0 else place


def exhaustive(format: Format) -> Inputs:
    """Every number of a 16-bit format, every NaN and both zeros included."""
    patterns = np.arange(1 << (format.bits - 1))
    size = decode(patterns, format)
    return Inputs(format, "exhaustive", np.concatenate([size, -size]))


def evenly(format: Format, count: int) -> Ordinals:
    """So many finite numbers of a format, from the lowest to the highest, evenly spaced in ulps."""
    top = ordinal(float(format.max), format)
    return np.array([2 * top * i // (count - 1) - top for i in range(count)])


def critical(activation: Activation, N: int | None, eps: Any, format: Format) -> list[int]:
    """Where the first derivative changes sign, as ordinals of the format's numbers just above.

    Without parameters all its isolated zeros are known, and the numbers are those nearest to them.
    """
    if not activation.parameters:
        return [ordinal(round_to(zero, format), format) for zero in zeros(activation, 1)]
    grid = evenly(format, 1024)
    sign = np.sign(values(activation, N, decode(grid, format), format, eps, order=1).high)

    def positive(place: int) -> bool:
        return values(activation, N, decode(np.array([place]), format), format, eps, order=1).high[0] > 0

    found = []
    for i in np.flatnonzero(sign[:-1] * sign[1:] < 0):
        low, high = int(grid[i]), int(grid[i + 1])
        rising = sign[i] < 0
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if positive(middle) == rising else (middle, high)
        found.append(high)
    return found


def zone(activation: Activation, N: int | None, eps: Any, format: Format) -> list[tuple[float, float]]:
    """The intervals in which the first derivative is near a zero that it passes through."""
    zeros = [Fraction(float(decode(np.array([p]), format)[0])) for p in critical(activation, N, eps, format)]
    return [(float(min(ends)), float(max(ends))) for c in zeros for ends in [(c * (1 - NEAR), c * (1 + NEAR))]]


def sampled(
    activation: Activation, N: int | None, eps: Any, format: Format, spread: int = SPREAD, near: int = NEAR_CRITICAL
) -> Inputs:
    """A sample of a wide format, with everything near a junction, a critical point and the ends of the type."""
    top, normal = ordinal(float(format.max), format), ordinal(float(format.tiny), format)
    ends = [0, 1, normal - 1, normal, normal + 1, top - 1, top, top + 1, top + 2]  # the last two are inf and NaN
    ordinals = [evenly(format, spread), np.array(ends), -np.array(ends)]
    for interval in partition(activation)[:-1]:
        assert interval.high is not None
        place = ordinal(round_to(interval.high, format), format)
        ordinals.append(np.arange(place - NEAR_JUNCTION, place + NEAR_JUNCTION + 1))
    for place in critical(activation, N, eps, format):
        ordinals.append(np.arange(place - near, place + near))
    numbers = decode(np.unique(np.concatenate(ordinals)), format)
    return Inputs(format, "sampled", np.append(numbers, -0.0))


def limit(activation: Activation, N: int | None, eps: Any, order: int, sign: int, format: Format) -> float:
    """The limit at an infinity, in the format."""
    return round_to(evaluate(activation, sign * Fraction(2) ** FAR, N, eps, order=order, dps=30), format)


@dataclass(frozen=True)
class Truth:
    """What is exactly right at each finite number of the inputs, and the limits at both infinities.

    `near` are those next to a zero of the derivative that is asked for. Without parameters, `beside` is how far off a
    result may be at each number because terms of a polynomial cancel (see `pieces.sizes`).
    """

    inputs: Inputs
    order: int
    finite: NDArray[np.bool_]
    near: NDArray[np.bool_]
    exact: Exact
    limits: tuple[float, float]
    zero_to: float | None
    beside: Floats | None = None


def truth(activation: Activation, N: int | None, eps: Any, inputs: Inputs, order: int) -> Truth:
    """The oracle's side of a measurement; it serves every path."""
    finite = np.isfinite(inputs.numbers)
    numbers, format = inputs.numbers[finite], inputs.format
    exact = values(activation, N, numbers, format, eps, order=order)
    at_minus, at_plus = (limit(activation, N, eps, order, sign, format) for sign in (-1, 1))
    zero_to = vanishing(activation, N, eps, numbers, exact.rounded(format), format) if order == 1 else None
    near = np.zeros(len(numbers), bool)
    for low, high in zone(activation, N, eps, format) if order == 1 else ():
        near |= (low <= numbers) & (numbers <= high)
    beside = None if activation.parameters else ROUNDING * sizes(activation, order, numbers)
    return Truth(inputs, order, finite, near, exact, (at_minus, at_plus), zero_to, beside)


def vanishing(
    activation: Activation, N: int | None, eps: Any, numbers: Floats, gradient: Floats, format: Format
) -> float | None:
    """The last number up to which the gradient rounds to zero, from the lowest on: between two inputs, by bisection."""
    ascending = np.argsort(numbers)
    vanishes = gradient[ascending] == 0
    if not vanishes[0] or vanishes.all():
        return float(numbers[ascending[-1]]) if vanishes[0] else None
    first = int(np.argmin(vanishes))
    low, high = (ordinal(float(numbers[ascending[i]]), format) for i in (first - 1, first))
    while high - low > 1:
        middle = (low + high) // 2
        zero = values(activation, N, decode(np.array([middle]), format), format, eps, order=1).rounded(format)[0] == 0
        low, high = (middle, high) if zero else (low, middle)
    return float(decode(np.array([low]), format)[0])


def chosen(truth: Truth, path: str) -> Bar:
    """The bar that a path is held to; without parameters only what is computed in a wider type has one."""
    name, order = truth.inputs.format.name, truth.order
    if truth.beside is None:
        return BARS[PLANS[path][name], name, order]
    return BARS["wide", name, order] if PIECED[path][name] == "wide" else UNLIMITED


def judge(truth: Truth, computed: Floats, path: str, N: int) -> Measurement:
    """The measurement of what a path computed at the inputs."""
    inputs, format, finite = truth.inputs, truth.inputs.format, truth.finite
    bar = chosen(truth, path)
    errors, distances = np.empty(len(computed)), np.zeros(len(computed))

    rounded = truth.exact.rounded(format)
    unit = np.ldexp(1.0, truth.exact.exponent(format))
    result = computed[finite]
    distances[finite] = np.abs(truth.exact.ulps(result, format))
    with np.errstate(over="ignore"):
        small = (np.abs(np.ldexp(truth.exact.high, -truth.exact.shift)) < bar.below) & ~truth.near
        absolute = np.where(small, bar.smaller.beside(N), bar.beside(N))
        absolute = absolute if truth.beside is None or bar is UNLIMITED else truth.beside
        allowed = np.minimum(absolute / unit, np.finfo(np.float64).max)  # finite, so that no error hides behind it
        error = np.maximum(distances[finite] - allowed, 0)
        under = error[small & np.isfinite(error)].max(initial=0)
        error[small & np.isfinite(error)] = 0
    if truth.order == 0:
        flipped = (result == 0) & (truth.exact.high != 0) & (np.signbit(result) != np.signbit(truth.exact.high))
        error[flipped] = np.inf
    errors[finite] = error

    odd, answers = inputs.numbers[~finite], computed[~finite]
    expected = np.where(np.isnan(odd), np.nan, np.where(odd < 0, *truth.limits))
    same = (answers == expected) | (np.isnan(answers) & np.isnan(expected))
    errors[~finite] = np.where(same, 0, off(answers, expected, format) if bar is UNLIMITED else np.inf)

    worst = int(np.lexsort((distances, errors))[-1])
    return Measurement(
        id=f"{path}.{format.name}.{QUANTITIES[truth.order]}",
        kind=inputs.kind,
        max_ulp=float(errors[worst]),
        limit=bar.ulps(N),
        absolute=bar.beside(N) if truth.beside is None else ROUNDING * (bar is not UNLIMITED),
        ok=bool(np.isfinite(errors[worst]) and errors[worst] <= bar.ulps(N) and under <= bar.smaller.ulps(N)),
        under=float(under),
        worst=float(inputs.numbers[worst]),
        inputs=len(errors),
        misrounded=int(np.count_nonzero(result != rounded)),
        zero_to=truth.zero_to,
        histogram=tuple(np.bincount(np.searchsorted(EDGES, distances[finite]), minlength=len(EDGES) + 1).tolist()),
    )


def off(answers: Floats, expected: Floats, format: Format) -> Floats:
    """How many units in the last place answers are from limits; infinitely many where one of the two is not finite."""
    units = np.array([float(ulp(Fraction(y), format)) if math.isfinite(y) else 0 for y in expected.tolist()])
    with np.errstate(all="ignore"):
        return np.nan_to_num(np.abs(answers - expected) / units, nan=np.inf)


def kernels(
    activation: Activation,
    N: Any,
    eps: Any,
    runs: Mapping[str, Run],
    formats: Iterable[str] = ("binary16", "bfloat16", "binary32"),
    orders: Iterable[int] = (0, 1),
    spread: int = SPREAD,
    near: int = NEAR_CRITICAL,
) -> Iterator[Measurement]:
    """Measures each path of `runs` in each format and order, one Measurement at a time, as they are done.

    The 16-bit formats are measured on all their numbers, the wider ones on a sample that spreads `spread` numbers over
    the type and has `near` on either side of a critical point. Raises ValueError for a bad parameter.
    """
    for format in map(FORMATS.__getitem__, formats):
        inputs = exhaustive(format) if format.bits == 16 else sampled(activation, N, eps, format, spread, near)
        for order in orders:
            known = truth(activation, N, eps, inputs, order)
            for path, run in runs.items():
                if format.name in (PLANS if activation.parameters else PIECED)[path]:
                    yield judge(known, run(inputs.numbers, format, order), path, N or 0)
