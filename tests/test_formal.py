"""Proved rounding bounds: scripts follow the plan, the committed data belongs to them, and nothing false passes."""

import json
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from sympy import cancel

from gem_symbolic import formal
from gem_symbolic.checkers import gappa
from gem_symbolic.definitions import VARIANTS, find
from gem_symbolic.emit.gappa import cut_hint, hints, script, theorem
from gem_symbolic.floats import plan
from gem_symbolic.roundoff import COMPUTED, ERROR, EXACT, REGIONS, SIDES, Case, cases, identity, program

CASES = [c for a in VARIANTS.values() for N in (1, 2, 3) for c in cases(a, N)]
needs_tools = pytest.mark.skipif(bool(gappa.missing()), reason=f"not installed: {', '.join(gappa.missing())}")


def case(variant: str, quantity: str, **wanted: object) -> Case:
    """The last case of a variant with these properties."""
    found = [c for c in cases(find(variant), 1) if c.quantity == quantity]
    return [c for c in found if all(getattr(c, k) == v for k, v in wanted.items())][-1]


EGEM = case("egem", "value", region="inside")


# --- From the plan ---


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("N", [1, 2, 5])
@pytest.mark.parametrize("order", [0, 1])
def test_a_program_is_the_plan(name, N, order):
    unit = any(p.fixed for p in VARIANTS[name].parameters)
    s = Fraction(1) if unit else Fraction(3, 7)
    whole = plan(VARIANTS[name], order)
    for side, sign in SIDES.items():
        for region, size in REGIONS.items():
            t = s * size
            names = {"t": t, "s": s, "inv_s": 1 / s}
            expected = whole.run({"x": sign * t, "N": N, "s": s, "inv_s": 1 / s}, Fraction)
            assert program(whole, N, side, region, unit).evaluate(names | {"x": sign * t}) == expected


def test_scripts_are_deterministic():
    again = [c for a in VARIANTS.values() for N in (1, 2, 3) for c in cases(a, N)]
    assert [script(c) for c in again] == [script(c) for c in CASES]


def test_a_script_names_every_operation():
    for c in CASES:
        text = script(c)
        for line in c.program.lines:
            assert f"\n{line.name} {'rnd' * line.rounded}= " in text


def test_another_order_of_operations_is_another_script():
    whole = plan(find("egem"))
    swapped = tuple(replace(s, args=s.args[::-1]) if s.op == "add" else s for s in whole.steps)
    assert swapped != whole.steps
    straight = program(replace(whole, steps=swapped), 1, EGEM.side, EGEM.region)
    assert script(replace(EGEM, program=straight)) != script(EGEM)
    assert "d rnd= 1 + w2;" in script(EGEM)


def test_the_ranges_of_a_region_leave_no_gap():
    groups: dict[tuple, list[Case]] = {}
    for c in CASES:
        groups.setdefault((c.variant, c.quantity, c.N, c.side, c.region), []).append(c)
    for group in groups.values():
        assert group[-1].high > 1
        assert all(a.high == b.low for a, b in pairwise(group))


@pytest.mark.parametrize("c", [c for c in CASES if c.low and c.N < 3], ids=lambda c: c.id)
def test_an_identity_is_one(c):
    found, names = identity(c), {"t": 3, "x": 3 * SIDES[c.side], "s": 5, "inv_s": Fraction(1, 5)}

    def value(at):
        return c.program.evaluate(names | {c.program.cut: at})

    change = found.above * ERROR
    for factor in found.below:
        change /= factor
    moved = {COMPUTED: EXACT * (1 + ERROR)}
    difference = value(COMPUTED).subs(moved) - value(EXACT)
    assert cancel(difference / (value(EXACT) if c.relative else 1) - change.subs(moved)) == 0


# --- The committed data ---


def committed():
    return json.loads(formal.DATA.read_text(encoding="utf-8"))


def test_the_committed_bounds_are_those_of_the_plans():
    found = formal.all_cases()
    assert committed()["scripts"] == formal.digest(found)
    assert [b["id"] for b in committed()["bounds"]] == [c.id for c in found]


def test_the_committed_text_is_rendered_from_the_data():
    assert formal.DATA.with_suffix(".md").read_text(encoding="utf-8") == formal.render(committed())


def test_nothing_seen_exceeds_its_bound():
    for b in committed()["bounds"]:
        assert b["observed"] <= Fraction(b["bound"])


def test_an_error_beyond_the_bound_would_be_seen():
    wrong = replace(
        EGEM,
        program=replace(
            EGEM.program,
            lines=tuple(replace(line, args=(1, 1)) if line.name == "d" else line for line in EGEM.program.lines),
        ),
    )
    bound = next(Fraction(b["bound"]) for b in committed()["bounds"] if b["id"] == EGEM.id)
    x = np.float32(0.75)
    got = wrong.program.evaluate({"t": x, "s": np.float32(1)})
    want = EGEM.program.evaluate({"t": 0.75, "s": 1.0})
    assert abs(got / want - 1) * 2**24 > bound


def test_a_loose_bound_is_listed():
    bounds = committed()["bounds"]
    assert "times what was seen" in formal.render(committed())
    loose = [dict(bounds[0], bound="1000")]
    assert bounds[0]["id"] in "\n".join(formal.loose(loose))


# --- The tools ---


def test_missing_tools_are_said_and_exit_with_3(tmp_path):
    command = [sys.executable, "-m", "gem_symbolic.formal", "--folder", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, env={"PATH": str(tmp_path)}, cwd=formal.ROOT)
    assert done.returncode == 3
    assert done.stderr.startswith("gappa and coqc not found, so nothing was proved")
    assert not (tmp_path / "out").exists()


@needs_tools
def test_a_bound_is_proved(tmp_path):
    bound = formal.prove(EGEM, tmp_path)
    assert bound / formal.UNIT == next(Fraction(b["bound"]) for b in committed()["bounds"] if b["id"] == EGEM.id)
    assert bound / formal.UNIT <= 9


@needs_tools
def test_a_tightened_bound_is_refused():
    with pytest.raises(gappa.Refused, match="Gappa does not prove"):
        gappa.proof(script(EGEM, 2 * formal.UNIT))


@needs_tools
def test_a_false_hint_gives_a_false_bound_that_coq_refuses(tmp_path):
    right = cut_hint(EGEM)
    wrong = replace(right, right=f"{right.right} / 16")
    bound = gappa.rounded(4 * formal.UNIT)  # less than what is seen
    proof = gappa.proof(script(EGEM, bound).replace(right.text, wrong.text))
    for told in (wrong, right):  # the false lemma has no proof, and the true one is another
        claim = theorem(gappa.THEOREM, EGEM, bound)
        file = gappa.complete(proof, [("hint1", told.lemma("hint1"), told.names)], claim)
        with pytest.raises(gappa.Refused, match="Coq refuses"):
            gappa.check(file, tmp_path / "false.v")


@needs_tools
def test_an_assumption_is_refused(tmp_path):
    (hint,) = hints(EGEM)
    bound = gappa.rounded(9 * formal.UNIT)
    proof = gappa.proof(script(EGEM, bound))
    lemmas = [("hint1", hint.lemma("hint1"), hint.names)]
    file = gappa.complete(proof, lemmas, theorem(gappa.THEOREM, EGEM, bound))
    with pytest.raises(gappa.Refused, match="contains Hypothesis"):
        gappa.check(proof, tmp_path / "open.v")
    with pytest.raises(gappa.Refused, match="contains Axiom"):
        gappa.check("Axiom more : False.\n" + file, tmp_path / "more.v")
    gappa.check(file, tmp_path / "right.v")


@needs_tools
def test_what_coq_proves_is_stated_from_the_plan(tmp_path):
    (hint,) = hints(EGEM)
    bound = gappa.rounded(9 * formal.UNIT)
    lemmas = [("hint1", hint.lemma("hint1"), hint.names)]
    proof = gappa.proof(script(EGEM, bound))
    right = theorem(gappa.THEOREM, EGEM, bound)
    for wrong in (right.replace("rnd (1 + w2)", "1 + w2"), theorem(gappa.THEOREM, EGEM, bound / 2)):
        assert wrong != right
        with pytest.raises(gappa.Refused, match="Coq refuses"):
            gappa.check(gappa.complete(proof, lemmas, wrong), tmp_path / "other.v")
