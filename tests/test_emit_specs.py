"""Kernel files of piecewise rational activations: what they compute, and what is refused."""

import ast
import math
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache
from types import ModuleType
from typing import Any

import pytest
import torch
from rationals import HARD_SWISH, LEAKY_RELU, PADE, RATIONALS, SOFTSIGN, activation

from gem_symbolic import emit, measure
from gem_symbolic.definitions import Activation
from gem_symbolic.plans import PlanError
from gem_symbolic.reference import evaluate

POINTS = (-1e30, -40.5, -3.25, -2.5, -1.25, -0.75, -1e-3, 1e-3, 0.25, 0.625, 1.5, 2.75, 4.5, 1e30)


@cache
def loaded(name: str) -> ModuleType:
    with measure.interpreted():
        return emit.load(emit.source(RATIONALS[name]), name)


def derivatives(function: Any, x: torch.Tensor, count: int) -> Iterator[torch.Tensor]:
    """The value and so many derivatives by autograd."""
    y = function(x)
    yield y
    for _ in range(count):
        (y,) = torch.autograd.grad(y.sum(), x, create_graph=True)
        yield y


@pytest.mark.parametrize("name", RATIONALS)
def test_values_and_derivatives(name: str) -> None:
    x = torch.tensor(POINTS, dtype=torch.float64, requires_grad=True)
    for order, y in enumerate(derivatives(getattr(loaded(name), name), x, 2)):
        expected = [float(evaluate(RATIONALS[name], p, order=order, dps=30)) for p in POINTS]
        torch.testing.assert_close(y.detach(), torch.tensor(expected, dtype=torch.float64), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", RATIONALS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_special_values(name: str, dtype: torch.dtype) -> None:
    x = torch.tensor([-math.inf, math.inf, math.nan], dtype=dtype, requires_grad=True)
    for order, y in enumerate(derivatives(getattr(loaded(name), name), x, 2)):
        far = [float(evaluate(RATIONALS[name], s * Fraction(2) ** 8000, order=order, dps=20)) for s in (-1, 1)]
        torch.testing.assert_close(y.detach(), torch.tensor([*far, math.nan], dtype=dtype), equal_nan=True)


def test_forms() -> None:
    """With a bias, gated by halves or by another tensor, and as modules."""
    module = loaded("hard_swish")
    x, up, bias = torch.randn(3, 4), torch.randn(3, 4), torch.randn(4)
    torch.testing.assert_close(module.hard_swish(x, bias=bias), torch.nn.functional.hardswish(x + bias))
    gated = torch.nn.functional.hardswish(x) * up
    torch.testing.assert_close(module.hard_swish_glu(torch.cat((x, up), -1)), gated)
    torch.testing.assert_close(module.HardSwishGLU()(x, up), gated)
    assert repr(module.HardSwish()) == "HardSwish()"
    for function, args in ((module.hard_swish, (x,)), (module.hard_swish_glu, (x, up))):
        inputs = [a.double().requires_grad_() for a in args]
        assert torch.autograd.gradcheck(function, inputs)
        assert torch.autograd.gradgradcheck(function, inputs)


@pytest.mark.parametrize("name", RATIONALS)
def test_nothing_is_left_of_parameters(name: str) -> None:
    text = emit.source(RATIONALS[name])
    named = {node.arg for node in ast.walk(ast.parse(text)) if isinstance(node, ast.arg)}
    assert not named & {"N", "eps", "scale", "s", "inv_s", "pair", "accurate", "setting"}
    assert "GEM" not in emit.native(RATIONALS[name])


@pytest.mark.parametrize("name", ["a b", "class", "_f", "tuple", "matrices", "ü"])
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(PlanError, match="no kernels can be named"):
        emit.source(replace(HARD_SWISH, name=name))


@pytest.mark.parametrize("text", ['"""', "a\nb", "a\\", "a??/b", "a\x00"])
def test_texts_that_are_refused(text: str) -> None:
    for altered in (replace(SOFTSIGN, title=text), replace(SOFTSIGN, source=text)):
        for write in (emit.source, emit.native):
            with pytest.raises(PlanError, match="no kernels can quote"):
                write(altered)
