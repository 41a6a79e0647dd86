from graphrnn import models
from graphrnn.errors import UserError
from graphrnn.models import model as m
from graphrnn.settings.recipes import RECIPES
from tests import oracles
from tests.ladder import SIZES

import numpy as np
import pytest


@pytest.mark.parametrize("name", models.MODELS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_initial_weights(rng, name, dtype):
    model = models.MODELS[name]
    weights = model.initial_weights(rng, SIZES, dtype)
    assert {value.dtype.name for value in weights.values()} == {dtype}
    assert {n: value.shape for n, value in weights.items()} == model.weight_shapes(SIZES)
    assert weights["W_hy"].shape == (5, 9)
    assert all(np.isfinite(value).all() for value in weights.values())


def test_every_model_has_a_recipe_and_an_oracle():
    assert set(models.MODELS) == set(RECIPES) == set(oracles.LOGITS)


def test_unknown_model_has_near_matches():
    with pytest.raises(UserError, match="unknown model 'teano_rnn'; did you mean 'theano_rnn'"):
        models.model_named("teano_rnn")


def test_predictions_are_of_every_step_or_of_the_last():
    assert (m.every_step(7), m.last_step(7)) == (7, 1)
    assert {name for name, one in models.MODELS.items() if one.predictions(8) == 1} == {
        "three_char",
        "eight_char",
        "rnn",
    }
