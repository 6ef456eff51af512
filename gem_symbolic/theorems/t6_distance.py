"""T6: the exact distance from ReLU in every L^p, by Euler's beta function."""

from collections.abc import Iterator, Mapping

from gem_symbolic.certificates import (
    Certificate,
    Step,
    beta,
    enclose,
    equal,
    finite,
    infinity,
    lemma,
    power_equal,
    roots,
    sign,
)
from gem_symbolic.definitions import Activation
from gem_symbolic.expressions import insert
from gem_symbolic.notation import latex, plain

THEOREM = "T6"
#: f - ReLU on each side, divided by x.
GAPS = {"R": "(R - x)/x", "L": "L/x"}
CHECKED_AT = ("1", "3/2", "2", "4")


def pairs(claim: Mapping[str, str]) -> list[tuple[str, str]]:
    """The arguments of the beta functions."""
    return [(a.strip(), b.strip()) for a, b in (pair.split(",") for pair in claim["beta"].split(";"))]


def power_of_norm(claim: Mapping[str, str]) -> str:
    """The p-th power of the distance."""
    return "s**(p + 1)/n*(" + " + ".join(f"B({a}, {b})" for a, b in pairs(claim)) + ")"


def ordered(claim: Mapping[str, str]) -> list[str]:
    """The two sides, the one where the distance is largest first."""
    return sorted(GAPS, key=lambda side: side != claim["side"])


def certificates(activation: Activation, claim: Mapping[str, str]) -> Iterator[Certificate]:
    """Reads `beta`: pairs of arguments, for `side` and then for the other one, and `finite` > 0, where they hold; and
    `sup`, reached at `sup_u`.
    """
    if "beta" not in claim:
        return
    sides = ordered(claim)
    yield norm(activation, claim, sides)
    yield finiteness(activation, claim, sides)
    yield supremum(activation, claim, sides)


def norm(activation: Activation, claim: Mapping[str, str], sides: list[str]) -> Certificate:
    formula = power_of_norm(claim)
    steps: list[Step] = []
    arguments = pairs(claim)
    for side, (a, b) in zip(sides, arguments):
        steps += [
            beta(
                GAPS[side],
                a,
                b,
                f"On the side {'x > 0' if side == 'R' else 'x < 0'}, |f - ReLU| = t u^j/(1+u)^k with t = |x|. With "
                "t = s u^(1/n), dt = (s/n) u^(1/n-1) du the integral of its p-th power is s^(p+1)/n times the integral "
                "of u^((p+1)/n + j p - 1) (1+u)^(-k p), which is B(a, b) with a = (p+1)/n + j p and a + b = k p.",
            )
        ]
    steps += [lemma(equal(GAPS[side], "0", "On the other side f is ReLU.")) for side in sides[len(arguments) :]]
    for p in CHECKED_AT:
        expected = insert(f"finite({claim['finite']}, {formula})", p=p)
        steps.append(enclose(f"norm(gap, {p})", expected, f"p = {p}: rigorous quadrature against the beta function."))
    return Certificate(
        id="T6.norm",
        statement=f"||{activation.title} - ReLU||_p^p = {plain(formula)} for 1 <= p < oo with p (2N-1) > 1",
        latex=rf"\|f - \mathrm{{ReLU}}\|_p^p = {latex(formula)}",
        assumptions="N an integer >= 1, eps > 0, p >= 1 real, p(2N-1) > 1",
        steps=tuple(steps),
    )


def finiteness(activation: Activation, claim: Mapping[str, str], sides: list[str]) -> Certificate:
    steps: list[Step] = []
    for a, b in pairs(claim):
        steps += [
            lemma(sign(a, ">", "B(a, b) converges exactly for a > 0 and b > 0; a is positive,")),
            lemma(equal(f"n*({b})", claim["finite"], "and b > 0 is the condition.")),
        ]
    side, direction = sides[0], "-" if sides[0] == "R" else ""
    steps.append(
        lemma(
            equal(
                f"when(x*{GAPS[side]}, 2)",
                f"{direction}x/(1 + u)",
                "For N = 1 and p = 1 this is the integrand, the derivative of (eps/2) log(1 + u): its integral over "
                "[0, X] is (eps/2) log(1 + X^2/eps), unbounded.",
            )
        )
    )
    steps += [finite(f"norm(gap, {p})", insert(claim["finite"], p=p), f"p = {p}, at this N.") for p in CHECKED_AT]
    return Certificate(
        id="T6.finite",
        statement=f"the L^p distance is finite exactly when {plain(claim['finite'])} > 0: unless N = p = 1",
        latex=rf"\|f - \mathrm{{ReLU}}\|_p < \infty \iff {latex(claim['finite'])} > 0",
        assumptions="N an integer >= 1, eps > 0, p >= 1 real",
        steps=tuple(steps),
    )


def supremum(activation: Activation, claim: Mapping[str, str], sides: list[str]) -> Certificate:
    value, place = claim["sup"], claim["sup_u"]
    side, other = sides
    sign_of_gap = "-" if side == "R" else ""
    gap_here, gap_there = f"({sign_of_gap}({GAPS[side]}))", GAPS[other]
    return Certificate(
        id="T6.sup",
        statement=f"sup |{activation.title} - ReLU| = {plain(value)}, reached at |x| = s ({plain(place)})^(1/n); "
        "so the distance tends to 0 with eps in every L^p on bounded intervals",
        latex=rf"\|f - \mathrm{{ReLU}}\|_\infty = {latex(value)}",
        steps=(
            lemma(sign(gap_here, ">", "With |f - ReLU| = t g(u), t = |x|: g > 0,")),
            lemma(infinity(gap_here, "-n", "eps", "t g(u) -> 0 at 0 and, like eps t^(1-n), at infinity;")),
            lemma(roots(f"D(x*{gap_here})", 1, "there is one critical point")),
            equal(f"at(D(x*{gap_here}), {place})", "0", "at this u,"),
            power_equal(f"s*({place})**(1/n)*at({gap_here}, {place})", value, "where the value is this."),
            lemma(sign(f"{gap_here} - ({gap_there})", ">=", "On the other side |f - ReLU| is nowhere larger at -x,")),
            lemma(sign(f"{gap_there}", ">=", "and has a constant sign.")),
            enclose("max_abs(gap)", value, "Enclosed from the critical points and the limits."),
        ),
    )
