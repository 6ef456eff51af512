"""Names that carry their parameters, segem_n2_e1e-4, and how transformers and timm come to know them all."""

import importlib
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from torch import nn

from gem_symbolic.definitions import VARIANTS
from gem_symbolic.integrations.family import FAMILY, setting

#: variant, N, then eps or scale as they were given, then whether float32 is computed in pairs of numbers.
NAME = re.compile(rf"({'|'.join(FAMILY)})_n(\d+)(?:_([es])([\d.e+/-]+))?(_accurate)?")
LETTERS = {"e": "eps", "s": "scale"}


def written(module: Any) -> str:
    """The name of a module of the family. Raises ValueError for another module."""
    found = setting(module)
    if found is None:
        raise ValueError(f"only {', '.join(cls.__name__ for cls in FAMILY.values())} have names; got {module!r}")
    shown, _, value = getattr(module, "shown", "").partition("=")
    real = f"_{shown[0]}{value}" if shown else ""
    name, N, _ = found
    return f"{name}_n{N}{real}{'_accurate' if module.accurate else ''}"


def parts(name: Any) -> tuple[str, ...] | None:
    """What a name consists of, as in NAME; None for what is no name. An eps that the variant fixes is not in it."""
    match = NAME.fullmatch(name) if isinstance(name, str) else None
    if match is None or any(p.fixed for p in VARIANTS[match[1]].parameters) == bool(match[3]):
        return None
    return match.groups()


def read(name: str) -> tuple[type[nn.Module], dict[str, Any]]:
    """The class and the arguments that a name stands for. Raises ValueError for what is no such name."""
    found = parts(name)
    if found is None:
        raise ValueError(f"no name of an activation: {name!r}; write variant, N and eps or scale, as in segem_n2_e1e-4")
    family, N, letter, value, accurate = found
    real = {LETTERS[letter]: value} if letter else {}
    return FAMILY[family], {"N": int(N), **real, **({"accurate": True} if accurate else {})}


def made(name: str, inplace: bool = False) -> nn.Module:
    """The module of that name; timm says whether to compute in place, which is not done. Raises ValueError."""
    cls, arguments = read(name)
    return cls(**arguments)


def register() -> tuple[str, ...]:
    """Makes transformers and timm know the names of the family, all of them, and says which of the two are installed.

    In transformers a config may then say hidden_act="segem_n2_e1e-4", and is saved and loaded with that; the process
    that loads it calls `register` too. In timm a model may say act_layer="segem_n2_e1e-4". A name with impossible
    parameters raises ValueError there. Raises ImportError where neither is installed.
    """
    served = tuple(library for library, serve in SERVED.items() if serve())
    if not served:
        raise ImportError(f"register needs {' or '.join(SERVED)}, and neither is installed")
    return served


def knowing(cls: type[dict], entry: Callable[[str], Any]) -> type[dict]:
    """A subclass of a class of dicts that has an entry for every name of the family."""

    class Knowing(cls):
        def __contains__(self, name: object) -> bool:
            return super().__contains__(name) or parts(name) is not None

        def __missing__(self, name: Any) -> Any:
            if name not in self:
                raise KeyError(name)
            return entry(name)

    return Knowing


def serve_transformers() -> bool:
    """Opens ACT2FN, the object itself, as the models have imported it. False where there are no transformers."""
    try:
        known = importlib.import_module("transformers.activations").ACT2FN
    except ModuleNotFoundError:
        return False
    if not hasattr(known, "__missing__"):
        known.__class__ = knowing(type(known), read)
    return True


def serve_timm() -> bool:
    """Opens the table that timm's get_act_layer reads. False where there is no timm."""
    try:
        tables: Any = importlib.import_module("timm.layers.create_act")
    except ModuleNotFoundError:
        return False
    known = tables._ACT_LAYER_DEFAULT
    if not hasattr(known, "__missing__"):
        tables._ACT_LAYER_DEFAULT = knowing(dict, lambda name: partial(made, name))(known)
    return True


SERVED = {"transformers": serve_transformers, "timm": serve_timm}
