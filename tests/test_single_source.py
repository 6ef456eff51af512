"""The formula exists once: change the definition in memory, and everything else follows or refuses."""

from dataclasses import replace
from fractions import Fraction

import pytest

from gem_symbolic import emit, proofs, readme, validate
from gem_symbolic.definitions import EGEM, SEGEM
from gem_symbolic.floats import PlanError
from gem_symbolic.prover import Prover
from gem_symbolic.reference import evaluate

#: The gate with twice the eps: of the same class, so that everything can follow.
WIDER = {"F": "x**(2*N)/(2*eps + x**(2*N))", "S": "1 - F"}
#: The gate of another shape: beyond what plans are derived for.
STEEPER = {"F": "x**(4*N)/(eps + x**(4*N))", "S": "1 - F"}


def test_the_reference_follows() -> None:
    changed = replace(EGEM, where=WIDER)
    assert evaluate(changed, 1, 2, eps=1) == evaluate(EGEM, 1, 2, eps=2) != evaluate(EGEM, 1, 2, eps=1)


def test_the_proofs_follow_or_refute() -> None:
    outcomes = {o.certificate.id: o.status for o in Prover(replace(SEGEM, where=STEEPER), 1, Fraction(1)).prove()}
    assert outcomes["T2.poles"] == "proved"  # it has none either
    assert outcomes["T2.smoothness"] == "refuted"  # it is C^(4N)


def test_the_certificates_follow() -> None:
    changed = replace(EGEM, where=STEEPER, claims={})
    writer = proofs.Writer(changed)
    found = proofs.outcomes(changed)
    data = writer.data(found)
    assert data["definition"]["where"] == STEEPER
    assert r"x^{4 \, N}" in "\n".join(proofs.lines(data, writer, found))


def test_the_kernels_follow() -> None:
    swapped = replace(EGEM, branches=SEGEM.branches)
    assert body(emit.source(swapped)) == body(emit.source(SEGEM))
    assert body(emit.source(swapped)) != body(emit.source(EGEM))


def body(source: str) -> str:
    """The arithmetic of the file."""
    return source.partition("def _value(")[2].partition("def _first(")[0]


def test_the_kernels_refuse_what_they_cannot_follow() -> None:
    with pytest.raises(PlanError, match="no evaluation plan"):
        emit.source(replace(EGEM, where=STEEPER))


def test_old_kernels_are_refused_for_a_new_definition() -> None:
    old = emit.source(EGEM)
    assert validate.validate(old, EGEM, range(1, 3)).holds
    swapped = replace(EGEM, branches=SEGEM.branches)
    assert not validate.validate(old, swapped, range(1, 3)).holds


def test_the_readme_follows() -> None:
    assert "x^(4 N)" in readme.definitions([replace(EGEM, where=STEEPER)])
