from graphrnn import cells
from graphrnn.errors import ShapeError, UserError
from graphrnn.loops import LOOPS, LoopError, loop_named
from graphrnn.shapes import tensor
from tests.helpers import TOLERANCE, evaluate, finite_differences

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.tensor.random.utils import RandomStream

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


def series(dtype="float32", shape=(4, 2, 3)):
    return tensor("x", dtype, shape)


def state(dtype="float32", shape=(2, 3)):
    return tensor("h_0", dtype, shape)


@every_loop
def test_trap_batch_of_one(loop):
    """A state (1, H) against a step of (B, H): scan would complain of a broadcastable axis."""
    with pytest.raises(
        LoopError,
        match=r"state h_0: the step returns shape \(2, 3\), needed "
        r"\(1, 3\) .* give the initial state its batch",
    ):
        loop(lambda x_t, h: x_t + h, [series()], [state(shape=(1, 3))])


@every_loop
def test_trap_wrong_rank(loop):
    with pytest.raises(
        LoopError, match="state h_0: the step returns 2 axes, needed 1 .* shape .3,"
    ):
        loop(lambda x_t, h: x_t + h, [series()], [state(shape=(3,))])


@every_loop
def test_trap_wrong_dtype(loop):
    with pytest.raises(
        LoopError,
        match=r"state h_0: the step returns float64, needed float32 .*"
        r"\.astype\('float32'\)",
    ):
        loop(lambda x_t, h: x_t + h, [series("float64")], [state("float32")])


@every_loop
def test_trap_missing_updates(loop):
    stream = RandomStream(seed=1)
    with pytest.raises(
        LoopError, match=r"draws random numbers \(normal\).* pass them as a sequence"
    ):
        loop(
            lambda x_t, h: x_t + h + stream.normal(size=(2, 3)),
            [series("float64")],
            [state("float64")],
        )


@every_loop
def test_wrong_shape(loop):
    with pytest.raises(LoopError, match=r"returns shape \(2, 3\), needed \(2, 4\)"):
        loop(lambda x_t, h: x_t + h[:, :3], [series()], [state(shape=(2, 4))])


@every_loop
def test_hidden_shared_variable_is_named(loop):
    W = aesara.shared(np.zeros((3, 3), "float32"), name="W_hh", shape=(3, 3))
    with pytest.raises(LoopError, match="shared variable W_hh .* add it to the constants"):
        loop(lambda x_t, h: x_t + h @ W, [series()], [state()])


@every_loop
def test_too_few_outputs(loop):
    with pytest.raises(LoopError, match="got 1 outputs, needed at least 2"):
        loop(lambda x_t, a, b: a, [series()], [state(), state()])


@every_loop
def test_unknown_length(loop):
    with pytest.raises(ShapeError, match=r"sequence x: got shape \(\?, \?\)"):
        loop(lambda x_t, h: h, [at.matrix("x")], [state()])


@every_loop
def test_unequal_lengths_in_time(loop):
    y = tensor("y", "float32", (5, 2, 3))
    with pytest.raises(ShapeError, match="unequal lengths in time .x 4, y 5."):
        loop(lambda x_t, y_t, h: h, [series(), y], [state()])


@every_loop
def test_unequal_lengths_without_names(loop):
    y = tensor("y", "float32", (5, 2, 3))
    with pytest.raises(ShapeError, match="unequal lengths in time"):
        loop(lambda x_t, y_t: x_t + y_t, [series() * 2, y * 2], [])


@every_loop
def test_no_step_at_all(loop):
    with pytest.raises(ShapeError, match="a length of 0 in time"):
        loop(lambda x_t, h: h, [series(shape=(0, 2, 3))], [state()])


@every_loop
@pytest.mark.parametrize("returned", [None, 3.0, {"h": 1}])
def test_what_is_no_output(loop, returned):
    with pytest.raises(LoopError, match="step: returned .*, needed symbolic tensors"):
        loop(lambda x_t, h: returned, [series()], [state()])


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


@every_loop
@pytest.mark.parametrize(
    ("sequences", "message"), [([], "got none"), ([3.0], "needed a symbolic tensor")]
)
def test_what_is_no_sequence(loop, sequences, message):
    with pytest.raises(LoopError, match=message):
        loop(lambda *a: a[-1], sequences, [state()])


@every_loop
def test_scalar_sequence(loop):
    with pytest.raises(ShapeError, match="sequence x: got a scalar"):
        loop(lambda x_t, h: h, [series(shape=())], [state()])


def test_unknown_loop():
    with pytest.raises(UserError, match="unknown loop 'unroled'; did you mean 'unrolled'"):
        loop_named("unroled")
