"""What moves elements: views wherever they do."""

from graphrnn.errors import ShapeError
from graphrnn.graph.shapes import tensor
from graphrnn.native.ir.operations import Check
from graphrnn.native.ir.scalars import ScalarOp
from tests.native.programs import lowered

import aesara.tensor as at
import pytest

X = tensor("x", "float32", (4, 6))


def copies(*outputs):
    """Count the elements that each operation writes; results are copied once."""
    program = lowered([X], outputs)
    return [sum(ref.buffer.size for ref, _ in op.writes()) for op in program.ops]


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x.T,
        lambda x: x.reshape((2, 12)),
        lambda x: x[::-1, 1:5:2],
        lambda x: x[1],
        lambda x: at.broadcast_to(x[0], (3, 6)),
        lambda x: at.split(x, [2, 4], 2, axis=1)[1],
    ],
)
def test_views_cost_one_copy_into_the_result(view):
    assert len(copies(view(X))) == 1


def test_what_is_joined_is_written_where_it_belongs():
    program = lowered([X], [at.concatenate([X, X * 2], axis=1)])
    (joined,) = program.outputs
    assert {ref.buffer for op in program.ops for ref, _ in op.writes()} == {joined}
    assert program.output_shapes == [(4, 12)]


def test_zeros_that_are_overwritten_are_not_written():
    x = tensor("x", "float32", (100, 60))
    zeros = at.zeros((100, 60), dtype="float32")
    program = lowered([x], [at.set_subtensor(zeros[:98], x[2:])])
    fills = [op for op in program.ops if any(i.op is ScalarOp.CONSTANT for i in op.instructions)]
    assert [op.lengths for op in fills] == [(2, 60)]


def test_a_length_that_comes_while_running_is_checked_then():
    n = tensor("n", "int64", ())
    program = lowered([X, n], [at.specify_shape(X, (n, 6))])
    assert [type(op) for op in program.ops if isinstance(op, Check)] == [Check]
    ((kind, text),) = program.checks
    assert kind is ShapeError
    assert "the length that n tells on axis 0" in text


def test_lengths_that_do_not_fit_name_both():
    with pytest.raises(ShapeError, match=r"got shapes \(4, 6\) and \(5, 5\)"):
        lowered([X], [X.reshape((5, 5))])
