"""What is raced does what it says, and the race is fair: contenders, calls, rounds."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import torch

from gem_symbolic import contenders, timing
from gem_symbolic.contenders import Contender, Point
from gem_symbolic.definitions import EGEM, VARIANTS, find
from gem_symbolic.reference import evaluate

SMALL = Point("cpu", "float32", 16, 1)


def fake_clock(log: list[str]) -> timing.Clock:
    def clock(call: Any, repeats: int) -> float:
        log.append(call())
        return 2.0 if log[-1] == "b" else 1.0

    return clock


def test_all_take_turns() -> None:
    log: list[str] = []
    found = timing.race({(name,): lambda name=name: name for name in "abc"}, fake_clock(log), budget=0)
    turns = log[-3 * timing.LEAST :]
    rounds = [turns[i : i + 3] for i in range(0, len(turns), 3)]
    assert {"".join(sorted(r)) for r in rounds} == {"abc"}
    assert len({"".join(r) for r in rounds}) > 1
    assert {key: (f["seconds"]["median"], f["runs"]) for key, f in found.items()} == {
        ("a",): (1.0, timing.LEAST),
        ("b",): (2.0, timing.LEAST),
        ("c",): (1.0, timing.LEAST),
    }


@pytest.mark.parametrize(("budget", "rounds"), [(0, timing.LEAST), (60, timing.MOST)])
def test_rounds_are_bounded(budget: float, rounds: int) -> None:
    (found,) = timing.race({("a",): lambda: "a"}, fake_clock([]), budget).values()
    assert found["runs"] == rounds


def test_quartiles() -> None:
    assert timing.summary([5, 1, 4, 2, 3]) == {"seconds": {"median": 3, "low": 2, "high": 4}, "runs": 5}


def test_short_calls_are_repeated_on_the_cpu_only() -> None:
    count: Counter[str] = Counter()
    often = timing.repeats(lambda: count.update("x"), timing.cpu)
    assert often > 10
    assert timing.cpu(lambda: count.update("y"), often) < 1e-3
    assert count["y"] == often
    assert timing.repeats(lambda: None, lambda call, repeats: 1e-9) == 1


def test_every_call_of_a_point_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "compile", lambda function, fullgraph: function)
    monkeypatch.setattr(timing, "LEAST", 2)
    found = timing.race(contenders.calls(SMALL), timing.cpu, budget=0)
    assert all(f["seconds"]["low"] > 0 for f in found.values())
    assert {key[0] for key in found} == {"copy", *contenders.TORCH, "nothing", "silu_mul", "kernel", "glu"}
    emitted = [a.name for a in VARIANTS.values() if a.emitted]
    for mode in ("eager", "compiled"):
        for direction in contenders.DIRECTIONS:
            for variant in emitted:
                for N in contenders.NS:
                    assert ("kernel", variant, N, mode, direction, "float32", 16, "cpu", 1) in found


@pytest.mark.parametrize("direction", contenders.DIRECTIONS)
def test_a_call_computes_what_its_direction_says(direction: str) -> None:
    x, grad = torch.tensor([1.0, -2.0]), torch.tensor([5.0, 7.0])
    found = contenders.call(lambda x: x * x, direction, [x], grad)
    for _ in range(2):
        result = found()
        expected = x * x if direction == "forward" else 2 * x * grad
        assert torch.equal(result if direction == "forward" else result[0], expected)
    assert not x.requires_grad


def test_inputs_have_the_type_and_size_of_the_point() -> None:
    (x, up), grad = contenders.tensors(Point("cpu", "bfloat16", 1 << 14, 1), Contender("", silu, inputs=2))
    assert x.shape == up.shape == grad.shape == (4, contenders.COLUMNS)
    assert x.dtype == up.dtype == grad.dtype == torch.bfloat16
    assert not torch.equal(x, up)
    (x,), grad = contenders.tensors(SMALL, Contender("", silu, more=1))
    assert x.shape == grad.shape == (17,)


silu = torch.nn.functional.silu


def test_what_writes_over_its_inputs_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(x: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
        return x.zero_()

    seen: list[torch.Tensor] = []
    table = [
        Contender("liger_swiglu", spoil, inputs=2, directions=("forward",), overwrites=True),
        Contender("glu", lambda x, up: seen.append(x) or x, inputs=2, directions=("forward",)),
    ]
    monkeypatch.setattr(contenders, "contenders", lambda device: table)
    for call in contenders.calls(SMALL).values():
        call()
    assert seen[0].any()


def test_compiled_contenders_have_code_of_their_own() -> None:
    a, b = contenders.apart(torch.relu), contenders.apart(torch.abs)
    assert a.__code__ is not b.__code__
    x = torch.tensor([-1.0, 2.0])
    assert torch.equal(a(x), torch.relu(x))
    assert torch.equal(b(x), torch.abs(x))


def test_copying_writes_into_the_same_memory() -> None:
    copy, x = contenders.Copy(), torch.tensor([1.0, 2.0])
    first = copy(x)
    assert torch.equal(first, x)
    assert copy(-x) is first
    assert torch.equal(first, -x)


# --- The formula as typed ---

XS = (-2.0, -0.5, -0.125, 0.0, 0.25, 0.5, 3.0)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("N", contenders.NS)
def test_the_formula_is_the_definition(variant: str, N: int) -> None:
    eps = next((p.fixed for p in find(variant).parameters if p.fixed), "1/4")
    x = torch.tensor(XS, dtype=torch.float64, requires_grad=True)
    y = contenders.formula(find(variant), N, 0.25, x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    for order, found in enumerate((y, slope)):
        expected = [float(evaluate(variant, value, N=N, eps=eps, order=order)) for value in XS]
        assert found.tolist() == pytest.approx(expected, rel=1e-12, abs=1e-300)


def test_the_formula_follows_the_definition() -> None:
    wider = replace(EGEM, where={"F": "x**(2*N)/(2*eps + x**(2*N))", "S": "1 - F"})
    x = torch.tensor(XS)
    assert torch.equal(contenders.formula(wider, 1, 0.25, x), contenders.formula(EGEM, 1, 0.5, x))
    assert not torch.equal(contenders.formula(wider, 1, 0.25, x), contenders.formula(EGEM, 1, 0.25, x))


def test_nothing_is_a_function_with_a_gradient() -> None:
    (nothing,) = [c.eager for c in contenders.contenders("cpu") if c.operator == "nothing"]
    x = torch.ones(3, requires_grad=True)
    y = nothing(x)
    assert y.shape == x.shape
    assert torch.equal(torch.autograd.grad(y, x, torch.full((3,), 2.0))[0], torch.full((3,), 2.0))
