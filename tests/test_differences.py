"""Slopes by finite differences: right where there is one, none at an edge, and what a miss is."""

from tests.differences import Slope, curvature, misses, slope

import numpy as np
import pytest

X = np.array([0.3, -1.2, 0.7])
ALONG, ACROSS = [np.array([1.0, -2.0, 0.5])], [np.array([0.5, 1.0, -1.0])]


def test_slope_of_a_smooth_function():
    result = slope(lambda v: np.sin(v[0]).sum(), [X], ALONG)
    assert result.value == pytest.approx(np.sum(np.cos(X) * ALONG[0]), abs=1e-10)
    assert result.error < 1e-6


def test_curvature_of_a_smooth_function():
    """vᵀ H u of Σ x₀ x₁² + exp(x₂), whose Hessian is written down."""
    x, y, z = X
    hessian = np.array([[0, 2 * y, 0], [2 * y, 2 * x, 0], [0, 0, np.exp(z)]])
    result = curvature(lambda v: v[0][0] * v[0][1] ** 2 + np.exp(v[0][2]), [X], ALONG, ACROSS)
    assert result.value == pytest.approx(ALONG[0] @ hessian @ ACROSS[0], abs=1e-6)


@pytest.mark.parametrize(
    "f",
    [
        lambda v: np.abs(v[0] - X).sum(),
        lambda v: np.maximum(v[0], X).sum(),
        lambda v: np.floor(v[0] - X + 1e-9).sum(),
        lambda v: np.where(v[0] > X + 4e-6, 1.0, 0.0).sum() + np.sin(v[0]).sum(),
        lambda v: np.log(v[0] - 5).sum(),
    ],
    ids=["edge", "larger", "jump", "a jump close by", "not a number"],
)
def test_no_slope_where_there_is_none(f):
    with np.errstate(invalid="ignore"):
        assert slope(f, [X], ALONG) is None


def test_an_edge_a_little_away_is_stepped_short_of():
    f = lambda v: np.maximum(v[0], X + 2e-4).sum() + np.sin(v[0]).sum()  # noqa: E731
    assert slope(f, [X], ALONG).value == pytest.approx(np.sum(np.cos(X) * ALONG[0]), abs=1e-6)


def test_what_misses():
    gradient = np.cos(X)
    result = slope(lambda v: np.sin(v[0]).sum(), [X], ALONG)
    assert misses(result, [gradient], ALONG) == ""
    for k in range(3):
        wrong = gradient.copy()
        wrong[k] *= 1.0001
        assert misses(result, [wrong], ALONG).startswith("slope along a random direction: got")
    assert misses(Slope(0.0, 0.0), [np.zeros(3)], ALONG) == ""
    assert misses(Slope(0.0, 0.0), [np.full(3, np.nan)], ALONG)
