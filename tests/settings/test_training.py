import dataclasses

from graphrnn.errors import UserError
from graphrnn.settings.messages import describe
from graphrnn.settings.recipes import recipe_for
from graphrnn.settings.sampling import SampleSettings
from graphrnn.settings.training import TrainSettings

import pytest
from pydantic import ValidationError


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden": 0}, "--hidden: got 0, needed a value greater than 0"),
        ({"hidden": "many"}, "--hidden: got many, needed a valid integer"),
        ({"learning_rate": -1}, "--learning-rate: got -1, needed a value greater than 0"),
        ({"learning_rate": float("nan")}, "--learning-rate: got nan, needed a finite number"),
        ({"learning_rate": float("inf")}, "--learning-rate: got inf, needed a finite number"),
        ({"model": "stacked_lstm", "layers": 0}, "--layers: got 0, needed a value greater than 0"),
        (
            {"model": "stacked_lstm", "dropout": 1.0},
            "--dropout: got 1.0, needed a value less than 1",
        ),
        ({"time": 0}, "--time: got 0, needed a value greater than 0"),
        (
            {"optimizer": "adamm"},
            "--optimizer: got adamm, needed 'sgd', 'momentum', 'nesterov', 'rmsprop' or 'adam'",
        ),
        ({"held_out": 0.9}, "--held-out: got 0.9, needed a value less than or equal to 0.5"),
        ({"dtype": "float16"}, "--dtype: got float16, needed 'float32' or 'float64'"),
        ({"momentum": 1}, "--momentum: got 1, needed a value less than 1"),
        ({"momentum": -0.1}, "--momentum: got -0.1, needed a value greater than or equal to 0"),
        ({"hidden": 70000}, "--hidden: got 70000, needed a value less than or equal to 65536"),
        ({"seed": 2**63}, f"--seed: got {2**63}, needed a value less than {2**63}"),
        ({"seed": -1}, "--seed: got -1, needed a value greater than or equal to 0"),
        ({"hiden": 5}, "--hiden: got 5, needed Unexpected keyword argument"),
    ],
)
def test_out_of_range(settings, message):
    with pytest.raises(ValidationError) as error:
        TrainSettings(**settings)
    assert describe(error.value) == message


@pytest.mark.parametrize("kind", [TrainSettings, SampleSettings])
def test_settings_are_frozen_and_every_field_has_a_default(kind):
    settings = kind()
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.seed = 1


def test_what_is_left_out_is_as_the_network_has_it():
    settings = TrainSettings(model="stacked_lstm")
    assert (settings.time, settings.hidden, settings.layers, settings.dropout) == (40, 512, 2, 0.2)
    assert (settings.optimizer, settings.learning_rate) == ("adam", 1e-3)
    assert (TrainSettings().optimizer, TrainSettings().learning_rate, TrainSettings().batch) == (
        "sgd",
        0.01,
        1,
    )
    assert TrainSettings(time=5, model="gru").time == 5
    assert TrainSettings(optimizer="adam").learning_rate == 1e-3
    assert TrainSettings(model="gru", optimizer="sgd").learning_rate == 0.01
    assert dataclasses.replace(settings, seed=1).layers == 2


@pytest.mark.parametrize("option", [{"layers": 2}, {"dropout": 0.1}, {"embedding": 4}])
def test_an_option_that_the_network_has_not(option):
    (name,) = option
    with pytest.raises(UserError, match=f"--{name}: theano_rnn has no {name}; leave it out"):
        TrainSettings(**option)


def test_old_names_are_read_as_the_new_ones():
    settings = TrainSettings(optimiser="adam", rate=0.1)
    assert (settings.optimizer, settings.learning_rate) == ("adam", 0.1)
    assert settings.given == {"optimizer", "learning_rate"}
    with pytest.raises(ValidationError, match="rate"):
        TrainSettings(rate=0.1, learning_rate=0.2)


def test_a_recipe_and_what_is_given_in_its_place():
    settings = TrainSettings.from_recipe(recipe_for("gru"), {"model": "gru", "hidden": None})
    assert settings == TrainSettings(model="gru")
    assert settings.given == {"model", "hidden"}
    with pytest.raises(ValidationError, match="embedding"):
        TrainSettings.from_recipe(recipe_for("gru"), {"model": "gru", "embedding": 0})
