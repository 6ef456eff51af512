"""T10: gain and mean under standard normal input, enclosed rigorously for one N and eps."""

from collections.abc import Iterator, Mapping

from gem_symbolic.certificates import Certificate, below, enclose
from gem_symbolic.definitions import Activation
from gem_symbolic.notation import latex, plain

THEOREM = "T10"


def certificates(activation: Activation, claim: Mapping[str, str]) -> Iterator[Certificate]:
    """Reads `mean_gap`: a bound of how far the mean is below that of ReLU. The gain needs no key."""
    yield Certificate(
        id="T10.gain",
        statement=f"the gain E[{activation.title}(Z)^2]^(-1/2) is enclosed, for this N and eps",
        latex=r"g = \mathbb{E}[f(Z)^2]^{-1/2},\quad Z \sim \mathcal{N}(0, 1)",
        steps=(
            enclose(
                "1/sqrt(moment(f, 2))",
                "1/sqrt(moment_by_residues(f, 2))",
                "Rigorous quadrature against partial fractions and the Faddeeva function.",
            ),
        ),
    )
    if "mean_gap" in claim:
        bound = claim["mean_gap"]
        yield Certificate(
            id="T10.mean",
            statement=f"E[{activation.title}(Z)] = 1/sqrt(2 pi) - d with 0 < d < {plain(bound)}, for this N and eps",
            latex=rf"\mathbb{{E}}[f(Z)] = \frac{{1}}{{\sqrt{{2\pi}}}} - d,\quad 0 < d < {latex(bound)}",
            steps=(
                enclose(
                    "moment(f, 1)",
                    "1/sqrt(2*pi) + moment(gap, 1)",
                    "E[ReLU(Z)] = 1/sqrt(2 pi); -d is the mean of f - ReLU.",
                ),
                enclose(
                    "-moment(gap, 1)",
                    "-moment_by_residues(gap, 1)",
                    "d by quadrature, and by exponential integrals E_1.",
                ),
                below("moment(gap, 1)", "0", "d > 0,"),
                below("-moment(gap, 1)", bound, "and d is below half the sup distance."),
            ),
        )
