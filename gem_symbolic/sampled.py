"""The largest rounding errors that are seen: a program run in its format, and on the exact scale with more digits.

Inputs are drawn at random over the range of a case and over scales, those included whose rounding is worst; then the
worst inputs are followed to their neighbours. What is found is no bound, but a bound cannot lie below it.
"""

import hashlib
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gem_symbolic.formats import Format
from gem_symbolic.parameters import root
from gem_symbolic.roundoff import SCALE, Case

#: The numbers of a format, and those that the exact program is run in.
TYPES: dict[str, tuple[Any, Any]] = {"binary32": (np.float32, np.float64), "binary64": (np.float64, np.longdouble)}
#: How many inputs are drawn, how many of the worst are followed, to how many neighbours of each, how often.
DRAWN, FOLLOWED, NEIGHBOURS, ROUNDS = 1 << 18, 64, 1 << 10, 8
INPUTS = DRAWN + ROUNDS * FOLLOWED * NEIGHBOURS
#: Where all of w down to 0 is asked for, it is drawn down to this power of two.
LEAST = -100

Numbers = NDArray[Any]


def wide(value: Fraction, format: Format) -> Any:
    """The number in the wider type that is nearest."""
    type = TYPES[format.name][1]
    exponent = value.numerator.bit_length() - value.denominator.bit_length() - 60
    return np.ldexp(type(round(value / Fraction(2) ** exponent)), exponent)


def powers(exponents: Numbers, type: Any) -> Numbers:
    return np.exp2(exponents.astype(type))


class Sample:
    """Draws inputs of a case: |x| as numbers of its format, and scales in the wider type."""

    def __init__(self, case: Case, eps: Sequence[str]) -> None:
        self.case = case
        self.narrow, self.wide = TYPES[case.format.name]
        self.rng = np.random.default_rng(int(hashlib.sha256(case.id.encode()).hexdigest()[:8], 16))
        bits = 60
        self.fixed = [wide(root(Fraction(e), 2 * case.N, bits), case.format) for e in eps] if case.slip else []
        if case.unit:
            self.fixed = [self.wide(1)]

    def scales(self, count: int) -> Numbers:
        if self.fixed:
            return self.rng.choice(np.array(self.fixed, self.wide), count)
        scale = powers(self.rng.uniform(-SCALE, SCALE, count), self.wide)
        just_above = np.ldexp(self.wide(1), self.rng.integers(-SCALE, SCALE, count))
        halves = self.rng.integers(0, 1 << 10, count) + self.rng.choice([0.49, 0.51], count).astype(self.wide)
        just_above = just_above * (1 + halves * self.wide(2.0 ** (1 - self.case.format.precision)))
        return np.where(self.rng.random(count) < 0.5, scale, just_above)

    def ratios(self, count: int) -> Numbers:
        low, high = (max(LEAST, float(np.log2(float(w)))) if w else LEAST for w in (self.case.low, self.case.high))
        near = max(low, high - 2)  # where most of the variety is
        return powers(
            np.where(
                self.rng.random(count) < 0.6, self.rng.uniform(near, high, count), self.rng.uniform(low, high, count)
            ),
            self.wide,
        )

    def inputs(self, scale: Numbers, w: Numbers) -> Numbers:
        t = scale * w if self.case.region == "inside" else scale / w
        return t.astype(self.narrow)

    def errors(self, t: Numbers, scale: Numbers) -> Numbers:
        """In units of the case; 0 for what is not an input of it."""
        case, s = self.case, scale.astype(self.narrow)
        exact = t.astype(self.wide)
        got = case.program.evaluate({"t": t, "s": s}).astype(self.wide)
        want = case.program.evaluate({"t": exact, "s": scale})
        ratio = exact / scale if case.region == "inside" else scale / exact
        size = exact if case.region == "inside" else 1 / exact
        ends = [wide(e, case.format) if e else self.wide(0) for e in (case.low, case.high)]
        inside = t <= s if case.region == "inside" else t > s
        inside &= (ratio >= ends[0]) & (ratio <= ends[1]) & np.isfinite(size)
        error = np.abs(got - want) / (np.abs(want) if case.relative else 1)
        return np.where(inside & np.isfinite(error), error, 0) * self.wide(2.0**case.format.precision)

    def neighbours(self, t: Numbers, scale: Numbers) -> tuple[Numbers, Numbers]:
        """Inputs near to each: |x| by some places, the scale within some roundings unless it is given."""
        t, scale = np.repeat(t, NEIGHBOURS), np.repeat(scale, NEIGHBOURS)
        unit = self.narrow(2.0 ** (1 - self.case.format.precision))
        steps = np.rint(powers(self.rng.uniform(0, 14, t.size), self.narrow)) * self.rng.choice([-1, 1], t.size)
        moved = t * (1 + steps.astype(self.narrow) * unit)
        if not self.fixed:
            scale = scale * (1 + self.rng.integers(-64, 65, t.size) * self.wide(unit))
        return moved.astype(self.narrow), scale


def observed(case: Case, eps: Sequence[str]) -> float:
    """The largest error seen, in units of the case."""
    sample, worst = Sample(case, eps), 0.0
    with np.errstate(all="ignore"):
        scale = sample.scales(DRAWN)
        t = sample.inputs(scale, sample.ratios(DRAWN))
        for _ in range(ROUNDS + 1):
            errors = sample.errors(t, scale)
            worst = max(worst, float(errors.max()))
            best = np.argpartition(errors, -FOLLOWED)[-FOLLOWED:]
            t, scale = sample.neighbours(t[best], scale[best])
    return worst
