"""Real models of timm, tiny and with random weights: act_layer=SEGEM, registered names and patch."""

import importlib
import pkgutil

import pytest
import torch

from gem_symbolic.integrations import kinds, patch, register
from gem_symbolic.integrations.family import setting
from gem_symbolic.nn import EGEM, SEGEM


def found():
    """timm, or a skip: it needs a torchvision that was built for the PyTorch that is installed."""
    try:
        return importlib.import_module("timm")
    except (ImportError, RuntimeError) as error:
        reason = f"timm cannot be imported, from the extra `timm` with a torchvision made for this PyTorch: {error}"
        pytest.skip(reason, allow_module_level=True)


timm = found()
pytestmark = [
    # Dynamo makes an instance of the class, to stand for the context, and autograd warns that one should not.
    pytest.mark.filterwarnings("ignore:<class 'torch.autograd.function.Function'> should not be instantiated"),
]
NAME = "segem_n2_e1e-4"
IMAGES = torch.linspace(-1, 1, 2 * 3 * 32 * 32).reshape(2, 3, 32, 32)
#: name -> model with options, the kind of its activations, how many there are.
MODELS = {
    "ViT": (
        lambda **o: timm.models.VisionTransformer(
            img_size=32, patch_size=8, embed_dim=16, depth=2, num_heads=2, num_classes=3, **o
        ),
        "gelu",
        2,
    ),
    "ResNet": (
        lambda **o: timm.models.ResNet(
            timm.models.resnet.BasicBlock, (1, 1, 1, 1), channels=(8, 8, 8, 8), num_classes=3, **o
        ),
        "relu",
        9,
    ),
    "ConvNeXt": (
        lambda **o: timm.models.ConvNeXt(depths=(1, 1, 1, 1), dims=(8, 8, 16, 16), num_classes=3, **o),
        "gelu",
        4,
    ),
}
every_model = pytest.mark.parametrize("name", MODELS)


def made(name, **options):
    torch.manual_seed(0)
    return MODELS[name][0](**options).eval()


def family(model):
    return [setting(m) for m in model.modules() if setting(m)]


@pytest.fixture(scope="module", autouse=True)
def registered():
    assert "timm" in register()


@every_model
def test_patch_reaches_every_activation(name, tmp_path):
    model = made(name)
    _, kind, count = MODELS[name]
    keys, before = list(model.state_dict()), model(IMAGES)
    report = patch(model, {kind: SEGEM(N=2, eps=1e-4)})
    assert len(report.replaced) == count == len(family(model))
    assert not report.rewritten
    assert not report.unreached
    assert list(model.state_dict()) == keys
    after = model(IMAGES)
    assert not torch.equal(after, before)
    after.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    named = made(name, act_layer=NAME)
    named.load_state_dict(torch.load(tmp_path / "weights.pt"))
    assert family(named) == family(model)
    assert torch.equal(named(IMAGES), after)


@every_model
def test_a_named_model_compiles_whole(name):
    model = made(name, act_layer=NAME)
    with torch.no_grad():
        expected = model(IMAGES)
        torch.compiler.reset()
        compiled = torch.compile(model, fullgraph=True, backend="eager")
        torch.testing.assert_close(compiled(IMAGES), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["ViT", "ConvNeXt"])
def test_the_class_may_be_given(name):
    assert family(made(name, act_layer=SEGEM)) == [setting(SEGEM())] * MODELS[name][2]


def test_where_timm_asks_for_in_place_a_name_is_what_to_give():
    """ResNet calls act_layer(inplace=True), which a class without that argument refuses."""
    with pytest.raises(TypeError, match="inplace"):
        made("ResNet", act_layer=SEGEM)
    assert len(family(made("ResNet", act_layer=NAME))) == MODELS["ResNet"][2]


def test_the_names_are_open_and_others_are_unknown_as_before():
    assert repr(timm.layers.create_act_layer("egem_n3_s1/3")) == repr(EGEM(N=3, scale="1/3"))
    assert repr(timm.layers.create_act_layer(NAME, inplace=True)) == repr(SEGEM(N=2, eps=1e-4))
    assert timm.layers.get_act_layer("relu") is torch.nn.ReLU
    for unknown in ("segem", "segem_n2"):
        with pytest.raises(KeyError):
            timm.layers.get_act_layer(unknown)
    with pytest.raises(ValueError, match="N must be an integer >= 1"):
        timm.layers.create_act_layer("segem_n0_e1")


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_each_name_of_timm_means_its_kind(kind):
    meant = [pkgutil.resolve_name(name) for name in kinds.KINDS[kind].split() if name.startswith("timm")]
    assert {id(value) for value in meant} <= kinds.Kinds({kind: None}).known.keys()
