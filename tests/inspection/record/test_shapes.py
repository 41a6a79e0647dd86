"""Shapes that types do not state are inferred, and are those of the values."""

from graphrnn.graph.shapes import tensor
from graphrnn.inspection.record.graph import is_scan, snapshot
from graphrnn.inspection.record.shapes import Lengths
from tests.inspected import lesson

import aesara
import aesara.tensor as at
import numpy as np
from aesara.compile.mode import Mode
from aesara.graph.fg import FunctionGraph

X = tensor("x", "float64", (6, 3))


def recorded(outputs, inputs=(X,)):
    graph = snapshot(FunctionGraph(list(inputs), list(outputs), clone=False))
    return graph, Lengths(graph)


def test_every_shape_is_that_of_the_value():
    outputs = [
        X[1:4],
        at.concatenate([X, X[:2]]),
        X.T @ X,
        X.reshape((-1, 2)),
        X.sum(axis=1),
        X[::2],
    ]
    graph, lengths = recorded(outputs)
    results = [v for node in graph.nodes for v in node.outputs if hasattr(v.type, "ndim")]
    results = [v for v in results if v.type.ndim]
    values = aesara.function([X], results, mode=Mode("py", None))(np.ones((6, 3)))
    for variable, value in zip(results, values, strict=True):
        assert lengths.of(variable) == value.shape, variable
        assert lengths.size(variable) == value.size


def test_what_depends_on_the_data_is_unknown():
    n = at.lscalar("n")
    picked, arange = X[X[:, 0] > 0], at.arange(n)
    _, lengths = recorded([picked, arange], [X, n])
    assert lengths.of(picked)[0] is None
    assert lengths.of(arange) == (None,)
    assert lengths.size(picked) is None


def test_a_shared_variable_has_the_shape_of_its_value():
    W = aesara.shared(np.ones((3, 5)), name="W")
    product = X @ W
    _, lengths = recorded([product], [X, W])
    assert lengths.of(W) == (3, 5)
    assert lengths.of(product) == (6, 5)


def test_bodies_of_loops_are_known_through_and_through():
    inspection = lesson()
    for stage in ("written", "rewritten"):
        graph, lengths = inspection.graph(stage), inspection.lengths(stage)
        scans = [node for node in graph.nodes if is_scan(node.op)]
        assert scans
        for scan in scans:
            for variable in (v for node in scan.body.nodes for v in node.outputs):
                shape = lengths.of(variable)
                assert shape is None or None not in shape, (stage, variable)


def test_shapes_are_inferred_where_types_lost_them():
    x = at.TensorType("float32", (8, 5))("x")
    for value, shape in [
        (x[1:], (7, 5)),
        (x[::-2], (4, 5)),
        (at.concatenate([x, x[:3]]), (11, 5)),
        (at.arange(3, 11), (8,)),
        (at.zeros((x.shape[0] - 1, x.shape[1] * 2)), (7, 10)),
    ]:
        graph = snapshot(FunctionGraph([x], [value], clone=False))
        assert Lengths(graph).of(graph.outputs[0]) == shape
