"""Exact parameters: what a user may write for N, eps and scale, and the real numbers they mean.

Standard library only. The emitted kernels carry these functions verbatim, so each must stand on its own.
"""

import functools
import math
from fractions import Fraction

from gem_symbolic.layout import uncompiled


def exact(value, name):
    """The rational number that a user wrote.

    int and Fraction stand for themselves, a string is a decimal ("1e-4") or a quotient ("1/3"), a float means its
    shortest decimal (1e-4 is 1/10000, not the nearest binary number). Raises ValueError, in one sentence, otherwise.
    """
    accepted = isinstance(value, (int, float, str, Fraction)) and not isinstance(value, bool)
    try:
        number = Fraction(repr(value) if isinstance(value, float) else value) if accepted else None
    except (ValueError, ZeroDivisionError, OverflowError):
        number = None
    if number is None:
        raise ValueError(
            f"{name} must be a rational number: an int, a Fraction, a finite float, "
            f'or a string such as "1e-4" or "1/3"; got {value!r}'
        )
    return number


def resolve(N, eps=None, scale=None, default="1e-4"):
    """(N, eps) as an int >= 1 and a Fraction > 0, from eps or from scale, where eps = scale**(2N).

    With neither given, eps is the default. Raises ValueError, in one sentence, for anything else.
    """
    if isinstance(N, bool) or not hasattr(N, "__index__") or N.__index__() < 1:
        raise ValueError(f"N must be an integer >= 1; got {N!r}")
    N = N.__index__()
    if eps is not None and scale is not None:
        raise ValueError("give eps or scale, not both: eps = scale**(2N)")
    name, value = ("eps", default if eps is None else eps) if scale is None else ("scale", scale)
    number = exact(value, name)
    if number <= 0:
        raise ValueError(f"{name} must be > 0; got {value!r}")
    return N, number if scale is None else number ** (2 * N)


def root(value, degree, bits):
    """value**(1/degree) for a Fraction > 0 and an integer degree >= 1, rounded to nearest with `bits` bits, exactly.

    Returns a Fraction with a power of two as its denominator (or an integer). Exponents are unbounded; an irrational
    root is never a tie, a rational tie goes to even.
    """
    p, q = value.numerator, value.denominator
    exponent = (p.bit_length() - q.bit_length()) // degree - bits - 1  # leaves bits + 1 or bits + 2 bits below
    shift = exponent * degree
    target = Fraction(p, q << shift) if shift >= 0 else Fraction(p << -shift, q)
    whole = target.numerator // target.denominator
    low, high = 0, 1 << (whole.bit_length() // degree + 1)
    while high - low > 1:  # the integer root, by bisection: low**degree <= whole < high**degree
        middle = (low + high) // 2
        low, high = (middle, high) if middle**degree <= whole else (low, middle)
    sticky = low**degree != target  # something non-zero was cut off
    extra = low.bit_length() - bits
    unit, rest = 1 << extra, low % (1 << extra)
    up = 2 * rest > unit or (2 * rest == unit and (sticky or low // unit % 2 == 1))
    return Fraction(low // unit + up) * unit * Fraction(2) ** exponent


def scale_constants(N, eps, bits, lowest, highest):
    """(s, 1/s) as floats, s = eps**(1/2N), each the nearest number with `bits` significant bits.

    `lowest` and `highest` are the exponents of the smallest and largest normal power of two of the type that computes.
    Raises ValueError, in one sentence, where the scale or its inverse leaves that range.
    """
    constants = root(eps, 2 * N, bits), root(1 / eps, 2 * N, bits)
    if any(not Fraction(2) ** lowest <= c < Fraction(2) ** highest for c in constants):
        exponent = (math.log2(eps.numerator) - math.log2(eps.denominator)) / (2 * N)
        raise ValueError(
            f"the scale eps**(1/{2 * N}) is about 2**{exponent:.0f}, outside the range 2**{lowest} to 2**{highest} "
            f"of the type that computes; choose eps nearer to 1"
        )
    return float(constants[0]), float(constants[1])


def pair_constants(N, eps, bits, lowest, highest):
    """(s_low, inv_s_low, up, down) for the scale s of `scale_constants`, with the same range of exponents.

    s + s_low and 1/s + inv_s_low have twice the bits; up is a power of two, as large as s*up and 1/up allow; down is
    its inverse.
    """
    whole = root(eps, 2 * N, 3 * bits), root(1 / eps, 2 * N, 3 * bits)
    highs = [root(value, 1, bits) for value in whole]
    lows = [
        math.copysign(float(root(abs(a - b), 1, bits)), a - b) if a != b else 0.0
        for a, b in zip(whole, highs, strict=True)
    ]
    binade = math.frexp(float(highs[0]))[1]  # s < 2**binade
    up = 2.0 ** min(-lowest, highest - 2 - binade)
    return *lows, up, 1 / up


def remembered(function):
    """The function, keeping what it gave by the values and types of its arguments, where those can be hashed."""
    known = functools.lru_cache(maxsize=None, typed=True)(function)

    @functools.wraps(function)
    def call(*args):
        try:
            return known(*args)
        except TypeError:
            return function(*args)

    return uncompiled(call)


def constants(N, eps, scale, formats):
    """(N, eps, for each format (s, 1/s) or None, for the first what pairs need besides or None), from the user's words.

    A format is its bits and the exponents of its first and last normal binade; None stands where the scale is out of
    its range. Raises ValueError as `resolve`.
    """
    N, eps = resolve(N, eps, scale)
    found = []
    for format in formats:
        try:
            found.append(scale_constants(N, eps, *format))
        except ValueError:
            found.append(None)
    return N, eps, *found, None if found[0] is None else pair_constants(N, eps, *formats[0])
