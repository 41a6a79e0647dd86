"""Lengths are kept beside the types that forget them, and nothing is checked while rewriting."""

from graphrnn.errors import ShapeError
from graphrnn.graph.loops import scanned
from graphrnn.graph.shapes import tensor
from graphrnn.symbolic.building import known_shape, unchecked

import aesara
import aesara.tensor as at
import numpy as np
import pytest


def test_lengths_that_types_forget():
    x = tensor("x", "float32", (4, 6))
    for graph, shape in (
        (x[1:], (3, 6)),
        (x[::-1][1:][::2], (2, 6)),
        (at.concatenate([x[1:], x]), (7, 6)),
        (x[1:].T, (6, 3)),
        (at.sum(x[1:], axis=0), (6,)),
        (at.matrix("m") + 1, (None, None)),
    ):
        assert known_shape(graph) == shape


def test_a_step_of_known_lengths_is_checked():
    x, h_0 = tensor("x", "float32", (5, 3)), tensor("h", "float32", (3,))
    (h,) = scanned(lambda x_t, h_tm1: x_t + h_tm1, [x[1:]], [h_0])
    assert known_shape(h) == (4, 3)
    with pytest.raises(ShapeError, match=r"add: got index of \S+ \(2,\), \S+ \(3,\)"):
        scanned(lambda x_t, h_tm1: x_t[1:] + h_tm1, [x], [h_0])


def test_what_a_scan_of_no_steps_looks_at_is_none_of_the_users():
    x = tensor("x", "float64", (0, 3))
    h, _ = aesara.scan(lambda x_t: x_t[0] ** 2, sequences=[x])
    gradient = at.grad(at.sum(h), x)
    assert gradient.eval({x: np.ones((0, 3))}).shape == (0, 3)
    with pytest.raises(ShapeError, match="positions from -3 to 2, not 3"):
        aesara.scan(
            lambda x_t, y: y[0, 3], sequences=[x], non_sequences=[tensor("y", "float64", (2, 3))]
        )


def test_a_clone_of_other_lengths_is_not_taken_for_the_first():
    x, y = at.matrix("x", dtype="float64"), tensor("y", "float64", (2, 3))
    known = at.specify_shape(x, (4, None))[1:]
    other = aesara.clone_replace(at.exp(known), {known: y})
    assert known_shape(other) == (2, 3)


def test_nothing_is_checked_where_that_is_wanted():
    x, y = tensor("x", "float64", (2,)), tensor("y", "float64", (3,))
    with unchecked():
        graph = at.dot(x, y)
    with pytest.raises(ValueError, match="shape"):
        graph.eval({x: np.ones(2), y: np.ones(3)})


def test_what_aesara_refuses_for_other_reasons_stays_its_own_error():
    x = tensor("x", "float32", (2, 3))
    with pytest.raises(ValueError, match="axis") as raised:
        at.sum(x, axis=7)
    assert not isinstance(raised.value, ShapeError)
