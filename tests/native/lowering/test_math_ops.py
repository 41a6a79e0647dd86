"""Products and reductions."""

from graphrnn.graph.shapes import tensor
from graphrnn.native.ir.program import ArgMax, Reduce
from tests.native.networks import T, kinds
from tests.native_helpers import native

import aesara.tensor as at
import numpy as np
import pytest

pytestmark = pytest.mark.shipped_flags


@pytest.mark.parametrize("n", [10_000, 1_000_003])
def test_long_sums_of_float32_lose_little(rng, n):
    values = rng.uniform(0, 1, n).astype("float32")
    x = tensor("x", "float32", (n,))
    got = native([x], at.sum(x, acc_dtype="float32"))(values)
    assert abs(got / values.astype("float64").sum() - 1) < 2e-5


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (1, 7, 300), (13, 1, 5), (50, 33, 700), (300, 260, 40)]
)
@pytest.mark.parametrize("transposed", ["", "a", "b", "ab"])
def test_products_of_every_layout(rng, threads, dtype, shape, transposed):
    m, n, k = shape
    A, B = (rng.standard_normal(s).astype(dtype) for s in [(m, k), (k, n)])
    A, B = A.T.copy() if "a" in transposed else A, B.T.copy() if "b" in transposed else B
    a, b = tensor("a", dtype, A.shape), tensor("b", dtype, B.shape)
    product = at.dot(a.T if "a" in transposed else a, b.T if "b" in transposed else b)
    got = native([a, b], product)(A, B)
    wanted = (A.T if "a" in transposed else A) @ (B.T if "b" in transposed else B)
    np.testing.assert_allclose(got, wanted, rtol=1e-4 if dtype == "float32" else 1e-11, atol=1e-4)


@pytest.mark.parametrize("length", [2, 7, 31, 32, 33, 86])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
def test_the_largest_and_its_place_are_found_together(rng, length, dtype):
    x = tensor("x", dtype, (T, length))
    function = native([x], at.max_and_argmax(x, axis=1))
    assert kinds(function.vm.jit_fn.program).count(ArgMax) == 1
    assert Reduce not in kinds(function.vm.jit_fn.program)
    value = rng.integers(-3, 4, (T, length)).astype(dtype)
    for row in range(2 if dtype == "int32" else 3):
        if row == 2:
            value[1, length - 1] = value[2, length // 2 :] = np.nan
        kept = value.copy()
        largest, place = function(value)
        np.testing.assert_array_equal(value, kept)
        np.testing.assert_array_equal(largest, value.max(axis=1))
        np.testing.assert_array_equal(place, value.argmax(axis=1))
        assert (largest.dtype, place.dtype) == (dtype, "int64")
        value = -value
