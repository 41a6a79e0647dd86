"""Products with tables, which are lookups."""

from graphrnn.graph.layers import one_hot
from graphrnn.graph.shapes import tensor
from graphrnn.native.ir.program import Gemm, Scatter, walk
from tests.native.networks import B, H, T, V, agree, relu_network

import aesara.tensor as at
import pytest


def test_an_index_outside_is_a_row_of_zeros_as_in_a_one_hot_vector(rng):
    inputs, h, values = relu_network(rng)
    values[0][0, 0], values[0][1, 2], values[0][2, 1] = -1, V, 10**9
    agree(inputs, [h, *at.grad(at.sum(h**2), inputs[1:])], values)


def test_a_product_with_one_hot_vectors_is_a_lookup(rng):
    x, W = tensor("x", "int64", (T, B)), tensor("W", "float64", (V, H))
    hot = one_hot(x, V, "float64").reshape((T * B, V))
    y = at.dot(hot, W)
    program = agree(
        [x, W],
        [y, at.grad(at.sum(at.sin(y)), W)],
        [rng.integers(0, V, (T, B)), rng.standard_normal((V, H))],
    )
    kinds = [type(op) for op in walk(program.ops)]
    assert Gemm not in kinds
    assert Scatter in kinds


@pytest.mark.parametrize(("time", "projected"), [(40, True), (3, False)])
def test_a_table_is_projected_first_where_it_is_shorter_than_the_text(rng, time, projected):
    x, E, W = (
        tensor("x", "int64", (time,)),
        tensor("E", "float64", (V, H)),
        tensor("W", "float64", (H, 9)),
    )
    y = at.dot(E[x], W)
    values = [rng.integers(0, V, time), rng.standard_normal((V, H)), rng.standard_normal((H, 9))]
    program = agree([x, E, W], [y, *at.grad(at.sum(at.sin(y)), [E, W])], values)
    rows = {op.m for op in walk(program.ops) if isinstance(op, Gemm)}
    assert (time not in rows) == projected
