"""What a run of `verify` shows: progress while it works on a terminal, then tables; plain text in a pipe."""

import io
import sys
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gem_symbolic.notation import plain

COLOURS = {"proved": "green", "refuted": "bold red", "undecided": "yellow", True: "green", False: "bold red"}
#: What is asked only where it is wanted: the key of its record, the head of its column, and what it proved.
ALSO = {"formal": ("Coq", "{} of them by Coq"), "smt": ("inequalities", "the inequalities of {} of them by SMT")}
#: The columns of a measurement and how they are set.
COLUMNS: Mapping[str, Any] = {
    "kernel": "left",
    "max ulp": "right",
    "limit": "right",
    "": "left",
    "how": "left",
    "inputs": "right",
    "not nearest": "right",
    "worst at": "left",
    "gradient 0 up to x =": "left",
}
#: Texts are shown as they are: a name of the user's may look like markup.
AS_IT_IS: Mapping[str, Any] = {"markup": False, "emoji": False, "highlight": False}
#: In a pipe lines are not folded below this width.
PIPE_WIDTH = 160


def ulps(measurement: Mapping[str, Any]) -> str:
    """The largest error, as it is shown."""
    size = measurement["max_ulp"]
    return "infinite" if size is None else f"{size:.4f}" if size < 1e6 else f"{size:.1e}"


class Screen:
    """Collects claims and measurements; `quiet` sends all of it to standard error, for JSON on standard output."""

    def __init__(self, quiet: bool = False):
        stream = sys.stderr if quiet else sys.stdout
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # what a terminal cannot write is no reason to stop
        width = None if stream.isatty() else PIPE_WIDTH
        self.console = Console(file=stream, width=width, legacy_windows=False, **AS_IT_IS)
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
        self.tell(f"{record['id']}: {record['status']}")

    def tell(self, what: str) -> None:
        """Shows what is being done."""
        self.status.update(Text(what))

    def measurement(self, record: Mapping[str, Any]) -> None:
        """Takes a measurement as it is made."""
        self.measurements.append(record)
        self.tell(f"{record['id']}: {ulps(record)} ulp")

    def summary(self, report: Any, eps: Fraction, seconds: float) -> None:
        """Prints the tables, the counterexamples and one line that says how it ended."""
        activation = report.activation
        self.console.print(Text(f"{activation.title}, N = {report.N}", style="bold"), end="")
        where = ", ".join(f"{name} = {plain(text)}" for name, text in activation.where.items())
        self.console.print(f"   for every N and every eps > 0; n = 2N, s = eps^(1/n), u = |x|^n/eps, {where}")
        self.console.print(self.claim_table(f"N = {report.N}, eps = {eps}"))
        for record in self.claims:
            if "counterexample" in record:
                self.console.print(Text(f"{record['id']} refuted: {record['counterexample']}", style="bold red"))
            for checker in ALSO:
                if record.get(checker, {}).get("status") in ("not proved", "undecided"):
                    self.console.print(Text(f"{record['id']}: {record[checker]['detail']}", style="bold red"))
        if self.measurements:
            self.console.print(self.measurement_table(f"kernels at eps = {eps}"))
        self.console.print(Text(f"{self.counted()} in {seconds:.1f} s", style=COLOURS[report.status == 0]))

    def counted(self) -> str:
        """How many claims are proved, and how many measurements are within their limits."""
        proved = sum(c["status"] == "proved" for c in self.claims)
        within = sum(bool(m["ok"]) for m in self.measurements)
        ending = f"{proved} of {len(self.claims)} claims proved"
        for checker, (_, words) in ALSO.items():
            if count := sum(c.get(checker, {}).get("status") == "proved" for c in self.claims):
                ending += f", {words.format(count)} as well"
        if self.measurements:
            ending += f", {within} of {len(self.measurements)} measurements within their limits"
        return ending

    def claim_table(self, where: str) -> Table:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        also = {key: head for key, (head, _) in ALSO.items() if any(key in record for record in self.claims)}
        for column in ("claim", "statement", "", "engines", *also.values(), f"at {where}"):
            table.add_column(column, overflow="fold")
        for record in self.claims:
            status = Text(record["status"], style=COLOURS[record["status"]])
            engines = ", ".join(e["checker"] for e in record["evidence"])
            said = [record.get(checker, {}).get("status", "") for checker in also]
            table.add_row(record["id"], record["statement"], status, engines, *said, self.values[record["id"]])
        return table

    def measurement_table(self, title: str) -> Table:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
        for column, justify in COLUMNS.items():
            table.add_column(column, justify=justify)
        for m in self.measurements:
            limit = "none" if m["limit"] is None else f"{m['limit']:g}"
            limit += f" + {m['absolute']:.1e}" if m["absolute"] else ""
            table.add_row(
                m["id"],
                ulps(m),
                limit,
                Text("ok" if m["ok"] else "missed", style=COLOURS[m["ok"]]),
                m["kind"],
                f"{m['inputs']:,}",
                f"{m['misrounded']:,}",
                "NaN" if m["worst"] is None else f"{m['worst']:.6g}",
                "" if m["zero_to"] is None else f"{m['zero_to']:.6g}",
            )
        return table
