"""Correct rounding to a binary format and distances in units in the last place, in exact rational arithmetic.

Standard library only. Every number of the four formats is a Python float, so results are floats wherever a format's
number is meant; what is rounded may be an int, a Fraction, a float or anything else with `as_integer_ratio`, or an mpf.
"""

import math
from fractions import Fraction
from typing import Any

from gem_symbolic.formats import FORMATS, Format

#: Beyond 2**LARGEST and below 2**-LARGEST a number is refused rather than written out as a quotient of huge integers.
LARGEST = 1 << 20


def find_format(format: str | Format) -> Format:
    """The format, given itself or its name. Raises ValueError naming the known ones."""
    if isinstance(format, Format):
        return format
    if format not in FORMATS:
        raise ValueError(f"unknown format {format!r}; known are {', '.join(FORMATS)}")
    return FORMATS[format]


def as_fraction(value: Any) -> Fraction:
    """The exact value of a finite int, Fraction, float or mpf. Raises ValueError, in one sentence."""
    if not hasattr(value, "man_exp"):
        try:
            return Fraction(*value.as_integer_ratio())
        except (AttributeError, OverflowError, TypeError, ValueError):
            raise ValueError(f"a finite real number is needed; got {value!r}") from None
    mantissa, shift = map(int, value.man_exp)
    if shift and not mantissa:  # how an mpf spells inf and nan
        raise ValueError(f"a finite real number is needed; got {value!r}")
    if abs(shift) > LARGEST:
        raise ValueError(f"the magnitude of a number must be within 2**-{LARGEST} to 2**{LARGEST}; got {value!r}")
    return (-1 if value < 0 else 1) * mantissa * Fraction(2) ** shift  # the mantissa of an mpf has no sign


def within_reach(value: Any) -> Fraction:
    """As `as_fraction`, but an mpf of a size that it refuses is brought to 2**±LARGEST: rounding sees no difference."""
    mantissa, shift = map(int, value.man_exp) if hasattr(value, "man_exp") else (0, 0)
    if not mantissa or abs(shift) <= LARGEST:
        return as_fraction(value)
    return (-1 if value < 0 else 1) * Fraction(2) ** (LARGEST if shift > 0 else -LARGEST)


def exponent(value: Fraction) -> int:
    """e with 2**e <= |value| < 2**(e + 1), for a value other than 0."""
    p, q = abs(value.numerator), value.denominator
    e = p.bit_length() - q.bit_length()
    return e if (p >= q << e if e >= 0 else p << -e >= q) else e - 1


def ulp(value: Any, format: str | Format) -> Fraction:
    """The unit in the last place at an exact real value: the spacing of the format on the binade of |value|.

    The binade is closed at its lower end. At and below the smallest normal number the unit is the smallest subnormal,
    beyond the largest finite number it is that of the last binade.
    """
    format, value = find_format(format), as_fraction(value)
    e = min(max(exponent(value), format.emin), format.emax) if value else format.emin
    return Fraction(2) ** (e - format.precision + 1)


def round_to(value: Any, format: str | Format) -> float:
    """The nearest number of the format, ties to even, as a float: subnormals, signed zero and overflow as in IEEE 754.

    A negative value that rounds to zero gives -0.0; -0.0, inf and nan stand for themselves. Raises ValueError for what
    is not a real number.
    """
    format = find_format(format)
    if isinstance(value, float) and (not math.isfinite(value) or value == 0):
        return float(value)
    exact = within_reach(value)
    unit = ulp(exact, format)
    rounded = round(exact / unit) * unit  # round() takes ties to even
    magnitude = math.inf if abs(rounded) > format.max else float(abs(rounded))
    return -magnitude if exact < 0 else magnitude


def ulp_distance(computed: float, exact: Any, format: str | Format) -> float:
    """|computed - exact| / ulp(exact), correctly rounded to a float: how far a result is off.

    `exact` is finite. A NaN is infinitely far off, and so is an infinity unless `exact` itself rounds to it.
    """
    format = find_format(format)
    if not math.isfinite(computed):
        return 0.0 if computed == round_to(exact, format) else math.inf
    distance = abs(as_fraction(computed) - as_fraction(exact)) / ulp(exact, format)
    return float(distance) if distance < Fraction(2) ** 1023 else math.inf
