"""T0: one activation is the reflection of another, f(x) = x + g(-x)."""

from collections.abc import Iterator, Mapping

from gem_symbolic.certificates import Certificate, equal
from gem_symbolic.definitions import Activation, find

THEOREM = "T0"


def certificates(activation: Activation, claim: Mapping[str, str]) -> Iterator[Certificate]:
    """Reads `reflection`: the variant g."""
    if "reflection" not in claim:
        return
    fixed = "".join(f", {p.name} = {p.fixed}" for p in activation.parameters if p.fixed)
    other = find(claim["reflection"]).title
    yield Certificate(
        id="T0.reflection",
        statement=f"{activation.title}(x) = x + {other}(-x) for all x{fixed}; so f - ReLU mirrors that of {other}",
        latex=r"f(x) = x + g(-x)",
        companion=claim["reflection"],
        steps=(
            equal("L", "x + M(gR)", f"For x < 0, -x lies on the right branch g_+ of {other}."),
            equal("R", "x + M(gL)", "For x > 0, -x lies on its left branch g_-."),
            equal("R - x", "M(gL)", "So f - ReLU is the mirror image of g - ReLU, on the right"),
            equal("L", "M(gR - x)", "and on the left."),
        ),
    )
