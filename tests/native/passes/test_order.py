"""Updates, which are written in place where nobody can tell."""

from graphrnn.graph.shapes import tensor
from tests.native_helpers import native, recurrence

import aesara
import aesara.tensor as at
import numpy as np
import pytest


def test_updates_that_read_each_other(rng):
    """Each new value is computed from the old ones, in whatever order they are written."""
    a0, b0 = rng.standard_normal((2, 3, 3))
    a, b = (aesara.shared(v.copy(), name=n, shape=(3, 3)) for v, n in ((a0, "a"), (b0, "b")))
    native([], [], updates=[(a, at.dot(b, b) + a), (b, at.dot(a, a) - b)])()
    np.testing.assert_allclose(a.get_value(), b0 @ b0 + a0)
    np.testing.assert_allclose(b.get_value(), a0 @ a0 - b0)


def test_updates_that_change_places(rng):
    a0, b0 = rng.standard_normal((2, 5))
    a, b = (aesara.shared(v.copy(), name=n, shape=(5,)) for v, n in ((a0, "a"), (b0, "b")))
    step = native([], [a.sum()], updates=[(a, b), (b, a)])
    for _ in range(3):
        (total,) = step()
        np.testing.assert_allclose(total, a0.sum())
        a0, b0 = b0, a0
    np.testing.assert_array_equal(a.get_value(), a0)
    np.testing.assert_array_equal(b.get_value(), b0)


def test_an_update_overwrites_its_parameter(rng):
    W = aesara.shared(rng.standard_normal((4, 4)), name="W", shape=(4, 4))
    step = native([], [], updates=[(W, W * 0.5)])
    step()
    place = W.get_value(borrow=True).ctypes.data
    step()
    assert W.get_value(borrow=True).ctypes.data == place


def test_results_are_not_overwritten_by_the_next_call():
    x = tensor("x", "float64", (3,))
    f = native([x], x * 2)
    first = f(np.ones(3))
    f(np.zeros(3))
    assert first.tolist() == [2.0, 2.0, 2.0]


def test_memory_stays_flat():
    import resource

    x, W, h = recurrence(batch=8, H=16)
    f = native([x, W], [h, at.grad(at.sum(h), W)])
    values = np.ones((6, 8, 16), "f4"), np.ones((16, 16), "f4")
    for _ in range(200):
        f(*values)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(10_000):
        f(*values)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 5_000  # kilobytes


def test_an_error_leaves_parameters_as_they_were():
    """An index outside is found before the update that it would have spoilt."""
    E = aesara.shared(np.ones((4, 2)), name="E", shape=(4, 2))
    i = tensor("i", "int64", (3,))
    step = native([i], [], updates=[(E, at.inc_subtensor(E[i], E[i] * 2) * 0.5)])
    with pytest.raises(IndexError):
        step(np.array([0, 1, 9]))
    np.testing.assert_array_equal(E.get_value(), np.ones((4, 2)))
    step(np.array([0, 1, 1]))
    np.testing.assert_array_equal(E.get_value()[:, 0], [1.5, 2.5, 0.5, 0.5])
