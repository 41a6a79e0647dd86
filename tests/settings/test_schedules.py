from graphrnn.settings import schedules

import numpy as np
import pytest


def test_constant():
    assert {schedules.constant(0.3, n) for n in range(5)} == {0.3}


@pytest.mark.parametrize("factor", [0.1, 0.5])
def test_step_multiplies_at_each_moment(factor):
    rate, moments = 0.2, (3, 7)
    for n in range(10):
        assert schedules.step(0.2, n, at=moments, factor=factor) == pytest.approx(rate)
        if n + 1 in moments:
            rate *= factor


def test_exponential_is_the_lessons_loop():
    """The lesson multiplies by 0.95 after each thousandth sequence."""
    rate = 0.1
    for i in range(5000):
        assert schedules.exponential(0.1, i) == pytest.approx(rate, rel=1e-12)
        if i % 1000 == 999:
            rate *= 0.95


def test_cosine_is_half_a_wave():
    done = np.arange(0, 101)
    got = [schedules.cosine(0.4, n, total=100, end=0.1) for n in done]
    np.testing.assert_allclose(got, 0.25 + 0.15 * np.cos(np.pi * done / 100))
    assert schedules.cosine(0.4, 1000, total=100, end=0.1) == pytest.approx(0.1)
