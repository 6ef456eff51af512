"""A forward that calls a function, rewritten by torch.fx to call a module there.

What torch.fx records is one run with stand-ins for tensors. Where another run may differ from it, nothing is rewritten:
the reason is given instead.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import torch
from torch import fx, nn

from gem_symbolic.integrations.kinds import Kinds
from gem_symbolic.integrations.records import Refused, check


class Tracer(fx.Tracer):
    """Records what one module does itself: its children are called, not entered."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return True


@dataclass(frozen=True)
class Rewriting:
    """A recorded forward, and the calls in it that are to become modules, with their kinds."""

    module: nn.Module
    graph: fx.Graph
    calls: tuple[tuple[fx.Node, str], ...]

    def apply(self, make: Callable[[str], nn.Module]) -> dict[str, Any]:
        """Rewrites the forward of this one module, and gives its new children by name, with what each stands for.

        The module keeps its attributes, hooks and weights, and becomes an instance of a subclass of its class; one that
        torch.fx made has its graph replaced.
        """
        made = {}
        for node, kind in self.calls:
            name = next(n for k in count() if not hasattr(self.module, n := f"{kind}_{k}"))
            self.module.add_module(name, make(kind).train(self.module.training))
            with self.graph.inserting_before(node):
                node.replace_all_uses_with(self.graph.call_module(name, (argument(node),)))
            self.graph.erase_node(node)
            made[name] = target(node)
        if isinstance(self.module, fx.GraphModule):
            self.module.graph = self.graph
        else:
            cls = type(self.module)
            self.module.__class__ = subclass(getattr(cls, "recorded_from", cls), self.graph)
        return made


def subclass(base: type[nn.Module], graph: fx.Graph) -> type[nn.Module]:
    """The class with another forward, that of the graph. Its instances are pickled as the two, and their state."""
    code = graph.python_code("self")
    names = dict(code.globals)
    exec(code.src, names)

    class Recorded(base):
        recorded_from = base
        forward = names["forward"]

        def __reduce_ex__(self, protocol: Any) -> Any:
            return blank, (base, graph), self.__getstate__()

    Recorded.__name__, Recorded.__qualname__, Recorded.__module__ = base.__name__, base.__qualname__, base.__module__
    return Recorded


def blank(base: type[nn.Module], graph: fx.Graph) -> nn.Module:
    """An instance before its state is set, for pickle."""
    cls = subclass(base, graph)
    return cls.__new__(cls)


def argument(node: fx.Node) -> Any:
    """What an activation is applied to."""
    return node.args[0] if node.args else node.kwargs["input"]


def recorded(module: nn.Module, training: bool) -> fx.Graph:
    """What the forward does in training or not. Raises Refused where it cannot be recorded."""
    stand_in = copy.copy(module)  # what the record needs is stored on it
    stand_in.training = training
    before = set(vars(stand_in))
    try:
        graph = Tracer().trace(stand_in)
    except Exception as error:  # a forward may raise anything when it meets a stand-in
        why = str(error).partition("\n")[0] or repr(error)
        raise Refused(f"torch.fx cannot record its forward: {why}") from error
    if vars(stand_in).keys() - before:
        raise Refused("its forward makes tensors of its own")
    return graph


def target(node: fx.Node) -> Any:
    """The function or the method of tensors that a node calls."""
    if node.op == "call_method":
        return getattr(torch.Tensor, str(node.target), None)
    return node.target if node.op == "call_function" else None


def in_place(node: fx.Node, kinds: Kinds) -> bool:
    named = kinds.name(target(node)).endswith("_")
    return named or any(value is True for value in (*node.args, *node.kwargs.values()))


def fresh(node: Any, module: nn.Module) -> bool:
    """Whether a layer with weights made the tensor, so that nothing else is stored in the same place."""
    return (
        isinstance(node, fx.Node)
        and node.op == "call_module"
        and len(node.users) == 1
        and next(module.get_submodule(str(node.target)).parameters(recurse=False), None) is not None
    )


def rewriting(module: nn.Module, kinds: Kinds) -> Rewriting:
    """How the forward of a module can be rewritten. Raises Refused with the reason where it cannot."""
    check(module)
    graph, other = recorded(module, True), recorded(module, False)
    if graph.python_code("self").src != other.python_code("self").src:
        raise Refused("its forward does something else in training")
    calls = tuple((node, kind) for node in graph.nodes if (kind := kinds.of_function(target(node))))
    if not calls:
        raise Refused("its forward does not call that by itself")
    for node, _ in calls:
        if in_place(node, kinds) and not (node.users and fresh(argument(node), module)):
            raise Refused("the call is in place, and its argument may be used again")
    return Rewriting(module, graph, calls)
