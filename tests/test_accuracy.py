"""The bars of accuracy, on all numbers of the 16-bit types and samples of wider ones; and that they can fail."""

import math
import os
from dataclasses import replace
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
import torch

from gem_symbolic import emit, measure, running
from gem_symbolic.branches import branch_values
from gem_symbolic.definitions import SEGEM, VARIANTS
from gem_symbolic.formats import FORMATS
from gem_symbolic.measure import Bar
from gem_symbolic.reference import evaluate
from gem_symbolic.rounding import as_fraction

EPS = ("1e-6", "1e-4", "1e-2", "1", "10")
NEAR = 2_000  # of the numbers next to a critical point; `accuracy` and one test below take them all
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
    with running.interpreted():
        return emit.load(emit.source(VARIANTS[activation_name]), f"accuracy_{activation_name}")


@pytest.mark.parametrize(("activation", "N", "eps"), CASES)
def test_every_bar_is_met(activation, N, eps):
    runs = running.runs(loaded(activation.name), activation, N, eps)
    formats = [name for name in FORMATS if name != "binary64" or eps in (None, "1e-4")]
    found = list(measure.kernels(activation, N, eps, runs, formats, near=NEAR))
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
    runs = running.runs(loaded(activation.name), activation, N, eps)
    found = list(measure.kernels(activation, N, eps, runs, ["binary16", "binary32"], spread=2000, near=NEAR))
    assert [m for m in found if not m.ok] == []


@pytest.mark.parametrize("format", ["binary32", "binary64"])
def test_every_bar_is_met_next_to_a_critical_point(format):
    """All of the 400,000 numbers there, as `verify` and `accuracy` measure them."""
    runs = running.runs(loaded("segem"), SEGEM, 3, "1e-4", [p for p, plans in measure.PLANS.items() if format in plans])
    found = list(measure.kernels(SEGEM, 3, "1e-4", runs, [format]))
    assert [m for m in found if not m.ok] == []
    assert all(m.inputs > 400_000 + measure.SPREAD for m in found)


def test_the_bars_are_those_that_were_agreed():
    assert measure.NEAR_CRITICAL == 200_000
    for (plan, format, order), bar in measure.BARS.items():
        for N in (1, 2, 3, 4):
            once = 0.501 if plan == "wide" else 0.51  # rounded once, from a wider type
            own = plan == "plain" and format not in SIXTEEN  # rounded in every step, in the type itself
            assert bar.ulps(N) == ((5 * N + 4, 6 * N + 6)[order] if own else once)
        absolute = {"wide": 2.0**-45, "compensated": 2.0**-45}.get(plan, 2.0**-49 if format == "binary64" else 2.0**-20)
        assert bar.absolute == (absolute if order else 0)
        if plan == "compensated":
            assert (bar.below, bar.small) == ((2.0**-100, Bar(0, 1)), (2.0**-40, Bar(0, 0, 2.0**-64)))[order]
        else:
            assert bar.small is None


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
        around = measure.decode(np.arange(place - 200_000, place + 200_000), format)
        assert np.isin(around, numbers).all()
        below, above = (evaluate(activation, x, 3, "1e-4", order=1) for x in around[199_999:200_001].tolist())
        assert below < 0 <= above


def test_from_where_the_gradient_rounds_to_zero():
    runs = running.runs(loaded("segem"), SEGEM, 3, "1e-4", ["torch"])
    found = {m.id: m.zero_to for m in measure.kernels(SEGEM, 3, "1e-4", runs, FORMATS, [1], near=0)}
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
    with running.interpreted():
        assert os.environ["TRITON_INTERPRET"] == "1"
    assert os.environ.get("TRITON_INTERPRET") == before


@pytest.mark.filterwarnings("ignore:.*should not be instantiated")  # by PyTorch itself
@pytest.mark.parametrize("format", ["binary16", "binary32"])
def test_the_compiled_path_is_what_compiled_code_computes(format):
    """Traced by torch.compile, with the gradient traced by AOTAutograd, and run operation by operation."""
    numbers = measure.decode(measure.evenly(FORMATS[format], 5000), FORMATS[format])
    x = running.tensor(numbers, FORMATS[format]).requires_grad_()
    y = torch.compile(loaded("segem").segem, fullgraph=True, backend="aot_eager")(x, N=3)
    (gradient,) = torch.autograd.grad(y, x, torch.ones_like(y))
    run = running.compiled_run(loaded("segem"), "segem", 3, None)
    for order, computed in enumerate((y, gradient)):
        assert np.array_equal(computed.detach().double().numpy(), run(numbers, FORMATS[format], order))
    if format == "binary32":  # where eager code computes in binary64
        eager = running.torch_run(loaded("segem"), "segem", 3, None)
        assert not np.array_equal(y.detach().double().numpy(), eager(numbers, FORMATS[format], 0))


def test_code_takes_itself_for_compiled_only_within():
    with running.compiling():
        assert torch.compiler.is_compiling()
    assert not torch.compiler.is_compiling()


def test_compiled_kernels_are_not_taken_for_interpreted_ones():
    module = emit.load(emit.source(SEGEM), "accuracy_compiled")
    with pytest.raises(ValueError, match="load the kernel module within"):
        running.runs(module, SEGEM, 1, 1, ["triton"])


# Negative controls


def judged(run, format="binary16", order=0, path="torch", activation=SEGEM, N=2, eps="1e-4"):
    (found,) = measure.kernels(activation, N, eps, {path: run}, formats=[format], orders=[order], near=NEAR)
    return found


def honest(numbers, format, order):
    return running.torch_run(loaded("segem"), "segem", 2, "1e-4")(numbers, format, order)


def spoilt(change):
    """A run whose results are changed."""
    return lambda numbers, format, order: change(numbers, honest(numbers, format, order).copy())


@pytest.mark.parametrize("activation", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("N", [1, 2, 3])
def test_the_printed_formula_fails_in_binary16(activation, N):
    """The definition evaluated as it stands, in the type itself, overflows and gives NaN."""

    def run(numbers, format, order):
        x = running.tensor(numbers, format)
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
    run = running.torch_run(loaded("segem"), "segem", 2, "1.01e-4")
    assert judged(honest, format, order).ok
    assert not judged(run, format, order).ok


def test_a_perturbed_constant_fails_in_triton():
    run = running.triton_run(loaded("segem"), 2, Fraction(10001, 10**8))
    assert judged(running.triton_run(loaded("segem"), 2, Fraction(1, 10**4)), "binary32", path="triton").ok
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
