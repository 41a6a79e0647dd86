from graphrnn.errors import ShapeError
from graphrnn.graph import losses
from graphrnn.graph.shapes import tensor
from tests.helpers import TOLERANCE, evaluate, finite_differences

import aesara.tensor as at
import numpy as np
import pytest


def numpy_cross_entropy(z, y):
    """Cross-entropy from the definition, in float64."""
    z = z.astype("float64")
    z = z - z.max(-1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(-1, keepdims=True))
    return -np.take_along_axis(log_p, y[..., None].astype("int64"), -1)[..., 0]


def draw(rng, dtype="float64", scale=3.0, shape=(4, 3, 6)):
    z = (scale * rng.standard_normal(shape)).astype(dtype)
    return z, rng.integers(0, shape[-1], shape[:2]).astype("int32")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(1, 1, 2), (4, 1, 6), (4, 3, 6)])
def test_forms_equal_numpy(rng, dtype, shape):
    z, y = draw(rng, dtype, shape=shape)

    def build(z, y):
        errors = losses.cross_entropy(z, y)
        return errors, losses.summed(errors), losses.mean(errors), losses.accuracy(z, y)

    errors, summed, mean, accuracy = evaluate(build, {"z": z, "y": y})
    expected = numpy_cross_entropy(z, y)
    close = {"rtol": TOLERANCE[dtype], "atol": 1e-6}
    assert errors.dtype == summed.dtype == mean.dtype == accuracy.dtype == dtype
    np.testing.assert_allclose(errors, expected, **close)
    np.testing.assert_allclose(summed, expected.sum() / shape[1], **close)
    np.testing.assert_allclose(mean, expected.mean(), **close)
    np.testing.assert_allclose(accuracy, (z.argmax(-1) == y).mean(), rtol=1e-6)


def test_gradient_equals_finite_differences(rng):
    z, y = draw(rng)
    (grad,) = evaluate(
        lambda z, y: at.grad(losses.summed(losses.cross_entropy(z, y)), z), {"z": z, "y": y}
    )
    expected = finite_differences(lambda: numpy_cross_entropy(z, y).sum() / 3, z)
    np.testing.assert_allclose(grad, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale", [1e4, 1e-4, 0.0])
def test_extreme_logits_stay_finite(dtype, scale):
    z = (scale * np.array([[[1, -1, 0], [-1, -1, -1]]])).astype(dtype)
    y = np.array([[1, 2]], dtype="int32")

    def build(z, y):
        errors = losses.cross_entropy(z, y)
        return errors, at.grad(losses.summed(errors), z)

    errors, grad = evaluate(build, {"z": z, "y": y})
    assert np.isfinite(grad).all()
    np.testing.assert_allclose(errors, numpy_cross_entropy(z, y), rtol=1e-6)
    np.testing.assert_allclose(grad.sum(-1), 0, atol=1e-6)


@pytest.mark.parametrize("function", [losses.cross_entropy, losses.accuracy])
def test_misfit_is_named(function):
    with pytest.raises(ShapeError, match="targets: got shape .4, 2., needed .time, batch."):
        function(tensor("z", "float32", (4, 3, 6)), tensor("y", "int32", (4, 2)))
