"""What a training script imports: functions, modules, autograd, special values, types, strides and bad input."""

import copy
import math
import pickle
import re

import pytest
import torch

from gem_symbolic import functional, nn
from gem_symbolic.definitions import VARIANTS

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
FUNCTIONS = {name: getattr(functional, name) for name, activation in VARIANTS.items() if activation.emitted}
GLUS = {name: getattr(functional, f"{name}_glu") for name in FUNCTIONS}
MODULES = {name: getattr(nn, name.upper()) for name in FUNCTIONS}
GATED = {name: getattr(nn, f"{name.upper()}GLU") for name in FUNCTIONS}
SCALED = {name for name in FUNCTIONS if any(p.power and not p.fixed for p in VARIANTS[name].parameters)}
INF, NAN = math.inf, math.nan

every_function = pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS.keys())
every_module = pytest.mark.parametrize("name", FUNCTIONS)
every_type = pytest.mark.parametrize("dtype", FLOATS, ids=str)


def derivatives(f, x, N=1):
    """f(x), f'(x) and f''(x) by autograd."""
    x = x.detach().requires_grad_()
    value = f(x, N)
    (first,) = torch.autograd.grad(value.sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    return value.detach(), first.detach(), second


def same(a, b):
    """Equal with the sign of zero, NaN equal to NaN."""
    return (a.isnan() & b.isnan()) | ((a == b) & (a.signbit() == b.signbit()))


# --- Values ---

#: x, the value there of a function that is 0 on the left, and of one that is not: limits, NaN, the sign of zero.
SPECIAL = ((NAN, NAN, NAN), (INF, INF, INF), (-INF, 0.0, -0.0), (0.0, 0.0, 0.0), (-0.0, 0.0, -0.0))


@every_module
@every_type
@pytest.mark.parametrize("N", [1, 3])
def test_special_values(name, dtype, N):
    x, flat, curved = torch.tensor(SPECIAL, dtype=dtype).unbind(1)
    assert same(FUNCTIONS[name](x, N), flat if VARIANTS[name].branches[0].expr == "0" else curved).all()


@every_function
@every_type
def test_nan_gives_nan_in_every_derivative(f, dtype):
    assert all(y.isnan().all() for y in derivatives(f, torch.full((3,), NAN, dtype=dtype), 2))


@every_function
@every_type
@pytest.mark.parametrize("N", [1, 2, 8])
def test_extreme_inputs_stay_finite(f, dtype, N):
    info = torch.finfo(dtype)
    extremes = torch.tensor([info.max, info.tiny, info.smallest_normal * info.eps, info.eps], dtype=dtype)
    for y in derivatives(f, torch.cat([extremes, -extremes]), N):
        assert y.isfinite().all()


@every_function
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("N", [1, 3])
def test_every_finite_16_bit_input_gives_finite_output(f, dtype, N):
    x = torch.arange(65536, dtype=torch.int32).to(torch.int16).view(dtype)
    for y in derivatives(f, x[x.isfinite()], N):
        assert y.isfinite().all()


@every_function
def test_infinity_gives_the_limits_of_the_gradient(f):
    _, first, second = derivatives(f, torch.tensor([-INF, INF], dtype=torch.float64), 2)
    assert first.tolist() == [0, 1]
    assert second.tolist() == [0, 0]


@every_function
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32], ids=str)
def test_narrow_types_are_the_wide_result_rounded(f, dtype):
    x = (torch.randn(1000) * 3).to(dtype)
    for narrow, wide in zip(derivatives(f, x, 2), derivatives(f, x.double(), 2)):
        assert narrow.dtype == dtype
        assert same(narrow, wide.to(dtype)).all()


def test_the_weight_of_the_gradient_is_applied_before_rounding():
    x, g = torch.tensor([-0.05], dtype=torch.float16, requires_grad=True), torch.tensor([3.1], dtype=torch.float16)
    (grad,) = torch.autograd.grad(functional.segem(x), x, g)
    z = x.detach().double().requires_grad_()
    (wide,) = torch.autograd.grad(functional.segem(z), z, g.double())
    assert grad == wide.half()


# --- Parameters ---


@pytest.mark.parametrize("name", sorted(SCALED))
def test_parameters_are_exact(name):
    f, x = FUNCTIONS[name], torch.linspace(-1, 1, 101, dtype=torch.float64)
    for same_eps in ({"eps": 1e-4}, {"eps": "1/10000"}, {"eps": "0.0001"}, {"scale": "0.1"}, {"scale": 0.1}, {}):
        assert torch.equal(f(x, 2, **same_eps), f(x, 2, eps="1e-4"))
    assert not torch.equal(f(x, 2, eps="1e-3"), f(x, 2))


@every_module
@pytest.mark.parametrize("N", [0, -1, 1.5, "2", None, True])
def test_a_wrong_N_is_refused(name, N):
    for make in (lambda: FUNCTIONS[name](torch.zeros(1), N=N), lambda: MODULES[name](N=N)):
        with pytest.raises(ValueError, match=re.escape(f"N must be an integer >= 1; got {N!r}")):
            make()


@pytest.mark.parametrize("name", sorted(SCALED))
@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"eps": 0}, "eps must be > 0; got 0"),
        ({"eps": -1e-4}, "eps must be > 0; got -0.0001"),
        ({"scale": 0.0}, "scale must be > 0"),
        ({"eps": NAN}, "eps must be a rational number"),
        ({"eps": INF}, "eps must be a rational number"),
        ({"eps": "much"}, "eps must be a rational number"),
        ({"eps": 1e-4, "scale": 0.1}, "give eps or scale, not both"),
    ],
    ids=str,
)
def test_a_wrong_parameter_is_refused(name, given, sentence):
    for make in (lambda: FUNCTIONS[name](torch.zeros(1), **given), lambda: MODULES[name](**given)):
        with pytest.raises(ValueError, match=sentence):
            make()


@pytest.mark.parametrize("name", sorted(SCALED))
def test_a_scale_beyond_the_type_is_refused(name):
    with pytest.raises(ValueError, match=r"the scale eps\*\*\(1/2\) is about 2\*\*-1661, outside the range"):
        FUNCTIONS[name](torch.zeros(1), eps="1e-1000")


@every_function
@pytest.mark.parametrize("x", [torch.zeros(2, dtype=t) for t in (torch.int64, torch.bool, torch.complex64)], ids=str)
def test_a_tensor_of_another_type_is_refused(f, x):
    sentence = f"{f.__name__} needs a tensor of type float16, bfloat16, float32 or float64; got {x.dtype}"
    with pytest.raises(TypeError, match=sentence):
        f(x)


@every_function
def test_what_is_no_tensor_is_refused(f):
    with pytest.raises(TypeError, match="got float"):
        f(1.0)


@every_function
def test_what_cannot_be_a_key_is_refused_too(f):
    with pytest.raises(ValueError, match="N must be an integer >= 1; got \\[\\]"):
        f(torch.zeros(1), N=[])


# --- Bias ---


@every_function
@every_type
def test_a_bias_is_added_before_anything_is_rounded(f, dtype):
    x, bias = torch.randn(5, 8).to(dtype), torch.randn(8).to(dtype)
    wide = f(x.double() + bias.double(), 2)
    assert torch.equal(f(x, 2, bias=bias), wide.to(dtype))
    assert torch.equal(f(x[0], 2, bias=bias), wide[0].to(dtype))


@every_function
def test_the_gradient_of_a_bias_is_a_sum(f):
    x, bias, g = torch.randn(3, 5, 8), torch.randn(8), torch.randn(3, 5, 8)
    x, bias = (t.double().requires_grad_() for t in (x, bias))
    ours = torch.autograd.grad(f(x, 2, bias=bias), (x, bias), g.double())
    for found, expected in zip(ours, torch.autograd.grad(f(x + bias, 2), (x, bias), g.double())):
        torch.testing.assert_close(found, expected)
    (alone,) = torch.autograd.grad(f(x.detach(), 2, bias=bias), bias, g.double())
    torch.testing.assert_close(alone, ours[1])


@every_function
@pytest.mark.parametrize("bias", [torch.zeros(3), torch.zeros(1, 4), torch.zeros(()), 1.0], ids=str)
def test_a_wrong_bias_is_refused(f, bias):
    with pytest.raises(ValueError, match="bias must be a tensor with one number for each place of the last dimension"):
        f(torch.zeros(2, 4), bias=bias)


# --- Gated ---


@every_module
@every_type
def test_a_gated_form_is_a_product_rounded_once(name, dtype):
    x = torch.randn(3, 5, 8).to(dtype)
    gate, up = x.chunk(2, -1)
    wide = FUNCTIONS[name](gate.double(), 2) * up.double()
    assert torch.equal(GLUS[name](x, N=2), wide.to(dtype))
    assert torch.equal(GLUS[name](gate, up, N=2), wide.to(dtype))
    assert torch.equal(GATED[name](2)(x), wide.to(dtype))
    assert torch.equal(GATED[name](2)(gate, up), wide.to(dtype))


@every_module
@every_type
def test_gated_gradients_are_those_of_the_product(name, dtype):
    x, g = torch.randn(3, 5, 8).to(dtype).requires_grad_(), torch.randn(3, 5, 4).to(dtype)
    gate, up = (half.detach().double().requires_grad_() for half in x.chunk(2, -1))
    expected = torch.autograd.grad(FUNCTIONS[name](gate, 2) * up, (gate, up), g.double())
    (packed,) = torch.autograd.grad(GLUS[name](x, N=2), x, g)
    assert packed.is_contiguous()
    torch.testing.assert_close(packed, torch.cat(expected, -1).to(dtype))
    gate, up = (half.detach().requires_grad_() for half in x.chunk(2, -1))
    for found, wide in zip(torch.autograd.grad(GLUS[name](gate, up, N=2), (gate, up), g), expected):
        torch.testing.assert_close(found, wide.to(dtype))


@every_module
@pytest.mark.parametrize(
    ("shape", "up", "error", "sentence"),
    [
        ((2, 3), None, ValueError, r"without up the last dimension of x must be even; x has the shape \(2, 3\)"),
        ((), None, ValueError, "without up the last dimension of x must be even"),
        ((2, 4), torch.zeros(2, 3), ValueError, r"up must have the shape and type of x; got \(2, 3\)"),
        ((2, 4), torch.zeros(2, 4, dtype=torch.float64), ValueError, "up must have the shape and type of x"),
        ((2, 4), torch.zeros(2, 4, dtype=torch.int64), TypeError, "needs a tensor of type float16"),
        ((2, 4), 1.0, TypeError, "got float"),
    ],
    ids=str,
)
def test_wrong_halves_are_refused(name, shape, up, error, sentence):
    with pytest.raises(error, match=sentence):
        GLUS[name](torch.zeros(shape), up)


@every_module
def test_gated_modules_are_modules(name):
    module, x = GATED[name](2), torch.randn(4, 6)
    assert repr(module) == repr(MODULES[name](2)).replace("GEM(", "GEMGLU(")
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert repr(other) == repr(module)
        assert torch.equal(other(x), module(x))
    assert not module.state_dict()


# --- Autograd ---


def near_the_scale():
    return torch.tensor(
        [-3, -0.3, -0.1, -0.09, -0.01, 0.01, 0.09, 0.1, 0.3, 3], dtype=torch.float64, requires_grad=True
    )


@every_function
@pytest.mark.parametrize("N", [1, 2, 3])
def test_derivatives_agree_with_differences(f, N):
    parameters = {"scale": "0.1"} if f.__name__ in SCALED else {}
    assert torch.autograd.gradcheck(lambda x: f(x, N, **parameters), near_the_scale())
    assert torch.autograd.gradgradcheck(lambda x: f(x, N, **parameters), near_the_scale())


@every_module
def test_only_the_inputs_are_kept(name):
    """So many bytes an element: those of the input, and of both inputs of the gated form."""
    x, up, bias = (torch.randn(s, dtype=torch.bfloat16, requires_grad=True) for s in ((4, 8), (4, 8), (8,)))
    f, glu = FUNCTIONS[name], GLUS[name]
    for call, inputs in (
        (lambda: f(x), (x,)),
        (lambda: f(x, bias=bias), (x, bias)),
        (lambda: glu(x), (x,)),
        (lambda: glu(x, up), (x, up)),
    ):
        kept = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t, kept=kept: kept.append(t) or t, lambda t: t):
            y = call()
        assert [t.data_ptr() for t in kept] == [t.data_ptr() for t in inputs]
        y.sum().backward()


@every_function
def test_the_third_derivative_is_refused(f):
    x = torch.ones(1, dtype=torch.float64, requires_grad=True)
    y = f(x)
    for _ in range(2):
        (y,) = torch.autograd.grad(y, x, create_graph=True)
    with pytest.raises(NotImplementedError, match=f"{f.__name__} has derivatives up to order 2 only"):
        torch.autograd.grad(y, x)


# --- Shapes ---

LAYOUTS = {
    "transposed": lambda x: x.t(),
    "sliced": lambda x: x[::2, 1::3],
    "expanded": lambda x: x[:, :1].expand(-1, 5),
    "scalar": lambda x: x[0, 0],
    "empty": lambda x: x[:0],
    "channels last": lambda x: x.reshape(2, 3, 2, 6).to(memory_format=torch.channels_last),
}


@every_function
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_strides_make_no_difference(f, layout):
    x = layout(torch.randn(6, 12)).requires_grad_()
    y = f(x)
    (grad,) = torch.autograd.grad(y.sum(), x)  # the gradient that comes in is expanded, with strides 0
    z = x.detach().contiguous().requires_grad_()
    (expected,) = torch.autograd.grad(f(z), z, torch.ones_like(z))
    assert y.shape == x.shape
    assert torch.equal(y, f(z))
    assert torch.equal(grad, expected)


# --- Modules ---


@every_module
def test_module_and_function_agree(name):
    x = torch.randn(100)
    assert torch.equal(MODULES[name](3)(x), FUNCTIONS[name](x, 3))
    if name in SCALED:
        assert torch.equal(MODULES[name](3, scale=0.25)(x), FUNCTIONS[name](x, 3, scale=0.25))


@every_module
def test_modules_are_copied_and_pickled(name):
    module, x = MODULES[name](2), torch.randn(10)
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert repr(other) == repr(module)
        assert torch.equal(other(x), module(x))
    assert not list(module.parameters())
    assert not module.state_dict()


@pytest.mark.parametrize("name", sorted(SCALED))
@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"N": 2}, "N=2, eps=1e-4"),
        ({"N": 2, "eps": 1e-4}, "N=2, eps=1e-4"),
        ({"eps": 0.25}, "N=1, eps=0.25"),
        ({"eps": 10}, "N=1, eps=10"),
        ({"eps": 1e-6}, "N=1, eps=1e-6"),
        ({"eps": "1/3"}, "N=1, eps=1/3"),
        ({"N": 3, "scale": 0.1}, "N=3, scale=0.1"),
    ],
    ids=str,
)
def test_modules_print_as_they_are_written(name, given, shown):
    assert repr(MODULES[name](**given)) == f"{name.upper()}({shown})"


@pytest.mark.parametrize("name", MODULES)
def test_accurate_changes_nothing_on_the_cpu_and_is_shown(name):
    x = torch.randn(100, dtype=torch.float32)
    module = MODULES[name](2, accurate=True)
    assert torch.equal(module(x), MODULES[name](2)(x))
    assert torch.equal(FUNCTIONS[name](x, 2, accurate=True), module(x))
    assert repr(module).endswith(", accurate=True)")
    assert repr(copy.deepcopy(module)) == repr(module)


def test_a_module_without_scale_prints_N():
    assert {repr(MODULES[name](2)) for name in FUNCTIONS.keys() - SCALED} == {"GEM(N=2)"}
