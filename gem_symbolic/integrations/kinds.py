"""What the kinds of activations are called in PyTorch, transformers and timm: classes, functions, methods."""

import functools
import sys
from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from torch import nn

#: kind -> what means it, as module:name. A module that nobody imported is not imported here: no model can hold it.
KINDS = {
    "gelu": """
        torch.nn:GELU torch.nn.functional:gelu
        transformers.activations:GELUActivation transformers.activations:NewGELUActivation
        transformers.activations:GELUTanh transformers.activations:FastGELUActivation
        transformers.activations:QuickGELUActivation transformers.activations:AccurateGELUActivation
        timm.layers.activations:GELU timm.layers.activations:GELUTanh timm.layers.activations:QuickGELU
        timm.layers.activations:gelu timm.layers.activations:gelu_tanh timm.layers.activations:quick_gelu
    """,
    "relu": """
        torch.nn:ReLU torch.nn.functional:relu torch.nn.functional:relu_
        torch:relu torch:relu_ torch:Tensor.relu torch:Tensor.relu_
    """,
    "silu": """
        torch.nn:SiLU torch.nn.functional:silu
        transformers.activations:SiLUActivation
        timm.layers.activations:Swish timm.layers.activations:swish
        timm.layers.activations_me:SwishMe timm.layers.activations_me:swish_me
    """,
    "mish": """
        torch.nn:Mish torch.nn.functional:mish
        transformers.activations:MishActivation
        timm.layers.activations:Mish timm.layers.activations:mish
        timm.layers.activations_me:MishMe timm.layers.activations_me:mish_me
    """,
    "elu": "torch.nn:ELU torch.nn.functional:elu torch.nn.functional:elu_",
    "leaky_relu": "torch.nn:LeakyReLU torch.nn.functional:leaky_relu torch.nn.functional:leaky_relu_",
    "hardswish": """
        torch.nn:Hardswish torch.nn.functional:hardswish
        timm.layers.activations:HardSwish timm.layers.activations:hard_swish
        timm.layers.activations_me:HardSwishMe timm.layers.activations_me:hard_swish_me
    """,
}


class Kinds:
    """Some of the kinds, to be recognised among what is imported now."""

    def __init__(self, kinds: Mapping[str, Any]):
        """Raises ValueError where there is none, and for one that is not in the table."""
        if not kinds:
            raise ValueError(f"give a kind of activation to replace; known are {', '.join(KINDS)}")
        for kind in kinds:
            if kind not in KINDS:
                raise ValueError(f"unknown kind of activation {kind!r}; known are {', '.join(KINDS)}")
        # By identity: some values that are looked up cannot be hashed.
        self.known: dict[int, tuple[Any, str, str]] = {}
        for kind in kinds:
            for name in KINDS[kind].split():
                where, _, attribute = name.partition(":")
                found = sys.modules.get(where)
                try:
                    meant = attrgetter(attribute)(found)
                except AttributeError:  # not imported, or a version without it
                    continue
                self.known.setdefault(id(meant), (meant, kind, name.replace(":", ".")))

    def of_module(self, module: nn.Module) -> str | None:
        """The kind of a module: that of its class, or of the class that it has its forward from."""
        for cls in type(module).__mro__:
            if id(cls) in self.known:
                return self.known[id(cls)][1]
            if "forward" in vars(cls):
                return None
        return None

    def of_function(self, value: Any) -> str | None:
        """The kind of a function, with some arguments fixed or none."""
        while isinstance(value, functools.partial):
            value = value.func
        return None if isinstance(value, type) else self.known.get(id(value), (None, None))[1]

    def name(self, value: Any) -> str:
        """What a known function or class is called."""
        while isinstance(value, functools.partial):
            value = value.func
        return self.known[id(value)][2]
