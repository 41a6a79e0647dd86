from graphrnn import cells, reference
from graphrnn.errors import ShapeError
from graphrnn.loops import LOOPS
from graphrnn.shapes import tensor
from tests.helpers import TOLERANCE, evaluate

import aesara.tensor as at
import numpy as np
import pytest

SHAPES = {"x_t": (3, 5), "h_tm1": (3, 4), "W_xh": (5, 4), "W_hh": (4, 4), "b_h": (4,)}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", [1, 3])
def test_rnn_is_its_equation(rng, dtype, batch):
    shapes = SHAPES | {"x_t": (batch, 5), "h_tm1": (batch, 4)}
    a = {name: rng.standard_normal(shape).astype(dtype) for name, shape in shapes.items()}
    (h_t,) = evaluate(cells.rnn, a)
    expected = np.maximum(a["x_t"] @ a["W_xh"] + a["h_tm1"] @ a["W_hh"] + a["b_h"], 0)
    assert h_t.dtype == dtype
    assert h_t.shape == (batch, 4)
    np.testing.assert_allclose(h_t, expected, rtol=TOLERANCE[dtype], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("W_xh", (6, 4), r"W_xh: got shape \(6, 4\), needed \(in, hidden\) with in = 5 as in x_t"),
        ("W_hh", (4, 5), "W_hh: got shape .4, 5., needed .hidden, hidden. with hidden = 4"),
        ("b_h", (5,), "b_h: got shape .5,., needed .hidden. with hidden = 4 as in h_tm1"),
        ("h_tm1", (2, 4), "h_tm1: got shape .2, 4., needed .batch, hidden. with batch = 3"),
        ("x_t", (3, 1, 5), "x_t: got 3 axes"),
    ],
)
def test_a_misfit_is_named_before_compiling(name, shape, message):
    inputs = [tensor(n, "float32", s) for n, s in (SHAPES | {name: shape}).items()]
    with pytest.raises(ShapeError, match=message):
        cells.rnn(*inputs)


@pytest.mark.parametrize("backend", ["python", "native"])
@pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", [1, 3])
def test_lstm_equals_the_reference(rng, backend, loop, dtype, batch):
    shapes = {"zx": (5, batch, 16), "W_h": (4, 16), "weight": (5, batch, 4)}
    a = {name: rng.standard_normal(shape).astype(dtype) for name, shape in shapes.items()}

    def build(zx, W_h, weight):
        zero = at.zeros((batch, 4), dtype=dtype)
        h, c, *gates = loop(cells.lstm, [zx], [zero, zero], [W_h])
        grads = at.grad(at.sum(h * weight), [zx, W_h])
        return [h, c, at.concatenate(gates, axis=-1), *grads]

    h, c, gates, dzx, dW_h = evaluate(build, a, backend)
    forward = reference.lstm_forward(a["zx"], a["W_h"])
    backward = reference.lstm_backward(a["W_h"], *forward, a["weight"])
    wanted = (forward[0][1:], forward[1][1:], forward[2], *backward)
    for got, value in zip((h, c, gates, dzx, dW_h), wanted, strict=True):
        assert got.dtype == dtype
        np.testing.assert_allclose(got, value, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] / 10)


@pytest.mark.parametrize("backend", ["python", "native"])
@pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", [1, 3])
def test_gru_equals_the_reference(rng, backend, loop, dtype, batch):
    shapes = {"zx": (5, batch, 12), "W_h": (4, 12), "b_n": (4,), "weight": (5, batch, 4)}
    a = {name: rng.standard_normal(shape).astype(dtype) for name, shape in shapes.items()}

    def build(zx, W_h, b_n, weight):
        h, r, u, n, _ = loop(cells.gru, [zx], [at.zeros((batch, 4), dtype=dtype)], [W_h, b_n])
        grads = at.grad(at.sum(h * weight), [zx, W_h, b_n])
        return [h, at.concatenate([r, u, n], axis=-1), *grads]

    results = evaluate(build, a, backend)
    forward = reference.gru_forward(a["zx"], a["W_h"], a["b_n"])
    backward = reference.gru_backward(a["W_h"], a["b_n"], *forward, a["weight"])
    for got, value in zip(results, (forward[0][1:], forward[1], *backward), strict=True):
        assert got.dtype == dtype
        np.testing.assert_allclose(got, value, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] / 10)


@pytest.mark.parametrize(("cell", "states"), [(cells.lstm, 2), (cells.gru, 1)])
def test_weights_without_a_block_a_gate_are_named(cell, states):
    zx_t, W_h = tensor("zx_t", "float32", (2, 10)), tensor("W_h", "float32", (4, 10))
    h = tensor("h", "float32", (2, 4))
    more = [tensor("b_n", "float32", (4,))] if cell is cells.gru else []
    with pytest.raises(ShapeError, match=r"W_h: got shape \(4, 10\), needed \(hidden, . · hidden"):
        cell(zx_t, *[h] * states, W_h, *more)
