"""Figures from data: every function takes numbers and returns a matplotlib Figure; none computes mathematics."""

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from gem_symbolic import files

INK, MUTED, FAINT = "#22272e", "#6b7480", "#dfe3e8"
LEFT, RIGHT, JUMP = "#2f6db5", "#d9772b", "#b3263b"
#: One colour for each N, dark to light in the order of N; ReLU, where it is drawn, is MUTED.
SEQUENCE = ("#1b3a6b", "#2f7f9e", "#4fae7f", "#d2a52c", "#d9772b", "#b3263b")
MARKERS = "osD^v"

STYLE: dict[Any, Any] = {
    "figure.dpi": 110,
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlesize": 10,
    "axes.titlecolor": INK,
    "axes.axisbelow": True,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "grid.color": FAINT,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}

Curve = tuple[Sequence[float], Sequence[float]]  # xs and ys


def figure(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Draws in the house style, and closes the figure for pyplot, so that a notebook shows it once."""

    @wraps(draw)
    def drawn(*data: Any, title: str, **options: Any) -> Figure:
        with plt.rc_context(STYLE):
            result = draw(*data, **options)
            result.suptitle(title, x=0.01, ha="left", fontsize=11.5, fontweight="bold", color=INK)
            result.canvas.draw()
        plt.close(result)
        return result

    return drawn


def panels(rows: int, columns: int, width: float, height: float, **options: Any) -> tuple[Figure, list[list[Axes]]]:
    """A figure with rows x columns axes, each so wide and high in inches."""
    result, axes = plt.subplots(
        rows, columns, figsize=(columns * width, rows * height), squeeze=False, layout="constrained", **options
    )
    return result, [list(row) for row in axes]


@figure
def junctions(sides: Mapping[int, Mapping[int, tuple[Curve, Curve]]], jumps: Mapping[int, str]) -> Figure:
    """Small multiples: a row for each N, a panel for each order of derivative, aligned at the order that jumps.

    `sides[N][order]` are the curves left and right of the junction; `jumps[N]` labels the last panel of its row.
    """
    columns = 1 + max(map(len, sides.values()))  # the first one has room for a row's name
    result, axes = panels(len(sides), columns, 1.25, 1.35, width_ratios=[0.4] + [1] * (columns - 1))
    for row, (N, orders) in zip(axes, sides.items()):
        start = columns - len(orders)
        for ax in row[:start]:
            ax.set_axis_off()
        for ax, (order, (left, right)) in zip(row[start:], orders.items()):
            ax.axvline(0, color=FAINT, linewidth=0.8)
            ax.axhline(0, color=FAINT, linewidth=0.8)
            ax.plot(*left, color=LEFT)
            ax.plot(*right, color=RIGHT)
            ax.set(xticks=[], yticks=[])
            ax.margins(x=0.04, y=0.16)
            ax.set_title(f"$f^{{({order})}}$" if order else "$f$", pad=2)
        row[start - 1].text(1, 0.5, f"$N = {N}$", fontsize=11, color=INK, ha="right", va="center")
        mark_jump(row[-1], *(orders[max(orders)]), jumps[N])
    return result


def mark_jump(ax: Axes, left: Curve, right: Curve, label: str) -> None:
    """Joins the two ends at the junction with a dashed line and says how far apart they are."""
    low, high = left[1][-1], right[1][0]
    ax.plot([0, 0], [low, high], color=JUMP, linewidth=1.2, linestyle=(0, (2, 1.5)))
    ax.plot([0], [low], "o", color=LEFT, markersize=4)
    ax.plot([0], [high], "o", color=RIGHT, markersize=4)
    ax.annotate(
        label, (0, (low + high) / 2), xytext=(5, 0), textcoords="offset points", va="center", color=JUMP, fontsize=8
    )


@figure
def derivative(left: Curve, right: Curve, jumps: bool) -> Figure:
    """One function on both sides of the junction, x in scales; the gap is marked where there is one."""
    result, ((ax,),) = panels(1, 1, 2.4, 1.9)
    ax.axvline(0, color=FAINT, linewidth=0.8)
    ax.axhline(0, color=FAINT, linewidth=0.8)
    ax.plot(*left, color=LEFT)
    ax.plot(*right, color=RIGHT)
    ax.ticklabel_format(axis="y", scilimits=(-2, 3))
    ax.locator_params(axis="y", nbins=4)
    ax.margins(x=0.02, y=0.12)
    ax.set_xlabel("$x/s$")
    if jumps:
        mark_jump(ax, left, right, "")
    return result


@figure
def errors(counts: Mapping[str, Sequence[int]], bins: Sequence[str]) -> Figure:
    """A histogram on a log scale: for each label its counts in the bins, side by side."""
    result, ((ax,),) = panels(1, 1, 4.2, 2.7)
    ax.grid(axis="y")
    width = 0.8 / len(counts)
    for index, (label, heights) in enumerate(counts.items()):
        places = [k + (index - (len(counts) - 1) / 2) * width for k in range(len(bins))]
        ax.bar(places, heights, width, color=SEQUENCE[index], label=label)
    ax.set_yscale("log")
    ax.set_ylim(bottom=0.7)
    ax.set_xticks(range(len(bins)), bins, fontsize=7.5)
    ax.set(xlabel="error in ulp, at most", ylabel="inputs")
    result.legend(fontsize=8.5, loc="outside lower left", ncols=len(counts), handlelength=1, columnspacing=1)
    return result


@figure
def stairs(taylor: Mapping[int, Mapping[int, tuple[float, float]]]) -> Figure:
    """The derivatives at the junction itself, a panel for each N: order against the values from both sides."""
    result, (row,) = panels(1, len(taylor), 2.9, 2.7, sharey=True)
    for ax, (N, orders) in zip(row, taylor.items()):
        ax.grid(axis="y")
        for order, (left, right) in orders.items():
            ax.plot([order, order], [left, right], color=JUMP, linewidth=1.2, linestyle=(0, (2, 1.5)))
            ax.plot(order, left, "o", color=LEFT, markersize=9, fillstyle="none", markeredgewidth=1.6)
            ax.plot(order, right, "o", color=RIGHT, markersize=4.5)
            if left != right:
                ax.axvspan(order - 0.5, order + 0.5, color=JUMP, alpha=0.07, linewidth=0)
        ax.set(title=f"$N = {N}$", xlabel="order $k$", xticks=list(orders))
    row[0].set_ylabel(r"$f^{(k)}(0^{\pm})\,/\,k!$")
    row[0].plot([], [], "o", color=LEFT, markersize=9, fillstyle="none", markeredgewidth=1.6, label="from the left")
    row[0].plot([], [], "o", color=RIGHT, markersize=4.5, label="from the right")
    row[0].legend(loc="lower left", fontsize=8.5)
    return result


@figure
def approach(curves: Mapping[str, Mapping[str, Curve]], relu: Curve, ylabel: str) -> Figure:
    """A panel for each heading, a curve for each label, and ReLU behind them."""
    result, (row,) = panels(1, len(curves), 3.6, 2.9, sharey=True)
    for ax, (heading, family) in zip(row, curves.items()):
        ax.grid()
        ax.plot(*relu, color=MUTED, linewidth=1.2, linestyle="--", label="ReLU")
        for colour, (label, curve) in zip(ramp(len(family)), family.items()):
            ax.plot(*curve, color=colour, label=label)
        ax.set(title=heading, xlabel="$x$")
    row[0].set_ylabel(ylabel)
    row[-1].legend(fontsize=8.5)
    return result


def ramp(count: int) -> list:
    """So many colours from dark to light."""
    scale = LinearSegmentedColormap.from_list("ramp", SEQUENCE)
    return [scale(i / max(1, count - 1)) for i in range(count)]


@figure
def power_laws(
    laws: Mapping[str, Mapping[int, tuple[Curve, Curve, str]]], xlabel: str, ylabel: str, width: float = 3.7
) -> Figure:
    """Log-log panels, one for each heading: for each N the observed points, the claimed line, its slope as text."""
    result, (row,) = panels(1, len(laws), width, 3.3, sharey=True)
    for ax, (heading, family) in zip(row, laws.items()):
        ax.grid(which="major")
        for N, (observed, claimed, slope) in family.items():
            colour, marker = SEQUENCE[(N - 1) % len(SEQUENCE)], MARKERS[(N - 1) % len(MARKERS)]
            ax.loglog(*claimed, color=colour, linewidth=1.3, alpha=0.75)
            ax.loglog(*observed, marker, color=colour, markersize=5, label=f"$N={N}$: {slope}")
        ax.set(title=heading, xlabel=xlabel)
        ax.minorticks_off()
        ax.legend(fontsize=8.5, handletextpad=0.2)
    row[0].set_ylabel(ylabel)
    return result


@figure
def trade_off(paths: Mapping[int, Curve], marks: Iterable[str], xlabel: str, ylabel: str) -> Figure:
    """One log-log panel: for each N the path of two quantities as a third one, whose values `marks` names, varies."""
    result, ((ax,),) = panels(1, 1, 6.4, 4.2)
    ax.grid(which="major")
    for N, (xs, ys) in paths.items():
        ax.loglog(xs, ys, "-" + MARKERS[N - 1], color=SEQUENCE[N - 1], markersize=5, label=f"$N={N}$")
    first = paths[min(paths)]
    for mark, x, y in zip(marks, *first):
        ax.annotate(mark, (x, y), xytext=(-6, -2), textcoords="offset points", ha="right", va="top", color=MUTED)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.margins(x=0.17)
    ax.minorticks_off()
    ax.legend()
    return result


@figure
def bandwidths(panels_: Mapping[str, Mapping[str, Curve]], xlabel: str, ylabel: str) -> Figure:
    """A log-x panel for each heading, two in a row; of its curves the first is the ceiling, dashed."""
    result, grid = panels((len(panels_) + 1) // 2, 2, 4.1, 2.7, sharex=True, sharey=True)
    colours = dict.fromkeys(label for family in panels_.values() for label in family)
    colours = dict(zip(colours, [MUTED, *ramp(len(colours) - 1)]))
    for ax, (heading, family) in zip((ax for row in grid for ax in row), panels_.items()):
        ax.grid()
        for index, (label, (xs, ys)) in enumerate(family.items()):
            style = "-" if index else "--"
            ax.plot(xs, ys, style, marker=".", markersize=4, color=colours[label], label=label, linewidth=1.4)
        ax.set_title(heading)
        ax.set_xscale("log", base=2)
    for row in grid:
        row[0].set_ylabel(ylabel)
    for ax in grid[-1]:
        ax.set_xlabel(xlabel)
    result.legend(*grid[0][0].get_legend_handles_labels(), loc="outside right upper", fontsize=8.5)
    return result


@figure
def strands(panels_: Mapping[str, Sequence[Curve]], xlabel: str, ylabel: str) -> Figure:
    """A panel for each heading, with a thin line for each run."""
    result, (row,) = panels(1, len(panels_), 2.4, 2.6, sharex=True, sharey=True)
    for ax, (colour, (heading, runs)) in zip(row, zip([MUTED, *ramp(len(panels_) - 1)], panels_.items())):
        ax.grid()
        for run in runs:
            ax.plot(*run, color=colour, linewidth=1.1, alpha=0.8)
        ax.set(title=heading, xlabel=xlabel)
    row[0].set_ylabel(ylabel)
    return result


@figure
def families(
    panels_: Mapping[str, Mapping[str, Curve]],
    xlabel: str,
    ylabel: str,
    logs: str = "",
    bottom: float | None = None,
    spans: Mapping[str, Sequence[tuple[float, float]]] | None = None,
) -> Figure:
    """A panel for each heading, a curve for each label; `logs` names the logarithmic axes, `spans` shades intervals.

    `bottom` is where the vertical axis begins.
    """
    result, (row,) = panels(1, len(panels_), 3.7, 3, sharey=True)
    labels = dict.fromkeys(label for family in panels_.values() for label in family)
    colours = dict(zip(labels, (RIGHT, LEFT, MUTED, INK)))
    for ax, (heading, family) in zip(row, panels_.items()):
        ax.grid()
        for label, curve in family.items():
            ax.plot(*curve, color=colours[label], label=label)
        for interval in (spans or {}).get(heading, ()):
            ax.axvspan(*interval, color=JUMP, alpha=0.12, linewidth=0)
        if "x" in logs:
            ax.set_xscale("log", base=2)
        if "y" in logs:
            ax.set_yscale("log")
        ax.set(title=heading, xlabel=xlabel)
    row[0].set(ylabel=ylabel, ylim=(bottom, None))
    if len(labels) > 1:
        row[-1].legend(fontsize=8.5)
    return result


def svg(drawn: Figure, fonttype: str = "none", **options: Any) -> str:
    """As SVG, the same for the same data, with text as text unless `fonttype` is "path"."""
    with plt.rc_context({"svg.fonttype": fonttype, "svg.hashsalt": "gem_symbolic"}):
        text = io.StringIO()
        drawn.savefig(text, format="svg", **options)
    return text.getvalue()


def write_svg(drawn: Figure, path: Path) -> None:
    """Writes SVG on white, which is legible on a dark page too."""
    files.replace_text(path, svg(drawn, facecolor="white", metadata={"Date": None}))
