"""Two processes over gloo: DDP, FSDP2, tensor parallel and DTensor give what one process gives, and no more traffic.

The cases below all run in the same two processes, which are started once; each is reported on its own.
"""

import copy
import functools
import json
import time
import traceback
from collections.abc import Callable
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, Partial, Replicate, Shard, distribute_tensor
from torch.distributed.tensor.debug import CommDebugMode
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module
from torch.multiprocessing.spawn import spawn
from torch.nn.parallel import DistributedDataParallel

from gem_symbolic import functional, nn
from gem_symbolic.definitions import VARIANTS

WORLD, STEPS, N = 2, 10, 2
#: In seconds: what a collective may take, and all cases together.
PATIENCE, DEADLINE = 60, 300
FUNCTIONS = {name: getattr(functional, name) for name, activation in VARIANTS.items() if activation.emitted}
GATED = {name: getattr(functional, f"{name}_glu") for name in FUNCTIONS}
CASES = {}


def shown(setting):
    return getattr(setting, "__name__", str(setting))


def case(*settings):
    """Puts a function among the cases, once for each setting."""

    def put(function):
        for setting in settings or ((),):
            CASES[" ".join([function.__name__, *map(shown, setting)])] = functools.partial(function, *setting)
        return function

    return put


def numbers(*shape):
    return torch.linspace(-0.9, 0.8, torch.Size(shape).numel()).reshape(shape)


# --- Training: losses of two processes and of one ---


class Plain(torch.nn.Module):
    """Two layers with an activation between them; the width is odd, so that no two shards are alike."""

    width = 15

    def __init__(self):
        super().__init__()
        self.up, self.act, self.down = torch.nn.Linear(6, self.width), nn.SEGEM(N), torch.nn.Linear(self.width, 3)

    def forward(self, x):
        return self.down(self.act(self.up(x)))


class Even(Plain):
    """The same of even width: only then does PyTorch put local parts of a layer's result together."""

    width = 16


class Packed(Plain):
    """The same, gated: one layer gives both halves."""

    def __init__(self):
        super().__init__()
        self.up, self.act = torch.nn.Linear(6, 2 * self.width), nn.SEGEMGLU(N)


class TwoLayers(Even):
    """The same, gated: two layers give a tensor each."""

    def __init__(self):
        super().__init__()
        self.gate, self.act = torch.nn.Linear(6, self.width), nn.SEGEMGLU(N)

    def forward(self, x):
        return self.down(self.act(self.gate(x), self.up(x)))


class WithBias(Plain):
    """The same, the bias handed to the activation."""

    def __init__(self):
        super().__init__()
        self.up = torch.nn.Linear(6, self.width, bias=False)
        self.bias = torch.nn.Parameter(numbers(self.width))

    def forward(self, x):
        return self.down(functional.segem(self.up(x), N, bias=self.bias))


def made(kind):
    torch.manual_seed(1)
    return kind()


def batches():
    """For each step x and what to learn of it."""
    torch.manual_seed(2)
    return [(x, x[:, :3].sin()) for x in torch.randn(STEPS, 8, 6)]


def losses(model, part=slice(None), context: Callable[[], Any] = nullcontext):
    """The losses of some steps of SGD on a part of each batch."""
    optimizer, found = torch.optim.SGD(model.parameters(), lr=0.2), []
    for x, target in batches():
        optimizer.zero_grad()
        with context():
            loss = (model(x[part]) - target[part]).square().mean()
            loss.backward()
        optimizer.step()
        found.append(loss.detach())
    return torch.stack(found)


def shared(found):
    """The mean over the processes."""
    dist.all_reduce(found)
    return found / WORLD


def mine():
    """The part of a batch that this process learns from."""
    return slice(dist.get_rank(), None, WORLD)


def assert_same(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)
    assert expected[-1] < expected[0]


def assert_other(found, expected):
    assert ((found - expected).abs() > 1e-3 * expected).any()


@case((Plain,), (Packed,), (WithBias,))
def data_parallel(kind):
    model = DistributedDataParallel(made(kind))
    other = copy.deepcopy(model)
    expected = losses(made(kind))
    assert_same(shared(losses(model, mine())), expected)
    assert_same(shared(losses(other, mine())), expected)


@case()
def data_parallel_without_reduction_is_seen():
    model = DistributedDataParallel(made(Plain))
    assert_other(shared(losses(model, mine(), model.no_sync)), losses(made(Plain)))


@case((Plain,), (Packed,), (WithBias,))
def fully_sharded(kind):
    mesh, model = init_device_mesh("cpu", (WORLD,)), made(kind)
    for layer in (model.up, model.down):
        fully_shard(layer, mesh=mesh)
    fully_shard(model, mesh=mesh)
    assert all(isinstance(p, DTensor) for p in model.parameters())
    assert_same(shared(losses(model, mine())), losses(made(kind)))


PLAN: Any = {"up": ColwiseParallel(), "down": RowwiseParallel()}


@case((Even,), (TwoLayers,))
def tensor_parallel(kind):
    """The activation runs on what a process has of the columns."""
    model, plan = made(kind), PLAN if kind is Even else PLAN | {"gate": ColwiseParallel()}
    assert_same(losses(parallelize_module(model, init_device_mesh("cpu", (WORLD,)), plan)), losses(made(kind)))


@case()
def tensor_parallel_on_dtensors():
    """The activation runs on DTensors of odd width, its bias sharded as its input is: one collective a step."""
    mesh, model, counts = init_device_mesh("cpu", (WORLD,)), made(WithBias), []
    plan = {"up": ColwiseParallel(use_local_output=False), "down": RowwiseParallel()}
    parallelize_module(model, mesh, plan)
    model.bias = torch.nn.Parameter(distribute_tensor(model.bias.data, mesh, [Shard(0)]))

    @contextmanager
    def counted():
        with CommDebugMode() as comm:
            yield
        counts.append(comm.get_total_counts())

    assert_same(losses(model, context=counted), losses(made(WithBias)))
    assert counts == STEPS * [1]


@case()
def tensor_parallel_without_reduction_is_seen():
    plan = PLAN | {"down": RowwiseParallel(output_layouts=Partial(), use_local_output=True)}
    model = parallelize_module(made(Even), init_device_mesh("cpu", (WORLD,)), plan)
    assert_other(shared(losses(model)), losses(made(Even)))


# --- DTensor: placements and collectives ---

#: Neither dimension is even.
SHAPE = (5, 7)
LAYOUTS = {
    "rows": (Shard(0),),
    "columns": (Shard(1),),
    "last": (Shard(-1),),
    "replicated": (Replicate(),),
    "sum": (Partial(),),
    "two": (Shard(0), Shard(1)),
}


def placed(x, mesh, placements):
    """x on a mesh; of what is to be a sum, each process holds a part."""
    if not any(p.is_partial() for p in placements):
        return distribute_tensor(x, mesh, placements)
    return DTensor.from_local(x / WORLD, mesh, placements)


def spread(layout):
    """A mesh, placements on it, and the collectives it takes before anything can be computed."""
    placements = LAYOUTS[layout]
    return init_device_mesh("cpu", (WORLD, 1)[: len(placements)]), placements, int(layout == "sum")


def compare(f, tensors, layouts, weight_layout=None) -> Any:
    """f of DTensors: its values and derivatives are those of f of tensors.

    Returns the result, its gradients, and the collectives that each took.
    """
    mesh = layouts[0][0]
    there = [placed(t, *layout).requires_grad_() for t, layout in zip(tensors, layouts)]
    here = [t.clone().requires_grad_() for t in tensors]
    with CommDebugMode() as forward:
        y = f(*there)
    expected = f(*here)
    weight = numbers(*expected.shape).cos()
    there_weight = distribute_tensor(weight, mesh, weight_layout or y.placements)
    with CommDebugMode() as backward:
        grads = torch.autograd.grad(y, there, there_weight, create_graph=True)
    expected_grads = torch.autograd.grad(expected, here, weight, create_graph=True)
    seconds: Any = torch.autograd.grad(grads[0].sin().sum(), there)
    expected_seconds = torch.autograd.grad(expected_grads[0].sin().sum(), here)
    everything: Any = [y, *grads, *seconds]
    for a, b in zip(everything, [expected, *expected_grads, *expected_seconds], strict=True):
        torch.testing.assert_close(a.full_tensor(), b)
    return y, grads, (forward.get_total_counts(), backward.get_total_counts())


def settled(placements):
    return tuple(Replicate() if p.is_partial() else p for p in placements)


def normal(placements, dim):
    return tuple(Shard(p.dim % dim) if p.is_shard() else p for p in placements)


@case(*((name, layout) for name in FUNCTIONS for layout in LAYOUTS if name == "segem" or layout == "rows"))
def elementwise(name, layout):
    """What comes out lies as what went in, and so does its gradient; only a sum is summed up, once."""
    mesh, placements, sums = spread(layout)
    y, (grad,), counts = compare(lambda x: FUNCTIONS[name](x, N), [numbers(*SHAPE)], [(mesh, placements)])
    assert counts == (sums, sums)
    assert y.placements == grad.placements == normal(settled(placements), 2)


@case(*((layout,) for layout in LAYOUTS))
def bias(layout):
    """The bias lies as the columns do; its gradient is what the sum over rows gives, as for x + bias."""
    mesh, placements, sums = spread(layout)
    along = tuple(Shard(0) if p.is_shard(1) or p.is_shard(-1) else Replicate() for p in placements)
    tensors = [numbers(*SHAPE), numbers(SHAPE[1])]
    f = lambda x, bias: functional.segem(x, N, bias=bias)  # noqa: E731
    y, found, counts = compare(f, tensors, [(mesh, placements), (mesh, along)])
    assert counts == (sums, sums)
    assert y.placements == found[0].placements == normal(settled(placements), 2)
    if layout != "sum":
        _, there, _ = compare(
            lambda x, bias: functional.segem(x + bias, N), tensors, [(mesh, placements), (mesh, along)]
        )
        assert found[1].placements == there[1].placements


@case(*((name, layout) for name in GATED for layout in LAYOUTS if name == "segem" or layout == "columns"))
def gated(name, layout):
    mesh, placements, sums = spread(layout)
    f = lambda x, up: GATED[name](x, up, N)  # noqa: E731
    y, found, counts = compare(f, [numbers(*SHAPE), numbers(*SHAPE).sin()], 2 * [(mesh, placements)])
    assert counts == ((0, 0) if not sums else counts)
    assert {y.placements, *(grad.placements for grad in found)} == {normal(settled(placements), 2)}


@case(("rows", 0), ("replicated", 0), ("columns", None), ("sum", None))
def halves(layout, traffic):
    """Rows that are whole need no collective; columns are brought together by DTensor's own chunk."""
    mesh, placements, _ = spread(layout)
    y, (grad,), counts = compare(lambda x: functional.segem_glu(x, N=N), [numbers(5, 14)], [(mesh, placements)])
    if traffic is not None:
        assert counts == (traffic, traffic)
        assert y.placements == grad.placements == placements


@case(("rows", "columns"), ("rows", "replicated"), ("columns", "rows"), ("replicated", "rows"))
def weights_that_lie_otherwise(layout, weight):
    """They are brought to where the input lies."""
    mesh, placements, _ = spread(layout)
    f = lambda x, bias: functional.segem(x, N, bias=bias)  # noqa: E731
    layouts = [(mesh, placements), (mesh, (Shard(0),))]
    y, found, _ = compare(f, [numbers(*SHAPE), numbers(SHAPE[1])], layouts, LAYOUTS[weight])
    assert y.placements == found[0].placements == placements


@case()
def a_tensor_beside_a_dtensor_is_refused():
    """At once, and not only when gradients are asked for."""
    x = distribute_tensor(numbers(*SHAPE), init_device_mesh("cpu", (WORLD,)), [Shard(0)])
    for call in (lambda: functional.segem(x, bias=numbers(SHAPE[1])), lambda: functional.segem_glu(x, numbers(*SHAPE))):
        with pytest.raises(TypeError, match=r"mixed torch\.Tensor and DTensor"):
            call()


@case()
def fewer_rows_than_processes():
    mesh = init_device_mesh("cpu", (WORLD,))
    for shape in ((1, 7), (0, 7)):
        compare(lambda x: functional.segem(x, N), [numbers(1, 7).expand(shape)], [(mesh, (Shard(0),))])


@case()
def a_changed_shard_is_seen():
    mesh = init_device_mesh("cpu", (WORLD,))

    def f(x):
        if isinstance(x, DTensor):
            x = DTensor.from_local(
                x.to_local() * (1 + dist.get_rank()), mesh, x.placements, shape=x.shape, stride=x.stride()
            )
        return functional.segem(x, N)

    with pytest.raises(AssertionError):
        compare(f, [numbers(*SHAPE)], [(mesh, (Shard(0),))])


# --- The two processes ---


def work(rank, folder):
    """Runs all cases in one of the processes and writes what went wrong in each."""
    torch.set_num_threads(1)
    store = f"file://{folder / 'store'}"
    dist.init_process_group("gloo", store, timedelta(seconds=PATIENCE), WORLD, rank)
    outcomes = {}
    try:
        for name, run in CASES.items():
            try:
                run()
                outcomes[name] = None
            except Exception:
                outcomes[name] = traceback.format_exc()
    finally:
        (folder / f"{rank}.json").write_text(json.dumps(outcomes))
        dist.destroy_process_group()


def test_two_processes_do_as_one(subtests, tmp_path):
    context: Any = spawn(work, (tmp_path,), WORLD, join=False)
    begun = time.monotonic()
    try:
        while not context.join(1):
            assert time.monotonic() < begun + DEADLINE, "the processes wait for each other"
    finally:
        for process in context.processes:
            process.kill()
    outcomes = [json.loads(Path(tmp_path, f"{rank}.json").read_text()) for rank in range(WORLD)]
    for name in CASES:
        with subtests.test(name):
            failures = [outcome[name] for outcome in outcomes if outcome[name]]
            assert not failures, "\n".join(failures)
