"""Shapes that types state, and shapes that they do not, noted as they come out."""

from graphrnn.backends import shape_tracking  # noqa: F401

import aesara
import aesara.tensor as at
import numpy as np
from aesara.graph.basic import Constant
from aesara.graph.fg import FunctionGraph
from aesara.tensor.random.utils import RandomStream
from aesara.tensor.rewriting.shape import ShapeFeature


def has_static_shape(variable):
    return isinstance(variable.type, at.TensorType) and None not in variable.type.shape


def tracked(outputs):
    graph = FunctionGraph(outputs=outputs, clone=False, features=[ShapeFeature()])
    return graph, graph.shape_feature


def graph():
    """Nodes whose types have all of a shape, some of it and nothing; a loop, and a generator."""
    x = at.TensorType("float64", (4, 3))("x")
    y = at.TensorType("float64", (None, 3))("y")
    h, _ = aesara.scan(lambda x_t, h: at.tanh(x_t + h), [x], [at.zeros(3)])
    noise = RandomStream(seed=1).normal(size=(2, 3))
    return [x, y], [x.T, x + y[:4], h, at.concatenate([x, y]), y.sum(axis=1), noise, y[y > 0]]


def test_what_is_noted_is_the_shape_of_the_value():
    inputs, outputs = graph()
    fgraph, feature = tracked(outputs)
    tensors = [v for v in fgraph.variables if isinstance(v.type, at.TensorType)]
    lengths = [(v, n) for v in tensors for n in feature.shape_of[v]]
    f = aesara.function(
        inputs,
        [*tensors, *(n for _, n in lengths)],
        mode=aesara.compile.Mode("py", None),
        on_unused_input="ignore",
    )
    results = f(np.ones((4, 3)), np.ones((5, 3)))
    shapes = [n for value in results[: len(tensors)] for n in np.shape(value)]
    assert [int(n) for n in results[len(tensors) :]] == shapes


def test_a_length_that_a_type_has_is_a_constant_and_found_by_it():
    _, outputs = graph()
    fgraph, feature = tracked(outputs)
    for variable in fgraph.variables:
        for n, length in zip(
            getattr(variable.type, "shape", ()), feature.shape_of[variable] or (), strict=True
        ):
            if n is not None:
                assert isinstance(length, Constant)
                assert (int(length.data), length.type.dtype) == (n, "int64")
            assert variable in feature.shape_of_reverse_index[length]


def test_what_the_types_state_is_not_worked_out(monkeypatch):
    asked, infer = [], ShapeFeature.get_node_infer_shape

    def counted(feature, fgraph, node):
        asked.append(node)
        return infer(feature, fgraph, node)

    monkeypatch.setattr(ShapeFeature, "get_node_infer_shape", counted)
    _, outputs = graph()
    tracked(outputs)
    assert asked
    for node in asked:
        assert not all(map(has_static_shape, node.outputs)), node
