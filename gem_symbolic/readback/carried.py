"""The functions that kernel files carry verbatim, by what they promise."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from gem_symbolic import emit, parameters
from gem_symbolic.formats import FORMATS
from gem_symbolic.readback.elements import FLOATS, FORMAT_OF
from gem_symbolic.readback.layouts import gradients, matrices
from gem_symbolic.readback.numbers import Refused
from gem_symbolic.readback.values import INTEGER, Function, Primitive, Raised, Scalar, Type


def resolve(m: Any, N: Any, eps: Any = None, scale: Any = None) -> tuple[Any, Any]:
    """The element that stands for eps, whether eps, scale or neither was given; for a literal, its exact number."""
    gens = m.numbers.algebra.gens
    if eps is not None and scale is not None:
        raise Raised("ValueError")
    match scale if eps is None else eps:
        case None:
            return N, Scalar(gens["eps_by_default"], INTEGER)
        case Scalar(value=value) if value in (gens["eps"], gens["scale"]):
            return N, Scalar(value if scale is None else gens["eps_of_scale"], INTEGER)
        case int() | str() as literal if parameters.exact(literal, "eps") == m.world.fixed:
            return N, Scalar(gens["eps_fixed"], INTEGER)
    raise Refused("eps is not what the user gave")


def format_of(m: Any, N: Any, eps: Any, form: tuple[int, ...]) -> Type:
    """The type with that format, in which constants are computed from N and eps. Raises Refused."""
    gens = m.numbers.algebra.gens
    if not (
        isinstance(N, Scalar) and isinstance(eps, Scalar) and (N.value, eps.value) == (gens["N"], gens[m.world.eps])
    ):
        raise Refused("the scale is not computed from N and eps as the user gave them")
    for name, kind in FLOATS.items():
        known = FORMATS[FORMAT_OF[name]]
        if form == (known.precision, known.emin, known.emax):
            return kind
    raise Refused("the scale is rounded to an unknown format")


def scale_constants(m: Any, N: Any, eps: Any, bits: int, lowest: int, highest: int) -> tuple[Scalar, ...]:
    """(s, 1/s) for the scale s = eps**(1/2N), rounded to the type with that format, unless it is out of its range."""
    kind, s = format_of(m, N, eps, (bits, lowest, highest)), m.numbers.algebra.gens["s"]
    if kind in m.world.excluded:
        raise Raised("ValueError")
    return Scalar(s, kind), Scalar(m.numbers.algebra.number(1) / s, kind)


def pair_constants(m: Any, N: Any, eps: Any, bits: int, lowest: int, highest: int) -> tuple[Scalar, ...]:
    """(s_low, inv_s_low, up, down): what rounding leaves of s and 1/s, a power of two and its inverse."""
    kind, gens = format_of(m, N, eps, (bits, lowest, highest)), m.numbers.algebra.gens
    values = gens["s_low"], gens["inv_s_low"], gens["up"], m.numbers.algebra.number(1) / gens["up"]
    return tuple(Scalar(value, kind) for value in values)


def remembered(m: Any, function: Function) -> Function:
    """The function, which gives the same for the same arguments."""
    return replace(function, constant=True)


def uncompiled(m: Any, function: Function) -> Function:
    """The function, which runs in Python where code is compiled."""
    return replace(function, outside=True)


def constants(m: Any, N: Any, eps: Any, scale: Any, formats: tuple[tuple[int, ...], ...]) -> tuple[Any, ...]:
    """(N, eps, for each format (s, 1/s) or None, for the first what pairs need or None), None where out of range."""
    N, eps = resolve(m, N, eps, scale)
    inside = [format_of(m, N, eps, form) not in m.world.excluded for form in formats]
    found = [scale_constants(m, N, eps, *form) if kept else None for form, kept in zip(formats, inside)]
    return N, eps, *found, pair_constants(m, N, eps, *formats[0]) if inside[0] else None


def within_carried(m: Any, *args: Any, **kwargs: Any) -> Any:
    raise Refused("a function that only the carried ones call")


#: The functions themselves, and what stands for each of them.
ORIGINALS: Mapping[str, Callable[..., Any]] = {f.__name__: f for f in emit.CARRIED}
PROMISED = {
    f.__name__: f
    for f in (resolve, scale_constants, pair_constants, remembered, uncompiled, constants, matrices, gradients)
}
CARRIED: Mapping[str, Primitive] = {name: Primitive(name, PROMISED.get(name, within_carried)) for name in ORIGINALS}
