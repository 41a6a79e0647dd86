"""Run a graph through a backend and hold it against an oracle."""

from graphrnn import models
from graphrnn.backends.compile import compile_graph
from graphrnn.graph import initial, losses, updates
from graphrnn.graph.loops import LOOPS
from graphrnn.graph.shapes import tensor
from graphrnn.models import network as networks
from graphrnn.native.linker import STOCK_SCAN

import numpy as np
import pytest

TOLERANCE = {"float32": 1e-4, "float64": 1e-9}
CLOSE = {"float32": {"rtol": 1e-5, "atol": 1e-5}, "float64": {"rtol": 1e-10, "atol": 1e-12}}
"""How near two ways to compute the same must come, beside values around 1."""

needs_stock_scan = pytest.mark.skipif(
    not STOCK_SCAN, reason="stock Aesara's scan does not compile on this Python"
)
"""For what `--backend aesara` runs with a loop in it."""


def finite_differences(f, value, epsilon=1e-6):
    """Give d f / d value by central differences, entry by entry; `value` is restored."""
    grad = np.zeros_like(value)
    for index in np.ndindex(value.shape):
        kept = value[index]
        value[index] = kept + epsilon
        above = f()
        value[index] = kept - epsilon
        below = f()
        value[index] = kept
        grad[index] = (above - below) / (2 * epsilon)
    return grad


def evaluate(build, arrays, backend="python", *, rewrites=True):
    """Call a graph on arrays by name, and check that none of them was changed by it.

    `build` takes the symbolic inputs and gives the outputs. Without `rewrites` it runs as written.
    """
    before = {name: np.array(value, copy=True) for name, value in arrays.items()}

    def graph():
        inputs = [tensor(n, str(a.dtype), a.shape) for n, a in arrays.items()]
        outputs = build(*inputs)
        return inputs, list(outputs) if isinstance(outputs, (list, tuple)) else [outputs], []

    f = compile_graph(graph, name="test", backend=backend, rewrites=rewrites)
    results = f(*arrays.values())
    for name, value in arrays.items():
        np.testing.assert_array_equal(value, before[name], err_msg=f"{name} was changed")
    return results


def make_network(rng, *, vocabulary=7, hidden=5, dtype="float64", loop="scan", backend="python"):
    """Make a small network with biases that are not zero, and its weights as arrays."""
    model = models.model_named("theano_rnn")
    sizes = models.Sizes(vocabulary, hidden)
    weights = model.initial_weights(rng, sizes, dtype)
    weights["W_hh"] = (weights["W_hh"] + 0.3 * initial.glorot(rng, hidden, hidden)).astype(dtype)
    for name in ("b_h", "b_y"):
        weights[name] = rng.standard_normal(weights[name].shape).astype(dtype)
    # A shared variable may adopt the array it is given; the oracle needs its own.
    shared = networks.share({name: value.copy() for name, value in weights.items()})
    return networks.Network(model, sizes, shared, LOOPS[loop], backend), weights


def make_batch(rng, *, time=4, batch=3, vocabulary=7):
    """Draw indices x and y of shape (T, B)."""
    shape = (time, batch)
    x, y = rng.integers(1, vocabulary, (2, *shape))
    return x.astype("int32"), y.astype("int32")


def gradients_of(network, x, y):
    """Give the gradients of the training loss by name, from the graph."""

    def graph():
        inputs = [tensor("x", "int32", x.shape), tensor("y", "int32", y.shape)]
        states = network.zero_states(x.shape[1])
        logits, _ = network.model.forward(inputs[0], states, network.weights, network.loop)
        loss = losses.summed(losses.cross_entropy(logits, inputs[1]))
        return inputs, updates.gradients(loss, list(network.weights.values())), []

    values = compile_graph(graph, name="gradients", backend=network.backend)(x, y)
    return dict(zip(network.weights, values, strict=True))
