"""`python -m gem_symbolic.exhaustive` compares the C++ kernels with the reference on every binary32 input there is.

All 4,294,967,296 of them, each NaN included, for the plans *wide* and *plain*, value and gradient. What a kernel
returns is compared with the same plan in pairs of binary64, of some 100 bits, whose constants are exact to that; this
reference is itself compared with the oracle of `sweep` on a sample, in every run. Where it does not decide, next to the
middle of two numbers and on the sign of a zero, exact rational arithmetic does. An interrupted run goes on where it
stopped.
"""

import argparse
import ctypes
import functools
import hashlib
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from gem_symbolic import files, native
from gem_symbolic.branches import split_parameters
from gem_symbolic.definitions import VARIANTS, Activation, find
from gem_symbolic.emit import native as source
from gem_symbolic.emit.printer import body
from gem_symbolic.emit.targets import CPP
from gem_symbolic.floats import plan
from gem_symbolic.formats import FORMATS
from gem_symbolic.measure import BARS, QUANTITIES, decode, evenly, limit
from gem_symbolic.parameters import exact, resolve, root, scale_constants
from gem_symbolic.reference import bind, exact_jet, neighbours
from gem_symbolic.rounding import round_to
from gem_symbolic.sweep import Floats, values

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "codegen" / "exhaustive"
STATES = ROOT / "build" / "sweeps"
FORMAT = FORMATS["binary32"]
NS = (1, 2, 3, 4)
EPS = ("1e-6", "1e-4", "1e-2", "1", "10")
ORDERS = tuple(range(len(QUANTITIES)))
#: The plans, as the C++ numbers them, and the type that each computes in.
PLANS = {"wide": FORMATS["binary64"], "plain": FORMATS["binary32"]}
#: Where the bins of the histograms end, in ulps; the last one is open.
EDGES = (0.5, 0.501, 0.51, 1, 2, 4, 8, 16, 32)
#: Within so many ulps of 1/2 an error is looked at exactly; and how many such inputs a chunk has room for.
WINDOW, ROOM = 2.0**-40, 1 << 16
#: A chunk is a binade of either sign; the last of each sign is made of the infinity and of NaN.
CHUNK = 1 << (FORMAT.precision - 1)
CHUNKS = (1 << FORMAT.bits) // CHUNK
#: So many inputs are compared with the oracle, and so many ulps the reference may be off.
SAMPLE, TRUSTED = 100_000, 2.0**-60
SECONDS = 5.0  # between two writings of the state
OK, MISSED, USAGE, UNDECIDED, INTERRUPTED = 0, 1, 2, 3, 130


#: What each plan is given: a type for (s, 1/s).
CONSTANTS = {"wide": ctypes.c_double * 2, "plain": ctypes.c_float * 2}


class Setting(ctypes.Structure):
    """What the kernels are given, what the reference is given, and the limits at both infinities."""

    _fields_ = (*CONSTANTS.items(), ("reference", ctypes.c_double * 4), ("limits", ctypes.c_float * 2))


class Tally(ctypes.Structure):
    """What was found of one plan: see the C++ for the fields."""

    _fields_ = (
        ("absolute", ctypes.c_double),
        ("counts", ctypes.c_int64 * (len(EDGES) + 1)),
        *((name, ctypes.c_int64) for name in ("misrounded", "spoilt", "wrong")),
        *((name, ctypes.c_double) for name in ("worst", "beyond")),
        *((name, ctypes.c_uint32) for name in ("worst_at", "beyond_at", "wrong_at")),
        ("closes", ctypes.c_int64),
        ("close", ctypes.c_uint32 * ROOM),
    )


@dataclass(frozen=True)
class Case:
    """One activation with its parameters; eps is exact, as text."""

    activation: Activation
    N: int
    eps: str

    @property
    def value(self) -> Fraction:
        return exact(self.eps, "eps")

    @property
    def key(self) -> str:
        return f"{self.activation.name}-{self.N}-{self.eps.replace('/', '_')}"

    @functools.cached_property
    def library(self) -> ctypes.CDLL:
        """The compiled kernels and their sweep. Raises native.CompilerError."""
        text = source(self.activation, "sweep.cpp.j2", edges=EDGES, room=ROOM, window=WINDOW.hex())
        library = native.load(text, {"GEM_N": self.N})
        pointer, integer = ctypes.c_void_p, ctypes.c_int64
        library.sweep_binary32.argtypes = [ctypes.c_uint32, integer, ctypes.c_int, pointer, pointer]
        library.reference.argtypes = [pointer, pointer, pointer, integer, ctypes.c_int, pointer]
        return library

    @functools.cached_property
    def names(self) -> dict[str, Any]:
        return bind(self.activation, self.N, self.value)

    def setting(self, order: int, constants: Fraction | None = None) -> Setting:
        """The constants, those of the kernels for another eps where one is given."""
        given = self.value if constants is None else constants
        wide, plain = (scale_constants(self.N, given, f.precision, f.emin, f.emax) for f in PLANS.values())
        precise = [root(value, 2 * self.N, 120) for value in (self.value, 1 / self.value)]
        pairs = [part for value in precise for part in (float(value), float(value - Fraction(float(value))))]
        limits = [limit(self.activation, self.N, self.value, order, sign, FORMAT) for sign in (-1, 1)]
        return Setting(
            CONSTANTS["wide"](*wide),
            CONSTANTS["plain"](*plain),
            (ctypes.c_double * 4)(*pairs),
            (ctypes.c_float * 2)(*limits),
        )

    def exact(self, x: float, order: int) -> Fraction:
        """The derivative of that order at x, at a junction that of the left: definitions are rational functions."""
        at = Fraction(x)
        value = exact_jet(self.activation, neighbours(self.activation, at)[0], at, self.names, order)[order]
        return Fraction(int(value.p), int(value.q)) * math.factorial(order)

    def reference(self, xs: Floats, order: int) -> tuple[Floats, Floats]:
        """The reference at these numbers, as pairs."""
        xs, high, low = np.ascontiguousarray(xs), np.empty(len(xs)), np.empty(len(xs))
        at = self.setting(order)
        self.library.reference(xs.ctypes.data, high.ctypes.data, low.ctypes.data, len(xs), order, ctypes.byref(at))
        return high, low

    def run(self, plan: str, xs: Floats, order: int, setting: Setting) -> Floats:
        """What the kernel of a plan returns at numbers of binary32."""
        x = np.ascontiguousarray(xs, np.float32)
        y = np.empty_like(x)
        pointers = [ctypes.c_void_p(a) for a in (x.ctypes.data, None, y.ctypes.data)]
        number = ctypes.c_double if plan == "wide" else ctypes.c_float
        constants = map(number, getattr(setting, plan))
        getattr(self.library, f"{plan}_binary32")(*pointers, ctypes.c_int64(len(x)), order, *constants)
        return y.astype(np.float64)


@dataclass
class Found:
    """What a range of inputs gave for one plan and order; errors are in ulps, inputs are bit patterns.

    `worst` is the largest error, `beyond` the largest that is left when the absolute error of the bar is taken off.
    `misrounded` counts the inputs whose result is not the nearest number, `spoilt` the finite inputs with a result that
    is not finite, `wrong` other wrong answers: at an infinity, for NaN, or a zero of the wrong sign.
    """

    counts: list[int] = field(default_factory=lambda: [0] * (len(EDGES) + 1))
    misrounded: int = 0
    spoilt: int = 0
    wrong: int = 0
    worst: float = 0.0
    beyond: float = 0.0
    worst_at: int = 0
    beyond_at: int = 0
    wrong_at: int = 0
    decided: int = 0

    def __add__(self, other: "Found") -> "Found":
        counted = ("misrounded", "spoilt", "wrong", "decided")
        worst, beyond = (max(self, other, key=lambda f, by=by: getattr(f, by)) for by in ("worst", "beyond"))
        return Found(
            counts=[a + b for a, b in zip(self.counts, other.counts)],
            worst=worst.worst,
            worst_at=worst.worst_at,
            beyond=beyond.beyond,
            beyond_at=beyond.beyond_at,
            wrong_at=self.wrong_at if self.wrong else other.wrong_at,
            **{name: getattr(self, name) + getattr(other, name) for name in counted},
        )


def numbers(codes: Iterable[int]) -> Floats:
    """The numbers of binary32 with these bit patterns."""
    with np.errstate(invalid="ignore"):  # signalling NaN
        return np.array(list(codes), np.uint32).view(np.float32).astype(np.float64)


def measured(case: Case, order: int, first: int, count: int, constants: Fraction | None = None) -> dict[str, Found]:
    """What the inputs first, first + 1, ... gave, by plan; both numbers are multiples of 512.

    With `constants` the kernels are given those of another eps. Raises native.CompilerError.
    """
    setting = case.setting(order, constants)
    tallies = (Tally * len(PLANS))(*(Tally(absolute=bar(plan, order, case.N)[1]) for plan in PLANS))
    case.library.sweep_binary32(first, count, order, ctypes.byref(setting), ctypes.byref(tallies))
    return {plan: decided(case, plan, order, setting, tally) for plan, tally in zip(PLANS, tallies)}


def decided(case: Case, plan: str, order: int, setting: Setting, tally: Tally) -> Found:
    """The tally, with the inputs that it left open decided by exact arithmetic."""
    if tally.closes > ROOM:
        raise OverflowError(f"more than {ROOM} inputs of a chunk are too close to decide")
    names = ("misrounded", "spoilt", "wrong", "worst", "beyond", "worst_at", "beyond_at", "wrong_at")
    found = Found(list(tally.counts), *(getattr(tally, name) for name in names), decided=tally.closes)
    close = tally.close[: tally.closes]
    xs = numbers(close)
    for code, x, y in zip(close, xs.tolist(), case.run(plan, xs, order, setting).tolist()):
        f = case.exact(x, order)
        found.misrounded += y != round_to(f, FORMAT)
        if order == 0 and y == 0 and f and math.copysign(1, y) != math.copysign(1, f):
            found.wrong, found.wrong_at = found.wrong + 1, code
    return found


def bar(plan: str, order: int, N: int) -> tuple[float, float]:
    """The limit in ulps, and the absolute error beside it."""
    found = BARS[plan, FORMAT.name, order]
    return found.ulps(N), found.beside(N)


def trusted(case: Case, order: int, count: int = SAMPLE) -> float:
    """The largest error of the reference on so many inputs, in ulps of binary32, as far as the oracle sees it."""
    xs = decode(evenly(FORMAT, count), FORMAT)
    truth = values(case.activation, case.N, xs, FORMATS["binary64"], case.value, order=order)  # 2^-69 ulp of binary32
    high, low = case.reference(xs, order)
    with np.errstate(under="ignore"):
        error = (np.ldexp(high, truth.shift) - truth.high) + (np.ldexp(low, truth.shift) - truth.low)
        return float(np.ldexp(np.abs(error), -(truth.exponent(FORMAT) + truth.shift)).max())


# --- A whole sweep, chunk by chunk ---


def fingerprint(activation: Activation) -> str:
    """The SHA-256 of the plans that are swept: which code the figures belong to."""
    printed = (body(plan(activation, order), CPP) for order in ORDERS)
    return hashlib.sha256("\n".join(str((p.lines, p.result)) for p in printed).encode()).hexdigest()


def restored(path: Path, head: dict[str, Any]) -> dict[str, Any]:
    """What an interrupted run of the same case left, or a fresh start."""
    if path.exists():
        state = json.loads(path.read_text(encoding="utf-8"))
        if {key: state.get(key) for key in head} == head:
            return state
    return head | {"seconds": 0.0, "chunks": {}}


def sweep(case: Case, states: Path, threads: int, chunks: Sequence[int], tick: Callable[[int], None]) -> dict[str, Any]:
    """Every chunk of the case, from where an interrupted run stopped; the state is written as it goes.

    `tick` is told how many chunks are done. Interrupted, it writes what it has and lets the interruption pass.
    """
    case.library  # noqa: B018  compiled before the threads begin
    path = states / f"{case.key}.json"
    limits = [bar(plan, order, case.N) for order in ORDERS for plan in PLANS]
    state = restored(path, {"code": fingerprint(case.activation), "bars": [list(b) for b in limits]})
    states.mkdir(parents=True, exist_ok=True)
    before, begun = state["seconds"], time.perf_counter()

    def job(chunk: int) -> tuple[int, dict[str, Any]]:
        found = {order: measured(case, order, chunk * CHUNK, CHUNK) for order in ORDERS}
        return chunk, {f"{p}.{QUANTITIES[o]}": asdict(f) for o, by_plan in found.items() for p, f in by_plan.items()}

    def write() -> float:
        state["seconds"] = before + time.perf_counter() - begun
        files.replace_text(path, json.dumps(state))
        return time.perf_counter()

    written = begun
    pool = ThreadPoolExecutor(threads)
    try:
        for future in as_completed([pool.submit(job, c) for c in chunks if str(c) not in state["chunks"]]):
            chunk, found = future.result()
            state["chunks"][str(chunk)] = found
            tick(len(state["chunks"]))
            if time.perf_counter() - written > SECONDS:
                written = write()
    finally:
        pool.shutdown(cancel_futures=True)
        write()
    return state


def label(chunk: int) -> str:
    """A binade: its sign and its exponent, or that its numbers are subnormal."""
    half = CHUNKS // 2
    exponent = chunk % half
    return f"{'-' if chunk >= half else '+'}{f'2^{exponent + FORMAT.emin - 1}' if exponent else 'subnormal'}"


def records(case: Case, state: dict[str, Any], sample: int = SAMPLE) -> Iterator[dict[str, Any]]:
    """The figures of a sweep, a record for each plan and quantity.

    A histogram has a row for each binade of inputs in which some result is off by more than the first edge; its counts
    are of the bins, and zeros at the end are left out.
    """
    references = {order: trusted(case, order, sample) for order in ORDERS}
    for order, quantity in enumerate(QUANTITIES):
        for p in PLANS:
            id = f"{p}.{quantity}"
            parts = {int(c): Found(**found[id]) for c, found in state["chunks"].items()}
            whole = sum(parts.values(), start=Found())
            most, absolute = bar(p, order, case.N)
            sound = not whole.spoilt and not whole.wrong and references[order] <= TRUSTED
            at = {name: float(numbers([getattr(whole, f"{name}_at")])[0]) for name in ("worst", "beyond", "wrong")}
            yield {
                "N": case.N,
                "eps": case.eps,
                "id": id,
                "inputs": len(parts) * CHUNK,
                "max_ulp": finite(whole.beyond),
                "x": at["beyond"],
                "limit": most,
                "absolute": absolute,
                "ok": bool(sound and whole.beyond <= most),
                "worst_ulp": finite(whole.worst),
                "worst_x": at["worst"],
                "misrounded": whole.misrounded,
                "not_finite": whole.spoilt,
                "wrong": whole.wrong,
                **({"wrong_x": repr(at["wrong"])} if whole.wrong else {}),
                "decided_exactly": whole.decided,
                "reference_ulp": references[order],
                "seconds": round(state["seconds"], 1),
                "histogram": {label(c): trimmed(f.counts) for c, f in sorted(parts.items()) if any(f.counts[1:])},
            }


def finite(error: float) -> float | None:
    """As JSON data: an infinite error is null."""
    return error if math.isfinite(error) else None


def trimmed(counts: list[int]) -> list[int]:
    return counts[: max(i for i, c in enumerate(counts) if c) + 1]


# --- The committed data ---


def stored(path: Path, activation: Activation) -> list[dict[str, Any]]:
    """The records of an activation's present code; none where the data is of other code."""
    data = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return data["records"] if data.get("code") == fingerprint(activation) else []


def store(path: Path, activation: Activation, fresh: Sequence[dict[str, Any]]) -> None:
    """Adds records to an activation's file, in the place of older ones of the same case; a line for each."""

    def key(r: dict[str, Any]) -> tuple[Any, ...]:
        return r["N"], Fraction(r["eps"]), r["id"]

    rows = {key(r): r for r in [*stored(path, activation), *fresh]}
    head = {
        "schema": 1,
        "variant": activation.name,
        "format": FORMAT.name,
        "code": fingerprint(activation),
        "edges": EDGES,
    }
    lines = ",\n".join(json.dumps(rows[k]) for k in sorted(rows))
    path.parent.mkdir(parents=True, exist_ok=True)
    files.replace_text(path, f'{json.dumps(head)[:-1]}, "records": [\n{lines}\n]}}\n')


# --- The command line ---


def cases(variants: Iterable[str], Ns: Iterable[int], eps: Iterable[str]) -> Iterator[Case]:
    """Every case asked for; an eps that a variant fixes stands once. Raises ValueError for a bad parameter."""
    eps = list(eps)
    for activation in map(find, variants):
        fixed = next((p.fixed for p in split_parameters(activation)[1] if p.fixed), None)
        for N in Ns:
            for value in [fixed] if fixed else eps:
                resolve(N, value)
                yield Case(activation, N, value)


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="python -m gem_symbolic.exhaustive", description=__doc__)
    p.add_argument("--variant", nargs="+", default=list(VARIANTS), help=f"of {', '.join(VARIANTS)} (default: all)")
    p.add_argument("--N", nargs="+", type=int, default=list(NS), help=f"default: {', '.join(map(str, NS))}")
    p.add_argument("--eps", nargs="+", default=list(EPS), help=f"default: {', '.join(EPS)}")
    p.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    p.add_argument("--again", action="store_true", help="sweep what the data has already, too")
    p.add_argument("--data", type=Path, default=DATA, help="the folder of the data")
    p.add_argument("--states", type=Path, default=STATES, help="where an interrupted run keeps what it has")
    return p


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit status: 0, 1 a limit missed, 2 usage error, 3 no compiler."""
    p = parser()
    options = p.parse_args(arguments)
    try:
        asked = list(cases(options.variant, options.N, options.eps))
        native.compiler()
    except ValueError as error:
        p.exit(USAGE, f"{p.prog}: {error}\n")
    except native.CompilerError as error:
        p.exit(UNDECIDED, f"{p.prog}: {error}\n")
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

    screen = Console(stderr=True)
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=screen, disable=not screen.is_terminal) as progress:
            passed = [passes(case, options, progress) for case in progress.track(asked)]
        return OK if all(passed) else MISSED
    except ValueError as error:
        p.exit(USAGE, f"{p.prog}: {error}\n")
    except KeyboardInterrupt:
        p.exit(INTERRUPTED, f"{p.prog}: interrupted; the same command goes on from here\n")


def passes(case: Case, options: argparse.Namespace, progress: Any) -> bool:
    """Sweeps a case unless the data has it, prints its records, and says whether all are within their limits."""
    path = options.data / f"{case.activation.name}.json"
    done = [r for r in stored(path, case.activation) if (r["N"], Fraction(r["eps"])) == (case.N, case.value)]
    if not done or options.again:
        task = progress.add_task(case.key, total=CHUNKS)
        state = sweep(
            case, options.states, options.threads, range(CHUNKS), lambda n: progress.update(task, completed=n)
        )
        progress.remove_task(task)
        done = list(records(case, state))
        store(path, case.activation, done)
        (options.states / f"{case.key}.json").unlink()
    for r in sorted(done, key=lambda r: r["id"]):
        print(sentence(case, r), flush=True)
    return all(r["ok"] for r in done)


def sentence(case: Case, r: dict[str, Any]) -> str:
    """A record for a reader."""
    worst, beyond = (math.inf if r[key] is None else r[key] for key in ("worst_ulp", "max_ulp"))
    beside = f" (beyond 2^{math.log2(r['absolute']):.0f}: {beyond:.4f})" if r["absolute"] else ""
    return (
        f"{case.activation.title} N={case.N} eps={case.eps} {r['id']}: {worst:.6f} ulp at x = {r['worst_x']!r}"
        f"{beside}, limit {r['limit']:g}; {r['misrounded']:,} of {r['inputs']:,} not correctly rounded; "
        f"{r['not_finite']} not finite; {r['seconds']:.0f} s{'' if r['ok'] else '  BEYOND ITS LIMIT'}"
    )


if __name__ == "__main__":
    sys.exit(main())
