"""The formulas of spec files: what they may contain, checked before anything reads them, and how large they may get.

A formula holds whole and decimal numbers, names, + - * / ^ (or **), unary minus and parentheses. The text is cut into
tokens and its length, nesting and numbers are limited before `expressions` parses it; every power is limited as it is
formed. Nothing of it is executed.
"""

import re
from collections.abc import Mapping
from fractions import Fraction

from flint import fmpq

from gem_symbolic.expressions import ExpressionError, evaluate
from gem_symbolic.spec.rational import Rational, constant

#: The limits of a formula: characters, tokens, nested parentheses, digits of a number, size of a decimal exponent.
CHARACTERS, TOKENS, NESTING, DIGITS, TENS = 2000, 400, 40, 60, 60
#: The limits of its value: an exponent, the degree of numerator and denominator, the bits of a coefficient.
EXPONENT, DEGREE, BITS = 1000, 100, 20_000

TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z]\w*)|(?P<sign>\*\*|[-+*/^])"
    r"|(?P<open>\()|(?P<close>\)))",
    re.ASCII,
)


def checked(text: str, known: Mapping[str, object]) -> str:
    """The formula as `expressions` reads it: decimals as quotients, ** for ^. Raises ExpressionError."""
    if len(text) > CHARACTERS:
        raise ExpressionError(f"it has {len(text)} characters; the limit is {CHARACTERS}")
    words, depth, at, operand = [], 0, 0, False
    text = text.strip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match:
            raise ExpressionError(
                f"{text[at:].lstrip()[0]!r} is not allowed in a formula; write numbers, names, + - * / ^ and ( )"
            )
        word, kind, at = match[match.lastgroup or ""], match.lastgroup, match.end()
        if operand and kind in ("number", "name", "open"):
            raise ExpressionError(f"a sign such as * is missing before {shown(word)!r}")
        if not operand and (kind == "close" or (kind == "sign" and word != "-")):
            raise ExpressionError(f"a number or a name is missing before {word!r}")
        if kind == "name" and word not in known:
            raise ExpressionError(f"it names {shown(word)!r}; known are {', '.join(known) or 'no names'}")
        depth += (kind == "open") - (kind == "close")
        if depth > NESTING or depth < 0:
            raise ExpressionError(
                "a ')' has no '('" if depth < 0 else f"its parentheses are nested deeper than {NESTING}"
            )
        operand = kind in ("number", "name", "close")
        words.append({"number": number, "sign": power_sign}.get(str(kind), str)(word))
        if len(words) > TOKENS:
            raise ExpressionError(f"it has more than {TOKENS} numbers, names and signs")
    if depth or not operand:
        raise ExpressionError("it is empty" if not words else "it ends too early")
    return " ".join(words)


def shown(word: str, length: int = 40) -> str:
    """A word of the user's, cut to what fits a sentence, on one line, with ? for what cannot be printed."""
    word = "".join(c if c.isprintable() else "?" for c in " ".join(word[: 2 * length].split()))
    return word if len(word) <= length else f"{word[: length - 3]}..."


def power_sign(word: str) -> str:
    return "**" if word == "^" else word


def number(word: str) -> str:
    """A number as a quotient of integers. Raises ExpressionError."""
    digits, _, tens = word.lower().partition("e")
    if len(digits) > DIGITS or len(tens) > 4 or abs(int(tens or 0)) > TENS:
        raise ExpressionError(f"the number {shown(word)} is too long; the limits are {DIGITS} digits and e{TENS}")
    value = Fraction(word)
    return str(value) if value.denominator == 1 else f"({value})"


def limited(value: Rational) -> Rational:
    """The value, within the limits. Raises ExpressionError."""
    if max(value.num.degree(), value.den.degree()) > DEGREE:
        raise ExpressionError(f"its degree is above {DEGREE}")
    if max(int(c).bit_length() for p in (value.num, value.den) for c in (*p.numer().coeffs(), p.denom())) > BITS:
        raise ExpressionError(f"its coefficients have more than {BITS} bits")
    return value


def power(base: Rational, exponent: Rational) -> Rational:
    """base to an integer, refused before it is too large to form. Raises ExpressionError."""
    value = exponent.constant
    if value is None or value.q != 1:
        raise ExpressionError(f"the exponent {shown(str(exponent))} is not an integer")
    n = int(value.p)
    if base.constant == 0:
        return base ** max(-1, min(n, 1))
    if abs(n) > EXPONENT or abs(n) * max(base.num.degree(), base.den.degree()) > DEGREE:
        raise ExpressionError(f"the power {shown(str(n))} is too large; the limits are {EXPONENT} and degree {DEGREE}")
    return limited(base**n)


def read(text: str, names: Mapping[str, Rational]) -> Rational:
    """The rational function that a formula in those names stands for. Raises ExpressionError, in one sentence."""

    def whole(value: int) -> Rational:
        return constant(fmpq(value))

    try:
        return limited(evaluate(checked(text, names), names, number=whole, power=power))
    except ZeroDivisionError:
        raise ExpressionError(f"{shown(text)!r} divides by zero") from None
