"""The oracle itself is held against finite differences."""

from graphrnn import models
from graphrnn.models import numpy_bptt
from tests.helpers import finite_differences, make_batch, make_network

import numpy as np
import pytest


@pytest.mark.parametrize(("time", "batch"), [(1, 1), (4, 1), (4, 3)])
def test_backpropagation_by_hand(rng, time, batch):
    _, weights = make_network(rng)
    x, y = make_batch(rng, time=time, batch=batch)
    grads = numpy_bptt.rnn_backward(weights, x, y, numpy_bptt.rnn_forward(weights, x, y))
    for name, value in weights.items():
        expected = finite_differences(lambda: numpy_bptt.rnn_forward(weights, x, y).loss, value)
        np.testing.assert_allclose(grads[name], expected, rtol=1e-5, atol=1e-8, err_msg=name)


def test_sgd_is_a_new_set_of_weights():
    weights = {"W": np.array([1.0, 2.0])}
    assert numpy_bptt.sgd(weights, {"W": np.array([1.0, -1.0])}, 0.5)["W"].tolist() == [0.5, 2.5]
    assert weights["W"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize("time", [1, 4])
def test_lstm_backpropagation_by_hand(rng, time):
    zx, W_h = rng.standard_normal((time, 2, 12)), rng.standard_normal((3, 12))
    weight = rng.standard_normal((time, 2, 3))

    def loss():
        return (numpy_bptt.lstm_forward(zx, W_h)[0][1:] * weight).sum()

    dzx, dW_h = numpy_bptt.lstm_backward(W_h, *numpy_bptt.lstm_forward(zx, W_h), weight)
    np.testing.assert_allclose(dzx, finite_differences(loss, zx), rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(dW_h, finite_differences(loss, W_h), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("time", [1, 4])
def test_gru_backpropagation_by_hand(rng, time):
    zx, W_h, b_n = (rng.standard_normal(s) for s in [(time, 2, 9), (3, 9), (3,)])
    weight = rng.standard_normal((time, 2, 3))

    def loss():
        return (numpy_bptt.gru_forward(zx, W_h, b_n)[0][1:] * weight).sum()

    grads = numpy_bptt.gru_backward(W_h, b_n, *numpy_bptt.gru_forward(zx, W_h, b_n), weight)
    for got, value in zip(grads, (zx, W_h, b_n), strict=True):
        np.testing.assert_allclose(got, finite_differences(loss, value), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("cell", numpy_bptt.NETWORKS)
def test_networks_by_hand(rng, cell):
    """Whole networks of each cell: every gradient against finite differences."""
    name = "reference" if cell == "rnn" else f"reference_{cell}"
    weights = models.MODELS[name].initial_weights(rng, models.Sizes(7, 3), "float64")
    for value in weights.values():
        value += 0.3 * rng.standard_normal(value.shape)
    x, y = make_batch(rng)
    forward, backward = numpy_bptt.NETWORKS[cell]
    grads = backward(weights, x, y, forward(weights, x, y))
    assert grads.keys() == weights.keys()
    for key, value in weights.items():
        slope = finite_differences(lambda: forward(weights, x, y).loss, value)
        np.testing.assert_allclose(grads[key], slope, rtol=1e-5, atol=1e-8, err_msg=key)
