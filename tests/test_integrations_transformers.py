"""Real models of transformers, tiny and with random weights: forward, backward, save, load and compile."""

import copy
import os
import pkgutil

import pytest
import torch

from gem_symbolic.integrations import gain, init_, kinds, patch, register
from gem_symbolic.integrations.family import setting
from gem_symbolic.nn import EGEM, SEGEM

os.environ["HF_HUB_OFFLINE"] = "1"
transformers = pytest.importorskip("transformers", reason="the extra `transformers` is not installed")

pytestmark = [
    # Dynamo makes an instance of the class, to stand for the context, and autograd warns that one should not.
    pytest.mark.filterwarnings("ignore:<class 'torch.autograd.function.Function'> should not be instantiated"),
    pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated"),  # Inductor's own
]
NAME = "segem_n2_e1e-4"
SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
TOKENS = {"input_ids": torch.arange(12).reshape(2, 6)}
PIXELS = {"pixel_values": torch.linspace(-1, 1, 2 * 3 * 32 * 32).reshape(2, 3, 32, 32)}
#: name -> model, config, what to call the activation in it, its kind, how often it stands in the model, an input.
MODELS = {
    "GPT-2": (
        transformers.GPT2LMHeadModel,
        lambda **act: transformers.GPT2Config(
            n_embd=16, n_layer=2, n_head=2, n_positions=8, vocab_size=50, bos_token_id=0, eos_token_id=0, **act
        ),
        ("activation_function", "gelu", 2),
        TOKENS,
    ),
    "BERT": (
        transformers.BertForSequenceClassification,
        lambda **act: transformers.BertConfig(**SMALL, vocab_size=50, max_position_embeddings=8, **act),
        ("hidden_act", "gelu", 2),
        TOKENS,
    ),
    "ViT": (
        transformers.ViTForImageClassification,
        lambda **act: transformers.ViTConfig(**SMALL, image_size=32, patch_size=8, **act),
        ("hidden_act", "gelu", 2),
        PIXELS,
    ),
    "ResNet": (
        transformers.ResNetForImageClassification,
        lambda **act: transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], **act),
        ("hidden_act", "relu", 7),
        PIXELS,
    ),
    "ConvNeXt": (
        transformers.ConvNextForImageClassification,
        lambda **act: transformers.ConvNextConfig(hidden_sizes=[8, 16], depths=[1, 1], num_stages=2, **act),
        ("hidden_act", "gelu", 2),
        PIXELS,
    ),
}
#: The activations that a config does not reach: those within a layer of ResNet are ReLU, whatever it says.
BEYOND = {"ResNet": 4}
every_model = pytest.mark.parametrize("name", MODELS)


def made(name, **act):
    torch.manual_seed(0)
    cls, config, *_ = MODELS[name]
    return cls(config(**act)).eval()


def logits(model, name):
    return model(**MODELS[name][-1]).logits


def family(model):
    return [setting(m) for m in model.modules() if setting(m)]


@pytest.fixture(scope="module", autouse=True)
def registered():
    assert "transformers" in register()


@every_model
def test_patch_reaches_every_activation(name):
    model = made(name)
    weights, before = copy.deepcopy(model.state_dict()), logits(model, name)
    _, kind, count = MODELS[name][2]
    report = patch(model, {kind: SEGEM(N=2, eps=1e-4)})
    assert len(report.replaced) == count == len(family(model))
    assert not report.rewritten
    assert not report.unreached
    assert list(model.state_dict()) == list(weights)
    after = logits(model, name)
    assert not torch.equal(after, before)
    after.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters() if p.requires_grad)
    assert any(p.grad.any() for p in model.parameters())
    other = made(name)
    patch(other, {kind: SEGEM(N=2, eps=1e-4)})
    other.load_state_dict(model.state_dict())
    assert torch.equal(logits(other, name), after)


@every_model
def test_patch_and_config_make_the_same_model(name):
    key, kind, _ = MODELS[name][2]
    patched, configured = made(name), made(name, **{key: NAME})
    patch(patched, {kind: SEGEM(N=2, eps=1e-4)})
    if name in BEYOND:
        patch(configured, {kind: SEGEM(N=2, eps=1e-4)})
    configured.load_state_dict(patched.state_dict())
    assert torch.equal(logits(configured, name), logits(patched, name))


@every_model
def test_a_config_with_the_name_is_saved_and_loaded(name, tmp_path):
    key, _, count = MODELS[name][2]
    model = made(name, **{key: NAME})
    assert family(model) == [setting(SEGEM(N=2, eps=1e-4))] * (count - BEYOND.get(name, 0))
    model.save_pretrained(tmp_path)
    assert f'"{NAME}"' in (tmp_path / "config.json").read_text()
    loaded = type(model).from_pretrained(tmp_path).eval()
    assert family(loaded) == family(model)
    assert torch.equal(logits(loaded, name), logits(model, name))


@every_model
def test_a_patched_model_compiles_whole(name):
    model = made(name)
    patch(model, {MODELS[name][2][1]: SEGEM(N=2, eps=1e-4)})
    with torch.no_grad():
        expected = logits(model, name)
        torch.compiler.reset()
        compiled = torch.compile(model, fullgraph=True, backend="eager")
        torch.testing.assert_close(logits(compiled, name), expected, rtol=1e-4, atol=1e-5)


def test_a_block_trains_compiled_by_inductor():
    """The MLP of GPT-2: forward and backward in code that Inductor made, against eager mode."""
    model = made("GPT-2", activation_function=NAME).transformer.h[0].mlp
    x = torch.randn(2, 6, 16)
    torch.compiler.reset()
    found, expected = [], []
    for run, out in ((torch.compile(model, fullgraph=True), found), (model, expected)):
        model.zero_grad()
        y = run(x)
        y.square().sum().backward()
        out += [y.detach(), *(p.grad.clone() for p in model.parameters())]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_init_draws_the_weights_beside_the_activations():
    model = made("GPT-2", activation_function=NAME)
    tied = model.lm_head.weight.clone()
    g = gain(NAME)
    assert init_(model, TOKENS["input_ids"]) == {
        f"transformer.h.{k}.mlp.{layer}": value for k in range(2) for layer, value in (("c_fc", 1.0), ("c_proj", g))
    }
    weight = model.transformer.h[0].mlp.c_proj.weight  # stored the other way round from nn.Linear: (in, out)
    assert weight.std().item() == pytest.approx(g / 64**0.5, rel=0.1)
    assert torch.equal(model.lm_head.weight, tied)


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_each_name_of_transformers_means_its_kind(kind):
    meant = [pkgutil.resolve_name(n) for n in kinds.KINDS[kind].split() if n.startswith("transformers")]
    assert {id(value) for value in meant} <= kinds.Kinds({kind: None}).known.keys()


def test_what_transformers_calls_gelu_is_one():
    """All of its GELUs but the clipped one, which is reported as it calls another module."""
    known = kinds.Kinds({"gelu": None})
    found = {
        name for name in transformers.activations.ACT2CLS if known.of_module(transformers.activations.ACT2FN[name])
    }
    assert found == {name for name in transformers.activations.ACT2CLS if "gelu" in name} - {"gelu_10"}
    model = torch.nn.Sequential(transformers.activations.ACT2FN["gelu_10"], torch.nn.GELU())
    (unreached,) = patch(model, {"gelu": SEGEM}).unreached
    assert "a GELUActivation outside the model" in str(unreached)


def test_the_names_are_open_and_others_are_unknown_as_before():
    table = transformers.activations.ACT2FN
    assert repr(table["egem_n3_s1/3"]) == repr(EGEM(N=3, scale="1/3"))
    assert table[NAME] is not table[NAME]
    assert NAME in table
    assert isinstance(table["gelu"], transformers.activations.GELUActivation)
    assert list(table) == list(transformers.activations.ACT2CLS)
    for unknown in ("segem", "segem_n2", "gelu_n2_e1"):
        assert unknown not in table
        with pytest.raises(KeyError):
            table[unknown]
    with pytest.raises(KeyError, match="not found in ACT2FN"):
        transformers.activations.get_activation("segem")
    with pytest.raises(ValueError, match="N must be an integer >= 1"):
        table["segem_n0_e1"]


def test_registering_twice_is_registering_once():
    table = transformers.activations.ACT2FN
    before = type(table)
    register()
    assert type(table) is before
    assert repr(table[NAME]) == repr(SEGEM(N=2, eps=1e-4))
