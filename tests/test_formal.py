"""Proved rounding bounds: scripts follow the plan, the committed data belongs to them, and nothing false passes."""

import json
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sympy import cancel

from gem_symbolic import formal, roundingtable
from gem_symbolic.checkers import gappa
from gem_symbolic.definitions import VARIANTS, find
from gem_symbolic.emit.gappa import Hint, beyond, claim, cut_hint, scripts, whole
from gem_symbolic.floats import plan
from gem_symbolic.roundoff import (
    COMPUTED,
    ERROR,
    EXACT,
    INVERSES,
    REGIONS,
    SIDES,
    Case,
    Program,
    Traced,
    Writer,
    cases,
    edge,
    identity,
    program,
    slope,
)
from gem_symbolic.sampled import observed

CASES = [c for a in VARIANTS.values() for N in (1, 2, 3, 4) for c in cases(a, N)]
needs_tools = pytest.mark.skipif(bool(gappa.missing()), reason=f"not installed: {', '.join(gappa.missing())}")


def case(variant: str, quantity: str, **wanted: object) -> Case:
    """The last case of a variant at N = 1 with these properties."""
    found = [c for c in cases(find(variant), 1) if c.quantity == quantity]
    return [c for c in found if all(getattr(c, k) == v for k, v in wanted.items())][-1]


EGEM = case("egem", "value", region="inside")


def altered(c: Case, name: str, **changes: object) -> Case:
    """The case with a line of its program changed."""
    lines = tuple(replace(line, **changes) if line.name == name else line for line in c.program.lines)
    return replace(c, program=replace(c.program, lines=lines))


# --- From the plan ---


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("N", [1, 2, 5])
@pytest.mark.parametrize("order", [0, 1])
def test_a_program_is_the_plan(name: str, N: int, order: int) -> None:
    unit = any(p.fixed for p in VARIANTS[name].parameters)
    s = Fraction(1) if unit else Fraction(3, 7)
    whole = plan(VARIANTS[name], order)
    for side, sign in SIDES.items():
        for region, size in REGIONS.items():
            t = s * size
            expected = whole.run({"x": sign * t, "N": N, "s": s, "inv_s": 1 / s}, Fraction)
            assert program(whole, N, side, region, unit).evaluate({"t": t, "s": s, "x": sign * t}) == expected


def test_whatever_an_operation_computes_is_written_line_by_line() -> None:
    writer = Writer()
    w = Traced(writer, "w", Fraction(1, 2))

    def power(a: Any, k: int) -> Any:
        return a if k == 1 else power(a * a, k // 2) * (a if k % 2 else 1)

    result = writer.step("y", power, w, 6)
    straight = Program(tuple(writer.lines), result.name)
    assert [(line.name, line.args) for line in straight.lines] == [
        ("y_1", ("w", "w")),
        ("y_2", ("y_1", "y_1")),
        ("y", ("y_2", "y_1")),
    ]
    assert straight.evaluate({"w": Fraction(2)}) == 64


def test_scripts_are_deterministic() -> None:
    again = [c for a in VARIANTS.values() for N in (1, 2, 3, 4) for c in cases(a, N)]
    assert [scripts(c) for c in again] == [scripts(c) for c in CASES]


def test_a_script_names_every_operation() -> None:
    for c in CASES:
        text = whole(c).script
        for line in c.program.lines:
            assert f"\n{line.name} = {'rnd (' * line.rounded}" in text


def test_another_order_of_operations_is_another_script() -> None:
    whole_plan = plan(find("egem"))
    swapped = tuple(replace(s, args=s.args[::-1]) if s.op == "add" else s for s in whole_plan.steps)
    assert swapped != whole_plan.steps
    other = replace(EGEM, program=program(replace(whole_plan, steps=swapped), 1, EGEM.side, EGEM.region))
    assert formal.key(other) != formal.key(EGEM)
    assert whole(other, EGEM.grain).coq != whole(EGEM, EGEM.grain).coq


def test_other_names_are_the_same_proof() -> None:
    renamed = replace(EGEM, program=EGEM.program.anonymous)
    assert renamed != EGEM
    assert formal.key(renamed) == formal.key(EGEM)


def test_the_ranges_of_a_region_leave_no_gap() -> None:
    groups: dict[tuple[object, ...], list[Case]] = {}
    for c in CASES:
        groups.setdefault((c.variant, c.quantity, c.N, c.side, c.region), []).append(c)
    for group in groups.values():
        assert group[-1].high == edge(group[-1].format)
        assert all(a.high == b.low for a, b in pairwise(group))


@pytest.mark.parametrize("c", [c for c in CASES if c.low and c.N < 3], ids=lambda c: c.id)
def test_an_identity_is_one(c: Case) -> None:
    def value(at: Any) -> Any:
        return c.program.evaluate({"t": 3, "x": 3 * SIDES[c.side], "s": 5, c.program.cut: at})

    moved = EXACT * (1 + ERROR)
    difference = value(moved) - value(EXACT)
    if c.relative:
        found = identity(c.program)
        change = (found.above * ERROR / prod(found.below)).subs(COMPUTED, moved)
        assert cancel(difference / value(EXACT) - change) == 0
    else:
        p, q = INVERSES
        change = (-ERROR * (1 - q) * p * slope(c.program)).subs({p: 1 / (1 + moved), q: 1 / (1 + EXACT)})
        assert cancel(difference - change) == 0


# --- The committed data ---


def committed() -> dict[str, Any]:
    return json.loads(formal.DATA.read_text(encoding="utf-8"))


def proved(c: Case) -> Fraction:
    return next(Fraction(b["bound"]) for b in committed()["bounds"] if b["id"] == c.id)


def test_the_committed_bounds_are_those_of_the_plans() -> None:
    found = {c.id: formal.digest(scripts(c)) for c in formal.all_cases()}
    assert {b["id"]: b["scripts"] for b in committed()["bounds"]} == found


def test_every_variant_quantity_and_N_has_bounds_in_both_formats() -> None:
    found = {(b["format"], b["variant"], b["quantity"], b["N"]) for b in committed()["bounds"]}
    assert len(found) == 2 * len(VARIANTS) * 2 * 4


def test_the_committed_text_is_rendered_from_the_data() -> None:
    assert formal.DATA.with_suffix(".md").read_text(encoding="utf-8") == roundingtable.render(committed())


def test_nothing_seen_exceeds_its_bound() -> None:
    for b in committed()["bounds"]:
        assert b["observed"] <= Fraction(b["bound"])


def test_what_is_seen_again_is_what_was_seen() -> None:
    for b in committed()["bounds"]:
        if b["id"] == EGEM.id:
            assert abs(observed(EGEM, committed()["eps"]) - b["observed"]) <= 0.01


def test_an_error_beyond_the_bound_would_be_seen() -> None:
    wrong = altered(EGEM, "d", args=(1, 1))
    x = np.float32(0.75)
    got = wrong.program.evaluate({"t": x, "s": np.float32(1)})
    want = EGEM.program.evaluate({"t": 0.75, "s": 1.0})
    assert abs(got / want - 1) / EGEM.grain > proved(EGEM)


def test_every_loose_bound_was_looked_into() -> None:
    loose = [b for b in committed()["bounds"] if roundingtable.is_loose(b)]
    assert not [b["id"] for b in loose if roundingtable.finding(b) is None]


def test_a_loose_bound_is_listed() -> None:
    tight = next(b for b in committed()["bounds"] if b["id"] == EGEM.id)
    assert "No bound" in "\n".join(roundingtable.loose([tight]))
    text = "\n".join(roundingtable.loose([dict(tight, bound="1000")]))
    assert EGEM.id in text
    assert "Not looked into" in text


# --- The tools ---


def test_missing_tools_are_said_and_exit_with_3(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gem_symbolic.formal", "--folder", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, env={"PATH": str(tmp_path)}, cwd=formal.ROOT)
    assert done.returncode == 3
    assert done.stderr.startswith("gappa and coqc not found, so nothing was proved")
    assert not (tmp_path / "out").exists()


@needs_tools
def test_a_bound_is_proved_kept_and_rests_on_the_reals(tmp_path: Path) -> None:
    bound, path = formal.prove(EGEM, tmp_path)
    assert bound / EGEM.grain == proved(EGEM) <= 9
    gappa.settle([path])
    path.unlink()
    assert formal.prove(EGEM, tmp_path) == (bound, path)  # from the record: nothing was written again
    assert not path.exists()


@needs_tools
def test_a_tightened_bound_is_refused() -> None:
    error = 5 * EGEM.grain
    gappa.proof(beyond(EGEM, error, 9 * EGEM.grain).script)
    with pytest.raises(gappa.Refused, match="Gappa does not prove"):
        gappa.proof(beyond(EGEM, error, 2 * EGEM.grain).script)


def from_hint(hint: Hint, told: Hint, bound: Fraction) -> str:
    """A file with what Gappa proves from a hint, where Coq is told the lemma of another."""
    statement = replace(beyond(EGEM, 6 * EGEM.grain, bound), hints=(hint,))
    lemma = gappa.Lemma("beyond", statement.coq, gappa.proof(statement.script), [("hint1", told.names)])
    return gappa.complete([told.lemma("hint1")], [lemma])


@needs_tools
def test_a_false_hint_gives_a_false_bound_that_coq_refuses(tmp_path: Path) -> None:
    right = cut_hint(EGEM)
    wrong = replace(right, right=f"{right.right} / 16")
    low = 4 * EGEM.grain  # less than what is seen
    for told in (wrong, right):  # the false lemma has no proof, and the true one is another
        with pytest.raises(gappa.Refused, match="Coq refuses"):
            gappa.check(from_hint(wrong, told, low), tmp_path / "false.v")
    gappa.check(from_hint(right, right, 10 * EGEM.grain), tmp_path / "right.v")


@needs_tools
def test_an_assumption_is_refused(tmp_path: Path) -> None:
    statement = beyond(EGEM, 6 * EGEM.grain, 10 * EGEM.grain)
    with pytest.raises(gappa.Refused, match="contains Hypothesis"):
        gappa.check(gappa.proof(statement.script), tmp_path / "open.v")
    for word in ("Axiom more : False.", "Lemma more : False. Admitted."):
        with pytest.raises(gappa.Refused, match=f"contains {word.split()[-1 if 'Lemma' in word else 0].strip('.')}"):
            gappa.check(word, tmp_path / "more.v")


@needs_tools
def test_what_the_proofs_rest_on_is_asked_of_coq(tmp_path: Path) -> None:
    path = tmp_path / "sly.v"
    path.write_text("Parameter more : 0 = 1.\nTheorem bound : 0 = 1.\nProof. exact more. Qed.\n")
    gappa.compiled(path)
    with pytest.raises(gappa.Refused, match="rest on"):
        gappa.settle([path])


@needs_tools
def test_what_coq_proves_is_stated_from_the_plan(tmp_path: Path) -> None:
    bound, _, text = formal.assemble(EGEM)
    right = whole(EGEM, bound).coq
    assert f"Theorem bound : {right}." in text
    changed = (
        whole(altered(EGEM, "d", args=(2, "w2")), bound).coq,
        right.replace("rnd (1 + w2)", "1 + w2"),
        right.replace(claim(EGEM, bound).coq, claim(EGEM, bound / 2).coq),
    )
    for wrong in changed:
        assert wrong != right
        with pytest.raises(gappa.Refused, match="Coq refuses"):
            gappa.check(text.replace(f"Theorem bound : {right}.", f"Theorem bound : {wrong}."), tmp_path / "other.v")
