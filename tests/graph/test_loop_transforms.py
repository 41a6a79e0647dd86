"""Each option of a loop against a loop in NumPy, for every driver and backend, in both precisions.

A bare recurrence h_t = tanh(zx_t + h_tm1 W) stands for all: the options never look into a step.
"""

from functools import partial, reduce
from itertools import permutations

from graphrnn.errors import ShapeError, UserError
from graphrnn.graph import cells, loop_transforms
from graphrnn.graph.loops import LOOPS, by, scanned
from graphrnn.graph.shapes import tensor
from graphrnn.models import numpy_bptt
from tests.helpers import CLOSE, evaluate, finite_differences

import aesara.tensor as at
import numpy as np
import pytest

EVERY = LOOPS | {"2": by(2)}
T, B, H = 6, 3, 4
MASK = np.array([[1, 1, 0], [1, 1, 0], [1, 0, 1], [1, 1, 1], [0, 1, 1], [0, 1, 1]])


def step(zx_t, h_tm1, W):
    return at.tanh(zx_t + at.dot(h_tm1, W))


def numpy_states(zx, W, mask=None, h=None):
    """The loop, written out."""
    h, states = np.zeros(zx.shape[1:]) if h is None else h, []
    for t in range(len(zx)):
        new = np.tanh(zx[t] + h @ W)
        h = new if mask is None else np.where(mask[t][:, None] != 0, new, h)
        states.append(h)
    return np.stack(states)


def numpy_backwards(zx, W, mask=None):
    return numpy_states(zx[::-1], W, None if mask is None else mask[::-1])[::-1]


def numpy_truncated(zx, W, anchor):
    """Each block of two starts from a state that does not move with the weights."""
    kept = numpy_states(*anchor)
    blocks = [
        numpy_states(zx[t : t + 2], W, h=kept[t - 1] if t else None) for t in range(0, len(zx), 2)
    ]
    return np.concatenate(blocks)


OPTIONS = {
    "backwards": (lambda loop, mask: loop_transforms.backwards(loop), numpy_backwards),
    "masked": (loop_transforms.masked, partial(numpy_states, mask=MASK)),
    "masked backwards": (
        lambda loop, mask: loop_transforms.masked(loop_transforms.backwards(loop), mask),
        partial(numpy_backwards, mask=MASK),
    ),
    "last": (lambda loop, mask: loop_transforms.last(loop), lambda zx, W: numpy_states(zx, W)[-1]),
    "truncated": (lambda loop, mask: loop_transforms.truncated(loop, 2), None),
}


# Every driver natively in double precision; the other precision and backend with one of them.
RUNS = [
    *(("native", driver, "float64") for driver in EVERY),
    ("native", "scan", "float32"),
    ("python", "scan", "float64"),
]


@pytest.mark.parametrize(("backend", "driver", "dtype"), RUNS)
@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_equals_its_loop_in_numpy(rng, backend, driver, option, dtype):
    wrap, oracle = OPTIONS[option]
    zx, W = rng.standard_normal((T, B, H)), rng.standard_normal((H, H)) / 2
    oracle = oracle or partial(numpy_truncated, anchor=(zx.copy(), W.copy()))
    weight = rng.standard_normal(oracle(zx, W).shape)

    def build(zx, W, weight, mask):
        loop = wrap(EVERY[driver], mask)
        (h,) = loop(step, [zx], [at.zeros((B, H), dtype=dtype)], [W])
        return [h, *at.grad(at.sum(h * weight), [zx, W]), mask + 1]

    arrays = {"zx": zx.astype(dtype), "W": W.astype(dtype), "weight": weight.astype(dtype)}
    h, dzx, dW, _ = evaluate(build, arrays | {"mask": MASK.astype("int32")}, backend)

    def loss():
        return (oracle(zx, W) * weight).sum()

    expected = (oracle(zx, W), finite_differences(loss, zx), finite_differences(loss, W))
    for got, value in zip((h, dzx, dW), expected, strict=True):
        assert got.dtype == dtype
        tolerance = {"rtol": 1e-6, "atol": 1e-7} if dtype == "float64" else CLOSE[dtype]
        np.testing.assert_allclose(got, value, **tolerance)


WRAPPERS = {
    "backwards": loop_transforms.backwards,
    "masked": lambda loop: loop_transforms.masked(loop, at.constant(MASK)),
    "truncated": lambda loop: loop_transforms.truncated(loop, 4),
    "last": loop_transforms.last,
}
ORDERS = [
    order
    for n in (2, 3, 4)
    for order in permutations(WRAPPERS, n)
    if n < 4 or order.index("last") in (0, 3)
] + [("backwards", "masked", "backwards"), ("masked", "backwards", "truncated", "backwards")]


def numpy_in_order(order, zx, W, kept=None):
    """Step by step: each moment with its own mask, the gradient cut every four steps from the end.

    `kept` holds the states before each step, where the gradient is cut.
    """
    turned = order.count("backwards") % 2
    moments = list(range(T))[:: -1 if turned else 1]
    h, states, before = np.zeros((B, H)), np.zeros((T, B, H)), []
    for k, t in enumerate(moments):
        before.append(h)
        if "truncated" in order and (T - k) % 4 == 0 and kept is not None:
            h = kept[k]
        new = np.tanh(zx[t] + h @ W)
        h = np.where(MASK[t][:, None] != 0, new, h) if "masked" in order else new
        states[t] = h
    if "last" not in order:
        return states, before
    inside = "backwards" in order and order.index("backwards") < order.index("last")
    return (states[moments[-1]] if inside else states[-1]), before


@pytest.mark.parametrize("order", ORDERS, ids="(".join)
def test_options_in_every_order(rng, order):
    zx, W = rng.standard_normal((T, B, H)), rng.standard_normal((H, H)) / 2
    expected, kept = numpy_in_order(order, zx, W)
    weight = rng.standard_normal(expected.shape)

    def build(zx, W, weight):
        loop = reduce(lambda inner, name: WRAPPERS[name](inner), order[::-1], scanned)
        (h,) = loop(step, [zx], [at.zeros((B, H), dtype="float64")], [W])
        return [h, *at.grad(at.sum(h * weight), [zx, W])]

    h, dzx, dW = evaluate(build, {"zx": zx, "W": W, "weight": weight}, rewrites=False)
    np.testing.assert_allclose(h, expected, rtol=1e-12)

    def loss():
        return (numpy_in_order(order, zx, W, kept)[0] * weight).sum()

    for got, array in ((dzx, zx), (dW, W)):
        np.testing.assert_allclose(got, finite_differences(loss, array), rtol=1e-6, atol=1e-7)


def test_last_of_last_is_refused():
    last = loop_transforms.last(scanned)
    loop = loop_transforms.backwards(loop_transforms.masked(last, at.ones((T, B))))
    with pytest.raises(UserError, match="last: got a loop that gives only its last outputs"):
        loop_transforms.last(loop)


@pytest.mark.parametrize("driver", LOOPS)
def test_padding_is_skipped_in_both_directions(rng, driver):
    """Each text of a padded batch gives what it gives alone."""
    lengths, weights = (6, 4, 1), rng.standard_normal((2, H, H)) / 2
    zx = rng.standard_normal((2, T, B, H))
    mask = np.arange(T)[:, None] < np.array(lengths)

    def build(zx, zy, W, V):
        zero = at.zeros((B, H), dtype="float64")
        loop = loop_transforms.masked(EVERY[driver], at.constant(mask))
        directions = ([zx], [zero], [W]), ([zy], [zero], [V])
        ends = loop_transforms.bidirectional(step, *directions, loop_transforms.last(loop))
        return [loop_transforms.bidirectional(step, *directions, loop), ends]

    arrays = {"zx": zx[0], "zy": zx[1], "W": weights[0], "V": weights[1]}
    both, ends = evaluate(build, arrays, rewrites=False)
    assert ends.shape == (B, 2 * H)
    for b, n in enumerate(lengths):
        ahead = numpy_states(zx[0, :n, b : b + 1], weights[0])[:, 0]
        back = numpy_backwards(zx[1, :n, b : b + 1], weights[1])[:, 0]
        np.testing.assert_allclose(both[:n, b], np.concatenate([ahead, back], 1), rtol=1e-12)
        np.testing.assert_allclose(both[n:, b, H:], 0)
        np.testing.assert_allclose(ends[b], np.concatenate([ahead[-1], back[0]]), rtol=1e-12)


@pytest.mark.parametrize("backend", ["python", "native"])
@pytest.mark.parametrize("driver", EVERY)
def test_bidirectional(rng, backend, driver):
    shapes = {"zx": (T, B, 4 * H), "zy": (T, B, 4 * H), "W": (H, 4 * H), "V": (H, 4 * H)}
    arrays = {name: rng.standard_normal(shape) for name, shape in shapes.items()}

    def build(zx, zy, W, V):
        zero = at.zeros((B, H))
        return loop_transforms.bidirectional(
            cells.lstm, ([zx], [zero, zero], [W]), ([zy], [zero, zero], [V]), EVERY[driver]
        )

    (h,) = evaluate(build, arrays, backend, rewrites=(backend, driver) != ("python", "2"))
    ahead = numpy_bptt.lstm_forward(arrays["zx"], arrays["W"])[0][1:]
    back = numpy_bptt.lstm_forward(arrays["zy"][::-1], arrays["V"])[0][1:][::-1]
    np.testing.assert_allclose(h, np.concatenate([ahead, back], axis=-1), rtol=1e-10)


@pytest.mark.parametrize("shape", [(T, B + 1), (B, T), (T,), (T, B, 1)])
def test_a_mask_of_another_shape_is_refused(shape):
    zx, W = tensor("zx", "float64", (T, B, H)), tensor("W", "float64", (H, H))
    mask = tensor("mask", "int32", shape)
    with pytest.raises(ShapeError, match=r"mask mask: got shape .*, needed \(6, 3\)"):
        loop_transforms.masked(LOOPS["scan"], mask)(step, [zx], [at.zeros((B, H))], [W])


def test_truncation_to_nothing_is_refused():
    with pytest.raises(UserError, match="gradient_steps: got 0, needed at least 1"):
        loop_transforms.truncated(LOOPS["scan"], 0)
