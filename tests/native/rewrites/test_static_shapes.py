"""Lengths that are known while rewriting."""

from graphrnn.graph.shapes import tensor
from graphrnn.native.rewrites.static_shapes import StaticShapes
from graphrnn.symbolic.lengths import infer
from tests.native_helpers import PYTHON, build

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.graph.fg import FunctionGraph


@pytest.mark.parametrize(
    "make",
    [
        lambda x: at.tanh(x) + x[:1],
        lambda x: x.dimshuffle(1, "x", 0),
        lambda x: at.sum(x, axis=0),
        lambda x: at.dot(x, x.T),
        lambda x: x[::-1][1:][::2],
        lambda x: x[-1],
        lambda x: x.reshape((-1, 2)),
        lambda x: at.inc_subtensor(x[1:], 1),
        lambda x: x[at.constant(np.array([0, 2, 1, 1]))],
        lambda x: at.alloc(x[0, 0], 3, 4),
        lambda x: aesara.scan(lambda a: (a, a.sum()), sequences=[x])[0][0],
    ],
)
def test_lengths_are_those_of_the_result(rng, make):
    x = tensor("x", "float64", (4, 6))
    value = rng.standard_normal((4, 6))
    wanted = build([x], make(x), PYTHON)(value)
    graph = FunctionGraph([x], [make(x)], clone=True, features=[StaticShapes()])
    feature = graph.shape_feature
    assert feature.lengths(graph.outputs[0]) == wanted.shape
    node = graph.outputs[0].owner
    got = infer(node, [feature.lengths(v) for v in node.inputs])[
        node.outputs.index(graph.outputs[0])
    ]
    assert got in (wanted.shape, None)
