"""The claims of a spec: what each means, and whether it holds by the first engine and by the second.

    smoothness = 2          exactly C^2 on the line; "oo" for C^oo; a formula in the parameters such as "2*N"
    lipschitz = "25/16"     exactly the Lipschitz constant; "oo" where there is none
    monotone = true         never falls, or never rises
    dead_region = false     no interval on which the gradient is zero
    bounded_below = true
    [[claims.distance]]     to = "relu", p = 1, 2 or "oo": finite = true, below = "1/100" (at most that)

That there are no poles is always claimed. Both engines must agree; where one does not decide, the claim is undecided.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flint import arb, fmpq

from gem_symbolic.expressions import ExpressionError
from gem_symbolic.spec import closed, grammar, second, shape, show
from gem_symbolic.spec.facts import EXPONENTS, Facts, number, order
from gem_symbolic.spec.read import Spec, formula
from gem_symbolic.spec.real import OO, Real

PROVED, REFUTED, UNDECIDED = "proved", "refuted", "undecided"


@dataclass(frozen=True)
class Claim:
    """A statement, what the engines say to it (None where one cannot tell), and what is true instead.

    `found` is what the first engine derived, in words; it stands in the evidence, and as the counterexample.
    """

    id: str
    statement: str
    first: Callable[[], bool | None]
    second: Callable[[], bool | None]
    found: Callable[[], str]

    def decide(self) -> dict[str, Any]:
        """The claim as JSON data."""
        record: dict[str, Any] = {"id": self.id, "statement": self.statement, "status": UNDECIDED, "evidence": []}
        verdicts = self.first(), self.second()
        if verdicts == (True, True):
            evidence = [("FLINT and Arb", self.found()), ("SymPy", "the same, by Sturm counts and division")]
            rows = [{"kind": "proved", "checker": name, "detail": detail} for name, detail in evidence]
            return record | {"status": PROVED, "evidence": rows}
        if verdicts == (False, False):
            return record | {"status": REFUTED, "counterexample": self.found()}
        said = {True: "it holds", False: "it does not", None: "undecided"}
        return record | {"reason": f"FLINT: {said[verdicts[0]]}; SymPy: {said[verdicts[1]]}"}


def words(value: Any) -> str:
    """A number in a sentence."""
    return show.number(number(value))


def no_poles(facts: Facts) -> Claim:
    """That no piece has a pole on its interval or at an end of it."""

    def found() -> str:
        if not facts.poles:
            return "no denominator has a root on its closed interval"
        x = facts.poles[0]
        piece = next(p for p in facts.function.pieces if p.inside(x) or x in (p.low, p.high))
        return f"pole at x = {words(x)}: the denominator of the branch on {piece.on} is zero there"

    f = facts.function
    return Claim("poles", "f has no pole", lambda: not facts.poles, lambda: not second.poles(f), found)


def claims(spec: Spec, facts: Facts) -> Iterator[Claim]:
    """The claims of a spec about a function without poles. Raises SpecError for one that cannot be read."""

    def value(text: str | int, table: str, index: int, key: str) -> Real | None:
        try:
            return formula(text, facts.function.settings)
        except ExpressionError as error:
            raise spec.error(str(error), table, index, key) from None

    for key, claimed in spec.claims.items():
        if key in YES_OR_NO:
            yield YES_OR_NO[key](facts, claimed)
        elif key == "lipschitz":
            yield lipschitz(facts, value(claimed, "claims", 0, key))
        elif key == "smoothness":
            wanted = value(claimed, "claims", 0, key)
            if wanted is not None and (wanted.rational is None or wanted.rational.q != 1 or wanted < Real.of(0)):
                raise spec.error(f"it must be an integer >= 0; got {wanted}", "claims", 0, key)
            yield smoothness(facts, None if wanted is None else int(wanted.rational or 0))
    for k, row in enumerate(spec.claims.get("distance", [])):
        table, to, p = "claims.distance", row["to"], str(row["p"])
        if p not in EXPONENTS:
            raise spec.error(f'it must be 1, 2 or "oo"; got {grammar.shown(p)}', table, k, "p")
        if not {"finite", "below"} & row.keys():
            raise spec.error("it claims nothing: give finite or below", table, k)
        if "finite" in row:
            yield finite(facts, to, p, row["finite"])
        if "below" in row:
            bound = value(row["below"], table, k, "below")
            if bound is None:
                raise spec.error("it must be a number; finite = true says the same as oo", table, k, "below")
            yield below(facts, to, p, bound)


def smoothness(facts: Facts, wanted: int | None) -> Claim:
    """Exactly C^k, C^oo for None."""

    def found() -> str:
        if facts.smoothness is None:
            return "the function is C^oo: all pieces that meet are the same rational function"
        j = next(j for j in facts.junctions if j.smoothness == facts.smoothness)
        what = "the function" if j.m == 0 else f"derivative {j.m}"
        return f"{what} jumps by {words(j.jump)} at x = {words(j.x)}: {named(facts.smoothness)}"

    def named(k: int | None) -> str:
        return "discontinuous" if k == -1 else f"C^{order(k)}"

    return Claim(
        "smoothness",
        f"f is exactly {named(wanted)}",
        lambda: facts.smoothness == wanted,
        lambda: second.smoothness(facts.function) == wanted,
        found,
    )


def lipschitz(facts: Facts, wanted: Real | None) -> Claim:
    """Exactly the Lipschitz constant, oo for None."""

    def first() -> bool:
        value = facts.lipschitz.value
        return value == wanted if isinstance(value, Real) else wanted is None

    def found() -> str:
        e = facts.lipschitz
        return f"sup |f'| = {words(e.value)}, {'reached' if e.reached else 'approached'} at x = {words(e.x)}"

    constant = None if wanted is None else wanted.rational
    return Claim(
        "lipschitz",
        f"the Lipschitz constant is {'oo' if wanted is None else wanted}",
        first,
        lambda: second.lipschitz(facts.function, constant),
        found,
    )


def monotone(facts: Facts, wanted: bool) -> Claim:
    """Never falls, or never rises."""

    def found() -> str:
        seen = {r.direction: f"{shape.WORDS[r.direction]} on {interval(r)}" for r in reversed(facts.runs)}
        jumps = [j for j in facts.junctions if j.m == 0 and j.jump is not None]
        seen |= {f"{j.x}": f"jumps by {words(j.jump)} at x = {words(j.x)}" for j in jumps}
        return "; ".join(seen.values())

    return Claim(
        "monotone",
        f"f is {'' if wanted else 'not '}monotone",
        lambda: (facts.monotone is not None) == wanted,
        lambda: (second.monotone(facts.function) is not None) == wanted,
        found,
    )


def interval(r: shape.Run) -> str:
    """The interval of a run, in a sentence."""
    return f"({words(-OO if r.low is None else r.low)}, {words(OO if r.high is None else r.high)})"


def dead_region(facts: Facts, wanted: bool) -> Claim:
    """An interval on which the gradient is zero."""

    def found() -> str:
        dead = [r for r in facts.runs if r.direction == 0]
        if dead:
            return f"the gradient is zero on {interval(dead[0])}"
        return "the derivative of no branch is the function 0"

    return Claim(
        "dead_region",
        f"the gradient is zero on {'an' if wanted else 'no'} interval",
        lambda: any(r.direction == 0 for r in facts.runs) == wanted,
        lambda: second.dead_region(facts.function) == wanted,
        found,
    )


def bounded_below(facts: Facts, wanted: bool) -> Claim:
    """A finite infimum."""

    def found() -> str:
        e = facts.range[0]
        return f"inf f = {words(e.value)}, {'reached' if e.reached else 'approached'} at x = {words(e.x)}"

    return Claim(
        "bounded_below",
        f"f is {'' if wanted else 'not '}bounded below",
        lambda: isinstance(facts.range[0].value, Real) == wanted,
        lambda: second.bounded_below(facts.function) == wanted,
        found,
    )


def finite(facts: Facts, to: str, p: str, wanted: bool) -> Claim:
    """A finite L^p distance."""

    def first() -> bool:
        return (facts.distance(to, p) != OO) == wanted

    return Claim(
        f"distance.{to}.{p}.finite",
        f"the L^{p} distance to {to} is {'finite' if wanted else 'infinite'}",
        first,
        lambda: second.finite(facts.function, facts.others[to], EXPONENTS[p]) == wanted,
        lambda: f"it is {words(facts.distance(to, p))}",
    )


def below(facts: Facts, to: str, p: str, bound: Real) -> Claim:
    """An L^p distance of at most a bound."""
    other, limit = facts.others[to], bound.rational
    assert limit is not None, "formulas in the parameters are rational"

    def first() -> bool | None:
        value = facts.distance(to, p)
        return at_most(value, limit) if isinstance(value, arb) else not (bound < value)

    def again() -> bool | None:
        if not second.finite(facts.function, other, EXPONENTS[p]):
            return False
        if p == "oo":
            return second.sup_at_most(facts.function, other, limit)
        return at_most(closed.norm_power(facts.function, other, int(p)), limit ** int(p) if limit > 0 else limit)

    return Claim(
        f"distance.{to}.{p}.below",
        f"the L^{p} distance to {to} is at most {bound}",
        first,
        again,
        lambda: f"it is {words(facts.distance(to, p))}",
    )


def at_most(value: fmpq | arb, bound: fmpq) -> bool | None:
    """Whether a number is at most the bound; None where its enclosure holds both sides of it."""
    if value <= bound:
        return True
    return False if value > bound else None


#: The claims that are true or false.
YES_OR_NO: Mapping[str, Callable[[Facts, bool], Claim]] = {
    "monotone": monotone,
    "dead_region": dead_region,
    "bounded_below": bounded_below,
}
