"""Dead units in a small network: what T4 says about the gradient, seen in training.

A hidden unit is *dead* where the derivative of the activation is exactly 0 at its pre-activation for every example:
no gradient reaches the weights behind it, so that nothing but a change of earlier layers can revive it. Whether an
activation can do that to a unit is a theorem; how often it happens depends on the network, the data and the learning
rate, and is observed here.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

Activation = Callable[[Tensor], Tensor]
#: The examples, the layers and the training: full batches, plain gradient descent with momentum.
EXAMPLES, WIDTHS, MOMENTUM = 256, (2, 64, 64, 1), 0.9


@dataclass(frozen=True)
class Run:
    """What training with one activation and one seed gave, by step: the loss, and how many hidden units are dead.

    `margin` holds, for each hidden unit at the end, its largest derivative over all examples.
    """

    loss: Sequence[float]
    dead: Sequence[int]
    margin: Sequence[float]


def task(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Points of the plane, normally distributed, (EXAMPLES, 2), and a wave over them, (EXAMPLES, 1), in float32."""
    points = torch.randn(EXAMPLES, 2, generator=generator)
    return points, torch.sin(3 * points[:, :1]) * torch.cos(2 * points[:, 1:])


def layers(generator: torch.Generator) -> list[nn.Linear]:
    """Linear layers with Kaiming's normal weights and no bias to begin with: the same ones whatever the activation."""
    found = [nn.Linear(*sizes) for sizes in pairwise(WIDTHS)]
    for layer in found:
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
        nn.init.zeros_(layer.bias)
    return found


def forward(network: Sequence[nn.Linear], activation: Activation, x: Tensor) -> tuple[Tensor, list[Tensor]]:
    """The output, and the pre-activations of each hidden layer."""
    seen = []
    for layer in network[:-1]:
        seen.append(layer(x))
        x = activation(seen[-1])
    return network[-1](x), seen


def margins(activation: Activation, hidden: Sequence[Tensor]) -> Tensor:
    """For each hidden unit the largest size of the activation's derivative over the examples."""
    found = []
    for z in hidden:
        z = z.detach().requires_grad_()
        (slope,) = torch.autograd.grad(activation(z).sum(), z)
        found.append(slope.abs().amax(0))
    return torch.cat(found)


def train(activation: Activation, seed: int, steps: int, rate: float) -> Run:
    """Trains by full-batch gradient descent with this learning rate; nothing but the activation and the seed varies."""
    generator = torch.Generator().manual_seed(seed)
    x, y = task(generator)
    network = layers(generator)
    optimizer = torch.optim.SGD([p for layer in network for p in layer.parameters()], rate, MOMENTUM)
    losses, dead, margin = [], [], torch.empty(0)
    for _ in range(steps):
        guess, hidden = forward(network, activation, x)
        loss = mse_loss(guess, y)
        margin = margins(activation, hidden)
        losses.append(loss.item())
        dead.append(int((margin == 0).sum()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return Run(losses, dead, margin.tolist())


def runs(activation: Activation, seeds: Sequence[int], steps: int, rate: float) -> Iterator[Run]:
    """The same for several seeds, on one thread: tensors so small gain nothing from a second one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for seed in seeds:
            yield train(activation, seed, steps, rate)
    finally:
        torch.set_num_threads(threads)
