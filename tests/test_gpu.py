"""On a GPU: the kernels' numbers, tensors of any size, streams, graphs, and training; skipped where there is none.

What the kernels return there is measured by `accuracy --device cuda` and `exhaustive --device cuda`.
"""

from functools import partial

import pytest
import torch

from gem_symbolic import functional, integrations, nn
from gem_symbolic.definitions import VARIANTS

if not torch.cuda.is_available():
    pytest.skip("PyTorch finds no CUDA device here", allow_module_level=True)

N, EPS = 2, 1e-4
NAMES = [a.name for a in VARIANTS.values() if a.emitted]
TYPES = [torch.float16, torch.bfloat16, torch.float32]
#: Relative and absolute error, beside what the incoming gradient's rounding makes of it.
NEAR = {torch.float16: (2.0**-10, 2.0**-14), torch.bfloat16: (2.0**-7, 2.0**-14), torch.float32: (2.0**-18, 2.0**-14)}


def given(name):
    return {"N": N} | ({} if any(p.fixed for p in VARIANTS[name].parameters) else {"eps": EPS})


def function(name, suffix=""):
    return partial(getattr(functional, name + suffix), **given(name))


def draw(*shape, dtype=torch.float32):
    generator = torch.Generator("cuda").manual_seed(sum(shape))
    return torch.randn(shape, generator=generator, device="cuda").to(dtype)


def near(computed, expected):
    """Next to what was computed in binary64."""
    relative, beside = NEAR[computed.dtype]
    assert torch.allclose(computed.double(), expected.double(), rtol=relative, atol=beside, equal_nan=True)


def gradients(f, tensors, weight):
    leaves = [t.detach().requires_grad_() for t in tensors]
    y = f(*leaves)
    return [y.detach(), *torch.autograd.grad(y, leaves, weight.to(y.dtype))]


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("suffix", ["", "_glu"])
@pytest.mark.parametrize("name", NAMES)
def test_values_and_gradients_are_those_of_binary64(name, suffix, dtype):
    f, inputs = function(name, suffix), [draw(67, 301, dtype=dtype) for _ in range(2 if suffix else 1)]
    weight = draw(67, 301, dtype=dtype)
    found = gradients(f, inputs, weight)
    assert all(t.dtype == dtype for t in found)
    for computed, expected in zip(found, gradients(f, [t.double() for t in inputs], weight), strict=True):
        near(computed, expected)


@pytest.mark.parametrize("name", NAMES)
def test_special_numbers(name):
    """Limits at the infinities, zeros with their signs, NaN for NaN alone; the same as on the CPU."""
    x = torch.tensor([0.0, -0.0, torch.inf, -torch.inf, torch.nan, 3.4e38, -3.4e38, 1e-45, -1e-45, 1e-30, -1e-30])
    weight = torch.ones_like(x)
    for found, known in zip(
        gradients(function(name), [x.cuda()], weight.cuda()), gradients(function(name), [x], weight)
    ):
        assert torch.equal(found.cpu().nan_to_num(7), known.nan_to_num(7))
        assert torch.equal(found.cpu().signbit(), known.signbit())


@pytest.mark.parametrize("name", NAMES)
def test_second_derivatives(name):
    x = draw(1000)

    def second(x):
        x = x.requires_grad_()
        (slope,) = torch.autograd.grad(function(name)(x).sum(), x, create_graph=True)
        return torch.autograd.grad(slope.square().sum(), x)[0]

    expected = second(x.double())
    assert (second(x).double() - expected).abs().max() <= 1e-4 * expected.abs().max()


def test_more_elements_than_32_bits_count():
    """2^31 + 5 of them: the last block is reached, and what it holds is right."""
    x = torch.zeros(2**31 + 5, dtype=torch.bfloat16, device="cuda")
    x[-3:] = torch.tensor([1.0, -0.25, 2.0])
    y = function("segem")(x)
    near(y[-5:], function("segem")(x[-5:].double()))
    assert not y[:-3].any()


@pytest.mark.parametrize("form", ["transposed", "a slice", "expanded", "halves", "empty"])
def test_layouts(form):
    x = draw(96, 130)
    x = {"transposed": x.T, "a slice": x[1:, 3:77], "expanded": x[:1].expand(5, 130), "halves": x, "empty": x[:0]}[form]
    f = function("segem", "_glu" if form == "halves" else "")
    near(f(x), f(x.double()))


def test_bias():
    x, bias = draw(64, 257), draw(257)
    found = gradients(lambda x, b: functional.segem(x, bias=b, **given("segem")), [x, bias], draw(64, 257))
    wide = [x.double(), bias.double()]
    known = gradients(lambda x, b: functional.segem(x, bias=b, **given("segem")), wide, draw(64, 257))
    for computed, expected in zip(found, known, strict=True):
        assert torch.allclose(computed.double(), expected, rtol=2.0**-16, atol=2.0**-12)


def test_pairs():
    """accurate=True: the nearest number but for some in a thousand, or next to it."""
    x = draw(1 << 16)
    exact = function("segem")(x.double()).float()
    found = function("segem")(x, accurate=True)
    assert (found != exact).float().mean() < 1e-3
    assert torch.equal(torch.nextafter(exact, found), found)
    assert (function("segem")(x) != exact).float().mean() > 1e-2  # the plain plan is not so near: the test can fail


def test_a_stream_of_its_own():
    x, stream = draw(1 << 20), torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        y = function("egem")(x)
    torch.cuda.current_stream().wait_stream(stream)
    assert torch.equal(y, function("egem")(x))


def test_a_cuda_graph_replays():
    x = draw(4096).requires_grad_()
    f = function("segem")
    torch.autograd.grad(f(x).sum(), x)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        y = f(x)
        (grad,) = torch.autograd.grad(y, x, torch.ones_like(y))
    with torch.no_grad():
        x.copy_(draw(4097)[1:])
    graph.replay()
    expected = gradients(f, [x], torch.ones_like(x))
    assert torch.equal(y.detach(), expected[0])
    assert torch.equal(grad, expected[1])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # PyTorch 2.11 instantiates Functions to compile them
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_compiled(name, dtype):
    torch.compiler.reset()
    f, x = function(name), draw(37, 129, dtype=dtype)
    x[0, :4] = torch.tensor([0.0, torch.inf, -torch.inf, torch.nan])
    weight = torch.ones_like(x)
    found = gradients(torch.compile(f, fullgraph=True), [x], weight)
    for computed, expected in zip(found, gradients(f, [x.double()], weight), strict=True):
        near(computed, expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_training_in_mixed_precision(dtype):
    """A small network learns a parity, on the GPU as on the CPU: no NaN, and the loss falls by half."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Linear(8, 64),
        nn.SEGEM(N=N, eps=EPS),
        torch.nn.Linear(64, 64),
        nn.SEGEM(N=N, eps=EPS),
        torch.nn.Linear(64, 1),
    ).cuda()
    optimizer, scaler = torch.optim.Adam(model.parameters(), 3e-3), torch.amp.GradScaler(enabled=dtype == torch.float16)
    losses = []
    for step in range(200):
        x = torch.randn(256, 8, generator=torch.Generator().manual_seed(step)).sign().cuda()
        with torch.autocast("cuda", dtype):
            loss = (model(x) - x[:, :2].prod(1, keepdim=True)).square().mean()
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        losses.append(float(loss.detach()))
    assert torch.tensor(losses).isfinite().all()
    assert losses[-1] < losses[0] / 2


def test_a_patched_gpt2_takes_a_step():
    transformers = pytest.importorskip("transformers", reason="the extra `transformers` is not installed")
    torch.manual_seed(0)
    config = transformers.GPT2Config(n_layer=2, n_head=2, n_embd=64, vocab_size=97, n_positions=32)
    model = transformers.GPT2LMHeadModel(config)
    integrations.patch(model, {"gelu": nn.SEGEM(N=N, eps=EPS)})
    model = model.cuda().to(torch.bfloat16)
    tokens = torch.randint(97, (4, 32), device="cuda")
    optimizer, losses = torch.optim.AdamW(model.parameters(), 1e-3), []
    for _ in range(10):
        loss = model(input_ids=tokens, labels=tokens).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
