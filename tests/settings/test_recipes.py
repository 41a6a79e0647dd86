from graphrnn.settings.recipes import RECIPES, recipe_for
from graphrnn.settings.training import TrainSettings

import pytest


@pytest.mark.parametrize("model", RECIPES)
def test_a_recipe_is_what_the_settings_are_filled_with(model):
    settings, recipe = TrainSettings(model=model), recipe_for(model)
    for name in (
        "time",
        "batch",
        "hidden",
        "embedding",
        "layers",
        "dropout",
        "optimizer",
        "learning_rate",
    ):
        assert getattr(settings, name) == getattr(recipe, name)


def test_a_name_that_is_not_known_has_a_plain_one():
    assert recipe_for("nothing").windows == "shuffled"
