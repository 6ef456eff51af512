"""The targets as data: how each operation of a plan is spelled. A new target is a table here and a template."""

from collections.abc import Mapping
from dataclasses import dataclass

COMMON = {
    "neg": "-({})",
    "add": "({}) + ({})",
    "sub": "({}) - ({})",
    "mul": "({}) * ({})",
    "lt": "({}) < ({})",
    "le": "({}) <= ({})",
    "gt": "({}) > ({})",
    "ge": "({}) >= ({})",
}


@dataclass(frozen=True)
class Target:
    """A language that plans are printed in: its symbol table, and the template with everything around them."""

    name: str
    template: str
    symbols: Mapping[str, str]


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
#: In Triton `/` may be approximate; div_rn is the division of IEEE 754.
TRITON = Target(
    "triton",
    "triton.py.j2",
    {
        **COMMON,
        "abs": "tl.abs({})",
        "div": "tl.div_rn({}, {})",
        "select": "tl.where({}, {}, {})",
        "chain": "_triton_chain({}, {}, {})",
        "pair": "(({}), ({}))",
        "pair_neg": "_pair_neg({})",
        "pair_shift": "_pair_shift({}, {})",
        "pair_sum": "_pair_sum({}, {})",
        "pair_scale": "_pair_scale({}, {})",
        "pair_mul": "_pair_mul({}, {})",
        "pair_div": "_pair_div({}, {})",
        "pair_select": "_pair_where({}, {}, {})",
        "pair_chain": "_pair_chain({}, {}, {})",
        "rounded": "_rounded({})",
    },
)
