"""Long training in mixed precision where the formula as it is printed overflows: ours never gives NaN, and learns.

A small transformer, its pre-activations so large that a power in the printed formula is infinite in the type that
autocast leaves them in. `make soak` trains for 1,000 steps, a run of the tests for fewer.
"""

import os

import pytest
import torch

from gem_symbolic import functional
from gem_symbolic.branches import branch_values, partition
from gem_symbolic.definitions import VARIANTS

STEPS = int(os.environ.get("SOAK_STEPS", "30"))
FUNCTIONS = {name: getattr(functional, name) for name, activation in VARIANTS.items() if activation.emitted}
GATED = {name: getattr(functional, f"{name}_glu") for name in FUNCTIONS}
#: type -> N and a factor K such that (K h)**(2N) is infinite for most h of size 1, and K h is not.
OVERFLOWING = {torch.float16: (2, 2.0**8), torch.bfloat16: (4, 2.0**18)}
every_variant = pytest.mark.parametrize("name", FUNCTIONS)
every_type = pytest.mark.parametrize("dtype", OVERFLOWING, ids=str)
WORDS, WIDTH, LENGTH, BATCH = 8, 16, 8, 4


@pytest.fixture(autouse=True)
def one_thread():
    """Tensors so small gain nothing from a second thread, which waits for work in a loop."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def printed(name, N):
    """The definition's own branches, evaluated in the type of x as they stand, and the same times a second tensor."""
    activation = VARIANTS[name]
    eps = 1 if any(p.fixed for p in activation.parameters) else 1e-4
    _, right = partition(activation)

    def f(x):
        values = [torch.as_tensor(v, dtype=x.dtype) for v in branch_values(activation, {"x": x, "N": N, "eps": eps})]
        return torch.where(x > float(right.low or 0), *values[::-1])

    return f, lambda x, up: f(x) * up


def ours(name, N):
    return lambda x: FUNCTIONS[name](x, N), lambda x, up: GATED[name](x, up, N)


class Block(torch.nn.Module):
    """A block of a transformer; the activation sees K times the pre-activations, and what follows is divided by K."""

    def __init__(self, activation, gated, K):
        super().__init__()
        self.activation, self.gated, self.K = activation, gated, K
        self.first, self.second = torch.nn.LayerNorm(WIDTH), torch.nn.LayerNorm(WIDTH)
        self.attend, self.mix = torch.nn.Linear(WIDTH, 3 * WIDTH), torch.nn.Linear(WIDTH, WIDTH)
        self.up, self.down = torch.nn.Linear(WIDTH, 4 * WIDTH), torch.nn.Linear((2 if gated else 4) * WIDTH, WIDTH)

    def forward(self, h):
        parts = self.attend(self.first(h)).chunk(3, -1)
        h = h + self.mix(torch.nn.functional.scaled_dot_product_attention(*parts, is_causal=True))
        x = self.up(self.second(h))
        if self.gated:
            gate, other = x.chunk(2, -1)
            return h + self.down(self.activation(self.K * gate, other)) / self.K
        return h + self.down(self.activation(self.K * x)) / self.K


def soaked(activations, dtype, K, steps):
    """The losses of so many steps; a NaN or an infinity in a loss, a gradient or a parameter raises ArithmeticError."""
    torch.manual_seed(0)
    plain, gated = activations
    blocks = Block(plain, False, K), Block(gated, True, K), Block(plain, False, 1)
    model = torch.nn.Sequential(torch.nn.Embedding(WORDS, WIDTH), *blocks, torch.nn.Linear(WIDTH, WORDS))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, fused=True)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10, enabled=dtype == torch.float16)
    losses = []
    for step in range(steps):
        words = (torch.randint(WORDS, (BATCH, 1)) + 3 * torch.arange(LENGTH + 1)) % WORDS
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype):
            guesses = model(words[:, :-1])
            loss = torch.nn.functional.cross_entropy(guesses.flatten(0, 1), words[:, 1:].flatten())
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        everything = [loss, *model.parameters(), *(p.grad for p in model.parameters())]
        if not torch.cat([t.detach().flatten() for t in everything]).isfinite().all():
            raise ArithmeticError(f"step {step}: the loss is {loss.item()}")
        losses.append(loss.item())
    return losses


@every_variant
@every_type
def test_training_stays_finite_and_learns(name, dtype):
    N, K = OVERFLOWING[dtype]
    losses = soaked(ours(name, N), dtype, K, STEPS)
    assert len(losses) == STEPS
    assert sum(losses[-5:]) / 5 < losses[0] / 4


@every_variant
@every_type
def test_the_printed_formula_gives_nan(name, dtype):
    N, K = OVERFLOWING[dtype]
    with pytest.raises(ArithmeticError, match="step 0: the loss is nan"):
        soaked(printed(name, N), dtype, K, 1)


@every_variant
def test_without_overflow_the_printed_formula_is_ours(name):
    x = torch.linspace(-2, 2, 101, dtype=torch.float64)
    for f, g in zip(printed(name, 2), ours(name, 2)):
        arguments = (x, x.cos())[: f.__code__.co_argcount]
        torch.testing.assert_close(f(*arguments), g(*arguments))
