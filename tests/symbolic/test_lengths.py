"""Shapes of results from those of inputs, as NumPy has them."""

from graphrnn.graph.shapes import tensor
from graphrnn.symbolic.lengths import bound_of, infer, sliced

import aesara.tensor as at
import numpy as np
import pytest


@pytest.mark.parametrize(
    "make",
    [
        lambda m, x: m.tanh(x),
        lambda m, x: x.T,
        lambda m, x: m.sum(x, axis=1),
        lambda m, x: m.dot(x, x.T),
        lambda m, x: x[1:, ::-2],
        lambda m, x: x[-1],
        lambda m, x: x.reshape((3, -1)),
        lambda m, x: m.concatenate([x, x], axis=1),
    ],
)
def test_shapes_are_numpys(make):
    wanted = make(np, np.ones((4, 6))).shape
    node = make(at, tensor("x", "float64", (4, 6))).owner
    given = [
        np.shape(v.data) if hasattr(v, "data") else (4, 6) if v.ndim == 2 else ()
        for v in node.inputs
    ]
    if any(v.owner for v in node.inputs):
        given = [given[0] if v.owner is None else (6, 4) for v in node.inputs]
    assert infer(node, given)[0] in (wanted, None)


def test_what_is_unknown_stays_unknown():
    x = at.matrix("x")
    assert infer((x + 1).owner, [None, (1, 1)]) == [None]
    assert infer(x[at.lscalar("i") :].owner, [(4, 6), ()])[0] is None


def test_slices_and_their_bounds():
    assert sliced((4, 6, 2), [slice(1, 9), 0]) == (3, 2)
    assert bound_of(at.constant(3)) == 3
    assert bound_of(None) is None
    assert bound_of(at.lscalar("i") + 1) == "?"
