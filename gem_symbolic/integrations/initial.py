"""`init_`: the weights beside the activations of the family, drawn so that numbers keep their size."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from gem_symbolic.integrations.family import setting
from gem_symbolic.integrations.gains import gain


def init_(model: nn.Module, *example: Any, generator: torch.Generator | None = None) -> dict[str, float]:
    """Draws anew the weights of the layers before and after activations of the family, and gives their gains by name.

    As torch.nn.init.kaiming_normal_ with fan_in: normal with standard deviation gain/sqrt(fan_in), and biases of zero,
    in place, for linear layers, convolutions, and transformers' Conv1D. The gain is that of T10 (see `gain`) for a
    layer that comes next after such an activation, and 1 for one that comes just before and does not come after
    another, so that an activation reads numbers of variance 1 where its layer does. All other layers are left alone,
    and so is one that only a normalisation connects with an activation.

    What comes after what is the order in which the modules run on the example, the arguments of one call of the model;
    without one, the order in which the model lists them, as for nn.Sequential. Raises ValueError where no layer is
    beside an activation of the family.
    """
    gains: dict[nn.Module, float] = {}
    last: nn.Module | None = None  # the layer that ran last, unless a normalisation or an activation came since
    incoming: float | None = None
    for module in run_order(model, example) if example else listed(model):
        if setting(module):
            if last is not None:
                gains.setdefault(last, 1.0)
            last, incoming = None, gain(module)
        elif fan_in(module):
            if incoming is not None:
                gains.setdefault(module, incoming)
            last, incoming = module, None
        elif "Norm" in type(module).__name__:
            last, incoming = None, None
    names: dict[str, Any] = {name: module for name, module in model.named_modules() if module in gains}
    if not names:
        raise ValueError("no layer with weights stands beside an activation of gem_symbolic.nn in the model")
    with torch.no_grad():
        for module in names.values():
            module.weight.normal_(0, gains[module] / fan_in(module) ** 0.5, generator=generator)
            if module.bias is not None:
                module.bias.zero_()
    return {name: gains[module] for name, module in names.items()}


def fan_in(module: Any) -> int:
    """How many numbers each output of a layer is a sum over; 0 for what is no layer of a known kind."""
    if isinstance(module, nn.modules.conv._ConvTransposeNd):
        return 0
    if isinstance(module, (nn.Linear, nn.modules.conv._ConvNd)):
        return module.weight[0].numel()
    transposed = type(module).__module__ == "transformers.pytorch_utils" and type(module).__name__ == "Conv1D"
    return module.weight.shape[0] if transposed else 0


def run_order(model: nn.Module, example: Iterable[Any]) -> list[nn.Module]:
    """The modules in the order in which they finish when the model is called, in evaluation, without gradients."""
    order: list[nn.Module] = []
    training = [m for m in model.modules() if m.training]
    hooks = [m.register_forward_hook(lambda m, *_: order.append(m)) for m in model.modules()]
    try:
        with torch.no_grad():
            model.eval()(*example)
    finally:
        for module in training:
            module.training = True
        for hook in hooks:
            hook.remove()
    return order


def listed(model: nn.Module) -> list[nn.Module]:
    """The modules in the order of the model's lists, one that stands in several places as often."""
    return [module for _, module in model.named_modules(remove_duplicate=False)]
