"""Whether one record of a forward may stand for all of its runs, as far as its code shows."""

import dis
import inspect
from itertools import pairwise

from torch import nn

from gem_symbolic.integrations.calls import codes, methods, reached

#: What code may ask or do whose outcome is another for a stand-in or in another run, or that a record leaves out.
TELLING = {
    *("isinstance", "type", "hasattr", "is_tensor"),
    *("is_grad_enabled", "is_autocast_enabled", "is_compiling", "is_tracing"),
    *("rand", "randn", "rand_like", "randn_like", "randint", "random", "bernoulli"),
    *("no_grad", "enable_grad", "set_grad_enabled", "inference_mode", "autocast", "checkpoint"),
}
OPERATIONS = {"STORE_ATTR": "sets attributes", "BEFORE_WITH": "has a with, whose effect a record leaves out"}


class Refused(Exception):
    """The reason why a forward is not rewritten."""


def check(module: nn.Module) -> None:
    """Raises Refused where one record of the forward may not stand for all of its runs."""
    own = methods(type(module))
    if "forward" in vars(module):
        raise Refused("its forward was put on the instance")
    if "forward" not in own:
        raise Refused("its forward is PyTorch's own")
    parameters = inspect.signature(module.forward).parameters.values()
    if any(p.default is not p.empty or p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
        raise Refused("its forward takes optional arguments, and a record holds one choice of them")
    run = reached(own["forward"], own)
    for name, function in own.items():
        if function in run and getattr(type(module), name) is not function:
            raise Refused(f"its {name} is decorated, or no plain method")
    for code in (c for function in run for c in codes(function.__code__)):
        told = TELLING.intersection(code.co_names)
        if told:
            raise Refused(f"its forward uses {min(told)}, and a record holds one outcome")
        steps = list(dis.get_instructions(code))
        for step, after in pairwise(steps):
            if step.opname == "LOAD_FAST" and "NONE" in after.opname:
                raise Refused(f"its forward asks whether {step.argval} is None, and a record holds one answer")
        for step in steps:
            if step.opname in OPERATIONS:
                raise Refused(f"its forward {OPERATIONS[step.opname]}")
