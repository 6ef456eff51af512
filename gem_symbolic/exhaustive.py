"""`python -m gem_symbolic.exhaustive` compares the kernels with the reference on every binary32 input there is.

All 4,294,967,296 of them, each NaN included, for the plans *wide*, *plain* and *compensated*, value and gradient, as
the C++ of codegen/ computes them: `compare` says how they are judged. Plans that Triton computes as well are compared
with its kernels, too, in Triton's interpreter, bit by bit on a sample. With --device cuda the Triton kernels' own
results on that device are swept, in the place of those of C++. An interrupted run goes on where it stopped.
"""

import argparse
import functools
import hashlib
import importlib.util
import json
import math
import os
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from gem_symbolic import emit, figures, files, native, running
from gem_symbolic.accuracy import EPS, NS
from gem_symbolic.branches import split_parameters
from gem_symbolic.checkout import ROOT, needed
from gem_symbolic.compare import (
    EDGES,
    FORMAT,
    ORDERS,
    PLANS,
    SAMPLE,
    TRUSTED,
    Case,
    Found,
    Results,
    bar,
    measured,
    numbers,
    trusted,
)
from gem_symbolic.definitions import VARIANTS, Activation, find
from gem_symbolic.machine import DeviceError, machine
from gem_symbolic.measure import QUANTITIES, decode, ordinal
from gem_symbolic.parameters import resolve, root
from gem_symbolic.piecewise import build
from gem_symbolic.rounding import round_to
from gem_symbolic.rules import CHAINS, ROUTINES
from gem_symbolic.sweep import Floats

DATA = ROOT / "codegen" / "exhaustive"
STATES = ROOT / "build" / "sweeps"
#: A chunk is a binade of either sign; the last of each sign is made of the infinity and of NaN.
CHUNK = 1 << (FORMAT.precision - 1)
CHUNKS = (1 << FORMAT.bits) // CHUNK
SECONDS = 5.0  # between two writings of the state
#: Triton's paths by plan, and on how many inputs its interpreter is compared with the C++.
TRITON = {plan: path for path, plan in figures.PLANS.items() if path != "torch"}
ALIKE, NEARBY = 1 << 20, 1 << 15
OK, MISSED, USAGE, UNDECIDED, INTERRUPTED = 0, 1, 2, 3, 130


# --- Triton's kernels beside the C++ ---


@functools.cache
def module(name: str, interpreted: bool) -> Any:
    """The emitted kernels of a variant, in Triton's interpreter or for a GPU. Raises ImportError without Triton."""
    import triton  # noqa: F401

    if interpreted:
        with running.interpreted():
            return emit.load(emit.source(find(name)), f"swept_{name}")
    return emit.load(emit.source(find(name)), f"swept_on_gpu_{name}")


def interpreted(case: Case, order: int, xs: Floats) -> Results:
    """By plan, what Triton's kernels give at these numbers in its interpreter."""
    kernels = module(case.activation.name, interpreted=True)
    found = {}
    for name, path in TRITON.items():
        run = running.triton_run(kernels, case.N, case.value, accurate=path == "accurate")
        with np.errstate(invalid="ignore", over="ignore"):
            found[name] = run(xs, FORMAT, order).astype(np.float32)
    return found


def on_gpu(case: Case, order: int, first: int, count: int) -> Results:
    """By plan, what Triton's kernels give there at the inputs with the bit patterns first, first + 1, ..."""
    import torch

    kernels = module(case.activation.name, interpreted=False)
    x = torch.arange(first, first + count, device="cuda").to(torch.int32).view(torch.float32)
    calls = {
        name: running.triton_call(kernels, case.N, case.value, path == "accurate") for name, path in TRITON.items()
    }
    found = {name: torch.empty(count, pin_memory=True) for name in calls}  # several times as fast to copy into
    return {name: found[name].copy_(call(x, order)).numpy() for name, call in calls.items()}


def alike(case: Case, order: int, count: int = ALIKE) -> dict[str, int]:
    """By plan, on how many of so many inputs Triton's interpreter gives other bits than the C++; NaN is NaN.

    They are spread evenly in ulps over all numbers, and stand beside 0 and the scale.
    """
    beyond = ordinal(float(FORMAT.max), FORMAT) + 2  # infinity and a NaN
    scale = ordinal(round_to(root(case.value, 2 * case.N, FORMAT.precision), FORMAT), FORMAT)
    centres = [0, scale, -scale] if count > 8 * NEARBY else []
    spread = np.linspace(-beyond, beyond, count - len(centres) * NEARBY).astype(np.int64)
    xs = decode(np.concatenate([spread, *(np.arange(c - NEARBY // 2, c + NEARBY // 2) for c in centres)]), FORMAT)
    setting, found = case.setting(order), {}
    for name, y in interpreted(case, order, xs).items():
        expected = case.run(name, xs, order, setting).astype(np.float32)
        same = (y.view(np.uint32) == expected.view(np.uint32)) | (np.isnan(y) & np.isnan(expected))
        found[name] = int(np.count_nonzero(~same))
    return found


# --- A whole sweep, chunk by chunk ---


@functools.cache
def fingerprint(name: str, kind: str) -> str:
    """The SHA-256 of the plans of a variant, routines and all: which operations the figures belong to."""
    plans = [emit.PLANS[kind](build(find(name)), order) for order in ORDERS]
    steps = [[(s.names, s.op, [repr(a) for a in s.args]) for s in p.steps] for p in plans]
    used = {s.op for p in plans for s in p.steps}
    used |= {CHAINS[op] for op in used & CHAINS.keys()}
    routines = {name: (r.parameters, r.lines, r.given) for name, r in ROUTINES.items() if name in used}
    text = json.dumps([steps, [repr(p.result) for p in plans], routines, CHAINS], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def restored(path: Path, head: dict[str, Any]) -> dict[str, Any]:
    """What an interrupted run of the same case left, or a fresh start."""
    if path.exists():
        state = json.loads(path.read_text(encoding="utf-8"))
        if {key: state.get(key) for key in head} == head:
            return state
    return head | {"seconds": 0.0, "chunks": {}}


def sweep(
    case: Case,
    states: Path,
    threads: int,
    chunks: Sequence[int],
    tick: Callable[[int], None],
    device: str = "cpu",
    plans: Collection[str] = tuple(PLANS),
    machine: str | None = None,
) -> dict[str, Any]:
    """Every chunk of the case, from where an interrupted run stopped; the state is written as it goes.

    On another device than the CPU the results of Triton's kernels there are judged, and the state is of that machine
    alone. `tick` is told how many chunks are done. Interrupted, it writes what it has and lets the interruption pass.
    """
    case.library  # noqa: B018  compiled before the threads begin
    path = states / f"{case.key}.json"
    limits = [asdict(bar(plan, order)) for order in ORDERS for plan in PLANS]
    code = {plan: fingerprint(case.activation.name, plan) for plan in plans}
    state = restored(path, {"code": code, "device": device, "machine": machine, "bars": limits})
    states.mkdir(parents=True, exist_ok=True)
    before, begun = state["seconds"], time.perf_counter()

    def job(chunk: int) -> tuple[int, dict[str, Any]]:
        found = {order: judged(case, order, chunk, device, plans) for order in ORDERS}
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


def judged(case: Case, order: int, chunk: int, device: str, plans: Collection[str]) -> dict[str, Found]:
    """What a chunk gave, by plan."""
    first = chunk * CHUNK
    results = on_gpu(case, order, first, CHUNK) if device != "cpu" else None
    return measured(case, order, first, CHUNK, results=results, plans=plans)


def label(chunk: int) -> str:
    """A binade: its sign and its exponent, or that its numbers are subnormal."""
    half = CHUNKS // 2
    exponent = chunk % half
    return f"{'-' if chunk >= half else '+'}{f'2^{exponent + FORMAT.emin - 1}' if exponent else 'subnormal'}"


def records(case: Case, state: dict[str, Any], sample: int = SAMPLE, triton: int = ALIKE) -> Iterator[dict[str, Any]]:
    """The figures of a sweep, a record for each plan and quantity.

    A histogram has a row for each binade of inputs in which some result is off by more than the first edge; its counts
    are of the bins, and zeros at the end are left out.
    """
    for order, quantity in enumerate(QUANTITIES):
        reference, others = trusted(case, order, sample), alike(case, order, triton) if triton else {}
        for p, code in state["code"].items():
            id = f"{p}.{quantity}"
            parts = {int(c): Found(**found[id]) for c, found in state["chunks"].items()}
            whole, at = sum(parts.values(), start=Found()), bar(p, order)
            sound = not whole.spoilt and not whole.wrong and reference <= TRUSTED and not others.get(p)
            within = whole.beyond <= at.ulps(case.N) and whole.under <= at.smaller.ulps(case.N)
            places = {name: float(numbers([getattr(whole, f"{name}_at")])[0]) for name in ("worst", "beyond", "wrong")}
            yield {
                "N": case.N,
                "eps": case.eps,
                "id": id,
                "code": code,
                "inputs": len(parts) * CHUNK,
                "max_ulp": finite(whole.beyond),
                "x": places["beyond"],
                "limit": at.ulps(case.N),
                "absolute": at.beside(case.N),
                "ok": bool(sound and within),
                "worst_ulp": finite(whole.worst),
                "worst_x": places["worst"],
                **({"under_ulp": finite(whole.under), "under_limit": at.smaller.ulps(case.N)} if at.small else {}),
                "misrounded": whole.misrounded,
                "not_finite": whole.spoilt,
                "wrong": whole.wrong,
                **({"wrong_x": repr(places["wrong"])} if whole.wrong else {}),
                "decided_exactly": whole.decided,
                "reference_ulp": reference,
                **({"triton_inputs": triton, "triton_differs": others[p]} if p in others else {}),
                "seconds": round(state["seconds"], 1),
                "histogram": {label(c): trimmed(f.counts) for c, f in sorted(parts.items()) if any(f.counts[1:])},
            }


def finite(error: float) -> float | None:
    """As JSON data: an infinite error is null."""
    return error if math.isfinite(error) else None


def trimmed(counts: list[int]) -> list[int]:
    return counts[: max(i for i, c in enumerate(counts) if c) + 1]


# --- The committed data ---


def stored(path: Path, activation: Activation, machine: str | None = None) -> list[dict[str, Any]]:
    """The records of an activation's present plans, of the machine if one is named; not those of others."""
    data = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    records = data.get("records", ()) if data.get("machine") == machine else ()
    return [r for r in records if r["code"] == fingerprint(activation.name, r["id"].split(".")[0])]


def store(path: Path, activation: Activation, fresh: Sequence[dict[str, Any]], machine: str | None = None) -> None:
    """Adds records to an activation's file, in the place of older ones of the same case; a line for each."""
    rows = {figures.case(r): r for r in [*stored(path, activation, machine), *fresh]}
    head = {"schema": 2, "variant": activation.name, "format": FORMAT.name, "edges": EDGES}
    head |= {"machine": machine} if machine else {}
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
    p.add_argument("--data", type=Path, default=DATA, help="the folder of the data; that of a GPU is in a folder there")
    p.add_argument(
        "--device", default="cpu", choices=("cpu", "cuda"), help="whose results: of C++, or of Triton on a GPU"
    )
    p.add_argument("--states", type=Path, default=STATES, help="where an interrupted run keeps what it has")
    return p


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit status: 0, 1 a limit missed, 2 usage error, 3 no compiler."""
    p = parser()
    options = p.parse_args(arguments)
    if options.data == DATA or options.states == STATES:
        needed("gem_symbolic.exhaustive")
    try:
        asked = list(cases(options.variant, options.N, options.eps))
        native.compiler()
        options.machine = machine(options.device) if options.device != "cpu" else None
    except ValueError as error:
        p.exit(USAGE, f"{p.prog}: {error}\n")
    except (native.CompilerError, DeviceError) as error:
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
    on_cpu = options.device == "cpu"
    path = (options.data if on_cpu else options.data / options.device) / f"{case.activation.name}.json"

    def known() -> list[dict[str, Any]]:
        records = stored(path, case.activation, options.machine)
        return [r for r in records if (r["N"], Fraction(r["eps"])) == (case.N, case.value)]

    found = set() if options.again else {r["id"].split(".")[0] for r in known()}
    if plans := [p for p in (PLANS if on_cpu else TRITON) if p not in found]:
        task = progress.add_task(case.key, total=CHUNKS)

        def tick(chunks: int) -> None:
            progress.update(task, completed=chunks)

        state = sweep(
            case, options.states, options.threads, range(CHUNKS), tick, options.device, plans, options.machine
        )
        progress.remove_task(task)
        triton = importlib.util.find_spec("triton") and not TRITON.keys().isdisjoint(plans)
        compared = on_cpu and triton
        store(path, case.activation, list(records(case, state, triton=ALIKE if compared else 0)), options.machine)
        (options.states / f"{case.key}.json").unlink()
    done = known()
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
