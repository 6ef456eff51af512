"""How kernels run through tensors. Emitted files carry this verbatim, as they carry `parameters`."""


def uncompiled(function):
    """The function, asked in Python where code is compiled: what it gives is a constant of the compiled code.

    It is what torch.compiler.assume_constant_result does, which would import the compiler, and that takes seconds.
    """
    function.__dict__["_dynamo_marked_constant"] = True
    return function


def matrices(columns, first, *others):
    """Tensors of one shape as kernels see them: (columns, (first, *others), strides).

    Each tensor is rows of so many numbers that lie side by side, the rows as far apart as its stride says; all that
    were elements of one place before are so again. A tensor that no rows of that length can be seen in is copied, but
    never the first, which is the one that a kernel writes. Without columns the first must be dense, in any order of
    its dimensions. What is None stays None.
    """
    others = [t if t is None else t.resolve_neg() for t in others]
    strides = first.stride()
    if not first.numel():
        return 0, (first, *others), (0,) * (1 + len(others))
    if columns is None:
        if not first.is_contiguous() or all(t is None or t.stride() == strides for t in others):
            alike = [
                t if t is None or t.stride() == strides else t.new_empty_strided(t.shape, strides).copy_(t)
                for t in others
            ]
            return first.numel(), (first, *alike), (0,) * (1 + len(others))
        columns = first.shape[-1]
    rows = [t if t is None else t.reshape(-1, columns) for t in (first, *others)]
    rows = [t if t is None or columns == 1 or t.stride(1) == 1 else t.contiguous() for t in rows]
    return columns, tuple(rows), tuple(0 if t is None else t.stride(0) for t in rows)


def gradients(x, up, w):
    """What a kernel writes and reads for both gradients of w f(x) up: (gradients, columns, tensors, strides).

    The gradients are two tensors, or, without up, one, as x then holds both; the other things are `matrices` of the
    gradient of x, that of up, x, up and w.
    """
    if up is not None:
        grads = x.new_empty(x.shape), x.new_empty(x.shape)
        columns, tensors, strides = matrices(None, *grads, x, up, w)
        return grads, columns, tensors, strides
    grads, half = x.new_empty(x.shape), w.shape[-1]
    halves = [part for t in (grads, x) for part in t.reshape(-1, 2 * half or 1).chunk(2, 1)]
    columns, tensors, strides = matrices(half, *halves, w)
    return grads, columns, tensors, strides
