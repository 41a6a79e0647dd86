"""Sums of many are sums of two for NumPy."""

from graphrnn.backends.compile import compile_graph
from graphrnn.graph.shapes import tensor

import aesara.tensor as at
import numpy as np
import pytest


@pytest.mark.parametrize("n", [2, 3, 40])
@pytest.mark.parametrize("op", [at.add, at.mul])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_many_are_taken_two_at_a_time(rng, n, op, dtype):
    """The sum from the left, exactly; one of the shapes is broadcast."""
    values = [rng.uniform(0.5, 1.5, (1 if k == 1 else 3, 4)).astype(dtype) for k in range(n)]
    kept = [value.copy() for value in values]

    def graph():
        inputs = [tensor(f"x{k}", dtype, value.shape) for k, value in enumerate(values)]
        return inputs, [op(*inputs)], []

    f = compile_graph(graph, name="many", backend="python")
    nodes = f.maker.fgraph.toposort()
    assert max(len(node.inputs) for node in nodes) == 2
    (got,) = f(*values)
    wanted = values[0]
    for value in values[1:]:
        wanted = wanted + value if op is at.add else wanted * value
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, wanted)
    for value, before in zip(values, kept, strict=True):
        np.testing.assert_array_equal(value, before)


def test_mixed_kinds_keep_the_kind_of_the_whole():
    def graph():
        a, b, c = (
            tensor("a", "int8", (2,)),
            tensor("b", "float32", (2,)),
            tensor("c", "int64", (2,)),
        )
        return [a, b, c], [a + b + c], []

    a, b, c = np.int8([1, 2]), np.float32([0.5, 0.25]), np.int64([3, 2**40])
    (got,) = compile_graph(graph, name="mixed", backend="python")(a, b, c)
    assert got.dtype == "float64"
    np.testing.assert_allclose(got, [4.5, 2**40 + 2.25])
