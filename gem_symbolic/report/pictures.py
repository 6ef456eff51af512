"""The pictures of the page, as SVG to stand inside HTML: drawn from the oracle, Arb and committed data."""

import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from gem_symbolic import plots, speed
from gem_symbolic.bars import EDGES
from gem_symbolic.checkers.arb import Concrete
from gem_symbolic.definitions import Activation
from gem_symbolic.expressions import ExpressionError
from gem_symbolic.observe import scale
from gem_symbolic.reference import evaluate
from gem_symbolic.tradeoff import Demand, Unreachable, quantities

#: Half the width of the window about the junction, in scales, and the points on either side.
WINDOW, POINTS = 2.0, 60
#: The norms whose distance from ReLU is drawn, and over which eps.
NORMS = {"1": "L^1", "2": "L^2", None: r"L^\infty"}
EPS = ("1e-8", "1e-6", "1e-4", "1e-2", "1")
PANELS = {"forward": ("eager", "forward"), "backward": ("eager", "backward")}
DEVICES = {"cpu": "CPU", "cuda": "GPU"}


@dataclass(frozen=True)
class Picture:
    """A drawing with what it shows, in words."""

    svg: str
    says: str


class Inliner:
    """Makes drawings fit to stand in one page: no prologue, no fixed size, identifiers of their own."""

    def __init__(self) -> None:
        self.numbers = itertools.count(1)

    def __call__(self, drawn: Figure, says: str) -> Picture:
        absent = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        text = plots.svg(drawn, fonttype="path", transparent=True, metadata=absent)
        text = text[text.index("<svg") :].replace("\n", " ")
        prefix = f"p{next(self.numbers)}-"
        text = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>{prefix}", text)
        text = re.sub(r'<svg [^>]*?(viewBox="[^"]*")[^>]*>', r'<svg \1 role="img" aria-label="LABEL">', text, count=1)
        return Picture(text.replace("LABEL", escaped(says)).replace("xlink:href", "href"), says)


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def derivatives(activation: Activation, N: int, eps: Fraction, highest: int, inline: Inliner) -> Iterator[Picture]:
    """The function and its derivatives on both sides of 0, up to the first one that jumps."""
    s, steps = float(scale(N, eps)), [WINDOW * k / POINTS for k in range(POINTS + 1)]

    def curve(order: int, side: str, rs: Sequence[float]) -> plots.Curve:
        return rs, [float(evaluate(activation, r * s, N, eps, order=order, dps=15, side=side)) for r in rs]

    for order in range(highest + 1):
        try:
            left = curve(order, "left", [-r for r in reversed(steps)])
            right = curve(order, "right", steps)
        except ValueError as error:
            yield Picture("", f"order {order}: {error}")
            continue
        jump = right[1][0] - left[1][-1]
        name = rf"$f^{{({order})}}$" if order else "$f$"
        says = f"order {order}: {f'jumps by {jump:.4g}' if jump else 'joins'}"
        yield inline(plots.derivative(left, right, jump != 0, title=name), says)


def distances(activation: Activation, N: int, fixed: bool, inline: Inliner) -> Iterator[Picture]:
    """The L^p distance from ReLU against eps: enclosed by Arb, and as it is claimed, with its slope."""
    for p, name in NORMS.items():
        known = quantities(activation, None if p is None else Fraction(p))
        quantity = known.get("sup" if p is None else "lp")
        if quantity is None or fixed:
            continue
        try:
            c, k = Demand(activation, N, quantity, Fraction(1)).law
            seen = [float(Concrete(activation, N, Fraction(eps)).evaluate(quantity.enclosed)) for eps in EPS]
        except (Unreachable, ExpressionError, ArithmeticError):
            continue  # infinite, or of another shape than is claimed: the claims say so
        sizes = [float(eps) for eps in EPS]
        claimed = [float(c) * float(scale(N, eps)) ** float(k) for eps in EPS]
        slope = str(k / (2 * N))
        family = {N: ((sizes, seen), (sizes, claimed), f"slope {slope}")}
        drawn = plots.power_laws({"": family}, "ε", "distance from ReLU", title=f"in ${name}$")
        yield inline(drawn, f"distance from ReLU in {name.replace(chr(92) + 'infty', 'infinity')}: slope {slope}")


def histograms(measurements: Sequence[Mapping[str, Any]], inline: Inliner) -> Iterator[Picture]:
    """For each type and quantity how many inputs have which error, a bar for each kernel path."""
    found: dict[tuple[str, str, str], dict[str, list[int]]] = {}
    for m in measurements:
        path, type, quantity = m["id"].split(".")
        found.setdefault((type, quantity, m["kind"]), {})[path] = m["histogram"]
    bins = [f"{edge:g}" for edge in EDGES] + ["more"]
    for (type, quantity, kind), counts in found.items():
        last = max(k for row in counts.values() for k, count in enumerate(row) if count) + 1
        shown = {path: row[:last] for path, row in counts.items()}
        drawn = plots.errors(shown, bins[:last], title=f"{type}, {quantity}")
        total = sum(next(iter(counts.values())))
        yield inline(drawn, f"{type}, {quantity}: errors of {total:,} inputs, {kind}")


def bandwidths(codegen: Path, inline: Inliner) -> dict[str, Picture | None]:
    """Bandwidth against size for each device; None where nothing was measured."""
    shown: dict[str, Picture | None] = {}
    for device, name in DEVICES.items():
        path = codegen / f"bench-{device}.json"
        shown[name] = None
        if path.exists():
            data = json.loads(path.read_text(encoding="utf-8"))
            families = {
                heading: {
                    label: (xs, [y / 1e9 for y in ys]) for label, (xs, ys) in speed.curves(data["rows"], *panel).items()
                }
                for heading, panel in PANELS.items()
            }
            drawn = plots.bandwidths(families, "elements", "GB/s", title=f"{speed.TYPE}, {name}")
            shown[name] = inline(drawn, f"bandwidth against size on the {name}: {speed.TYPE}, {data['machine']}")
    return shown
