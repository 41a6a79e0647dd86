from graphrnn import updates
from graphrnn.backends import compile_graph
from graphrnn.errors import UserError
from graphrnn.shapes import tensor
from tests.helpers import TOLERANCE, evaluate

import aesara
import aesara.tensor as at
import numpy as np
import pytest


def shared(value, name="W"):
    return aesara.shared(value.copy(), name=name, shape=value.shape)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("keep", [None, 0.0, 0.9])
def test_rules_follow_their_equations(rng, dtype, keep):
    start = [rng.standard_normal(shape).astype(dtype) for shape in [(3, 2), (2,)]]
    params = [shared(value, f"p{i}") for i, value in enumerate(start)]

    def graph():
        rate = tensor("rate", dtype, ())
        grads = updates.gradients(sum(at.sum(p**3) for p in params), params)
        rule = updates.sgd if keep is None else updates.momentum
        more = () if keep is None else (keep,)
        return [rate], [], rule(params, grads, rate, *more)

    step = compile_graph(graph, name="step", backend="python")
    expected, velocity = [v.copy() for v in start], [np.zeros_like(v) for v in start]
    for _ in range(3):
        step(np.asarray(0.01, dtype))
        for i, value in enumerate(expected):
            velocity[i] = (keep or 0) * velocity[i] - 0.01 * 3 * value**2
            expected[i] = value + velocity[i]
    for param, value in zip(params, expected, strict=True):
        assert param.get_value().dtype == dtype
        np.testing.assert_allclose(param.get_value(), value, rtol=TOLERANCE[dtype])


@pytest.mark.parametrize("largest", [1e-3, 1.0, 1e6])
def test_clipping(rng, largest):
    a, b = rng.standard_normal((3, 2)), rng.standard_normal(4)
    clipped = evaluate(lambda a, b: updates.clipped([a, b], largest), {"a": a, "b": b})
    norm = np.sqrt((a**2).sum() + (b**2).sum())
    for got, value in zip(clipped, [a, b], strict=True):
        np.testing.assert_allclose(got, value * min(1, largest / norm), rtol=1e-12)


def test_clipping_zero_gradients_divides_by_nothing():
    (clipped,) = evaluate(lambda a: updates.clipped([a], 1.0), {"a": np.zeros(3)})
    np.testing.assert_array_equal(clipped, 0)


def test_loss_must_be_a_scalar():
    W = shared(np.ones(2))
    with pytest.raises(UserError, match="loss: got 1 axes, needed a scalar"):
        updates.gradients(W**2, [W])


def test_parameter_apart_from_the_loss_is_named():
    W, b = shared(np.ones(2)), shared(np.ones(2), "b_unused")
    with pytest.raises(UserError, match="does not depend on b_unused;"):
        updates.gradients(at.sum(W**2), [W, b])


@pytest.mark.parametrize("rate", [0.5, np.float64(0.5)])
def test_a_rate_of_another_dtype_keeps_the_parameters(rate):
    W = shared(np.ones(2, "float32"))
    ((_, after),) = updates.sgd([W], [2 * W], rate)
    assert after.dtype == "float32"
    assert after.eval().tolist() == [0.0, 0.0]


def test_clipping_nothing_is_nothing():
    assert updates.clipped([], 1.0) == []
