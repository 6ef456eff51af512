"""Solvers of satisfiability over the reals: cvc5, and z3 beside it. They know nothing of the family or of the proofs.

A query holds where its assumptions and the negation of its conclusions cannot be satisfied together, while assumptions
and conclusions can: without that control, contradictory assumptions would prove anything. A counterexample counts only
after it was evaluated exactly. Whatever a solver does not know stays undecided.
"""

import importlib
import importlib.util
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from gem_symbolic.checkers.queries import Constraint, Query
from gem_symbolic.decide import Verdict

#: The milliseconds that a solver may spend on one question.
LIMIT = 20_000
#: Where an inequality fails at some real n, a counterexample is looked for at these.
EVEN = range(2, 18, 2)
SAT, UNSAT, UNKNOWN = "sat", "unsat", "unknown"


@dataclass(frozen=True)
class Answer:
    """sat, unsat or unknown; where satisfiable, a point, without the coordinates that are irrational."""

    status: str
    point: Mapping[str, Fraction]


def number(value: Fraction) -> str:
    """A rational number in SMT-LIB."""
    text = (
        f"{abs(value.numerator)}.0" if value.denominator == 1 else f"(/ {abs(value.numerator)}.0 {value.denominator}.0)"
    )
    return f"(- {text})" if value < 0 else text


def formula(constraint: Constraint) -> str:
    """A constraint in SMT-LIB."""
    products = []
    for exponents, coefficient in constraint.terms.items():
        factors = [s for s, e in zip(constraint.symbols, exponents, strict=True) for _ in range(e)]
        products.append(f"(* {' '.join([number(coefficient), *factors])})" if factors else number(coefficient))
    total = f"(+ {' '.join(products)})" if len(products) > 1 else (products or ["0.0"])[0]
    return f"(distinct {total} 0.0)" if constraint.relation == "!=" else f"({constraint.relation} {total} 0.0)"


def script(variables: Iterable[str], formulas: Iterable[str]) -> str:
    """Declarations and assertions in SMT-LIB."""
    declared = [f"(declare-const {name} Real)" for name in variables]
    return "\n".join([*declared, *(f"(assert {text})" for text in formulas)]) + "\n"


def ask_cvc5(text: str, variables: Iterable[str]) -> Answer:
    """What cvc5 answers to a script."""
    cvc5: Any = importlib.import_module("cvc5")  # compiled, its types are not known
    manager = cvc5.TermManager()
    solver = cvc5.Solver(manager)
    for option, value in (("produce-models", "true"), ("tlimit-per", str(LIMIT))):
        solver.setOption(option, value)
    solver.setLogic("QF_NRA")
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, "query")
    while not (command := parser.nextCommand()).isNull():
        command.invoke(solver, parser.getSymbolManager())
    result = solver.checkSat()
    if not result.isSat():
        return Answer(UNSAT if result.isUnsat() else UNKNOWN, {})
    values = {str(t): solver.getValue(t) for t in parser.getSymbolManager().getDeclaredTerms()}
    return Answer(SAT, {s: Fraction(v.getRealValue()) for s, v in values.items() if v.isRealValue()})


def ask_z3(text: str, variables: Iterable[str]) -> Answer:
    """What z3 answers to a script."""
    import z3

    solver = z3.SolverFor("QF_NRA")
    solver.set("timeout", LIMIT)
    solver.from_string(text)
    status = str(solver.check())
    if status != SAT:
        return Answer(status, {})
    values = {name: solver.model().eval(z3.Real(name), model_completion=True) for name in variables}
    return Answer(SAT, {s: v.as_fraction() for s, v in values.items() if isinstance(v, z3.RatNumRef)})


SOLVERS: Mapping[str, Callable[[str, Iterable[str]], Answer]] = {"cvc5": ask_cvc5, "z3": ask_z3}
#: Under which name a solver is installed with pip.
PACKAGES = {"cvc5": "cvc5", "z3": "z3-solver"}


def available() -> tuple[str, ...]:
    """The solvers that are installed."""
    return tuple(name for name in SOLVERS if importlib.util.find_spec(name))


def decide(solver: str, query: Query) -> Verdict:
    """What a solver says to a query; `point` is a counterexample that was evaluated exactly."""
    variables = query.variables

    def ask(*formulas: str) -> Answer:
        given = (formula(c) for c in query.assumptions)
        return SOLVERS[solver](script(variables, (*given, *formulas)), variables)

    conclusions = [formula(c) for c in query.conclusions]
    negation = f"(or {' '.join(f'(not {text})' for text in conclusions)} false)"
    negated = ask(negation)
    if negated.status == SAT:
        fixed = (ask(negation, f"(= n {number(Fraction(n))})") for n in EVEN if "n" in variables)
        return counterexample(query, next((a.point for a in fixed if a.status == SAT), negated.point))
    if negated.status != UNSAT:
        return Verdict(None, f"{solver} gave no answer within {LIMIT / 1000:g} s")
    control = ask(*conclusions)
    if control.status != SAT:
        return Verdict(None, f"the control is {control.status}: the assumptions may contradict each other")
    if control.point.keys() != set(variables):
        return Verdict(True, "the negation cannot be satisfied, the statement can, at an irrational point")
    if not all(c.holds(control.point) for c in query.assumptions + query.conclusions):
        return Verdict(None, f"the control of {solver} does not hold where it should")
    return Verdict(True, "the negation cannot be satisfied, the statement can, at a point that was evaluated exactly")


def counterexample(query: Query, point: Mapping[str, Fraction]) -> Verdict:
    """Refuted where the point, evaluated exactly, is one of an even n; undecided otherwise."""
    shown = ", ".join(f"{name} = {value}" for name, value in point.items())
    if point.keys() != set(query.variables):
        return Verdict(None, "it fails at a point that is not rational")
    if not all(c.holds(point) for c in query.assumptions) or all(c.holds(point) for c in query.conclusions):
        return Verdict(None, f"the counterexample {shown} is none")
    if "n" in point and point["n"] % 2:
        return Verdict(None, f"it fails at {shown}, where n is not even")
    return Verdict(False, f"it fails at {shown}", point)
