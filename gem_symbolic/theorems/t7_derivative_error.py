"""T7: the distance of the derivative from that of ReLU: small in L^1, never small in the sup norm."""

import ast
from collections.abc import Iterator, Mapping

from gem_symbolic.certificates import Certificate, enclose, equal, infinity, lemma, order, power_equal, roots, sign
from gem_symbolic.definitions import Activation
from gem_symbolic.expressions import parse
from gem_symbolic.notation import latex, plain
from gem_symbolic.theorems.t6_distance import GAPS

THEOREM = "T7"


def certificates(activation: Activation, claim: Mapping[str, str]) -> Iterator[Certificate]:
    """Reads `variation`: the L^1 distance of f' from that of ReLU; `sup`: in the sup norm; `side`: where f bends."""
    if "variation" not in claim:
        return
    side = claim["side"]
    other = next(s for s in GAPS if s != side)
    gap = f"x*({'-' if side == 'R' else ''}{GAPS[side]})"  # t g(u), up to the sign of x
    factor = f"({'-' if side == 'R' else ''}{GAPS[side]})"
    place = activation.claims["T6"]["sup_u"]
    first, second = (ast.unparse(a) for a in parse(claim["sup"]).args)  # type: ignore[attr-defined]
    value = claim["variation"]
    yield Certificate(
        id="T7.l1",
        statement=f"||{activation.title}' - ReLU'||_1 = {plain(value)}: twice the sup distance",
        latex=rf"\|f' - \mathrm{{ReLU}}'\|_1 = {latex(value)}",
        steps=(
            lemma(equal(GAPS[other], "0", "f is ReLU on one half-line;")),
            lemma(infinity(factor, "-n", "eps", "on the other |f - ReLU| = t g(u) goes from 0 to 0")),
            lemma(roots(f"D({gap})", 1, "with one critical point,")),
            lemma(equal(f"at(D({gap}), {place})", "0", "at this u,")),
            lemma(
                power_equal(
                    f"2*s*({place})**(1/n)*at({factor}, {place})",
                    value,
                    "so the total variation, which is the L^1 norm of the derivative, is twice its value there.",
                )
            ),
            enclose("variation(gap)", value, "Enclosed from the critical points and the limits."),
        ),
    )
    yield Certificate(
        id="T7.sup",
        statement=f"sup |{activation.title}' - ReLU'| = {plain(claim['sup'])} for every eps: never small",
        latex=rf"\|f' - \mathrm{{ReLU}}'\|_\infty = {latex(claim['sup'])}",
        steps=(
            lemma(sign(f"D({gap}) - {first}", "<", "The derivative of t g(u) stays below its limit at 0,")),
            lemma(order(f"D({gap})", "0", first, "which is this,")),
            lemma(sign(f"D({gap}) + {second}", ">=", "and above this bound,")),
            lemma(roots(f"D({gap}) + {second}", 1, "which it reaches once;")),
            lemma(equal(GAPS[other], "0", "on the other half-line the error is 0.")),
            enclose("max_abs(gap, 1)", claim["sup"], "Enclosed from the critical points and the limits."),
        ),
    )
