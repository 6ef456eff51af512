"""`patch`: other activations in a model that is there, and a report of what was changed and what was not."""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from gem_symbolic.integrations.calls import called, called_in
from gem_symbolic.integrations.kinds import Kinds
from gem_symbolic.integrations.records import Refused
from gem_symbolic.integrations.rewriting import rewriting
from gem_symbolic.integrations.walking import contents, joined, modules

#: A module, copied for each place, or what makes one: a class or a function without arguments.
Replacement = nn.Module | Callable[[], nn.Module]
Makers = Mapping[str, Callable[[], nn.Module]]
Owners = Mapping[str, nn.Module]


@dataclass(frozen=True)
class Change:
    """A place in the model by its name there, and what was there or was done there."""

    name: str
    what: str

    def __str__(self) -> str:
        return f"{self.name or 'the model itself'}: {self.what}"


@dataclass(frozen=True)
class Report:
    """What `patch` replaced, the forwards that it rewrote, and what it could not reach, with the reason."""

    replaced: tuple[Change, ...]
    rewritten: tuple[Change, ...]
    unreached: tuple[Change, ...]

    def __str__(self) -> str:
        parts = ("replaced", self.replaced), ("rewritten", self.rewritten), ("not reached", self.unreached)
        return "\n".join(line for title, changes in parts for line in [f"{title}: {len(changes)}", *lines(changes)])


def lines(changes: tuple[Change, ...]) -> list[str]:
    return [f"  {change}" for change in changes]


def maker(kind: str, replacement: Any) -> Callable[[], nn.Module]:
    """What makes a new module for each place. Raises ValueError for what cannot, or makes a module with weights."""

    def make() -> nn.Module:
        made, why = replacement, ""
        try:
            made = copy.deepcopy(replacement) if isinstance(replacement, nn.Module) else replacement()
        except TypeError as error:
            why = f" ({error})"
        if not isinstance(made, nn.Module):
            said = "must be a module, or make one when called without arguments"
            raise ValueError(f"the replacement for {kind!r} {said}; got {made!r}{why}")
        if made.state_dict():
            raise ValueError(f"the replacement for {kind!r} must hold no weights, which would be new in the state_dict")
        return made

    make()
    return make


def patch(model: nn.Module, replacements: Mapping[str, Replacement]) -> Report:
    """Replaces the activations of some kinds, in place: patch(model, {"gelu": SEGEM(N=2, eps=1e-4)}).

    The kinds are those of `kinds.KINDS`; a kind takes in its approximations (the tanh form of GELU is a GELU). Replaced
    are the modules of a kind and the functions that modules store, as children, attributes, or in lists, tuples and
    dicts there, and the calls of such functions where torch.fx can rewrite the forward that makes them. Each place gets
    a copy of its own; places that shared a module share one again. Shapes, parameters and the keys of the state_dict
    stay as they were; hooks of a replaced module go with it, and what was computed in place no longer is.

    What is called without being stored is looked for in the code of each class, of the functions in its file, and of
    other functions that modules store. What is found there and cannot be rewritten is in the report, as is what holds
    weights of its own or was compiled by TorchScript.

    Raises ValueError where no kind is given or one is unknown, for a replacement that makes no module without weights,
    and when nothing matched; the model is then as it was.
    """
    if not isinstance(model, nn.Module):
        raise ValueError(f"the model must be a torch.nn.Module; got {model!r}")
    kinds = Kinds(replacements)
    makers = {kind: maker(kind, replacement) for kind, replacement in replacements.items()}

    def closed(module: nn.Module) -> bool:
        return kinds.of_module(module) is not None or isinstance(module, torch.jit.ScriptModule)

    found = dict(modules(model, closed))
    unreached = [Change(name, why) for name, module in found.items() if (why := shut(module, kinds, model))]
    owners = {name: module for name, module in found.items() if not closed(module)}
    unreached += list(stored(owners, kinds))
    replaced = replace(owners, kinds, makers)
    rewritten, refused = rewrite(owners, kinds, makers)
    report = Report(tuple(replaced), tuple(rewritten), (*unreached, *refused))
    if not replaced and not rewritten:
        rest = f"; not reached: {'; '.join(map(str, report.unreached))}" if report.unreached else ""
        raise ValueError(f"nothing in the model is of the kind {' or '.join(map(repr, replacements))}{rest}")
    return report


def stored(owners: Owners, kinds: Kinds) -> Iterator[Change]:
    """The functions that modules store which are of no kind, but call one that is."""
    for place in [place for name, module in owners.items() for place in contents(name, module)]:
        names = () if kinds.of_function(place.value) else called_in(place.value, kinds)
        if names:
            yield Change(place.name, f"a function that calls {', '.join(names)}")


def shut(module: nn.Module, kinds: Kinds, model: nn.Module) -> str | None:
    """Why a module can be neither replaced nor looked into; None where one of the two can be done."""
    name = type(module).__name__
    if isinstance(module, torch.jit.ScriptModule):
        return f"{name}, compiled by TorchScript"
    if kinds.of_module(module) and module.state_dict():
        return f"{name}, which holds weights"
    if kinds.of_module(module) and module is model:
        return f"{name}, which cannot be replaced in itself"
    return None


def replace(owners: Owners, kinds: Kinds, makers: Makers) -> list[Change]:
    """Replaces what modules store, and says where."""
    new: dict[int, nn.Module] = {}
    changes = []
    for place in [place for name, module in owners.items() for place in contents(name, module)]:
        old = place.value
        if isinstance(old, nn.Module):
            kind = None if old.state_dict() else kinds.of_module(old)
            if kind and id(old) not in new:
                new[id(old)] = makers[kind]().train(old.training)
            made = new.get(id(old))
        else:
            kind = kinds.of_function(old)
            made = makers[kind]().train(place.owner.training) if kind else None
        if made is not None:
            place.put(made)
            leave_fast_path(place.owner, owners)
            changes.append(Change(place.name, type(old).__name__ if isinstance(old, nn.Module) else kinds.name(old)))
    return changes


def leave_fast_path(changed: nn.Module, owners: Owners) -> None:
    """Makes a TransformerEncoderLayer compute its activation: its fast path goes by a number, not by what is stored.

    And its encoder must not turn the padded input into a nested tensor for that path.
    """
    if isinstance(changed, nn.TransformerEncoderLayer):
        changed.activation_relu_or_gelu = 0
        for module in owners.values():
            if isinstance(module, nn.TransformerEncoder) and any(m is changed for m in module.modules()):
                module.use_nested_tensor = False


def rewrite(owners: Owners, kinds: Kinds, makers: Makers) -> tuple[list[Change], list[Change]]:
    """Rewrites the forwards that call a function themselves: what was rewritten, and what was not, with the reason."""
    rewritten, refused = [], []
    for name, module in owners.items():
        inside, outside = called(type(module), kinds)
        try:
            made = rewriting(module, kinds).apply(lambda kind: makers[kind]()) if inside else {}
            rewritten += [Change(joined(name, child), f"a call of {kinds.name(old)}") for child, old in made.items()]
        except Refused as reason:
            refused.append(Change(name, f"calls {', '.join(inside)}: {reason}"))
        if outside:
            refused.append(Change(name, f"calls {', '.join(outside)} in methods that its forward does not name"))
    return rewritten, refused
