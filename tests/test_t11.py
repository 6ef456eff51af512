"""T11: the two ways to enclose a distance from GELU and SiLU, against values that no code of ours computed."""

from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

import mpmath
import pytest
from flint import arb, ctx

from gem_symbolic.checkers.arb import BITS, Concrete
from gem_symbolic.checkers.rivals import LAWS, Difference, Law, distance, normal_survival
from gem_symbolic.definitions import EGEM, SEGEM, SEGEM_GATED, Activation, Branch
from gem_symbolic.prover import Prover
from gem_symbolic.reference import evaluate

#: Over the digits printed in the claims.
FROM_RELU = {"gelu": "0.16997120747990366169387", "silu": "0.27846454276107379510936"}


def rival(law: str, x: float) -> Any:
    return x * (mpmath.ncdf(x) if law == "gelu" else 1 / (1 + mpmath.exp(-x)))


@pytest.mark.parametrize("law", LAWS)
def test_the_distance_of_relu_in_both_ways(law: str) -> None:
    with ctx.workprec(BITS):
        known, unit = arb(FROM_RELU[law]), arb(2) ** -50
        by_root, relu = LAWS[law].largest(), Concrete(EGEM, 1, Fraction(1)).evaluate(f"distance(relu, {law})")
    assert abs(by_root - known) < arb(10) ** -22
    assert by_root.rad() < arb(2) ** -100
    assert abs(relu - known) < unit
    assert not abs(relu - known - 2 * unit) < unit  # the comparison can fail


@pytest.mark.parametrize(
    ("activation", "N", "eps"),
    [(EGEM, 1, "1"), (SEGEM, 2, "10"), (SEGEM, 8, "1e-4"), (SEGEM_GATED, 1, "1"), (SEGEM_GATED, 3, "1e-4")],
)
@pytest.mark.parametrize("law", LAWS)
def test_no_point_is_farther_and_some_are_nearly_as_far(activation: Activation, N: int, eps: str, law: str) -> None:
    with ctx.workprec(BITS):
        found = float(Concrete(activation, N, Fraction(eps)).evaluate(f"distance(f, {law})"))
    seen = max(abs(evaluate(activation, x / 32, N, eps, dps=15) - rival(law, x / 32)) for x in range(-320, 321))
    assert seen <= found + 1e-12
    assert seen >= 0.99 * found


@pytest.mark.parametrize("law", LAWS)
def test_an_interval_is_bounded_from_both_sides(law: str) -> None:
    with ctx.workprec(BITS):
        side = Difference(Concrete(EGEM, 2, Fraction(1)).gap[1], LAWS[law], arb(1))
        for middle, radius in ((0.75, 0.25), (1.25, 0.125), (2.0, 0.25), (3.5, 0.03125), (6.0, 1.0)):
            seen, bound = side.size(middle, radius)
            values = [abs(side.at(arb(middle + radius * k / 64))) for k in range(-64, 65)]
            assert all(value < bound or value.overlaps(bound) for value in values)
            assert any(value > seen or value.overlaps(seen) for value in values)
            assert max(float(value) for value in values) > 0.9 * float(seen)
        # Where the value is concave, its tangent at the top is level: nearly nothing lies between the bounds.
        top = max(range(1, 400), key=lambda k: float(abs(side.at(arb(k) / 64)))) / 64
        seen, bound = side.size(top, 1 / 64)
        assert bound - seen < arb(2) ** -72
        assert not bound - seen < -(arb(2) ** -100)


def test_a_law_with_another_tail_gives_another_distance() -> None:
    wide = Law(lambda t: normal_survival(t / 2), LAWS["gelu"].largest)
    with ctx.workprec(BITS):
        gaps = Concrete(SEGEM, 2, Fraction(1, 10**4)).gap
        of = partial(distance, gaps, s=arb(1) / 10)
        assert of(law=wide) > of(law=LAWS["gelu"])


def test_where_the_gap_does_not_fall_there_is_no_distance() -> None:
    identity = replace(SEGEM, branches=(Branch("x <= 0", "x"), Branch("x > 0", "x")))
    with ctx.workprec(BITS), pytest.raises(ArithmeticError, match="not known to be reached"):
        Concrete(identity, 1, Fraction(1)).evaluate("distance(f, gelu)")


def test_the_claims_rest_on_the_distance_from_relu() -> None:
    # A bound that is too large is a true one here, but it is not what was proved for every N and eps.
    claims = {**SEGEM.claims, "T6": {**SEGEM.claims["T6"], "sup": "2*s"}}
    outcomes = {o.certificate.id: o.status for o in Prover(replace(SEGEM, claims=claims), 1, Fraction(1)).prove()}
    assert outcomes["T6.sup"] == "refuted"
    assert outcomes["T11.gelu"] == outcomes["T11.silu"] == "undecided"
