"""The two engines of specs decide the same of random functions."""

from bruteforce import Case, cases
from flint import arb
from hypothesis import HealthCheck, Phase, given, settings

from gem_symbolic.spec import closed, extrema, junctions, norms, second, shape
from gem_symbolic.spec.read import load
from gem_symbolic.spec.real import OO, Real


@settings(
    max_examples=120,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(cases())
def test_the_engines_agree_on_random_functions(case: Case) -> None:
    f, relu = case.spec().function(), load("relu").function()
    poles = bool(list(junctions.poles(f)))
    assert second.poles(f) == poles
    if poles:
        return
    assert second.smoothness(f) == junctions.smoothness(f)
    assert second.monotone(f) == shape.monotone(f)
    assert second.dead_region(f) == any(run.direction == 0 for run in shape.runs(f))
    assert second.bounded_below(f) == isinstance(extrema.extrema(f)[0].value, Real)
    steepest = extrema.lipschitz(f).value
    if not isinstance(steepest, Real) or steepest.rational is not None:
        constant = steepest.rational if isinstance(steepest, Real) else None
        assert second.lipschitz(f, constant)
        assert constant is None or not second.lipschitz(f, constant + 1)
        assert not constant or not second.lipschitz(f, constant * 99 / 100)
    for p in (1, 2, OO):
        distance = norms.norm(f.minus(relu), p)
        assert second.finite(f, relu, p) == (distance != OO)
        if distance != OO and p != OO:
            value = distance.ball() if isinstance(distance, Real) else distance
            assert (arb(closed.norm_power(f, relu, int(p))) - value ** int(p)).contains(0)
        elif isinstance(distance, Real) and distance.rational is not None:
            assert second.sup_at_most(f, relu, distance.rational)
            assert not distance.rational or not second.sup_at_most(f, relu, distance.rational * 99 / 100)
