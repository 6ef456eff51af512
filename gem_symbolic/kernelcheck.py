"""The shipped kernels of an activation, for `verify`: read back and proved, then run and measured."""

import importlib.util
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from gem_symbolic import bars, emit, measure, running, validate
from gem_symbolic.definitions import VARIANTS, Activation
from gem_symbolic.plans import PlanError
from gem_symbolic.prover import PROVED, REFUTED

#: Kernel files are read back for these N, and for the N asked for.
NS = range(1, 9)


#: What is claimed of calls.
CALLS = (
    "function, gated unit, modules, autograd of both orders and launches reach them with the right order, place "
    "and parameters, with and without a bias: the kernels for 16-bit types with these, those in pairs where they "
    "are asked for and x is binary32, the wide plan in eager code on a CPU, and no kernel in compiled code"
)
CALLS_OF_PIECES = (
    "function, gated unit, modules, autograd of both orders and launches reach them with the right order and place, "
    "with and without a bias: in binary64 in eager code on a CPU, and no kernel in compiled code"
)


def missing() -> str | None:
    """A sentence that says what is not installed, if kernels cannot be run here."""
    if importlib.util.find_spec("torch"):
        return None
    return "PyTorch is not installed, so no kernel can run: install gem_symbolic[triton], or give --no-kernels"


def paths() -> list[str]:
    """The kernel paths that can be run here."""
    return [path for path, package in bars.NEEDS.items() if importlib.util.find_spec(package)]


def text(activation: Activation) -> str:
    """The shipped file of a variant that has one, the file that would be emitted for any other activation."""
    return shipped(activation, ".py") or emit.source(activation)


def native_text(activation: Activation) -> str:
    """The same for C++."""
    return shipped(activation, ".cpp") or emit.native(activation)


def shipped(activation: Activation, suffix: str) -> str | None:
    """What stands in a shipped file, where the activation is a variant that has one. Raises FileNotFoundError."""
    if not activation.emitted or VARIANTS.get(activation.name) is not activation:
        return None
    spec = importlib.util.find_spec(f"gem_symbolic.kernels.{activation.name}")
    path = Path(spec.origin).with_suffix(suffix) if spec and spec.origin else None
    if path is None or not path.exists():
        raise FileNotFoundError(f"the kernel file {activation.name}{suffix} is missing; `make codegen` writes it")
    return path.read_text(encoding="utf-8")


def read_back(
    activation: Activation, source: str, N: int | None = None, native_source: str | None = None
) -> Iterator[dict[str, Any]]:
    """What the files compute is the definition: a claim for each target, as JSON data. Without parameters N is None."""
    yield from read_back_native(activation, N, native_source)
    versions = validate.versions(activation)
    try:
        found = validate.validate(source, activation, among(N))
    except validate.ValidationError as error:
        yield claim("file", f"the kernel file of {activation.title} is understood", str(error))
        return
    Ns = for_these(found.Ns)
    statements = {
        version.name: f"{listed(version)} in {version.title}, read back from the kernel file, are those of "
        f"{activation.title} over the reals{', where low parts are 0' if version.pairs else ''}"
        f"{Ns + ' and every eps' if Ns else ''}"
        for version in versions
    }
    statements["calls"] = CALLS if activation.parameters else CALLS_OF_PIECES
    statements["constants"] = (
        f"the constants s and 1/s are the nearest numbers to what they stand for, and in pairs the low parts to what "
        f"rounding left{Ns} and the eps examined"
        if activation.parameters
        else "each literal is the nearest number to its coefficient or junction, in binary64 and in binary32"
    )
    operations = {
        version.name: f"in {version.title} each of {listed(version)} performs the operations of {version.planned}, in "
        f"its order and with its constants{Ns}"
        for version in versions
    }
    names = {version.title: version.name for version in versions}
    for planned, group in ((False, statements), (True, operations)):
        for name, statement in group.items():
            findings = [
                f
                for f in found.findings
                if names.get(f.target, f.target) == name and (f.where == validate.OPERATIONS) == planned
            ]
            wrong = next((f"{f.order}, {f.where}: {f.why}" for f in findings if not f.holds), None)
            shown = f"{name}.operations" if planned else name
            yield claim(shown, statement, wrong if findings else "nothing was found to check", len(findings))


def listed(version: validate.Version) -> str:
    """The derivatives of a version, in words."""
    *first, last = version.orders
    return f"{', '.join(first)} and {last}".replace("first derivative and", "first and")


def for_these(Ns: Sequence[int]) -> str:
    """For which N something holds, in words; empty without parameters."""
    return f", for N = {', '.join(map(str, Ns))}" if Ns else ""


def among(N: int | None) -> set[int]:
    """For which N files are read back, where they have one."""
    return set() if N is None else {*NS, N}


def read_back_native(
    activation: Activation, N: int | None = None, source: str | None = None
) -> Iterator[dict[str, Any]]:
    """The same for the C++ file."""
    target, name = validate.CPP, validate.CPP.lower()
    try:
        found = validate.validate_native(source or native_text(activation), activation, among(N))
    except (validate.ValidationError, PlanError) as error:
        yield claim(name, f"the C++ file of {activation.title} is understood", str(error))
        return
    these, plans = for_these(found.Ns), "wide, plain or in pairs" if activation.parameters else "wide or plain"
    statements = (
        f"every function of the C++ file gives the value and derivatives of {activation.title} over the reals, read "
        f"back from its text{these + ' and every eps' if these else ''}, of each element of each row; in the types "
        "that its name says, rounded once",
        f"in {target} each of them performs the operations of its evaluation plan, {plans}, in its order and with its "
        f"constants{these}",
    )
    for statement, planned in zip(statements, (False, True)):
        findings = [f for f in found.findings if (f.where == validate.OPERATIONS) == planned]
        wrong = next((f"{f.order}, {f.where}: {f.why}" for f in findings if not f.holds), None)
        yield claim(f"{name}.operations" if planned else name, statement, wrong, len(findings))


def claim(name: str, statement: str, counterexample: str | None, cases: int = 0) -> dict[str, Any]:
    """A claim about a kernel file, refuted by the counterexample if there is one."""
    data: dict[str, Any] = {"id": f"kernels.{name}", "statement": statement}
    if counterexample:
        return data | {"status": REFUTED, "evidence": [], "counterexample": counterexample}
    evidence = {"kind": PROVED, "checker": "reading back (FLINT)", "detail": f"{cases} cases hold"}
    return data | {"status": PROVED, "evidence": [evidence]}


def measured(activation: Activation, source: str, N: int, eps: Fraction) -> Iterator[dict[str, Any]]:
    """The accuracy of each kernel path, type and quantity, as JSON data."""
    with running.interpreted():
        module = emit.load(source, activation.name)
    value = None if any(p.fixed for p in activation.parameters) else eps
    for measurement in measure.kernels(activation, N, value, running.runs(module, activation, N, value, paths())):
        yield measurement.record()
