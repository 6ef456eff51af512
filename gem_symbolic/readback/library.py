"""What the names of PyTorch, Triton and the standard library mean in a kernel file, as tables. There are no others."""

import builtins
from collections.abc import Callable, Mapping
from typing import Any, cast

from gem_symbolic.readback import elements, kernels, tensors
from gem_symbolic.readback.elements import FLOATS, INTEGERS, plain
from gem_symbolic.readback.numbers import Refused
from gem_symbolic.readback.values import (
    COMPUTE,
    INT32,
    TENSOR,
    Class,
    Instance,
    Library,
    Packed,
    Pointer,
    Primitive,
    Rows,
    Scalar,
    Shape,
    Tensor,
    Text,
)

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
#: The decorators of functions, and what functions then are.
DECORATORS: Mapping[str, Mapping[str, bool]] = {
    "triton.jit": {"jit": True},
}
ANNOTATIONS = {"triton.language.constexpr"}
FUNCTION, MODULE = "torch.autograd.Function", "torch.nn.Module"
BASES = {FUNCTION, MODULE}


def attribute(m: Any, value: Any, name: str) -> Any:
    """value.name, for the few that have a meaning. Raises Refused."""
    methods: Mapping[str, Callable[..., Any]] = {}
    match value:
        case Library(path=path):
            return named(f"{path}.{name}")
        case Instance(attributes=attributes) if name in attributes:
            return attributes[name]
        case Class(base=base) if base == FUNCTION:
            methods = {"apply": tensors.apply, "forward": forward}
        case Tensor(home="torch", type=kind) | Packed(type=kind) if kind != COMPUTE:
            device = Instance({"type": value.device})
            known = {"dtype": kind, "is_cuda": value.device == "cuda", "device": device, "shape": value.shape}
            if name in known:
                return known[name]
            methods = METHODS[type(value)]
        case Tensor(home="triton", type=kind) if kind != COMPUTE:
            methods = {"to": elements.to}
        case Scalar(type=kind) if kind == INT32:
            methods = {"to": kernels.widened}
        case Rows(tensor=tensor) if name == "dtype":
            return tensor.type
        case Rows():
            methods = {"numel": tensors.numel}
        case Pointer(tensor=tensor) if name == "dtype":
            return Instance({"element_ty": tensor.type})
        case dict():
            methods = {"values": lambda m, a: tuple(a.values())}
        case Text() if name == "__name__":
            return value
        case Text() if name == "normalize":
            methods = {"normalize": lambda m, a: a}
    if name not in methods:
        raise Refused(f"the meaning of .{name} is not known here")
    method, owner = methods[name], cast(Any, value)
    return Primitive(name, lambda m, *args, **kwargs: method(m, owner, *args, **kwargs))


#: The methods of tensors, and of those that are seen as two halves.
METHODS: Mapping[type, Mapping[str, Callable[..., Any]]] = {
    Tensor: {
        "to": elements.to,
        "dim": tensors.dim,
        "numel": tensors.numel,
        "contiguous": tensors.contiguous,
        "sum_to_size": tensors.sum_to_size,
        "view_as": tensors.view_as,
    },
    Packed: {"dim": tensors.dim, "chunk": tensors.chunk},
}


def forward(m: Any, function: Class, *inputs: Any) -> Any:
    """The forward of a Function, without autograd."""
    return m.call(function.methods["forward"], inputs)


# --- The standard library ---


def is_instance(m: Any, value: Any, kind: Any) -> bool:
    if kind == Library(TENSOR):
        return isinstance(value, Tensor | Packed)
    if kind is float and (plain(value) or isinstance(value, Scalar)):
        return isinstance(value, Scalar) and m.world.floating
    raise Refused("it is not known what this is an instance of")


def type_of(m: Any, value: Any) -> Library | Text:
    """The class of a tensor; of anything else, whatever is shown of it."""
    if isinstance(value, Tensor | Packed) and value.type != COMPUTE:
        return Library(value.kind)
    if isinstance(value, Tensor):
        raise Refused("nothing can be asked of this tensor")
    return Text()


def listed(m: Any, value: Any) -> Any:
    """tuple(value): of a shape, whatever is shown of it."""
    if isinstance(value, Shape):
        return Text()
    if not isinstance(value, tuple):
        raise Refused("it is not known what this is a tuple of")
    return value


def known(truth: bool | None) -> bool:
    """Whether code is compiled, or exported."""
    if truth is None:
        raise Refused("what is kept, or computes, must not depend on whether the code is compiled")
    return truth


def exporting(m: Any) -> bool:
    """Whether a graph is exported: what compiled code itself is told depends on the version of PyTorch."""
    if not m.outside:
        raise Refused("compiled code is not always told whether it is exported")
    return known(m.world.exported)


def smallest(m: Any, *args: Any, **kwargs: Any) -> Any:
    """Of numbers of rows the smaller one, of texts whatever is shown."""
    return kernels.least(m, *args) if isinstance(args[0], Scalar) and not kwargs else Text()


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
    "range": Primitive("range", kernels.steps),
    "min": Primitive("min", smallest),
    "type": Primitive("type", type_of),
    "tuple": Primitive("tuple", listed),
    "len": Primitive("len", lambda m, value: len(value)),
    **{name: Primitive(name, text) for name in ("str", "repr", "format")},
}
RESERVED = set(dir(builtins))

NAMES: Mapping[str, Any] = {
    **{f"torch.{name}": kind for name, kind in FLOATS.items()},
    **{f"triton.language.{name}": kind for name, kind in {**FLOATS, **INTEGERS}.items()},
    **{
        path: Primitive(path, run)
        for path, run in {
            "torch.abs": elements.absolute,
            "torch.where": elements.where,
            "torch.empty_like": tensors.empty_like,
            "torch.cat": tensors.cat,
            "torch.compiler.is_compiling": lambda m: known(None if m.outside else m.world.compiled),
            "torch.compiler.is_exporting": exporting,
            "torch.cuda.device_of": lambda m, a: Library("torch.cuda.device_of"),
            "triton.cdiv": kernels.cdiv,
            "triton.language.abs": elements.absolute,
            "triton.language.where": elements.where,
            "triton.language.div_rn": elements.div_rn,
            "triton.language.fma": elements.fma,
            "triton.language.rsqrt": elements.rsqrt,
            "triton.language.load": kernels.load,
            "triton.language.store": kernels.store,
            "triton.language.program_id": kernels.program_id,
            "triton.language.arange": kernels.arange,
            "triton.language.static_range": lambda m, stop: range(stop),
            "decimal.Decimal": text,
        }.items()
    },
}
#: Names that are passed on or asked about, and the parts of libraries on the way to a name.
KNOWN = {TENSOR, tensors.PARAMETER, tensors.ROW_BY_ROW.path}
KNOWN |= {f"torch.{name}" for name in ("cuda", "autograd", "nn", "compiler")}
KNOWN |= DECORATORS.keys() | ANNOTATIONS | BASES


def named(path: str) -> Any:
    """What a dotted name means. Raises Refused."""
    if path in NAMES:
        return NAMES[path]
    if path in KNOWN:
        return Library(path)
    raise Refused(f"the meaning of {path} is not known")
