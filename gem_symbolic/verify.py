"""The command line: prove the claims of an activation, measure its kernels, print a table.

Exit status: 0 every claim proved and every measurement within its limit, 1 a claim refuted, a certificate edited or a
limit missed, 2 usage error, 3 undecided, or something needed is not installed, 130 interrupted.
"""

import argparse
import importlib
import json
import os
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from gem_symbolic import files, typed
from gem_symbolic.definitions import VARIANTS, Activation, find
from gem_symbolic.parameters import resolve

SCHEMA = 1
PROVED, REFUTED = "proved", "refuted"
#: The claims hold for every eps; kernels and the numerical steps are looked at here unless told otherwise.
DEFAULT_EPS = "1e-4"
OK, FAILED, USAGE, UNDECIDED = 0, 1, 2, 3


@dataclass
class Report:
    """What a run found, as JSON data; eps is None where the claims are for every eps.

    A claim has an id, a statement, a status (proved, refuted or undecided), the evidence of each checker, and, where it
    is refuted, a counterexample. A measurement has an id, a kind (exhaustive or sampled), the largest error in ulp, the
    limit, and whether that is kept. `outcomes` are the proofs behind the claims, step by step.
    """

    activation: Activation
    N: int
    eps: Fraction | None
    claims: list[dict[str, Any]] = field(default_factory=list)
    measurements: list[dict[str, Any]] = field(default_factory=list)
    outcomes: list[Any] = field(default_factory=list)

    def data(self) -> dict[str, Any]:
        """The whole of it, with the number of the schema."""
        eps = None if self.eps is None else str(self.eps)
        head = {"schema": SCHEMA, "variant": self.activation.name, "N": self.N, "eps": eps}
        return head | {"claims": self.claims, "measurements": self.measurements}

    @property
    def status(self) -> int:
        """The exit status."""
        found = {claim["status"] for claim in self.claims}
        if REFUTED in found or not all(m["ok"] for m in self.measurements):
            return FAILED
        return OK if found <= {PROVED} else UNDECIDED


def parameters(activation: Activation, N: str, eps: str | None, scale: str | None) -> tuple[int, Fraction | None]:
    """N and eps, None where the claims are to hold for every eps. Raises ValueError, in one sentence."""
    fixed = next((p for p in activation.parameters if p.fixed), None)
    if fixed and (eps is not None or scale is not None):
        raise ValueError(f"{activation.title} has no parameter {fixed.name}: it is fixed at {fixed.fixed}")
    for name, text in (("eps", eps), ("scale", scale)):
        if text is not None:
            typed.rational(text, name)
    whole, value = resolve(typed.integer(N, "N"), eps, scale, DEFAULT_EPS)
    return whole, None if eps is None and scale is None else value


def working_eps(activation: Activation, eps: Fraction | None) -> Fraction:
    """The eps at which numerical steps and kernels are looked at."""
    fixed = next((p.fixed for p in activation.parameters if p.fixed), None)
    return Fraction(fixed or DEFAULT_EPS) if eps is None else eps


def formally(report: Report, screen: Any) -> None:
    """Adds to each claim what Coq says to it; what Coq should prove and does not is undecided."""
    from gem_symbolic import mechanised

    found = mechanised.outcomes(report.activation, screen.tell)
    for claim in report.claims:
        claim["formal"] = found[report.activation.name, claim["id"]]
        if claim["formal"]["status"] == mechanised.NOT_PROVED and claim["status"] == PROVED:
            claim |= {"status": "undecided", "evidence": []}
        if claim["formal"]["status"] == mechanised.PROVED and claim["status"] == PROVED:
            claim["evidence"].append({"kind": "proved", "checker": "Coq", "detail": claim["formal"]["detail"]})


def satisfiably(report: Report, screen: Any) -> None:
    """Adds to each claim with inequalities what solvers say to them; what they do not confirm is undecided."""
    from gem_symbolic import inequalities

    found = inequalities.outcomes(report.activation, screen.tell)
    for claim in report.claims:
        if claim["id"] not in found:
            continue
        claim["smt"], evidence = found[claim["id"]]
        if claim["status"] == PROVED:
            confirmed = claim["smt"]["status"] == PROVED
            claim |= (
                {"evidence": claim["evidence"] + evidence} if confirmed else {"status": "undecided", "evidence": []}
            )


def run(
    activation: Activation,
    N: int,
    eps: Fraction | None,
    kernels: bool,
    screen: Any,
    formal: bool = False,
    smt: bool = False,
) -> Report:
    """Proves, reads back and measures; tells the screen as it goes."""
    from gem_symbolic.prover import Prover

    report = Report(activation, N, eps)
    at = working_eps(activation, eps)
    for outcome in Prover(activation, N, at).prove():
        report.claims.append(outcome.record())
        report.outcomes.append(outcome)
        screen.claim(report.claims[-1], outcome.value)
    if formal:
        formally(report, screen)
    if smt:
        satisfiably(report, screen)
    if kernels:
        from gem_symbolic import kernelcheck

        source = kernelcheck.text(activation)
        for claim in kernelcheck.read_back(activation, source, N):
            report.claims.append(claim)
            screen.claim(claim)
        for measurement in kernelcheck.measured(activation, source, N, at):
            report.measurements.append(measurement)
            screen.measurement(measurement)
    return report


def recheck(p: "Parser", folder: Path) -> int:
    """Checks the stored certificates of a folder, prints what was found, and returns the exit status."""
    from gem_symbolic import recheck

    started = time.perf_counter()
    try:
        found = {finding.status for finding in recheck.run(folder, print)}
    except ValueError as error:
        return p.error(str(error))
    print(f"checked by FLINT and Arb in {time.perf_counter() - started:.2f} s")
    if found - {recheck.UNDECIDED}:
        return FAILED
    return UNDECIDED if found else OK


def listing() -> str:
    """The definitions, as they are written down."""
    lines = []
    for a in VARIANTS.values():
        parameters = ", ".join(f"{p.name} {p.domain}" + (f" = {p.fixed}" if p.fixed else "") for p in a.parameters)
        lines += [f"{a.name}  ({a.title})   {parameters}"]
        lines += [f"    {branch.on:<8} {branch.expr}" for branch in a.branches]
        lines += ["    where    " + ", ".join(f"{name} = {text}" for name, text in a.where.items())]
        lines += [f"    {a.source}", ""]
    return "\n".join(lines).rstrip()


class Parser(argparse.ArgumentParser):
    """One sentence and status 2 for a usage error."""

    def error(self, message: str) -> Any:
        self.exit(USAGE, f"{self.prog}: {message}\n")


def parser() -> Parser:
    """What the command line accepts."""
    p = Parser(prog="python -m gem_symbolic.verify", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--variant", help=f"one of {', '.join(VARIANTS)}")
    p.add_argument("--N", help=f"an integer from 1 to {typed.LARGEST}")
    p.add_argument("--eps", help="a rational number > 0, such as 1e-4 or 1/3 (default: the claims for every eps)")
    p.add_argument("--scale", help="the scale instead: eps = scale**(2N)")
    p.add_argument("--json", metavar="FILE", help="write the result as JSON; - for standard output")
    p.add_argument("--html", metavar="FILE", help="write the result as one self-contained page")
    p.add_argument("--no-kernels", action="store_true", help="prove only")
    p.add_argument("--formal", action="store_true", help="have Coq prove the claims as well, each for every N and eps")
    p.add_argument("--smt", action="store_true", help="have cvc5, and z3 if it is there, confirm every inequality")
    p.add_argument("--check", metavar="DIR", help="check the certificates stored in a folder again, alone: proofs/")
    p.add_argument("--spec", metavar="FILE", help="a spec of your own in TOML, or a shipped one, instead of --variant")
    p.add_argument("--emit", metavar="DIR", help="write the kernels of the spec there, read them back, measure them")
    p.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], help="a parameter of the spec")
    p.add_argument("--seconds", help="how long the spec may take until it is undecided (default: 60)")
    p.add_argument("--list", action="store_true", help="print the definitions and stop")
    return p


def unavailable(**asked: bool) -> Iterator[str]:
    """What was asked for and cannot be done here, a sentence for each reason, by the module that does it."""
    importlib.import_module("gem_symbolic.prover")  # first, as it says what SymPy computes with
    for module in (f"gem_symbolic.{name}" for name, wanted in asked.items() if wanted):
        if reason := importlib.import_module(module).missing():
            yield reason


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit status."""
    p = parser()
    options = p.parse_args(arguments)
    if options.list:
        print("\n".join([listing(), "", *importlib.import_module("gem_symbolic.spec.command").listing()]).rstrip())
        return OK
    if options.check is not None:
        if options != p.parse_args(["--check", options.check]):
            return p.error("--check takes no other option")
        return recheck(p, Path(options.check))
    if options.spec is not None:
        return importlib.import_module("gem_symbolic.spec.command").run(options, p.error)
    if options.set or options.seconds or options.emit:
        p.error("--set, --seconds and --emit belong to --spec")
    if options.variant is None or options.N is None:
        return p.error("give --variant and --N, or --spec FILE, or --check DIR, or --list")
    try:
        activation = find(options.variant)
        N, eps = parameters(activation, options.N, options.eps, options.scale)
        for path in (None if options.json == "-" else options.json, options.html):
            if path is not None:
                files.writable(Path(path))
    except (ValueError, OSError) as error:
        p.error(str(error))
    asked = {"kernelcheck": not options.no_kernels, "mechanised": options.formal, "inequalities": options.smt}
    for reason in unavailable(**asked, report=bool(options.html)):
        p.exit(UNDECIDED, f"{p.prog}: {reason}\n")
    from gem_symbolic.screen import Screen

    started = time.perf_counter()
    screen = Screen(quiet=options.json == "-")
    with screen:
        report = run(activation, N, eps, not options.no_kernels, screen, options.formal, options.smt)
    screen.summary(report, working_eps(activation, eps), time.perf_counter() - started)
    if options.json:
        text = json.dumps(report.data(), indent=2, ensure_ascii=options.json == "-") + "\n"
        if options.json == "-":
            sys.stdout.write(text)
        else:
            files.replace_text(Path(options.json), text)
    if options.html:
        from gem_symbolic.report.page import render

        command = shlex.join([*p.prog.split(), *(sys.argv[1:] if arguments is None else arguments)])
        page = render(report, report.outcomes, working_eps(activation, eps), command)
        files.replace_text(Path(options.html), page)
    return report.status


if __name__ == "__main__":
    try:
        status = main()
        sys.stdout.flush()
        sys.exit(status)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)  # as shells say it
    except BrokenPipeError:  # whoever was to read this has gone; nothing is left to be flushed to them
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
