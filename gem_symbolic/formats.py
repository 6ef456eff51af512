"""The binary floating-point formats as data: precision, exponent range and what follows. Standard library only."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Format:
    """An IEEE-style binary format: `precision` significant bits, normal numbers in [2**emin, 2**(emax + 1))."""

    name: str
    precision: int
    emin: int
    emax: int

    @property
    def bits(self) -> int:
        """The width of the encoding: sign, exponent and fraction."""
        return self.precision + (self.emax - self.emin + 2).bit_length()

    @property
    def least(self) -> int:
        """The exponent of the smallest subnormal, 2**least, which is also the smallest unit in the last place."""
        return self.emin - self.precision + 1

    @property
    def tiny(self) -> Fraction:
        """The smallest normal number."""
        return Fraction(2) ** self.emin

    @property
    def max(self) -> Fraction:
        """The largest finite number."""
        return (2 - Fraction(2) ** (1 - self.precision)) * Fraction(2) ** self.emax


FORMATS: Mapping[str, Format] = {
    f.name: f
    for f in (
        Format("binary16", 11, -14, 15),
        Format("bfloat16", 8, -126, 127),
        Format("binary32", 24, -126, 127),
        Format("binary64", 53, -1022, 1023),
    )
}
