"""Calculus for every N at once, against the oracle at single ones and against numpy."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gem_symbolic.algebra import Algebra
from gem_symbolic.calculus import derivative, leading_term, study, taylor_coefficient, value_at, zeros
from gem_symbolic.checkers.flint import FlintAlgebra
from gem_symbolic.definitions import EGEM, SEGEM, VARIANTS, Activation
from gem_symbolic.expressions import evaluate as formula
from gem_symbolic.piecewise import build
from gem_symbolic.reference import evaluate
from gem_symbolic.sympyfield import SymPyAlgebra

ENGINES = (SymPyAlgebra, FlintAlgebra)
CASES = [(name, order, side) for name in VARIANTS for order in range(3) for side in (-1, 1)]


def on_side(activation: Activation, engine: type[Algebra], order: int, side: int) -> tuple[Algebra, Any]:
    model = build(activation, engine)
    return model.algebra, derivative(model.pieces[0 if side < 0 else -1].value, order)


def exact(activation: Activation, x: Fraction, N: int, order: int) -> Any:
    eps = None if any(p.fixed for p in activation.parameters) else 1
    return evaluate(activation, x, N, eps, order=order, dps=30)


def number(text: str, n: int) -> Any:
    """A formula in n at eps = 1."""
    v = {"s": mpmath.mpf(1), "n": mpmath.mpf(n)}
    return formula(text, v, number=mpmath.mpf, functions={"sqrt": mpmath.sqrt})


@pytest.mark.parametrize(("name", "order", "side"), CASES)
@pytest.mark.parametrize("N", [1, 2, 5])
def test_a_study_is_what_the_oracle_shows(name: str, order: int, side: int, N: int) -> None:
    activation, n = VARIANTS[name], 2 * N
    found = study(*on_side(activation, SymPyAlgebra, order, side), side)
    assert found is not None
    places = [number(z.formula or "", n) ** (mpmath.mpf(1) / n) for z in found.turns]
    assert places == sorted(places)
    edges = [mpmath.mpf(0), *places, (places[-1] if places else mpmath.mpf(1)) * 4]
    for (low, high), sign in zip(pairwise(edges), found.signs, strict=True):
        for k in range(1, 8):
            t = low + (high - low) * k / 8
            slope = exact(activation, Fraction(str(side * t)), N, order + 1) * side
            assert np.sign(float(slope)) == sign


@pytest.mark.parametrize(("name", "order", "side"), CASES)
@pytest.mark.parametrize("N", [1, 3])
def test_the_value_at_a_turn_is_the_oracle_s(name: str, order: int, side: int, N: int) -> None:
    activation, n = VARIANTS[name], 2 * N
    algebra, f = on_side(activation, SymPyAlgebra, order, side)
    found = study(algebra, f, side)
    assert found is not None
    for turn in found.turns:
        assert turn.formula is not None
        u = number(turn.formula, n)
        value = value_at(algebra, f, turn, side, "v")
        assert value is not None
        claimed = formula(
            value, {"s": mpmath.mpf(1), "n": mpmath.mpf(n), "v": u}, number=mpmath.mpf, functions={"sqrt": mpmath.sqrt}
        )
        seen = exact(activation, Fraction(str(side * u ** (mpmath.mpf(1) / n))), N, order)
        assert abs(claimed - seen) < 1e-12 * (1 + abs(seen))


@pytest.mark.parametrize(("name", "order", "side"), CASES)
def test_the_engines_agree(name: str, order: int, side: int) -> None:
    first, second = (study(*on_side(VARIANTS[name], engine, order, side), side) for engine in ENGINES)
    assert first is not None
    assert second is not None
    assert first.signs == second.signs
    for a, b in zip(first.turns, second.turns, strict=True):
        assert (a.low, a.high, a.at) == (b.low, b.high, b.at)


ROOTS = st.lists(st.fractions(-3, 3, max_denominator=6), min_size=1, max_size=4)


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=80, deadline=None)
@given(roots=ROOTS)
def test_zeros_are_the_positive_roots_in_order(engine: type[Algebra], roots: list[Fraction]) -> None:
    algebra = engine(["n", "x", "u"])
    f = algebra.gens["x"]
    for root in roots:
        f = f * (algebra.gens["u"] - algebra.number(root))
    found = zeros(algebra, f)
    assert found is not None
    expected = sorted({r for r in roots if r > 0})
    assert [Fraction(str(number(z.formula or "", 2))).limit_denominator(6) for z in found] == expected
    assert all(z.low < r <= z.high for z, r in zip(found, expected, strict=True))


@settings(max_examples=80, deadline=None)
@given(row=st.lists(st.integers(-9, 9), min_size=2, max_size=6))
def test_zeros_of_irreducible_factors_agree_with_numpy(row: list[int]) -> None:
    assume(row[-1] and row[0])
    algebra = FlintAlgebra(["n", "x", "u"])
    f = algebra.number(0)
    for k, c in enumerate(row):
        f = f + algebra.number(c) * algebra.gens["u"] ** k
    found = zeros(algebra, f)
    assert found is not None
    seen = sorted({round(r.real, 4) for r in np.roots(row[::-1]) if abs(r.imag) < 1e-5 and r.real > 0})
    assert len(found) == len(seen)
    assert all(float(z.low) - 1e-3 <= r <= float(z.high) + 1e-3 for z, r in zip(found, seen, strict=True))


@pytest.mark.parametrize("engine", ENGINES)
def test_what_differs_from_one_n_to_the_next_is_none(engine: type[Algebra]) -> None:
    algebra = engine(["n", "x", "u"])
    n, x, u = algebra.gens.values()
    assert zeros(algebra, (n - algebra.number(3)) * u - algebra.number(1)) is None  # a zero from n = 4 on only
    assert leading_term(algebra, x**5 + x * u, at_infinity=False) is None  # x^(n+1) leads for n < 4 only
    assert study(algebra, x * ((n - algebra.number(3)) * u - algebra.number(1)), 1) is None


@pytest.mark.parametrize("engine", ENGINES)
def test_multiplicity_at_the_junction(engine: type[Algebra]) -> None:
    for activation, exponent in ((EGEM, (1, 1)), (SEGEM, (1, 1))):
        model = build(activation, engine)
        left, right = (piece.value for piece in model.pieces)
        found = leading_term(model.algebra, right - left, at_infinity=False)
        assert found is not None
        assert (found.a, found.b) == exponent  # x^(n+1): C^n by the junction lemma


@pytest.mark.parametrize("engine", ENGINES)
def test_taylor_coefficients(engine: type[Algebra]) -> None:
    model = build(EGEM, engine)
    f = model.pieces[-1].value
    assert [model.algebra.constant(taylor_coefficient(model.algebra, f, 1, b)) for b in range(4)] == [0, 1, -1, 1]
    with pytest.raises(ZeroDivisionError):
        taylor_coefficient(model.algebra, f / model.algebra.gens["u"] ** 2, 1, 0)
