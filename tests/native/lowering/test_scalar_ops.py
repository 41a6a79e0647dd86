"""The arithmetic of single elements: its error, and what is not a number."""

from graphrnn.graph.shapes import tensor
from tests.native_helpers import PYTHON, build, native

import aesara.tensor as at
import numpy as np
import pytest

pytestmark = pytest.mark.shipped_flags


def all_floats(rng, n=200_000):
    """Draw floats of every size, with the awkward ones."""
    values = rng.integers(0, 2**32, n, dtype=np.uint64).astype(np.uint32).view(np.float32)
    awkward = [0, -0.0, 1e-45, -1e-45, 1e-38, 88.7, 88.8, -103.9, -104.1, np.inf, -np.inf, np.nan]
    near = rng.uniform(-110, 110, n)
    rest = np.concatenate([awkward, near, rng.uniform(-1, 1, n)]).astype("f4")
    return np.concatenate([values, rest])


ULPS = {"exp": 2, "tanh": 4, "sigmoid": 4}
"""Largest error in units in the last place."""


@pytest.mark.parametrize("name", ULPS)
def test_own_mathematics_is_within_its_bound(rng, name):
    values = all_floats(rng)
    x = at.TensorType("float32", values.shape)("x")
    with np.errstate(all="ignore"):
        exact = {
            "exp": lambda v: np.exp(v),
            "tanh": lambda v: np.tanh(v),
            "sigmoid": lambda v: np.where(
                v >= 0, 1 / (1 + np.exp(-v)), np.exp(v) / (1 + np.exp(v))
            ),
        }[name](values.astype("float64"))
        got = native([x], getattr(at, name)(x))(values)
        rounded = exact.astype("f4")
        special = ~np.isfinite(rounded)
        np.testing.assert_array_equal(got[special], rounded[special])
        spacing = np.spacing(np.maximum(np.abs(rounded[~special]), np.float32(1e-45)))
        error = np.abs(got[~special] - exact[~special]) / spacing
    assert error.max() <= ULPS[name], values[~special][error.argmax()]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_not_a_number_is_handed_on(dtype):
    x = tensor("x", dtype, (4,))
    value = np.array([np.nan, 1.0, np.inf, -np.inf], dtype)
    outputs = [at.maximum(x, 0), at.minimum(0, x), at.max(x), at.isnan(x), at.isinf(x), at.sum(x)]
    for got, wanted in zip(
        native([x], outputs)(value), build([x], outputs, PYTHON)(value), strict=True
    ):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_signed_zeros_and_infinities_are_kept(dtype):
    """What NumPy's own functions give, bit for bit where it is zero, infinite or no number."""
    tiny, huge = np.finfo(dtype).smallest_subnormal, np.finfo(dtype).max
    values = [0.0, -0.0, np.inf, -np.inf, np.nan, 1, -1, 0.5, -0.5, 2.5, -1.5, tiny, -tiny, huge]
    one = np.array(values, dtype)
    x = at.TensorType(dtype, one.shape)("x")
    names = [
        *("exp", "expm1", "log", "log1p", "log2", "log10", "tanh", "sqrt", "abs", "floor", "ceil"),
        *("trunc", "exp2", "sin", "tan", "arctan", "sinh", "arcsinh", "arctanh", "square"),
    ]
    unary = {name: (getattr(at, name), getattr(np, name)) for name in names}
    unary["sgn"] = at.sgn, np.sign
    unary["round"] = (lambda v: at.round(v, mode="half_to_even")), np.rint
    unary["neg"] = at.neg, np.negative
    unary["reciprocal"] = at.reciprocal, np.reciprocal
    with np.errstate(all="ignore"):
        got = native([x], [symbolic(x) for symbolic, _ in unary.values()])(one)
        for name, result in zip(unary, got, strict=True):
            alike(result, unary[name][1](one), name)
    pairs = np.array([(a, b) for a in values for b in values], dtype)
    x, y = (at.TensorType(dtype, (len(pairs),))(name) for name in "xy")
    a, b = pairs.T.copy()
    nonzero = [at.switch(at.eq(v, 0), 3, v) for v in (x, y)]  # the larger of 0 and -0 is either
    c, d = (np.where(v == 0, np.dtype(dtype).type(3), v) for v in (a, b))
    two = np.dtype(dtype).type(2)
    clipped = at.clip(nonzero[0], nonzero[1], 2)
    with np.errstate(all="ignore"):
        wanted = [a + b, a - b, a * b, a / b, np.arctan2(a, b), a % b, a // b, np.power(a, b),
                  np.maximum(c, d), np.minimum(c, d),
                  np.where(c < d, d, np.where(c > two, two, c))]  # fmt: skip
        outputs = [x + y, x - y, x * y, x / y, at.arctan2(x, y), x % y, x // y, x**y,
                   at.maximum(*nonzero), at.minimum(*nonzero), clipped]  # fmt: skip
        for k, result in enumerate(native([x, y], outputs)(a, b)):
            alike(result, wanted[k], str(outputs[k]))


def alike(got, wanted, name):
    """Compare numbers, and signs of all that are numbers."""
    np.testing.assert_allclose(got, wanted, rtol=3e-6, atol=0, err_msg=name)
    numbers = ~np.isnan(wanted)
    np.testing.assert_array_equal(np.signbit(got[numbers]), np.signbit(wanted[numbers]), name)


def test_loading_leaves_denormals_alone():
    """-ffast-math would have switched them off for the whole process."""
    x = tensor("x", "float32", (1,))
    native([x], x * 2)
    assert np.float32(1e-40) * np.float32(0.5) > 0


def test_clip_between_bounds_that_are_out_of_order_or_none():
    """Low where x < low, else high where x > high, else x: in this order, as Aesara has it."""
    grid = np.meshgrid(*[np.array([-1.0, 0.5, 2.0, np.nan])] * 3)
    values = [v.ravel() for v in grid]
    x, low, high = (tensor(name, "float64", (64,)) for name in ("x", "low", "high"))
    with np.errstate(all="ignore"):
        wanted = np.where(values[0] < values[1], values[1],
                          np.where(values[0] > values[2], values[2], values[0]))  # fmt: skip
    np.testing.assert_array_equal(native([x, low, high], at.clip(x, low, high))(*values), wanted)
