"""From an activation without parameters to files that are read back and measured; and what is refused on the way."""

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from rationals import HARD_SWISH, LEAKY_RELU, PADE, SOFTSIGN, SQNL, activation

from gem_symbolic import bars, emit, measure, native, produce, running
from gem_symbolic.definitions import Activation
from gem_symbolic.formats import FORMATS, Format
from gem_symbolic.pieced import plan
from gem_symbolic.pieces import sizes
from gem_symbolic.plans import PlanError
from gem_symbolic.reference import evaluate, owning_side
from gem_symbolic.sweep import Floats, values

NARROW = ("binary16", "bfloat16", "binary32")


def silent(text: str) -> None:
    """No progress is shown."""


def test_files_claims_and_measurements(tmp_path: Path) -> None:
    said = list[str]()
    claims, measurements = produce.produce(HARD_SWISH, tmp_path / "new" / "folder", said.append)
    assert {p.name for p in (tmp_path / "new" / "folder").iterdir()} == {"hard_swish.py", "hard_swish.cpp"}
    assert (tmp_path / "new" / "folder" / "hard_swish.py").read_text() == emit.source(HARD_SWISH)
    assert claims
    assert all(c["status"] == "proved" and c["evidence"] and "N =" not in c["statement"] for c in claims)
    assert {c["id"] for c in claims} == {
        *(f"kernels.{name}{part}" for name in ("c++", "pytorch", "triton") for part in ("", ".operations")),
        *("kernels.calls", "kernels.constants"),
    }
    found = {m["id"]: m for m in measurements}
    assert found.keys() == {
        f"{path}.{format}.{quantity}"
        for path, formats in bars.PIECED.items()
        for format in formats
        for quantity in ("value", "gradient")
    }
    assert all(m["ok"] and m["max_ulp"] is not None for m in measurements)
    for id, m in found.items():
        path, format, _ = id.split(".")
        assert (m["limit"] == 0.501) == (path in ("torch", "native") and format in NARROW)
        assert (m["kind"] == "exhaustive") == (FORMATS[format].bits == 16)
        assert m["limit"] is None or m["max_ulp"] <= 0.501
    assert found["native.binary16.value"]["misrounded"] == 0  # rounded once
    assert said[0].startswith("writing")


@pytest.mark.parametrize("bad", [replace(HARD_SWISH, name="a b"), activation("f", ("x < 0", "1/x"), ("x >= 0", "x"))])
def test_what_is_refused_writes_nothing(bad: Activation, tmp_path: Path) -> None:
    with pytest.raises(PlanError):
        produce.produce(bad, tmp_path, silent)
    assert not list(tmp_path.iterdir())


def test_a_junction_that_is_no_rational_number_is_refused(tmp_path: Path) -> None:
    bad = activation("f", ("x < root(x^2 - 2, 2)", "0"), ("x >= root(x^2 - 2, 2)", "x"))
    with pytest.raises(PlanError, match="must be rational numbers"):
        produce.produce(bad, tmp_path, silent)


def test_numbers_that_are_one_in_binary64_are_refused() -> None:
    third, near = Fraction(1, 3), Fraction(1, 3) + Fraction(1, 3 * 2**80)
    bad = activation("f", (f"x < {third}", "0"), (f"{third} <= x < 2", f"{near}*x**2"), ("x >= 2", "x"))
    with pytest.raises(PlanError, match="one number in binary64"):
        emit.source(bad)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="must be a file in an existing folder"):
        produce.produce(LEAKY_RELU, tmp_path / "file", silent)


def test_a_file_that_is_not_what_was_written_is_refuted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = emit.source(LEAKY_RELU).replace("0.01 * x", "0.02 * x")
    monkeypatch.setattr(emit, "source", lambda a: text)
    monkeypatch.setattr(produce, "measured", lambda *_: [])
    claims, _ = produce.produce(LEAKY_RELU, tmp_path, silent)
    refuted = [c for c in claims if c["status"] == "refuted"]
    assert refuted
    assert "0.02 is no coefficient" in refuted[0]["counterexample"]


# --- Figures ---


def test_ties_are_exact_however_the_polynomial_is_written() -> None:
    """At 3 k the values are numbers with few bits, which 1/6 as a ball would blur."""
    other = activation("f", ("x <= -3", "0"), ("-3 < x < 3", "1/6*x**2 + 1/2*x"), ("x >= 3", "x"))
    xs = np.array([3.0 * k / 1024 for k in range(1024)])
    for order in (0, 1):
        found, expected = (values(a, None, xs, FORMATS["binary16"], order=order) for a in (other, HARD_SWISH))
        assert (found.high == expected.high).all()
        assert (found.low == expected.low).all()
        assert not found.low.any() or order


@cache
def truth(order: int) -> measure.Truth:
    """What is right for SQNL, on a sample of binary32."""
    inputs = measure.sampled(SQNL, None, None, FORMATS["binary32"], 500, 50)
    return measure.truth(SQNL, None, None, replace(inputs, numbers=np.append(inputs.numbers, 0.5)), order)


def judged(order: int, path: str, change: Callable[[Floats, Floats], Floats]) -> measure.Measurement:
    """A measurement of results that are right but for a change, given the results and the inputs."""
    known = truth(order)
    finite = known.inputs.numbers[known.finite]
    right = np.full(len(known.inputs.numbers), math.nan)
    right[known.finite] = change(known.exact.rounded(known.inputs.format), finite)
    for limit, where in zip(known.limits, (-math.inf, math.inf)):
        right[known.inputs.numbers == where] = limit
    return measure.judge(known, right, path, 0)


@pytest.mark.parametrize("path", ["torch", "triton"])
@pytest.mark.parametrize("order", [0, 1])
def test_what_is_right_passes_and_what_is_not_does_not(path: str, order: int) -> None:
    assert judged(order, path, lambda y, x: y).ok
    off = judged(order, path, lambda y, x: np.where(x == 0.5, y * 1.01, y))
    assert off.ok == (path == "triton")  # which has no limit
    assert off.worst == 0.5
    assert not judged(order, path, lambda y, x: np.where(x == 0.5, math.nan, y)).ok
    assert not judged(order, path, lambda y, x: np.where(x == 0.5, math.inf, y)).ok


def test_at_an_infinity_units_in_the_last_place_count_where_there_is_no_limit() -> None:
    known = truth(0)
    right = np.full(len(known.inputs.numbers), math.nan)
    right[known.finite] = known.exact.rounded(known.inputs.format)
    for path, ulps in (("triton", 2.0), ("torch", math.inf)):
        near = np.where(known.inputs.numbers == -math.inf, known.limits[0] * (1 + 2.0**-22), right)
        found = measure.judge(known, np.where(known.inputs.numbers == math.inf, known.limits[1], near), path, 0)
        assert found.max_ulp == ulps
        assert found.ok == (path == "triton")
    lost = np.where(known.inputs.numbers == math.inf, math.inf, right)
    assert not measure.judge(known, lost, "triton", 0).ok


def test_every_zero_of_the_gradient_is_looked_at() -> None:
    """Two that lie so near each other that of a grid over all binades no number lies between them, and one twice."""
    close = activation("close", ("x < 4", "x**3/3 - 19*x**2/25 + 51*x/100"), ("x >= 4", "(x - 5)**3"))
    found = measure.critical(close, None, None, FORMATS["binary64"])
    assert measure.decode(np.array(found), FORMATS["binary64"]).tolist() == [0.5, 1.02, 5.0]


def test_the_absolute_term_is_no_more_than_what_cancels() -> None:
    """Next to the zero of the gradient of hard-swish an error of a unit of binary64 passes, one of 2^-40 does not."""
    xs = np.array([-1.5, -1.5 + 2.0**-20])
    assert (sizes(HARD_SWISH, 1, xs) < 1.1).all()
    assert measure.ROUNDING * sizes(HARD_SWISH, 1, xs).max() < 2.0**-44
    assert (sizes(PADE, 0, np.array([math.inf, -1e200])) == 0).all()  # nothing cancels there


@pytest.mark.parametrize(
    ("a", "x", "expected"), [(HARD_SWISH, 3, 1), (HARD_SWISH, -3, 0), (SQNL, -2, 0), (SOFTSIGN, 0, 1)]
)
def test_a_derivative_at_a_junction_is_that_of_its_owner(a: Activation, x: float, expected: float) -> None:
    found = values(a, None, np.array([float(x)]), FORMATS["binary32"], order=1)
    assert found.high[0] == expected
    assert evaluate(a, x, order=1, side=owning_side(a, x)) == expected
    assert plan(a, 1).run({"x": x}, Fraction) == expected


def test_the_native_functions_are_those_of_pytorch() -> None:
    run = running.native_run(emit.native(SOFTSIGN))
    numbers = np.array([-2.0, -0.5, 0.0, 0.25, 3.0, math.inf, math.nan])
    for format in ("binary32", "binary64"):
        form: Format = FORMATS[format]
        np.testing.assert_allclose(run(numbers, form, 0), numbers_of_softsign(numbers), rtol=1e-7)


def numbers_of_softsign(x: Floats) -> Floats:
    with np.errstate(all="ignore"):
        return np.where(np.isinf(x), np.sign(x), x / (1 + np.abs(x)))


def test_without_a_compiler_that_path_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(native.CompilerError):
        running.native_run(emit.native(LEAKY_RELU))
    monkeypatch.setattr(produce, "FORMATS", ("binary16",))
    found = produce.measured(LEAKY_RELU, emit.source(LEAKY_RELU), emit.native(LEAKY_RELU), silent)
    assert {m["id"].split(".")[0] for m in found} == {"torch", "compiled", "triton"}


def test_parameters_that_there_are_none_of() -> None:
    for N, eps, scale in ((1, None, None), (None, 1, None), (None, None, 2)):
        with pytest.raises(ValueError, match="has no parameters"):
            evaluate(HARD_SWISH, 1, N, eps, scale)
