"""T11: how far the activation is from GELU and SiLU in the sup norm; where it is ReLU on a half-line, never nearer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from gem_symbolic.certificates import Certificate, Step, below, enclose, equal, lemma
from gem_symbolic.definitions import Activation
from gem_symbolic.notation import latex, plain
from gem_symbolic.theorems.t6_distance import GAPS, ordered, supremum

THEOREM = "T11"


@dataclass(frozen=True)
class Rival:
    """An activation x W(x), why W(-x) = 1 - W(x), and where |x| (1 - W(|x|)) is largest."""

    title: str
    symmetric: Step
    largest: str


RIVALS = {
    "gelu": Rival(
        "GELU",
        equal(
            "(1 - h)/2",
            "1 - (1 + h)/2",
            "GELU is x W with W(x) = (1 + h)/2, h = erf(x/sqrt 2), an odd function: W(-x) = 1 - W(x).",
        ),
        "x phi(x) = 1 - W(x), where it is x^2 phi(x), phi the normal density",
    ),
    "silu": Rival(
        "SiLU",
        equal("1/(1 + z)", "1 - 1/(1 + 1/z)", "SiLU is x W with W(x) = 1/(1 + 1/z), z = e^x: W(-x) = 1 - W(x)."),
        "x - 1 = e^(-x), where it is x - 1 = W_0(1/e), W_0 Lambert's function",
    ),
}


def certificates(activation: Activation, claim: Mapping[str, str]) -> Iterator[Certificate]:
    """Reads `gelu` and `silu`: the first digits of how far ReLU is from them; `relu_side`: where f is ReLU, if any."""
    for name, rival in RIVALS.items():
        if name in claim:
            yield distance(activation, claim, name, rival)


def distance(activation: Activation, claim: Mapping[str, str], name: str, rival: Rival) -> Certificate:
    """sup |f - x W|, for every N and eps between bounds, and at one N and eps enclosed."""
    relu = activation.claims["T6"]
    digits, m = claim[name], relu["sup"]
    c, unit = Fraction(digits), Fraction(1, 10 ** len(digits.partition(".")[2]))
    here, there = f"distance(f, {name})", f"distance(relu, {name})"
    even = "For x > 0, ReLU - x W is this at x, and the same at -x: it is even."
    half = "f is ReLU on a half-line, where sup |f - x W| therefore is c: on R it is no less."
    twice = f"c by subdivision, with a bound on each interval; and at its one critical point x > 0, {rival.largest}."
    side = claim.get("relu_side")
    least, bound = ("c", f"{c}") if side else ("c - m", f"{c} - {m}")
    limit = "" if any(p.fixed for p in activation.parameters) else "; it tends to c as eps -> 0"
    steps = [
        below(here, f"{c + unit} + {m}", "The distance at this N and eps: at most m more than that of ReLU,"),
        below(bound, here, "and no less than is claimed."),
        *map(lemma, supremum(activation, relu, ordered(relu)).steps),
        lemma(rival.symmetric),
        lemma(equal("x - x*W", "0 - (-x)*(1 - W)", even)),
        *([lemma(equal(GAPS[side], "0", half))] if side else []),
        below(f"{c}", there, "The digits of c: no less"),
        below(there, f"{c + unit}", "and no more."),
        enclose(there, f"distance_by_root({name})", twice),
    ]
    return Certificate(
        id=f"T11.{name}",
        statement=f"sup |{activation.title} - {rival.title}| is at least {least} and at most c + m, with "
        f"c = sup |ReLU - {rival.title}| = {digits}... and m = sup |f - ReLU| = {plain(m)}{limit}",
        latex=rf"{least} \le \|f - \mathrm{{{rival.title}}}\|_\infty \le c + m,\quad "
        rf"c = \|\mathrm{{ReLU}} - \mathrm{{{rival.title}}}\|_\infty = {digits}\ldots,\quad m = {latex(m)}",
        steps=tuple(steps),
    )
