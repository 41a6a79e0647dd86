"""Names, kinds, settings and costs of ops."""

from graphrnn.graph.shapes import tensor
from graphrnn.inspection.record.graph import snapshot
from graphrnn.inspection.record.op_table import TABLE, entry_of, name_and_kind, settings
from graphrnn.inspection.record.shapes import Lengths

import aesara.tensor as at
import pytest
from aesara.gradient import disconnected_grad
from aesara.graph.basic import Constant, graph_inputs
from aesara.graph.fg import FunctionGraph
from aesara.tensor import blas
from aesara.tensor.random.utils import RandomStream

X, W = tensor("x", "float32", (2, 3)), tensor("W", "float32", (3, 4))
ONE, Z = at.constant(1.0, dtype="float32"), at.zeros((2, 4), "float32")
ROWS = tensor("i", "int64", (5,))


def last(output):
    inputs = [v for v in graph_inputs([output]) if not isinstance(v, Constant)]
    graph = snapshot(FunctionGraph(inputs, [output], clone=False))
    return graph.nodes[-1], Lengths(graph)


@pytest.mark.parametrize(
    ("output", "name", "kind", "flops", "moved"),
    [
        (at.dot(X, W), "dot", "product", 2 * 2 * 3 * 4, 4 * (6 + 12 + 8)),
        (blas.gemm_no_inplace(Z, ONE, X, W, ONE), "gemm", "product", 48, None),
        (at.add(X, X, X), "add", "elementwise", 12, 4 * 24),
        (at.cast(X, "float64"), "cast_float64", "elementwise", 0, 6 * 12),
        (at.sum(X, axis=1), "sum", "reduce", 6, 4 * 8),
        (at.special.softmax(X, axis=1), "softmax", "reduce", 30, 4 * 12),
        (W[ROWS], "gather", "index", 0, None),
        (at.inc_subtensor(W[:1], X[:1, :1]), "add_at", "index", None, None),
        (at.set_subtensor(W[:1], X[0, 0]), "set", "index", 0, None),
        (X.T, "transpose", "shape", 0, 4 * 12),
        (RandomStream(1).normal(size=(7,)), "draw_normal", "random", None, None),
        (disconnected_grad(X), "disconnected_grad", "other", None, 4 * 12),
    ],
)  # fmt: skip
def test_name_kind_operations_and_bytes(output, name, kind, flops, moved):
    node, lengths = last(output)
    entry = entry_of(node.op)
    assert name_and_kind(node.op) == (name, kind)
    if flops is not None:
        assert entry.flops(node, lengths) == flops
    if moved is not None:
        assert entry.bytes(node, lengths) == moved


def test_settings_and_an_unknown_op():
    assert settings(X.sum(axis=0).owner.op) == "axis=0"
    assert settings(X.T.owner.op) == "axes=[1, 0]"
    assert settings(at.cast(X, "int8").owner.op.scalar_op) == "int8"
    assert entry_of(object()).name == "object"
    assert all(isinstance(kind, type) for kind in TABLE)
