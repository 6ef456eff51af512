"""T1: the junction lemma. If f_R - f_L = (x-a)^m h(x) with h(a) != 0, the glued function is exactly C^(m-1) at a."""

from collections.abc import Iterator, Mapping

from gem_symbolic.certificates import Certificate, equal
from gem_symbolic.definitions import Activation

THEOREM = "T1"


def certificates(activation: Activation, claim: Mapping[str, str]) -> Iterator[Certificate]:
    """Reads no key: it is about all smooth branches."""
    yield Certificate(
        id="T1.junction",
        statement="if f_R - f_L = (x-a)^m h(x), m >= 1, h smooth and h(a) != 0, the glued function is exactly C^(m-1) "
        "at a and the m-th derivative jumps by m! h(a)",
        latex=r"f_+ - f_- = z^m h,\ h(0) \ne 0 \implies f \in C^{m-1} \setminus C^m,\ \text{jump } m!\, h(0)",
        assumptions="smooth branches, m >= 1",
        steps=(
            equal(
                "k*W*h + W*z*d",
                "W*(k*h + z*d)",
                "With z = x - a, W = z^(k-1) and d = h': the derivative of z^k h is z^(k-1) times the smooth function "
                "k h + z h'. So after j < m derivatives a factor z^(m-j) is left and the value at a is 0: all "
                "derivatives of order < m agree.",
            ),
            equal(
                "(k*h + z*d) - z*d",
                "k*h",
                "At z = 0 the new factor k h + z h' is k h(a). From k = m down to k = 1 the factors multiply to m!: "
                "the m-th derivative of f_R - f_L at a is m! h(a), not 0.",
            ),
        ),
    )
