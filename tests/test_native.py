"""The C++ kernels: the same numbers as PyTorch and Triton, bit for bit; compiled once, into a folder that is ours."""

import ctypes
import itertools
import os
import subprocess
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
import torch

from gem_symbolic import bars, emit, measure, native, running
from gem_symbolic.definitions import VARIANTS, find
from gem_symbolic.formats import FORMATS
from gem_symbolic.parameters import scale_constants
from gem_symbolic.rounding import round_to
from gem_symbolic.rules import OPERATIONS
from gem_symbolic.wide import wide

CASES = [("gem", 1, "1"), ("egem", 4, "1e-6"), ("segem", 3, "1e-4"), ("segem_gated", 2, "10")]
every_case = pytest.mark.parametrize(("name", "N", "eps"), CASES)
CODES = {"binary16": np.uint16, "bfloat16": np.uint16, "binary32": np.float32, "binary64": np.float64}


@cache
def library(name, N):
    return native.load(emit.native(VARIANTS[name]), {"GEM_N": N})


@cache
def module(name):
    with running.interpreted():
        return emit.load(emit.source(VARIANTS[name]), f"native_{name}")


def pointers(*arrays):
    return [ctypes.c_void_p(None if a is None else a.ctypes.data) for a in arrays]


def strides(*arrays):
    """In numbers, from row to row; 0 where there is no array."""
    return [ctypes.c_int64(0 if a is None else a.strides[0] // a.itemsize) for a in arrays]


def scale(N, eps, type):
    """(s, 1/s) as a type that computes is passed them."""
    compute = FORMATS[type]
    number = ctypes.c_float if type == "binary32" else ctypes.c_double
    return list(map(number, scale_constants(N, Fraction(eps), compute.precision, compute.emin, compute.emax)))


def call(name, N, eps, plan, type, x, order, g=None, out=None):
    """What the C++ writes for arrays of a type's numbers, 16-bit ones as their codes."""
    if plan == "wide":
        g, out = (a if a is None else a[None] for a in (g, out))
        return over_rows(name, N, eps, type, x[None], order, None, g, out)[0]
    y = np.empty_like(x) if out is None else out
    function = getattr(library(name, N), f"{plan}_{type}")
    assert function(*pointers(x, g, y), ctypes.c_int64(x.size), order, *scale(N, eps, type)) == 0
    return y


def over_rows(name, N, eps, type, x, order, bias=None, g=None, out=None):
    """The same by the wide plan for arrays of rows, whose numbers lie side by side."""
    y = np.empty(x.shape, x.dtype) if out is None else out
    sizes = map(ctypes.c_int64, x.shape)
    function = getattr(library(name, N), f"wide_{type}")
    status = function(*pointers(x, bias, g, y), *sizes, *strides(x, g, y), order, *scale(N, eps, "binary64"))
    assert status == 0
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
    interpreted = running.triton_run(module(name), N, Fraction(eps))(x, FORMATS["binary32"], order)
    assert same(call(name, N, eps, "plain", "binary32", x.astype(np.float32), order), interpreted).all()


@every_case
@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize(("plan", "type"), [("wide", "binary32"), ("plain", "binary64")])
def test_wide_is_the_composite(name, N, eps, order, plan, type):
    x = spread(FORMATS[type], 100_000)
    composite = running.torch_run(module(name), name, N, None if name == "gem" else eps)(x, FORMATS[type], order)
    assert same(call(name, N, eps, plan, type, x.astype(CODES[type]), order), composite).all()


def narrowed(x, type):
    """Numbers of a 16-bit type as codes."""
    return torch.from_numpy(x).to(getattr(torch, bars.DTYPES[type])).view(torch.int16).numpy().view(np.uint16)


def widened(codes, type):
    codes = torch.from_numpy(codes.view(np.int16).copy())
    return codes.view(getattr(torch, bars.DTYPES[type])).to(torch.float64).numpy()


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


# --- Rows, bias and both gradients ---

every_narrow_type = pytest.mark.parametrize("type", emit.WIDE)


def numbers(type, shape, seed):
    """Random numbers of a type as the C++ takes them."""
    x = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    return x if type == "binary32" else narrowed(x, type).reshape(shape)


def exactly(x, type):
    """Those numbers in binary64."""
    return x.astype(np.float64) if type == "binary32" else widened(x, type)


def rounded(y, type):
    """Numbers of binary64, rounded once to a type, as the C++ gives them."""
    if type == "binary32":
        return y.astype(np.float32)
    known = np.vectorize(lambda v: round_to(Fraction(float(v)), type), otypes=[float])(y)
    return narrowed(np.copysign(known, y), type).reshape(y.shape)


@every_case
@every_narrow_type
@pytest.mark.parametrize("order", [0, 1, 2])
def test_rows_bias_and_weight(name, N, eps, type, order):
    """Of and into parts of arrays: f^(order)(x + bias) g in binary64, rounded once; what lies beside is left alone."""
    rows, columns = 5, 37
    whole, g = numbers(type, (rows, 2 * columns), 1), numbers(type, (rows, columns), 2)
    bias, out = numbers(type, columns, 3), numbers(type, (rows, 3 * columns), 4)
    x, y, before = whole[:, columns:], out[:, columns : 2 * columns], out.copy()
    for biased, weighted in itertools.product([False, True], repeat=2):
        at = exactly(x, type) + (exactly(bias, type) if biased else 0.0)
        expected = in_binary64(name, N, eps, at, order) * (exactly(g, type) if weighted else 1.0)
        over_rows(name, N, eps, type, x, order, bias if biased else None, g if weighted else None, y)
        assert np.array_equal(y, rounded(expected, type))
        assert np.array_equal(out[:, :columns], before[:, :columns])
        assert np.array_equal(out[:, 2 * columns :], before[:, 2 * columns :])


def in_binary64(name, N, eps, at, order):
    """The wide plan, in the numbers of NumPy."""
    s, inv_s = (c.value for c in scale(N, eps, "binary64"))
    operations = {**OPERATIONS, "abs": np.abs, "select": np.where, "fma": None}
    with np.errstate(over="ignore"):
        return wide(VARIANTS[name], order).run({"x": at, "N": N, "s": s, "inv_s": inv_s}, float, operations)


@every_case
@every_narrow_type
def test_both_gradients(name, N, eps, type):
    """Of g f(x), times w: f'(x) (g w) and f(x) w, each rounded once; x and g are halves, and so are the gradients."""
    rows, columns = 4, 45
    whole, w = numbers(type, (rows, 2 * columns), 5), numbers(type, (rows, columns), 6)
    out = np.zeros_like(whole)
    x, g, x_grad, g_grad = (half for a in (whole, out) for half in (a[:, :columns], a[:, columns:]))
    arrays = x, g, w, x_grad, g_grad
    sizes = map(ctypes.c_int64, x.shape)
    function = getattr(library(name, N), f"wide_gradients_{type}")
    assert function(*pointers(*arrays), *sizes, *strides(*arrays), *scale(N, eps, "binary64")) == 0
    value, first = (in_binary64(name, N, eps, exactly(x, type), order) for order in range(2))
    assert np.array_equal(x_grad, rounded(first * (exactly(g, type) * exactly(w, type)), type))
    assert np.array_equal(g_grad, rounded(value * exactly(w, type), type))


@pytest.mark.parametrize("shape", [(0, 7), (3, 0)])
def test_without_rows_or_columns_nothing_is_written(shape):
    assert over_rows("egem", 4, "1e-6", "binary32", np.empty(shape, np.float32), 0).shape == shape


def test_there_is_no_third_derivative():
    nothing, none, one = [ctypes.c_void_p(None)], ctypes.c_int64(0), ctypes.c_float(1)
    assert library("gem", 1).plain_binary32(*3 * nothing, none, 3, one, one) == 1
    double = ctypes.c_double(1)
    for order, status in ((2, 0), (3, 1), (-1, 1)):
        assert library("gem", 1).wide_bfloat16(*4 * nothing, *5 * [none], order, double, double) == status


# --- 16-bit types: their block of the source is read as a known text, and run here on every number ---


@cache
def conversions():
    """To and from binary64, of arrays, by the very text of the kernels."""
    text, head = emit.native(find("gem")), 'extern "C" {'
    lines = (
        f"void {type}_{way}(const {a}* x, {b}* y, std::int64_t size) {{ "
        f"for (std::int64_t i = 0; i < size; ++i) y[i] = {b}(x[i]); }}"
        for type in emit.WIDE
        for way, a, b in (("from", "binary64", type), ("to", type, "binary64"))
    )
    return native.load(text[: text.index(head)] + "\n".join([head, *lines, "}"]), {"GEM_N": 1})


def converted(type, way, x):
    y = np.empty(x.size, np.float64 if way == "to" else np.uint16)
    getattr(conversions(), f"{type}_{way}")(*pointers(np.ascontiguousarray(x), y), ctypes.c_int64(x.size))
    return y


@pytest.mark.parametrize("type", ["binary16", "bfloat16"])
def test_every_16_bit_number_is_widened_exactly_and_comes_back(type):
    codes = np.arange(1 << 16, dtype=np.uint16)
    known, found = widened(codes, type), converted(type, "to", codes)
    assert same(found, known).all()
    back, finite = converted(type, "from", found), ~np.isnan(known)
    assert np.array_equal(back[finite], codes[finite])
    assert np.isnan(widened(back[~finite], type)).all()


@pytest.mark.parametrize("type", ["binary16", "bfloat16"])
def test_what_lies_between_16_bit_numbers_is_rounded_once(type):
    """Half way between neighbours, to the even one; next to that and to a number, to the nearest. So up to infinity."""
    format = FORMATS[type]
    codes = np.arange(int(narrowed(np.array([np.inf]), type)[0]), dtype=np.uint16)
    low = widened(codes, type)
    high = np.append(low[1:], 2.0 ** (format.emax + 1))
    half, above = (low + high) / 2, codes + np.uint16(1)
    expected = (
        (half, np.where(codes % 2, above, codes)),
        (np.nextafter(half, 0), codes),
        (np.nextafter(half, np.inf), above),
        (np.nextafter(low, np.inf), codes),
        (np.nextafter(high, 0), above),
    )
    for x, nearest in expected:
        assert np.array_equal(converted(type, "from", x), nearest)
        assert np.array_equal(converted(type, "from", -x), nearest | 0x8000)
    ends = np.array([5e-324, 1e-310, 1e300, np.finfo(float).max, np.inf])
    infinite = codes[-1] + 1
    assert np.array_equal(converted(type, "from", ends), [0, 0, infinite, infinite, infinite])


# --- Compiling ---


def test_the_loops_are_vectorised(tmp_path):
    """Each of the loops over numbers: orders x what may be null x functions, and the gradients."""
    report = tmp_path / "report"
    command = [native.compiler(), *native.FLAGS, "-DGEM_N=3", f"-fopt-info-vec-optimized={report}", "-x", "c++", "-"]
    subprocess.run([*command, "-o", tmp_path / "out.so"], input=emit.native(find("segem")), text=True, check=True)
    lines = [line for line in report.read_text().splitlines() if "loop vectorized" in line]
    orders = len(emit.ORDERS)
    assert len(lines) >= len(emit.WIDE) * (4 * orders + 1) + len(emit.COMPUTE) * 2 * orders + 2 * emit.ACCURATE


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
