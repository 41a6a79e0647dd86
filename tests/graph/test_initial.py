from graphrnn.graph import initial

import numpy as np
import pytest


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_glorot(rng, dtype):
    W = initial.glorot(rng, 300, 500, dtype)
    assert W.shape == (300, 500)
    assert W.dtype == dtype
    assert W.var() == pytest.approx(2 / 800, rel=0.02)
    assert W.mean() == pytest.approx(0, abs=1e-3)


def test_he(rng):
    W = initial.he(rng, 300, 500, "float64")
    assert W.shape == (300, 500)
    assert W.dtype == "float64"
    assert W.var() == pytest.approx(2 / 300, rel=0.02)


def test_glorot_repeats_with_its_seed():
    draws = [initial.glorot(np.random.default_rng(seed), 4, 4) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert (draws[0] != draws[2]).any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_identity_and_zeros(dtype):
    assert initial.identity(3, dtype).dtype == initial.zeros(3, dtype).dtype == dtype
    np.testing.assert_array_equal(initial.identity(3, dtype), np.eye(3))
    np.testing.assert_array_equal(initial.zeros(3, dtype), [0, 0, 0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_others(rng, dtype):
    drawn = {
        "ones": initial.ones(3, dtype),
        "uniform": initial.uniform(rng, 200, 300, dtype),
        "lstm_bias": initial.lstm_bias(2, dtype),
    }
    assert {value.dtype.name for value in drawn.values()} == {dtype}
    assert abs(drawn["uniform"]).max() <= 0.05
    assert drawn["uniform"].var() == pytest.approx(0.05**2 / 3, rel=0.02)
    assert drawn["lstm_bias"].tolist() == [0, 0, 1, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gaussian(rng, dtype):
    W = initial.gaussian(rng, 300, 500, dtype)
    assert W.shape == (300, 500)
    assert W.dtype == dtype
    assert W.var() == pytest.approx(1, rel=0.02)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("float64", 1e-14)])
def test_orthogonal_keeps_lengths(rng, dtype, tolerance):
    W = initial.orthogonal(rng, 30, dtype)
    assert W.dtype == dtype
    np.testing.assert_allclose(W @ W.T, np.eye(30), atol=tolerance)


def test_orthogonal_is_even_among_all(rng):
    """Without the signs of R, the diagonal would lean to one side."""
    diagonal = np.mean(
        [np.diag(initial.orthogonal(rng, 3, "float64")) for _ in range(2000)], axis=0
    )
    np.testing.assert_allclose(diagonal, 0, atol=0.06)
