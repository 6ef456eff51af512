"""The way from the user's call to the functions of (x, N, constants), and back through autograd, in every setting.

x, N, eps, bias, up and the incoming gradients are symbols, and so is each of those functions: what is found holds for
all.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from gem_symbolic.definitions import Activation
from gem_symbolic.emit import module
from gem_symbolic.readback.elements import FLOATS
from gem_symbolic.readback.machine import Machine
from gem_symbolic.readback.numbers import Numbers
from gem_symbolic.readback.settings import (
    BIASED,
    CALLS,
    FUNCTIONS,
    KNOWN,
    NUMBER,
    PLACES,
    PLAIN,
    SETTINGS,
    SINGLE,
    Setting,
    requested,
)
from gem_symbolic.readback.source import Composites, Source, World
from gem_symbolic.readback.tensors import PARAMETER
from gem_symbolic.readback.traces import Mismatch, Roles, Trace, alike
from gem_symbolic.readback.values import (
    INTEGER,
    TENSOR,
    Class,
    Function,
    Instance,
    Layout,
    Packed,
    Raised,
    Shape,
    Tensor,
    Text,
    ValidationError,
)

#: The type of a bias, by that of x: another one, so that it is seen which one is meant where.
OTHERS = {"float16": "float32", "bfloat16": "float64", "float32": "float16", "float64": "float32"}
BIAS = {name: FLOATS[other] for name, other in OTHERS.items()}
#: The scale is out of the range of these types.
EXCLUDED = (frozenset({FLOATS["float32"]}), frozenset({FLOATS["float32"], FLOATS["float64"]}))


def machines(source: Source, activation: Activation) -> Mapping[bool, Machine]:
    """The file loaded without triton and with it. Raises ValidationError."""
    numbers = Numbers(CALLS)
    fixed = next((Fraction(p.fixed) for p in activation.parameters if p.fixed), None)
    worlds = {triton: World(FLOATS["float64"], fixed=fixed, triton=triton) for triton in (False, True)}
    return {
        triton: Machine(source, numbers, world, Composites(KNOWN, PLACES, FUNCTIONS), {}).load()
        for triton, world in worlds.items()
    }


def follow(loaded: Mapping[bool, Machine], activation: Activation, roles: Roles) -> Iterator[tuple[Setting, str]]:
    """Every setting and what is wrong there, empty if nothing is; fills `roles`. Raises ValidationError."""
    for setting in (replace(s, parametric=bool(activation.parameters)) for s in SETTINGS):
        wrong = ""
        try:
            call_all(loaded[setting.triton], setting, activation, roles)
        except Mismatch as error:
            wrong = str(error)
        except Raised as error:
            wrong = f"{error} is raised"
        yield setting, wrong


@dataclass(frozen=True)
class Inputs:
    """The tensors of a call: x, a bias, what f(x) is multiplied with in a gated unit, and x with that in one."""

    x: Tensor
    bias: Tensor
    up: Tensor
    packed: Packed

    @classmethod
    def of(cls, setting: Setting) -> "Inputs":
        x, bias, up = (
            Tensor(CALLS.gens[name], setting.type, "torch", setting.device, setting.shape, layout)
            for name, layout in zip(("x", "bias", "other"), (setting.layouts[0], *setting.layouts[1:] * 2))
        )
        bias = replace(bias, type=BIAS[setting.type.name], shape=Shape(setting.shape.sizes[-1:]))
        kind = TENSOR if setting.kind == PARAMETER else setting.kind
        left, right = (replace(half, layout=Layout.STRIDED, kind=kind) for half in (x, up))
        return cls(replace(x, kind=setting.kind), bias, up, Packed(left, right, kind=setting.kind))


@dataclass(frozen=True)
class Way:
    """A way to call an activation and its gated unit, with parameters that are given; a module takes no bias."""

    plain: Callable[..., Any]
    unit: Callable[..., Any]
    biased: bool = False

    def forms(self, m: Machine, inputs: Inputs) -> Iterator[tuple[str, str, Callable[[], Any]]]:
        """What can be called, by name; where functions are then evaluated; and the call."""
        yield "plain", PLAIN, lambda: self.plain(m, inputs.x)
        if self.biased:
            yield "biased", BIASED, lambda: self.plain(at(m, BIASED), inputs.x, bias=inputs.bias)
        yield "gated", PLAIN, lambda: self.unit(m, inputs.x, inputs.up)
        if inputs.x.shape != NUMBER:
            yield "packed", PLAIN, lambda: self.unit(m, inputs.packed)

    def bad(self, m: Machine, inputs: Inputs) -> Iterator[tuple[type[Exception], Callable[[], Any]]]:
        """What must raise, and as what."""
        x, up, integers = inputs.x, inputs.up, replace(inputs.x, type=INTEGER)
        lines, columns, length = (CALLS.gens[name] for name in ("lines", "columns", "length"))
        for nothing in ("text", integers):
            yield TypeError, lambda a=nothing: self.plain(m, a)
            yield TypeError, lambda a=nothing: self.unit(m, a)
            yield TypeError, lambda a=nothing: self.unit(m, x, a)
        shapes = [Shape(), *map(Shape, ((columns,), (length,), (lines, columns), (lines, length)))]
        biases = ["text", *(replace(inputs.bias, shape=s) for s in shapes if s != inputs.bias.shape)]
        for bias in biases if self.biased else ():
            yield ValueError, lambda a=bias: self.plain(m, x, bias=a)
        for shape in (Shape(), Shape((lines, 2 * columns + 1)), Shape((2 * columns + 1,))):
            yield ValueError, lambda a=shape: self.unit(m, replace(x, shape=a))
        others = [replace(up, type=BIAS[x.type.name]), *(replace(up, shape=s) for s in shapes if s != x.shape)]
        for other in others:
            yield ValueError, lambda a=other: self.unit(m, x, a)


def at(m: Machine, place: str) -> Machine:
    return replace(m, world=replace(m.world, at=place))


class Entries:
    """What a user calls in a file: the function, its gated unit, and a module for each. Raises ValidationError."""

    def __init__(self, m: Machine, activation: Activation):
        self.functions = [entry(m, f"{activation.name}{unit}", Function) for unit in ("", "_glu")]
        self.modules = [entry(m, f"{module(activation)}{unit}", Class) for unit in ("", "GLU")]

    def ways(self, trace: Trace, given: Mapping[str, Any]) -> Iterator[Way]:
        """The functions and the modules, with these parameters. Raises Mismatch where these do not show them."""

        def called(function: Function) -> Callable[..., Any]:
            return lambda m, *args, **more: m.call(function, args, {**given, **more})

        function, unit = map(called, self.functions)
        yield Way(function, unit, biased=True)

        def built(cls: Class) -> Callable[..., Any]:
            instance = Instance()
            if trace.setting.parametric or not cls.methods.keys() <= {"forward"}:
                trace.m.call(method(cls, "__init__"), (instance,), given)
                shown = trace.m.call(method(cls, "extra_repr"), (instance,))
                if not isinstance(shown, Text) or ("accurate=True" in shown.shown) != trace.accurate:
                    raise Mismatch("the module does not show whether it was asked for pairs")
            return lambda m, *args: m.call(method(cls, "forward"), (instance, *args))

        if trace.setting.ordinary:  # a module calls no kernel otherwise than a function does
            module, unit = map(built, self.modules)
            yield Way(module, unit)


def call_all(m: Machine, setting: Setting, activation: Activation, roles: Roles) -> None:
    """The functions and the modules, however the parameters are given. Raises Mismatch, Raised."""
    entries, inputs = Entries(m, activation), Inputs.of(setting)
    m = replace(m, numbers=replace(m.numbers, facts=setting.facts))
    world = replace(
        m.world,
        compute=setting.compute,
        compiled=setting.compiled,
        exported=setting.exported,
        lane=setting.lane,
        single=setting.shape in (NUMBER, SINGLE),
        empty=setting.empty,
    )
    trace, first = Trace(m, setting, roles), dict[tuple[str, str], Any]()
    trace.composites.take()  # what a refuted setting has left
    for place, (eps, floating, accurate, given) in enumerate(requested(setting, activation)):
        here = replace(world, eps=eps, floating=floating)
        trace = replace(trace, m=replace(m, world=here), accurate=accurate is True)
        for way in entries.ways(trace, given):
            for form, spot, call in way.forms(trace.m, inputs):
                follow_one(replace(trace, m=at(trace.m, spot)), form, call(), inputs, first)
            for kind, call in way.bad(trace.m, inputs) if setting.thorough and place == 0 and accurate is None else ():
                trace.refuses(kind, call)
        for excluded in EXCLUDED if setting.parametric and place == 0 and setting.thorough else ():
            out_of_range(replace(trace, m=replace(m, world=replace(here, excluded=excluded))), entries, given, inputs)


def follow_one(trace: Trace, form: str, y: Any, inputs: Inputs, first: dict[tuple[str, str], Any]) -> None:
    """What a call gives, and its backward unless that is known from another such call. Raises Mismatch."""
    key, gated = (form, trace.setting.version(0, trace.accurate).name), form in ("gated", "packed")
    if trace.setting.exported:
        trace.single(0, y, [inputs.up.value] if gated else [])
        if y.node is not None:
            raise Mismatch(f"{form}: a Function is exported")
        return
    if key in first:
        trace.single(0, y, [inputs.up.value] if gated else [])
        if not alike(y, first[key]):
            raise Mismatch(f"{form}: autograd does not remember the same as for another way to give the parameters")
        return
    if gated and not trace.setting.compiled:
        trace.gated(y, form == "packed")
    else:
        trace.elementwise(y, [inputs.up.value] if gated else [], inputs.bias if form == "biased" else None)
    first[key] = y


def out_of_range(trace: Trace, entries: Entries, given: Mapping[str, Any], inputs: Inputs) -> None:
    """Where the scale is out of the range of the type that computes, calls must raise, and not otherwise."""
    for way in entries.ways(trace, given):
        for call in (lambda w=way: w.plain(trace.m, inputs.x), lambda w=way: w.unit(trace.m, inputs.packed)):
            if trace.setting.compute in trace.m.world.excluded:
                trace.refuses(ValueError, call)
            else:
                call()
                trace.composites.take()


def method(cls: Class, name: str) -> Function:
    """A method of a class, its own or inherited. Raises ValidationError."""
    if name not in cls.methods:
        raise ValidationError(f"the class {cls.name} has no method {name}")
    return cls.methods[name]


def entry(m: Machine, name: str, kind: type) -> Any:
    """What a user calls. Raises ValidationError."""
    if not isinstance(m.names.get(name), kind):
        raise ValidationError(f"the file has no {kind.__name__.lower()} {name}")
    return m.names[name]
