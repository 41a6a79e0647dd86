from graphrnn import layers
from graphrnn.errors import ShapeError
from graphrnn.shapes import tensor
from tests.helpers import evaluate

import aesara.tensor as at
import numpy as np
import pytest


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(4,), (1, 1), (8, 3)])
def test_one_hot(rng, dtype, shape):
    x = rng.integers(0, 5, shape).astype("int32")
    (hot,) = evaluate(lambda x: layers.one_hot(x, 5, dtype), {"x": x})
    assert hot.dtype == dtype
    np.testing.assert_array_equal(hot, np.eye(5)[x])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", [1, 3])
def test_dense(rng, dtype, batch):
    shapes = {"x": (4, batch, 5), "W": (5, 2), "b": (2,)}
    a = {name: rng.standard_normal(shape).astype(dtype) for name, shape in shapes.items()}
    (y,) = evaluate(layers.dense, a)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, a["x"] @ a["W"] + a["b"], rtol=1e-4, atol=1e-6)


def test_dense_names_the_misfit():
    x, W, b = (
        tensor(*t)
        for t in [("x", "float32", (4, 2, 5)), ("W", "float32", (6, 3)), ("b", "float32", (3,))]
    )
    with pytest.raises(
        ShapeError, match="W: got shape .6, 3., needed .in, out. with in = 5 as in x"
    ):
        layers.dense(x, W, b)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64"])
def test_one_hot_of_narrow_indices_does_not_wrap(dtype):
    x = np.array([5, 100], dtype)
    (hot,) = evaluate(lambda x: layers.one_hot(x, 300), {"x": x})
    assert np.argwhere(hot).tolist() == [[0, 5], [1, 100]]


def test_dense_of_a_slice():
    x = tensor("x", "float32", (4, 2, 5))
    W, b = tensor("W", "float32", (5, 3)), tensor("b", "float32", (3,))
    assert layers.dense(x[1:], W, b).type.shape == (3, 2, 3)
    with pytest.raises(ShapeError, match="W: got shape .5, 3., needed .in, out. with in = 4"):
        layers.dense(x[:, :, 1:], W, b)


def test_dense_of_unknown_lengths_says_what_to_do():
    W, b = tensor("W", "float32", (5, 3)), tensor("b", "float32", (3,))
    with pytest.raises(ShapeError, match="x: got shape .* needed every length known"):
        layers.dense(at.tensor3("x"), W, b)
