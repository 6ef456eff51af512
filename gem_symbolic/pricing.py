"""The price of an evaluation plan: its operations, counted and weighed in issue slots; and which target uses which."""

from collections import Counter
from collections.abc import Callable, Mapping

from gem_symbolic.definitions import Activation
from gem_symbolic.floats import plan
from gem_symbolic.pairs import compensated, short
from gem_symbolic.plans import Plan
from gem_symbolic.readback.operations import Graph

#: Issue slots of an operation in binary32 on sm_90. A sign and an absolute value are part of the operation that uses
#: them; a correctly rounded quotient is a reciprocal, a check, five fused operations, and the branch around the slow
#: routine; an approximate reciprocal is an inverse square root and its square.
PRICES = {
    **dict.fromkeys(("abs", "neg"), 0),
    **dict.fromkeys(("lt", "le", "gt", "ge", "eq", "select", "add", "sub", "mul", "fma", "rsqrt"), 1),
    "div": 10,
}
#: How the operations are grouped in the table.
KINDS = {
    "mul": ("mul",),
    "add, sub": ("add", "sub"),
    "fma": ("fma",),
    "compare": ("lt", "le", "gt", "ge", "eq"),
    "select": ("select",),
    "div": ("div",),
    "rsqrt": ("rsqrt",),
}
#: The plans of a derivative: how each is derived, and the kernel that performs it.
PLANS: Mapping[str, tuple[Callable[[Activation, int], Plan], str]] = {
    "plain": (plan, "fp32"),
    "short": (lambda a, order: short(plan(a, order)), "bf16"),
    "compensated": (compensated, "accurate"),
}
#: Which plan each target uses and why.
INPUTS = ("x", "s", "inv_s", "s_low", "inv_s_low", "up", "down")
CHOICES = (
    (
        "PyTorch on the CPU",
        "wide: in binary64, with one quotient, rounded once",
        "PyTorch moves every intermediate result through memory, so wider arithmetic costs no more than the width of "
        "those, and its rounding errors show only where a result lies next to a tie; in its range nothing overflows "
        "that matters, so one quotient does",
    ),
    (
        "Triton, 16 bits",
        "short: the plan in binary32 with quotients from a reciprocal, the last one not corrected, rounded once",
        "binary32 has 13 bits to spare over binary16, so its error of a few ulps is lost in the last rounding; with "
        "both quotients corrected a trial on an H200 was bound by instructions",
    ),
    (
        "Triton, float32",
        "plain: the plan in binary32",
        "binary64 has a small fraction of the throughput on most GPUs; the plain plan fits into the time of memory",
    ),
    (
        "Triton, float32, accurate=True",
        "compensated: the plan in pairs of binary32, rounded once",
        "all but correctly rounded; by its slots it fits into the time of an H100's memory as well, but a trial "
        "on an H200, with faster memory, was slower than a copy, so it is not the default",
    ),
    (
        "compiled code on any device, and PyTorch on other devices, 16 bits and float32",
        "plain: the plan in binary32, rounded once",
        "the compiler fuses it with what stands beside it, so it costs what the kernel costs or less",
    ),
    ("any device, float64", "plain: the plan in binary64", "nothing wider is fast"),
)


def operations(p: Plan, N: int) -> Counter[str]:
    """How many operations of each kind the plan executes, of those that depend on x; each once."""
    graph = Graph()
    names = {step_input: graph.leaf(step_input) for step_input in INPUTS}
    found, waiting = {*()}, [p.run(names | {"N": N}, operations=graph.operations)]
    while waiting:
        node = waiting.pop()
        if node.varies and node not in found:
            found.add(node)
            waiting += node.args
    return Counter(node.op for node in found if node.args)


def price(counts: Mapping[str, int]) -> int:
    """The issue slots that the operations take. Raises KeyError for an operation without a price."""
    return sum(PRICES[op] * n for op, n in counts.items())
