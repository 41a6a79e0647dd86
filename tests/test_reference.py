"""The oracle itself is held against finite differences."""

from graphrnn import reference
from tests.helpers import finite_differences, make_batch, make_network

import numpy as np
import pytest


@pytest.mark.parametrize(("time", "batch"), [(1, 1), (4, 1), (4, 3)])
def test_backpropagation_by_hand(rng, time, batch):
    _, weights = make_network(rng)
    x, y = make_batch(rng, time=time, batch=batch)
    grads = reference.rnn_backward(weights, x, y, reference.rnn_forward(weights, x, y))
    for name, value in weights.items():
        expected = finite_differences(lambda: reference.rnn_forward(weights, x, y).loss, value)
        np.testing.assert_allclose(grads[name], expected, rtol=1e-5, atol=1e-8, err_msg=name)


def test_sgd_is_a_new_set_of_weights():
    weights = {"W": np.array([1.0, 2.0])}
    assert reference.sgd(weights, {"W": np.array([1.0, -1.0])}, 0.5)["W"].tolist() == [0.5, 2.5]
    assert weights["W"].tolist() == [1.0, 2.0]
