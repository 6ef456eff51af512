"""The way from the user's call to the functions of (x, N, constants), and back through autograd, in every setting.

x, N, eps and the incoming gradients are symbols, and so is each of those functions: what is found holds for all.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from gem_symbolic.branches import split_parameters
from gem_symbolic.checkers.flint import FlintAlgebra
from gem_symbolic.definitions import Activation
from gem_symbolic.readback.library import FLOATS
from gem_symbolic.readback.machine import Machine
from gem_symbolic.readback.numbers import Numbers
from gem_symbolic.readback.source import Composite, Composites, Source, World
from gem_symbolic.readback.values import (
    INTEGER,
    Class,
    Function,
    Instance,
    Primitive,
    Raised,
    Scalar,
    Tensor,
    Text,
    Type,
    ValidationError,
)
from gem_symbolic.readback.versions import ACCURATE, KERNEL, ORDERS, PAIR, SHORT, TORCH, Version

#: Of a version, the functions that were seen to give the derivative of an order.
Roles = dict[tuple[Version, int], dict[Composite, None]]
GRADIENTS = ("g0", "g1", "g2")
PARAMETERS = ("N", "eps", "eps_of_scale", "eps_by_default", "eps_fixed", "scale")
FUNCTIONS = tuple(f"f{k}" for k in range(16))
CALLS = FlintAlgebra(
    (*PARAMETERS, "s", "s_low", "inv_s_low", "up", "x", "block", "lane", "size", *GRADIENTS, *FUNCTIONS)
)
#: What a function may depend on.
KNOWN = {name: CALLS.gens[name] for name in ("x", "N", "s", "s_low", "inv_s_low", "up")}
KNOWN |= {"inv_s": CALLS.number(1) / KNOWN["s"], "down": CALLS.number(1) / KNOWN["up"]}
#: Of a lane: what is left after its block, and from the lane on, as signs.
LANES = ((1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1))


@dataclass(frozen=True)
class Setting:
    """Where a call takes place: the device, the type of x, whether triton is installed, how tensors lie, which lane."""

    device: str
    type: Type
    triton: bool
    dense: tuple[bool, bool] = (True, True)
    lane: tuple[int, int] = (1, 1)

    @property
    def compute(self) -> Type:
        """CPUs compute in binary64, other devices in binary32 unless x is wider."""
        return FLOATS["float64" if self.device == "cpu" or self.type == FLOATS["float64"] else "float32"]

    def version(self, order: int, accurate: bool) -> Version:
        """What computes: kernels take what has at most 32 bits, and pairs are for what has 32."""
        if self.device != "cuda" or not self.triton or self.type == FLOATS["float64"]:
            return TORCH
        if self.type != FLOATS["float32"]:
            return SHORT
        return ACCURATE if accurate and order < len(ACCURATE.orders) else KERNEL

    def __str__(self) -> str:
        lane = "" if self.lane[1] > 0 else ", a lane beyond the end"
        return f"{self.type} on {self.device}{', with triton' if self.triton else ''}{lane}"


NARROW = [kind for name, kind in FLOATS.items() if name != "float64"]  # what kernels take
STRIDED = ((True, False), (False, True), (False, False))
#: A kernel gets pointers to tensors that lie alike, or is refused: so layouts and lanes need not be combined.
SETTINGS = (
    *(
        Setting(device, kind, triton)
        for device in ("cpu", "cuda", "xpu")
        for kind in FLOATS.values()
        for triton in (False, True)
    ),
    *(Setting("cuda", kind, True, dense=dense) for kind in NARROW for dense in STRIDED),
    *(Setting("cuda", kind, True, lane=lane) for kind in NARROW for lane in LANES[1:]),
)


class Mismatch(Exception):
    """The call gives something else than it should."""


@dataclass(frozen=True)
class Trace:
    """One call in one setting; which function gave which derivative is collected in `roles`."""

    m: Machine
    setting: Setting
    roles: Roles
    accurate: bool = False

    @property
    def composites(self) -> Composites:
        assert self.m.composites is not None
        return self.m.composites

    def tensor(self, name: str, dense: bool) -> Tensor:
        return Tensor(CALLS.gens[name], self.setting.type, "torch", self.setting.device, dense)

    def check(self, order: int, found: Any, *factors: Any) -> Composite:
        """That the tensor is one function of x, once, times each of the factors: or nothing, beyond the end.

        A product of k + 1 symbols that came from k operations is that of k multiplications. Raises Mismatch.
        """
        called = self.composites.take()
        if len(called) != 1 or not isinstance(found, Tensor):
            raise Mismatch(f"{ORDERS[order]}: {len(called)} functions of x are called, not one")
        version = self.setting.version(order, self.accurate)
        if called[0].home != version.home or version.pairs == set(PAIR).isdisjoint(called[0].roles):
            raise Mismatch(f"{ORDERS[order]}: {called[0].function.name} is no function of {version.title}")
        value = math.prod(factors, start=self.composites.found[called[0]])
        expected = value if self.setting.lane[1] > 0 else None
        if (found.value is None or expected is None) and found.value is not expected:
            raise Mismatch(f"{ORDERS[order]}: the element is not written")
        if found.value is not None and found.value != expected:
            raise Mismatch(f"{ORDERS[order]}: the result is {found.value}, not {expected}")
        if found.value is not None and found.rounded != len(factors):
            raise Mismatch(f"{ORDERS[order]}: {found.rounded} operations for {len(factors)} multiplications")
        if found.type != self.setting.type or found.bits < found.type.bits:
            raise Mismatch(f"{ORDERS[order]}: the result is rounded to {found.type} by way of {found.bits} bits")
        self.roles.setdefault((version, order), {})[called[0]] = None
        return called[0]

    def backward(self, y: Tensor, grad: Tensor, needs: tuple[bool, bool]) -> tuple[Any, Any]:
        """The gradients of x and of the weight of x. Raises Mismatch where others are returned, or not needed ones."""
        if y.node is None:
            raise Mismatch("the result does not come from an autograd.Function")
        cls, inputs = y.node.function, y.node.inputs
        context = Instance({"needs_input_grad": (*needs, *[False] * (len(inputs) - 2))}, CONTEXT)

        def save(m: Machine, *tensors: Any) -> None:
            context.attributes["saved_tensors"] = tensors

        context.attributes["save_for_backward"] = Primitive("save_for_backward", save)
        self.m.call(cls.methods["setup_context"], (context, inputs, y.node.output))
        grads = self.m.call(cls.methods["backward"], (context, grad))
        if not isinstance(grads, tuple) or len(grads) != len(inputs):
            raise Mismatch("the backward does not return a gradient for each input")
        if any((g is not None) != need for g, need in zip(grads, context.attributes["needs_input_grad"])):
            raise Mismatch("the backward returns a gradient that is not needed, or does not return one that is")
        return grads[0], grads[1]

    def derivatives(self, y: Tensor) -> None:
        """What the backward of each order gives, from the value on. Raises Mismatch."""
        composite, factors = self.check(0, y), list[Any]()
        for order, name in enumerate(GRADIENTS):
            grad, last = self.tensor(name, self.setting.dense[1]), order + 1 == len(ORDERS)
            self.backward(y, grad, (False, False))
            if order > 0:
                _, weight = self.backward(y, grad, (False, True))
                if self.check(order, weight, CALLS.gens[name]) != composite:
                    raise Mismatch(f"{ORDERS[order]}: the gradient of the weight is another function's")
            if last:
                self.refuses(NotImplementedError, lambda y=y, grad=grad: self.backward(y, grad, (True, False)))
                return
            if order > 0:
                self.backward(y, grad, (True, True))
                self.composites.take()
            factors.append(CALLS.gens[name])
            y, _ = self.backward(y, grad, (True, False))
            composite = self.check(order + 1, y, *factors)

    def refuses(self, kind: type[Exception], action: Callable[[], Any]) -> None:
        try:
            action()
        except Raised as error:
            if error.args == (kind.__name__,):
                return
        raise Mismatch(f"no {kind.__name__} is raised")


#: What a context offers, and a program may not replace.
CONTEXT = frozenset({"needs_input_grad", "saved_tensors", "save_for_backward"})


def requests(activation: Activation) -> Iterator[tuple[str, bool, dict[str, Any]]]:
    """The ways to give N and eps: what eps is then, whether as a float, and the arguments."""
    _, reals = split_parameters(activation)
    gens = CALLS.gens
    N = {"N": Scalar(gens["N"], INTEGER)}
    if any(p.fixed for p in reals):
        yield "eps_fixed", False, N
        return
    for floating in (False, True):
        yield "eps", floating, N | {"eps": Scalar(gens["eps"], INTEGER)}
        yield "eps_of_scale", floating, N | {"scale": Scalar(gens["scale"], INTEGER)}
    yield "eps_by_default", False, N


def requested(setting: Setting, activation: Activation) -> Iterator[tuple[str, bool, bool | None, dict[str, Any]]]:
    """These, and `accurate`, which is False where it is None: in all ways where it has a meaning, in one elsewhere.

    Nothing but a kernel knows of its lanes, and it sees no more of a request than autograd remembers.
    """
    meant = setting.version(0, True) is ACCURATE
    for place, (eps, floating, given) in enumerate(requests(activation)):
        if place == 0 or setting.lane == LANES[0]:
            yield eps, floating, None, given
            for accurate in (False, True) if meant or place == 0 else ():
                yield eps, floating, accurate, given | {"accurate": accurate}


def machines(source: Source, activation: Activation) -> Mapping[bool, Machine]:
    """The file loaded without triton and with it. Raises ValidationError."""
    _, reals = split_parameters(activation)
    numbers, composites = Numbers(CALLS, facts=((CALLS.gens["size"], 1),)), Composites(KNOWN, FUNCTIONS)
    fixed = next((Fraction(p.fixed) for p in reals if p.fixed), None)
    worlds = {triton: World(FLOATS["float64"], fixed=fixed, triton=triton) for triton in (False, True)}
    return {triton: Machine(source, numbers, world, composites, {}).load() for triton, world in worlds.items()}


def follow(loaded: Mapping[bool, Machine], activation: Activation, roles: Roles) -> Iterator[tuple[Setting, str]]:
    """Every setting and what is wrong there, empty if nothing is; fills `roles`. Raises ValidationError."""
    for setting in SETTINGS:
        wrong = ""
        try:
            call_all(loaded[setting.triton], setting, activation, roles)
        except Mismatch as error:
            wrong = str(error)
        except Raised as error:
            wrong = f"{error} is raised"
        yield setting, wrong


def call_all(m: Machine, setting: Setting, activation: Activation, roles: Roles) -> None:
    """The function and the module, however the parameters are given. Raises Mismatch, Raised."""
    function, cls = entry(m, activation.name, Function), entry(m, activation.name.upper(), Class)
    x = Tensor(CALLS.gens["x"], setting.type, device=setting.device, dense=setting.dense[0])
    first: dict[Version, Tensor] = {}
    for eps, floating, accurate, given in requested(setting, activation):
        world = replace(m.world, compute=setting.compute, lane=setting.lane, eps=eps, floating=floating)
        trace = Trace(replace(m, world=world), setting, roles, accurate is True)
        instance = Instance()
        trace.m.call(cls.methods["__init__"], (instance,), given)
        shown = trace.m.call(cls.methods["extra_repr"], (instance,))
        if not isinstance(shown, Text) or ("accurate=True" in shown.shown) != trace.accurate:
            raise Mismatch("the module does not show whether it was asked for pairs")
        version = setting.version(0, trace.accurate)
        calls = (
            lambda x, m=trace.m, given=given: m.call(function, (x,), given),
            lambda x, m=trace.m, instance=instance: m.call(cls.methods["forward"], (instance, x)),
        )
        for call in calls:
            y = call(x)
            if version not in first:
                trace.derivatives(y)
                first[version] = y
            else:
                trace.check(0, y)
                if not alike(y, first[version]):
                    raise Mismatch(f"{eps}: autograd does not remember the same as for another way to give it")
            for nothing in ("text", replace(x, type=INTEGER)) if accurate is None else ():
                trace.refuses(TypeError, lambda call=call, nothing=nothing: call(nothing))


def alike(y: Tensor, other: Tensor) -> bool:
    """Whether two tensors come from the same Function, applied to the same inputs: so their backward is the same."""
    if y.node is None or other.node is None or y.node.function is not other.node.function:
        return False
    return identical(y.node.inputs, other.node.inputs)


def identical(a: Any, b: Any) -> bool:
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(identical, a, b))
    if isinstance(a, Scalar) and isinstance(b, Scalar):
        return a.value == b.value and a.type == b.type
    return a is b or (type(a) is type(b) is int and a == b)


def entry(m: Machine, name: str, kind: type) -> Any:
    """What a user calls. Raises ValidationError."""
    if not isinstance(m.names.get(name), kind):
        raise ValidationError(f"the file has no {kind.__name__.lower()} {name}")
    return m.names[name]
