"""Every claim of every variant is proved by both engines; every altered claim or definition is refuted."""

from dataclasses import replace
from fractions import Fraction

import pytest

from gem_symbolic.algebra import Algebra
from gem_symbolic.certificates import (
    Certificate,
    Step,
    coefficient,
    equal,
    infinity,
    order,
    power_equal,
    roots,
    sign,
    smaller_root,
)
from gem_symbolic.checkers.exact import ExactChecker
from gem_symbolic.checkers.flint import FlintAlgebra
from gem_symbolic.definitions import EGEM, SEGEM, SEGEM_GATED, VARIANTS, Activation, Branch
from gem_symbolic.prover import Outcome, Prover
from gem_symbolic.sympyfield import SymPyAlgebra

THEOREMS = {f"T{k}" for k in range(11)}


def prove(activation: Activation, N: int = 3, eps: Fraction | None = None) -> dict[str, Outcome]:
    fixed = next((p.fixed for p in activation.parameters if p.fixed), "1")
    return {o.certificate.id: o for o in Prover(activation, N, eps or Fraction(fixed)).prove()}


def claiming(activation: Activation, theorem: str, **claim: str) -> Activation:
    return replace(activation, claims={**activation.claims, theorem: {**activation.claims[theorem], **claim}})


def defined(activation: Activation, left: str, right: str) -> Activation:
    return replace(activation, branches=(Branch("x <= 0", left), Branch("x > 0", right)))


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("N", [1, 4])
def test_every_claim_is_proved(name: str, N: int) -> None:
    outcomes = prove(VARIANTS[name], N)
    assert {id: o.counterexample for id, o in outcomes.items() if o.status != "proved"} == {}


@pytest.mark.parametrize("name", VARIANTS)
def test_the_claims_cover_what_is_stated(name: str) -> None:
    theorems = {id.split(".")[0] for id in prove(VARIANTS[name])}
    stated = THEOREMS if VARIANTS[name] is not SEGEM_GATED else THEOREMS - {"T0", "T7", "T8"}
    assert theorems == stated


@pytest.mark.parametrize("name", VARIANTS)
def test_each_step_is_decided_by_two_engines(name: str) -> None:
    for outcome in prove(VARIANTS[name]).values():
        for step, verdicts in outcome.verdicts:
            if not step.numerical:
                assert set(verdicts) == {"SymPy", "FLINT"}, (outcome.certificate.id, step)


def test_a_step_that_one_engine_alone_decides_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from gem_symbolic import prover

    monkeypatch.setattr(prover, "SymPyAlgebra", prover.FlintAlgebra)
    outcomes = prove(EGEM)
    assert outcomes["T3.lipschitz"].status == "undecided"


SMALLER = "99/100*(n + 1)**2/(4*n)"
LARGER = "101/100*(n + 1)**2/(4*n)"
#: (what is broken, N, claim that must be refuted, what its counterexample says)
CONTROLS: dict[str, tuple[Activation, int, str, str]] = {
    "reflection of the wrong function": (claiming(SEGEM, "T0", reflection="segem"), 3, "T0.reflection", "at x = -"),
    "coefficient in the tail": (
        defined(SEGEM, "101/100*x*S", "x"),
        3,
        "T2.smoothness",
        "derivative 1 at 0 jumps: 101/100",
    ),
    "sign of the tail": (defined(SEGEM, "-x*S", "x"), 3, "T2.smoothness", "derivative 1 at 0 jumps: -1 on the left"),
    "order 2N + 1": (claiming(SEGEM, "T2", smoothness="2*N + 1"), 3, "T2.smoothness", "derivative 7 at 0 jumps: -5040"),
    "order 2N - 1": (claiming(EGEM, "T2", smoothness="2*N - 1"), 3, "T2.smoothness", "derivative 6 at 0 does not jump"),
    "jump": (claiming(EGEM, "T2", right="2/eps"), 3, "T2.jump", "5040.0000000000000000, not 10080"),
    "gated tail of order 2N": (claiming(SEGEM_GATED, "T2", smoothness="2*N"), 2, "T2.smoothness", "does not jump"),
    "pole on the line": (defined(EGEM, "0", "x*x**(2*N)/(x**(2*N) - eps)"), 3, "T2.poles", "den(R) = 0, not > 0"),
    "Lipschitz constant too small": (
        claiming(EGEM, "T3", lipschitz=SMALLER),
        3,
        "T3.lipschitz",
        "2.0416666666666666667",
    ),
    "Lipschitz constant too large": (
        claiming(EGEM, "T3", lipschitz=LARGER),
        3,
        "T3.lipschitz",
        "2.0416666666666666667",
    ),
    "formula of the gradient": (claiming(SEGEM, "T3", formula="S*(1 - N*F)"), 3, "T3.formula", "at x = -"),
    "increasing on the left": (claiming(EGEM, "T3", increasing="L"), 3, "T3.increasing", "D(L) = 0, not > 0"),
    "supremum too small": (claiming(EGEM, "T3", supremum=SMALLER), 3, "T3.supremum", "sup(f, 1) = 2.04166"),
    "supremum elsewhere": (claiming(EGEM, "T3", supremum_u="n/(n - 1)"), 3, "T3.supremum", "at(D(R), n/(n - 1)) = "),
    "infimum": (
        claiming(SEGEM, "T3", infimum="-(n - 1)**2/(5*n)"),
        3,
        "T3.infimum",
        "inf(f, 1) = -1.0416666666666666667",
    ),
    "alive on the left": (claiming(EGEM, "T4", zero_u="1/(n - 1)"), 3, "T4.alive", "0 zeros, not one"),
    "dead on the left": (replace(SEGEM, claims={"T4": {"zero_side": "L"}}), 3, "T4.dead", "D(L) = "),
    "zero elsewhere": (claiming(SEGEM, "T4", zero_u="1/n"), 3, "T4.alive", "zero(D(L)) = -0.764724"),
    "above ReLU": (defined(EGEM, "0", "x + x*F"), 3, "T5.range", "x - R = -"),
    "minimum": (claiming(SEGEM, "T5", minimum="-s/n"), 3, "T5.minimum", "inf(f) = -0.637270"),
    "argument of the beta function": (
        claiming(EGEM, "T6", beta="(p + 2)/n, p - (p + 1)/n"),
        3,
        "T6.norm",
        "norm(gap, 1) = 0.604599788",
    ),
    "finite for N = p = 1": (claiming(EGEM, "T6", finite="p*n - 1"), 1, "T6.finite", "the integral diverges"),
    "sup distance": (claiming(SEGEM, "T6", sup="s/n"), 3, "T6.sup", "max_abs(gap) = 0.637270"),
    "total variation": (
        claiming(SEGEM, "T7", variation="3*s*(n - 1)**(1 - 1/n)/n"),
        3,
        "T7.l1",
        "variation(gap) = 1.27454",
    ),
    "distance of the derivatives": (
        claiming(EGEM, "T7", sup="Max(2, (n - 1)**2/(4*n))"),
        3,
        "T7.sup",
        "max_abs(gap, 1) = 1.04166",
    ),
    "inflection": (claiming(EGEM, "T8", inflection_u="n/(n - 1)"), 3, "T8.formula", "n/(n - 1)) = 900/1331, not = 0"),
    "curvature": (
        claiming(EGEM, "T8", supremum="n*v**(1 - 1/n)*((n + 1) - (n - 1)*v)/(s*(1 + v)**2)"),
        3,
        "T8.curvature",
        "5.56475",
    ),
    "leading term far out": (
        claiming(EGEM, "T9", right="x - 2*eps*x**(1 - n)"),
        3,
        "T9.right",
        "leading term is (eps)",
    ),
    "series": (claiming(EGEM, "T9", series_from="2"), 3, "T9.series", "at x = "),
    "mean": (claiming(EGEM, "T10", mean_gap="s*(n - 1)**(1 - 1/n)/n/10"), 1, "T10.mean", "the bound is 0.05"),
}


@pytest.mark.parametrize("broken", CONTROLS)
def test_what_is_false_is_refuted_with_a_counterexample(broken: str) -> None:
    activation, N, id, words = CONTROLS[broken]
    outcome = prove(activation, N)[id]
    assert outcome.status == "refuted"
    assert outcome.counterexample is not None
    assert words in outcome.counterexample, outcome.counterexample


def test_every_theorem_has_a_negative_control() -> None:
    # T1 has no claim of its own to break: it is the lemma that T2 uses. T10.gain claims no value.
    assert {id.split(".")[0] for _, _, id, _ in CONTROLS.values()} == THEOREMS - {"T1"}


def test_the_junction_lemma_can_fail() -> None:
    checker = ExactChecker(EGEM, SymPyAlgebra)
    wrong = equal("k*W*h + W*z*d", "W*(k*h + d)", "")
    verdict = checker.decide(Certificate("", "", "", (wrong,)), wrong)
    assert verdict is not None
    assert verdict.holds is False
    assert verdict.point


LEFT_SIDE = defined(EGEM, "x**2*F", "x*F")  # x^2 F falls as x comes from the left: x is negative there


@pytest.mark.parametrize("engine", [SymPyAlgebra, FlintAlgebra])
@pytest.mark.parametrize(
    ("step", "holds"),
    [
        (sign("D(L)", "<", ""), True),
        (sign("D(L)", ">", ""), False),
        (sign("L", ">", ""), True),
        (sign("R - L", ">", ""), None),  # x stands for points on different sides
        (roots("L - L", 0, ""), False),  # zero everywhere
        (roots("D(R)", 0, ""), True),
        (roots("D(R)", 1, ""), False),
        (power_equal("(n - 3)**(1/n)*(n - 3)**(1/n)", "(n - 3)**(2/n)", ""), None),  # n - 3 may be negative
        (power_equal("(n**2 - 1)**(1/n)", "(n - 1)**(1/n)*(n + 1)**(1/n)", ""), True),
        (smaller_root("n + sqrt(n**2 + 1)", "v**2 - 2*n*v - 1", ""), False),
        (smaller_root("n - sqrt(n**2 + 1)", "v**2 - 2*n*v - 1", ""), True),
        (smaller_root("n - sqrt(n**2 + 2)", "v**2 - 2*n*v - 1", ""), False),
        (order("R", "n + 1", "1/eps", ""), True),
        (order("R", "n", "1/eps", ""), False),
        (infinity("R", "1", "2", ""), False),
        (coefficient("R", "2*n + 1", "-1/eps**2", ""), True),
        (coefficient("R", "2*n + 1", "1/eps**2", ""), False),
        (equal("1/(L - L)", "1", ""), False),
    ],
)
def test_each_kind_of_step_can_fail(engine: type[Algebra], step: Step, holds: bool | None) -> None:
    verdict = ExactChecker(LEFT_SIDE, engine).decide(Certificate("", "", "", (step,)), step)
    assert verdict is not None
    assert verdict.holds is holds, verdict.why


def test_a_definition_outside_the_class_is_undecided_and_says_why() -> None:
    outcomes = prove(defined(EGEM, "0", "x**N"))
    assert outcomes["T3.lipschitz"].status == "undecided"
    reasons = {v.why for _, verdicts in outcomes["T2.poles"].verdicts for v in verdicts.values()}
    assert any("is not x to an integer plus an even multiple of N" in why for why in reasons)


def test_a_changed_definition_changes_what_is_proved() -> None:
    # Twice eps: still C^(2N), but no claim that holds eps survives.
    doubled = replace(EGEM, where={"F": "x**(2*N)/(2*eps + x**(2*N))", "S": "1 - F"})
    outcomes = prove(doubled)
    assert outcomes["T2.poles"].status == "proved"
    assert outcomes["T3.lipschitz"].status == "proved"
    assert {outcomes[id].status for id in ("T0.reflection", "T2.jump", "T6.sup", "T9.right")} == {"refuted"}
