"""Loops: their states, and how few operations a step takes."""

from graphrnn.graph.shapes import tensor
from graphrnn.native.ir.program import Gemm, Kernel, Loop
from tests.native_helpers import PYTHON, build, native, recurrence, same, the_program

import aesara
import aesara.tensor as at
import numpy as np
import pytest

pytestmark = pytest.mark.shipped_flags


def last_state(steps, slots):
    """Make a scan of which only the last few states are read, so that its buffer goes round."""
    x = tensor("x", "float64", (steps, 2))
    results, _ = aesara.scan(
        lambda x_t, a_tm2, a_tm1: x_t + a_tm1 * 0.5 - a_tm2 * 0.25,
        sequences=[x],
        outputs_info=[{"initial": at.ones((2, 2)), "taps": [-2, -1]}],
    )
    return x, results[-slots:]


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 8])
@pytest.mark.parametrize("slots", [1, 2, 3])
def test_buffers_that_go_round(rng, steps, slots):
    if slots > steps:
        slots = steps
    x, last = last_state(steps, slots)
    value = rng.standard_normal((steps, 2))
    same(native([x], last)(value), build([x], last, PYTHON)(value), "float64")


@pytest.mark.parametrize("kept", [1, 2, 5])
def test_one_value_that_is_collected_twice_for_different_lengths(rng, kept):
    x = tensor("x", "float64", (5, 3))
    (a, b), _ = aesara.scan(lambda v: [at.tanh(v), at.tanh(v) * 1.0], [x])
    value = rng.standard_normal((5, 3))
    some, every = native([x], [a[-kept:], b])(value)
    np.testing.assert_allclose(some, np.tanh(value[-kept:]), rtol=1e-12)
    np.testing.assert_allclose(every, np.tanh(value), rtol=1e-12)


def test_lengths_that_follow_from_known_ones(rng):
    """Shape arithmetic inside of a loop: its ops take parameters beside their inputs."""
    x, c = tensor("x", "float64", (4, 3)), tensor("c", "float64", (2, 3))
    set_first, _ = aesara.scan(lambda v, c: at.set_subtensor(c[0], v), [x], None, [c])
    wanted_by_x = at.grad(at.sum(set_first**2), x)
    rolled, _ = aesara.scan(lambda v, s: at.roll(s, 1) + v, [x], [at.zeros(3)])
    moved, _ = aesara.scan(lambda v, s: at.concatenate([s[1:], v[:1]]), [x], [at.zeros(3)])

    def halves(v, total):
        inner, _ = aesara.scan(lambda left, s: s * 0.5 + left, [v], [total])
        return inner[-1]

    totals, _ = aesara.scan(halves, [x], [at.zeros(())])
    value = rng.standard_normal((4, 3))
    outputs = [wanted_by_x, rolled, moved, totals]
    got = native([x, c], outputs)(value, rng.standard_normal((2, 3)))
    turned, shifted, total = np.zeros(3), np.zeros(3), 0.0
    wanted = [2 * value, [], [], []]
    for row in value:
        turned, shifted = np.roll(turned, 1) + row, np.append(shifted[1:], row[0])
        for left in row:
            total = total * 0.5 + left
        for states, state in zip(wanted[1:], (turned, shifted, total), strict=True):
            states.append(state)
    for left, right in zip(got, wanted, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-12)


def test_positions_that_a_loop_computes(rng):
    M, x = tensor("M", "float64", (4, 4)), tensor("x", "float64", (5, 3))
    walk, _ = aesara.scan(
        lambda at_row, M: at.argmax(M[at_row]),
        outputs_info=[at.constant(np.int64(1))],
        non_sequences=[M],
        n_steps=6,
    )
    tape, _ = aesara.scan(
        lambda t, h, x: at.tanh(h + x[-t] * x[t - 1, 0]), [at.arange(1, 5)], [at.zeros(3)], [x]
    )
    cost = at.sum(tape**2)
    table, value = rng.standard_normal((4, 4)), rng.standard_normal((5, 3))
    path, slope = native([M, x], [walk, at.grad(cost, x)])(table, value)
    row = 1
    for step in path:
        row = np.argmax(table[row])
        assert step == row

    def cost_of(value):
        h, total = np.zeros(3), 0.0
        for t in range(1, 5):
            h = np.tanh(h + value[-t] * value[t - 1, 0])
            total += (h**2).sum()
        return total

    for place in np.ndindex(value.shape):
        up, down = value.copy(), value.copy()
        up[place] += 1e-6
        down[place] -= 1e-6
        np.testing.assert_allclose(slope[place], (cost_of(up) - cost_of(down)) / 2e-6, atol=1e-7)


def test_jacobians(rng):
    x, W = tensor("x", "float64", (3,)), tensor("W", "float64", (3, 4))
    y = at.tanh(at.dot(x, W))
    value, weights = rng.standard_normal(3), rng.standard_normal((3, 4))
    got = native([x, W], aesara.gradient.jacobian(y, x))(value, weights)
    np.testing.assert_allclose(got, ((1 - np.tanh(value @ weights) ** 2) * weights).T, rtol=1e-12)


def test_states_that_change_places(rng):
    x = tensor("x", "float64", (5, 2))
    (a, b), _ = aesara.scan(
        lambda x_t, a, b: (b + x_t, a), sequences=[x], outputs_info=[at.zeros(2), at.ones(2)]
    )
    value = rng.standard_normal((5, 2))
    for outputs in ([a, b], [a[-1], b[-1]]):
        for got, wanted in zip(
            native([x], outputs)(value), build([x], outputs, PYTHON)(value), strict=True
        ):
            same(got, wanted, "float64")


def test_a_recurrence_is_one_product_and_one_kernel_a_step():
    x, W, h = recurrence()
    program, _ = the_program([x, W], [h])
    (loop,) = [op for op in program.ops if isinstance(op, Loop)]
    assert [type(op) for op in loop.body] == [Gemm, Kernel]


@pytest.mark.parametrize("cut", [1, 2, 5, 7])
@pytest.mark.parametrize("backwards", [False, True])
def test_truncated_gradients(rng, cut, backwards):
    """Of h_t = tanh(x_t + h_{t-1} W) the last `cut` steps have a gradient, the others none."""
    x, W = tensor("x", "float64", (5, 3, 2)), tensor("W", "float64", (2, 2))
    h, _ = aesara.scan(
        lambda x_t, h_tm1, W: at.tanh(x_t + at.dot(h_tm1, W)),
        sequences=[x],
        outputs_info=[at.zeros((3, 2))],
        non_sequences=[W],
        truncate_gradient=cut,
        go_backwards=backwards,
    )
    f = native([x, W], at.grad(at.sum(h[-1]), [x, W]))
    value, weights = rng.standard_normal((5, 3, 2)), rng.standard_normal((2, 2))
    f(value * 3, weights)  # what a first call leaves behind must not be seen by the next
    walked = value[::-1] if backwards else value
    states = [np.zeros((3, 2))]
    for x_t in walked:
        states.append(np.tanh(x_t + states[-1] @ weights))
    dx, dW, dh = np.zeros_like(value), np.zeros((2, 2)), np.ones((3, 2))
    for t in range(4, max(-1, 4 - cut), -1):
        dx[t] = dh * (1 - states[t + 1] ** 2)
        dW += states[t].T @ dx[t]
        dh = dx[t] @ weights.T
    got = f(value, weights)
    same(got[0], dx[::-1] if backwards else dx, "float64")
    same(got[1], dW, "float64")


@pytest.mark.parametrize("taps", [(-1, 1), (0, 3), (-4, 0), (2, 1)])
@pytest.mark.parametrize("deep", [2, 9])
def test_taps_of_sequences_and_states(rng, taps, deep):
    """a_t = x_{t+j} - x_{t+k} / 2 + a_{t-deep} / 4 + a_{t-1} / 8"""
    x, start = tensor("x", "float64", (14, 2)), tensor("start", "float64", (deep, 2))
    states, _ = aesara.scan(
        lambda x_j, x_k, a_old, a_tm1: x_j - x_k / 2 + a_old / 4 + a_tm1 / 8,
        sequences=[{"input": x, "taps": list(taps)}],
        outputs_info=[{"initial": start, "taps": [-deep, -1]}],
    )
    value, first = rng.standard_normal((14, 2)), rng.standard_normal((deep, 2))
    steps = range(max(0, -min(taps)), 14 - max(0, *taps))
    wanted = list(first)
    for t in steps:
        moved = value[t + taps[0]] - value[t + taps[1]] / 2
        wanted.append(moved + wanted[-deep] / 4 + wanted[-1] / 8)
    got = native([x, start], states)(value, first)
    same(got, np.array(wanted[deep:]), "float64")
    cost = at.grad(at.sum(states**2), [x, start])
    for left, right in zip(
        native([x, start], cost)(value, first),
        build([x, start], cost, PYTHON)(value, first),
        strict=True,
    ):
        same(left, right, "float64")


def test_a_shared_array_that_a_loop_carries(rng):
    """s grows by x_t at each step, and is what the next call begins with."""
    x, s = tensor("x", "float64", (4, 2)), aesara.shared(np.ones(2), shape=(2,))
    seen, updates = aesara.scan(lambda x_t: (s * x_t, {s: s + x_t}), sequences=[x])
    f = native([x], seen, updates=updates)
    value, carried = rng.standard_normal((4, 2)), np.ones(2)
    for _ in range(2):
        wanted = []
        for x_t in value:
            wanted.append(carried * x_t)
            carried = carried + x_t
        same(f(value), np.array(wanted), "float64")
        same(s.get_value(), carried, "float64")


def test_a_result_of_which_no_row_is_read():
    h = tensor("h", "float64", (2,))
    (state, read), _ = aesara.scan(lambda s: [at.tanh(s), s * 2], outputs_info=[h, None], n_steps=4)
    got = native([h], [read[6:6], state[-1]])(np.ones(2))
    wanted = build([h], [read[6:6], state[-1]], PYTHON)(np.ones(2))
    for a, b in zip(got, wanted, strict=True):
        same(a, b, "float64")
