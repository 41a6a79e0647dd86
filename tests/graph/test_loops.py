from graphrnn.errors import UserError
from graphrnn.graph import cells
from graphrnn.graph.loops import LOOPS, by, loop_named, scanned
from tests.helpers import TOLERANCE, evaluate, finite_differences

import aesara.tensor as at
import numpy as np
import pytest

every_loop = pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS)


def numpy_rnn(x, h, W_xh, W_hh, b_h):
    """The loop, written out from the equation."""
    states = []
    for x_t in x:
        h = np.maximum(x_t @ W_xh + h @ W_hh + b_h, 0)
        states.append(h)
    return np.stack(states)


@every_loop
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("time", "batch"), [(1, 1), (5, 1), (1, 3), (5, 3)])
def test_rnn_equals_numpy(rng, loop, dtype, time, batch):
    shapes = {
        "x": (time, batch, 6),
        "h_0": (batch, 4),
        "W_xh": (6, 4),
        "W_hh": (4, 4),
        "b_h": (4,),
    }
    arrays = {name: rng.standard_normal(shape).astype(dtype) for name, shape in shapes.items()}

    def build(x, h_0, *weights):
        (h,) = loop(cells.rnn, sequences=[x], states=[h_0], constants=weights)
        assert h.type.shape == (time, batch, 4)
        return h

    (h,) = evaluate(build, arrays)
    assert h.dtype == dtype
    np.testing.assert_allclose(h, numpy_rnn(*arrays.values()), rtol=TOLERANCE[dtype], atol=1e-6)


@every_loop
def test_two_sequences_two_states_and_an_extra_output(rng, loop):
    arrays = {
        "x": rng.standard_normal((5, 2)),
        "y": rng.standard_normal((5, 2)),
        "a_0": rng.standard_normal(2),
        "b_0": rng.standard_normal(2),
    }

    def step(x_t, y_t, a_tm1, b_tm1):
        a_t = a_tm1 + x_t
        return a_t, b_tm1 * y_t, a_t * b_tm1

    a, b, extra = evaluate(lambda x, y, a, b: loop(step, [x, y], [a, b]), arrays)
    a_tm1, b_tm1 = arrays["a_0"], arrays["b_0"]
    for t in range(5):
        np.testing.assert_allclose(extra[t], (a_tm1 + arrays["x"][t]) * b_tm1)
        a_tm1, b_tm1 = a_tm1 + arrays["x"][t], b_tm1 * arrays["y"][t]
        np.testing.assert_allclose(a[t], a_tm1)
        np.testing.assert_allclose(b[t], b_tm1)


@every_loop
def test_no_state_is_a_map(loop):
    (doubled,) = evaluate(lambda x: loop(lambda x_t: 2 * x_t, [x], []), {"x": np.arange(6.0)})
    np.testing.assert_array_equal(doubled, 2 * np.arange(6.0))


@every_loop
def test_gradients_agree_with_the_other_loop(rng, loop):
    x = rng.standard_normal((4, 2, 3))
    W = rng.standard_normal((3, 3))

    def build(x, W):
        (h,) = loop(lambda x_t, h, W: at.tanh(x_t + h @ W), [x], [at.zeros((2, 3))], [W])
        return at.grad(at.sum(h**2), W)

    (grad,) = evaluate(build, {"x": x, "W": W})

    def loss(W):
        h, total = np.zeros((2, 3)), 0.0
        for x_t in x:
            h = np.tanh(x_t + h @ W)
            total += (h**2).sum()
        return total

    np.testing.assert_allclose(grad, finite_differences(lambda: loss(W), W), rtol=1e-6, atol=1e-8)


@every_loop
@pytest.mark.parametrize("inner", LOOPS.values(), ids=LOOPS)
def test_loops_nest(rng, loop, inner):
    """A loop over characters inside a loop over words: each row of x is a sequence of its own."""
    x = rng.standard_normal((3, 4, 2))

    def step(x_t, total_tm1):
        (sums,) = inner(lambda c_t, s_tm1: at.tanh(s_tm1 + c_t), [x_t], [total_tm1])
        return sums[-1]

    (totals,) = evaluate(lambda x: loop(step, [x], [at.zeros(2)]), {"x": x})
    total = np.zeros(2)
    for t in range(3):
        for c in range(4):
            total = np.tanh(total + x[t, c])
        np.testing.assert_allclose(totals[t], total)


@every_loop
def test_shapes_that_types_forget_are_known(rng, loop):
    """A reversed sequence, and a state that is the last of another loop."""
    x = rng.standard_normal((4, 2, 3))

    def build(x):
        (h,) = loop(lambda x_t, h: at.tanh(x_t + h), [x[::-1]], [at.zeros((2, 3))])
        (g,) = loop(lambda x_t, h: x_t * h, [x[1:]], [h[-1]])
        return g

    (g,) = evaluate(build, {"x": x})
    h = np.zeros((2, 3))
    for x_t in x[::-1]:
        h = np.tanh(x_t + h)
    for t in range(1, 4):
        h = x[t] * h
        np.testing.assert_allclose(g[t - 1], h)


def test_unknown_loop():
    with pytest.raises(UserError, match="unknown loop 'unroled'; did you mean 'unrolled'"):
        loop_named("unroled")


@pytest.mark.parametrize("k", [1, 2, 3, 6])
def test_k_at_a_time_is_the_same_loop(rng, k):
    """States, extra outputs and gradients, against a loop in NumPy and the scan.

    Rewriting takes seconds; it is done where a part of a loop is written out, and where all is.
    """
    arrays = {"x": rng.standard_normal((6, 2, 3)), "W": rng.standard_normal((3, 3))}

    def step(x_t, h, W):
        h = at.tanh(x_t + h @ W)
        return h, 2 * h

    def build(x, W):
        outputs = []
        for loop in (by(k), scanned):
            h, twice = loop(step, [x], [at.zeros((2, 3))], [W])
            assert h.type.shape == twice.type.shape == (6, 2, 3)
            outputs += [h, twice, *at.grad(at.sum(h * twice), [x, W])]
        return outputs

    results = evaluate(build, arrays, rewrites=k in (2, 6))
    for got, expected in zip(results[:4], results[4:], strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-14)
    h = np.zeros((2, 3))
    for t in range(6):
        h = np.tanh(arrays["x"][t] + h @ arrays["W"])
        np.testing.assert_allclose(results[0][t], h)
        np.testing.assert_allclose(results[1][t], 2 * h)


@pytest.mark.parametrize(
    ("k", "message"),
    [
        (4, r"--loop: got 4 steps at a time for T = 6, needed a divisor of 6 \(1, 2, 3, 6\)"),
        (0, "--loop: got 0, needed at least 1"),
    ],
)
def test_k_that_does_not_fit(rng, k, message):
    with pytest.raises(UserError, match=message):
        loop_named(str(k), time=6)
    with pytest.raises(UserError, match=message):
        by(k)(lambda x_t, h: h + x_t, [at.zeros((6, 2))], [at.zeros(2)])
