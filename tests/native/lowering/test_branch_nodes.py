"""Which nodes only one branch needs."""

from graphrnn.graph.shapes import tensor
from graphrnn.native.lowering.branch_nodes import lazy_nodes

import aesara.tensor as at
from aesara.graph.fg import FunctionGraph
from aesara.ifelse import ifelse

X, C = tensor("x", "float64", (3,)), tensor("c", "bool", ())


def lazy(output):
    graph = FunctionGraph([X, C], [output], clone=False)
    result = lazy_nodes(graph, graph.toposort())
    return {str(node.op.scalar_op): branch for node, (_, branch) in result.items()}


def test_a_branch_owns_what_nobody_else_needs():
    shared = at.exp(X)
    both = ifelse(C, at.sin(at.tanh(X)) + shared, at.cos(X) * shared)
    assert lazy(both) == {"sin": 0, "tanh": 0, "add": 0, "cos": 1, "mul": 1}


def test_without_a_condition_all_is_needed():
    assert lazy(at.exp(X)) == {}
