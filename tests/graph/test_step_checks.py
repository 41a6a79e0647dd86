"""What a step must be is checked alike by every driver, before anything compiles."""

from graphrnn.errors import ShapeError
from graphrnn.graph.loops import LOOPS, LoopError, by
from graphrnn.graph.shapes import tensor

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.tensor.random.utils import RandomStream

EVERY = LOOPS | {"2": by(2)}
every_loop = pytest.mark.parametrize("loop", EVERY.values(), ids=EVERY)


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
