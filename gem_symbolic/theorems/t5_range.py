"""T5: the range, the minimum, and a bracket for the inverse."""

from collections.abc import Iterator, Mapping

from gem_symbolic.certificates import (
    Certificate,
    below,
    enclose,
    equal,
    infinity,
    lemma,
    order,
    power_equal,
    roots,
    sign,
)
from gem_symbolic.definitions import Activation
from gem_symbolic.notation import latex, plain

THEOREM = "T5"


def certificates(activation: Activation, claim: Mapping[str, str]) -> Iterator[Certificate]:
    """Reads `range`, which is [0, oo); `minimum`, reached at `minimum_u` on `minimum_side`."""
    if "range" in claim:
        yield onto(activation)
        yield inverse(activation)
    if "minimum" in claim:
        yield minimum(activation, claim)


def onto(activation: Activation) -> Certificate:
    return Certificate(
        id="T5.range",
        statement=f"0 <= {activation.title} <= ReLU, and {activation.title} maps onto [0, oo)",
        latex=r"0 \le f \le \mathrm{ReLU},\quad f(\mathbb{R}) = [0, \infty)",
        steps=(
            equal("L", "0", "f = 0 for x <= 0."),
            lemma(sign("R", ">", "f > 0 for x > 0,")),
            sign("x - R", ">", "and below ReLU."),
            lemma(sign("D(R)", ">", "It increases strictly there,")),
            lemma(order("R", "n + 1", "1/eps", "from 0 at the junction")),
            lemma(infinity("R", "1", "1", "to infinity: every y >= 0 is reached.")),
            enclose("inf(f)", "0", "Enclosed from the critical points and the limits."),
        ),
    )


def inverse(activation: Activation) -> Certificate:
    return Certificate(
        id="T5.inverse",
        statement=f"the inverse of {activation.title} at y > 0 lies in (max(y, a), y + a), a = (eps y)^(1/(n+1))",
        latex=r"\max(y, a) < f^{-1}(y) < y + a,\quad a = (\varepsilon y)^{1/(n+1)}",
        steps=(
            lemma(sign("x - R", ">", "With y = f(x): y < x.")),
            lemma(equal("x**(n + 1) - eps*R", "x**n*R", "x^(n+1) - a^(n+1) = x^n y > 0, so a < x.")),
            lemma(sign("x**n*R", ">", "The right-hand side is positive.")),
            lemma(
                equal(
                    "eps*R - x**(n + 1)/((1 + u)*W)",
                    "x**(n + 1)/(1 + u)*(W - 1)/W",
                    "x - y = x/(1+u); with W = (1+u)^n > 1 the left-hand side is a^(n+1) - (x-y)^(n+1),",
                )
            ),
            lemma(equal("x - R", "x/(1 + u)", "where this is the value of x - y.")),
            lemma(sign("x**(n + 1)/(1 + u)", ">", "W - 1 > 0 and the other factors are positive, so x - y < a.")),
            *(
                below(low, high, f"At x = {x}, y = f(x).")
                for x in ("s/2", "s", "2*s")
                for low, high in brackets(f"value(R, {x})", x)
            ),
        ),
    )


def brackets(y: str, x: str) -> Iterator[tuple[str, str]]:
    """Both ends of the bracket at one point, as inequalities."""
    a = f"(eps*{y})**(1/(n + 1))"
    yield f"Max({y}, {a})", x
    yield x, f"{y} + {a}"


def minimum(activation: Activation, claim: Mapping[str, str]) -> Certificate:
    value, place, side = claim["minimum"], claim["minimum_u"], claim["minimum_side"]
    other, direction = ("R", "-") if side == "L" else ("L", "")
    factor = f"{side}/x"  # f = x (f/x), and f/x depends on u alone
    return Certificate(
        id="T5.minimum",
        statement=f"min {activation.title} = {plain(value)}, reached only at x* = {direction}s ({plain(place)})^(1/n)",
        latex=rf"\min f = {latex(value)} = f(x^*),\quad x^* = {direction}s\left({latex(place)}\right)^{{1/n}}",
        steps=(
            lemma(sign(other, ">", "f > 0 on the other side.")),
            lemma(sign(factor, ">", "On this side f has the sign of x.")),
            lemma(infinity(factor, "-n", "eps", "f/x decays like eps/x^n, so f -> 0 at infinity (n >= 2),")),
            lemma(roots(f"D({side})", 1, "and f, which is 0 at the junction, has one critical point in between:")),
            equal(f"at(D({side}), {place})", "0", "here."),
            power_equal(f"{direction}s*({place})**(1/n)*at({factor}, {place})", value, "The value there."),
            enclose("inf(f)", value, "Enclosed from the critical points and the limits."),
        ),
    )
