"""Decisions for every n, against brute force: signs and root counts of polynomials in n and u, in both engines."""

import operator
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gem_symbolic.algebra import Algebra
from gem_symbolic.checkers.flint import FlintAlgebra
from gem_symbolic.decide import count_positive, root_counts, sign
from gem_symbolic.sympyfield import SymPyAlgebra

RELATIONS = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
ENGINES = (SymPyAlgebra, FlintAlgebra)
COEFFICIENT = st.integers(-6, 6)
ROWS = st.lists(st.lists(COEFFICIENT, min_size=1, max_size=3), min_size=1, max_size=4)
POINTS = [Fraction(p, q) for q in (1, 3, 7) for p in range(1, 8 * q)]


def element(algebra: Algebra, rows: list[list[int]]) -> object:
    """sum of rows[j][i] n^i u^j."""
    total = algebra.number(0)
    for j, row in enumerate(rows):
        for i, c in enumerate(row):
            total = total + algebra.number(c) * algebra.gens["n"] ** i * algebra.gens["u"] ** j
    return total


def value(rows: list[list[int]], n: int, u: Fraction) -> Fraction:
    return sum((c * Fraction(n) ** i * u**j for j, row in enumerate(rows) for i, c in enumerate(row)), Fraction(0))


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=150, deadline=None)
@given(rows=ROWS, relation=st.sampled_from(sorted(RELATIONS)))
def test_signs_agree_with_brute_force(engine: type[Algebra], rows: list[list[int]], relation: str) -> None:
    algebra, true = engine(["n", "u"]), RELATIONS[relation]
    verdict = sign(algebra, element(algebra, rows), relation)
    if verdict.holds:
        assert all(true(value(rows, n, u), 0) for n in range(2, 30, 2) for u in POINTS)
    elif verdict.holds is False:
        assert verdict.point is not None
        n, u = verdict.point["n"], verdict.point.get("u", Fraction(1))
        assert not true(value(rows, int(n), u), 0)


@settings(max_examples=150, deadline=None)
@given(rows=ROWS)
def test_the_engines_agree_on_signs(rows: list[list[int]]) -> None:
    first, second = (sign(a, element(a, rows), ">=") for a in (engine(["n", "u"]) for engine in ENGINES))
    assert first.holds == second.holds


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=60, deadline=None)
@given(roots=st.lists(st.tuples(st.integers(-4, 4), st.integers(1, 3)), min_size=1, max_size=4))
def test_roots_are_counted(engine: type[Algebra], roots: list[tuple[int, int]]) -> None:
    algebra = engine(["n", "u"])
    row = [Fraction(1)]
    for p, q in roots:  # times (q u - p)
        row = [q * a - p * b for a, b in zip([Fraction(0), *row], [*row, Fraction(0)], strict=True)]
    assert count_positive(algebra, row) == len({Fraction(p, q) for p, q in roots if p > 0})


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
def test_root_counts_hold_beyond_the_cases_looked_at(engine: type[Algebra], rows: list[list[int]]) -> None:
    algebra = engine(["n", "u"])
    for factor, _ in algebra.factors(element(algebra, rows))[1] if any(map(any, rows)) else []:
        counts = root_counts(algebra, factor, "u", 2) if "u" in algebra.occurring(factor) else None
        for n in range(2, 80, 6) if counts else ():
            row = [algebra.sample(c, n=n) or Fraction(0) for c in algebra.coefficients(factor, "u")]
            expected = counts.get(n, counts[max(counts)]) if counts else 0
            assert count_positive(algebra, row) == expected


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("text", "relation", "holds"),
    [
        ([[-1], [0, 1]], ">", False),  # n u - 1 has a root u = 1/n
        ([[1], [-2], [1]], ">=", True),  # (u - 1)^2
        ([[1], [-2], [1]], ">", False),
        ([[1, -6, 1]], ">", False),  # n^2 - 6 n + 1 is negative at n = 2
        ([[5], [-4], [1]], ">", True),  # u^2 - 4 u + 5 has no real root
        ([[2, -1]], "<", False),  # 2 - n is 0 at n = 2
        ([[0]], ">=", True),
        ([[0]], ">", False),
    ],
)
def test_known_signs(engine: type[Algebra], text: list[list[int]], relation: str, holds: bool) -> None:
    algebra = engine(["n", "u"])
    assert sign(algebra, element(algebra, text), relation).holds is holds


@pytest.mark.parametrize("engine", ENGINES)
def test_a_sign_may_start_at_a_later_n(engine: type[Algebra]) -> None:
    algebra = engine(["n", "u"])
    assert sign(algebra, element(algebra, [[1, -6, 1]]), ">", first=6).holds


@pytest.mark.parametrize("engine", ENGINES)
def test_a_pole_is_no_positive_value(engine: type[Algebra]) -> None:
    algebra = engine(["n", "u"])
    u = algebra.gens["u"]
    assert sign(algebra, u / (u - algebra.number(1)) ** 2, ">=").holds is not True
