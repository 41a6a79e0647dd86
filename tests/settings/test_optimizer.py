from graphrnn.errors import UserError
from graphrnn.graph import updates
from graphrnn.settings import schedules
from graphrnn.settings.messages import describe
from graphrnn.settings.optimizer import LearningSettings

import pytest
from pydantic import ValidationError


def test_every_optimizer_can_be_chosen():
    for name in updates.OPTIMIZERS:
        assert LearningSettings(optimizer=name).optimizer_call == (name, {})


@pytest.mark.parametrize(
    ("settings", "call"),
    [
        ({}, ("sgd", {})),
        ({"momentum": 0.0}, ("sgd", {})),
        ({"momentum": 0.5}, ("momentum", {"momentum": 0.5})),
        ({"optimizer": "momentum"}, ("momentum", {})),
        ({"optimizer": "nesterov", "momentum": 0.0}, ("nesterov", {"momentum": 0.0})),
    ],
)
def test_momentum_belongs_to_the_optimizers_that_have_it(settings, call):
    assert LearningSettings(**settings).optimizer_call == call


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, 0.2),
        ({"schedule": "step", "decay_at": (100, 400)}, 0.02),
        ({"schedule": "step", "decay_at": (100, 300), "decay": 0.5}, 0.05),
        ({"schedule": "exponential"}, 0.2),
        ({"schedule": "exponential", "decay_every": 100, "decay": 0.5}, 0.025),
        ({"schedule": "cosine"}, schedules.cosine(0.2, 300, total=1000)),
        (
            {"schedule": "cosine", "final_rate": 0.1},
            schedules.cosine(0.2, 300, total=1000, end=0.1),
        ),
    ],
)
def test_rate_follows_its_schedule(settings, expected):
    assert LearningSettings(learning_rate=0.2, **settings).learning_rate_after(
        300, 1000
    ) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer": "adam", "momentum": 0.9}, "--momentum: got it with --optimizer adam, which"),
        ({"decay": 0.5}, "--decay: got it with --schedule constant, .* step or exponential"),
        ({"schedule": "cosine", "decay_every": 5}, "--decay-every: .* use --schedule exponential"),
        ({"schedule": "step"}, "--decay-at: got none, needed with --schedule step"),
        ({"schedule": "step", "decay_at": ()}, "--decay-at: got none"),
        (
            {"schedule": "cosine", "final_rate": 1.0},
            "--final-rate: got 1, needed at most --learning-rate",
        ),
    ],
)
def test_an_option_without_use_is_refused(settings, message):
    with pytest.raises(UserError, match=message):
        LearningSettings(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer": "adamw"}, "--optimizer: got adamw, needed 'sgd', 'momentum', 'nesterov', "),
        ({"momentum": 1.0}, "--momentum: got 1.0, needed a value less than 1"),
        ({"clip_value": 0.0}, "--clip-value: got 0.0, needed a value greater than 0"),
        ({"schedule": "exponential", "decay": 1.5}, "--decay: got 1.5, needed a value less than"),
        ({"schedule": "step", "decay_at": (0,)}, "--decay-at: got 0, needed a value greater"),
        ({"schedule": "linear"}, "--schedule: got linear, needed 'constant', 'step', "),
    ],
)
def test_values_out_of_range_are_one_line(settings, message):
    with pytest.raises(ValidationError) as caught:
        LearningSettings(**settings)
    assert describe(caught.value).startswith(message)
