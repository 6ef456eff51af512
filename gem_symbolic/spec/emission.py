"""From a spec to kernel files: the function with its parameters put in, as an activation that kernels are made for."""

import re

from gem_symbolic.definitions import Activation, Branch
from gem_symbolic.plans import PlanError
from gem_symbolic.spec.model import Function

#: The most digits of a number in a definition: Python reads a few more.
DIGITS = 4000


def activation(function: Function, source: str) -> Activation:
    """The activation without parameters that a function is. Raises PlanError, in one sentence, where there is none."""
    for x, _, _ in function.junctions:
        if x.rational is None:
            raise PlanError(f"no kernels: the junction {x} of {function.name} is no rational number")
    branches = tuple(Branch(p.on, str(p.function).replace("^", "**")) for p in function.pieces)
    if any(len(number) > DIGITS for b in branches for number in re.findall(r"\d+", f"{b.on} {b.expr}")):
        raise PlanError(f"no kernels: a number of {function.name} in lowest terms has more than {DIGITS} digits")
    where = ", ".join(f"{name} = {value}" for name, value in function.settings.items())
    title = f"{function.title}, {where}" if where else function.title
    return Activation(function.name, title, branches, parameters=(), source=source or "A spec of the user's own.")
