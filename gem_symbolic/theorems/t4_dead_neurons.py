"""T4: where the gradient is zero: on a half-line (dead neurons) or at a single point."""

from collections.abc import Iterator, Mapping

from gem_symbolic.certificates import Certificate, enclose, equal, lemma, roots, sign
from gem_symbolic.definitions import Activation
from gem_symbolic.notation import latex, plain

THEOREM = "T4"


def certificates(activation: Activation, claim: Mapping[str, str]) -> Iterator[Certificate]:
    """Reads `zero_side`: where f' vanishes, everywhere or at `zero_u` alone."""
    if "zero_side" not in claim:
        return
    side, place = claim["zero_side"], claim.get("zero_u")
    other, direction, axis = ("R", "-", "x < 0") if side == "L" else ("L", "", "x > 0")
    alive = sign(f"D({other})", ">", "On the other side the gradient is positive.")
    if place is None:
        yield Certificate(
            id="T4.dead",
            statement=f"{activation.title}' = 0 on all of {'(-oo, 0]' if side == 'L' else '[0, oo)'} and nowhere else",
            latex=r"f'(x) = 0 \iff x \le 0" if side == "L" else r"f'(x) = 0 \iff x \ge 0",
            steps=(equal(f"D({side})", "0", "The branch is constant: its derivative vanishes identically."), alive),
        )
        return
    yield Certificate(
        id="T4.alive",
        statement=f"for x != 0, {activation.title}' vanishes only at x* = {direction}s ({plain(place)})^(1/n)",
        latex=rf"f'(x) = 0,\ x \ne 0 \iff x = x^* = {direction}s \left({latex(place)}\right)^{{1/n}}",
        steps=(
            lemma(sign(place, ">", "The place is a point u > 0,")),
            equal(f"at(D({side}), {place})", "0", "there the gradient vanishes,"),
            roots(f"D({side})", 1, f"and nowhere else where {axis}."),
            alive,
            enclose(f"zero(D({side}))", f"{direction}s*({place})**(1/n)", "Enclosed by isolating the roots."),
        ),
    )
