"""`verify --spec`: decide the claims of a spec, derive the facts, show both; with --emit write its kernels as well.

Exit status: 0 every claim proved and every measurement within its limit, 1 a claim refuted or a limit missed, 2 the
spec cannot be read or no kernels are made of it, 3 undecided, or something needed is not installed.
"""

import argparse
import importlib
import json
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from rich import box
from rich.table import Table
from rich.text import Text

from gem_symbolic import files
from gem_symbolic.screen import COLOURS, Screen
from gem_symbolic.spec import bounded, show
from gem_symbolic.spec.read import Spec, SpecError, load, shipped

SCHEMA = 1
#: How long the derivation may take unless told otherwise, and at most: a day.
SECONDS, LONGEST = 60, 86_400
OK, REFUTED, UNDECIDED = 0, 1, 3
#: The options of `verify` that are for variants alone.
OTHERS = ("variant", "scale", "formal", "smt", "html", "no_kernels")


def given(chosen: argparse.Namespace) -> dict[str, str]:
    """The parameters that were given. Raises ValueError, in one sentence."""
    values = {name: value for name in ("N", "eps") if (value := getattr(chosen, name)) is not None}
    for text in chosen.set:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"--set takes NAME=VALUE; got {text!r}")
        values[name.strip()] = value.strip()
    return values


def seconds(text: str | None) -> float:
    """The time. Raises ValueError, in one sentence."""
    try:
        value = float(SECONDS if text is None else text)
    except ValueError:
        value = math.nan
    if not 0 < value <= LONGEST:
        raise ValueError(f"--seconds must be a number > 0 and at most {LONGEST}; got {text!r}")
    return value


def run(chosen: argparse.Namespace, refuse: Callable[[str], NoReturn]) -> int:
    """Runs `verify --spec` and returns the exit status; `refuse` ends the program with a sentence."""
    for option in OTHERS:
        if getattr(chosen, option):
            refuse(f"--spec takes no --{option.replace('_', '-')}")
    started = time.perf_counter()
    screen = Screen(quiet=chosen.json == "-")
    try:
        spec, values, limit = load(chosen.spec), given(chosen), seconds(chosen.seconds)
        settings = spec.settings(values)
        if chosen.json not in (None, "-"):
            files.writable(Path(chosen.json))
        if chosen.emit is not None and (reason := importlib.import_module("gem_symbolic.kernelcheck").missing()):
            print(reason, file=sys.stderr)
            return UNDECIDED
        with screen:
            found = bounded.find(spec, values, limit, screen.tell)
            if chosen.emit is not None and found.claims[0]["status"] == "proved":
                emit(spec, values, Path(chosen.emit), found, screen)
    except (SpecError, ValueError, OSError) as error:
        refuse(str(error))
    for claim in found.claims:
        screen.claim(claim)
    where = ", ".join(f"{name} = {value}" for name, value in settings.items())
    summary(screen, spec, found, where, time.perf_counter() - started)
    if chosen.json:
        parameters = {name: str(settings[name]) if name in settings else None for name in ("N", "eps")}
        N = int(settings["N"]) if "N" in settings else None
        head = {"schema": SCHEMA, "variant": spec.name, "N": N, "eps": parameters["eps"]}
        data = head | {"claims": found.claims, "measurements": screen.measurements, "facts": found.facts}
        text = json.dumps(data, indent=2, ensure_ascii=chosen.json == "-") + "\n"
        if chosen.json == "-":
            sys.stdout.write(text)
        else:
            files.replace_text(Path(chosen.json), text)
    return status(found, screen.measurements)


def emit(spec: Spec, values: dict[str, str], folder: Path, found: bounded.Found, screen: Screen) -> None:
    """Writes the kernels of a spec without poles, reads them back and measures them.

    Raises PlanError, in one sentence, where none are made of it, and OSError.
    """
    from gem_symbolic.produce import produce
    from gem_symbolic.spec.emission import activation

    claims, measurements = produce(activation(spec.function(values), spec.source), folder, screen.tell)
    found.claims += claims
    for measurement in measurements:
        screen.measurement(measurement)


def status(found: bounded.Found, measurements: Sequence[Mapping[str, Any]]) -> int:
    """The exit status."""
    statuses = {claim["status"] for claim in found.claims}
    if "refuted" in statuses or not all(m["ok"] for m in measurements):
        return REFUTED
    return OK if statuses == {"proved"} and not found.ended else UNDECIDED


def summary(screen: Screen, spec: Spec, found: bounded.Found, where: str, took: float) -> None:
    """Prints the facts, the claims, the counterexamples and one line that says how it ended."""
    out = screen.console
    out.print(Text(spec.title + (f", {where}" if where else ""), style="bold"))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("derived")
    table.add_column("", overflow="fold")
    for fact, words in show.lines(found.facts):
        table.add_row(Text(fact), Text(words))
    out.print(table)
    out.print(screen.claim_table(where or "every x"))
    for claim in found.claims:
        if "counterexample" in claim:
            out.print(Text(f"{claim['id']} refuted: {claim['counterexample']}", style="bold red"))
        elif "reason" in claim:
            out.print(Text(f"{claim['id']} undecided: {claim['reason']}", style="yellow"))
    if screen.measurements:
        out.print(screen.measurement_table(f"kernels of {spec.name}"))
    ending = f"{screen.counted()} in {took:.1f} s"
    ending += f"; the facts are not complete: {found.ended}" if found.ended else ""
    out.print(Text(ending, style=COLOURS[status(found, screen.measurements) == OK]))


def listing() -> list[str]:
    """The shipped specs, as they are written down."""
    rows: list[str] = []
    for name in shipped():
        spec = load(name)
        parameters = ", ".join(f"{key} = {value}" for key, value in {**spec.integers, **spec.reals}.items())
        rows += [f"{name}  ({spec.title})   {parameters}".rstrip()]
        rows += [f"    {branch['on']:<12} {branch['expr']}" for branch in spec.branches]
        rows += [f"    {spec.source}", ""]
    return rows
