"""What the names of PyTorch, Triton and the standard library mean in a kernel file, as tables. There are no others."""

import builtins
import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

from gem_symbolic.formats import FORMATS
from gem_symbolic.readback.numbers import Refused
from gem_symbolic.readback.values import (
    BOOL,
    COMPUTE,
    INT32,
    INTEGER,
    Blocks,
    Class,
    Instance,
    Launch,
    Library,
    Node,
    Pointer,
    Primitive,
    Scalar,
    Tensor,
    Text,
    Type,
)

FORMAT_OF = {"float16": "binary16", "bfloat16": "bfloat16", "float32": "binary32", "float64": "binary64"}
FLOATS: Mapping[str, Type] = {name: Type(name, FORMATS[form].precision) for name, form in FORMAT_OF.items()}
INTEGERS: Mapping[str, Type] = {"int32": INT32, "int64": INTEGER}

#: The imports that a file may contain, and the names that they bind.
IMPORTS: Mapping[str, tuple[str, str]] = {
    "import functools": ("functools", "functools"),
    "import math": ("math", "math"),
    "from decimal import Decimal": ("Decimal", "decimal.Decimal"),
    "from fractions import Fraction": ("Fraction", "fractions.Fraction"),
    "import torch": ("torch", "torch"),
    "import triton": ("triton", "triton"),
    "import triton.language as tl": ("tl", "triton.language"),
}
#: The decorators of functions, by whether the function is then a kernel.
DECORATORS: Mapping[str, bool] = {"functools.cache": False, "triton.jit": True}
ANNOTATIONS = {"triton.language.constexpr"}
BASES = {"torch.autograd.Function", "torch.nn.Module"}
LAUNCH_OPTIONS = {"num_warps", "num_stages", "enable_fp_fusion"}


# --- Arithmetic ---


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


def common(m: Any, values: tuple[Any, ...]) -> tuple[Type, list[Tensor]]:
    """The type in which these meet, and the tensors among them: it must be the one that is to be computed in."""
    tensors = [v for v in values if isinstance(v, Tensor)]
    for t in tensors:
        if t.home != home(m):
            raise Refused(f"a tensor of {t.home} in an operation of {home(m)}")
    kinds = {v.type for v in values if isinstance(v, Tensor | Scalar)} - {INTEGER} or {INTEGER}
    if INT32 in kinds:
        raise Refused("32-bit integers overflow for large tensors; they must be widened first")
    floats = sorted((t.type for t in tensors if t.type != INTEGER), key=lambda kind: kind.bits)
    kind = floats[-1] if floats else next(iter(kinds))
    if any(isinstance(v, Scalar) and v.type not in (kind, INTEGER) for v in values):
        raise Refused(f"a constant rounded to another type than {kind}")
    if floats and kind != m.world.compute:
        raise Refused(f"computed in {kind}, not in {m.world.compute}")
    return kind, tensors


def joined(m: Any, value: Any, kind: Type, tensors: list[Tensor]) -> Tensor:
    """The tensor that an operation on these gives."""
    first, bits = tensors[0], min(t.bits for t in tensors)
    rounded = sum(t.rounded for t in tensors) + (kind in FLOATS.values())
    return Tensor(value, kind, first.home, first.device, all(t.dense for t in tensors), bits, rounded)


def arithmetic(m: Any, op: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    """a + b, a - b, a * b or a / b."""
    if isinstance(a, Pointer) and isinstance(b, Tensor) and op is operator.add and a.offset is None:
        return Pointer(a.tensor, b.known)
    integers = all(isinstance(v, int) and not isinstance(v, bool) for v in (a, b))
    if op is operator.truediv and not (home(m) == "torch" and isinstance(a, Tensor) and isinstance(b, Tensor)):
        raise Refused("only tensors of PyTorch are divided by `/`: elsewhere the quotient may not be the nearest one")
    if integers:
        return op(a, b)
    value = m.numbers.combine(op, number(m, a), number(m, b))
    kind, tensors = common(m, (a, b))
    if not tensors and kind in FLOATS.values():
        raise Refused("constants that were rounded are combined, and would be rounded again")
    return joined(m, value, kind, tensors) if tensors else Scalar(value, kind)


def negative(m: Any, a: Any) -> Any:
    match a:
        case Tensor() | Scalar():
            return replace(a, value=-number(m, a))
        case int() if not isinstance(a, bool):
            return -a
    raise Refused("the operand of a minus is no number")


def plain(value: Any) -> bool:
    """Whether the value is known, and nothing that stands for something else."""
    if isinstance(value, tuple):
        return all(map(plain, value))
    return value is None or isinstance(value, int | str | Type)


def compare(m: Any, op: Callable[[Any, Any], bool], a: Any, b: Any) -> Any:
    """A comparison of numbers: a tensor of truth values, or a truth value; objects are equal or not."""
    if not any(isinstance(v, Tensor | Scalar) for v in (a, b)):
        ordered = all(isinstance(v, int) for v in (a, b))
        if not ordered and not (op in (operator.eq, operator.ne) and plain(a) and plain(b)):
            raise Refused("what is compared has no order, or is not known")
        return op(a, b)
    found = m.numbers.compare(op, number(m, a), number(m, b))
    _, tensors = common(m, (a, b))
    return joined(m, found, BOOL, tensors) if tensors else found


def absolute(m: Any, a: Tensor) -> Tensor:
    _, tensors = common(m, (a,))
    return joined(m, m.numbers.absolute(a.known), a.type, tensors)


def where(m: Any, condition: Tensor, a: Any, b: Any) -> Tensor:
    if condition.type != BOOL or condition.home != home(m):
        raise Refused("the condition is no tensor of truth values")
    value = m.numbers.choose(condition.known, number(m, a), number(m, b))
    kind, tensors = common(m, (a, b))
    if kind == INTEGER:
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


# --- PyTorch ---


def to(m: Any, a: Tensor, kind: Type) -> Tensor:
    """The same number in another type; `bits` remembers that it was rounded."""
    if kind not in FLOATS.values() or a.type not in FLOATS.values():
        raise Refused(f"{a.type} is converted to {kind}")
    return replace(a, type=kind, bits=a.bits if kind.bits >= a.type.bits else min(a.bits, kind.bits), node=None)


def empty_like(m: Any, a: Tensor, dtype: Type | None = None) -> Tensor:
    """Not yet written; dense, and laid out as `a` where that is dense."""
    return Tensor(None, dtype or a.type, a.home, a.device)


def copy(m: Any, to: Tensor, a: Tensor) -> Tensor:
    if to.value is not None or to.type != a.type:
        raise Refused("a copy over what has been written, or of another type")
    to.value, to.rounded = a.known, a.rounded
    return to


def attribute(m: Any, value: Any, name: str) -> Any:
    """value.name, for the few that have a meaning. Raises Refused."""
    methods: Mapping[str, Callable[..., Any]] = {}
    match value:
        case Library(path=path):
            return named(f"{path}.{name}")
        case Instance(attributes=attributes) if name in attributes:
            return attributes[name]
        case Class(base="torch.autograd.Function") if name == "apply":
            methods = {"apply": apply}
        case Tensor(home="torch", type=kind) if kind != COMPUTE:
            known = {"dtype": kind, "is_cuda": value.device == "cuda", "device": Instance({"type": value.device})}
            if name in known:
                return known[name]
            methods = {"to": to, "stride": lambda m, a: ("dense",) if a.dense else ("strided",), "copy_": copy}
            methods |= {"numel": lambda m, a: Scalar(m.numbers.algebra.gens["size"], INTEGER)}
        case Tensor(home="triton", type=kind) if kind != COMPUTE:
            methods = {"to": to}
        case Scalar(type=kind) if kind == INT32:
            methods = {"to": lambda m, a, kind: Scalar(a.value, kind)}
        case Pointer(tensor=tensor) if name == "dtype":
            return Instance({"element_ty": tensor.type})
        case Text() if name == "__name__":
            return value
        case Text() if name == "normalize":
            methods = {"normalize": lambda m, a: a}
    if name not in methods:
        raise Refused(f"the meaning of .{name} is not known here")
    method, owner = methods[name], cast(Any, value)
    return Primitive(name, lambda m, *args, **kwargs: method(m, owner, *args, **kwargs))


def apply(m: Any, function: Class, *inputs: Any) -> Tensor:
    """As autograd applies a Function: its forward, remembering the inputs for the backward."""
    output = m.call(function.methods["forward"], inputs)
    if not isinstance(output, Tensor):
        raise Refused("the forward gives no tensor")
    return replace(output, node=Node(function, inputs, output))


# --- Triton ---


def launch(m: Any, kernel: Launch, args: tuple[Any, ...], options: Mapping[str, Any]) -> None:
    """One element of the kernel's output: a lane of a block, in the machine's world before, at or beyond the end."""
    gens, lift = m.numbers.algebra.gens, m.numbers.algebra.number
    if unknown := options.keys() - LAUNCH_OPTIONS:
        raise Refused(f"an unknown option {', '.join(unknown)}")
    if options.get("enable_fp_fusion") is not False:
        raise Refused("fusing of multiplication and addition is not off")
    match kernel.grid:
        case (Blocks(size=size, block=int(block)),) if size == gens["size"]:
            start = gens["block"] * lift(block)
        case _:
            raise Refused("the grid is not the number of blocks that cover the tensor")
    room, active = m.world.lane
    facts = ((gens["size"] - start - lift(block), room), (gens["size"] - start - gens["lane"], active))
    pointers = tuple(Pointer(a) if isinstance(a, Tensor) else a for a in args)
    within = replace(m.numbers, facts=(*m.numbers.facts, *facts))
    replace(m, numbers=within, jit=True, block=block).call(kernel.function, pointers)


def place(m: Any, pointer: Pointer, mask: Tensor | None) -> bool:
    """Whether the element is there and not masked. Raises Refused where it is not the lane's own, or out of bounds."""
    gens, lift = m.numbers.algebra.gens, m.numbers.algebra.number
    if m.block is None or pointer.offset is None or not pointer.tensor.dense:
        raise Refused("the tensor does not lie in memory as the output does")
    if pointer.offset != gens["block"] * lift(m.block) + gens["lane"]:
        raise Refused(f"element {pointer.offset} is not the one of this lane")
    if mask is not None and mask.type != BOOL:
        raise Refused("the mask is no tensor of truth values")
    allowed = mask is None or bool(mask.known)
    if allowed and m.world.lane[1] <= 0:
        raise Refused("an element beyond the end of the tensor is touched")
    return allowed


def load(m: Any, pointer: Pointer, mask: Tensor | None = None) -> Tensor:
    place(m, pointer, mask)
    return replace(pointer.tensor, value=pointer.tensor.known, home="triton", node=None)


def store(m: Any, pointer: Pointer, value: Tensor, mask: Tensor | None = None) -> None:
    if place(m, pointer, mask):
        if pointer.tensor.value is not None:
            raise Refused("an element is written over")
        converted = to(m, value, pointer.tensor.type)
        pointer.tensor.value, pointer.tensor.bits = converted.known, converted.bits
        pointer.tensor.rounded = converted.rounded


def program_id(m: Any, axis: int) -> Scalar:
    if axis != 0:
        raise Refused("the grid has one axis")
    return Scalar(m.numbers.algebra.gens["block"], INT32)


def arange(m: Any, start: int, stop: int) -> Tensor:
    if (start, stop) != (0, m.block):
        raise Refused("the lanes are not those of the grid's blocks")
    return Tensor(m.numbers.algebra.gens["lane"], INTEGER, home="triton")


def cdiv(m: Any, size: Scalar, block: int) -> Blocks:
    return Blocks(size.value, block)


# --- The standard library ---


def is_instance(m: Any, value: Any, kind: Any) -> bool:
    if kind == Library("torch.Tensor"):
        return isinstance(value, Tensor)
    if kind is float and (plain(value) or isinstance(value, Scalar)):
        return isinstance(value, Scalar) and m.world.floating
    raise Refused("it is not known what this is an instance of")


def text(m: Any, *args: Any, **kwargs: Any) -> Text:
    """Whatever is shown of these."""
    return Text()


BUILTINS: Mapping[str, Any] = {
    "float": float,
    "NotImplementedError": NotImplementedError,
    "TypeError": TypeError,
    "ValueError": ValueError,
    "isinstance": Primitive("isinstance", is_instance),
    "super": Primitive("super", lambda m: Instance({"__init__": Primitive("__init__", lambda m: None)})),
    "range": Primitive("range", lambda m, stop: range(stop)),
    "len": Primitive("len", lambda m, value: len(value)),
    **{name: Primitive(name, text) for name in ("type", "str", "repr", "format", "min")},
}
RESERVED = set(dir(builtins))

NAMES: Mapping[str, Any] = {
    **{f"torch.{name}": kind for name, kind in FLOATS.items()},
    **{f"triton.language.{name}": kind for name, kind in (FLOATS | INTEGERS).items()},
    **{
        path: Primitive(path, run)
        for path, run in {
            "torch.abs": absolute,
            "torch.where": where,
            "torch.empty_like": empty_like,
            "torch.cuda.device_of": lambda m, a: Library("torch.cuda.device_of"),
            "triton.cdiv": cdiv,
            "triton.language.abs": absolute,
            "triton.language.where": where,
            "triton.language.div_rn": div_rn,
            "triton.language.fma": fma,
            "triton.language.rsqrt": rsqrt,
            "triton.language.load": load,
            "triton.language.store": store,
            "triton.language.program_id": program_id,
            "triton.language.arange": arange,
            "triton.language.static_range": lambda m, stop: range(stop),
            "decimal.Decimal": text,
        }.items()
    },
}
#: Names that are passed on or asked about, and the parts of libraries on the way to a name.
KNOWN = {"torch.Tensor", "torch.cuda", "torch.autograd", "torch.nn"} | DECORATORS.keys() | ANNOTATIONS | BASES


def named(path: str) -> Any:
    """What a dotted name means. Raises Refused."""
    if path in NAMES:
        return NAMES[path]
    if path in KNOWN:
        return Library(path)
    raise Refused(f"the meaning of {path} is not known")
