"""The oracle against values that no code of ours computed, against itself at higher precision, and at its edges."""

import csv
import math
import re
import struct
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp, mpf

from gem_symbolic import expressions
from gem_symbolic.definitions import SEGEM, VARIANTS, Branch
from gem_symbolic.formats import FORMATS
from gem_symbolic.measure import decode, exhaustive, ordinal, sampled
from gem_symbolic.reference import evaluate
from gem_symbolic.rounding import as_fraction, round_to, ulp, ulp_distance
from gem_symbolic.sweep import GUARD, values

DATA = Path(__file__).parent / "data"
EPS = ("1e-6", "1e-4", "1", "10")


def rows(name):
    with (DATA / name).open() as file:
        return list(csv.DictReader(file))


def eps_of(name, eps="1e-4"):
    """eps for a variant, None where it is fixed."""
    return None if any(p.fixed for p in VARIANTS[name].parameters) else eps


def agree(a, b, digits):
    with mp.workdps(digits + 30):
        return abs(a - b) <= abs(b) * mpf(10) ** -digits


# Values


def test_the_oracle_values():
    table = rows("oracle.csv")
    assert len(table) == 1152
    for row in table:
        value = evaluate(row["variant"], row["x"], int(row["N"]), row["eps"], order=int(row["order"]), dps=50)
        with mp.workdps(60):
            assert agree(value, mpf(row["value"]), 38), row


def test_the_oracle_minima_are_values_of_segem():
    """The tables' minimum of SE-GEM is its value where its derivative changes sign."""
    for row in (r for r in rows("oracle_constants.csv") if r["quantity"] == "minimum"):
        N, eps, variant = int(row["N"]), row["eps"], row["variant"]
        low, high = Fraction(-100), Fraction(-1, 10**6)
        for _ in range(160):
            middle = (low + high) / 2
            rising = evaluate(variant, middle, N, eps, order=1, dps=5) > 0
            low, high = (low, middle) if rising else (middle, high)
        with mp.workdps(60):
            assert agree(evaluate(variant, low, N, eps), mpf(row["value"]), 20), row


@given(
    st.sampled_from(sorted(VARIANTS)),
    st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=True),
    st.integers(1, 6),
    st.integers(0, 5),
    st.sampled_from(EPS),
)
def test_doubled_precision_agrees(name, x, N, order, eps):
    single = evaluate(name, x, N, eps_of(name, eps), order=order, dps=30, side="left")
    double = evaluate(name, x, N, eps_of(name, eps), order=order, dps=60, side="left")
    assert agree(single, double, 29)


def test_derivatives_are_those_of_a_difference_quotient():
    with mp.workdps(80):
        h = mpf(10) ** -30
        for name in VARIANTS:
            for x in ("-0.3", "0.7"):
                for order in range(4):
                    at = [evaluate(name, mpf(x) + k * h, 2, eps_of(name), order=order, dps=80) for k in (-1, 1)]
                    slope = evaluate(name, mpf(x), 2, eps_of(name), order=order + 1, dps=80)
                    assert abs((at[1] - at[0]) / (2 * h) - slope) < mpf(10) ** -45 * (1 + abs(slope)) * 10**6


def test_every_way_to_write_x():
    ways = (Fraction(-3, 8), "-0.375", "-3/8", -0.375, mpf("-0.375"), np.float64(-0.375), np.float32(-0.375))
    assert len({evaluate("segem", x, 2, dps=30) for x in ways}) == 1
    assert evaluate("segem", 0.1, 2) != evaluate("segem", "0.1", 2)  # a float is its exact binary value
    assert (
        evaluate("segem", -1, 2) == evaluate(SEGEM, -1.0, 2, "1e-4") == evaluate("segem", -1, 2, scale=Fraction(1, 10))
    )


def test_values_of_extreme_size():
    for x in ("-1e-400", "-1e400", "1e4000"):
        assert agree(evaluate("segem", x, 4, order=3, dps=30), evaluate("segem", x, 4, order=3, dps=60), 29)
    assert evaluate("segem", "-1e400", 1, 1) < 0


def test_the_oracle_needs_no_sympy():
    code = "import sys, gem_symbolic.reference, gem_symbolic.sweep; sys.exit('sympy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=DATA.parent.parent).returncode == 0


# Zeros and junctions


def test_an_exact_zero_is_exactly_zero():
    assert evaluate("segem", -1, 1, 1, order=1) == 0
    assert evaluate("segem", "-0.1", 1, "1/100", order=1) == 0  # a tenth has no exact ball: rational arithmetic decides
    assert evaluate("egem", -5, 3, order=4) == 0
    assert evaluate("segem", 2, 3, order=2) == 0


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("N", [1, 2, 3, 4, 8])
def test_sides_at_the_junction(name, N):
    smooth = expressions.evaluate(VARIANTS[name].claims["T2"]["smoothness"], {"N": N})
    eps = Fraction(eps_of(name) or 1)
    for order in range(smooth + 3):
        left, right = (evaluate(name, 0, N, eps_of(name), order=order, side=side) for side in ("left", "right"))
        if order <= smooth:
            assert left == right == evaluate(name, 0, N, eps_of(name), order=order)
            continue
        with pytest.raises(ValueError, match=f"derivative {smooth + 1} of {name} jumps at x = 0"):
            evaluate(name, 0, N, eps_of(name), order=order)
        if order == smooth + 1:
            jump = math.factorial(order) / eps ** (smooth // (2 * N))
            with mp.workdps(60):
                assert agree(right - left, mpf(jump.numerator) / jump.denominator, 45)


def glued(left, right):
    return replace(SEGEM, name="glued", branches=(Branch("x <= 1/3", left), Branch("x > 1/3", right)))


def test_a_junction_off_zero():
    f = glued("x", "x + (x - 1/3)**3")
    assert evaluate(f, "1/3", 1, order=2) == 0
    assert evaluate(f, "1/3", 1, order=3, side="right") == 6
    assert evaluate(f, 1 / 3, 1, order=3) == 0  # the float lies on the left of 1/3
    with pytest.raises(ValueError, match="derivative 3 of glued jumps at x = 1/3"):
        evaluate(f, "1/3", 1, order=3)


def test_a_cancelling_power_is_not_a_pole():
    f = replace(
        SEGEM, name="f", branches=(Branch("x <= 0", "x**(2*N + 3)/(x**(2*N)*(1 + x**2))"), Branch("x > 0", "x**3"))
    )
    assert evaluate(f, 0, 2, order=3) == 6


@pytest.mark.parametrize(
    ("text", "x"), [("1/x", "0"), ("x**3/(x - 1)", "1"), ("x/(x - x)", "2"), ("x**N/x**(2*N)", "0")]
)
def test_a_pole_is_named(text, x):
    f = replace(SEGEM, name="f", branches=(Branch("x <= 0", "x**3"), Branch("x > 0", text)))
    with pytest.raises(ValueError, match=f"^f has a pole at x = {x}$"):
        evaluate(f, x, 2, order=2, side="right")


def test_a_broken_power_is_refused():
    with pytest.raises(ValueError, match="exponent 1/2 in a definition is not an integer"):
        evaluate(glued("x", "x**(1/2)"), 2, 1)


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ({"variant": "relu"}, "unknown variant 'relu'; known are gem, egem, segem, segem_gated"),
        ({"x": math.nan}, "a finite real number is needed; got nan"),
        ({"x": math.inf}, "a finite real number is needed; got inf"),
        ({"x": mpf("-inf")}, "a finite real number is needed"),
        ({"x": mpf("nan")}, "a finite real number is needed"),
        ({"x": "inf"}, "x must be a rational number"),
        ({"x": "one"}, "x must be a rational number"),
        ({"x": None}, "a finite real number is needed; got None"),
        ({"x": 1j}, "a finite real number is needed; got 1j"),
        ({"x": True}, "x must be a real number; got True"),
        ({"x": "1e99999999999"}, "the magnitude of x must be within"),
        ({"x": mpf(10) ** 10**9}, "the magnitude of a number must be within"),
        ({"order": -1}, "order must be an integer >= 0; got -1"),
        ({"order": 1.5}, "order must be an integer >= 0; got 1.5"),
        ({"dps": 0}, "dps must be an integer >= 1; got 0"),
        ({"side": "up"}, 'side must be "left" or "right"; got \'up\''),
        ({"N": 0}, "N must be an integer >= 1; got 0"),
        ({"eps": 0}, "eps must be > 0; got 0"),
        ({"eps": 1, "scale": 1}, "give eps or scale, not both"),
        ({"variant": "gem", "eps": 2}, "eps is fixed at 1 in gem; got 2"),
    ],
)
def test_bad_input_gets_one_sentence(bad, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)) as error:
        evaluate(**{"variant": "segem", "x": 1, "N": 1, **bad})
    assert "\n" not in str(error.value)


# Rounding


def as_binary32(x):
    try:
        return struct.unpack("f", struct.pack("f", x))[0]
    except OverflowError:
        return math.copysign(math.inf, x)


NATIVE = {
    "binary16": lambda x: float(np.float64(x).astype(np.float16)),
    "binary32": as_binary32,
    "binary64": float,
}
anything = st.floats(allow_subnormal=True) | st.floats(-1e-4, 1e-4) | st.floats(-70000, 70000)


def same(a, b):
    return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))


@pytest.mark.parametrize("name", NATIVE)
@given(x=anything)
def test_rounding_agrees_with_the_machine(name, x):
    with np.errstate(over="ignore"):
        assert same(round_to(x, name), NATIVE[name](x))


@given(st.fractions())
def test_rationals_round_as_python_divides(q):
    assert round_to(q, "binary64") == q.numerator / q.denominator


@pytest.mark.parametrize("format", FORMATS.values(), ids=FORMATS)
def test_rounding_at_the_edges_of_a_format(format):
    least, top, unit = Fraction(2) ** format.least, format.max, ulp(format.max, format)
    assert same(round_to(least / 2, format), 0.0)  # ties go to even
    assert same(round_to(-least / 2, format), -0.0)
    assert round_to(least * Fraction(3, 2), format) == 2 * least
    assert round_to(least / 2 + least / 10**9, format) == least
    assert round_to(top + unit / 2, format) == math.inf
    assert round_to(-top - unit / 2, format) == -math.inf
    assert round_to(top + unit * Fraction(49, 100), format) == top
    assert round_to(format.tiny - least / 2, format) == format.tiny
    one = 1 + Fraction(2) ** -format.precision
    assert round_to(one, format) == 1
    assert round_to(one + Fraction(1, 10**60), format) == 1 + 2 * (one - 1)
    assert round_to(3 * one - 2, format) == 1 + 4 * (one - 1)
    assert same(round_to(-(mpf(2) ** -(10**7)), format), -0.0)  # too small for a quotient of integers
    assert same(round_to(mpf(2) ** 10**7, format), math.inf)
    for special in (0.0, -0.0, math.inf, -math.inf, math.nan):
        assert same(round_to(special, format), special)


def test_bfloat16_is_binary32_cut_after_the_first_half():
    patterns = np.arange(1 << 16, dtype=np.uint32) << 16
    numbers = patterns.view(np.float32)
    finite = numbers[np.isfinite(numbers)].tolist()
    assert all(round_to(x, "bfloat16") == x for x in finite)
    with np.errstate(invalid="ignore"):
        assert np.array_equal(
            np.sort(exhaustive(FORMATS["bfloat16"]).numbers), np.sort(numbers.astype(float)), equal_nan=True
        )


def test_ulp():
    for name, precision in (("binary16", 11), ("bfloat16", 8), ("binary32", 24), ("binary64", 53)):
        unit = Fraction(2) ** (1 - precision)
        assert ulp(1, name) == ulp(Fraction(-199, 100), name) == unit
        assert ulp(1 - Fraction(1, 10**40), name) == unit / 2  # just below a power of two
        assert ulp(0, name) == ulp(Fraction(1, 10**999), name) == Fraction(2) ** FORMATS[name].least
        assert ulp(10**999, name) == ulp(FORMATS[name].max, name)
    assert ulp(mpf("-2.5"), "binary64") == Fraction(2) ** -51


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_ulp_is_the_machines(x):
    assert ulp(x, "binary64") == Fraction(math.ulp(x))


def test_ulp_distance():
    assert ulp_distance(1.0, 1, "binary16") == 0
    assert ulp_distance(1 + 2**-10, Fraction(1), "binary16") == 1
    assert ulp_distance(0.0, Fraction(2) ** -25, "binary16") == 0.5
    assert ulp_distance(math.nan, 1, "binary32") == math.inf
    assert ulp_distance(math.inf, 1, "binary32") == math.inf
    assert ulp_distance(math.inf, 10**6, "binary16") == 0
    assert ulp_distance(-math.inf, 10**6, "binary16") == math.inf
    assert ulp_distance(-1.0, mpf(-1), "binary32") == 0
    with pytest.raises(ValueError, match="unknown format 'binary128'; known are binary16"):
        ulp_distance(1.0, 1, "binary128")


@given(st.fractions(), st.integers(-400, 400))
def test_an_mpf_keeps_its_sign_and_value(q, shift):
    number = mp.mpf(q.numerator) * mpf(2) ** shift
    assert as_fraction(number) == Fraction(int(number * mpf(2) ** 900)) / Fraction(2) ** 900


# Whole arrays


@pytest.mark.parametrize("format", FORMATS.values(), ids=FORMATS)
def test_the_order_of_the_numbers(format):
    top = ordinal(float(format.max), format)
    places = np.array([-top, -5, -1, 0, 1, 2, ordinal(float(format.tiny), format), ordinal(1.0, format), top])
    numbers = decode(places, format)
    assert [ordinal(x, format) for x in numbers.tolist()] == places.tolist()
    assert numbers[-1] == float(format.max)
    assert numbers[4] == float(Fraction(2) ** format.least)
    assert (decode(np.array([top + 1]), format) == np.inf).all()
    assert np.isnan(decode(np.array([top + 2]), format)).all()
    steps = np.unique(np.random.default_rng(0).integers(-top, top, 200))
    assert all(round_to(x, format) == x for x in decode(steps, format).tolist())


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("format", FORMATS.values(), ids=FORMATS)
def test_arrays_agree_with_single_values(name, format):
    """Rounding and errors by numpy, on arrays, against exact rational arithmetic, number by number."""
    activation, rng = VARIANTS[name], np.random.default_rng(3)
    inputs = exhaustive(format) if format.bits == 16 else sampled(activation, 3, eps_of(name), format, 400)
    numbers = inputs.numbers[np.isfinite(inputs.numbers)]
    numbers = np.append(rng.choice(numbers, 300), [0.0, -0.0, float(format.max), -float(format.tiny)])
    for order in (0, 1, 2):
        exact = values(activation, 3, numbers, format, eps_of(name), order=order)
        rounded = exact.rounded(format)
        toward = np.array([ordinal(x, format) if math.isfinite(x) else 0 for x in rounded.tolist()])
        top = ordinal(float(format.max), format)
        others = decode(np.clip(toward + rng.integers(-3, 4, len(numbers)), -top, top), format)
        errors = np.abs(exact.ulps(others, format))
        for x, nearest, other, error in zip(*(a.tolist() for a in (numbers, rounded, others, errors))):
            value = evaluate(activation, x, 3, eps_of(name), order=order)
            assert round_to(value, format) == nearest
            distance = ulp_distance(other, value, format)
            # A power of two that its ball does not resolve counts as just below it, where the unit is half as large.
            allowed = (distance, 2 * distance) if abs(math.frexp(nearest)[0]) == 0.5 else (distance,)
            assert any(abs(error - d) <= 2.0 ** (10 - GUARD) * (1 + d) for d in allowed), (x, other, value)


def test_arrays_refuse_what_does_not_exist():
    with pytest.raises(ValueError, match="derivative 3 of segem jumps at x = 0"):
        values(SEGEM, 1, np.array([0.0, 1.0]), FORMATS["binary32"], order=3)
    f = glued("x", "2*x")
    with pytest.raises(ValueError, match="eps is fixed"):
        values(VARIANTS["gem"], 1, np.array([1.0]), FORMATS["binary32"], eps=2)
    assert values(f, 1, np.array([1 / 3, 0.5]), FORMATS["binary64"]).high.tolist() == [1 / 3, 1.0]
