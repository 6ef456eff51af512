"""Published settings, with where each comes from. None of them was measured by this project."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """A setting: N, None where the source does not say; one eps, or the ends of a range; and the source."""

    N: int | None
    eps: tuple[str, ...]
    source: str


ABSTRACT = "the public abstract of the GEM paper (arXiv 2604.21677)"
SMALL = ("1e-4", "1e-6")

PRESETS: Mapping[str, Preset] = {
    "deep-cnn": Preset(
        1, SMALL, f"{ABSTRACT}: N = 1 is preferred for deep CNNs, eps from 1e-4 to 1e-6 is best for them"
    ),
    "transformer": Preset(
        2, SMALL, f"{ABSTRACT}: N = 2 is preferred for transformers, eps from 1e-4 to 1e-6 is best for larger ones"
    ),
    "bert-small": Preset(
        None, ("10",), f"{ABSTRACT}: E-GEM with eps = 10 had the best validation loss on BERT-small; N is not stated"
    ),
}


def find(name: str) -> Preset:
    """The preset of that name. Raises ValueError naming the known ones."""
    if name not in PRESETS:
        raise ValueError(f"unknown preset {name!r}; known are {', '.join(PRESETS)}")
    return PRESETS[name]
