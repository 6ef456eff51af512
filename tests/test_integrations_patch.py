"""`patch`: every place of a kind is found, nothing else changes, and what is not reached is said."""

import copy
import functools
import pickle
import pkgutil
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from gem_symbolic.integrations import kinds, patch, rewriting
from gem_symbolic.nn import EGEM, SEGEM

NEW = SEGEM(N=2)
pytestmark = [
    # Dynamo makes an instance of the class, to stand for the context, and autograd warns that one should not.
    pytest.mark.filterwarnings("ignore:<class 'torch.autograd.function.Function'> should not be instantiated"),
    pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors is in prototype stage:UserWarning"),
]


def put(model, kind="gelu"):
    return patch(model, {kind: SEGEM(N=2)})


def named(changes):
    return [change.name for change in changes]


@pytest.fixture
def x():
    torch.manual_seed(0)
    return torch.randn(3, 4)


# --- what modules store ---


class Hiding(nn.Module):
    """A GELU in every place that a module can have one."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.child = nn.GELU()
        self.alias = self.child
        self.sequence = nn.Sequential(nn.Linear(4, 4), nn.GELU("tanh"), self.child)
        self.listed = [nn.GELU(), [F.gelu]]
        self.chosen = {"a": (nn.GELU(), nn.Identity()), "b": nn.Tanh()}
        self.function = F.gelu
        self.partial = functools.partial(F.gelu, approximate="tanh")
        self.hidden = [nn.Sequential(nn.GELU())]
        self.kind = nn.GELU  # a class, not an activation

    def forward(self, x):
        x = self.sequence(self.alias(self.child(self.linear(x))))
        for f in (*self.listed[:1], *self.listed[1], *self.chosen["a"], self.function, self.partial, *self.hidden):
            x = f(x)
        return self.chosen["b"](x)


def test_every_place_is_found(x):
    model = Hiding()
    before = model.state_dict()
    report = put(model)
    assert set(named(report.replaced)) == {
        "child",
        "alias",
        "sequence.1",
        "sequence.2",
        "listed[0]",
        "listed[1][0]",
        "chosen['a'][0]",
        "function",
        "partial",
        "hidden[0].0",
    }
    assert not report.rewritten
    assert not report.unreached
    after = model.state_dict()
    assert list(after) == list(before)
    assert all(after[key] is before[key] or torch.equal(after[key], before[key]) for key in before)
    y = NEW(NEW(model.linear(x)))
    y = NEW(NEW(model.sequence[0](y)))
    for _ in range(6):
        y = NEW(y)
    assert torch.equal(model(x), torch.tanh(y))
    assert model.kind is nn.GELU
    assert isinstance(model.chosen["a"], tuple)


def test_shared_modules_stay_shared_and_others_are_apart():
    model = Hiding()
    put(model)
    assert model.child is model.alias is model.sequence[2]
    new = [m for m in model.modules() if isinstance(m, SEGEM)] + [model.listed[0], model.chosen["a"][0]]
    assert len({id(m) for m in new}) == len(new) == 6


def test_the_module_that_was_given_is_copied():
    model, given = nn.Sequential(nn.GELU()), SEGEM(N=3, scale="1/3", accurate=True)
    patch(model, {"gelu": given})
    assert model[0] is not given
    assert str(model[0]) == str(given)


@pytest.mark.parametrize("replacement", [SEGEM, lambda: SEGEM(N=1), functools.partial(SEGEM, N=1)])
def test_what_makes_modules_may_be_given(replacement):
    model = nn.Sequential(nn.GELU(), nn.GELU())
    patch(model, {"gelu": replacement})
    assert [type(m) for m in model] == [SEGEM, SEGEM]
    assert model[0] is not model[1]


def test_several_kinds_at_once():
    model = nn.Sequential(nn.ReLU(), nn.GELU(), nn.SiLU(), nn.Tanh())
    patch(model, {"relu": EGEM, "gelu": SEGEM})
    assert [type(m) for m in model] == [EGEM, SEGEM, nn.SiLU, nn.Tanh]


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_of_training_stays(training):
    model = nn.Sequential(nn.GELU()).train(training)
    put(model)
    assert model[0].training is training


class Renamed(nn.GELU):
    """A GELU by another name."""


class Changed(nn.GELU):
    """A GELU in name only."""

    def forward(self, input):
        return 2 * input


class Weighted(nn.GELU):
    """A GELU with weights, whose keys of the state_dict must stay."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))


def test_a_subclass_is_of_the_kind_while_it_computes_the_same():
    model = nn.Sequential(Renamed(), Changed(), Weighted())
    report = put(model)
    assert [type(m) for m in model] == [SEGEM, Changed, Weighted]
    assert named(report.replaced) == ["0"]
    assert named(report.unreached) == ["2"]
    assert "weights" in str(report.unreached[0])


def test_what_torchscript_compiled_is_reported():
    model = nn.Sequential(torch.jit.script(nn.Sequential(nn.GELU())), nn.GELU())
    report = put(model)
    assert (named(report.replaced), named(report.unreached)) == (["1"], ["0"])
    assert "TorchScript" in str(report)


def test_a_report_prints_what_it_holds():
    text = str(put(Hiding()))
    assert "replaced: 10" in text
    assert "  function: torch.nn.functional.gelu" in text
    assert "not reached: 0" in text


# --- what is refused, in one sentence ---


@pytest.mark.parametrize("model", [nn.Sequential(nn.Tanh()), nn.Linear(2, 2), nn.Sequential(Weighted())])
def test_nothing_that_matches_is_an_error(model):
    before = str(model)
    with pytest.raises(ValueError, match="nothing in the model is of the kind 'gelu'"):
        put(model)
    assert str(model) == before


def test_a_model_that_is_the_activation_cannot_be_replaced_in_itself():
    with pytest.raises(ValueError, match="cannot be replaced in itself"):
        put(nn.GELU())


def test_no_kind_at_all_is_an_error():
    with pytest.raises(ValueError, match="give a kind of activation to replace; known are gelu, relu"):
        patch(nn.Sequential(nn.GELU()), {})


def test_an_unknown_kind_is_an_error_that_lists_the_kinds():
    with pytest.raises(ValueError, match=f"unknown kind of activation 'glu'; known are {', '.join(kinds.KINDS)}"):
        put(nn.Sequential(nn.GELU()), "glu")


@pytest.mark.parametrize(
    ("replacement", "why"),
    [
        (3, "must be a module"),
        ("segem", "must be a module"),
        (F.silu, "must be a module"),
        (lambda: 3, "got 3"),
        (nn.Linear, "must be a module"),
        (nn.PReLU, "no weights"),
        (nn.PReLU(), "no weights"),
    ],
)
def test_a_bad_replacement_is_an_error_and_changes_nothing(replacement, why):
    model = nn.Sequential(nn.ReLU(), nn.GELU())
    with pytest.raises(ValueError, match=why):
        patch(model, {"relu": SEGEM, "gelu": replacement})
    assert [type(m) for m in model] == [nn.ReLU, nn.GELU]


def test_a_model_must_be_a_module():
    with pytest.raises(ValueError, match=r"must be a torch\.nn\.Module"):
        patch("gpt2", {"gelu": SEGEM})  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_each_name_of_pytorch_means_its_kind(kind):
    meant = [pkgutil.resolve_name(name) for name in kinds.KINDS[kind].split() if name.startswith("torch")]
    assert len(meant) >= 2
    assert {id(value) for value in meant} <= kinds.Kinds({kind: None}).known.keys()


# --- calls, rewritten by torch.fx ---


def helped(x):
    return F.gelu(x)


class Calling(nn.Module):
    """A function, a method of a tensor and a function of this file."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.norm = nn.LayerNorm(4)
        self.unused = nn.Linear(2, 2)
        self.scale = 3.0

    def forward(self, x):
        x = self.scale * F.gelu(self.linear(x), approximate="tanh")
        return self.inner(x) + torch.nn.functional.gelu(input=x)

    def inner(self, x):
        return self.norm(helped(x).relu())


def expected(model, x, gelu, relu):
    x = 3 * gelu(model.linear(x))
    return model.norm(relu(gelu(x))) + gelu(x)


def test_calls_are_rewritten(x):
    model = Calling()
    keys = list(model.state_dict())
    report = put(model)
    assert named(report.rewritten) == ["gelu_0", "gelu_1", "gelu_2"]
    assert not report.unreached
    assert isinstance(model, Calling)
    assert list(model.state_dict()) == keys
    assert torch.equal(model(x), expected(model, x, NEW, torch.relu))


def test_what_was_rewritten_is_rewritten_again_for_another_kind(x):
    model = nn.Sequential(Calling())
    put(model)
    report = patch(model, {"relu": EGEM(N=1)})
    assert named(report.rewritten) == ["0.relu_0"]
    model = pickle.loads(pickle.dumps(model))
    assert torch.equal(model(x), expected(model[0], x, NEW, EGEM(N=1)))


def test_a_rewritten_model_trains_copies_loads_and_compiles(x):
    model = nn.Sequential(Calling(), nn.Linear(4, 2))
    put(model)
    y = model(x)
    y.sum().backward()
    assert all(p.grad is not None for name, p in model.named_parameters() if "unused" not in name)
    twin = copy.deepcopy(model)
    assert torch.equal(twin(x), y)
    twin[0].gelu_0 = nn.Identity()  # the copy runs its own children
    assert not torch.equal(twin(x), y)
    assert torch.equal(model(x), y)
    pickled = pickle.loads(pickle.dumps(model))
    assert torch.equal(pickled(x), y)
    assert type(pickled[0]) is not type(model[0])
    assert isinstance(pickled[0], Calling)
    fresh = nn.Sequential(Calling(), nn.Linear(4, 2))
    fresh.load_state_dict(model.state_dict())
    put(fresh)
    assert torch.equal(fresh(x), y)
    compiled = torch.compile(model, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(x), y, rtol=1e-5, atol=1e-6)


def test_what_torch_fx_made_is_rewritten_in_its_graph(x):
    model = torch.fx.symbolic_trace(Calling())
    assert len(put(model).rewritten) == 3
    for run in (model, pickle.loads(pickle.dumps(model)), torch.fx.GraphModule(model, model.graph)):
        assert torch.equal(run(x), expected(model, x, NEW, torch.relu))


class InPlace(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        return F.relu(self.linear(x), inplace=True)


def test_a_call_in_place_on_what_a_layer_gave_is_rewritten(x):
    model = InPlace()
    put(model, "relu")
    assert torch.equal(model(x), NEW(model.linear(x)))


class Refusing(nn.Module):
    def __init__(self):
        super().__init__()
        self.act = nn.ReLU()
        self.linear = nn.Linear(4, 4)
        self.count = 0


class Optional(Refusing):
    def forward(self, x, mask=None):
        x = F.relu(x)
        return x if mask is None else x * mask


class Missing(Refusing):
    def forward(self, x):
        return self.masked(x, x if self.count else None)

    def masked(self, x, mask):
        return F.relu(x) if mask is None else F.relu(x) * mask


class Training(Refusing):
    def forward(self, x):
        return F.relu(x) if self.training else x


class Asking(Refusing):
    def forward(self, x):
        return F.relu(x) if isinstance(x, torch.Tensor) else F.relu(2 * x)


class Counting(Refusing):
    def forward(self, x):
        self.count += 1
        return F.relu(x) + self.count


class Dropping(Refusing):
    def forward(self, x):
        return x if torch.rand(1) > 2 else F.relu(x)


class Frozen(Refusing):
    def forward(self, x):
        with torch.no_grad():
            y = self.linear(x)
        return F.relu(y)


class Within(Refusing):
    def forward(self, x):
        with torch.profiler.record_function("relu"):
            return F.relu(x)


class Decorated(Refusing):
    @torch.no_grad()
    def forward(self, x):
        return F.relu(self.linear(x))


class Making(Refusing):
    def forward(self, x):
        return F.relu(x) + torch.tensor(1.0)


class Deciding(Refusing):
    def forward(self, x):
        return F.relu(x) if x.sum() > 0 else x


class Aliased(Refusing):
    def forward(self, x):
        y = self.linear(x)
        F.relu_(y)
        return y


class Returning(Refusing):
    def forward(self, x):
        y = self.linear(x)
        return F.relu(y, True) + y


class Unrelated(Refusing):
    def forward(self, x):
        return 2 * x

    def other(self, x):
        return x.relu()


class Dead(Refusing):
    def forward(self, x):
        return F.relu(x) if self.count else 2 * x


class Inheriting(nn.Sequential):
    def other(self, x):
        return F.relu(x)


REFUSED = {
    Optional: "optional arguments",
    Missing: "asks whether mask is None",
    Training: "something else in training",
    Asking: "uses isinstance",
    Counting: "sets attributes",
    Dropping: "uses rand",
    Frozen: "uses no_grad",
    Within: "has a with",
    Decorated: "is decorated",
    Making: "tensors of its own",
    Deciding: "cannot record",
    Aliased: "in place",
    Returning: "in place",
    Unrelated: "in methods that its forward does not name",
    Dead: "does not call that by itself",
}


@pytest.mark.parametrize("cls", REFUSED)
def test_a_forward_that_one_record_may_not_stand_for_is_left_and_reported(cls, x):
    model = cls()
    y = copy.deepcopy(model)(x.clone())
    report = put(model, "relu")
    assert named(report.replaced) == ["act"]
    (unreached,) = report.unreached
    assert REFUSED[cls] in str(unreached)
    assert "relu" in str(unreached)
    assert type(model) is cls
    assert vars(model).keys() == vars(cls()).keys()
    assert torch.equal(model(x.clone()), y)


@pytest.mark.parametrize("cls", [Optional, Asking, Counting, Frozen, Decorated])
def test_what_is_checked_before_would_go_wrong(cls, x, monkeypatch):
    """Without the check the record is taken for the forward, and some run differs."""
    monkeypatch.setattr(rewriting, "check", lambda module: None)
    model, plain = cls(), cls()
    patch(model, {"relu": nn.ReLU})
    plain.load_state_dict(model.state_dict())

    def runs(module):
        """What two runs give, with whether it has a gradient; or that it cannot be called like that."""
        try:
            return [((y := module(x)).tolist(), y.requires_grad, module.count) for _ in range(2)]
        except TypeError:
            return None

    x = x.requires_grad_(cls is not Frozen)
    assert runs(model) != runs(plain)


def test_a_class_with_the_forward_of_pytorch_is_reported():
    report = put(Inheriting(nn.ReLU()), "relu")
    assert named(report.replaced) == ["0"]
    assert "in methods that its forward does not name" in str(report)


def test_a_forward_on_the_instance_is_reported(x):
    model = Calling()
    model.forward = functools.partial(Calling.forward, model)
    with pytest.raises(ValueError, match="put on the instance"):
        put(model)


def test_a_stored_function_that_calls_one_is_reported():
    class Holder(nn.Identity):
        held: Any

    holder, other = Holder(), Holder()
    holder.held = [lambda x: 2 * F.gelu(x), functools.partial(lambda x, y: F.gelu(x) + y, y=1)]
    other.held = lambda x: F.silu(x)
    report = patch(nn.Sequential(nn.GELU(), holder, other), {"gelu": SEGEM})
    assert [str(change) for change in report.unreached] == [
        f"1.held[{k}]: a function that calls torch.nn.functional.gelu" for k in range(2)
    ]


def test_a_module_outside_the_model_is_reported():
    model = nn.Sequential(nn.GELU(), Outside())
    report = put(model)
    assert named(report.unreached) == ["1"]
    assert "a GELU outside the model" in str(report)


OUTSIDE = nn.GELU()


class Outside(nn.Module):
    def forward(self, x):
        return OUTSIDE(x)


# --- nn.TransformerEncoderLayer ---


@pytest.fixture
def slow():
    """PyTorch's fast path, switched off while the function that it gives runs."""

    def run(function, *args, **options):
        torch.backends.mha.set_fastpath_enabled(False)
        try:
            return function(*args, **options)
        finally:
            torch.backends.mha.set_fastpath_enabled(True)

    return run


@pytest.mark.parametrize("activation", ["gelu", nn.GELU(), F.gelu], ids=["name", "module", "function"])
def test_the_fast_path_of_an_encoder_layer_is_left(activation, slow):
    torch.manual_seed(0)
    model = nn.TransformerEncoderLayer(8, 2, 16, activation=activation, batch_first=True).eval()
    x = torch.randn(2, 5, 8)
    with torch.no_grad():
        before = model(x)
        report = put(model)
        assert named(report.replaced) == ["activation"]
        y, expected = model(x), slow(model, x)
        torch.testing.assert_close(y, expected)
        assert not torch.allclose(y, before, atol=1e-3)
        model.activation_relu_or_gelu = 2  # as it was: the fast path computes a GELU still
        torch.testing.assert_close(model(x), before)


def test_an_encoder_with_padding_makes_no_nested_tensors(slow):
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, activation="gelu", batch_first=True)
    model = nn.TransformerEncoder(layer, 2).eval()
    x, padding = torch.randn(2, 5, 8), torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
    report = put(model)
    assert named(report.replaced) == ["layers.0.activation", "layers.1.activation"]
    with torch.no_grad():
        y = model(x, src_key_padding_mask=padding)
        expected = slow(model, x, src_key_padding_mask=padding)
        assert torch.equal(y[~padding], expected[~padding])
        model.use_nested_tensor = True
        with pytest.raises((RuntimeError, NotImplementedError)):
            model(x, src_key_padding_mask=padding)
