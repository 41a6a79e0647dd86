from graphrnn.errors import ShapeError
from graphrnn.graph import shapes
from graphrnn.graph.shapes import tensor

import aesara.tensor as at
import numpy as np
import pytest


@pytest.mark.parametrize(
    ("expression", "shape"),
    [
        (lambda x: x[0], (2, 5)),
        (lambda x: x[:, 0, 1:3], (8, 2)),
        (lambda x: at.concatenate([x, x], axis=1), (8, 4, 5)),
        (lambda x: at.stack([x[0], x[1]]), (2, 2, 5)),
        (lambda x: at.dot(x, at.ones((5, 3))), (8, 2, 3)),
        (lambda x: at.max(x, axis=-1), (8, 2)),
        (lambda x: x.flatten(), (80,)),
        (lambda x: x * 2, (8, 2, 5)),
    ],
)
def test_shape_of_sees_what_types_forget(expression, shape):
    x = tensor("x", "float32", (8, 2, 5))
    variable = expression(x)
    assert shapes.shape_of(variable) == shape
    assert variable.eval({x: np.zeros((8, 2, 5), "float32")}).shape == shape


def test_shape_of_an_unknown_length_is_none():
    assert shapes.shape_of(at.matrix("m")) == (None, None)
    assert shapes.shape_of(at.matrix("m")[0]) == (None,)


def test_wrong_rank_names_variable_and_remedy():
    with pytest.raises(
        ShapeError, match=r"h: got 1 axes, shape \(3,\), needed 2: \(batch, hidden\)"
    ):
        shapes.require_axes(h=(tensor("h", "float32", (3,)), "batch hidden"))


def test_unknown_lengths_fit_all():
    shapes.require_axes(
        x=(at.matrix("x"), "batch in"), W=(tensor("W", "float32", (3, 4)), "in hidden")
    )


def test_with_shape_leaves_a_known_shape_alone():
    x = tensor("x", "float32", (2, 3))
    assert shapes.with_shape(x, (2, 3)) is x
    assert shapes.with_shape(x[0], (3,)).type.shape == (3,)


def test_label_of_a_nameless_variable():
    assert shapes.label(at.zeros(3)) == "an unnamed variable"
