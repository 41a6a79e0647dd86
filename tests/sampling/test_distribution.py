from graphrnn.errors import UserError
from graphrnn.sampling.distribution import draws_of, probabilities

import numpy as np
import pytest


def test_probabilities_are_the_softmax(rng):
    z = rng.standard_normal(9).astype("float32")
    p = probabilities(z, temperature=0.7)
    expected = np.exp(z[1:].astype("float64") / 0.7)
    np.testing.assert_allclose(p[1:], expected / expected.sum(), rtol=1e-12)
    assert p[0] == 0
    assert p.dtype == np.float64


@pytest.mark.parametrize("k", [1, 3, 8, 100])
def test_top_k_lets_k_through(rng, k):
    p = probabilities(rng.standard_normal(9), top_k=k)
    assert (p > 0).sum() == min(k, 8)
    tied = probabilities(np.zeros(9), top_k=k)
    assert (tied > 0).sum() == min(k, 8)
    assert p.sum() == pytest.approx(1)


def test_entropy_grows_with_temperature(rng):
    z = rng.standard_normal(50)

    def entropy(temperature):
        p = probabilities(z, temperature)
        return -(p[p > 0] * np.log(p[p > 0])).sum()

    entropies = [entropy(t) for t in (0.01, 0.3, 0.8, 1.0, 2.0, 100.0)]
    assert entropies == sorted(entropies)


def test_a_state_that_left_the_finite_numbers_is_one_line(rng):
    with pytest.raises(UserError, match="its state left the finite numbers"):
        probabilities(np.array([0.0, np.inf, 1.0]))


def test_the_coldest_temperature_is_greedy():
    p = probabilities(np.array([9.0, 1.0, 2.0]), temperature=1e-310)
    assert p.tolist() == [0.0, 0.0, 1.0]


def test_each_seed_and_prompt_has_draws_of_its_own():
    prompts = [np.array(p, dtype=np.int32) for p in ([], [3], [3, 1], [1, 3])]
    drawn = {np.random.default_rng(draws_of(s, p)).random() for s in (0, 1) for p in prompts}
    assert len(drawn) == 8
