"""Nodes in words."""

from graphrnn.graph.shapes import tensor
from graphrnn.native.ir.views import Buffer, contiguous
from graphrnn.native.ir.wording import describe, selection

import aesara.tensor as at

X, W = tensor("x", "float32", (2, 3)), tensor("W", "float32", (3, 4))


def test_a_node_as_one_line():
    h = at.dot(X, W)
    assert describe(h.owner, {}) == "(2, 4) = dot(x, W)"
    h.name = "h */"
    assert describe(at.tanh(h).owner, {}) == "(2, 4) = tanh(h * /)"


def test_a_shape_that_a_view_knows_better():
    y = at.vector()
    out = at.exp(y).owner
    view = contiguous(Buffer("t0", "float64", 5, "temp"), (5,))
    assert describe(out, {y: view}) == "(?,) = exp((5,))"


def test_what_is_selected():
    i = tensor("i", "int64", (2,))
    assert selection(W[i].owner, {}) == "W[i]"
    assert selection(W[1:, ::2].owner, {}) == "W[1:, ::2]"
    assert selection(at.exp(W).owner, {}) == ""
