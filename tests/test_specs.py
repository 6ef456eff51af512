"""The shipped specs against facts from their sources, the family itself read as a spec, and claims that are wrong."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from flint import arb, fmpq

from gem_symbolic.definitions import VARIANTS
from gem_symbolic.expressions import insert
from gem_symbolic.spec import norms, second, shape
from gem_symbolic.spec.claims import claims, no_poles
from gem_symbolic.spec.facts import Facts, number
from gem_symbolic.spec.read import Spec, SpecError, load, shipped
from gem_symbolic.spec.real import OO, Real

#: Those whose own claims are to be refused.
REFUSED = {"pade_pole": "poles", "broken_segem": "smoothness"}


def facts(spec: Spec, **given: Any) -> Facts:
    return Facts(spec.function(given), spec.others())


def decided(spec: Spec, **given: Any) -> dict[str, dict[str, Any]]:
    found = facts(spec, **given)
    records = [no_poles(found).decide()]
    if not found.poles:
        records += [claim.decide() for claim in claims(spec, found)]
    return {record["id"]: record for record in records}


def rational(value: Any) -> Fraction:
    assert isinstance(value, Real)
    assert value.rational is not None
    return Fraction(int(value.rational.p), int(value.rational.q))


def extrema(found: Facts) -> list[tuple[Fraction, bool]]:
    return [(rational(e.value), e.reached) for e in found.range]


@pytest.mark.parametrize("name", sorted(set(shipped()) - REFUSED.keys()))
def test_what_is_claimed_is_proved_by_two_engines(name: str) -> None:
    for record in decided(load(name)).values():
        assert record["status"] == "proved", record
        assert {e["checker"] for e in record["evidence"]} == {"FLINT and Arb", "SymPy"}


def made(tmp_path: Path, *branches: tuple[str, str]) -> Facts:
    path = tmp_path / "made.toml"
    path.write_text("".join(f'[[branch]]\non = "{on}"\nexpr = "{expr}"\n' for on, expr in branches), encoding="utf-8")
    return facts(load(path))


def test_a_slope_that_is_reached_goes_before_one_that_is_approached(tmp_path: Path) -> None:
    right = ("x > 0", "x^2/(x + 1)")  # its slope nears 1
    found = made(tmp_path, ("x < -1", "1"), ("-1 <= x <= 0", "-x"), right).lipschitz
    assert (found.value, found.reached) == (Real.of(1), True)
    found = made(tmp_path, ("x < -1", "1/2"), ("-1 <= x <= 0", "-x/2"), right).lipschitz
    assert (found.value, found.reached) == (Real.of(1), False)


def test_at_a_jump_no_slope_is_reached(tmp_path: Path) -> None:
    found = made(tmp_path, ("x < 1", "0"), ("x >= 1", "x")).lipschitz
    assert (found.value, found.x, found.reached) == (OO, Real.of(1), False)


def test_a_long_rational_number_has_a_decimal_beside_it() -> None:
    assert number(Real.of(fmpq(1, 3))) == {"exact": "1/3"}
    long = number(Real.of(fmpq(10**50, 3)))
    assert long == {"exact": f"{10**50}/3", "decimal": "3.33333333333333e+49"}


def test_what_is_to_be_refused_is_refused() -> None:
    pole = decided(load("pade_pole"))["poles"]
    assert pole["status"] == "refuted"
    assert "= -5.097309330" in pole["counterexample"]
    broken = decided(load("broken_segem"), N=3)
    assert broken["poles"]["status"] == "proved"
    assert broken["smoothness"]["status"] == "refuted"
    assert broken["smoothness"]["statement"] == "f is exactly C^6"
    assert broken["smoothness"]["counterexample"].endswith("at x = 0: C^5")


def altered(spec: Spec) -> list[tuple[str, Spec]]:
    """(claim, the spec with that claim made false) for each of its claims."""
    found: list[tuple[str, dict[str, Any]]] = []
    for key, value in spec.claims.items():
        if key == "distance":
            for row in value:
                place = f"distance.{row['to']}.{row['p']}"
                if "finite" in row:
                    found.append((f"{place}.finite", {key: [{**row, "finite": not row["finite"]}]}))
                if "below" in row:
                    found.append((f"{place}.below", {key: [{**row, "below": "1e-3"}]}))
        elif isinstance(value, bool):
            found.append((key, {key: not value}))
        else:
            found.append((key, {key: 7 if value == "oo" else "oo"}))
            found.append((key, {key: f"{value} + 1" if value != "oo" else 0}))
    return [(name, replace(spec, claims=claim)) for name, claim in found]


@pytest.mark.parametrize(
    ("name", "spec"), [pair for spec in map(load, sorted(set(shipped()) - REFUSED.keys())) for pair in altered(spec)]
)
def test_the_opposite_of_each_claim_is_refuted(name: str, spec: Spec) -> None:
    record = decided(spec)[name]
    assert record["status"] == "refuted", record
    assert record["counterexample"]


def test_relu_is_the_kink_at_zero() -> None:
    found = facts(load("relu"))
    assert [(j.x, j.m, j.jump) for j in found.junctions] == [(Real.of(0), 1, Real.of(1))]
    assert [(r.low, r.high, r.direction) for r in found.runs] == [(None, Real.of(0), 0), (Real.of(0), None, 1)]
    assert isinstance(gain := norms.gain(found.function), arb)
    assert gain.overlaps(arb(2).sqrt())
    assert gain.rad() < 1e-20


def test_leaky_relu_is_steepest_on_the_right_whatever_alpha_is() -> None:
    assert rational(facts(load("leaky_relu"), alpha="1/3").lipschitz.value) == 1
    assert rational(facts(load("leaky_relu"), alpha="3").lipschitz.value) == 3


def test_softsign_has_range_minus_one_to_one_and_slope_at_most_one() -> None:
    found = facts(load("softsign"))
    assert extrema(found) == [(-1, False), (1, False)]  # the open interval
    assert rational(found.lipschitz.value) == 1
    assert found.lipschitz.x == Real.of(0)
    assert found.smoothness == 1  # softsign'' is -2 on the right of 0 and 2 on the left
    assert [rational(j.jump) for j in found.junctions] == [-4]


def test_hard_swish_has_two_kinks_and_its_minimum_at_minus_three_halves() -> None:
    found = facts(load("hard_swish"))
    assert [(rational(j.x), j.smoothness) for j in found.junctions] == [(-3, 0), (3, 0)]
    assert (rational(found.range[0].value), rational(found.range[0].x)) == (Fraction(-3, 8), Fraction(-3, 2))
    assert rational(found.distance("relu", "oo")) == Fraction(3, 8)
    assert shape.stationary(found.function) == (Real.of(fmpq(-3, 2)),)


def test_hard_sigmoid_reaches_zero_and_one() -> None:
    found = facts(load("hard_sigmoid"))
    assert extrema(found) == [(0, True), (1, True)]
    assert [j.smoothness for j in found.junctions] == [0, 0]
    assert [r.direction for r in found.runs] == [0, 1, 0]


def test_sqnl_saturates_at_two() -> None:
    found = facts(load("sqnl"))
    assert extrema(found) == [(-1, True), (1, True)]
    assert [(rational(j.x), j.smoothness) for j in found.junctions] == [(-2, 1), (0, 1), (2, 1)]
    assert [(r.low, r.high) for r in found.runs if r.direction == 1] == [(Real.of(-2), Real.of(2))]


@pytest.mark.parametrize("w", ["1/3", "1", "5"])
def test_the_smoothstep_gate_is_within_a_tenth_of_the_square_of_its_width(w: str) -> None:
    found = facts(load("smoothstep"), w=w)
    assert [rational(j.x) for j in found.junctions] == [-Fraction(w), Fraction(w)]
    assert rational(found.distance("relu", "1")) == Fraction(w) ** 2 / 10  # by hand: twice the integral of x (1 - gate)


@pytest.mark.parametrize("a", ["1/4", "1"])
def test_the_rational_relative_of_squareplus_nears_relu_from_above(a: str) -> None:
    found = facts(load("rational_plus"), a=a)
    assert (rational(found.distance("relu", "oo")), rational(found.range[0].value)) == (Fraction(a), 0)
    assert isinstance(distance := found.distance("relu", "2"), arb)
    assert (distance**2).overlaps(4 * arb(fmpq(*Fraction(a).as_integer_ratio())) ** 3)  # by hand
    assert found.distance("relu", "1") == OO


def test_the_safe_pade_unit_pays_for_its_absolute_values_with_a_kink() -> None:
    found = facts(load("pade"))
    assert [j.smoothness for j in found.junctions] == [0]
    jump = 2 * Fraction("0.02979246") * Fraction("1.14201226")  # by hand
    assert [rational(j.jump) for j in found.junctions] == [-jump]


def family(name: str, tmp_path: Path) -> Spec:
    """A variant of the family as a spec."""
    activation = VARIANTS[name]
    fixed = {p.name: p.fixed for p in activation.parameters if p.fixed}
    text = "[integers]\nN = 1\n" + ("" if fixed else '[reals]\neps = "1e-2"\n')
    for branch in activation.branches:
        expr = insert(insert(insert(branch.expr, **activation.where), **activation.where), **fixed)  # S names F
        text += f'[[branch]]\non = "{branch.on}"\nexpr = "{expr}"\n'
    path = tmp_path / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return load(path)


@pytest.mark.parametrize("N", [1, 2, 3])
@pytest.mark.parametrize("name", VARIANTS)
def test_the_family_as_a_spec_has_the_facts_of_its_theorems(name: str, N: int, tmp_path: Path) -> None:
    spec, n = family(name, tmp_path), 2 * N
    gated, mirrored = name == "segem_gated", name == "segem"
    found = facts(spec, N=N)
    eps = found.function.settings.get("eps", Fraction(1))
    assert found.smoothness == (4 * N if gated else 2 * N)  # T2
    factorial = arb(n + 2 if not gated else 2 * n + 2).gamma()
    (jump,) = [rational(j.jump) for j in found.junctions]
    assert arb(fmpq(*jump.as_integer_ratio())).overlaps(
        factorial / fmpq(*(eps**2 if gated else eps).as_integer_ratio())
    )
    rise, fall = Fraction((n + 1) ** 2, 4 * n), Fraction((n - 1) ** 2, 4 * n)
    assert rational(found.lipschitz.value) == (max(1, fall) if mirrored else rise)  # T3
    assert [r.direction for r in found.runs] == ([-1, 1] if gated or mirrored else [0, 1])  # T4
    s = arb(fmpq(*eps.as_integer_ratio())).root(n)
    dip = s * arb(n - 1) ** (1 - arb(1) / n) / n  # T6, p = oo
    distance = found.distance("relu", "oo")
    assert isinstance(distance, Real)
    assert distance.ball().overlaps(dip)
    for p in (1, 2):  # T6
        value = norms.norm(found.function.minus(found.others["relu"]), p)
        if p * (n - 1) <= 1:
            assert value == OO
        elif not gated:
            a, b = arb(p + 1) / n, p - arb(p + 1) / n
            beta = a.gamma() * b.gamma() / (a + b).gamma()
            assert isinstance(value, arb)
            assert value.overlaps((s ** (p + 1) / n * beta).root(p))
            assert value.rad() < 1e-15


@pytest.mark.parametrize(("name", "N", "gain"), [("gem", 1, "2.06937213706709"), ("segem", 1, "1.31551645581364")])
def test_the_gain_of_the_family(name: str, N: int, gain: str, tmp_path: Path) -> None:
    value = norms.gain(family(name, tmp_path).function({} if name == "gem" else {"eps": "1"}))
    assert isinstance(value, arb)
    assert abs(value - arb(gain)) < 1e-14  # T10


@pytest.mark.parametrize("width", [1, 10**6, 10**20])
def test_a_narrow_peak_is_enclosed_with_more_bits(width: int, tmp_path: Path) -> None:
    path = tmp_path / "peak.toml"
    path.write_text(f'[[branch]]\non = "all x"\nexpr = "1/((x - 1/3)^2*{width}^2 + 1)"\n', encoding="utf-8")
    area = norms.norm(load(path).function(), 1)
    assert isinstance(area, arb)
    assert area.rel_accuracy_bits() >= norms.ACCURATE
    assert (area * width).overlaps(arb.pi())


def test_what_is_not_enclosed_is_not_a_number_but_undecided() -> None:
    assert number(arb("nan")) == {"undecided": "no enclosure found"}
    assert norms.sharp(lambda: arb(1) / arb(0)).is_finite() is False


def test_the_distance_to_a_spec_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text('[[branch]]\non = "all x"\nexpr = "x/2"\n', encoding="utf-8")
    path = tmp_path / "mine.toml"
    text = '[[branch]]\non = "x < 0"\nexpr = "x/2"\n[[branch]]\non = "x >= 0"\nexpr = "x/2 + 1/(x + 3)"\n'
    text += '[[claims.distance]]\nto = "other.toml"\np = "oo"\nbelow = "1/3"\n'
    path.write_text(text, encoding="utf-8")
    spec = load(path)
    assert decided(spec)["distance.other.toml.oo.below"]["status"] == "proved"
    closer = replace(spec, claims={"distance": [{"to": "other.toml", "p": "oo", "below": "1/4"}]})
    refuted = decided(closer)["distance.other.toml.oo.below"]
    assert (refuted["status"], refuted["counterexample"]) == ("refuted", "it is 1/3")


def test_a_jump_keeps_a_rising_function_from_being_monotone(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    text = '[[branch]]\non = "x < 0"\nexpr = "x"\n[[branch]]\non = "x >= 0"\nexpr = "x - 1"\n'
    path.write_text(text, encoding="utf-8")
    refuted = decided(replace(load(path), claims={"monotone": True}))["monotone"]
    assert refuted["status"] == "refuted"
    assert refuted["counterexample"] == "increasing on (-oo, 0); jumps by -1 at x = 0"


def test_where_the_engines_differ_the_claim_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second, "smoothness", lambda function: 5)
    record = decided(load("softsign"))["smoothness"]
    assert record["status"] == "undecided"
    assert record["reason"] == "FLINT: it holds; SymPy: it does not"
    assert not record["evidence"]


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        ('smoothness = "1/2"', "line 5, claims, smoothness: it must be an integer >= 0; got 1/2"),
        ('smoothness = "x"', "line 5, claims, smoothness: it names 'x'"),
        ("lipschitz = 1.5", "line 5, claims, lipschitz: it must be an integer, .* got a float"),
        ("monotone = 1", "line 5, claims, monotone: it must be true or false; got an integer"),
        ("convex = true", "line 5, claims, convex: unknown field 'convex'; known are smoothness"),
        ('[[claims.distance]]\nto = "gelu"\np = 1', "line 6, claims.distance 1, to: .* shipped are"),
        ('[[claims.distance]]\nto = "pade_pole"\np = 1', "line 6, claims.distance 1, to: pade_pole has a pole at"),
        ('[[claims.distance]]\nto = "relu"\np = 3', "line 7, claims.distance 1, p: it must be 1, 2 or"),
        ('[[claims.distance]]\nto = "relu"\np = 1', "line 5, claims.distance 1: it claims nothing"),
    ],
)
def test_claims_that_cannot_be_read_name_the_line_and_the_field(claim: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f'[[branch]]\non = "all x"\nexpr = "x"\n[claims]\n{claim}\n', encoding="utf-8")
    with pytest.raises(SpecError, match=message):
        decided(load(path))
