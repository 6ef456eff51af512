"""Gains are those of T10, and weights drawn by them keep the size of numbers through a deep network."""

import math

import pytest
import torch
from torch import nn

from gem_symbolic.checkers import arb
from gem_symbolic.integrations import gain, gains, init_
from gem_symbolic.integrations.family import FAMILY
from gem_symbolic.nn import EGEM, GEM, SEGEM, SEGEMGLU

#: Worked out by hand, to 15 digits.
KNOWN = {
    GEM(N=1): 2.06937213706709,
    SEGEM(N=1, eps=1): 1.31551645581364,
    EGEM(N=2, eps=1e-4): 1.41517680383326,
    SEGEM(N=2, eps=1e-4): 1.41405770177737,
}


@pytest.mark.parametrize("module", KNOWN, ids=str)
def test_the_gain_is_what_was_worked_out_by_hand(module):
    assert gain(module) == pytest.approx(KNOWN[module], abs=1e-14, rel=0)


@pytest.mark.parametrize(("variant", "N", "eps"), [(v, N, e) for v in FAMILY for N, e in ((1, "1"), (3, "1/7"))])
def test_the_gain_is_that_of_the_kernel(variant, N, eps):
    """Simpson's rule for the second moment of what the module computes in binary64."""
    module = FAMILY[variant](N=N) if variant == "gem" else FAMILY[variant](N=N, eps=eps)
    z = torch.linspace(-12, 12, 48_001, dtype=torch.float64)
    weights = torch.tensor([2.0, 4.0], dtype=torch.float64).repeat(24_001)[:48_001]
    weights[0] = weights[-1] = 1
    density = torch.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    moment = (weights * density * module(z).square()).sum() * (24 / 48_000) / 3
    assert gain(module) == pytest.approx(float(moment) ** -0.5, rel=1e-12)


def test_a_name_stands_for_its_module():
    assert gain("segem_n2_e1e-4") == gain(SEGEM(N=2, eps=1e-4)) != gain("segem_n2_e1e-3")


def test_the_gain_tends_to_that_of_relu():
    relu = nn.init.calculate_gain("relu")
    away = [abs(gain(SEGEM(N=2, eps=f"1e-{k}")) - relu) for k in (0, 4, 8, 12, 16)]
    assert away == sorted(away, reverse=True)
    assert away[-1] < 1e-9 < away[1]


def test_enclosures_that_do_not_meet_give_no_gain(monkeypatch):
    exact = arb.moment_by_residues
    monkeypatch.setattr(arb, "moment_by_residues", lambda *args: exact(*args) + 1e-30)
    with pytest.raises(ArithmeticError, match="give no gain"):
        gains.rounded.__wrapped__("segem", 2, SEGEM(2).eps)


def test_an_enclosure_that_is_too_wide_gives_no_gain(monkeypatch):
    exact = arb.moment_by_quadrature
    monkeypatch.setattr(arb, "moment_by_quadrature", lambda *args: exact(*args) + arb.arb(0, 1e-10))
    with pytest.raises(ArithmeticError, match="give no gain"):
        gains.rounded.__wrapped__("segem", 2, SEGEM(2).eps)


@pytest.mark.parametrize("other", [nn.ReLU(), SEGEMGLU(), 3, SEGEM])
def test_another_module_has_no_gain(other):
    with pytest.raises(ValueError, match="gain is for the modules"):
        gain(other)


def test_what_is_no_name_has_no_gain():
    with pytest.raises(ValueError, match="no name of an activation"):
        gain("relu")


# --- init_ ---


def deep(module, depth=40, width=256):
    layers = [layer for _ in range(depth) for layer in (nn.Linear(width, width), module)]
    return nn.Sequential(*layers, nn.Linear(width, width))


def second_moments(module, depth):
    """Of what a network of that depth gives for standard normal input, before init_ and after it."""
    torch.manual_seed(0)
    model, x = deep(module, depth), torch.randn(256, 256)
    with torch.no_grad():
        before = model(x).square().mean().item()
        init_(model, generator=torch.Generator().manual_seed(0))
        return before, model(x).square().mean().item()


@pytest.mark.parametrize("module", [GEM(N=1), EGEM(N=2), SEGEM(N=1, eps=1), SEGEM(N=2)], ids=str)
def test_one_layer_keeps_the_size(module):
    before, after = second_moments(module, 1)
    assert before < 0.5
    assert after == pytest.approx(1, rel=0.1)


@pytest.mark.parametrize("module", [SEGEM(N=1, eps=1), SEGEM(N=2)], ids=str)
def test_numbers_keep_their_size_in_a_deep_network(module):
    before, after = second_moments(module, 40)
    assert before < 0.01
    assert 0.3 < after < 3


def test_size_1_is_kept_but_not_returned_to_by_every_activation():
    """With GEM(N=1) a little more becomes much more, layer by layer: what the docstring of `gain` says."""
    _, after = second_moments(GEM(N=1), 40)
    assert after > 1e6


def test_the_weights_have_the_deviation_of_the_gain():
    torch.manual_seed(0)
    module = SEGEM(N=1, eps=1)
    into, out, apart = nn.Conv2d(16, 512, 3), nn.Conv2d(512, 64, 3, groups=2), nn.Linear(5, 5)
    untouched = apart.weight.clone()
    assert init_(nn.Sequential(into, module, out, nn.ReLU(), apart)) == {"0": 1.0, "2": gain(module)}
    for layer, fan_in, g in ((into, 16 * 9, 1), (out, 256 * 9, gain(module))):
        assert layer.weight.std().item() == pytest.approx(g / fan_in**0.5, rel=0.02)
        assert layer.bias is not None
        assert not layer.bias.any()
    assert torch.equal(apart.weight, untouched)


def test_a_normalisation_in_between_leaves_a_layer_alone():
    act = SEGEM(2)
    model = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), act, nn.Linear(4, 4, bias=False), act, nn.LayerNorm(4))
    assert init_(model.append(nn.Linear(4, 4))) == {"3": gain(act)}


class Backwards(nn.Module):
    """Runs its layers the other way round from how it lists them."""

    def __init__(self):
        super().__init__()
        self.last, self.act, self.first = nn.Linear(8, 2), SEGEM(2), nn.Linear(4, 8)
        self.drop = nn.Dropout()

    def forward(self, x):
        return self.last(self.drop(self.act(self.first(x))))


def test_an_example_says_what_runs_after_what():
    model, g = Backwards(), gain(SEGEM(2))
    assert init_(model) == {"last": 1.0, "first": g}
    assert init_(model, torch.randn(3, 4)) == {"last": g, "first": 1.0}
    assert model.training
    assert model.drop.training
    assert not any(m._forward_hooks for m in model.modules())


def test_the_generator_decides():
    one, other = deep(SEGEM(2), 2, 8), deep(SEGEM(2), 2, 8)
    for model in (one, other):
        init_(model, generator=torch.Generator().manual_seed(7))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("model", [nn.Sequential(nn.Linear(2, 2), nn.ReLU()), nn.Sequential(SEGEM(2))], ids=str)
def test_a_model_without_such_layers_is_an_error(model):
    with pytest.raises(ValueError, match="no layer with weights stands beside an activation"):
        init_(model)
