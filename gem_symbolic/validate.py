"""Reads a kernel file back and proves that it computes the definition: value, first and second derivative.

The text alone is looked at. `readback` runs it, from the function that a user calls, in every setting (device, type,
with and without triton, lanes of a block), forward and through the backward of each order, with x a symbol: so it is
known which function of (x, s, 1/s, N) gives which derivative. Then each such function is run exactly, for given N, once
for every region of the line, and the rational function that comes out is compared with the derivative of the
definition there: an identity of polynomials, a proof for every x of the region and every eps. A statement or an
expression that is not understood, or that no case reaches, is an error.

`python -m gem_symbolic.validate codegen/segem.py` exits with 0 if the file is its definition, 1 if not, and with 2 for
a usage error.
"""

import argparse
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

from gem_symbolic.branches import branch_values, partition, split_parameters
from gem_symbolic.checkers.flint import FlintAlgebra
from gem_symbolic.definitions import Activation, find
from gem_symbolic.expressions import ExpressionError
from gem_symbolic.readback.library import FLOATS
from gem_symbolic.readback.machine import Composite, Composites, Machine, Source, World
from gem_symbolic.readback.numbers import Numbers
from gem_symbolic.readback.values import (
    COMPUTE,
    INTEGER,
    Class,
    Function,
    Instance,
    Primitive,
    Raised,
    Scalar,
    Tensor,
    Type,
    ValidationError,
)

ORDERS = ("value", "first derivative", "second derivative")
TARGETS = {"torch": "PyTorch", "triton": "Triton"}


@dataclass(frozen=True)
class Finding:
    """Whether a target computes what it should in one region or setting; how it is known, or why not."""

    target: str
    order: str
    where: str
    holds: bool
    why: str


@dataclass(frozen=True)
class Validation:
    """What was found about a file."""

    activation: str
    Ns: tuple[int, ...]
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        return all(f.holds for f in self.findings)

    @property
    def refuted(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if not f.holds)


# --- The regions of the line, and the definition there ---


@dataclass(frozen=True)
class Region:
    """Part of the line: its side, and where |x| is; r = |x|/s."""

    name: str
    side: int
    place: str


REGIONS = (
    Region("x = -inf", -1, "infinity"),
    Region("x < -s", -1, "outside"),
    Region("x = -s", -1, "scale"),
    Region("-s < x < 0", -1, "inside"),
    Region("x = -0", -1, "zero"),
    Region("x = +0", 1, "zero"),
    Region("0 < x < s", 1, "inside"),
    Region("x = s", 1, "scale"),
    Region("x > s", 1, "outside"),
    Region("x = +inf", 1, "infinity"),
    Region("x = NaN", 1, "nan"),
)
#: Everything is written in s, r and h; h > 0 moves r through (0, 1) and (1, oo).
FIELD = FlintAlgebra(("s", "r", "h"))
ONE, S, R, H = FIELD.number(1), *(FIELD.gens[name] for name in FIELD.symbols)
MOVED = {"inside": ONE / (ONE + H), "outside": ONE + H}


def position(region: Region) -> Any:
    """x in the region, as a number."""
    side = FIELD.number(region.side)
    match region.place:
        case "inside" | "outside":
            return side * S * R
        case "scale":
            return side * S
        case "zero":
            return math.copysign(0.0, region.side)
        case "infinity":
            return math.copysign(math.inf, region.side)
    return math.nan


@dataclass(frozen=True)
class Definition:
    """The derivatives of an activation for one N, in s and r, on both sides of 0."""

    activation: Activation
    N: int

    @cached_property
    def sides(self) -> Mapping[int, list[Any]]:
        """side -> the branch there and its derivatives. Raises ValidationError for what has another junction than 0."""
        intervals = partition(self.activation)
        if any(end not in (None, 0) for i in intervals for end in (i.low, i.high)):
            raise ValidationError(f"{self.activation.name} is not joined at 0")
        integer, reals = split_parameters(self.activation)
        if any(p.power != "2*N" for p in reals):
            raise ValidationError(f"{self.activation.name} has a parameter that is not a power of the scale")
        names = {p.name: S ** (2 * self.N) for p in reals} | {integer.name: FIELD.number(self.N)}
        found = {}
        for side in (-1, 1):
            length = FIELD.number(side) * S
            values = branch_values(self.activation, {**names, "x": length * R}, number=FIELD.number, power=power)
            derivatives = [next(v for i, v in zip(intervals, values) if side in i)]
            for _ in ORDERS[1:]:
                derivatives.append(FIELD.diff(derivatives[-1], "r") / length)
            found[side] = derivatives
        return found

    def at(self, region: Region, order: int) -> Any:
        """The value of that derivative in the region, or its limit: a number. At 0 it is that of the branch of 0."""
        left = next(i for i in partition(self.activation) if -1 in i)
        own = -1 if 0 in left else 1
        value = self.sides[own if region.place == "zero" else region.side][order]
        match region.place:
            case "scale":
                value = FIELD.substitute(value, r=ONE)
            case "zero":
                value = FIELD.substitute(value, r=FIELD.number(0))
            case "infinity":
                return limit(value)
            case "nan":
                return math.nan
        return 0.0 if value == 0 else value


def power(base: Any, exponent: Any) -> Any:
    """Raises ExpressionError for an exponent that is no integer."""
    constant = FIELD.constant(exponent)
    if constant is None or constant.denominator != 1:
        raise ExpressionError(f"the exponent {exponent} is no integer")
    return base ** int(constant)


def limit(value: Any) -> Any:
    """The limit of an element as r grows, as a number."""
    if value == 0:
        return 0.0
    top, bottom = (FIELD.coefficients(part, "r") for part in FIELD.fraction(value))
    leading = top[-1] / bottom[-1]
    if len(top) == len(bottom):
        return leading
    return math.copysign(math.inf, Numbers(FIELD, frozenset("s")).sign(leading)) if len(top) > len(bottom) else 0.0


def same(a: Any, b: Any) -> bool:
    if isinstance(a, float) != isinstance(b, float):
        return False
    return a == b or (isinstance(a, float) and math.isnan(a) and math.isnan(b))


# --- The functions of (x, s, 1/s, N), each against a derivative ---


def prove(m: Machine, composite: Composite, order: int, definitions: Iterable[Definition]) -> Iterator[Finding]:
    """A finding for every region. Raises ValidationError."""
    for region in REGIONS:
        moved = {"r": MOVED[region.place]} if region.place in MOVED else {}
        numbers = Numbers(FIELD, frozenset(FIELD.symbols) if moved else frozenset("s"), moved)
        runner = replace(m, numbers=numbers, jit=composite.home == "triton")
        holds, why = True, "equal as rational functions of x and s" if moved else "equal"
        for definition in definitions:
            given = {
                "x": Tensor(position(region), COMPUTE, composite.home),
                "s": Scalar(S, COMPUTE),
                "inv_s": Scalar(ONE / S, COMPUTE),
                "N": definition.N,
            }
            found = runner.call(composite.function, [given[role] for role in composite.roles])
            expected = definition.at(region, order)
            if not isinstance(found, Tensor) or found.type != COMPUTE or not same(found.value, expected):
                got = getattr(found, "value", "no tensor")
                holds, why = False, f"N = {definition.N}: {composite.function.name} gives {got}, not {expected}"
                break
        yield Finding(TARGETS[composite.home], ORDERS[order], region.name, holds, why)


# --- The way from the user's call to those functions, and back through autograd ---

#: Of a target, the functions that were seen to give the derivative of an order.
Roles = dict[tuple[str, int], dict[Composite, None]]
GRADIENTS = ("g0", "g1", "g2")
SYMBOLS = ("N", "eps", "eps_of_scale", "eps_by_default", "eps_fixed", "scale", "s", "x", "block", "lane", "size")
FUNCTIONS = tuple(f"f{k}" for k in range(12))
CALLS = FlintAlgebra((*SYMBOLS, *GRADIENTS, *FUNCTIONS))
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

    @property
    def composites(self) -> Composites:
        assert self.m.composites is not None
        return self.m.composites

    def tensor(self, name: str, dense: bool) -> Tensor:
        return Tensor(CALLS.gens[name], self.setting.type, "torch", self.setting.device, dense)

    def check(self, order: int, found: Any, factor: Any) -> Composite:
        """That the tensor is one function of x, once, times the factor: or nothing, beyond the end. Raises Mismatch."""
        called = self.composites.take()
        if len(called) != 1 or not isinstance(found, Tensor):
            raise Mismatch(f"{ORDERS[order]}: {len(called)} functions of x are called, not one")
        expected = self.composites.found[called[0]] * factor if self.setting.lane[1] > 0 else None
        if (found.value is None or expected is None) and found.value is not expected:
            raise Mismatch(f"{ORDERS[order]}: the element is not written")
        if found.value is not None and found.value != expected:
            raise Mismatch(f"{ORDERS[order]}: the result is {found.value}, not {expected}")
        if found.type != self.setting.type or found.bits < found.type.bits:
            raise Mismatch(f"{ORDERS[order]}: the result is rounded to {found.type} by way of {found.bits} bits")
        self.roles.setdefault((called[0].home, order), {})[called[0]] = None
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
        composite, factor = self.check(0, y, CALLS.number(1)), CALLS.number(1)
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
            factor = factor * CALLS.gens[name]
            y, _ = self.backward(y, grad, (True, False))
            composite = self.check(order + 1, y, factor)

    def refuses(self, kind: type[Exception], action: Callable[[], Any]) -> None:
        try:
            action()
        except Raised as error:
            if error.args == (kind.__name__,):
                return
        raise Mismatch(f"no {kind.__name__} is raised")


#: What a context offers, and a program may not replace.
CONTEXT = frozenset({"needs_input_grad", "saved_tensors", "save_for_backward"})


def requests(activation: Activation) -> Iterator[tuple[str, bool, dict[str, Scalar]]]:
    """The ways to give the parameters: what eps is then, whether as a float, and the arguments."""
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


def machines(source: Source, activation: Activation) -> Mapping[bool, Machine]:
    """The file loaded without triton and with it. Raises ValidationError."""
    _, reals = split_parameters(activation)
    known = {
        "x": CALLS.gens["x"],
        "s": CALLS.gens["s"],
        "inv_s": CALLS.number(1) / CALLS.gens["s"],
        "N": CALLS.gens["N"],
    }
    numbers, composites = Numbers(CALLS, facts=((CALLS.gens["size"], 1),)), Composites(known, FUNCTIONS)
    fixed = next((Fraction(p.fixed) for p in reals if p.fixed), None)
    worlds = {triton: World(FLOATS["float64"], fixed=fixed, triton=triton) for triton in (False, True)}
    return {triton: Machine(source, numbers, world, composites, {}).load() for triton, world in worlds.items()}


def follow(loaded: Mapping[bool, Machine], activation: Activation, roles: Roles) -> Iterator[Finding]:
    """A finding for every setting; fills `roles`. Raises ValidationError."""
    for setting in SETTINGS:
        holds, why = True, "each derivative is one function of x, s, 1/s and N, times the incoming gradients"
        try:
            call_all(loaded[setting.triton], setting, activation, roles)
        except Mismatch as error:
            holds, why = False, str(error)
        except Raised as error:
            holds, why = False, f"{error} is raised"
        yield Finding("calls", "all", str(setting), holds, why)


def call_all(m: Machine, setting: Setting, activation: Activation, roles: Roles) -> None:
    """The function and the module, however the parameters are given. Raises Mismatch, Raised."""
    function, cls = entry(m, activation.name, Function), entry(m, activation.name.upper(), Class)
    x = Tensor(CALLS.gens["x"], setting.type, device=setting.device, dense=setting.dense[0])
    first = None
    for eps, floating, given in requests(activation):
        world = replace(m.world, compute=setting.compute, lane=setting.lane, eps=eps, floating=floating)
        trace = Trace(replace(m, world=world), setting, roles)
        instance = Instance()
        trace.m.call(cls.methods["__init__"], (instance,), given)
        trace.m.call(cls.methods["extra_repr"], (instance,))
        calls = (
            lambda x, m=trace.m, given=given: m.call(function, (x,), given),
            lambda x, m=trace.m, instance=instance: m.call(cls.methods["forward"], (instance, x)),
        )
        for call in calls:
            y = call(x)
            if first is None:
                trace.derivatives(y)
                first = y
            else:
                trace.check(0, y, CALLS.number(1))
                if not alike(y, first):
                    raise Mismatch(f"{eps}: autograd does not remember the same as for another way to give it")
            for nothing in ("text", replace(x, type=INTEGER)):
                trace.refuses(TypeError, lambda call=call, nothing=nothing: call(nothing))


def alike(y: Tensor, other: Tensor) -> bool:
    """Whether two tensors come from the same Function, applied to the same inputs: so their backward is the same."""
    if y.node is None or other.node is None or y.node.function is not other.node.function:
        return False
    return len(y.node.inputs) == len(other.node.inputs) and all(
        a is b
        or (isinstance(a, Scalar) and isinstance(b, Scalar) and a.value == b.value and a.type == b.type)
        or (type(a) is type(b) is int and a == b)
        for a, b in zip(y.node.inputs, other.node.inputs)
    )


def entry(m: Machine, name: str, kind: type) -> Any:
    """What a user calls. Raises ValidationError."""
    if not isinstance(m.names.get(name), kind):
        raise ValidationError(f"the file has no {kind.__name__.lower()} {name}")
    return m.names[name]


def validate(source: str, activation: Activation, Ns: Iterable[int] = range(1, 9)) -> Validation:
    """Proves that a kernel file is the definition for these N; N = 2 is always among them, as loops do not run at 1.

    Raises ValidationError, naming the line, for what is not understood or reached by no case.
    """
    chosen = tuple(sorted({*Ns, 2}))
    read = Source.read(source)
    roles: Roles = {}
    try:
        loaded = machines(read, activation)
        findings = list(follow(loaded, activation, roles))
        definitions = [Definition(activation, N) for N in chosen]
        for (_, order), composites in roles.items():
            for composite in composites:
                world = World(COMPUTE, triton=composite.triton)
                m = replace(loaded[composite.triton], world=world, composites=None)
                findings += prove(m, composite, order, definitions)
    except RecursionError:
        raise ValidationError("a function calls itself without end") from None
    result = Validation(activation.name, chosen, tuple(findings))
    if result.holds:
        for node in read.unreached():
            raise read.refusal(node, "no case reaches this, so it is not known what it does")
        missing = [f"{TARGETS[t]}, {ORDERS[k]}" for t in TARGETS for k in range(len(ORDERS)) if (t, k) not in roles]
        if missing:
            raise ValidationError(f"nothing computes {missing[0]}")
    return result


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    from rich.console import Console
    from rich.table import Table

    parser = argparse.ArgumentParser(
        prog="python -m gem_symbolic.validate", description="Prove that kernel files are their definitions."
    )
    parser.add_argument("files", nargs="+", type=Path, help="kernel files, each named after its variant")
    console, status = Console(), 0
    for path in parser.parse_args(arguments).files:
        try:
            text, activation = path.read_text(encoding="utf-8"), find(path.stem)
        except (OSError, ValueError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            return 2
        try:
            result = validate(text, activation)
        except ValidationError as error:
            print(f"{path}: {error}", file=sys.stderr)
            status = 1
            continue
        table = Table(title=f"{path}, N = {', '.join(map(str, result.Ns))}")
        for heading in ("target", "what", "cases", "result"):
            table.add_column(heading)
        for target, order in dict.fromkeys((f.target, f.order) for f in result.findings):
            rows = [f for f in result.findings if (f.target, f.order) == (target, order)]
            wrong = [f"{f.where}: {f.why}" for f in rows if not f.holds]
            table.add_row(target, order, str(len(rows)), wrong[0] if wrong else "[green]proved[/green]")
        console.print(table)
        status = status or int(not result.holds)
    return status


if __name__ == "__main__":
    sys.exit(main())
