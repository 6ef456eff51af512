"""What the package adds to the emitted Functions in eager mode: C++ on the CPU, forward mode, vmap."""

import contextlib
import math
import multiprocessing
import os
import stat
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from gem_symbolic import cpu, functional, native
from gem_symbolic.definitions import VARIANTS

NARROW = tuple(cpu.TYPES)
NAMES = [name for name, activation in VARIANTS.items() if activation.emitted]
FUNCTIONS = {name: getattr(functional, name) for name in NAMES}
GLUS = {name: getattr(functional, f"{name}_glu") for name in NAMES}
KERNELS = {name: sys.modules[f"gem_symbolic.kernels.{name}"] for name in NAMES}


class Own(torch.Tensor):
    """A tensor that may be more than its numbers."""


every_name = pytest.mark.parametrize("name", NAMES)
every_type = pytest.mark.parametrize("dtype", NARROW, ids=str)


@pytest.fixture
def called(monkeypatch):
    """The names of the C++ functions that are run, one after the other."""
    names, run = [], cpu.run
    monkeypatch.setattr(cpu, "run", lambda function, *rest: names.append(function.__name__) or run(function, *rest))
    return names


@pytest.fixture
def without(monkeypatch):
    """As if no C++ could be compiled, said to nobody."""
    monkeypatch.setattr(cpu, "function", lambda *_: None)


@pytest.fixture
def threads():
    """Sets the number of threads, and afterwards what it was."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def everything(name, x, up, bias):
    """What the operators of a variant give, values and gradients."""
    x, up, bias = (t.detach().requires_grad_() for t in (x, up, bias))
    f, glu = FUNCTIONS[name], GLUS[name]
    found = []
    for y, inputs in (
        (f(x, 2), (x,)),
        (f(x, 2, bias=bias), (x, bias)),
        (glu(x, N=2), (x,)),
        (glu(x, up, N=2), (x, up)),
    ):
        grads = torch.autograd.grad(y, inputs, torch.linspace(-2, 2, y.numel(), dtype=y.dtype).reshape(y.shape))
        found += [y.detach(), *grads]
    return found


# --- Which kernel ---


@every_name
@every_type
def test_the_cpu_runs_cpp(name, dtype, called):
    everything(name, torch.randn(4, 6, dtype=dtype), torch.randn(4, 6, dtype=dtype), torch.randn(6, dtype=dtype))
    value, gradients = (f"wide_{part}{cpu.TYPES[dtype]}" for part in ("", "gradients_"))
    assert called == [*6 * [value], gradients, gradients]  # four values, then the gradients of each


@every_name
@every_type
def test_cpp_and_plain_pytorch_agree(name, dtype, monkeypatch):
    inputs = [(torch.randn(shape) * 2).to(dtype) for shape in ((64, 34), (64, 34), (34,))]
    native_results = everything(name, *inputs)
    monkeypatch.setattr(cpu, "function", lambda *_: None)
    for ours, plain in zip(native_results, everything(name, *inputs), strict=True):
        # Both are rounded once from binary64, but for PyTorch's 16-bit conversion; a bias's gradient is summed up.
        torch.testing.assert_close(ours, plain, rtol=2 * torch.finfo(dtype).eps, atol=1e-6)


LAYOUTS = {
    "dense": lambda x: x,
    "transposed": lambda x: x.t(),
    "columns left out": lambda x: x[:, ::2],
    "rows of halves": lambda x: x[:, 3:],
    "expanded": lambda x: x[:1].expand(5, -1),
    "expanded along rows": lambda x: x[:, :1].expand(-1, 4),
    "one number": lambda x: x[1, 1],
    "no dimension less": lambda x: x[:1, :1],
    "empty": lambda x: x[:, :0],
    "negated view": lambda x: torch.complex(x, x).conj().imag,
    "three dimensions permuted": lambda x: x.reshape(2, 3, -1).permute(1, 2, 0),
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
@pytest.mark.parametrize("other", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_any_strides_of_input_and_gradient(layout, other, without, monkeypatch):
    """Each layout of x with each of the incoming gradient of that shape; the plain result comes from dense copies."""
    x = layout(torch.randn(6, 8))
    source = other(torch.randn(6, 8))
    g = source if source.shape == x.shape else torch.randn(x.shape)
    dense = x.clone(memory_format=torch.contiguous_format).resolve_neg().requires_grad_()
    y = functional.segem(dense, 2)
    (expected,) = torch.autograd.grad(y, dense, g.clone(memory_format=torch.contiguous_format).resolve_neg())
    monkeypatch.undo()
    x = x.detach().requires_grad_()
    z = functional.segem(x, 2)
    (grad,) = torch.autograd.grad(z, x, g)
    torch.testing.assert_close(z, y, rtol=2**-23, atol=0)
    torch.testing.assert_close(grad, expected, rtol=2**-23, atol=1e-12)


OTHERS = {
    "binary64": (contextlib.nullcontext, lambda: torch.randn(4, dtype=torch.float64)),
    "meta": (contextlib.nullcontext, lambda: torch.randn(4, device="meta")),
    "a subclass": (contextlib.nullcontext, lambda: torch.randn(4).as_subclass(Own)),
    "fake": (FakeTensorMode, lambda: torch.randn(4)),
}


@pytest.mark.parametrize(("within", "make"), OTHERS.values(), ids=OTHERS.keys())
def test_other_tensors_are_left_to_pytorch(within, make, called):
    with within():
        x = make()
        y = functional.segem(x, 2)
    assert called == []
    assert (y.shape, y.dtype, y.device, type(y)) == (x.shape, x.dtype, x.device, type(x))


def test_a_zero_that_autograd_made_has_no_memory(called):
    assert functional.segem(torch.ops.aten._efficientzerotensor((4,)), 2).tolist() == [0, 0, 0, 0]
    assert called == []


def test_a_bias_of_another_type_is_left_to_pytorch(called):
    x, bias = torch.randn(5, 8, dtype=torch.bfloat16), torch.randn(8)
    expected = functional.segem(x.double() + bias.double(), 2).bfloat16()
    assert torch.equal(functional.segem(x, 2, bias=bias), expected)
    assert called == []


# --- Without a compiler ---


def test_without_a_compiler_there_is_one_warning():
    """In a process of its own, so that nothing was compiled before."""
    code = (
        "import torch, warnings; warnings.simplefilter('always'); from gem_symbolic.functional import egem, segem\n"
        "print([segem(torch.tensor([-1.0, 2.0]), N).tolist() for N in (1, 2)], egem(torch.ones(1)).tolist())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "CXX": "no-such-compiler"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("RuntimeWarning") == 1
    assert "on the CPU the activations run as plain PyTorch, several times slower: no C++ compiler" in done.stderr


def test_a_library_that_another_user_could_have_written_is_not_loaded(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    text = 'extern "C" int number() { return 1; }'
    library = native.build(text)
    library.write_bytes(b"planted")
    library.chmod(0o777)
    assert native.load(text).number() == 1
    assert stat.S_IMODE(library.stat().st_mode) == 0o700
    planted = tmp_path / "elsewhere"
    planted.write_bytes(b"planted")
    library.unlink()
    library.symlink_to(planted)
    assert native.load(text).number() == 1
    assert planted.read_bytes() == b"planted"


# --- Threads ---


@pytest.mark.parametrize("shape", [(1 << 17,), (3, 1 << 16), (1 << 11, 96), (1 << 16, 3)], ids=str)
@pytest.mark.parametrize("count", [2, 3, 5])
def test_threads_make_no_difference(shape, count, threads):
    x, up, bias = torch.randn((*shape[:-1], 2 * shape[-1])), torch.randn(shape), torch.randn(shape[-1])
    results = []
    for n in (1, count):
        threads(n)
        gate = x[..., : shape[-1]].detach().requires_grad_()
        packed = x.detach().requires_grad_()
        y = functional.segem(gate, 2, bias=bias)
        z = functional.segem_glu(packed, N=2)
        grads = torch.autograd.grad(y, gate, up), torch.autograd.grad(z, packed, up)
        results.append([y.detach(), z.detach(), *grads[0], *grads[1]])
    assert all(map(torch.equal, *results))


@pytest.mark.parametrize(("rows", "columns", "parts"), [(1, 10, 3), (7, 5, 3), (3, 8, 3), (2, 100, 7), (100, 1, 8)])
def test_pieces_cover_a_matrix_once(rows, columns, parts):
    seen = torch.zeros(rows, columns)
    for row, height, column, width in cpu.pieces(rows, columns, parts):
        assert height * width > 0
        seen[row : row + height, column : column + width] += 1
    assert (seen == 1).all()


def child(queue):
    """Runs the activation by two threads, and nothing else of PyTorch that would: OpenMP does not survive a fork."""
    torch.set_num_threads(2)
    queue.put(float(functional.segem(torch.from_numpy(np.full(1 << 17, 2, np.float32)), 2).numpy().sum()))


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own(threads):
    threads(2)
    functional.segem(torch.ones(1 << 17), 2)  # the pool of this process
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=child, args=(queue,))
    process.start()
    try:
        assert queue.get(timeout=30) == 2.0 * (1 << 17)
    finally:
        process.kill()
        process.join()


# --- Forward mode, vmap, torch.func ---


def inputs(count) -> Any:
    torch.manual_seed(1)
    shapes = ((3, 4), (3, 4), (4,))
    return tuple(torch.randn(s, dtype=torch.float64, requires_grad=True) for s in shapes[:count])


def forms(name) -> dict[str, tuple[Any, Any]]:
    """The operators of a variant at scale 1/2 as functions of so many tensors."""
    f, glu = FUNCTIONS[name], GLUS[name]
    given = {"scale": "1/2"} if any(p.power and not p.fixed for p in VARIANTS[name].parameters) else {}
    return {
        "value": (lambda x: f(x, 2, **given), inputs(1)),
        "bias": (lambda x, bias: f(x, 2, bias=bias, **given), (inputs(3)[0], inputs(3)[2])),
        "packed": (lambda x: glu(x, N=2, **given), inputs(1)),
        "gated": (lambda x, up: glu(x, up, N=2, **given), inputs(2)),
    }


@every_name
@pytest.mark.parametrize("form", forms("segem"))
def test_every_mode_of_differentiation_agrees_with_differences(name, form):
    function, tensors = forms(name)[form]
    assert torch.autograd.gradcheck(
        function, tensors, check_forward_ad=True, check_batched_grad=True, check_batched_forward_grad=True
    )
    assert torch.autograd.gradgradcheck(function, tensors, check_fwd_over_rev=True, check_batched_grad=True)


@every_name
@pytest.mark.parametrize("form", forms("segem"))
def test_torch_func_agrees_with_backward(name, form):
    function, given = forms(name)[form]
    tensors = tuple(t.detach().float().requires_grad_() for t in given)
    y = function(*tensors)
    backward = torch.autograd.grad(y.sum(), tensors)
    places = tuple(range(len(tensors)))
    grads = torch.func.grad(lambda *t: function(*t).sum(), argnums=places)(*tensors)
    tangents = tuple(torch.randn_like(t) for t in tensors)
    tangent = torch.func.jvp(function, tensors, tangents)[1]
    along = sum((g * t).sum() for g, t in zip(backward, tangents))
    for ours, expected in zip(grads, backward):
        torch.testing.assert_close(ours, expected)
    torch.testing.assert_close(tangent.sum(), along, rtol=1e-4, atol=1e-4)
    (jacobian,) = torch.func.jacfwd(function, argnums=(0,))(*tensors)
    torch.testing.assert_close(torch.func.jacrev(function, argnums=(0,))(*tensors)[0], jacobian)


def batches(name) -> list[tuple[Any, ...]]:
    """Operators, tensors, and along which dimension each of them is a batch."""
    f, glu = FUNCTIONS[name], GLUS[name]
    x, bias = torch.randn(5, 3, 4), torch.randn(5, 4)
    return [
        (lambda x: f(x, 2), (x,), (0,)),
        (lambda x: f(x, 2), (x,), (2,)),
        (lambda x, b: f(x, 2, bias=b), (x, bias[0]), (0, None)),
        (lambda x, b: f(x, 2, bias=b), (x, bias), (0, 0)),
        (lambda x, b: f(x, 2, bias=b), (x[0], bias), (None, 0)),
        (lambda x: glu(x, N=2), (x,), (0,)),
        (lambda x, b: glu(x, b, N=2), (x, x[0]), (0, None)),
    ]


@every_name
def test_vmap_is_a_loop(name):
    for function, tensors, dims in batches(name):
        size = next(t.shape[d] for t, d in zip(tensors, dims) if d is not None)
        rows = [[t if d is None else t.select(d, k) for t, d in zip(tensors, dims)] for k in range(size)]
        expected = torch.stack([function(*row) for row in rows])
        torch.testing.assert_close(torch.func.vmap(function, dims)(*tensors), expected)


@every_name
def test_gradients_of_each_sample(name):
    x, weight = torch.randn(7, 4), torch.randn(4, 4)
    one = torch.func.grad(lambda w, row: FUNCTIONS[name](row @ w, 2).sum())
    expected = torch.stack([one(weight, row) for row in x])
    torch.testing.assert_close(torch.func.vmap(one, (None, 0))(weight, x), expected)


@every_name
def test_the_hessian_of_a_small_network(name):
    """Forward over reverse and reverse over reverse, and symmetric."""
    torch.manual_seed(0)
    first, second, x = torch.randn(4, 3).double(), torch.randn(3, 2).double(), torch.randn(6, 4).double()

    def loss(first):
        return (GLUS[name](x @ first @ second, N=2) ** 2).mean() + FUNCTIONS[name](x @ first, 2).mean()

    hessian = torch.func.hessian(loss)(first)
    torch.testing.assert_close(hessian, torch.func.jacrev(torch.func.jacrev(loss))(first))
    torch.testing.assert_close(hessian, torch.autograd.functional.hessian(loss, first))
    torch.testing.assert_close(hessian, hessian.permute(2, 3, 0, 1))


def test_a_tangent_without_create_graph():
    """The backward of dual numbers keeps their tangents though it builds no graph."""
    x = torch.randn(5, dtype=torch.float64)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x.requires_grad_(), torch.ones_like(x))
        (grad,) = torch.autograd.grad(functional.segem_glu(dual, dual, N=2).sum(), dual)
        tangent = torch.autograd.forward_ad.unpack_dual(grad).tangent
    second = torch.func.vmap(torch.func.hessian(lambda t: functional.segem_glu(t, t, N=2)))(x.detach())
    torch.testing.assert_close(tangent, second)


# --- Special values ---


@every_name
@every_type
def test_cpp_at_the_ends_of_a_type(name, dtype, called):
    info = torch.finfo(dtype)
    x = torch.tensor([math.inf, -math.inf, math.nan, 0.0, -0.0, info.max, info.min, info.smallest_normal], dtype=dtype)
    y = FUNCTIONS[name](x, 3)
    wide = FUNCTIONS[name](x.double(), 3).to(dtype)
    assert called
    assert (y.isnan() == wide.isnan()).all()
    assert torch.equal(y.nan_to_num(7), wide.nan_to_num(7))
    assert torch.equal(y.signbit(), wide.signbit())


def test_no_warning_where_there_is_a_compiler():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        functional.gem(torch.ones(3), 7)
