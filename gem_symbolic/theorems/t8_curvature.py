"""T8: the largest curvature in closed form, and where the activation is convex."""

from collections.abc import Iterator, Mapping

from gem_symbolic.certificates import (
    Certificate,
    enclose,
    equal,
    infinity,
    lemma,
    order,
    power_equal,
    roots,
    sign,
    smaller_root,
)
from gem_symbolic.definitions import Activation
from gem_symbolic.expressions import insert
from gem_symbolic.notation import latex, plain

THEOREM = "T8"
#: What |x| f'' is.
SCALED = "n*F*S*(1 + n*(S - F))"
#: Up to a positive factor and a power of u, the numerator of the third derivative.
QUADRATIC = "(n**2 - 1)*{0}**2 - (4*n**2 + 2)*{0} + (n**2 - 1)"


def certificates(activation: Activation, claim: Mapping[str, str]) -> Iterator[Certificate]:
    """Reads `supremum` of |f''|, at u = `v`; `inflection_u`: where f'' changes its sign; `side`: where f bends."""
    if "v" not in claim:
        return
    side, turn, value = claim["side"], claim["inflection_u"], claim["supremum"]
    # f'' = H(u)/t with t = |x|; on the left x = -t.
    scaled = "x*D(R, 2)" if side == "R" else "-x*D(L, 2)"
    axis = "x > 0" if side == "R" else "x < 0"
    yield Certificate(
        id="T8.formula",
        statement=f"for {axis}: |x| {activation.title}'' = n F S (1 + n (S - F)); f'' > 0 up to the only inflection at "
        f"u = {plain(turn)}, f'' < 0 beyond",
        latex=rf"|x| f'' = n F S \left(1 + n (S - F)\right),\quad f''=0 \iff u = {latex(turn)}",
        steps=(
            equal(scaled, SCALED, "Two derivatives of the branch."),
            sign(scaled, ">", "f'' is positive near the junction,", high=turn),
            equal(f"at({scaled}, {turn})", "0", "vanishes here"),
            sign(scaled, "<", "and is negative beyond.", low=turn),
        ),
    )
    quadratic = QUADRATIC.format("u")
    third = f"x**2*D({side}, 3)"
    yield Certificate(
        id="T8.curvature",
        statement=f"sup |{activation.title}''| = {plain(value)}, v = {plain(claim['v'])}",
        latex=rf"\sup |f''| = {latex(value)},\quad v = {latex(claim['v'])}",
        steps=(
            *map(
                lemma,
                (
                    roots(third, 1, "f'' has one critical point between the junction and the inflection", high=turn),
                    roots(third, 1, "and one beyond it.", low=turn),
                    roots(f"({third})/({quadratic})", 0, "Both are roots of (n^2-1) u^2 - (4n^2+2) u + (n^2-1),"),
                    roots(quadratic, 2, "which has two positive roots,"),
                    equal(f"u**2*at({quadratic}, 1/u)", quadratic, "reciprocal to each other: v < 1 and 1/v."),
                    smaller_root(claim["v"], QUADRATIC.format("v"), "The smaller one in closed form."),
                    power_equal(
                        f"s**(-1)*v**(-1/n)*at({scaled}, v)", value, "The value of f'' there, at t = s v^(1/n)."
                    ),
                    order(scaled, "n", "n*(n + 1)/eps", "f'' -> 0 at the junction"),
                    infinity(scaled, "-n", "n*(1 - n)*eps", "and at infinity, so the extrema are at v and 1/v."),
                    sign(
                        f"{scaled} + at({scaled}, 1/u)",
                        ">",
                        "The dip at 1/v is the smaller in size: with H = t f'', -H(1/v) < H(v), and t is larger there.",
                    ),
                ),
            ),
            enclose("max_abs(f, 2)", insert(value, v=claim["v"]), "Enclosed from the isolated critical points."),
        ),
    )
