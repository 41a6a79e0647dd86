"""Views against NumPy: the same elements at the same places."""

import itertools

from graphrnn.native.ir.views import (
    Buffer,
    CannotMerge,
    Misfit,
    broadcast,
    common_loops,
    contiguous,
    dimshuffle,
    index,
    reshape,
    slice_axis,
)

import numpy as np
import pytest


def elements(view):
    """Read a view of a buffer that holds 0, 1, 2, …"""
    axes = [
        [sum(p) for p in itertools.product(*([k * s for k in range(n)] for n, s in axis))]
        for axis in view.axes
    ]
    places = [view.offset.constant + sum(p) for p in itertools.product(*axes)]
    return np.array(places).reshape(view.shape)


WHOLE = contiguous(Buffer("b", "float32", 24, "temp"), (2, 3, 4))
VALUE = np.arange(24).reshape(2, 3, 4)


@pytest.mark.parametrize(
    ("view", "value"),
    [
        (lambda v: dimshuffle(v, [2, "x", 0, 1]), lambda a: a.transpose(2, 0, 1)[:, None]),
        (lambda v: slice_axis(v, 1, slice(None, None, -1)), lambda a: a[:, ::-1]),
        (
            lambda v: slice_axis(slice_axis(v, 2, slice(1, 4, 2)), 2, slice(1, 2)),
            lambda a: a[..., 3:],
        ),
        (lambda v: index(v, 1, -1), lambda a: a[:, -1]),
        (lambda v: reshape(v, (6, 4)), lambda a: a.reshape(6, 4)),
        (
            lambda v: reshape(slice_axis(v, 0, slice(None, None, -1)), (6, 4)),
            lambda a: a[::-1].reshape(6, 4),
        ),
        (
            lambda v: broadcast(index(v, 0, 1), (5, 3, 4)),
            lambda a: np.broadcast_to(a[1], (5, 3, 4)),
        ),
    ],
)
def test_as_numpy(view, value):
    np.testing.assert_array_equal(elements(view(WHOLE)), value(VALUE))


def test_what_does_not_fit():
    with pytest.raises(Misfit):
        index(WHOLE, 0, 2)
    with pytest.raises(Misfit):
        broadcast(WHOLE, (2, 3, 5))
    with pytest.raises(CannotMerge):
        reshape(dimshuffle(WHOLE, [1, 0, 2]), (4, 6))
    merged = reshape(dimshuffle(WHOLE, [2, 0, 1]), (4, 6))
    with pytest.raises(CannotMerge):
        slice_axis(reshape(slice_axis(WHOLE, 0, slice(None, None, -1)), (24,)), 0, slice(1, 5))
    lengths, _ = common_loops([merged])
    assert np.prod(lengths) == 24


def test_symbols_are_names_in_c():
    buffer = Buffer("in0", "float32", 1, "input", label="9 läufe")
    assert buffer.symbol == "g_9_l_ufe_in0"
    assert buffer.nbytes == 4
