"""Spec files: exact numbers, formulas and intervals, and errors that name the line and the field."""

from fractions import Fraction
from pathlib import Path

import pytest
from flint import fmpq, fmpq_poly

from gem_symbolic.expressions import ExpressionError
from gem_symbolic.spec import grammar, locate
from gem_symbolic.spec.rational import X, quotient
from gem_symbolic.spec.read import SpecError, load
from gem_symbolic.spec.real import Real, between, roots, sign, simplest

GOOD = """title = "two lines"
[integers]
N = 2
[reals]
s = "1/3"

[[branch]]
on = "x < root(x^2 - 2, 2)"
expr = "s*x^(2*N)/(x^2 + s)"

[[branch]]
on = "x >= root(x^2 - 2, 2)"
expr = "1.5e1 - x"
"""


def real(*coefficients: int, index: int) -> Real:
    return roots(fmpq_poly(list(coefficients)))[index][0]


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_algebraic_numbers_are_ordered_and_equal_exactly() -> None:
    two, product = real(-2, 0, 1, index=1), real(6, 0, -5, 0, 1, index=2)  # (x^2 - 2)(x^2 - 3)
    assert two == product
    assert not two < product
    near = Real.of(fmpq(141421356237309504880168872420969807856967187537694, 10**50))
    assert near < two < Real.of(fmpq(141421356237309504880168872420969807856967187537695, 10**50))
    assert -two == real(-2, 0, 1, index=0)
    assert sign(fmpq_poly([-2, 0, 1]), two) == 0
    assert sign(fmpq_poly([-1, 0, 1]), two) == 1
    assert str(two) == "root(x^2 - 2, 2)"


def test_roots_come_with_multiplicities() -> None:
    x = fmpq_poly([0, 1])
    assert [(str(r), m) for r, m in roots((x - 1) ** 3 * (x * x + 1) * (2 * x + 1) ** 2)] == [("-1/2", 2), ("1", 3)]


def test_values_at_algebraic_numbers_are_exact() -> None:
    x = quotient(X)
    root_two = real(-2, 0, 1, index=1)
    assert (x * x).at(root_two) == Real.of(2)
    assert (x / (x + x**2)).at(root_two) == real(-1, 2, 1, index=1)  # 1/(1 + sqrt 2) = sqrt 2 - 1
    assert (x**3).at(-root_two) == real(-8, 0, 1, index=0)
    with pytest.raises(ZeroDivisionError):
        (x / (x**2 - x * x * x)).at(Real.of(1))


@pytest.mark.parametrize(
    ("low", "high", "found"),
    [("1/3", "1/2", "2/5"), ("-1/2", "1/3", "0"), ("7/2", "9", "4"), ("-5/2", "-2", "-7/3"), ("2", "3", "5/2")],
)
def test_the_simplest_number_between(low: str, high: str, found: str) -> None:
    values = [fmpq(*Fraction(text).as_integer_ratio()) for text in (low, high, found)]
    assert simplest(values[0], values[1]) == values[2]
    assert between(Real.of(values[0]), Real.of(values[1])) == values[2]


def test_a_number_beyond() -> None:
    root_two = real(-2, 0, 1, index=1)
    assert between(root_two, None) == 2
    assert between(None, -root_two) == -2
    assert between(root_two, real(-3, 0, 1, index=1)) == fmpq(3, 2)


def test_a_spec_becomes_rational_functions_on_intervals(tmp_path: Path) -> None:
    spec = load(write(tmp_path, GOOD))
    function = spec.function()
    assert [str(p.function) for p in function.pieces] == ["(1/3*x^4)/(x^2 + 1/3)", "-x + 15"]
    assert [p.on for p in function.pieces] == ["x < root(x^2 - 2, 2)", "x >= root(x^2 - 2, 2)"]
    assert function.settings == {"N": 2, "s": Fraction(1, 3)}
    assert str(spec.function({"N": 1, "s": "3"}).pieces[0].function) == "(3*x^2)/(x^2 + 3)"


def test_branches_may_stand_in_any_order(tmp_path: Path) -> None:
    path = write(tmp_path, '[[branch]]\non = "x > 0"\nexpr = "x"\n[[branch]]\non = "x <= 0"\nexpr = "0"\n')
    assert [p.on for p in load(path).function().pieces] == ["x <= 0", "x > 0"]


def test_a_formula_stands_for_its_function_in_lowest_terms(tmp_path: Path) -> None:
    (piece,) = load(write(tmp_path, '[[branch]]\non = "all x"\nexpr = "x^2/x"\n')).function().pieces
    assert (str(piece.function), piece.function.at(Real.of(0))) == ("x", Real.of(0))


def test_a_shipped_spec_by_its_name() -> None:
    assert load("hard_swish").title == "hard-swish"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("1.5e1 - x", "1.5e1 - y", r"line 13, branch 2, expr: it names 'y'; known are x, N, s"),
        ('title = "two lines"', "title = 'two lines' # \u2028\nN = 1", r"line 2, N: unknown field"),
        ("1.5e1 - x", "1/(x - x)", r"line 13, branch 2, expr: .* divides by zero"),
        ("1.5e1 - x", "x^s", r"line 13, branch 2, expr: the exponent 1/3 is not an integer"),
        ("1.5e1 - x", "2x", r"line 13, branch 2, expr: a sign such as \* is missing before 'x'"),
        ("x >= root", "x > root", r"line 12, branch 2, on: nothing is defined at root\(x\^2 - 2, 2\)"),
        ("x < root", "x <= root", r"line 12, branch 2, on: it overlaps the branch before it"),
        ("x < root(x^2 - 2, 2)", "x < 1", r"line 12, branch 2, on: nothing is defined between 1 and root"),
        ("x < root(x^2 - 2, 2)", "x < 2", r"line 12, branch 2, on: it overlaps the branch before it, which ends at 2"),
        ("x < root(x^2 - 2, 2)", "x < root(x^2 - 2, 3)", r"line 8, branch 1, on: .* has 2 real roots"),
        ("x < root(x^2 - 2, 2)", "1 < x < 1", r"line 8, branch 1, on: .* is empty or a single point"),
        ("x < root(x^2 - 2, 2)", "x != 1", r"line 8, branch 1, on: cannot read the interval"),
        ("N = 2", "N = 0", r"line 3, integers, N: N must be an integer from 1 to 1000"),
        ('s = "1/3"', 's = "-1/3"', r"line 5, reals, s: s must be > 0"),
        ('s = "1/3"', "s = 0.5", r"line 5, reals, s: s must be text .* got a float"),
        ('s = "1/3"', "s = nan", r"line 5, reals, s: s must be text .* got a float"),
        ('s = "1/3"', 'x = "1"', r"line 5, reals, x: 'x' cannot be the name of a parameter"),
        ('title = "two lines"', 'titel = "two lines"', r"line 1, titel: unknown field 'titel'; known are title"),
        ('expr = "1.5e1 - x"', "", r"line 11, branch 2: expr is missing"),
        ('expr = "1.5e1 - x"', "expr = 3", r"line 13, branch 2, expr: it must be a formula as text; got an integer"),
    ],
)
def test_errors_name_the_line_and_the_field(old: str, new: str, message: str, tmp_path: Path) -> None:
    assert old in GOOD
    with pytest.raises(SpecError, match=message) as stop:
        load(write(tmp_path, GOOD.replace(old, new, 1))).function()
    assert "\n" not in str(stop.value)


@pytest.mark.parametrize(
    "text", ["x +", "(x", "x)", "", "x x", "+x", "x//2", "x(2)", "2(x)", "x.real", "x if x else x"]
)
def test_what_is_no_formula_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        grammar.read(text, {"x": quotient(X)})


def test_powers_bind_as_they_are_written() -> None:
    x = quotient(X)
    assert grammar.read("-x^2^1*2 + .5", {"x": x}) == grammar.read("1/2 - 2*x*x", {"x": x})


def test_a_field_without_a_line_of_its_own_has_that_of_its_table() -> None:
    assert locate.line("a = 1\nbranch = [{on = 1}]\n", "branch", 0, "on") == 2
    assert locate.line("a = 1\n\n[ claims ] # what\nb.c = 2\n", "claims", 0, "b") == 4
