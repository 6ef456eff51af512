"""Numbers as they are typed on a command line, refused where exact arithmetic with them would take very long."""

import re
from fractions import Fraction

from gem_symbolic.parameters import exact

#: The largest N, the power of ten that a number and its inverse may reach, and in how many characters it is written.
LARGEST, TENS, LENGTH = 100, 60, 100


def integer(text: str, name: str) -> int | str:
    """The integer, or the text where it is none, for who reads it next to say so. Raises ValueError for a large one."""
    if not re.fullmatch(r"[+-]?\d+", text, re.ASCII):
        return text
    if len(text) > LENGTH or int(text) > LARGEST:
        raise ValueError(f"{name} must be at most {LARGEST}: beyond, exact arithmetic takes long; got {text[:LENGTH]}")
    return int(text)


def rational(text: str, name: str) -> Fraction:
    """The rational number. Raises ValueError for what is none, and for what is too large, too small or too long."""
    tens = text.lower().partition("e")[2]
    number = exact(text, name) if len(text) <= LENGTH and len(tens) <= 4 else None
    if number is None or (number > 0 and not Fraction(1, 10**TENS) <= number <= 10**TENS):
        limits = f"from 1e-{TENS} to 1e{TENS}, in at most {LENGTH} characters"
        raise ValueError(f"{name} must be {limits}; got {text[:LENGTH]!r}")
    return number
