"""torch.compile: no graph break, one kernel each way, no binary64, no recompilation for a size; and values hold."""

import math
import re
import sys
from fractions import Fraction

import pytest
import torch
from torch._dynamo.backends.common import aot_autograd
from torch._dynamo.exc import Unsupported
from torch._dynamo.utils import counters
from torch._functorch.aot_autograd import make_boxed_func  # pyright: ignore[reportPrivateImportUsage]
from torch._inductor.utils import run_and_get_code

from gem_symbolic import functional, nn
from gem_symbolic.definitions import VARIANTS
from gem_symbolic.measure import BARS

N = 2
FUNCTIONS = {name: getattr(functional, name) for name, activation in VARIANTS.items() if activation.emitted}
GATED = {name: getattr(functional, f"{name}_glu") for name in FUNCTIONS}
MODULES = {name: getattr(nn, name.upper())(N) for name in FUNCTIONS}
GATED_MODULES = {name: getattr(nn, f"{name.upper()}GLU")(N) for name in FUNCTIONS}
#: How each variant is called with x, a bias and a second tensor.
FORMS = {
    "function": lambda name, x, bias, up: FUNCTIONS[name](x, N) * up,
    "module": lambda name, x, bias, up: MODULES[name](x) * up,
    "bias": lambda name, x, bias, up: FUNCTIONS[name](x, N, bias=bias) * up,
    "bias outside": lambda name, x, bias, up: MODULES[name](x + bias) * up,
    "gated, halves": lambda name, x, bias, up: GATED[name](torch.cat((x + bias, up), -1), N=N),
    "gated, two tensors": lambda name, x, bias, up: GATED[name](x, up, N),
    "gated module": lambda name, x, bias, up: GATED_MODULES[name](x, up),
}
pytestmark = [
    # Dynamo makes an instance of the class, to stand for the context, and autograd warns that one should not.
    pytest.mark.filterwarnings("ignore:<class 'torch.autograd.function.Function'> should not be instantiated"),
    # Inductor imports a module of PyTorch that still holds script methods.
    pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated"),
]


@pytest.fixture(autouse=True)
def fresh():
    torch._dynamo.reset()
    counters.clear()
    yield
    torch._dynamo.reset()


@pytest.fixture
def graphs():
    """A list, and a backend that puts there each graph it gets, forward and backward, and runs it as it is."""
    found = []

    def record(graph, inputs):
        found.append(graph)
        return make_boxed_func(graph.forward)

    return found, aot_autograd(fw_compiler=record)


def inputs(dtype=torch.float32, rows=16, columns=64):
    """x, bias and up that ask for gradients. Where x is special, in its first columns, the bias is zero."""
    torch.manual_seed(0)
    shapes = (rows, columns), (columns,), (rows, columns)
    x, bias, up = (torch.randn(shape).to(dtype) for shape in shapes)
    special = torch.tensor([0.0, -0.0, math.inf, -math.inf, math.nan, torch.finfo(dtype).max, torch.finfo(dtype).min])
    x[0, : len(special)], bias[: len(special)] = special, 0
    x[1] = torch.linspace(-0.3, 0.3, columns)
    return [t.requires_grad_() for t in (x, bias, up)]


def run(f, tensors):
    """What f gives for each variant, and the gradients of each of these by each of the tensors."""
    outputs = f(*tensors)
    grads = torch.autograd.grad(outputs, tensors, [torch.ones_like(y) for y in outputs], allow_unused=True)
    return [y.detach() for y in outputs], grads


def every_variant(form):
    """A function of x, bias and up with what each variant gives as a tuple."""
    return lambda x, bias, up: tuple(form(name, x, bias, up) for name in FUNCTIONS)


def assert_close(found, expected, order, terms=1):
    """Within the bar of the plain plan in the type's own precision, beside the roundings of sums and products."""
    bar = BARS["plain", "binary32", order]
    info = torch.finfo(found.dtype)
    ulps = bar.ulps(N) + 2 * N + 4 if info.bits == 32 else 2
    odd = ~expected.isfinite()
    assert torch.equal(odd, ~found.isfinite())
    assert torch.equal(found[odd].nan_to_num(7), expected[odd].nan_to_num(7))
    size = expected[~odd].abs().double()
    allowed = terms * (ulps * info.eps * size + 4 * bar.beside(N) + info.smallest_normal)
    assert ((found[~odd].double() - expected[~odd].double()).abs() <= allowed).all()


def assert_agree(compiled, eager, rows):
    for found, expected in zip(compiled[0], eager[0], strict=True):
        assert_close(found, expected, 0)
    for k, (found, expected) in enumerate(zip(compiled[1], eager[1], strict=True)):
        assert (found is None) == (expected is None)
        if found is not None:
            assert_close(found, expected, 1, terms=len(FUNCTIONS) * (rows if k == 1 else 1))


def types(graph):
    """The types of all tensors in a graph."""
    values = [node.meta.get("val") for node in graph.graph.nodes]
    flat = [v for value in values for v in (value if isinstance(value, tuple | list) else [value])]
    return {v.dtype for v in flat if isinstance(v, torch.Tensor)}


@pytest.mark.parametrize(
    ("form", "dtype"),
    [*((form, torch.float32) for form in FORMS), ("bias", torch.bfloat16), ("gated, halves", torch.float16)],
    ids=str,
)
def test_every_form_is_one_graph_without_binary64(form, dtype, graphs):
    found, backend = graphs
    f, tensors = every_variant(FORMS[form]), inputs(dtype)
    compiled = run(torch.compile(f, backend=backend, fullgraph=True), tensors)
    assert_agree(compiled, run(f, tensors), rows=16)
    assert not counters["graph_break"]
    assert len(found) == 2  # forward and backward
    assert set.union(*map(types, found)) == {dtype, torch.float32, torch.bool}


def test_binary64_is_computed_in_binary64(graphs):
    found, backend = graphs
    f, tensors = every_variant(FORMS["bias"]), inputs(torch.float64)
    assert_agree(run(torch.compile(f, backend=backend, fullgraph=True), tensors), run(f, tensors), rows=16)
    assert set.union(*map(types, found)) == {torch.float64, torch.bool}


def test_the_comparison_can_tell():
    f, g = every_variant(FORMS["bias"]), lambda x, bias, up: tuple(y * (1 + 1e-5) for y in f(x, bias, up))
    assert_agree(run(f, inputs()), run(f, inputs()), rows=16)
    with pytest.raises(AssertionError):
        assert_agree(run(g, inputs()), run(f, inputs()), rows=16)


# --- Shapes ---


def sizes(f):
    """What a function gives, with gradients, for several numbers of rows."""
    for rows in (4, 6, 31):
        x = torch.randn(rows, 10, requires_grad=True)
        f(x).sum().backward()


def shaped(x):
    """The activation, and both gated forms, of a tensor with any number of rows."""
    return functional.segem(x, N, bias=x.new_ones(10)) + functional.segem_glu(functional.gem_glu(x, x + 1).repeat(1, 2))


def marked(f):
    def call(x):
        torch._dynamo.mark_dynamic(x, 0)
        return f(x)

    return call


@pytest.mark.parametrize(
    ("dynamic", "prepare", "compiled"), [(True, lambda f: f, 1), (None, marked, 1), (False, lambda f: f, 3)]
)
def test_sizes_are_compiled_once_where_they_are_dynamic(dynamic, prepare, compiled, graphs):
    found, backend = graphs
    sizes(prepare(torch.compile(shaped, backend=backend, fullgraph=True, dynamic=dynamic)))
    assert len(found) == 2 * compiled


# --- Parameters ---

PARAMETERS = {
    "float": lambda x: functional.segem(x, 2, eps=1e-3),
    "string": lambda x: functional.segem(x, N=2, eps="1/1000"),
    "integer": lambda x: functional.segem(x, 3, eps=10) + functional.egem(x, 1, scale=2),
    "scale": lambda x: functional.egem(x, 2, scale="0.25") * functional.egem(x, 2, scale=0.25),
    "none": lambda x: functional.gem(x) + functional.segem(x) + functional.segem_glu(x, x, accurate=True),
    "module": nn.EGEM(2, Fraction(1, 3)),
    "gated module": nn.SEGEMGLU(3, scale=Fraction(1, 3)),
}


@pytest.mark.parametrize("f", PARAMETERS.values(), ids=PARAMETERS.keys())
def test_parameters_are_read_while_compiling(f, graphs):
    found, backend = graphs
    x = torch.linspace(-2, 2, 200)
    torch.testing.assert_close(torch.compile(f, backend=backend, fullgraph=True)(x), f(x), rtol=1e-5, atol=1e-7)
    assert len(found) == 1
    wrong = functional.segem(x, 2, eps=1e-4)
    assert (PARAMETERS["float"](x) - wrong).abs().max() > 1e-2


def test_a_tensor_gated_by_itself_compiles(graphs):
    x = torch.randn(8, requires_grad=True)
    y = torch.compile(functional.segem_glu, backend=graphs[1], fullgraph=True)(x, x)
    torch.testing.assert_close(y, functional.segem_glu(x, x))


def test_a_wrong_parameter_is_refused_while_compiling(graphs):
    with pytest.raises(Exception, match="N must be an integer >= 1; got 0"):
        torch.compile(lambda x: functional.gem(x, 0), backend=graphs[1], fullgraph=True)(torch.zeros(2))


# --- Kernels: what Inductor writes ---


def passes(code):
    """(kernels, loops through the numbers in them, calls of anything else) in generated code."""
    _, call = code.split("def call(")
    loops, others = re.findall(r"for\(int64_t x0=", code), re.findall(r"= torch\.ops\.|extern_kernels\.", call)
    return code.count("async_compile.cpp_pybinding("), len(loops), len(others)


def generated(f, tensors):
    """What `run` gives, by Inductor, and the code of the forward and of the backward graph."""
    result, codes = run_and_get_code(lambda: run(torch.compile(f, fullgraph=True), tensors))
    forward, backward = codes
    return result, forward, backward


def test_bias_activation_and_product_are_one_kernel():
    """For all variants at once. Backward, the gradient of the bias is summed up in a loop of its own."""
    f, tensors = every_variant(FORMS["bias"]), inputs()
    result, forward, backward = generated(f, tensors)
    assert (passes(forward), passes(backward)) == ((1, 1, 0), (1, 2, 0))
    assert not {"double", "float64"} & set(re.findall(r"\w+", forward + backward))
    assert_agree(result, run(f, tensors), rows=16)


def test_halves_are_one_kernel():
    """Backward too: both halves of the gradient are written where they belong."""
    tensors = [torch.randn(16, 64, dtype=torch.bfloat16, requires_grad=True)]
    f = lambda x: (functional.segem_glu(x, N=N),)  # noqa: E731
    result, forward, backward = generated(f, tensors)
    assert (passes(forward), passes(backward)) == ((1, 1, 0), (1, 1, 0))
    assert not {"double", "float64"} & set(re.findall(r"\w+", forward + backward))
    for found, expected, order in zip((*result[0], *result[1]), [*run(f, tensors)[0], *run(f, tensors)[1]], (0, 1)):
        assert_close(found, expected, order)


@pytest.fixture
def opaque():
    """The identity, as an operator that a compiler cannot see into."""
    with torch.library._scoped_library("gem_symbolic_test", "FRAGMENT"):

        @torch.library.custom_op("gem_symbolic_test::opaque", mutates_args=())
        def operator(x: torch.Tensor) -> torch.Tensor:
            return x.clone()

        operator.register_fake(torch.empty_like)
        operator.register_autograd(lambda ctx, grad: operator(grad))
        yield operator


def test_the_count_sees_what_cannot_be_fused(opaque):
    f = lambda x, bias, up: (opaque(functional.segem(x + bias, N)) * up,)  # noqa: E731
    _, forward, backward = generated(f, inputs())
    assert passes(forward) == (2, 2, 1)
    assert passes(backward) == (2, 3, 1)


def test_a_function_with_jvp_is_refused(monkeypatch):
    """Which is why compiled code does not use the extended Functions of eager mode."""
    module = sys.modules[functional.segem.__module__]
    monkeypatch.setattr(module, "_Elementwise", module.EAGER["elementwise"])
    with pytest.raises(Unsupported, match="jvp"):
        torch.compile(functional.segem, backend="eager", fullgraph=True)(torch.ones(2, requires_grad=True))


# --- Training ---


def test_a_training_step_compiles():
    """A few steps of a network, the forward and backward pass compiled, end where eager ones do."""

    def trained(prepare):
        torch.manual_seed(0)
        layers = torch.nn.Linear(8, 32), nn.EGEM(N), torch.nn.Linear(32, 32), nn.SEGEMGLU(N), torch.nn.Linear(16, 1)
        model = torch.nn.Sequential(*layers)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        loss_of = prepare(lambda x: (model(x) - x.sum(1, keepdim=True)).square().mean())
        losses = []
        for _ in range(5):
            optimizer.zero_grad()
            loss = loss_of(torch.randn(32, 8))
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses, list(model.parameters())

    losses, parameters = trained(lambda f: torch.compile(f, fullgraph=True))
    expected_losses, expected = trained(lambda f: f)
    assert losses[-1] < losses[0]
    torch.testing.assert_close(losses, expected_losses, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(parameters, expected, rtol=1e-4, atol=1e-6)
    assert not counters["graph_break"]
