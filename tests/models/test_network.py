"""The compiled functions against the NumPy network: same weights and batch, same numbers."""

from graphrnn.graph.loops import LOOPS
from graphrnn.models import numpy_bptt
from graphrnn.models.network import OptimizerConfig
from graphrnn.native.linker import STOCK_SCAN
from tests.helpers import TOLERANCE, gradients_of, make_batch, make_network, needs_stock_scan

import numpy as np
import pytest

pytestmark = pytest.mark.stock_c

every_loop = pytest.mark.parametrize("loop", LOOPS)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def check_training(rng, *, loop, dtype, backend, batch, steps=3):
    """Take steps of SGD in both and compare loss, accuracy, gradients and weights.

    Stock C takes half a minute for a function: its gradients are seen by what they do to weights.
    """
    network, weights = make_network(rng, dtype=dtype, loop=loop, backend=backend)
    close = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype] / 10}
    if backend != "aesara":
        x, y = make_batch(rng, batch=batch)
        expected = numpy_bptt.rnn_backward(weights, x, y, numpy_bptt.rnn_forward(weights, x, y))
        for name, grad in gradients_of(network, x, y).items():
            assert grad.dtype == dtype
            np.testing.assert_allclose(grad, expected[name], err_msg=name, **close)
    train = network.compile_train(time=4, batch=batch)
    rate = np.asarray(0.05, dtype)
    for _ in range(steps):
        x, y = make_batch(rng, batch=batch)
        kept = x.copy(), y.copy()
        loss, accuracy = train(x, y, rate)
        forward = numpy_bptt.rnn_forward(weights, x, y)
        weights = numpy_bptt.sgd(weights, numpy_bptt.rnn_backward(weights, x, y, forward), 0.05)
        assert loss.dtype == accuracy.dtype == dtype
        np.testing.assert_allclose(loss, forward.loss, **close)
        np.testing.assert_allclose(accuracy, (forward.p.argmax(-1) == y).mean(), rtol=1e-6)
        np.testing.assert_array_equal((x, y), kept)
    for name, value in network.weights.items():
        np.testing.assert_allclose(value.get_value(), weights[name], err_msg=name, **close)


@pytest.mark.parametrize(
    ("loop", "dtype", "batch"), [("scan", "float64", 3), ("unrolled", "float32", 1)]
)
def test_training_equals_the_reference(rng, loop, dtype, batch):
    check_training(rng, loop=loop, dtype=dtype, backend="python", batch=batch)


@every_loop
@pytest.mark.parametrize(("dtype", "batch"), [("float32", 1), ("float64", 3)])
def test_training_in_one_c_function_equals_the_reference(rng, loop, dtype, batch):
    check_training(rng, loop=loop, dtype=dtype, backend="native", batch=batch, steps=20)


def test_training_in_compiled_c_equals_the_reference(rng):
    """By the scan where stock Aesara's compiles; each way takes some 35 C++ modules."""
    loop = "scan" if STOCK_SCAN else "unrolled"
    check_training(rng, loop=loop, dtype="float32", backend="aesara", batch=3)


@every_loop
@every_dtype
def test_evaluating_equals_the_reference_and_changes_nothing(rng, loop, dtype):
    network, weights = make_network(rng, dtype=dtype, loop=loop)
    x, y = make_batch(rng)
    loss, accuracy = network.compile_evaluate(time=4, batch=3)(x, y)
    forward = numpy_bptt.rnn_forward(weights, x, y)
    np.testing.assert_allclose(loss, forward.loss / 4, rtol=TOLERANCE[dtype])
    np.testing.assert_allclose(accuracy, (forward.p.argmax(-1) == y).mean(), rtol=1e-6)
    for name, value in network.weights.items():
        np.testing.assert_array_equal(value.get_value(), weights[name])


@pytest.mark.parametrize(
    ("backend", "dtype"),
    [
        ("python", "float32"),
        ("python", "float64"),
        pytest.param("aesara", "float32", marks=needs_stock_scan),
        ("native", "float32"),
    ],
)
def test_stepping_equals_one_run_over_the_text(rng, dtype, backend):
    network, weights = make_network(rng, dtype=dtype, backend=backend)
    x, y = make_batch(rng, time=6, batch=1)
    forward = numpy_bptt.rnn_forward(weights, x, y)
    step = network.compile_step()
    h = np.zeros((1, 5), dtype)
    for t in range(6):
        logits, h = step(x[t : t + 1], h)
        assert logits.shape == (1, 1, 7)
        assert logits.dtype == h.dtype == dtype
        p = np.exp(logits[0, 0] - logits.max())
        np.testing.assert_allclose(p / p.sum(), forward.p[t, 0], rtol=10 * TOLERANCE[dtype])
        np.testing.assert_allclose(h, forward.h[t + 1], rtol=TOLERANCE[dtype], atol=1e-6)


def test_clipping_reaches_the_update(rng):
    """A clipped step has the given length times the rate."""
    x, y = make_batch(rng)
    network, weights = make_network(rng)
    network.compile_train(time=4, batch=3, optimizer=OptimizerConfig(clip=0.1))(
        x, y, np.asarray(0.5)
    )
    moved = [network.weights[name].get_value() - value for name, value in weights.items()]
    length = np.sqrt(sum((step**2).sum() for step in moved))
    np.testing.assert_allclose(length, 0.1 * 0.5, rtol=1e-9)


def test_momentum_reaches_the_update(rng):
    """The second step on a batch repeats 0.9 of the first beside its own gradient."""
    x, y = make_batch(rng)
    network, weights = make_network(rng)
    train = network.compile_train(
        time=4, batch=3, optimizer=OptimizerConfig("momentum", {"momentum": 0.9})
    )
    velocity = {name: np.zeros_like(value) for name, value in weights.items()}
    for _ in range(2):
        train(x, y, np.asarray(0.05))
        grads = numpy_bptt.rnn_backward(weights, x, y, numpy_bptt.rnn_forward(weights, x, y))
        velocity = {name: 0.9 * velocity[name] - 0.05 * grads[name] for name in weights}
        weights = {name: value + velocity[name] for name, value in weights.items()}
    for name, value in network.weights.items():
        np.testing.assert_allclose(value.get_value(), weights[name], rtol=1e-9, err_msg=name)


def test_clipping_by_value_comes_first(rng):
    """No entry of a plain step is longer than the limit times the rate."""
    x, y = make_batch(rng)
    network, weights = make_network(rng)
    network.compile_train(time=4, batch=3, optimizer=OptimizerConfig(clip_value=1e-3))(
        x, y, np.asarray(0.5)
    )
    moved = [network.weights[name].get_value() - value for name, value in weights.items()]
    np.testing.assert_allclose(max(abs(step).max() for step in moved), 0.5e-3, rtol=1e-9)
