from graphrnn.errors import ShapeError
from graphrnn.graph import layers
from graphrnn.graph.shapes import tensor
from tests.helpers import evaluate, finite_differences

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


@pytest.mark.parametrize("backend", ["python", "native"])
@pytest.mark.parametrize("symbols", [3, 50])
def test_embedding_and_projection(rng, backend, symbols):
    """Both ways to project, the one for few symbols and the one for few characters."""
    a = {
        "x": rng.integers(0, symbols, (4, 2)).astype("int32"),
        "E": rng.standard_normal((symbols, 5)),
        "W": rng.standard_normal((5, 3)),
        "b": rng.standard_normal(3),
    }

    def build(x, E, W, b):
        y = layers.projected(x, E, W, b)
        assert y.type.shape == (4, 2, 3)
        return [layers.embedding(x, E), y, *at.grad(at.sum(y**2), [E, W, b])]

    e, y, dE, dW, db = evaluate(build, a, backend)
    wanted = a["E"][a["x"]] @ a["W"] + a["b"]
    np.testing.assert_array_equal(e, a["E"][a["x"]])
    np.testing.assert_allclose(y, wanted, rtol=1e-10)

    def loss():
        return ((a["E"][a["x"]] @ a["W"] + a["b"]) ** 2).sum()

    for got, name in ((dE, "E"), (dW, "W"), (db, "b")):
        np.testing.assert_allclose(got, finite_differences(loss, a[name]), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("backend", ["python", "native"])
def test_normalisation(rng, backend):
    a = {name: rng.standard_normal(shape) for name, shape in
         {"x": (4, 3, 5), "gain": (5,), "shift": (5,), "weight": (4, 3, 5)}.items()}  # fmt: skip

    def build(x, gain, shift, weight):
        batch = layers.batch_norm(x, *layers.moments(x), gain, shift)
        layer = layers.layer_norm(x, gain) + shift
        return [
            batch,
            layer,
            at.grad(at.sum(batch * weight), x),
            at.grad(at.sum(layer * weight), x),
        ]

    def normal(axis):
        z = a["x"] - a["x"].mean(axis=axis, keepdims=True)
        scale = a["gain"] / np.sqrt((z**2).mean(axis=axis, keepdims=True) + layers.EPSILON)
        return z * scale + a["shift"]

    results = evaluate(build, a, backend)
    for k, axis in enumerate([(0, 1), -1]):
        np.testing.assert_allclose(results[k], normal(axis), rtol=1e-10, atol=1e-12)
        slope = finite_differences(lambda axis=axis: (normal(axis) * a["weight"]).sum(), a["x"])
        np.testing.assert_allclose(results[2 + k], slope, rtol=1e-5, atol=1e-7)


def test_batch_norm_names_the_misfit():
    x, mean = tensor("x", "float32", (4, 2, 5)), tensor("mean", "float32", (4,))
    with pytest.raises(ShapeError, match="mean: got shape .4,., needed .units. with units = 5"):
        layers.batch_norm(x, mean, mean, mean, mean)


@pytest.mark.parametrize("backend", ["python", "native"])
def test_a_learned_initial_state_gets_the_gradient_of_every_sequence(rng, backend):
    def build(h_0, weight):
        h = layers.initial_state(h_0, 3)
        assert h.type.shape == (3, 4)
        return [h, at.grad(at.sum(h * weight), h_0)]

    a = {"h_0": rng.standard_normal(4), "weight": rng.standard_normal((3, 4))}
    h, grad = evaluate(build, a, backend)
    np.testing.assert_array_equal(h, np.tile(a["h_0"], (3, 1)))
    np.testing.assert_allclose(grad, a["weight"].sum(axis=0))


@pytest.mark.parametrize("backend", ["python", "native"])
def test_tied_weights_get_the_gradient_of_both_uses(rng, backend):
    """The embedding turned round is the output layer: logits = h Eᵀ + b."""
    a = {
        "x": rng.integers(0, 6, (2, 3)).astype("int32"),
        "E": rng.standard_normal((6, 4)),
        "b": rng.standard_normal(6),
    }

    def build(x, E, b):
        logits = layers.dense(at.tanh(layers.embedding(x, E)), E.T, b)
        return [logits, at.grad(at.sum(logits**2), E)]

    def logits():
        return np.tanh(a["E"][a["x"]]) @ a["E"].T + a["b"]

    z, grad = evaluate(build, a, backend)
    np.testing.assert_allclose(z, logits(), rtol=1e-10)
    slope = finite_differences(lambda: (logits() ** 2).sum(), a["E"])
    np.testing.assert_allclose(grad, slope, rtol=1e-6, atol=1e-6)
