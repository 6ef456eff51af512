"""The bars of accuracy, on all numbers of the 16-bit types and samples of wider ones; and that they can fail."""

import math
import os
from dataclasses import replace
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
import torch

from gem_symbolic import emit, measure
from gem_symbolic.branches import branch_values
from gem_symbolic.definitions import SEGEM, VARIANTS
from gem_symbolic.formats import FORMATS
from gem_symbolic.reference import evaluate
from gem_symbolic.rounding import as_fraction

EPS = ("1e-6", "1e-4", "1", "10")
CASES = [
    pytest.param(activation, N, eps, id=f"{activation.name}-{N}-{eps or 'fixed'}")
    for activation in VARIANTS.values()
    for N in (1, 2, 3, 4)
    for eps in ((None,) if any(p.fixed for p in activation.parameters) else EPS)
]
SIXTEEN = ("binary16", "bfloat16")


@cache
def loaded(activation_name):
    """The kernel module of a variant, as emit writes it, with Triton's interpreter."""
    with measure.interpreted():
        return emit.load(emit.source(VARIANTS[activation_name]), f"accuracy_{activation_name}")


@pytest.mark.parametrize(("activation", "N", "eps"), CASES)
def test_every_bar_is_met(activation, N, eps):
    runs = measure.runs(loaded(activation.name), activation, N, eps)
    formats = [name for name in FORMATS if name != "binary64" or eps in (None, "1e-4")]
    found = list(measure.kernels(activation, N, eps, runs, formats))
    assert [m for m in found if not m.ok] == []
    # Which measurements there are is part of the claim: a path that fell away would pass.
    assert {m.id for m in found} == {
        f"{path}.{format}.{quantity}"
        for path, plans in measure.PLANS.items()
        for format in plans
        if format in formats
        for quantity in measure.QUANTITIES
    }
    for m in found:
        assert (m.kind == "exhaustive") == (m.id.split(".")[1] in SIXTEEN)
        assert m.inputs == 65536 if m.kind == "exhaustive" else m.inputs > measure.SPREAD


@pytest.mark.parametrize("activation", [a for a in VARIANTS.values() if a.name != "gem"], ids=lambda a: a.name)
@pytest.mark.parametrize(("N", "eps"), [(8, "1e-4"), (32, "1e20")])
def test_bars_beyond_the_agreed_range(activation, N, eps):
    runs = measure.runs(loaded(activation.name), activation, N, eps)
    found = list(measure.kernels(activation, N, eps, runs, ["binary16", "binary32"], spread=2000))
    assert [m for m in found if not m.ok] == []


def test_the_bars_are_those_that_were_agreed():
    for (plan, format, order), bar in measure.BARS.items():
        if format == "binary64":
            continue
        wide, sixteen = plan in ("wide", "compensated"), format in SIXTEEN
        for N in (1, 2, 3, 4):
            assert bar.ulps(N) == (0.51 if wide else 1 if sixteen else (5 * N + 4, 6 * N + 6)[order])
        assert bar.absolute == (0 if order == 0 else 2.0**-45 if wide and not sixteen else 2.0**-20)


@pytest.mark.parametrize("activation", VARIANTS.values(), ids=lambda a: a.name)
@pytest.mark.parametrize("N", [1, 2, 3, 4])
def test_pairs_are_as_good_as_correctly_rounded(activation, N, record_property):
    """Value and gradient on 10^5 numbers and all around junction and critical point; how many are not the nearest."""
    fixed = any(p.fixed for p in activation.parameters)
    for eps in (None,) if fixed else (*EPS, "1e-2"):
        runs = measure.runs(loaded(activation.name), activation, N, eps, ["accurate"])
        for m in measure.kernels(activation, N, eps, runs, ["binary32"], spread=100_000):
            print(f"{activation.name} N={N} eps={eps}: {m.id}: {m.max_ulp:.4f} ulp, {m.misrounded} of {m.inputs} off")
            record_property(f"{eps} {m.id}", f"{m.max_ulp:.4f} ulp, {m.misrounded} of {m.inputs} not the nearest")
            assert m.ok
            assert m.misrounded < m.inputs / 20


@pytest.mark.parametrize("variant", [a.name for a in VARIANTS.values() if not any(p.fixed for p in a.parameters)])
def test_away_from_its_zero_the_gradient_in_pairs_needs_no_absolute_term(variant):
    activation, format = VARIANTS[variant], FORMATS["binary32"]
    for N, eps in ((1, "10"), (2, "1e-4"), (4, "1e-6")):
        inputs = measure.sampled(activation, N, eps, format)
        far = np.isfinite(inputs.numbers)
        for place in measure.critical(activation, N, eps, format):
            far &= np.abs(inputs.numbers / measure.decode(np.array([place]), format) - 1) > 2.0**-10
        numbers = inputs.numbers[far]
        (run,) = measure.runs(loaded(variant), activation, N, eps, ["accurate"]).values()
        exact = measure.truth(activation, N, eps, replace(inputs, numbers=numbers), 1).exact
        unit = np.ldexp(1.0, exact.exponent(format))
        error = np.abs(exact.ulps(run(numbers, format, 1), format)) * unit
        assert (error <= 0.51 * unit + 2.0**-64).all()


# What is measured


def test_all_numbers_of_a_16_bit_type():
    for name in SIXTEEN:
        numbers = measure.exhaustive(FORMATS[name]).numbers
        assert len(numbers) == 65536
        assert np.isnan(numbers).sum() == {"binary16": 2 * 1023, "bfloat16": 2 * 127}[name]
        assert np.isinf(numbers).sum() == 2
        assert len(np.unique(numbers[np.isfinite(numbers)])) == np.isfinite(numbers).sum() - 1  # both zeros


@pytest.mark.parametrize("name", ["binary32", "binary64"])
@pytest.mark.parametrize(("variant", "zeros"), [("egem", 0), ("segem", 1), ("segem_gated", 1)])
def test_the_sample_has_the_hard_inputs(name, variant, zeros):
    format, activation = FORMATS[name], VARIANTS[variant]
    numbers = measure.sampled(activation, 3, "1e-4", format).numbers
    tiny, top = float(format.tiny), float(format.max)
    for x in (0.0, tiny, top, float(Fraction(2) ** format.least), math.inf):
        assert {x, -x} <= set(numbers.tolist())
    assert np.isnan(numbers).any()
    assert (np.signbit(numbers) & (numbers == 0)).any()
    places = measure.critical(activation, 3, "1e-4", format)
    assert len(places) == zeros
    for place in places:
        around = measure.decode(np.arange(place - 5000, place + 5000), format)
        assert np.isin(around, numbers).all()
        below, above = (evaluate(activation, x, 3, "1e-4", order=1) for x in around[4999:5001].tolist())
        assert below < 0 <= above


def test_from_where_the_gradient_rounds_to_zero():
    runs = measure.runs(loaded("segem"), SEGEM, 3, "1e-4", ["torch"])
    found = {m.id: m.zero_to for m in measure.kernels(SEGEM, 3, "1e-4", runs, formats=FORMATS, orders=[1])}
    assert found["torch.binary16.gradient"] == -5.0625
    for id, x in found.items():
        format = FORMATS[id.split(".")[1]]
        assert x is not None
        following = float(measure.decode(np.array([measure.ordinal(x, format) + 1]), format)[0])
        half = Fraction(2) ** (format.least - 1)
        at, after = (abs(as_fraction(evaluate(SEGEM, y, 3, "1e-4", order=1))) for y in (x, following))
        assert at <= half < after


def test_a_record_is_strict_json():
    bad = measure.Measurement("torch.binary16.value", "exhaustive", math.inf, 0.51, 0.0, False, math.nan, 65536, 7)
    assert bad.record() == {**vars(bad), "max_ulp": None, "worst": None}


@pytest.mark.parametrize("before", [None, "0"])
def test_the_interpreter_is_asked_for_only_within(before, monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    if before is not None:
        monkeypatch.setenv("TRITON_INTERPRET", before)
    with measure.interpreted():
        assert os.environ["TRITON_INTERPRET"] == "1"
    assert os.environ.get("TRITON_INTERPRET") == before


def test_compiled_kernels_are_not_taken_for_interpreted_ones():
    module = emit.load(emit.source(SEGEM), "accuracy_compiled")
    with pytest.raises(ValueError, match="load the kernel module within"):
        measure.runs(module, SEGEM, 1, 1, ["triton"])


# Negative controls


def judged(run, format="binary16", order=0, path="torch", activation=SEGEM, N=2, eps="1e-4"):
    (found,) = measure.kernels(activation, N, eps, {path: run}, formats=[format], orders=[order])
    return found


def honest(numbers, format, order):
    return measure.torch_run(loaded("segem"), "segem", 2, "1e-4")(numbers, format, order)


def spoilt(change):
    """A run whose results are changed."""
    return lambda numbers, format, order: change(numbers, honest(numbers, format, order).copy())


@pytest.mark.parametrize("activation", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("N", [1, 2, 3])
def test_the_printed_formula_fails_in_binary16(activation, N):
    """The definition evaluated as it stands, in the type itself, overflows and gives NaN."""

    def run(numbers, format, order):
        x = measure.tensor(numbers, format)
        left, right = branch_values(activation, {"x": x, "N": N, "eps": 1.0})
        y = torch.where(x > 0, right, left)
        assert torch.isnan(y[torch.isfinite(x)]).any()
        return y.double().numpy()

    found = judged(run, activation=activation, N=N, eps="1")
    assert not found.ok
    assert found.max_ulp == math.inf
    assert found.misrounded > 1000


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("format", ["binary16", "binary32"])
def test_a_perturbed_constant_fails(format, order):
    run = measure.torch_run(loaded("segem"), "segem", 2, "1.01e-4")
    assert judged(honest, format, order).ok
    assert not judged(run, format, order).ok


def test_a_perturbed_constant_fails_in_triton():
    run = measure.triton_run(loaded("segem"), 2, Fraction(10001, 10**8))
    assert judged(measure.triton_run(loaded("segem"), 2, Fraction(1, 10**4)), "binary32", path="triton").ok
    assert not judged(run, "binary32", path="triton").ok


@pytest.mark.parametrize(
    ("change", "worst"),
    [
        (lambda x, y: np.where(np.isnan(x), 0.0, y), math.nan),
        (lambda x, y: np.where(x == np.inf, np.nan, y), math.inf),
        (lambda x, y: np.where(x == -np.inf, 1.0, y), -math.inf),
        (lambda x, y: np.where(x == -0.5, np.nan, y), -0.5),
        (lambda x, y: np.where(x == -0.5, np.inf, y), -0.5),
        (lambda x, y: np.where(x == -65504, 0.0, y), -65504),  # the value underflows to -0.0
        (lambda x, y: np.where(x == 2, 2 + 2.0**-9, y), 2),  # one unit in the last place
    ],
)
def test_one_wrong_result_in_65536_fails(change, worst):
    found = judged(spoilt(change))
    assert not found.ok
    assert found.worst == worst or math.isnan(worst) == math.isnan(found.worst) == True  # noqa: E712
    assert judged(spoilt(lambda x, y: y)).ok


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_no_absolute_term_hides_a_result_that_is_not_a_number(format, wrong):
    at = -float(FORMATS[format].max)  # where the gradient is next to nothing
    found = judged(spoilt(lambda x, y: np.where(x == at, wrong, y)), format, order=1)
    assert not found.ok
    assert (found.max_ulp, found.worst) == (math.inf, at)


def test_an_error_within_the_absolute_term_of_a_gradient_passes():
    at = -0.5
    for error, ok in ((2.0**-21, True), (2.0**-12, False)):
        found = judged(spoilt(lambda x, y, error=error: np.where(x == at, y + error, y)), order=1)
        assert found.ok == ok


def test_another_definition_fails():
    """The kernels of one variant, measured against another."""
    other = replace(VARIANTS["segem_gated"], name="segem")
    assert not judged(honest, activation=other).ok
