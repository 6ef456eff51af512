"""What surrounds a network in training: mixed precision, checkpoints, functional calls, workers, memory formats."""

import copy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, Dataset

from gem_symbolic import cpu, functional, nn
from gem_symbolic.definitions import VARIANTS

N = 2
FUNCTIONS = {name: getattr(functional, name) for name, activation in VARIANTS.items() if activation.emitted}
GATED = {name: getattr(functional, f"{name}_glu") for name in FUNCTIONS}
#: Each variant, as it is, with a bias and gated, of x alone.
FORMS = {
    **{name: lambda x, f=f: f(x, N) for name, f in FUNCTIONS.items()},
    **{f"{name}, bias": lambda x, f=f: f(x, N, bias=torch.ones_like(x[0, 0])) for name, f in FUNCTIONS.items()},
    **{f"{name}, gated": lambda x, g=g: g(x, N=N) for name, g in GATED.items()},
    **{f"{name}, gated by a tensor": lambda x, g=g: g(x, 1 - x, N) for name, g in GATED.items()},
}
every_form = pytest.mark.parametrize("f", FORMS.values(), ids=FORMS.keys())


def network():
    torch.manual_seed(0)
    layers = torch.nn.Linear(6, 16), nn.SEGEM(N), torch.nn.Linear(16, 16), nn.SEGEMGLU(N), torch.nn.Linear(8, 1)
    return torch.nn.Sequential(*layers)


def gradients(model, y):
    return torch.autograd.grad(y.sum(), list(model.parameters()))


def test_nothing_is_registered_as_an_operator():
    """So that there is nothing for torch.library.opcheck to check; an operator that is registered is seen."""
    code = """
import torch, torch._dynamo  # which registers some of its own
registered = lambda: set(torch._C._dispatch_get_all_op_names())
x = torch.ones(4, requires_grad=True)
x.square().sum().backward()
before = registered()
import gem_symbolic.nn, gem_symbolic.functional as functional
(functional.segem(x) + functional.segem_glu(x, x)).sum().backward()
print(*registered() - before)
library = torch.library.Library("gem_symbolic_test", "DEF")
library.define("seen(Tensor x) -> Tensor")
print(*registered() - before)
"""
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["", "gem_symbolic_test::seen"]


# --- Mixed precision ---


@every_form
@pytest.mark.parametrize("autocast", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32], ids=str)
def test_autocast_leaves_the_type_of_the_input(f, dtype, autocast):
    x = torch.randn(2, 3, 8).to(dtype).requires_grad_()
    with torch.autocast("cpu", autocast):
        y = f(x)
    (grad,) = torch.autograd.grad(y.sum(), x)
    assert y.dtype == grad.dtype == dtype
    assert torch.equal(y, f(x))


def test_a_scaled_loss_gives_the_steps_of_an_unscaled_one():
    """Where the scaled gradients are infinite, the step is left out and the scale is halved."""
    plain, scaled = network(), network()
    optimizers = [torch.optim.SGD(model.parameters(), lr=1e-4) for model in (plain, scaled)]
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127)
    skipped = 0
    for _ in range(40):
        x = 10 * torch.randn(16, 6)
        before, start = scaler.get_scale(), copy.deepcopy(scaled.state_dict())
        optimizers[1].zero_grad()
        scaler.scale(20 * scaled(x).square().mean()).backward()
        scaler.step(optimizers[1])
        scaler.update()
        if scaler.get_scale() < before:
            skipped += 1
            torch.testing.assert_close(scaled.state_dict(), start, rtol=0, atol=0)
            continue
        optimizers[0].zero_grad()
        (20 * plain(x).square().mean()).backward()
        optimizers[0].step()
    assert 0 < skipped < 30
    torch.testing.assert_close(list(scaled.parameters()), list(plain.parameters()))
    assert all(not torch.equal(a, b) for a, b in zip(scaled.parameters(), network().parameters()))


# --- Memory ---


@every_form
@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpoints_compute_the_same_again(f, reentrant):
    x, runs = torch.randn(2, 3, 8, requires_grad=True), []
    y = checkpoint(lambda x: f(runs.append(x) or x), x, use_reentrant=reentrant)
    y.sum().backward()
    assert len(runs) == 2
    assert torch.equal(y, f(x))
    torch.testing.assert_close(x.grad, torch.autograd.grad(f(x).sum(), x)[0], rtol=0, atol=0)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_channels_last_stays_channels_last(name):
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), getattr(nn, name.upper())(N), torch.nn.Conv2d(8, 4, 3)
    )
    kept = []
    model[2].register_forward_hook(lambda module, inputs, output: kept.append((*inputs, output)))
    x = torch.randn(2, 3, 9, 7)
    found = []
    for format in (torch.contiguous_format, torch.channels_last):
        layers = model.to(memory_format=format)  # pyright: ignore[reportCallIssue]
        y = layers(x.to(memory_format=format))
        found.append([y, *gradients(layers, y)])
        assert all(t.is_contiguous(memory_format=format) for t in kept[-1])
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-5)


# --- Functional calls and copies ---


def test_a_functional_call_takes_other_parameters():
    model, x = network(), torch.randn(4, 6)
    halved = {name: p.detach() / 2 for name, p in model.named_parameters()}
    expected = copy.deepcopy(model)
    expected.load_state_dict(halved)
    assert torch.equal(torch.func.functional_call(model, halved, (x,)), expected(x))

    def loss(parameters):
        return torch.func.functional_call(model, parameters, (x,)).sum()

    found = torch.func.grad(loss)(halved)
    torch.testing.assert_close(tuple(found.values()), gradients(expected, expected(x)))
    each = torch.func.vmap(torch.func.grad(lambda p, x: torch.func.functional_call(model, p, (x,)).sum()), (None, 0))
    torch.testing.assert_close({k: g.sum(0) for k, g in each(halved, x).items()}, found)


# --- Workers ---


class Activated(Dataset):
    """Each item is what the activation gives in a worker, by as many threads as in the parent."""

    #: So many that more than one thread works on them.
    numbers = torch.arange(4 * cpu.GRAIN, dtype=torch.float32) / cpu.GRAIN - 3

    def __init__(self, pool=None):
        self.pool = pool

    def __len__(self):
        return 4

    def __getitem__(self, index):
        if self.pool is not None:
            cpu.pool = lambda threads: self.pool
        torch.set_num_threads(2)
        y = functional.segem(self.numbers, N + index)
        torch.set_num_threads(1)  # PyTorch's own threads do not outlive a fork
        return y


@pytest.fixture
def parent():
    """The threads that a parent has, and a child has not."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    functional.segem(Activated.numbers, N)
    assert cpu.pool.cache_info().currsize
    yield cpu.pool(2)
    torch.set_num_threads(before)


def loaded(dataset, workers, timeout):
    loader = DataLoader(dataset, batch_size=2, num_workers=workers, multiprocessing_context="fork", timeout=timeout)
    return torch.cat(list(loader))


# From Python 3.12 on a fork beside threads is warned of, and these tests are of just that.
forks = pytest.mark.filterwarnings("ignore:.*use of fork\\(\\) may lead to deadlocks:DeprecationWarning")


@forks
def test_forked_workers_do_not_wait_for_the_threads_of_their_parent(parent):
    expected = torch.stack([functional.segem(Activated.numbers, N + k) for k in range(4)])
    assert torch.equal(loaded(Activated(), workers=2, timeout=60), expected)


@forks
def test_workers_that_would_wait_are_noticed(parent):
    with pytest.raises(RuntimeError, match="timed out"):
        loaded(Activated(parent), workers=1, timeout=1)
