"""torch.export and ONNX: plain operators of PyTorch, no binary64, any batch, the same numbers from a saved file."""

import functools
import math

import pytest
import torch

from gem_symbolic import functional, nn
from gem_symbolic.definitions import VARIANTS

pytestmark = [
    # Dynamo makes an instance of the class, to stand for the context, and autograd warns that one should not.
    pytest.mark.filterwarnings("ignore:<class 'torch.autograd.function.Function'> should not be instantiated"),
    # PyTorch copies its own old description of arguments.
    pytest.mark.filterwarnings("ignore:`isinstance\\(treespec, LeafSpec\\)` is deprecated:FutureWarning"),
]

N = 2
FUNCTIONS = {name: getattr(functional, name) for name, activation in VARIANTS.items() if activation.emitted}
GATED = {name: getattr(functional, f"{name}_glu") for name in FUNCTIONS}


class Network(torch.nn.Module):
    """Each variant as a module and gated, between linear layers."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.into = torch.nn.Linear(6, 16)
        self.modules_of = torch.nn.ModuleList(
            torch.nn.Sequential(
                getattr(nn, name.upper())(N), torch.nn.Linear(16, 16), getattr(nn, f"{name.upper()}GLU")(N)
            )
            for name in FUNCTIONS
        )
        self.out = torch.nn.Linear(8, 3)

    def forward(self, x):
        x = self.into(x)
        return self.out(sum(module(x) for module in self.modules_of))


class Bare(torch.nn.Module):
    """Each variant's value at x, with a bias, and gated by x, as one tensor."""

    def forward(self, x):
        bias = torch.ones(x.shape[-1], dtype=x.dtype)
        forms = (lambda f, g: f(x, N), lambda f, g: f(x, N, bias=bias), lambda f, g: g(x, 1 - x, N))
        return torch.stack([form(f, g) for f, g in zip(FUNCTIONS.values(), GATED.values()) for form in forms])


every_mode = pytest.mark.parametrize("strict", [False, True], ids=["not strict", "strict"])
ANY_BATCH = ({0: torch.export.Dim("batch")},)


def exported(model, x, strict=False):
    return torch.export.export(model, (x,), dynamic_shapes=ANY_BATCH, strict=strict)


@functools.cache
def network(strict):
    """A network, and what it is exported as."""
    model = Network().eval()
    return model, exported(model, torch.randn(4, 6), strict)


def nodes(program):
    """All nodes of an exported program, those of graphs within graphs too."""
    graphs = [m for m in program.graph_module.modules() if isinstance(m, torch.fx.GraphModule)]
    return [node for graph in graphs for node in graph.graph.nodes]


def types(program):
    values = [node.meta.get("val") for node in nodes(program)]
    return {value.dtype for value in values if isinstance(value, torch.Tensor)}


# --- torch.export ---


@every_mode
def test_an_exported_network_is_the_network(strict, tmp_path):
    model, program = network(strict)
    torch.export.save(program, tmp_path / "model.pt2")
    loaded = torch.export.load(tmp_path / "model.pt2")
    for batch in (2, 5, 64):
        x = torch.randn(batch, 6)
        y = program.module()(x)
        torch.testing.assert_close(y, model(x), rtol=1e-5, atol=1e-6)
        assert torch.equal(loaded.module()(x), y)


@every_mode
def test_an_exported_network_holds_plain_operators_in_its_own_type(strict):
    _, program = network(strict)
    assert types(program) == {torch.float32, torch.bool}
    lowered = program.run_decompositions()
    assert types(lowered) == {torch.float32, torch.bool}
    called = {node.target for node in nodes(lowered) if node.op == "call_function"}
    assert {target.namespace for target in called if isinstance(target, torch._ops.OpOverload)} == {"aten"}
    others = {target for target in called if not isinstance(target, torch._ops.OpOverload)}
    assert {getattr(target, "__name__", "") for target in others} <= {"getitem"}


def test_binary64_is_seen():
    assert torch.float64 in types(exported(Network().double(), torch.randn(4, 6, dtype=torch.float64)))


@pytest.mark.parametrize("strict", [False, True])
def test_an_exported_network_can_be_trained(strict):
    model, program = network(strict)
    x = torch.randn(4, 6)
    outputs = program.module()(x), model(x)
    found, expected = (torch.autograd.grad(y.sum(), list(model.parameters()), allow_unused=True) for y in outputs)
    assert all(grad is not None for grad in found)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


# --- ONNX ---


@pytest.fixture
def session(tmp_path):
    """A function from a model and an example to a function of tensors: what ONNX Runtime gives."""
    onnx, _, runtime = (
        pytest.importorskip(name, reason="the extra `onnx` is not installed")
        for name in ("onnx", "onnxscript", "onnxruntime")
    )

    def start(model, example):
        path = tmp_path / "model.onnx"
        program = torch.onnx.export(model, (example,), dynamo=True, dynamic_shapes=ANY_BATCH, verbose=False)
        assert program is not None
        program.save(path)
        onnx.checker.check_model(path, full_check=True)
        proto = onnx.load(path)
        assert {opset.domain for opset in proto.opset_import} == {""}
        assert onnx.TensorProto.DOUBLE not in {value.type.tensor_type.elem_type for value in proto.graph.value_info}
        assert onnx.TensorProto.DOUBLE not in {tensor.data_type for tensor in proto.graph.initializer}
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1
        running = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        (name,) = (given.name for given in running.get_inputs())
        return lambda x: torch.from_numpy(running.run(None, {name: x.numpy()})[0])

    return start


def test_onnx_runs_a_network_for_any_batch(session):
    model = Network().eval()
    run = session(model, torch.randn(4, 6))
    for batch in (1, 3, 50):
        x = torch.randn(batch, 6)
        torch.testing.assert_close(run(x), model(x).detach(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("dtype", "ulps"), [(torch.float32, 16), (torch.float16, 1)], ids=str)
def test_onnx_gives_the_numbers_of_eager_mode(dtype, ulps, session):
    """Special values too. ONNX Runtime's Where turns the -0 that it takes from its first choice into 0: no more."""
    info = torch.finfo(dtype)
    special = torch.tensor([0.0, -0.0, math.inf, -math.inf, math.nan, info.max, info.min, info.tiny, -info.tiny])
    x = torch.cat([special.to(dtype), torch.linspace(-3, 3, 991).to(dtype)]).reshape(-1, 8)
    run = session(Bare().eval(), x[:3])
    y, expected = run(x), Bare()(x)
    assert y.dtype == dtype
    odd = ~expected.isfinite()
    assert torch.equal(y[odd].nan_to_num(7), expected[odd].nan_to_num(7))
    y, expected = y[~odd], expected[~odd]
    assert ((y - expected).abs() <= ulps * info.eps * expected.abs() + info.tiny).all()
    turned = y.signbit() != expected.signbit()
    assert (expected[turned] == 0).all()
    assert expected[turned].signbit().all()
