"""Several index arrays at once."""

from graphrnn.errors import ShapeError
from graphrnn.graph.shapes import tensor
from graphrnn.native.ir.operations import CheckIndex, FlatIndex
from graphrnn.native.ir.program import Gather, Scatter, walk
from graphrnn.symbolic.wording import Misfit
from tests.native.programs import lowered

import aesara.tensor as at
import numpy as np
import pytest

X = tensor("x", "float32", (2, 5, 6))
FIRST, SECOND = (tensor(name, "int64", (3,)) for name in "ij")
VALUE = np.zeros((2, 5, 6))
AT = np.zeros(3, "int64")


def only(program, kind):
    (op,) = [op for op in walk(program.ops) if isinstance(op, kind)]
    return op


@pytest.mark.parametrize(
    ("pick", "heights", "axes"),
    [
        (lambda x, i, j: x[i, j], (2, 5), (0, 1)),
        (lambda x, i, j: x[i, :, j], (2, 6), (0, 2)),
        (lambda x, i, j: x[:, i], (5,), (1,)),
        (lambda x, i, j: x[None, i, 2, j], (2, 5, 6), (0, 1, 2)),
    ],
)
def test_indices_are_joined_and_the_axes_are_where_numpy_has_them(pick, heights, axes):
    program = lowered([X, FIRST, SECOND], [pick(X, FIRST, SECOND)])
    flat = only(program, FlatIndex)
    assert (flat.heights, flat.axes, flat.length) == (heights, axes, 3)
    assert only(program, Gather).height == np.prod(heights)
    assert program.output_shapes == [pick(VALUE, AT, AT).shape]


def test_a_change_is_a_scatter():
    changed = at.inc_subtensor(X[FIRST, SECOND], 1.0)
    scatter = only(lowered([X, FIRST, SECOND], [changed]), Scatter)
    assert scatter.add
    assert (scatter.rows, scatter.columns, scatter.height) == (3, 6, 10)


def test_where_nothing_is_selected_indices_are_checked_all_the_same():
    empty = tensor("x", "float32", (4, 5, 0))
    program = lowered([empty, FIRST, SECOND], [empty[FIRST, SECOND]])
    assert only(program, CheckIndex).heights == (4, 5)


def test_an_axis_without_elements_has_no_index():
    empty = tensor("x", "float32", (0, 5))
    with pytest.raises((ShapeError, Misfit), match="no index into an axis of length 0"):
        lowered([empty, FIRST, SECOND], [empty[FIRST, SECOND]])
