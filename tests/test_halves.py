"""The errors at every number of a 16-bit type: what is lost is seen, and a function that is off is off by that much."""

from functools import cache, partial

import numpy as np
import pytest
import torch

from gem_symbolic import functional, halves
from gem_symbolic.contenders import formula
from gem_symbolic.definitions import EGEM

N, EPS = 2, "1e-2"


@cache
def at(format):
    return halves.numbers(EGEM, N, EPS, format)


@pytest.mark.parametrize(("format", "count"), [("binary16", 2 * 31 * 1024 - 1), ("bfloat16", 2 * 255 * 128 - 1)])
def test_every_finite_number_is_there_once(format, count):
    assert len(at(format).x) == count
    assert (np.diff(at(format).x) > 0).all()


@pytest.mark.parametrize("format", ["binary16", "bfloat16"])
def test_the_kernel_is_correctly_rounded_all_but(format):
    found = halves.errors(at(format), partial(functional.egem, N=N, eps=EPS))
    assert found.share == 0
    assert found.worst < 0.501
    assert found.gaps == []
    assert found.first == np.inf


def test_the_typed_formula_is_lost_where_its_powers_overflow():
    found = halves.errors(at("binary16"), partial(formula, EGEM, N, float(EPS)))
    assert found.first == 16  # 16^4 = 65536 is infinite in binary16
    assert found.gaps == [(16, 65504)]
    assert found.share == pytest.approx(np.mean(at("binary16").x >= 16))


def test_one_ulp_off_is_seen_as_that():
    def off(x):
        y = functional.egem(x, N=N, eps=EPS)
        return torch.where(x == 1, torch.nextafter(y, torch.tensor(2.0, dtype=y.dtype)), y)

    found = halves.errors(at("binary16"), off)
    xs, ulps = found.envelope(1)
    assert 0.5 < found.worst < 1.5
    assert xs[int(np.argmax(ulps))] == 1
