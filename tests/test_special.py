"""The committed special values are those of the committed kernels, and a kernel that answers otherwise is refused."""

import math
from fractions import Fraction

import numpy as np
import pytest

from gem_symbolic import accuracy, emit, measure, running, special
from gem_symbolic.definitions import SEGEM, VARIANTS
from gem_symbolic.formats import FORMATS

EMITTED = [name for name, activation in VARIANTS.items() if activation.emitted]


def kernels(name, run=None, path="torch", **only):
    """The settings of a variant's committed kernels that are as asked, on one path, with another run in their place."""
    with running.interpreted():
        module = emit.load(accuracy.source(VARIANTS[name]), f"special_test_{name}")
    found = special.settings(VARIANTS[name], module)
    chosen = {s: r for s, r in found.items() if s.path == path and all(getattr(s, k) == v for k, v in only.items())}
    return {s: run(r) if run else r for s, r in chosen.items()}


def test_the_page_is_of_the_committed_kernels():
    page = special.PAGE.read_text(encoding="utf-8")
    for name in EMITTED:
        assert f"- {VARIANTS[name].title}: {accuracy.fingerprint(accuracy.source(VARIANTS[name]))}\n" in page


def test_the_first_table_is_what_the_kernels_give():
    found, every = {}, {}
    for name in EMITTED:
        every[name] = {s: r for path in measure.PLANS for s, r in kernels(name, path=path).items()}
        found[name], wrong = special.answers(VARIANTS[name], every[name])
        assert wrong == []
    assert special.first_table(found, every) in special.PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", EMITTED)
def test_a_row_of_the_second_table_is_what_the_kernels_give(name):
    some = {s: r for path in measure.PLANS for s, r in kernels(name, path=path, N=2, eps="1").items()}
    found, wrong = special.ends(VARIANTS[name], some)
    assert wrong == []
    (row,) = special.second_table(found).splitlines()[2:]
    assert row in special.PAGE.read_text(encoding="utf-8").splitlines()


def test_where_the_gradient_rounds_to_zero():
    found, _ = special.ends(SEGEM, kernels("segem", N=3, eps="1e-4"))
    by_format = found[3, "1e-4"]
    assert by_format["binary16"][""].last == -5.0625
    for name, by_path in by_format.items():
        sample = measure.Inputs(
            FORMATS[name], "sampled", measure.decode(measure.evenly(FORMATS[name], 999), FORMATS[name])
        )
        assert by_path[""].last == measure.truth(SEGEM, 3, "1e-4", sample, 1).zero_to
    assert special.ends(SEGEM, kernels("segem", N=1, eps="1"))[0][1, "1"]["binary32"][""].also == (-1.0,)


def changed(at, to, order=0):
    """A run that gives another answer at the inputs that a condition picks."""

    def change(run):
        def wrong(xs, format, asked):
            y = run(xs, format, asked)
            return np.where(at(xs), to, y) if asked == order else y

        return wrong

    return change


@pytest.mark.parametrize("path", ["torch", "triton"])
@pytest.mark.parametrize(
    ("at", "to", "order", "named"),
    [
        (lambda x: (x == 0) & np.signbit(x), 0.0, 0, "the value at -0 is 0.0"),
        (lambda x: (x == 0) & ~np.signbit(x), -0.0, 0, "the value at +0 is -0.0"),
        (np.isnan, 0.0, 0, "the value at NaN is 0.0"),
        (np.isnan, 0.0, 1, "the gradient at NaN is 0.0"),
        (lambda x: x == -np.inf, math.nan, 0, "the value at -inf is nan"),
        (lambda x: x == -np.inf, 0.0, 0, "the value at -inf is 0.0"),
        (lambda x: x == np.inf, 65504.0, 0, "the value at +inf is 65504.0"),
        (lambda x: x == 65504, math.inf, 0, "the value at +max is inf"),
        (lambda x: x == 65504, math.nan, 1, "the gradient at +max is nan"),
        (lambda x: x == -(2.0**-24), -0.0, 0, "the value at -least is -0.0"),  # flushed to zero
    ],
)
def test_another_answer_is_refused(at, to, order, named, path):
    setting = {"path": path, "format": "binary16", "N": 2, "eps": "1e-4"}
    assert special.answers(SEGEM, kernels("segem", **setting))[1] == []
    _, wrong = special.answers(SEGEM, kernels("segem", changed(at, to, order), **setting))
    assert [w.split("): ")[1] for w in wrong] == [named]


@pytest.mark.parametrize("format", measure.PLANS["torch"])
def test_flushing_is_refused(format):
    tiny = float(FORMATS[format].tiny)

    def flush(run):
        return lambda xs, f, order: np.where(np.abs(y := run(xs, f, order)) < tiny, 0.0, y)

    setting = {"format": format, "N": 3, "eps": "1e-4"}
    assert special.ends(SEGEM, kernels("segem", **setting))[1] == []
    (wrong,) = special.ends(SEGEM, kernels("segem", flush, **setting))[1]
    assert "smallest subnormals is given as 0" in wrong


@pytest.mark.parametrize(
    ("at", "to", "named"),
    [
        (lambda x: x == -5.0703125, 1.0, "the zeros of the gradient do not end at"),
        (lambda x: (x < -5.03) & (x > -5.04), 0.0, "the zeros of the gradient do not end at"),
        (lambda x: x <= -5.0, 2.0**-24, "the gradient is zero up to None"),
        (lambda x: (x > -5.5) & (x < -5.0), 2.0**-24, "is not given as 0 after"),
        (lambda x: (x > -0.17) & (x < -0.16), 0.0, "next to x*, is zero"),
    ],
)
def test_other_zeros_are_refused(at, to, named):
    setting = {"format": "binary16", "N": 3, "eps": "1e-4"}
    wrong = special.ends(SEGEM, kernels("segem", changed(at, to, 1), **setting))[1]
    assert any(named in w for w in wrong), wrong


def test_nothing_is_written_where_a_kernel_is_wrong(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(special, "PAGE", tmp_path / "VALUES.md")
    monkeypatch.setattr(special, "page", lambda names: ("text", ["a sentence"]))
    assert special.main() == 1
    assert (capsys.readouterr().out, list(tmp_path.iterdir())) == ("a sentence\n", [])
    monkeypatch.setattr(special, "page", lambda names: ("text", []))
    assert special.main() == 0
    assert special.PAGE.read_text() == "text"


def test_where_an_answer_is_given_is_told():
    every = [special.Setting(p, f, N, e) for p in measure.PLANS for f in measure.PLANS[p] for N in (1, 2) for e in "12"]
    some = [s for s in every if s.N == 1 and s.format == "binary16"]
    assert special.where(some, every) == "N = 1: float16"
    some = [s for s in every if s.eps == "2" and s.path == "torch" and s.format in ("binary32", "binary64")]
    text = "float32 in PyTorch, CPU (eps = 2), float64 (eps = 2)"
    assert special.where(some, every) == f"N = 1: {text}; N = 2: {text}"


@pytest.mark.parametrize(
    ("x", "format", "text"),
    [
        (-5.0625, "binary16", "-5.0625"),
        (float(Fraction(1, 10)), "binary64", "0.1"),
        (float(np.float32(1e-30)), "binary32", "1e-30"),
        (None, "binary16", "nowhere"),
    ],
)
def test_numbers_as_they_are_shown(x, format, text):
    assert special.short(x, FORMATS[format]) == text
