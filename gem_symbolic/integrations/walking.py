"""Where modules and functions hide in a model: as children, as attributes, in lists, tuples and dicts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from torch import nn

#: The attributes that every module has, for PyTorch's own use.
PLUMBING = vars(nn.Module()).keys()


@dataclass(frozen=True)
class Place:
    """A place that holds something: an attribute of a module, or, with keys, something in a container there."""

    owner: nn.Module
    prefix: str
    attribute: str
    keys: tuple[Any, ...]
    value: Any

    @property
    def name(self) -> str:
        """The name from the root of the model, as in a state_dict: layers.0.act; keys of containers in brackets."""
        return joined(self.prefix, self.attribute) + "".join(f"[{key!r}]" for key in self.keys)

    def put(self, new: nn.Module) -> None:
        """Puts a module there. A tuple is made anew, lists and dicts are changed."""
        held = replaced(getattr(self.owner, self.attribute), self.keys, new) if self.keys else new
        setattr(self.owner, self.attribute, held)


def joined(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def replaced(holder: Any, keys: tuple[Any, ...], new: Any) -> Any:
    """The container with something new at the keys."""
    key, *rest = keys
    value = replaced(holder[key], tuple(rest), new) if rest else new
    if isinstance(holder, tuple):
        return (*holder[:key], value, *holder[key + 1 :])
    holder[key] = value
    return holder


def held(value: Any, keys: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """(keys, what is there) for a value, or for all in it where it is a container, down to the last."""
    if type(value) is dict:
        items = value.items()
    elif type(value) in (list, tuple):
        items = enumerate(value)
    else:
        yield keys, value
        return
    if len(keys) < 8:  # a container that holds itself has no last
        for key, item in items:
            yield from held(item, (*keys, key))


def contents(prefix: str, owner: nn.Module) -> Iterator[Place]:
    """All that one module holds itself."""
    own = {name: value for name, value in vars(owner).items() if name not in PLUMBING}
    for attribute, value in {**owner._modules, **own}.items():
        for keys, item in held(value):
            yield Place(owner, prefix, attribute, keys, item)


def modules(root: nn.Module, closed: Callable[[nn.Module], bool]) -> Iterator[tuple[str, nn.Module]]:
    """The modules of a model by their first names, each once, those in containers too; into `closed` ones none looks.

    The model itself comes first, and its name is empty.
    """
    seen = {id(root)}
    stack = [("", root)]
    while stack:
        name, module = stack.pop()
        yield name, module
        within = []
        for place in () if closed(module) else contents(name, module):
            if isinstance(place.value, nn.Module) and id(place.value) not in seen:
                seen.add(id(place.value))
                within.append((place.name, place.value))
        stack += reversed(within)
