"""Every rung of the ladder against its equations in NumPy; gradients by finite differences."""

from functools import cache

from graphrnn import models
from graphrnn.graph.loops import loop_named
from graphrnn.models import network as networks
from graphrnn.settings.recipes import recipe_for
from tests import oracles
from tests.helpers import CLOSE, finite_differences

import numpy as np

SIZES = models.Sizes(9, 5, 4, 2)
B, RATE = 3, 0.1


def draw(name):
    """Draw weights that are nowhere zero, masks and a batch."""
    rng, model = np.random.default_rng(7), models.MODELS[name]
    weights = model.initial_weights(rng, SIZES, "float64")
    for key, value in weights.items():
        if key not in model.statistics:
            weights[key] = value + 0.3 * rng.standard_normal(value.shape)
    masks = {key: (rng.random((B, n)) < 0.8) / 0.8 for key, n in model.masks(SIZES).items()}
    x, y = rng.integers(1, 9, (2, 3 if name == "three_char" else 4, B)).astype("int32")
    return weights, masks, x, y


@cache
def expected(name):
    """Loss, accuracy and gradients by the oracle."""
    weights, masks, x, y = draw(name)
    loss, accuracy = oracles.loss(name, weights | masks, x, y)
    grads = {}
    for key in weights.keys() - set(models.MODELS[name].statistics):
        value = weights[key]

        def f():
            return oracles.loss(name, weights | masks, x, y)[0]

        grads[key] = finite_differences(f, value)
    return loss, accuracy, grads


def make_network(name, weights, loop, dtype, backend):
    shared = networks.share({key: value.astype(dtype) for key, value in weights.items()})
    return networks.Network(models.MODELS[name], SIZES, shared, loop_named(loop), backend)


def step(name, loop, dtype, backend):
    """Take one step of SGD; gives loss, accuracy and the weights after it."""
    weights, masks, x, y = draw(name)
    network = make_network(name, weights, loop, dtype, backend)
    carried = network.carried_states(B) if recipe_for(name).windows == "streams" else None
    train = network.compile_train(time=len(x), batch=B, carried=carried)
    noise = [mask.astype(dtype) for mask in masks.values()]
    loss, accuracy = train(x, y, np.asarray(RATE, dtype), *noise)
    return loss, accuracy, {key: w.get_value() for key, w in network.weights.items()}


def check(name, loop, dtype, backend):
    loss, accuracy, after = step(name, loop, dtype, backend)
    wanted_loss, wanted_accuracy, grads = expected(name)
    np.testing.assert_allclose(loss, wanted_loss, **CLOSE[dtype])
    np.testing.assert_allclose(accuracy, wanted_accuracy, rtol=1e-6)
    weights = draw(name)[0]
    for key, grad in grads.items():
        assert after[key].dtype == dtype
        close = CLOSE["float32"] if dtype == "float32" else {"rtol": 1e-6, "atol": 1e-8}
        np.testing.assert_allclose(after[key], weights[key] - RATE * grad, err_msg=key, **close)
    return loss, after


LOOPED = [name for name in models.MODELS if name not in ("three_char", "eight_char")]


def check_loops(name):
    """One C function against the oracle, and loops against each other.

    Each network meets every loop and both precisions; that each two of these meet, some see.
    """
    looped = name in LOOPED and not models.MODELS[name].by_hand
    kinds = [("scan", "float64"), ("unrolled" if looped else "scan", "float32")]
    if name in ("theano_rnn", "gru", "stateful_lstm"):
        kinds += [("scan", "float32"), ("unrolled", "float64"), ("2", "float64")]
    results = {kind: check(name, *kind, "native") for kind in kinds}
    for (loop, dtype), (loss, after) in results.items():
        scan_loss, scan_after = results.get(("scan", dtype), (loss, after))
        np.testing.assert_allclose(loss, scan_loss, **CLOSE[dtype])
        for key, value in scan_after.items():
            np.testing.assert_allclose(after[key], value, err_msg=(key, loop), **CLOSE[dtype])
