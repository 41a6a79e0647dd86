"""The compiled function: what it takes, and what it gives back."""

from graphrnn.graph.shapes import tensor
from tests.native_helpers import native

import aesara
import numpy as np
import pytest


def test_arrays_are_brought_into_order_and_never_changed():
    x = tensor("x", "float64", (3, 2))
    inner = native([x], x * 2).vm.jit_fn
    value = np.arange(6.0).reshape(2, 3)
    (got,) = inner(value.T)
    np.testing.assert_array_equal(got, value.T * 2)
    np.testing.assert_array_equal(value, np.arange(6.0).reshape(2, 3))
    with pytest.raises(ValueError, match=r"x: got shape \(2, 3\), needed \(3, 2\)"):
        inner(value)


def test_updates_in_place_give_the_array_that_they_were_given():
    w = aesara.shared(np.ones(3), "w", shape=(3,))
    inner = native([], [], updates=[(w, w + 1)]).vm.jit_fn
    assert inner.in_place == {0: 0}
    value = np.zeros(3)
    (got,) = inner(value)
    assert got is value
    assert value.tolist() == [1, 1, 1]
