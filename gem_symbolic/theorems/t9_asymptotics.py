"""T9: the behaviour far out, and the Taylor series at the junction with its radius of convergence."""

from collections.abc import Iterator, Mapping

from gem_symbolic.certificates import Certificate, equal, infinity, lemma
from gem_symbolic.definitions import Activation
from gem_symbolic.notation import latex, plain

THEOREM = "T9"
ENDS = {"right": ("R", "x -> oo", r"x \to \infty"), "left": ("L", "x -> -oo", r"x \to -\infty")}


def certificates(activation: Activation, claim: Mapping[str, str]) -> Iterator[Certificate]:
    """Reads `right` and `left`: the leading terms, what follows, `right_next` and `left_next`, of order `remainder`;
    `series_side`: where a series converges, and `series_from`, its first power of u.
    """
    for end, (branch, where, where_latex) in ENDS.items():
        if end in claim:
            leading, rest = claim[end], claim["remainder"]
            yield Certificate(
                id=f"T9.{end}",
                statement=f"{activation.title}(x) = {plain(leading)} + O(x^({plain(rest)})) as {where}",
                latex=rf"f(x) = {latex(leading)} + O(x^{{{latex(rest)}}}),\quad {where_latex}",
                steps=(
                    infinity(
                        f"{branch} - ({leading})",
                        rest,
                        claim[f"{end}_next"],
                        "What is left over has exactly this order.",
                    ),
                ),
            )
    if "series_side" in claim:
        yield series(activation, claim["series_side"], int(claim["series_from"]))


def series(activation: Activation, side: str, first: int) -> Certificate:
    where = "0+" if side == "R" else "0-"
    return Certificate(
        id="T9.series",
        statement=f"at {where}, {activation.title}(x) = sum over k >= 0 of (-1)^k x u^(k + {first}), u = x^n/eps, "
        "with radius of convergence s",
        latex=rf"f(x) = \sum_{{k \ge 0}} (-1)^k x\, u^{{k + {first}}},\quad u = x^n/\varepsilon,\ |x| < s",
        steps=(
            equal(side, f"x*u**{first}*(1/(1 + u))", "The branch is a power of u times 1/(1+u), the geometric series:"),
            lemma(
                equal(
                    "W/(1 + u)",
                    "W - u*W/(1 + u)",
                    "with W = (-u)^k, splitting off one more term leaves (-u)^(k+1)/(1+u), which tends to 0 for u < 1.",
                )
            ),
            equal(f"at(den({side}), -1)", "0", "The nearest poles are at u = -1, that is |x| = s: the radius is s."),
        ),
    )
