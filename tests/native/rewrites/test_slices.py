"""Slices of slices."""

from graphrnn.graph.shapes import tensor
from tests.native.networks import agree

import aesara.tensor as at
import pytest


@pytest.mark.parametrize("piece", [slice(1, None), slice(-1, -1, 2), slice(0, 0), slice(0, 1)])
@pytest.mark.parametrize("length", [1, 3])
def test_a_slice_of_a_sum_may_be_empty(rng, piece, length):
    """Aesara's own rewrite takes (x + y)[1:] for x + y where both have one element."""
    x, y = tensor("x", "float64", (length,)), tensor("y", "float64", (length,))
    values = [rng.standard_normal(length) for _ in range(2)]
    agree([x, y], [(x + y)[piece], at.exp(x)[piece], (x / 2)[piece][:1]], values)


def test_an_axis_of_a_slice_is_dropped_in_silence(rng, capfd):
    """Aesara's own rewrite of this fails, and says so on the standard error."""
    x = tensor("x", "float64", (1, 3, 5))
    agree([x], [at.tanh(x)[::-1].dimshuffle(1, 2)], [rng.standard_normal((1, 3, 5))])
    assert "BUG" not in capfd.readouterr().err
