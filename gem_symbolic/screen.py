"""What a run of `verify` shows: progress while it works on a terminal, then tables; plain text in a pipe."""

import sys
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

COLOURS = {"proved": "green", "refuted": "bold red", "undecided": "yellow", True: "green", False: "bold red"}
#: In a pipe lines are not folded below this width.
PIPE_WIDTH = 160


class Screen:
    """Collects claims and measurements; `quiet` sends all of it to standard error, for JSON on standard output."""

    def __init__(self, quiet: bool = False):
        stream = sys.stderr if quiet else sys.stdout
        width = None if stream.isatty() else PIPE_WIDTH
        self.console = Console(file=stream, width=width, highlight=False, legacy_windows=False)
        self.progress = Console(stderr=True)
        self.status = self.progress.status("reading the definition")
        self.claims: list[Mapping[str, Any]] = []
        self.values: dict[str, str] = {}
        self.measurements: list[Mapping[str, Any]] = []

    def __enter__(self) -> "Screen":
        if self.progress.is_terminal:
            self.status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.status.stop()

    def claim(self, record: Mapping[str, Any], value: str = "") -> None:
        """Takes a claim as it is decided, and its value at the N and eps of the run."""
        self.claims.append(record)
        self.values[record["id"]] = value
        self.status.update(f"{record['id']}: {record['status']}")

    def measurement(self, record: Mapping[str, Any]) -> None:
        """Takes a measurement as it is made."""
        self.measurements.append(record)
        self.status.update(f"{record['id']}: {record['max_ulp']:.3f} ulp")

    def summary(self, report: Any, eps: Fraction, seconds: float) -> None:
        """Prints the tables, the counterexamples and one line that says how it ended."""
        activation = report.activation
        self.console.print(Text(f"{activation.title}, N = {report.N}", style="bold"), end="")
        self.console.print("   n = 2N, s = eps^(1/n), u = |x|^n/eps, F = u/(1+u), S = 1/(1+u); every N, every eps > 0")
        self.console.print(self.claim_table(f"N = {report.N}, eps = {eps}"))
        for record in self.claims:
            if "counterexample" in record:
                self.console.print(Text(f"{record['id']} refuted: {record['counterexample']}", style="bold red"))
        if self.measurements:
            self.console.print(self.measurement_table(eps))
        proved = sum(c["status"] == "proved" for c in self.claims)
        within = sum(bool(m["ok"]) for m in self.measurements)
        ending = f"{proved} of {len(self.claims)} claims proved"
        if self.measurements:
            ending += f", {within} of {len(self.measurements)} measurements within their limits"
        self.console.print(Text(f"{ending} in {seconds:.1f} s", style=COLOURS[report.status == 0]))

    def claim_table(self, where: str) -> Table:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for column in ("claim", "statement", "", "engines", f"at {where}"):
            table.add_column(column, overflow="fold")
        for record in self.claims:
            status = Text(record["status"], style=COLOURS[record["status"]])
            engines = ", ".join(e["checker"] for e in record["evidence"])
            table.add_row(record["id"], record["statement"], status, engines, self.values[record["id"]])
        return table

    def measurement_table(self, eps: Fraction) -> Table:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=f"kernels at eps = {eps}", title_justify="left")
        for column in ("kernel", "max ulp", "limit", "", "how", "inputs", "not nearest", "worst at", "gradient 0 up to x ="):
            table.add_column(column, justify="right" if column in ("max ulp", "limit", "inputs", "not nearest") else "left")
        for m in self.measurements:
            limit = f"{m['limit']:g}" + (f" + {m['absolute']:.1e}" if m["absolute"] else "")
            table.add_row(
                m["id"],
                "infinite" if m["max_ulp"] is None else f"{m['max_ulp']:.4f}",
                limit,
                Text("ok" if m["ok"] else "missed", style=COLOURS[m["ok"]]),
                m["kind"],
                f"{m['inputs']:,}",
                f"{m['misrounded']:,}",
                "NaN" if m["worst"] is None else f"{m['worst']:.6g}",
                "" if m["zero_to"] is None else f"{m['zero_to']:.6g}",
            )
        return table
