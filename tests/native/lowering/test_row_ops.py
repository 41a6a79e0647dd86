"""Running sums, sorting, diagonals and stacks of products."""

from graphrnn.graph.shapes import tensor
from graphrnn.native.ir.operations import Cumulate, Sort
from graphrnn.native.ir.program import Gemm, Loop, walk
from graphrnn.native.ir.views import Buffer, contiguous
from graphrnn.native.lowering.row_ops import diagonal
from tests.native.networks import kinds
from tests.native.programs import lowered

import aesara.tensor as at
import numpy as np
import pytest

X = tensor("x", "float32", (4, 6))


def test_the_axis_of_a_running_sum():
    (op,) = [op for op in lowered([X], [at.cumsum(X, axis=0)]).ops if isinstance(op, Cumulate)]
    assert (op.outer, op.length, op.source.strides) == ((6,), 4, (1, 6))


def test_positions_are_of_int64():
    (op,) = [op for op in lowered([X], [at.argsort(X, axis=1)]).ops if isinstance(op, Sort)]
    assert op.positions
    assert op.target.buffer.dtype == op.scratch.buffer.dtype == "int64"


@pytest.mark.parametrize("offset", [-2, 0, 3])
def test_a_diagonal_is_a_view(offset):
    whole = contiguous(Buffer("b", "float32", 24, "temp"), (4, 6))
    result = diagonal(whole, offset, 0, 1)
    wanted = np.diagonal(np.arange(24).reshape(4, 6), offset)
    assert result.shape == wanted.shape
    (((_, stride),),) = result.axes
    assert [result.offset.constant + k * stride for k in range(len(wanted))] == list(wanted)


def test_a_stack_of_products_is_a_loop_of_them():
    a, b = tensor("a", "float32", (3, 2, 4)), tensor("b", "float32", (3, 4, 5))
    program = lowered([a, b], [at.batched_dot(a, b)])
    (loop,) = [op for op in program.ops if isinstance(op, Loop)]
    (product,) = loop.body
    assert isinstance(product, Gemm)
    assert (loop.steps, product.m, product.n, product.k) == (3, 2, 5, 4)
    assert product.A.offset.terms == ((8, loop.variable),)


def test_products_of_integers_go_round():
    a = tensor("a", "int8", (3, 3))
    program = lowered([a], [at.dot(a, a)])
    assert Gemm not in kinds(program)
    assert [op.steps for op in walk(program.ops) if isinstance(op, Loop)] == [3]
