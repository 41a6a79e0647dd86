from graphrnn import models
from graphrnn.errors import UserError

import numpy as np
import pytest


@pytest.mark.parametrize("name", models.MODELS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_initial_weights(rng, name, dtype):
    weights = models.MODELS[name].initial_weights(rng, models.Sizes(9, 4), dtype)
    assert {value.dtype.name for value in weights.values()} == {dtype}
    assert weights["W_hy"].shape == (4, 9)
    assert all(np.isfinite(value).all() for value in weights.values())


def test_theano_rnn_starts_as_the_lesson_does(rng):
    weights = models.theano_rnn_weights(rng, models.Sizes(9, 4), "float32")
    np.testing.assert_array_equal(weights["W_hh"], np.eye(4))
    assert not weights["b_h"].any()
    assert not weights["b_y"].any()


def test_unknown_model_has_near_matches():
    with pytest.raises(UserError, match="unknown model 'teano_rnn'; did you mean 'theano_rnn'"):
        models.model_named("teano_rnn")
