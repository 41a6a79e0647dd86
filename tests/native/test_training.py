"""Training on the native backend against Aesara's Python mode: every cell, loop and dtype."""

from graphrnn.graph import cells, updates
from graphrnn.graph.loops import LOOPS
from graphrnn.graph.shapes import tensor
from graphrnn.native.linker import native_mode
from tests.native_helpers import PYTHON, build

import aesara
import aesara.tensor as at
import numpy as np
import pytest

pytestmark = pytest.mark.shipped_flags

TIME, BATCH, VOCABULARY, HIDDEN, STEPS = 5, 3, 7, 6, 20
CLOSE = {"float32": {"rtol": 1e-4, "atol": 1e-6}, "float64": {"rtol": 1e-10, "atol": 1e-12}}
GATES = {"rnn": 1, "lstm": 4, "gru": 3}


def hidden_states(cell, loop, E, W, x, dtype):
    """Run a cell over a batch of indices and give its states at all times."""
    zero = at.zeros((BATCH, HIDDEN), dtype=dtype)
    if cell == "rnn":
        (h,) = loop(cells.rnn, [E[x]], [zero], [W["W_x"], W["W_h"], W["b"]])
        return h
    zx = at.dot(E[x], W["W_x"]) + W["b"]
    zx = at.specify_shape(zx, (TIME, BATCH, GATES[cell] * HIDDEN))
    if cell == "lstm":
        return loop(cells.lstm, [zx], [zero, zero], [W["W_h"]])[0]
    h, *_ = loop(cells.gru, [zx], [zero], [W["W_h"], W["b_n"]])
    return h


def initial_weights(cell, dtype):
    """Draw weights from one seed."""
    rng, n = np.random.default_rng(4), GATES[cell] * HIDDEN
    shapes = {"E": (VOCABULARY, 4), "W_x": (4, n), "W_h": (HIDDEN, n), "b": (n,),
              "W_y": (HIDDEN, VOCABULARY), "b_y": (VOCABULARY,)}  # fmt: skip
    if cell == "gru":
        shapes["b_n"] = (HIDDEN,)
    return {k: (rng.standard_normal(shape) / 2).astype(dtype) for k, shape in shapes.items()}


def trained(cell, loop, dtype, mode):
    """Give loss and gradients of each step, and the weights after all."""
    W = {k: aesara.shared(value, name=k, shape=value.shape)
         for k, value in initial_weights(cell, dtype).items()}  # fmt: skip
    x, y = tensor("x", "int32", (TIME, BATCH)), tensor("y", "int32", (TIME, BATCH))
    h = hidden_states(cell, loop, W["E"], W, x, dtype)
    logits = at.dot(h.reshape((TIME * BATCH, HIDDEN)), W["W_y"]) + W["b_y"]
    picked = at.special.log_softmax(logits, axis=1)[at.arange(TIME * BATCH), y.ravel()]
    loss = -at.mean(picked, acc_dtype=dtype)
    params = list(W.values())
    grads = at.grad(loss, params)
    rate = at.constant(np.asarray(0.5, dtype))
    step = build([x, y], [loss, *grads], mode, updates=updates.sgd(params, grads, rate))
    rng = np.random.default_rng(9)
    seen = [step(*rng.integers(0, VOCABULARY, (2, TIME, BATCH)).astype("int32"))
            for _ in range(STEPS)]  # fmt: skip
    return seen, {k: value.get_value() for k, value in W.items()}


# Each two of a cell, a loop and a dtype meet.
RUNS = [
    (cell, loop, ("float32", "float64")[(k + n) % 2])
    for k, cell in enumerate(GATES)
    for n, loop in enumerate(LOOPS)
]


@pytest.mark.parametrize(("cell", "loop", "dtype"), RUNS)
def test_twenty_steps_give_the_same_weights(cell, loop, dtype):
    loop = LOOPS[loop]
    wanted, wanted_weights = trained(cell, loop, dtype, PYTHON)
    got, weights = trained(cell, loop, dtype, native_mode(strict=True))
    for left, right in zip(got, wanted, strict=True):
        for a, b in zip(left, right, strict=True):
            assert a.dtype == b.dtype == dtype
            np.testing.assert_allclose(a, b, **CLOSE[dtype])
    start = initial_weights(cell, dtype)
    for name, value in weights.items():
        np.testing.assert_allclose(value, wanted_weights[name], **CLOSE[dtype])
        assert np.abs(value - start[name]).max() > 1e-4
