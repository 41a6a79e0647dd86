"""What `graphrnn new` writes is a network that can be trained, against a NumPy loop."""

from graphrnn.graph.loops import LOOPS
from graphrnn.graph.shapes import tensor
from graphrnn.models import Sizes, user_template
from graphrnn.models.network import Network, share

import aesara
import numpy as np
import pytest

SIZES = Sizes(vocabulary=7, hidden=4, embedding=3)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@pytest.mark.parametrize("loop", ["scan", "unrolled"])
def test_its_logits_are_those_of_a_numpy_loop(rng, loop):
    model = user_template.MODEL
    w = model.initial_weights(rng, SIZES, "float64")
    x, h = rng.integers(1, 7, (5, 2)), rng.standard_normal((2, 4))
    x_, h_ = tensor("x", "int32", (5, 2)), tensor("h", "float64", (2, 4))
    logits, (last,) = model.forward(x_, [h_], share(w), LOOPS[loop])
    got, got_last = aesara.function([x_, h_], [logits, last], mode="FAST_COMPILE")(
        x.astype("int32"), h
    )
    wanted = []
    for x_t in x:
        e = w["E"][x_t]
        f = sigmoid(e @ w["W_xf"] + w["b_f"] + h @ w["W_hf"])
        a = np.tanh(e @ w["W_xa"] + w["b_a"] + (f * h) @ w["W_ha"])
        h = (1 - f) * h + f * a
        wanted.append(h @ w["W_hy"] + w["b_y"])
    np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(got_last, h, rtol=1e-10, atol=1e-12)


def test_it_learns(rng):
    model = user_template.MODEL
    weights = share(model.initial_weights(rng, SIZES, "float32"))
    train = Network(model, SIZES, weights, backend="python").compile_train(time=4, batch=2)
    x = rng.integers(1, 7, (4, 2)).astype("int32")
    losses = [float(train(x, x, 0.5)[0]) for _ in range(8)]
    assert losses[-1] < losses[0]
