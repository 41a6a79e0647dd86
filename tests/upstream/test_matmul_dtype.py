"""A product by `matmul` has the dtype that its factors are cast to, in the graph as in NumPy."""

from graphrnn.upstream import matmul_dtype  # noqa: F401

import aesara
import aesara.tensor as at
import numpy as np
import pytest

DTYPES = ["float32", "float64", "int8", "int64", "bool"]


@pytest.mark.parametrize("left", DTYPES)
@pytest.mark.parametrize("right", DTYPES)
@pytest.mark.parametrize("floatX", ["float32", "float64"])
def test_the_dtype_is_that_of_numpy(left, right, floatX):
    a, b = np.ones((2, 3), left), np.ones((3, 2), right)
    with aesara.config.change_flags(floatX=floatX):
        product = at.matmul(at.as_tensor(a), at.as_tensor(b))
    assert product.type.dtype == np.matmul(a, b).dtype


def test_a_dtype_that_is_asked_for_is_kept():
    x = at.TensorType("float32", (2, 2))("x")
    assert at.matmul(x, x, dtype="float64").type.dtype == "float64"


def test_shapes_are_those_of_stock():
    a, b = at.TensorType("float64", (5, 2, 3))("a"), at.TensorType("float64", (5, 3, 4))("b")
    assert at.matmul(a, b).type.ndim == 3
    assert at.matmul(a[0], b[0]).type.ndim == 2
