"""What operations on elements of tensors, on constants and on integers give: a number, and the type it has then."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from gem_symbolic.formats import FORMATS
from gem_symbolic.readback.numbers import Refused
from gem_symbolic.readback.values import (
    BOOL,
    INT32,
    INT64,
    INTEGER,
    LITERAL,
    Layout,
    Library,
    Pointer,
    Scalar,
    Shape,
    Tensor,
    Type,
)

FORMAT_OF = {"float16": "binary16", "bfloat16": "bfloat16", "float32": "binary32", "float64": "binary64"}
FLOATS: Mapping[str, Type] = {name: Type(name, FORMATS[form].precision) for name, form in FORMAT_OF.items()}
INTEGERS: Mapping[str, Type] = {"int32": INT32, "int64": INT64}
WHOLE = {INTEGER, INT32, INT64}
#: What takes the type of the tensor that it meets.
WEAK = {INTEGER, LITERAL}


def home(m: Any) -> str:
    """The library whose operations apply where the machine is: those of Triton within a kernel."""
    return "triton" if m.jit else "torch"


def number(m: Any, value: Any) -> Any:
    """The number that a tensor, a scalar or an integer is."""
    match value:
        case Tensor(type=kind) if kind != BOOL:
            return value.known
        case Scalar():
            return value.value
        case int() if not isinstance(value, bool):
            return m.numbers.lift(value)
    raise Refused("an operand is no number")


def common(m: Any, values: tuple[Any, ...], gathered: bool = False) -> tuple[Type, list[Tensor]]:
    """The type in which these meet, and the tensors among them.

    Floats must meet in the type that is to be computed in, unless results are `gathered`, as autograd does it.
    """
    tensors = [v for v in values if isinstance(v, Tensor)]
    for t in tensors:
        if t.home != home(m):
            raise Refused(f"a tensor of {t.home} in an operation of {home(m)}")
    kinds = {v.type for v in values if isinstance(v, Tensor | Scalar)} - WEAK or {INTEGER}
    if kinds & {INT32, INT64}:
        if INT64 not in kinds:
            raise Refused("32-bit integers overflow for large tensors; they must be widened first")
        if kinds - WHOLE:
            raise Refused("integers of a kernel are used as floats")
        return INT64, tensors
    floats = sorted((t.type for t in tensors if t.type not in WHOLE), key=lambda kind: kind.bits)
    kind = floats[-1] if floats else next(iter(kinds))
    if any(isinstance(v, Scalar) and v.type not in {kind} | WEAK for v in values):
        raise Refused(f"a constant of another type than {kind}")
    if gathered and set(floats) == {kind}:
        return kind, tensors
    if floats and kind != m.world.compute:
        raise Refused(f"computed in {kind}, not in {m.world.compute}")
    if any(t.bits < kind.bits for t in tensors):
        raise Refused("what was rounded to fewer bits is computed with, and would be rounded again")
    return kind, tensors


def joined(m: Any, value: Any, kind: Type, tensors: list[Tensor]) -> Tensor:
    """The tensor that an operation on these gives."""
    first, bits = tensors[0], min(t.bits for t in tensors)
    sizes = max((t.shape.sizes for t in tensors), key=len)
    if any(t.shape.sizes != sizes[len(sizes) - len(t.shape.sizes) :] for t in tensors):
        raise Refused("the shapes of tensors differ")
    dense = all(t.layout is Layout.CONTIGUOUS for t in tensors)
    return Tensor(
        value,
        kind,
        first.home,
        first.device,
        Shape(sizes),
        Layout.CONTIGUOUS if dense else Layout.STRIDED,
        bits,
        sum(t.rounded for t in tensors) + (kind in FLOATS.values()),
    )


def arithmetic(m: Any, op: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    """a + b, a - b, a * b, a / b, a // b or a % b."""
    if isinstance(a, Pointer) and op is operator.add:
        return moved(m, a, b)
    if all(isinstance(v, int) and not isinstance(v, bool) for v in (a, b)) and op is not operator.truediv:
        return op(a, b)
    if op is operator.mul and isinstance(a, tuple) and type(b) is int:
        return a * b
    if op in (operator.floordiv, operator.mod):
        return divided(m, op, a, b)
    if op is operator.truediv:
        nearest = home(m) == "torch" and isinstance(b, Tensor)
        if not (nearest and (isinstance(a, Tensor) or (a == 1 and type(a) is int and m.world.wide))):
            raise Refused(
                "only tensors of PyTorch are divided by `/`, and 1 in binary64 on a CPU: "
                "elsewhere the quotient may not be the nearest one"
            )
    value = m.numbers.combine(op, number(m, a), number(m, b))
    kind, tensors = common(m, (a, b), gathered=op is operator.add and all(map(result, (a, b))))
    if not tensors and (kind in FLOATS.values() or any(map(literal, (a, b)))):
        raise Refused("constants that were rounded are combined, and would be rounded again")
    return joined(m, value, kind, tensors) if tensors else Scalar(value, kind)


def literal(a: Any) -> bool:
    return isinstance(a, Scalar) and a.type == LITERAL


def result(a: Any) -> bool:
    """Whether this is what a Function of autograd gave."""
    return isinstance(a, Tensor) and a.node is not None


def moved(m: Any, pointer: Pointer, by: Any) -> Pointer:
    """The pointer so many elements further."""
    kind, _ = common(m, (by, Scalar(0, INT64)))  # addresses have 64 bits, whatever the offset has
    if kind != INT64:
        raise Refused("a pointer is moved by something else than elements")
    return replace(pointer, offset=pointer.offset + number(m, by))


def divided(m: Any, op: Callable[[Any, Any], Any], a: Any, b: Any) -> Scalar:
    """a // b or a % b, for integers of Python whose quotient and remainder are known."""
    algebra = m.numbers.algebra
    if not all(isinstance(v, int) or (isinstance(v, Scalar) and v.type == INTEGER) for v in (a, b)):
        raise Refused("only integers have a remainder")
    top, bottom = (algebra.number(v) if isinstance(v, int) else v.value for v in (a, b))
    if m.numbers.sign(bottom) <= 0:
        raise Refused("an integer is divided by what is not positive")
    for rest in (algebra.number(k) for k in range(b if isinstance(b, int) else 1)):
        if integral(algebra, quotient := (top - rest) / bottom):
            return Scalar(quotient if op is operator.floordiv else rest, INTEGER)
    raise Refused("neither quotient nor remainder is known")


def integral(algebra: Any, element: Any) -> bool:
    """Whether the element is a polynomial with integer coefficients."""
    top, bottom = algebra.fraction(element)
    scale = algebra.constant(bottom)
    return scale is not None and all((c / scale).denominator == 1 for c in algebra.terms(top).values())


def negative(m: Any, a: Any) -> Any:
    """-a. Of a number in a kernel it is refused: Triton up to 3.6 computes 0 - a, which has another zero."""
    match a:
        case Tensor() | Scalar() if m.jit and not literal(a):
            raise Refused("the negative of 0 is 0 in some versions of Triton: multiply by -1")
        case Tensor():
            return replace(a, value=-number(m, a), node=None)
        case Scalar():
            return replace(a, value=-number(m, a))
        case int() if not isinstance(a, bool):
            return -a
    raise Refused("the operand of a minus is no number")


def plain(value: Any) -> bool:
    """Whether the value is known, and nothing that stands for something else."""
    if isinstance(value, tuple):
        return all(map(plain, value))
    return value is None or isinstance(value, int | str | Type | Library | Shape)


def compare(m: Any, op: Callable[[Any, Any], bool], a: Any, b: Any) -> Any:
    """A comparison of numbers: a tensor of truth values, or a truth value; objects are equal or not."""
    if not any(isinstance(v, Tensor | Scalar) for v in (a, b)):
        ordered = all(isinstance(v, int) for v in (a, b))
        if not ordered and not (op in (operator.eq, operator.ne) and plain(a) and plain(b)):
            raise Refused("what is compared has no order, or is not known")
        return op(a, b)
    found = m.numbers.compare(op, number(m, a), number(m, b))
    _, tensors = common(m, (a, b))
    if not tensors and any(map(literal, (a, b))):
        raise Refused("a literal is compared with what is no tensor")
    return joined(m, found, BOOL, tensors) if tensors else found


def absolute(m: Any, a: Tensor) -> Tensor:
    _, tensors = common(m, (a,))
    return joined(m, m.numbers.absolute(a.known), a.type, tensors)


def where(m: Any, condition: Tensor, a: Any, b: Any) -> Tensor:
    if condition.type != BOOL or condition.home != home(m):
        raise Refused("the condition is no tensor of truth values")
    value = m.numbers.choose(condition.known, number(m, a), number(m, b))
    kind, tensors = common(m, (a, b))
    if kind in WHOLE:
        raise Refused("a choice between two integers")
    return joined(m, value, kind, [*tensors, condition])


def div_rn(m: Any, a: Tensor, b: Tensor) -> Tensor:
    kind, tensors = common(m, (a, b))
    if len(tensors) != 2:
        raise Refused("the nearest quotient is that of two tensors")
    return joined(m, m.numbers.combine(operator.truediv, a.known, b.known), kind, tensors)


def fma(m: Any, a: Any, b: Any, c: Any) -> Tensor:
    kind, tensors = common(m, (a, b, c))
    return joined(m, m.numbers.fma(*(number(m, v) for v in (a, b, c))), kind, tensors)


def rsqrt(m: Any, a: Tensor) -> Tensor:
    kind, tensors = common(m, (a,))
    return joined(m, m.numbers.inverse_root(a.known), kind, tensors)


def to(m: Any, a: Tensor, kind: Type) -> Tensor:
    """The same number in another type; `bits` remembers that it was rounded."""
    if kind not in FLOATS.values() or a.type not in FLOATS.values():
        raise Refused(f"{a.type} is converted to {kind}")
    return replace(a, type=kind, bits=a.bits if kind.bits >= a.type.bits else min(a.bits, kind.bits), node=None)
