"""How rival calls are timed: all of them in turn, again and again, in one process, so that their ratios are fair.

Whatever disturbs the machine for a while disturbs all of them. Each round has an order of its own, so that none always
runs after the same other one and finds the caches as that leaves them. Times are in seconds.
"""

import math
import random
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch

Key = tuple[Any, ...]
Call = Callable[[], object]
#: Says how long a call takes that is repeated so many times: seconds for one.
Clock = Callable[[Call, int], float]

RUN = 1e-4  # seconds that a run on the CPU takes at least, by repeating the call
FLUSH = 1 << 30  # bytes, many times the cache of any GPU; a call is on its way before they are all written
LEAST, MOST = 5, 101  # runs of each call


def cpu(call: Call, repeats: int) -> float:
    """By the clock of the system."""
    begun = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - begun) / repeats


class Cuda:
    """By events on the GPU. Before each run the cache is overwritten; meanwhile the call is on its way to the GPU."""

    def __init__(self) -> None:
        self.start, self.end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        self.cache = torch.empty(FLUSH, dtype=torch.int8, device="cuda")

    def __call__(self, call: Call, repeats: int) -> float:
        self.cache.zero_()
        self.start.record()
        for _ in range(repeats):
            call()
        self.end.record()
        self.end.synchronize()
        return self.start.elapsed_time(self.end) / 1e3 / repeats


def repeats(call: Call, clock: Clock) -> int:
    """How often a run repeats the call, once that is warm: on a GPU once, since then the cache is no longer empty."""
    call()
    call()
    return max(1, math.ceil(RUN / clock(call, 1))) if clock is cpu else 1


def race(calls: Mapping[Key, Call], clock: Clock, budget: float) -> dict[Key, dict[str, Any]]:
    """For each call {"seconds": {"median", "low", "high"}, "runs"}, low and high the quartiles.

    Rounds go on until they have taken `budget` seconds, warming up not counted, within LEAST and MOST rounds.
    """
    often = {key: repeats(call, clock) for key, call in calls.items()}
    runs: dict[Key, list[float]] = {key: [] for key in calls}
    order, shuffle = list(calls), random.Random(0).shuffle
    begun, rounds = time.perf_counter(), 0
    while rounds < LEAST or (rounds < MOST and time.perf_counter() - begun < budget):
        shuffle(order)
        for key in order:
            runs[key].append(clock(calls[key], often[key]))
        rounds += 1
    return {key: summary(seconds) for key, seconds in runs.items()}


def summary(seconds: list[float]) -> dict[str, Any]:
    """What a row of a benchmark says of so many runs."""
    low, median, high = (float(f"{s:.4g}") for s in statistics.quantiles(seconds, n=4, method="inclusive"))
    return {"seconds": {"median": median, "low": low, "high": high}, "runs": len(seconds)}
