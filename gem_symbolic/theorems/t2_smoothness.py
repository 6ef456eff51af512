"""T2: the exact order of smoothness, the jump of the first derivative that fails, and no poles on the real line."""

from collections.abc import Iterator, Mapping

from gem_symbolic.certificates import Certificate, coefficient, enclose, jet, order, sign
from gem_symbolic.definitions import Activation
from gem_symbolic.notation import latex, plain

THEOREM = "T2"


def certificates(activation: Activation, claim: Mapping[str, str]) -> Iterator[Certificate]:
    """Reads `smoothness`, the order; `left` and `right`, the Taylor coefficients of the next one. Poles need no key."""
    if "smoothness" not in claim:
        return
    smooth, left, right = claim["smoothness"], claim["left"], claim["right"]
    m = f"{smooth} + 1"
    yield Certificate(
        id="T2.smoothness",
        statement=f"{activation.title} is C^({plain(smooth)}) on R and not C^({plain(m)})",
        latex=rf"f \in C^{{{latex(smooth)}}}(\mathbb{{R}}) \setminus C^{{{latex(m)}}}(\mathbb{{R}})",
        steps=(
            order(
                "R - L",
                m,
                f"({right}) - ({left})",
                "The difference of the branches vanishes at 0 to exactly this order: T1 with a = 0.",
            ),
            jet(m, "The derivatives at 0 from both sides, exactly, from the definition."),
        ),
    )
    yield Certificate(
        id="T2.jump",
        statement=f"the derivative of order {plain(m)} jumps at 0 from ({plain(m)})! ({plain(left)}) "
        f"to ({plain(m)})! ({plain(right)})",
        latex=rf"f^{{({latex(m)})}}(0^-) = ({latex(m)})! \cdot \left({latex(left)}\right),\quad "
        rf"f^{{({latex(m)})}}(0^+) = ({latex(m)})! \cdot \left({latex(right)}\right)",
        steps=(
            coefficient("L", m, left, "The Taylor coefficient of the left branch; m! times it is the derivative."),
            coefficient("R", m, right, "The Taylor coefficient of the right branch."),
            *(
                enclose(
                    f"factorial({m})*taylor({branch}, {m})", f"factorial({m})*({value})", "The derivative, exactly."
                )
                for branch, value in (("L", left), ("R", right))
            ),
        ),
    )
    yield Certificate(
        id="T2.poles",
        statement=f"all poles of {activation.title} are off the real line, so it is C^oo off 0",
        latex=r"\mathrm{den}(f_\pm) > 0 \text{ on } \mathbb{R}",
        steps=tuple(
            step
            for branch, where in (("L", "left"), ("R", "right"))
            for step in (
                sign(f"den({branch})", ">", f"The denominator of the {where} branch in lowest terms, for u > 0,"),
                sign(f"at(den({branch}), 0)", ">", "and at u = 0, the junction."),
            )
        ),
    )
