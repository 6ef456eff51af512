"""What the kernels of a case give at a range of binary32 inputs, counted and compared with the reference.

The kernels are those in C++, or results that are given. They are compared with the plain plan in binary64, and with
that in pairs of binary64, of some 100 bits, wherever an error may be the largest, or is within 2**-20 ulp of 1/2, and
next to a zero of the derivative: so what is counted is exact to that, and the largest error and the count of results
that are not correctly rounded to WINDOW. The pairs' constants are exact, and they are compared with the oracle of
`sweep` on a sample in every run. Where they do not decide, next to the middle of two numbers and on the sign of a zero,
exact rational arithmetic does.
"""

import ctypes
import functools
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gem_symbolic import native
from gem_symbolic.bars import EDGES
from gem_symbolic.definitions import Activation
from gem_symbolic.emit import native as source
from gem_symbolic.formats import FORMATS
from gem_symbolic.jets import bind, exact_jet
from gem_symbolic.measure import BARS, QUANTITIES, Bar, decode, evenly, limit, zone
from gem_symbolic.parameters import exact, pair_constants, root, scale_constants
from gem_symbolic.reference import neighbours
from gem_symbolic.rounding import round_to
from gem_symbolic.sweep import Floats, values

FORMAT = FORMATS["binary32"]
ORDERS = tuple(range(len(QUANTITIES)))
#: The plans, as the C++ numbers them, and the type that each computes in.
PLANS = {"wide": FORMATS["binary64"], "plain": FORMATS["binary32"], "compensated": FORMATS["binary32"]}
#: How far the plain plan in binary64 may be off, beside its value in ulps; within so many ulps of 1/2 an error is
#: looked at exactly; and how many such inputs a chunk has room for.
COARSE, WINDOW, ROOM = 2.0**-44, 2.0**-40, 1 << 16
#: So many inputs are compared with the oracle, and so many ulps the reference may be off.
SAMPLE, TRUSTED = 100_000, 2.0**-60


class Setting(ctypes.Structure):
    """What the kernels and the reference are given, the limits at both infinities, and where f' is near its zero."""

    _fields_ = (
        ("wide", ctypes.c_double * 2),
        ("compensated", ctypes.c_float * 6),
        ("reference", ctypes.c_double * 4),
        ("limits", ctypes.c_float * 2),
        ("zone", ctypes.c_float * 2),
        ("swept", ctypes.c_int32 * len(PLANS)),
    )

    def constants(self, plan: str) -> list[Any]:
        """What the kernel of a plan is passed; the plain one gets the first of those for pairs."""
        if plan == "wide":
            return list(map(ctypes.c_double, self.wide))
        return list(map(ctypes.c_float, self.compensated[: 2 if plan == "plain" else None]))


class Tally(ctypes.Structure):
    """What was found of one plan: see the C++ for the fields."""

    _fields_ = (
        *((name, ctypes.c_double) for name in ("absolute", "small", "small_absolute")),
        ("counts", ctypes.c_int64 * (len(EDGES) + 1)),
        *((name, ctypes.c_int64) for name in ("misrounded", "spoilt", "wrong")),
        *((name, ctypes.c_double) for name in ("worst", "beyond", "under")),
        *((name, ctypes.c_uint32) for name in ("worst_at", "beyond_at", "under_at", "wrong_at")),
        ("closes", ctypes.c_int64),
        ("close", ctypes.c_uint32 * ROOM),
    )


NOWHERE = (math.inf, -math.inf)


@dataclass(frozen=True)
class Case:
    """One activation with its parameters; eps is exact, as text."""

    activation: Activation
    N: int
    eps: str

    @property
    def value(self) -> Fraction:
        return exact(self.eps, "eps")

    @property
    def key(self) -> str:
        return f"{self.activation.name}-{self.N}-{self.eps.replace('/', '_')}"

    @functools.cached_property
    def library(self) -> ctypes.CDLL:
        """The compiled kernels and their sweep. Raises native.CompilerError."""
        text = source(self.activation, "sweep.cpp.j2", edges=EDGES, room=ROOM, coarse=COARSE.hex(), window=WINDOW.hex())
        library = native.load(text, {"GEM_N": self.N})
        pointer, integer = ctypes.c_void_p, ctypes.c_int64
        library.sweep_binary32.argtypes = [ctypes.c_uint32, integer, ctypes.c_int, *3 * [pointer]]
        library.reference.argtypes = [pointer, pointer, pointer, integer, ctypes.c_int, pointer]
        return library

    @functools.cached_property
    def names(self) -> dict[str, Any]:
        return bind(self.activation, self.N, self.value)

    @functools.cached_property
    def zone(self) -> tuple[float, float]:
        """Where f' is near its zero: all of it in one interval, empty if there is none."""
        found = zone(self.activation, self.N, self.value, FORMAT)
        return (min(low for low, _ in found), max(high for _, high in found)) if found else NOWHERE

    @functools.cached_property
    def settings(self) -> dict[tuple[int, Fraction | None], Setting]:
        """What `setting` has worked out, by its arguments."""
        return {}

    def setting(self, order: int, constants: Fraction | None = None) -> Setting:
        """The constants, those of the kernels for another eps where one is given. Each caller gets its own copy."""
        if (order, constants) not in self.settings:
            self.settings[order, constants] = self.worked_out(order, constants)
        return Setting.from_buffer_copy(self.settings[order, constants])

    def worked_out(self, order: int, constants: Fraction | None) -> Setting:
        given = self.value if constants is None else constants
        ranges = [(f.precision, f.emin, f.emax) for f in PLANS.values()]
        wide, plain, _ = (scale_constants(self.N, given, *f) for f in ranges)
        precise = [root(value, 2 * self.N, 120) for value in (self.value, 1 / self.value)]
        pairs = [part for value in precise for part in (float(value), float(value - Fraction(float(value))))]
        limits = [limit(self.activation, self.N, self.value, order, sign, FORMAT) for sign in (-1, 1)]
        return Setting(
            (ctypes.c_double * 2)(*wide),
            (ctypes.c_float * 6)(*plain, *pair_constants(self.N, given, *ranges[-1])),
            (ctypes.c_double * 4)(*pairs),
            (ctypes.c_float * 2)(*limits),
            (ctypes.c_float * 2)(*(self.zone if order else NOWHERE)),
        )

    def exact(self, x: float, order: int) -> Fraction:
        """The derivative of that order at x, at a junction that of the left: definitions are rational functions."""
        at = Fraction(x)
        value = exact_jet(self.activation, neighbours(self.activation, at)[0], at, self.names, order)[order]
        return Fraction(int(value.p), int(value.q)) * math.factorial(order)

    def reference(self, xs: Floats, order: int) -> tuple[Floats, Floats]:
        """The reference at these numbers, as pairs."""
        xs, high, low = np.ascontiguousarray(xs), np.empty(len(xs)), np.empty(len(xs))
        at = self.setting(order)
        self.library.reference(xs.ctypes.data, high.ctypes.data, low.ctypes.data, len(xs), order, ctypes.byref(at))
        return high, low

    def run(self, plan: str, xs: Floats, order: int, setting: Setting) -> Floats:
        """What the kernel of a plan returns at numbers of binary32."""
        x = np.ascontiguousarray(xs, np.float32)
        y = np.empty_like(x)
        size, (source, target) = ctypes.c_int64(len(x)), (ctypes.c_void_p(a.ctypes.data) for a in (x, y))
        row = (source, None, None, target, ctypes.c_int64(1), size, *3 * [ctypes.c_int64(0)])
        function = getattr(self.library, f"{plan}_{FORMAT.name}")
        function(*(row if plan == "wide" else (source, None, target, size)), order, *setting.constants(plan))
        return y.astype(np.float64)


ERRORS = ("worst", "beyond", "under")


@dataclass
class Found:
    """What a range of inputs gave for one plan and order; errors are in ulps, inputs are bit patterns.

    `worst` is the largest error, `beyond` the largest that is left when the absolute error of the bar is taken off, and
    `under` the same where the result is so small that another bar holds.
    `misrounded` counts the inputs whose result is not the nearest number, `spoilt` the finite inputs with a result that
    is not finite, `wrong` other wrong answers: at an infinity, for NaN, or a zero of the wrong sign.
    """

    counts: list[int] = field(default_factory=lambda: [0] * (len(EDGES) + 1))
    misrounded: int = 0
    spoilt: int = 0
    wrong: int = 0
    worst: float = 0.0
    beyond: float = 0.0
    under: float = 0.0
    worst_at: int = 0
    beyond_at: int = 0
    under_at: int = 0
    wrong_at: int = 0
    decided: int = 0

    def __add__(self, other: "Found") -> "Found":
        counted = ("misrounded", "spoilt", "wrong", "decided")
        largest = {by: max(self, other, key=lambda f, by=by: getattr(f, by)) for by in ERRORS}
        return Found(
            counts=[a + b for a, b in zip(self.counts, other.counts)],
            **{by: getattr(found, by) for by, found in largest.items()},
            **{f"{by}_at": getattr(found, f"{by}_at") for by, found in largest.items()},
            wrong_at=self.wrong_at if self.wrong else other.wrong_at,
            **{name: getattr(self, name) + getattr(other, name) for name in counted},
        )


def numbers(codes: Iterable[int]) -> Floats:
    """The numbers of binary32 with these bit patterns."""
    with np.errstate(invalid="ignore"):  # signalling NaN
        return np.array(list(codes), np.uint32).view(np.float32).astype(np.float64)


#: Results by plan, in the order of the inputs.
Results = Mapping[str, NDArray[np.float32]]


def measured(
    case: Case,
    order: int,
    first: int,
    count: int,
    constants: Fraction | None = None,
    results: Results | None = None,
    plans: Collection[str] = tuple(PLANS),
) -> dict[str, Found]:
    """What the inputs first, first + 1, ... gave, for each of the plans; both numbers are multiples of 512.

    With `constants` the kernels are given those of another eps. Where a plan has `results`, those are judged in the
    place of what the C++ gives. Raises native.CompilerError.
    """
    setting, results = case.setting(order, constants), results or {}
    setting.swept[:] = [plan in plans for plan in PLANS]
    bars = [bar(plan, order) for plan in PLANS]
    tallies = (Tally * len(PLANS))(*(Tally(b.beside(case.N), b.below, b.smaller.absolute) for b in bars))
    given = [results[plan].ctypes.data if plan in results else None for plan in PLANS]
    pointers = (ctypes.c_void_p * len(PLANS))(*given)
    case.library.sweep_binary32(first, count, order, *map(ctypes.byref, (setting, pointers, tallies)))
    return {
        plan: decided(case, plan, order, setting, tally, first, results.get(plan))
        for plan, tally in zip(PLANS, tallies)
        if plan in plans
    }


def decided(
    case: Case, plan: str, order: int, setting: Setting, tally: Tally, first: int, given: NDArray[np.float32] | None
) -> Found:
    """The tally, with the inputs that it left open decided by exact arithmetic."""
    if tally.closes > ROOM:
        raise OverflowError(f"more than {ROOM} inputs of a chunk are too close to decide")
    names = {f.name for f in fields(Found)} - {"counts", "decided"}
    found = Found(list(tally.counts), decided=tally.closes, **{name: getattr(tally, name) for name in names})
    close = tally.close[: tally.closes]
    xs = numbers(close)
    ys = case.run(plan, xs, order, setting) if given is None else given[[code - first for code in close]]
    for code, x, y in zip(close, xs.tolist(), ys.tolist()):
        f = case.exact(x, order)
        found.misrounded += y != round_to(f, FORMAT)
        if order == 0 and y == 0 and f and math.copysign(1, y) != math.copysign(1, f):
            found.wrong, found.wrong_at = found.wrong + 1, code
    return found


def bar(plan: str, order: int) -> Bar:
    return BARS[plan, FORMAT.name, order]


def trusted(case: Case, order: int, count: int = SAMPLE) -> float:
    """The largest error of the reference on so many inputs, in ulps of binary32, as far as the oracle sees it."""
    xs = decode(evenly(FORMAT, count), FORMAT)
    truth = values(case.activation, case.N, xs, FORMATS["binary64"], case.value, order=order)  # 2^-69 ulp of binary32
    high, low = case.reference(xs, order)
    with np.errstate(under="ignore"):
        error = (np.ldexp(high, truth.shift) - truth.high) + (np.ldexp(low, truth.shift) - truth.low)
        return float(np.ldexp(np.abs(error), -(truth.exponent(FORMAT) + truth.shift)).max())
