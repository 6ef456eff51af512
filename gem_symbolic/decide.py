"""Signs and root counts for every n at once: the decisions that proofs end in, by polynomial arithmetic alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from gem_symbolic.algebra import Algebra


@dataclass(frozen=True)
class Verdict:
    """The outcome of a decision: True, False with a rational point that shows it, or None for undecided; and why."""

    holds: bool | None
    why: str
    point: Mapping[str, Fraction] | None = None
    value: str | None = None


RELATIONS = {">": (1, True), ">=": (1, False), "<": (-1, True), "<=": (-1, False)}
LAST_CASE = 32  # even n up to which single cases are looked at before the search for a bound is given up


def sign(algebra: Algebra, element: Any, relation: str, first: int = 2) -> Verdict:
    """Whether the element has the sign for every even n >= first and every positive value of the other symbols.

    Factor; a factor of even multiplicity cannot be negative; the sign of every other factor is read off its
    coefficients after n -> n + first, or decided by counting its positive roots for every n (see `root_counts`).
    Denominators must have no zero there either.
    """
    wanted, strict = RELATIONS[relation]
    if algebra.constant(element) == 0:
        return Verdict(not strict, "it is zero", {"n": Fraction(first)} if strict else None)
    numerator, denominator = algebra.fraction(element)
    reasons, total = [], wanted
    for part, must_not_vanish in ((numerator, strict), (denominator, True)):
        constant, factors = algebra.factors(part)
        total *= 1 if constant > 0 else -1
        for factor, multiplicity in factors:
            if str(factor) in algebra.symbols:
                continue
            if multiplicity % 2 == 0 and not must_not_vanish:
                reasons.append(f"({factor})^{multiplicity} is a square")
                continue
            found, why = factor_sign(algebra, factor, first)
            reasons.append(why)
            if found is None:
                point = disagreement(algebra, element, wanted, strict, first)
                return Verdict(False if point else None, "; ".join(reasons), point)
            total *= found**multiplicity
    if total < 0:
        return Verdict(False, "the sign is the opposite", disagreement(algebra, element, wanted, strict, first))
    return Verdict(True, "; ".join(reasons) or "nothing else in it can change the sign")


def factor_sign(algebra: Algebra, factor: Any, first: int) -> tuple[int | None, str]:
    """+1 or -1 if the polynomial keeps that sign, without zeros, for even n >= first and other symbols > 0."""
    shifted = algebra.terms(algebra.substitute(factor, n=algebra.gens["n"] + algebra.number(first)))
    place = algebra.symbols.index("n")
    signs = {1 if c > 0 else -1 for c in shifted.values()}
    if len(signs) == 1 and any(exponents[place] == 0 for exponents in shifted):
        found = signs.pop()
        positive = "positive" if found > 0 else "negative"
        shift = f" in n - {first}" if "n" in algebra.occurring(factor) else ""
        return found, f"{factor} has only {positive} coefficients{shift}"
    others = algebra.occurring(factor) - {"n"}
    if len(others) > 1:
        return None, f"the sign of {factor} is not decided"
    symbol = others.pop() if others else "u"
    counts = root_counts(algebra, factor, symbol, first)
    if counts is None or any(counts.values()):
        return None, f"{factor} changes its sign or is not decided"
    values = {algebra.sample(factor, n=n, **{symbol: 1}) for n in counts}
    if 0 in values or len({v > 0 for v in values if v is not None}) != 1:
        return None, f"{factor} changes its sign with n"
    found = 1 if (values.pop() or 0) > 0 else -1
    cases = ", ".join(str(n) for n in counts)
    return found, f"{factor} has no root {symbol} > 0 for n = {cases} and so, its discriminant being non-zero, beyond"


def root_counts(algebra: Algebra, polynomial: Any, symbol: str, first: int) -> dict[int, int] | None:
    """The number of roots symbol > 0 of an irreducible polynomial in n and that symbol, for every even n >= first.

    The leading and constant coefficients and the discriminant are polynomials in n; beyond their last real root the
    number of positive roots cannot change. So it is counted for each even n up to there, and the last entry of the
    answer stands for every n from there on. None where no bound is found.
    """
    rows = algebra.coefficients(polynomial, symbol)
    watched = rows if len(rows) == 1 else [rows[-1], rows[0], algebra.discriminant(polynomial, symbol)]
    watched = [w for w in watched if algebra.constant(w) != 0]
    square_free = [factor for w in watched for factor, _ in algebra.factors(w)[1]]
    counts = {}
    for n in range(first, LAST_CASE, 2):
        row = [algebra.sample(c, n=n) or Fraction(0) for c in rows]
        counts[n] = count_positive(algebra, row)
        below = Fraction(n)
        settled = all(
            algebra.sample(f, n=n) != 0
            and algebra.count_roots([algebra.constant(c) or Fraction(0) for c in algebra.coefficients(f, "n")], below)
            == 0
            for f in square_free
        )
        if settled:
            return counts
    return None


def count_positive(algebra: Algebra, row: Sequence[Fraction]) -> int:
    """Distinct roots > 0 of a univariate polynomial, constant term first; it need not be square-free."""
    element = algebra.number(0)
    for k, c in enumerate(row):
        element = element + algebra.number(c) * algebra.gens["u"] ** k
    if algebra.constant(element) is not None:
        return 0
    _, factors = algebra.factors(element)
    return sum(
        algebra.count_roots([algebra.constant(c) or Fraction(0) for c in algebra.coefficients(f, "u")], Fraction(0))
        for f, _ in factors
    )


def grid() -> Iterator[Fraction]:
    """Positive rationals to try: small heights first, then far out."""
    for q in range(1, 17):
        for p in range(1, 6 * q):
            yield Fraction(p, q)
    for k in range(3, 12):
        yield Fraction(2**k)
        yield Fraction(1, 2**k)


def disagreement(
    algebra: Algebra, element: Any, wanted: int, strict: bool, first: int
) -> Mapping[str, Fraction] | None:
    """A rational point (even n >= first, the other symbols positive) where the element has the wrong sign."""
    others = sorted(algebra.occurring(element) - {"n"})
    for n in range(first, first + 16, 2):
        for value in grid():
            point = dict.fromkeys(others, Fraction(1)) | ({others[-1]: value} if others else {})
            found = algebra.sample(element, n=n, **point)
            if found is not None and (found * wanted < 0 or (strict and found == 0)):
                return {"n": Fraction(n), **point}
    return None
