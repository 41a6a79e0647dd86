from graphrnn import initial

import numpy as np
import pytest


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_glorot(rng, dtype):
    W = initial.glorot(rng, 300, 500, dtype)
    assert W.shape == (300, 500)
    assert W.dtype == dtype
    assert W.var() == pytest.approx(2 / 800, rel=0.02)
    assert W.mean() == pytest.approx(0, abs=1e-3)


def test_glorot_repeats_with_its_seed():
    draws = [initial.glorot(np.random.default_rng(seed), 4, 4) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert (draws[0] != draws[2]).any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_identity_and_zeros(dtype):
    assert initial.identity(3, dtype).dtype == initial.zeros(3, dtype).dtype == dtype
    np.testing.assert_array_equal(initial.identity(3, dtype), np.eye(3))
    np.testing.assert_array_equal(initial.zeros(3, dtype), [0, 0, 0])
