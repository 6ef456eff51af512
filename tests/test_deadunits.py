"""Dead units are counted by the derivative alone, and the training that notebooks show is the same each time."""

import pytest
import torch

from gem_symbolic import deadunits
from gem_symbolic.nn import GEM, SEGEM


def test_a_unit_is_dead_where_no_example_has_a_derivative():
    z = torch.tensor([[-1.0, -1.0, 0.0], [-2.0, 3.0, -4.0]])
    assert deadunits.margins(torch.relu, [z]).tolist() == [0, 1, 0]


def test_what_vanishes_on_a_half_line_can_die_and_what_does_not_cannot():
    z = -torch.rand(64, 32, generator=torch.Generator().manual_seed(0))
    assert not deadunits.margins(GEM(2), [z]).any()
    assert deadunits.margins(SEGEM(2), [z]).all()


def test_the_layers_do_not_depend_on_the_activation():
    first, second = (deadunits.train(a, seed=1, steps=1, rate=0.01) for a in (torch.relu, GEM(2)))
    assert first.loss != second.loss
    weights = [deadunits.layers(torch.Generator().manual_seed(1))[0].weight for _ in range(2)]
    assert torch.equal(*weights)


def test_training_learns_and_repeats():
    (run,), (again,) = (list(deadunits.runs(SEGEM(2), [3], steps=60, rate=0.01)) for _ in range(2))
    assert run == again
    assert run.loss[-1] < run.loss[0] / 2
    assert len(run.margin) == sum(deadunits.WIDTHS[1:-1])


def test_threads_are_as_before_when_it_fails():
    def broken(x):
        raise ArithmeticError("broken")

    before = torch.get_num_threads()
    with pytest.raises(ArithmeticError):
        list(deadunits.runs(broken, [0], steps=1, rate=0.01))
    assert torch.get_num_threads() == before
