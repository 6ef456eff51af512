"""What a proof is made of: steps that a program can decide, and certificates that collect them.

The text of a step is a formula (see `expressions`) in n = 2N, u = |x|^n/eps, x, the parameters, the definitions of the
activation, and in addition

    L, R       the branch left and right of the junction 0          gL, gR   those of the companion activation
    D(f, k)    the k-th derivative with respect to x (k = 1 if left out)       M(f)     f(-x)
    at(f, c), when(f, c)   f with u = c, with n = c          num(f), den(f)   numerator, denominator

A symbolic n stands for every even n >= 2, x and u for independent symbols: what is proved holds for every N.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

#: The kinds of step and the names of their arguments; `checkers` says how each is decided.
KINDS: Mapping[str, tuple[str, ...]] = {
    "equal": ("left", "right"),
    "power_equal": ("left", "right"),
    "sign": ("value", "relation", "low", "high", "first"),
    "roots": ("value", "count", "low", "high"),
    "order": ("value", "exponent", "leading"),
    "infinity": ("value", "exponent", "leading"),
    "coefficient": ("value", "exponent", "expected"),
    "smaller_root": ("value", "polynomial"),
    "beta": ("value", "a", "b"),
    "jet": ("exponent",),
    "enclose": ("quantity", "expected"),
    "below": ("quantity", "bound"),
    "finite": ("quantity", "condition"),
}
#: The kinds that are about one N and eps; the others hold for every N.
NUMERICAL = frozenset({"jet", "enclose", "below", "finite"})
#: The kinds whose first argument is a rational function: it is stored as coefficient data.
VALUED = frozenset({"equal", "sign", "roots", "order", "infinity", "coefficient", "beta"})
#: The N at which the numerical steps of stored certificates are decided.
INSTANCES = tuple(range(1, 9))


@dataclass(frozen=True)
class Step:
    """One decidable line of a proof, and in words why it is there.

    The claim implies every step that is no lemma: where such a step is false, the claim is refuted. A lemma serves the
    proof alone: where it is false, the proof fails and the claim is undecided.
    """

    kind: str
    args: tuple[str, ...]
    why: str
    lemma: bool = False

    @property
    def numerical(self) -> bool:
        """Whether the step is about one N and eps."""
        return self.kind in NUMERICAL

    def __post_init__(self) -> None:
        if len(self.args) != len(KINDS[self.kind]):
            raise ValueError(f"a step of kind {self.kind!r} takes {KINDS[self.kind]}; got {self.args}")


@dataclass(frozen=True)
class Certificate:
    """A claim with its proof. `companion` names the activation that gL and gR belong to."""

    id: str
    statement: str
    latex: str
    steps: tuple[Step, ...]
    assumptions: str = "N an integer >= 1, eps > 0"
    companion: str | None = None


def lemma(step: Step) -> Step:
    """The step as a lemma."""
    return replace(step, lemma=True)


def equal(left: str, right: str, why: str) -> Step:
    """left and right are the same rational function."""
    return Step("equal", (left, right), why)


def power_equal(left: str, right: str, why: str) -> Step:
    """left and right are the same product of powers, exponents in n allowed."""
    return Step("power_equal", (left, right), why)


def sign(value: str, relation: str, why: str, low: str = "0", high: str = "oo", first: int = 2) -> Step:
    """value `relation` 0 for every even n >= first, every u in (low, high), and every positive x and eps."""
    return Step("sign", (value, relation, low, high, str(first)), why)


def roots(value: str, count: int, why: str, low: str = "0", high: str = "oo") -> Step:
    """value has exactly `count` distinct zeros u in (low, high), for every even n >= 2."""
    return Step("roots", (value, str(count), low, high), why)


def order(value: str, exponent: str, leading: str, why: str) -> Step:
    """value = leading x^exponent (1 + o(1)) as x -> 0."""
    return Step("order", (value, exponent, leading), why)


def infinity(value: str, exponent: str, leading: str, why: str) -> Step:
    """value = leading x^exponent (1 + o(1)) as |x| -> oo."""
    return Step("infinity", (value, exponent, leading), why)


def coefficient(value: str, exponent: str, expected: str, why: str) -> Step:
    """The Taylor coefficient of x^exponent at 0."""
    return Step("coefficient", (value, exponent, expected), why)


def smaller_root(value: str, polynomial: str, why: str) -> Step:
    """value, which holds one square root, is the smaller root v of the quadratic polynomial."""
    return Step("smaller_root", (value, polynomial), why)


def beta(value: str, a: str, b: str, why: str) -> Step:
    """The integral of (|x| |value|)^p over a half-line is s^(p+1)/n B(a, b), for all real p >= 1 with a, b > 0."""
    return Step("beta", (value, a, b), why)


def jet(exponent: str, why: str) -> Step:
    """At the given N: both branches have equal derivatives at 0 below that order, and unequal ones at it."""
    return Step("jet", (exponent,), why)


def enclose(quantity: str, expected: str, why: str) -> Step:
    """At the given N and eps: a rigorous enclosure of the quantity overlaps that of the expected value."""
    return Step("enclose", (quantity, expected), why)


def below(quantity: str, bound: str, why: str) -> Step:
    """At the given N and eps: the enclosure of the quantity lies below that of the bound."""
    return Step("below", (quantity, bound), why)


def finite(quantity: str, condition: str, why: str) -> Step:
    """At the given N and eps: the quantity is finite exactly when the condition is > 0."""
    return Step("finite", (quantity, condition), why)
