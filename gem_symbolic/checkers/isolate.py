"""Isolated roots of integer polynomials."""

from flint import acb, arb, fmpz_poly


def roots(p: fmpz_poly) -> list[acb]:
    """The complex roots of a square-free polynomial, each in a ball of its own.

    The imaginary part of a ball is exactly 0 where its root is real: FLINT certifies that.
    """
    return [root for root, _ in p.complex_roots()]  # pyright: ignore[reportGeneralTypeIssues] (its stub lacks the pairs)


def real_roots(p: fmpz_poly) -> list[arb]:
    """The real ones among them."""
    return [root.real for root in roots(p) if root.imag == 0]
