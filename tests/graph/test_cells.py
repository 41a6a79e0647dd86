from functools import partial

from graphrnn.errors import ShapeError
from graphrnn.graph import cells, layers
from graphrnn.graph.loops import LOOPS, by
from graphrnn.graph.shapes import tensor
from graphrnn.models import numpy_bptt
from tests.helpers import TOLERANCE, evaluate, finite_differences
from tests.oracles import sigmoid

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


NATIVE = [("native", loop, *kind) for loop in LOOPS for kind in (("float32", 1), ("float64", 3))]
"""Each two of a loop, a dtype and a backend meet; in Python one cell has what the other lacks."""


@pytest.mark.parametrize(
    ("backend", "loop", "dtype", "batch"),
    [*NATIVE, ("python", "scan", "float64", 3), ("python", "unrolled", "float32", 1)],
)
def test_lstm_equals_the_reference(rng, backend, loop, dtype, batch):
    loop = LOOPS[loop]
    shapes = {"zx": (4, batch, 16), "W_h": (4, 16), "weight": (4, batch, 4)}
    a = {name: rng.standard_normal(shape).astype(dtype) for name, shape in shapes.items()}

    def build(zx, W_h, weight):
        zero = at.zeros((batch, 4), dtype=dtype)
        h, c, *gates = loop(cells.lstm, [zx], [zero, zero], [W_h])
        grads = at.grad(at.sum(h * weight), [zx, W_h])
        return [h, c, at.concatenate(gates, axis=-1), *grads]

    h, c, gates, dzx, dW_h = evaluate(build, a, backend)
    forward = numpy_bptt.lstm_forward(a["zx"], a["W_h"])
    backward = numpy_bptt.lstm_backward(a["W_h"], *forward, a["weight"])
    wanted = (forward[0][1:], forward[1][1:], forward[2], *backward)
    for got, value in zip((h, c, gates, dzx, dW_h), wanted, strict=True):
        assert got.dtype == dtype
        np.testing.assert_allclose(got, value, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] / 10)


@pytest.mark.parametrize(
    ("backend", "loop", "dtype", "batch"),
    [*NATIVE, ("python", "scan", "float32", 1), ("python", "unrolled", "float64", 3)],
)
def test_gru_equals_the_reference(rng, backend, loop, dtype, batch):
    loop = LOOPS[loop]
    shapes = {"zx": (4, batch, 12), "W_h": (4, 12), "b_n": (4,), "weight": (4, batch, 4)}
    a = {name: rng.standard_normal(shape).astype(dtype) for name, shape in shapes.items()}

    def build(zx, W_h, b_n, weight):
        h, r, u, n, _ = loop(cells.gru, [zx], [at.zeros((batch, 4), dtype=dtype)], [W_h, b_n])
        grads = at.grad(at.sum(h * weight), [zx, W_h, b_n])
        return [h, at.concatenate([r, u, n], axis=-1), *grads]

    results = evaluate(build, a, backend)
    forward = numpy_bptt.gru_forward(a["zx"], a["W_h"], a["b_n"])
    backward = numpy_bptt.gru_backward(a["W_h"], a["b_n"], *forward, a["weight"])
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


T, B, H = 4, 3, 2
DRIVERS = LOOPS | {"2": by(2)}


def numpy_of(cell, zx, W_h, product, activation=np.tanh):
    """The three cells written out once more, with any product of state and weights."""
    h, c, states = np.zeros((B, H)), np.zeros((B, H)), []
    for zx_t in zx:
        if cell == "gru":
            zx_r, zx_u, zx_n = np.split(zx_t, 3, axis=1)
            zh_r, zh_u, zh_n = np.split(product(h, W_h), 3, axis=1)
            r, u = sigmoid(zx_r + zh_r), sigmoid(zx_u + zh_u)
            h = (1 - u) * activation(zx_n + r * zh_n) + u * h
        elif cell == "lstm":
            z_i, z_f, z_g, z_o = np.split(zx_t + product(h, W_h), 4, axis=1)
            c = sigmoid(z_f) * c + sigmoid(z_i) * activation(z_g)
            h = sigmoid(z_o) * activation(c)
        else:
            h = activation(zx_t + product(h, W_h))
        states.append(h)
    return np.stack(states)


CELLS = {"simple": (cells.simple, 1), "gru": (cells.gru, 3), "lstm": (cells.lstm, 4)}


def softsign(z):
    """An activation that is none of the usual; it takes arrays and symbolic tensors alike."""
    return z / (1 + abs(z))


def norm(z, gain):
    z = z - z.mean(axis=-1, keepdims=True)
    return z / np.sqrt((z**2).mean(axis=-1, keepdims=True) + 1e-5) * gain


VARIANTS = {
    "plain": (lambda step: step, lambda extra: np.dot, None),
    "dropped": (cells.dropped, lambda extra: lambda h, W: (h * extra) @ W, (B, H)),
    "normalised": (cells.normalised, lambda extra: lambda h, W: norm(h @ W, extra), "gates"),
}


RUNS = [(variant, cell, "scan", "native") for variant in VARIANTS for cell in CELLS] + [
    ("dropped", "lstm", "2", "native"),
    ("normalised", "gru", "2", "native"),
]


@pytest.mark.parametrize(("variant", "cell", "driver", "backend"), RUNS)
def test_variants_of_a_step(rng, backend, driver, cell, variant):
    """Dropout on the state, layer normalisation and another activation, with their gradients."""
    step, gates = CELLS[cell]
    wrap, product, shape = VARIANTS[variant]
    shape = (gates * H,) if shape == "gates" else shape
    a = {
        "zx": rng.standard_normal((T, B, gates * H)),
        "W_h": rng.standard_normal((H, gates * H)) / 2,
        "extra": rng.random(shape) if shape else np.ones(1),
        "weight": rng.standard_normal((T, B, H)),
    }

    def build(zx, W_h, extra, weight):
        states = [at.zeros((B, H))] * (2 if cell == "lstm" else 1)
        constants = [W_h, *([at.zeros(H)] if cell == "gru" else []), *([extra] if shape else [])]
        cell_step = partial(wrap(step), activation=softsign)
        h = DRIVERS[driver](cell_step, [zx], states, constants)[0]
        return [h, *at.grad(at.sum(h * weight), [zx, W_h]), extra * 2]

    h, dzx, dW_h, _ = evaluate(build, a, backend)

    def states():
        return numpy_of(cell, a["zx"], a["W_h"], product(a["extra"]), softsign)

    def loss():
        return (states() * a["weight"]).sum()

    np.testing.assert_allclose(h, states(), rtol=1e-10, atol=1e-14)
    for got, name in ((dzx, "zx"), (dW_h, "W_h")):
        np.testing.assert_allclose(got, finite_differences(loss, a[name]), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("driver", DRIVERS)
def test_projecting_inside_the_loop_is_projecting_before_it(rng, driver):
    shapes = {"x": (T, B, 5), "W_h": (H, 4 * H), "W_x": (5, 4 * H), "b": (4 * H,)}
    a = {name: rng.standard_normal(shape) for name, shape in shapes.items()}

    def build(x, W_h, W_x, b):
        zero, loop = at.zeros((B, H)), DRIVERS[driver]
        inside = loop(cells.projecting(cells.lstm), [x], [zero, zero], [W_h, W_x, b])[0]
        before = loop(cells.lstm, [layers.dense(x, W_x, b)], [zero, zero], [W_h])[0]
        gradients = (at.grad(at.sum(h**2), [x, W_h, W_x, b]) for h in (inside, before))
        return [inside, before, *(g for pair in zip(*gradients, strict=True) for g in pair)]

    # The loops written out stand in the graph as they are written; C is made of the scan.
    how = {"backend": "native"} if driver == "scan" else {"rewrites": False}
    results = evaluate(build, a, **how)
    for inside, before in zip(results[::2], results[1::2], strict=True):
        np.testing.assert_allclose(inside, before, rtol=1e-10, atol=1e-12)


def test_the_gru_by_gates_names_the_misfit():
    inputs = [tensor("x_t", "float32", (B, 5)), tensor("h", "float32", (B, H))]
    for k in range(3):
        inputs += [
            tensor(f"W_x{k}", "float32", (5, H)),
            tensor(f"W_h{k}", "float32", (H, H + (k == 2))),
            tensor(f"b{k}", "float32", (H,)),
        ]
    with pytest.raises(ShapeError, match=r"W_hn: got shape \(2, 3\)"):
        cells.gru_by_gates(*inputs)
