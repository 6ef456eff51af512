"""The constants that a call passes, beside the real numbers that they stand for: decided by powers of exact numbers.

A file carries the very functions that are called here, and a call is seen to use them with the format's bits.
"""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from gem_symbolic.formats import FORMATS, Format
from gem_symbolic.parameters import pair_constants, scale_constants

#: The formats that kernels compute in, that in which they do so in pairs, and the eps that are looked at.
COMPUTED = ("binary32", "binary64")
PAIRED = "binary32"
EPS = ("1e-30", "1e-6", "1e-4", "1e-2", "1/3", "1", "10", "4096", "1e30")


def nearest(number: Fraction, power: Fraction, degree: int, form: Format, beside: Fraction = Fraction(0)) -> bool:
    """Whether a number is the one of the format that is nearest to power**(1/degree) - beside: by powers alone.

    Between normal numbers; of two that are equally near it is the one whose last bit is 0.
    """
    if not number:
        return beside**degree == power
    size = abs(number)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    exponent -= size < Fraction(2) ** exponent
    unit = Fraction(2) ** (exponent - form.precision + 1)
    below = unit / 2 if size == Fraction(2) ** exponent else unit  # the distance to the next number towards 0
    down, up = (below, unit) if number > 0 else (unit, below)
    low, high = (beside + number - down / 2) ** degree, (beside + number + up / 2) ** degree
    last = number / unit
    inside = low < power < high or (last % 2 == 0 and power in (low, high))
    return last.denominator == 1 and exponent >= form.emin and inside


def single(N: int, eps: Fraction, form: Format) -> str:
    """What is wrong with (s, 1/s), empty if nothing is."""
    for name, value, power in zip(("s", "1/s"), scale_constants(N, eps, *numbers(form)), (eps, 1 / eps)):
        if not nearest(Fraction(value), power, 2 * N, form):
            return f"{value!r} is not the nearest number to {name}"
    return ""


def paired(N: int, eps: Fraction, form: Format) -> str:
    """What is wrong with the low parts of (s, 1/s), or with the power of two and its inverse."""
    highs = tuple(map(Fraction, scale_constants(N, eps, *numbers(form))))
    *lows, up, down = map(Fraction, pair_constants(N, eps, *numbers(form)))
    for name, high, low, power in zip(("s", "1/s"), highs, lows, (eps, 1 / eps)):
        if not nearest(low, power, 2 * N, form, beside=high):
            return f"{float(low)!r} is not the nearest number to what rounding left of {name}"
    if up * down != 1 or 1 not in (up.denominator, up.numerator) or (up.numerator * up.denominator).bit_count() != 1:
        return f"{float(up)!r} and {float(down)!r} are not a power of two and its inverse"
    if up != form.tiny**-1 and highs[0] * up * 8 < Fraction(2) ** form.emax:
        return f"{float(up)!r} is smaller than s and its own inverse allow"
    for name, value in (("up", up), ("down", down), ("s*up", highs[0] * up), ("s_low*up", abs(lows[0]) * up)):
        if value and not form.tiny <= value <= form.max:
            return f"{name} is out of range"
    return ""


def numbers(form: Format) -> tuple[int, int, int]:
    return form.precision, form.emin, form.emax


def examined(Ns: Sequence[int], fixed: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """What is looked at, what is wrong there, or else what holds: for these N, and the eps unless that is fixed."""
    shown = f"for eps = {', '.join(fixed or EPS)}"
    checks: Mapping[str, tuple[str, str]] = {
        **{name: (name, f"s and 1/s are the nearest numbers {shown}") for name in COMPUTED},
        f"{PAIRED}, pairs": (PAIRED, f"the low parts are the nearest numbers, and up is a power of two {shown}"),
    }
    for title, (name, why) in checks.items():
        check, wrong = (single if title == name else paired), ""
        for N, eps in ((N, eps) for N in Ns for eps in map(Fraction, fixed or EPS)):
            found = check(N, eps, FORMATS[name])
            wrong = wrong or (found and f"N = {N}, eps = {eps}: {found}")
        yield title, wrong, why
