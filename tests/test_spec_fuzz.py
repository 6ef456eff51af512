"""Random specs: what is derived of them against brute force in 150 digits. `make fuzz` takes more of them."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from bruteforce import Case, Part, cases, disagreements
from hypothesis import HealthCheck, Phase, given, settings

from gem_symbolic.spec import extrema, junctions, shape

SPECS = int(os.environ.get("FUZZ_SPECS", "2000"))
#: How often a long run says how far it is.
EVERY = 1000
random = settings(
    max_examples=SPECS,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


def test_nothing_that_is_derived_disagrees_with_brute_force() -> None:
    started, looked_at, with_poles = time.perf_counter(), 0, 0

    @random
    @given(cases())
    def check(case: Case) -> None:
        nonlocal looked_at, with_poles
        found = disagreements(case)
        assert not found, (found, case.spec().branches)
        looked_at += 1
        with_poles += next(junctions.poles(case.spec().function()), None) is not None
        if SPECS > 2000 and looked_at % EVERY == 0:
            took = time.perf_counter() - started
            print(f"{looked_at:,} of {SPECS:,} specs, {took:.0f} s", file=sys.stderr, flush=True)

    check()
    assert looked_at >= SPECS
    assert with_poles < looked_at / 2  # most are compared in full


def wrong_order(monkeypatch: pytest.MonkeyPatch) -> None:
    right = junctions.junctions
    wrong = lambda f: tuple(replace(j, m=4) if j.m == 3 else j for j in right(f))  # noqa: E731
    monkeypatch.setattr(junctions, "junctions", wrong)


def wrong_jump(monkeypatch: pytest.MonkeyPatch) -> None:
    right = junctions.junctions
    wrong = lambda f: tuple(replace(j, jump=-j.jump) if j.m == 4 and j.jump else j for j in right(f))  # noqa: E731
    monkeypatch.setattr(junctions, "junctions", wrong)


def wrong_extrema(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forgets the critical points of the second piece."""
    right = extrema.candidates

    def wrong(function):
        inner = [x for x, _, _ in function.junctions][:2]
        return [e for e in right(function) if len(inner) < 2 or e.x in inner or not (inner[0] < e.x < inner[1])]

    monkeypatch.setattr(extrema, "candidates", wrong)


def wrong_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loses the last turning point."""
    right = shape.runs

    def wrong(function):
        runs = right(function)
        return runs if len(runs) < 5 else (*runs[:-2], replace(runs[-2], high=runs[-1].high))

    monkeypatch.setattr(shape, "runs", wrong)


def wrong_poles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Misses poles at the ends of pieces' intervals and beyond the first piece."""
    right = junctions.poles
    monkeypatch.setattr(junctions, "poles", lambda f: iter([x for x in right(f) if f.pieces[0].inside(x)]))


def test_brute_force_sees_the_value_where_a_factor_cancels() -> None:
    assert not disagreements(Case((), (Part((-1, 3, -3, 2), (-1, 2), False),)))  # least at the root of both
    twice = Part((16, -40, -12, 26, 42, 32, 8), (2, -7, 7, -7, 9, 0, 4), False)  # and here it is a double one
    assert not disagreements(Case((), (twice,)))


PLANTS: Mapping[Callable[..., None], str] = {
    wrong_order: "derivative .* jumps by",
    wrong_jump: "derivative .* jumps by",
    wrong_extrema: "values reach",
    wrong_runs: "the direction is not",
    wrong_poles: "a denominator changes its sign|a value at a pole was asked for|values reach",
}


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_wrong_fact_is_found(plant: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)

    @random
    @given(cases())
    def check(case: Case) -> None:
        try:
            found = disagreements(case)
        except ZeroDivisionError:
            found = ["a value at a pole was asked for"]
        assert not found, found[0]

    with pytest.raises(AssertionError, match=PLANTS[plant]):
        check()
