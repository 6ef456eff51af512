"""How kernels run through tensors: rows of any tensors, in which elements of one place stay together."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gem_symbolic import layout

#: What they give depends on what they are given, in ways that types do not say.
matrices: Any = layout.matrices
gradients: Any = layout.gradients


def numbered(shape, order):
    """The numbers from 0 on, in a dense tensor of that shape whose dimensions lie in that order in memory."""
    order = [d for d in order if d < len(shape)]
    dense = torch.empty([shape[d] for d in order], dtype=torch.int64)
    tensor = dense.permute([order.index(d) for d in range(len(shape))])
    return tensor.copy_(torch.arange(tensor.numel()).reshape(shape))


@st.composite
def laid_out(draw, shape):
    """A tensor of that shape: its dimensions in any order in memory, cut out of larger ones, or expanded."""
    expanded = [draw(st.integers(0, 9)) == 0 for _ in shape]
    steps = [draw(st.sampled_from([1, 1, 1, 2])) for _ in shape]
    before, after = ([draw(st.sampled_from([0, 0, 3])) for _ in shape] for _ in range(2))
    sizes = [1 if e else a + s * n + b for e, s, n, a, b in zip(expanded, steps, shape, before, after)]
    whole = numbered(sizes, draw(st.permutations(range(len(shape))))) + 1000 * draw(st.integers(1, 9))
    cut = [slice(None) if e else slice(a, a + s * n, s) for e, s, n, a in zip(expanded, steps, shape, before)]
    return whole[tuple(cut)].expand(shape)


shapes = st.lists(st.sampled_from([0, 1, 2, 3, 5]), max_size=4).map(tuple)
#: The tensors beside the one that is written; None for one that there is not.
beside = shapes.flatmap(
    lambda shape: st.tuples(st.just(shape), st.lists(st.none() | laid_out(shape), min_size=1, max_size=3))
)


def seen(tensor, rows, columns, stride):
    """The tensor as a kernel sees it."""
    return tensor.as_strided((rows, columns), (stride, 1))


def check(first, before, found):
    """What a kernel sees of all tensors holds every place once, and in each the same places; gives which was copied.

    `first` holds the number of each place; `before` are all tensors, from the first on.
    """
    columns, tensors, strides = found
    assert len(tensors) == len(strides) == len(before)
    assert tensors[0].untyped_storage().data_ptr() == first.untyped_storage().data_ptr()  # where a kernel writes
    if not first.numel():
        return []
    rows, rest = divmod(first.numel(), columns)
    assert rest == 0
    places = seen(tensors[0], rows, columns, strides[0])
    assert torch.equal(places.flatten().sort().values, torch.arange(first.numel()))
    for old, new, stride in zip(before, tensors, strides):
        assert (new is None) == (old is None)
        if old is None:
            assert stride == 0
        else:
            assert torch.equal(seen(new, rows, columns, stride), old.flatten()[places])
    return [new is not None and new.data_ptr() != old.data_ptr() for old, new in zip(before, tensors)]


def has_rows(tensor, columns):
    """Whether the tensor is rows of so many numbers that lie side by side, each as far from the last."""
    try:
        return tensor.view(-1, columns).stride(1) == 1 or columns == 1
    except RuntimeError:
        return False


@settings(max_examples=200, deadline=None)
@given(beside, st.permutations(range(4)))
def test_elements_of_one_place_stay_together(shaped, order):
    shape, others = shaped
    first = numbered(shape, order)
    found = matrices(None, first, *others)
    copied = check(first, [first, *others], found)
    for old, was_copied in zip(others, copied[1:]):
        if was_copied:  # as it had neither the strides of the first nor rows where the first has them
            assert old.stride() != first.stride()
            assert not first.is_contiguous() or not has_rows(old, found[0])
    if all(t is None or t.stride() == first.stride() for t in others):
        assert not any(copied)
        assert found[0] == first.numel()  # one row


@settings(max_examples=200, deadline=None)
@given(beside, st.booleans())
def test_rows_of_so_many_columns(shaped, half):
    shape, others = shaped
    columns = shape[-1] if shape else 1
    first = numbered(shape, range(4))
    if half:  # of rows that are twice as long
        first = torch.cat([first.reshape(-1, columns or 1)] * 2, 1)[:, : columns or 1]
    copied = check(first, [first, *others], matrices(columns, first, *others))
    for old, was_copied in zip(others, copied[1:]):
        assert was_copied == (old is not None and first.numel() > 0 and not has_rows(old, columns))


@settings(max_examples=150, deadline=None)
@given(shapes.flatmap(lambda shape: st.tuples(*[laid_out(shape)] * 3)))
def test_gradients_of_two_tensors(inputs):
    x, up, w = inputs
    grads, *found = gradients(x, up, w)
    for grad in grads:
        assert (grad.shape, grad.dtype) == (x.shape, x.dtype)
        grad.copy_(torch.arange(grad.numel()).reshape(grad.shape))
    copied = check(grads[0], [*grads, x, up, w], found)
    assert copied[:2] in ([], [False, False])


@settings(max_examples=150, deadline=None)
@given(shapes.filter(len).flatmap(lambda s: st.tuples(laid_out((*s[:-1], 2 * s[-1])), laid_out(s))))
def test_gradients_of_the_halves_of_one_tensor(inputs):
    x, w = inputs
    grads, *found = gradients(x, None, w)
    assert (grads.shape, grads.dtype) == (x.shape, x.dtype)
    halves = grads.chunk(2, -1) if x.numel() else (grads, grads)
    for half in halves:
        half.copy_(torch.arange(half.numel()).reshape(half.shape))
    if x.numel():
        assert found[0] == w.shape[-1]
        copied = check(halves[0], [*halves, *x.chunk(2, -1), w], found)
        assert copied[:2] == [False, False]
        rows = all(has_rows(half, found[0]) for half in x.chunk(2, -1))
        assert (copied[2], copied[3]) == (not rows, not rows)


def test_halves_are_read_and_written_where_they_lie():
    x, w = torch.zeros(6, 5, 32), torch.zeros(6, 5, 16)
    grads, columns, tensors, strides = gradients(x, None, w)
    assert (columns, strides) == (16, (32, 32, 32, 32, 16))
    size = x.element_size()
    places = [grads.data_ptr(), grads.data_ptr() + 16 * size, x.data_ptr(), x.data_ptr() + 16 * size, w.data_ptr()]
    assert [t.data_ptr() for t in tensors] == places


@pytest.mark.parametrize("shape", [(), (7,), (2, 3, 4, 5)])
def test_what_lies_alike_is_one_row(shape):
    x = numbered(shape, [2, 0, 3, 1])
    columns, tensors, strides = matrices(None, torch.empty_like(x), None, x, x.clone(), None)
    assert (columns, strides) == (x.numel(), (0,) * 5)
    assert tensors[2].data_ptr() == x.data_ptr()
