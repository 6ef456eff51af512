"""The C++ kernels: the same numbers as PyTorch and Triton, bit for bit; compiled once, into a folder that is ours."""

import ctypes
import os
import subprocess
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
import torch

from gem_symbolic import emit, measure, native
from gem_symbolic.definitions import VARIANTS, find
from gem_symbolic.formats import FORMATS
from gem_symbolic.parameters import scale_constants
from gem_symbolic.rounding import round_to

CASES = [("gem", 1, "1"), ("egem", 4, "1e-6"), ("segem", 3, "1e-4"), ("segem_gated", 2, "10")]
every_case = pytest.mark.parametrize(("name", "N", "eps"), CASES)
CODES = {"binary16": np.uint16, "bfloat16": np.uint16, "binary32": np.float32, "binary64": np.float64}


@cache
def library(name, N):
    return native.load(emit.native(VARIANTS[name]), {"GEM_N": N})


@cache
def module(name):
    with measure.interpreted():
        return emit.load(emit.source(VARIANTS[name]), f"native_{name}")


def call(name, N, eps, plan, type, x, order, g=None, out=None):
    """What the C++ writes for arrays of a type's numbers, 16-bit ones as their codes."""
    compute = FORMATS["binary64" if plan == "wide" else type]
    number = ctypes.c_float if compute.name == "binary32" else ctypes.c_double
    constants = scale_constants(N, Fraction(eps), compute.precision, compute.emin, compute.emax)
    y = np.empty_like(x) if out is None else out
    pointers = [ctypes.c_void_p(None if a is None else a.ctypes.data) for a in (x, g, y)]
    function = getattr(library(name, N), f"{plan}_{type}")
    assert function(*pointers, ctypes.c_int64(x.size), order, *map(number, constants)) == 0
    return y


def spread(format, count):
    """So many numbers of a format, evenly spaced, with both zeros, both infinities and NaN."""
    special = [0.0, -0.0, np.inf, -np.inf, np.nan]
    return np.concatenate([measure.decode(measure.evenly(format, count), format), special])


def same(a, b):
    """Bit for bit, NaN aside."""
    return ((a == b) & (np.signbit(a) == np.signbit(b))) | (np.isnan(a) & np.isnan(b))


@every_case
@pytest.mark.parametrize("order", [0, 1])
def test_plain_is_the_triton_kernel(name, N, eps, order):
    x = spread(FORMATS["binary32"], 1_000_000 if name == "segem" else 100_000)
    interpreted = measure.triton_run(module(name), N, Fraction(eps))(x, FORMATS["binary32"], order)
    assert same(call(name, N, eps, "plain", "binary32", x.astype(np.float32), order), interpreted).all()


@every_case
@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize(("plan", "type"), [("wide", "binary32"), ("plain", "binary64")])
def test_wide_is_the_composite(name, N, eps, order, plan, type):
    x = spread(FORMATS[type], 100_000)
    composite = measure.torch_run(module(name), name, N, None if name == "gem" else eps)(x, FORMATS[type], order)
    assert same(call(name, N, eps, plan, type, x.astype(CODES[type]), order), composite).all()


def narrowed(x, type):
    """Numbers of a 16-bit type as codes."""
    return torch.from_numpy(x).to(getattr(torch, measure.DTYPES[type])).view(torch.int16).numpy().view(np.uint16)


def widened(codes, type):
    codes = torch.from_numpy(codes.view(np.int16).copy())
    return codes.view(getattr(torch, measure.DTYPES[type])).to(torch.float64).numpy()


@every_case
@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("type", ["binary16", "bfloat16"])
def test_16_bit_results_are_rounded_once(name, N, eps, order, type):
    """On every number of the type, with at most 2^-30 ulp beyond the half that correct rounding has."""
    known = measure.truth(VARIANTS[name], N, eps, measure.exhaustive(FORMATS[type]), order)
    codes = narrowed(known.inputs.numbers, type)
    y = widened(call(name, N, eps, "wide", type, codes, order), type)
    errors = np.abs(known.exact.ulps(y[known.finite], FORMATS[type]))
    beside = 2.0**-45 / np.ldexp(1.0, known.exact.exponent(FORMATS[type])) if order else 0
    assert (errors <= 0.5 + 2.0**-30 + beside).all()
    odd = known.inputs.numbers[~known.finite]
    assert same(y[~known.finite], np.where(np.isnan(odd), np.nan, np.where(odd < 0, *known.limits))).all()


@pytest.mark.parametrize("type", ["binary16", "bfloat16"])
def test_16_bit_numbers_pass_unchanged(type):
    """SE-GEM is x itself for x > 0; times g it is a product in binary64, rounded once."""
    codes = narrowed(measure.exhaustive(FORMATS[type]).numbers, type)
    kept = codes[(codes < 0x8000) & ~np.isnan(widened(codes, type))]
    assert np.array_equal(call("segem", 1, "1", "wide", type, kept, 0), kept)
    kept = kept[::9].copy()
    g = np.random.default_rng(0).choice(codes[np.isfinite(widened(codes, type))], kept.size)
    finite = np.isfinite(widened(kept, type))
    products = widened(call("segem", 1, "1", "wide", type, kept, 0, g), type)[finite]
    exact = zip(widened(kept, type)[finite].tolist(), widened(g, type)[finite].tolist())
    expected = [round_to(Fraction(a) * Fraction(b), type) if a and b else a * b for a, b in exact]
    assert (products == expected).all()


def test_a_weight_an_empty_array_and_the_same_place():
    x = np.linspace(-2, 2, 1001, dtype=np.float32)
    g = np.cos(x)
    y = call("egem", 4, "1e-6", "wide", "binary32", x.astype(np.float64).astype(np.float32), 1)
    first = call("egem", 4, "1e-6", "plain", "binary64", x.astype(np.float64), 1)
    assert np.array_equal(y, first.astype(np.float32))
    weighted = call("egem", 4, "1e-6", "wide", "binary32", x, 1, g)
    assert np.array_equal(weighted, (first * g.astype(np.float64)).astype(np.float32))
    assert call("egem", 4, "1e-6", "wide", "binary32", x[:0], 0).size == 0
    assert np.array_equal(call("egem", 4, "1e-6", "wide", "binary32", x, 1, g, out=x), weighted)


def test_there_is_no_third_derivative():
    nothing = [ctypes.c_void_p(None)] * 3
    assert library("gem", 1).plain_binary32(*nothing, ctypes.c_int64(0), 3, ctypes.c_float(1), ctypes.c_float(1)) == 1


def test_the_loops_are_vectorised(tmp_path):
    """Each of the loops over numbers: orders x functions, with and without a weight."""
    report = tmp_path / "report"
    command = [native.compiler(), *native.FLAGS, "-DGEM_N=3", f"-fopt-info-vec-optimized={report}", "-x", "c++", "-"]
    subprocess.run([*command, "-o", tmp_path / "out.so"], input=emit.native(find("segem")), text=True, check=True)
    lines = [line for line in report.read_text().splitlines() if "loop vectorized" in line]
    assert len(lines) >= len(emit.ORDERS) * len(emit.ENTRIES) * 2


def test_without_a_compiler_there_is_a_sentence(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(native.CompilerError, match=r"no C\+\+ compiler was found \(no-such-compiler\): install g\+\+"):
        native.load("")


def test_what_does_not_compile_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(native.CompilerError, match="give N"):
        native.load(emit.native(find("gem")))
    assert list((tmp_path / "gem_symbolic").iterdir()) == []


def test_a_source_is_compiled_once(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    text = 'extern "C" int number() { return NUMBER; }'
    first, second = native.build(text, {"NUMBER": 1}), native.build(text, {"NUMBER": 2})
    assert first != second
    written = first.stat().st_mtime_ns
    assert native.build(text, {"NUMBER": 1}) == first
    assert first.stat().st_mtime_ns == written
    assert native.load(text, {"NUMBER": 2}).number() == 2
    assert first.parent == tmp_path / "gem_symbolic"
    assert first.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_folder_that_others_can_write_is_not_used(mode, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "gem_symbolic").mkdir()
    os.chmod(tmp_path / "gem_symbolic", mode)
    assert tmp_path not in native.folder().parents
    assert native.private(native.folder())
