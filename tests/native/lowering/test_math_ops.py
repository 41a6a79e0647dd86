"""Products and reductions."""

from graphrnn.graph.shapes import tensor
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
