"""One call followed through its backward of each order: what each result is, as sums of products of functions.

f0, f1 and f2 are the functions of (x, N, constants) that the call reaches, x the place where they are evaluated. A
function's value is f0(x), g its incoming gradient, and the backward of each order gives the next function times all
incoming gradients. A gated unit is f0(x) up, and its gradients, with w the incoming one, f1(x) w up and f0(x) w; with a
and b the incoming gradients of those, the next are f2(x) w up a + f1(x) w b for x, f1(x) w a for up and
f1(x) up a + f0(x) b for w.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from gem_symbolic.readback.machine import Machine
from gem_symbolic.readback.settings import BIASED, CALLS, GRADIENTS, NUMBER, Setting
from gem_symbolic.readback.source import Composite, Composites
from gem_symbolic.readback.values import (
    Instance,
    Layout,
    Node,
    Packed,
    Primitive,
    Raised,
    Scalar,
    Shape,
    Tensor,
    Type,
)
from gem_symbolic.readback.versions import ORDERS, PAIR, Version

#: Of a version, the functions that were seen to give the derivative of an order.
Roles = dict[tuple[Version, int], dict[Composite, None]]
#: What a context offers, and a program may not replace.
CONTEXT = frozenset({"needs_input_grad", "saved_tensors", "save_for_backward"})
X, OTHER, TOTAL = (CALLS.gens[name] for name in ("x", "other", "total"))


class Mismatch(Exception):
    """The call gives something else than it should."""


@dataclass(frozen=True)
class Trace:
    """Calls in one setting, of functions at x or at x + bias; which function gave which derivative is kept in `roles`.

    `functions` are those of this setting, by version and order.
    """

    m: Machine
    setting: Setting
    roles: Roles
    accurate: bool = False
    functions: dict[tuple[str, int], Composite] = field(default_factory=dict)

    @property
    def composites(self) -> Composites:
        assert self.m.composites is not None
        return self.m.composites

    @property
    def biased(self) -> bool:
        return self.m.world.at == BIASED

    def tensor(self, name: str, layout: Layout | None = None) -> Tensor:
        """A symbol as a tensor, of the type and shape of x."""
        at = self.setting
        return Tensor(CALLS.gens[name], at.type, "torch", at.device, at.shape, layout or at.layouts[1])

    # --- Results ---

    def value(self, what: str, found: Any, value: Any, operations: int) -> None:
        """That the tensor is that, by so many operations, rounded once to its type: or nothing, where there is nothing.

        Raises Mismatch.
        """
        if not isinstance(found, Tensor):
            raise Mismatch(f"{what}: no tensor")
        if (found.value is None) == self.setting.writes:
            raise Mismatch(f"{what}: the element is not written, or one is that is not there")
        if found.value is not None and found.value != value:
            raise Mismatch(f"{what}: the result is {found.value}, not {value}")
        if found.value is not None and found.rounded != operations:
            raise Mismatch(f"{what}: {found.rounded} operations, not {operations}")
        self.form(what, found, self.setting.type, self.setting.shape)

    def form(self, what: str, found: Tensor, kind: Type, shape: Shape) -> None:
        """The type and shape of a result, and that no digits were lost that these and the type of x have."""
        if found.type != kind or found.bits < min(kind.bits, self.setting.type.bits):
            raise Mismatch(f"{what}: the result is rounded to {found.type} by way of {found.bits} bits")
        if found.shape != shape:
            raise Mismatch(f"{what}: the result has another shape")

    def single(self, order: int, found: Any, factors: Sequence[Any]) -> None:
        """That the tensor is one function of x, once, times each of the factors. Raises Mismatch.

        A product of k + 1 symbols that came from k operations is that of k multiplications; x + bias is one more.
        """
        called, what = self.composites.take(), ORDERS[order]
        if len(called) != (not self.setting.empty):
            raise Mismatch(f"{what}: {len(called)} functions of x are called")
        version = self.setting.version(order, self.accurate, self.m.world.at)
        for composite in called:
            if composite.home != version.home or version.pairs == set(PAIR).isdisjoint(composite.roles):
                raise Mismatch(f"{what}: {composite.function.name} is no function of {version.title}")
            if self.functions.setdefault((version.name, order), composite) != composite:
                raise Mismatch(f"{what}: {composite.function.name} is another function than before")
            self.roles.setdefault((version, order), {})[composite] = None
        product = math.prod(factors, start=self.function(order) if called else CALLS.number(0))
        self.value(what, found, product, len(factors) + self.biased)

    def own(self, order: int) -> Composite:
        return self.functions[self.setting.version(order, self.accurate, self.m.world.at).name, order]

    def function(self, order: int) -> Any:
        """The function that gives the derivative of that order here."""
        return self.composites.found[self.own(order)]

    # --- Autograd ---

    def backward(self, node: Node | None, grads: Sequence[Any], needs: set[int]) -> tuple[Any, ...]:
        """The gradients of the inputs. Raises Mismatch where there is not one for each."""
        if node is None:
            raise Mismatch("the result does not come from an autograd.Function")
        needed = tuple(place in needs for place in range(len(node.inputs)))
        context = Instance({"needs_input_grad": needed}, CONTEXT)

        def save(m: Machine, *tensors: Any) -> None:
            context.attributes["saved_tensors"] = tensors

        context.attributes["save_for_backward"] = Primitive("save_for_backward", save)
        self.m.call(node.function.methods["setup_context"], (context, node.inputs, node.output))
        found = self.m.call(node.function.methods["backward"], (context, *grads))
        if not isinstance(found, tuple) or len(found) != len(node.inputs):
            raise Mismatch("the backward does not return a gradient for each input")
        return found

    def needed(self, node: Node | None, grads: Sequence[Any], *needs: int) -> tuple[Any, ...]:
        """The gradients of these inputs. Raises Mismatch where others are returned, or not these.

        That of a bias is made from that of x, which may then be returned too.
        """
        found, free = self.backward(node, grads, set(needs)), {0} if 2 in needs else set[int]()
        if any((grad is not None) != (place in needs) for place, grad in enumerate(found) if place not in free):
            raise Mismatch("the backward returns a gradient that is not needed, or does not return one that is")
        return tuple(found[place] for place in needs)

    def elementwise(self, y: Tensor, factors: Sequence[Any], bias: Tensor | None) -> None:
        """What the backward of each order gives, from the value on, which is times the factors. Raises Mismatch."""
        factors = list(factors)
        self.single(0, y, factors)
        for order, name in enumerate(GRADIENTS):
            grad, node = self.tensor(name), y.node
            self.takes(node, X, math.prod(factors, start=CALLS.number(1)) if factors else None, bias)
            x, weight, shift = range(3)
            self.needed(node, (grad,))
            if factors:
                self.single(order, self.needed(node, (grad,), weight)[0], [CALLS.gens[name]])
            if order + 1 == len(ORDERS):
                for place in (x, shift) if bias else (x,):
                    self.refuses(NotImplementedError, lambda g=grad, n=node, p=place: self.needed(n, (g,), p))
                return
            self.needed(node, (grad,), x, *([weight] if factors else ()), *([shift] if bias else ()))
            self.composites.take()
            factors.append(CALLS.gens[name])
            if bias:
                self.summed(order + 1, self.needed(node, (grad,), shift)[0], factors, bias)
            (y,) = self.needed(node, (grad,), x)
            self.single(order + 1, y, factors)

    def takes(self, node: Node | None, *values: Any) -> None:
        """That the first inputs of a Function are these tensors, or None: the backward's results belong to them."""
        given = () if node is None else node.inputs[: len(values)]
        if len(given) != len(values):
            raise Mismatch("the result does not come from a Function of x, its weight and a bias")
        for a, value in zip(given, values):
            known = a.value if isinstance(a, Tensor) else a
            expected = value.value if isinstance(value, Tensor) else value
            if (known is None or expected is None) and known is not expected:
                raise Mismatch("a Function gets a tensor that it should not get, or does not get one that it should")
            if known is not None and known != expected:
                raise Mismatch(f"a Function gets {known}, not {expected}")

    def summed(self, order: int, found: Any, factors: Sequence[Any], bias: Tensor) -> None:
        """That the tensor is the gradient of bias: that of x in its type, summed over all dimensions but the last."""
        what = f"{ORDERS[order]}, of bias"
        grad = self.composites.take()
        if not isinstance(found, Tensor) or len(grad) != (not self.setting.empty):
            raise Mismatch(f"{what}: no tensor, or more than one function of x is called")
        self.form(what, found, bias.type, bias.shape)
        if self.setting.writes:
            composite = self.composites.found[grad[0]]
            expected = math.prod(factors, start=composite if self.setting.shape == NUMBER else composite * TOTAL)
            if found.value != expected or found.rounded != len(factors) + 1:
                raise Mismatch(f"{what}: the result is {found.value}, not {expected}")
        elif found.value is not None:
            raise Mismatch(f"{what}: an element that is not there")

    def gated(self, y: Tensor, packed: bool) -> None:
        """What the backward of both orders gives for a gated unit. Raises Mismatch."""
        self.single(0, y, [OTHER])
        w, a, b = map(self.tensor, GRADIENTS)
        grads = self.backward(y.node, (w,), {0, 1})
        gate, up = self.both(grads, packed)
        if self.setting.empty:
            return
        W, A, B = w.value, a.value, b.value
        f0, f1 = (self.function(order) for order in (0, 1))
        self.calls("gradients of a gated unit", 1, 0)
        self.value("gated, gradient of x", gate, f1 * W * OTHER, 2)
        self.value("gated, gradient of up", up, f0 * W, 1)
        if not self.setting.writes:
            return
        node = grads[0].node
        *both, weight = self.backward(node, (Packed(a, b),) if packed else (a, b), {0, 1, 2})[:3]
        gate, up = self.both((*both, None), packed)
        f2 = self.function(2)
        self.calls("second gradients of a gated unit", 2, 1, 1, 1, 0)
        self.value("gated, second gradient of x", gate, f2 * W * OTHER * A + f1 * W * B, 6)
        self.value("gated, second gradient of up", up, f1 * W * A, 2)
        self.value("gated, second gradient of w", weight, f1 * OTHER * A + f0 * B, 4)

    def both(self, grads: Sequence[Any], packed: bool) -> tuple[Any, Any]:
        """The gradients of x and up, which are two tensors, or one that holds both and nothing. Raises Mismatch."""
        x, up, *rest = grads
        if any(grad is not None for grad in rest):
            raise Mismatch("a gated unit gives a gradient of what is no tensor")
        if not packed:
            return x, up
        if not isinstance(x, Packed) or up is not None:
            raise Mismatch("the gradient of both halves is not one tensor")
        return x.left, x.right

    def calls(self, what: str, *orders: int) -> None:
        """That the functions of these orders were called, each as often as it stands there. Raises Mismatch."""
        called, expected = Counter(self.composites.take()), Counter(map(self.own, orders))
        if called != expected:
            raise Mismatch(f"{what}: other functions of x are called than those of {orders}")

    def refuses(self, kind: type[Exception], action: Callable[[], Any]) -> None:
        try:
            action()
        except Raised as error:
            if error.args == (kind.__name__,):
                return
        raise Mismatch(f"no {kind.__name__} is raised")


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
