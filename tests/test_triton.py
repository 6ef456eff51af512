"""The Triton kernels, interpreted: the numbers of the composites, on tensors of every layout; no others are touched."""

from functools import partial

import pytest
import torch

from gem_symbolic import ahead, emit, running
from gem_symbolic.definitions import VARIANTS

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of infinities, by the interpreter
N, EPS = 2, "1e-4"
#: A small block and a small grid: small tensors have full blocks, tails, and more rows than a grid has room for.
BLOCK, ROOM = 32, 4
#: How near a result must be to that in binary64, to tell it from that of another place: relative, and beside it.
NEAR = {torch.float32: (2.0**-18, 2.0**-14), torch.float16: (2.0**-10, 2.0**-14)}


@pytest.fixture(scope="module")
def modules():
    """Every variant's kernels, interpreted."""
    with running.interpreted():
        return {name: emit.load(emit.source(a), f"{name}_interpreted") for name, a in VARIANTS.items()}


@pytest.fixture
def module(modules, monkeypatch):
    """SE-GEM's, with a small block and a small grid, as they run on a GPU."""
    found = modules["segem"]
    monkeypatch.setattr(found, "_BLOCK", BLOCK)
    monkeypatch.setattr(found, "_ROWS", ROOM)
    monkeypatch.setattr(found, "_on_triton", lambda x: x.dtype != torch.float64)
    monkeypatch.setattr(found, "_compute_type", lambda x: max(x.dtype, torch.float32, key=lambda t: t.itemsize))
    return found


def rounded(module, order, x, *factors, bias=None, N=N, eps=EPS):
    """The derivative at x + bias times the factors, by the composite in binary64."""
    _, _, _, wide, _ = module._setting(N, eps, None)
    y = module._COMPOSITES[order](x.double() if bias is None else x.double() + bias.double(), *wide, N)
    for factor in factors:
        y = y * factor.double()
    return y.to(x.dtype)


def near(computed, expected):
    assert (computed.shape, computed.dtype) == (expected.shape, expected.dtype)
    relative, beside = NEAR[expected.dtype]
    assert torch.allclose(computed, expected, rtol=relative, atol=beside)


# --- Which numbers ---

EDGES = torch.tensor([0.0, -0.0, 1e-45, -1e-45, 3.4e38, -3.4e38, torch.inf, -torch.inf, torch.nan])


def inputs(dtype):
    if dtype == torch.float16:
        return torch.arange(65536, dtype=torch.int32).to(torch.int16).view(dtype)
    generator = torch.Generator().manual_seed(0)
    draw = partial(torch.randn, generator=generator)
    spread = draw(3000) * torch.exp2(torch.randint(-140, 120, (3000,), generator=generator).float())
    return torch.cat([EDGES, draw(5000), spread])


def same(a, b):
    return bool(((a == b) & (a.signbit() == b.signbit()) | a.isnan() & b.isnan()).all())


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize(("N", "eps"), [(1, "1e-6"), (2, "1e-4"), (3, "10")])
@pytest.mark.parametrize("dtype", NEAR, ids=str)
def test_kernels_are_the_composites_in_binary32(name, N, eps, dtype, modules, monkeypatch):
    found, x = modules[name], inputs(dtype)
    monkeypatch.setattr(found, "_BLOCK", 1 << 16)  # the interpreter takes its time for each block, whatever its size
    constants = ahead.constants(found, N, eps)
    _, s, inv_s, _ = constants
    for order, composite in enumerate(found._COMPOSITES):
        factors = [torch.randn_like(x)] if order else []
        g = factors[0] if order else None
        plain = composite(x.float(), s, inv_s, N)
        for factor in factors:
            plain = plain * factor.float()
        plain = plain.to(dtype)
        computed = found._triton_apply(x, g, None, order, *constants)
        assert computed.dtype == dtype
        assert computed[x.isfinite()].isfinite().all()
        if dtype == torch.float32:
            assert same(computed, plain)
            if order < emit.ACCURATE:  # in pairs: next to the plan in binary64
                pairs = found._triton_apply(x, g, None, order, *ahead.constants(found, N, eps, accurate=True))
                wide = rounded(found, order, x, *factors, N=N, eps=eps)
                assert torch.allclose(pairs, wide, rtol=2e-7, atol=1e-18, equal_nan=True)
        else:  # other quotients: another number where the plain result is next to a tie
            differ = ~((computed == plain) | computed.isnan() & plain.isnan())
            assert differ.sum() < len(x) / 1000
            assert torch.allclose(computed, plain, rtol=2**-10, atol=2**-24, equal_nan=True)


# --- Every layout ---

#: Tensors by what is peculiar to them, of full blocks and tails; each is made anew, in binary32.
LAYOUTS = {
    "1-d": lambda: torch.randn(2 * BLOCK + 5),
    "a full block": lambda: torch.randn(BLOCK),
    "0-d": lambda: torch.randn(()),
    "empty": lambda: torch.randn(3, 0),
    "no rows": lambda: torch.randn(0, 6),
    "dense": lambda: torch.randn(3, 4, 2 * BLOCK),
    "left halves": lambda: torch.randn(ROOM + 2, 2 * BLOCK + 8).chunk(2, 1)[0],
    "right halves": lambda: torch.randn(2, 3, 4 * BLOCK + 4).chunk(2, -1)[1],
    "one row of halves": lambda: torch.randn(1, 2 * BLOCK + 6).chunk(2, 1)[1],
    "transposed": lambda: torch.randn(BLOCK, 6).t(),
    "expanded rows": lambda: torch.randn(1, 6).expand(7, 6),
    "expanded columns": lambda: torch.randn(7, 1).expand(7, 6),
    "every second": lambda: torch.randn(6, 3 * BLOCK)[1:, ::2],
    "some columns": lambda: torch.randn(3, 2, 2 * BLOCK)[:, :, 3 : BLOCK + 7],
    "one column": lambda: torch.randn(9, 4)[:, 2:3],
    "channels last": lambda: torch.randn(2, 4, 3, 6).to(memory_format=torch.channels_last),
    "some channels": lambda: torch.randn(2, 6, 3, 4).to(memory_format=torch.channels_last)[:, 1:5],
}
every_layout = pytest.mark.parametrize("layout", LAYOUTS)
every_type = pytest.mark.parametrize("dtype", NEAR, ids=str)


def made(layout, dtype, seed=0):
    """A tensor of that layout and type, with both signs on both sides of the scale."""
    torch.manual_seed(seed)
    x = LAYOUTS[layout]()
    if dtype == x.dtype:
        return x
    strided = torch.empty_strided(x.shape, x.stride(), dtype=dtype)
    strided.as_strided((strided.untyped_storage().nbytes() // strided.itemsize,), (1,)).normal_()
    return strided


@every_layout
@every_type
@pytest.mark.parametrize("order", [0, 1])
def test_elementwise(layout, dtype, order, module):
    x, constants = made(layout, dtype), ahead.constants(module, N, EPS)
    near(module._triton_apply(x, None, None, order, *constants), rounded(module, order, x))
    for g in (made(layout, dtype, 1), torch.randn(x.shape, dtype=dtype), torch.randn(()).to(dtype).expand(x.shape)):
        near(module._triton_apply(x, g, None, order, *constants), rounded(module, order, x, g))


@pytest.mark.parametrize("layout", [layout for layout in LAYOUTS if layout != "0-d"])
@every_type
def test_bias(layout, dtype, module):
    x = made(layout, dtype)
    for bias in (torch.randn(x.shape[-1]).to(dtype), torch.randn(x.shape[-1], 3).to(dtype)[:, 1]):
        near(module.segem(x, N, EPS, bias=bias), rounded(module, 0, x, bias=bias))
        given = [t.detach().requires_grad_() for t in (x, bias)]
        found = torch.autograd.grad(module.segem(given[0], N, EPS, bias=given[1]).float().sum(), given)
        gradient = rounded(module, 1, x, bias=bias)
        near(found[0], gradient)
        assert torch.allclose(found[1].float(), gradient.float().sum_to_size(bias.shape), rtol=0.01, atol=0.01)


@every_layout
@pytest.mark.parametrize("other", ["alike", "dense"])
@every_type
def test_gated_by_another_tensor(layout, other, dtype, module):
    x = made(layout, dtype)
    up, w = (made(layout, dtype, k) if other == "alike" else torch.randn(x.shape, dtype=dtype) for k in (1, 2))
    x, up = x.detach().requires_grad_(), up.detach().requires_grad_()
    y = module.segem_glu(x, up, N, EPS)
    near(y, rounded(module, 0, x, up))
    grad_x, grad_up = torch.autograd.grad(y, (x, up), w)
    near(grad_x, rounded(module, 1, x, up, w))
    near(grad_up, rounded(module, 0, x, w))


#: Where the last dimension has halves.
PACKED = [layout for layout, make in LAYOUTS.items() if make().dim() and make().shape[-1] % 2 == 0]


@pytest.mark.parametrize("layout", PACKED)
@pytest.mark.parametrize("w", ["dense", "expanded"])
@every_type
def test_gated_by_the_other_half(layout, w, dtype, module):
    x = made(layout, dtype).requires_grad_()
    gate, up = x.chunk(2, -1) if x.numel() else (x[..., : x.shape[-1] // 2],) * 2
    y = module.segem_glu(x, None, N, EPS)
    near(y, rounded(module, 0, gate, up))
    weight = torch.randn(y.shape if w == "dense" else ()).to(dtype).expand(y.shape)
    (grad,) = torch.autograd.grad(y, x, weight)
    near(grad, torch.cat([rounded(module, 1, gate, up, weight), rounded(module, 0, gate, weight)], -1))
    assert grad.is_contiguous()


def test_packed_layouts_are_of_every_kind():
    assert {"empty", "no rows", "dense", "left halves", "right halves", "transposed", "expanded rows"} <= {*PACKED}


# --- What is read and written ---


@pytest.mark.parametrize("rows", [1, ROOM, 2 * ROOM + 1])
@pytest.mark.parametrize("columns", [1, BLOCK - 1, BLOCK, 2 * BLOCK + 3])
def test_nothing_else_is_written(rows, columns, module):
    """Both results lie in the middle of guards, and the inputs stay as they are."""
    torch.manual_seed(0)
    guard = 12345.0
    whole = torch.full((2, rows + 2, columns + 6), guard)
    y, z = whole[:, 1:-1, 2 : columns + 2]
    given = torch.randn(3, rows + 2, columns + 6)
    x, g, w = given[:, 1:-1, 3 : columns + 3]
    before = given.clone()
    found, tensors, strides = module.matrices(columns, y, z, x, g, w)
    module._launch(tensors, None, strides, found, 1, *ahead.constants(module, N, EPS)[:-1], *module._NO_PAIR)
    near(y, rounded(module, 1, x, g, w))
    near(z, rounded(module, 0, x, w))
    assert (whole == guard).sum() == whole.numel() - 2 * rows * columns
    assert torch.equal(given, before)


def launched(module, call):
    """What reaches the kernel in a call, once for each launch."""
    with ahead.recorded(module) as launches:
        call(ahead.constants(module, N, EPS))
    return launches


def test_halves_are_not_copied(module):
    x, w = torch.randn(ROOM, 2 * BLOCK), torch.randn(ROOM, BLOCK)
    gate, up = x.chunk(2, 1)
    (forward,) = launched(module, lambda constants: module._triton_apply(gate, up, None, 0, *constants))
    (backward,) = launched(module, lambda constants: module._triton_gradients(x, None, w, *constants))
    for launch in (forward, backward):
        assert (launch["x"].data_ptr(), launch["g"].data_ptr()) == (gate.data_ptr(), up.data_ptr())
        assert (launch["x_stride"], launch["g_stride"], launch["columns"]) == (2 * BLOCK, 2 * BLOCK, BLOCK)
    assert (forward["y_stride"], forward["w"], forward["z"], forward["bias"]) == (BLOCK, None, None, None)
    assert (backward["w"].data_ptr(), backward["w_stride"]) == (w.data_ptr(), BLOCK)
    # Both gradients are halves of one tensor.
    assert backward["z"].data_ptr() - backward["y"].data_ptr() == BLOCK * x.itemsize
    assert (backward["y_stride"], backward["z_stride"]) == (2 * BLOCK, 2 * BLOCK)


@pytest.mark.parametrize("layout", ["1-d", "dense", "transposed", "channels last", "one row of halves"])
def test_one_row_has_no_strides(layout, module):
    """Where x and g are dense in the same order of dimensions they are one row, whatever their shape, in place."""
    x, g = made(layout, torch.float32), made(layout, torch.float32, 1)
    (launch,) = launched(module, lambda constants: module._triton_apply(x, g, None, 1, *constants))
    assert (launch["x"].data_ptr(), launch["g"].data_ptr()) == (x.data_ptr(), g.data_ptr())
    assert (launch["columns"], launch["y"].numel()) == (x.numel(), x.numel())
    assert {launch[name] for name in launch if name.endswith("_stride")} == {None}


def test_more_rows_than_a_grid_has_room_for_are_launched_in_parts(module):
    x = torch.randn(2 * ROOM + 1, 2 * BLOCK)[:, :BLOCK]
    launches = launched(module, lambda constants: module._triton_apply(x, None, None, 0, *constants))
    assert [len(launch["y"]) for launch in launches] == [ROOM, ROOM, 1]
    assert [launch["x"].data_ptr() for launch in launches] == [x[k * ROOM].data_ptr() for k in range(3)]


def test_a_bias_is_read_as_it_is(module):
    x, bias = torch.randn(3, BLOCK), torch.randn(BLOCK)
    (launch,) = launched(module, lambda constants: module._triton_apply(x, None, bias, 0, *constants))
    assert (launch["bias"].data_ptr(), launch["x"].data_ptr()) == (bias.data_ptr(), x.data_ptr())
    assert (launch["columns"], launch["x_stride"]) == (BLOCK, BLOCK)
