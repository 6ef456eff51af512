"""The targets as data: how each operation of a plan is spelled. A new target is a table here and a template."""

from collections.abc import Mapping
from dataclasses import dataclass

#: What makes a compiler of C++ read another text than a reader sees: spliced lines, trigraphs, digraphs.
SPLICES = ("\\", "??", "<:", ":>", "<%", "%>", "%:")
COMMON = {
    "neg": "-({})",
    "add": "({}) + ({})",
    "sub": "({}) - ({})",
    "mul": "({}) * ({})",
    "lt": "({}) < ({})",
    "le": "({}) <= ({})",
    "gt": "({}) > ({})",
    "ge": "({}) >= ({})",
    "eq": "({}) == ({})",
}


@dataclass(frozen=True)
class Target:
    """A language that plans are printed in: its symbol table, and the template with everything around them."""

    name: str
    template: str
    symbols: Mapping[str, str]
    power: str = "{}**{}"  # of an integer, in a constant
    number: str = "{!r}"  # that is no integer, as the nearest one of binary64
    call: str = "{}({})"  # of a routine
    assignment: str = "{} = {}"
    unpacking: str = "{}, {} = {}"
    comment: str = "  # {}"


#: In PyTorch a quotient is printed as `/` between tensors only: number / tensor would multiply by a rounded reciprocal.
TORCH = Target(
    "torch",
    "torch.py.j2",
    {
        **COMMON,
        "abs": "torch.abs({})",
        "div": "({}) / ({})",
        "select": "torch.where({}, {}, {})",
        "chain": "_chain({}, {}, {})",
    },
)
#: In Triton `/` may be approximate; div_rn is the division of IEEE 754. Up to Triton 3.6 -x is 0 - x, which is no -0.
TRITON = Target(
    "triton",
    "triton.py.j2",
    {
        **COMMON,
        "neg": "-1 * ({})",
        "abs": "tl.abs({})",
        "div": "tl.div_rn({}, {})",
        "select": "tl.where({}, {}, {})",
        "fma": "tl.fma({}, {}, {})",
        "reciprocal": "_reciprocal({})",
        "chain": "_triton_chain({}, {}, {})",
    },
    call="_{}({})",
)
#: In C++ the operators are those of the type that computes, whichever it is.
CPP = Target(
    "cpp",
    "kernel.cpp.j2",
    {
        **COMMON,
        "abs": "abs({})",
        "div": "({}) / ({})",
        "select": "select({}, {}, {})",
        "fma": "fma({}, {}, {})",
        "reciprocal": "reciprocal({})",
        "chain": "chain({}, {}, {})",
    },
    power="chain({0}, {0}, {1} - 1)",
    number="T({!r})",
    assignment="const auto {} = {};",
    unpacking="const auto [{}, {}] = {};",
    comment="  // {}",
)
