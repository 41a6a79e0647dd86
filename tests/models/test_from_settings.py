from graphrnn.errors import UserError
from graphrnn.models import Sizes
from graphrnn.models import from_settings as made
from graphrnn.models.network import PLAIN_SGD, OptimizerConfig
from graphrnn.settings.training import TrainSettings

import numpy as np
import pytest


def test_sizes_are_those_of_the_settings():
    assert made.sizes_of(TrainSettings(hidden=8), 30) == Sizes(30, 8, 0, 1)
    stacked = TrainSettings(model="stacked_lstm", hidden=8, embedding=4, layers=3)
    assert made.sizes_of(stacked, 30) == Sizes(30, 8, 4, 3)


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, PLAIN_SGD),
        ({"momentum": 0.5, "clip": 1.0}, OptimizerConfig("momentum", {"momentum": 0.5}, 1.0)),
        ({"optimizer": "adam", "clip_value": 0.1}, OptimizerConfig("adam", {}, None, 0.1)),
    ],
)
def test_the_optimizer_is_that_of_the_settings(settings, wanted):
    result = made.optimizer_of(TrainSettings(**settings))
    assert result == wanted
    assert result.plain == (wanted is PLAIN_SGD)


def test_weights_are_drawn_from_the_generator_alone():
    settings = TrainSettings(hidden=4, dtype="float64", loop="unrolled", backend="python")
    left, same, right = (made.network_of(settings, 9, np.random.default_rng(n)) for n in (1, 1, 2))
    assert (left.dtype, left.backend) == ("float64", "python")
    drawn = [network.weights["W_xh"].get_value() for network in (left, same, right)]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert (drawn[0] != drawn[2]).any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "eight_char", "time": 1001}, "--time: got 1,001, needed at most 1,000"),
        ({"loop": "unrolled", "time": 10_001}, "--loop: unrolled writes out 10,001 steps"),
        ({"loop": "20000", "time": 40_000}, "--loop: 20000 writes out 20,000 steps"),
    ],
)
def test_more_than_a_graph_can_hold_is_refused(settings, message):
    with pytest.raises(UserError, match=message):
        made.require_short_enough(TrainSettings(**settings))


def test_a_long_scan_is_not_refused():
    made.require_short_enough(TrainSettings(time=10_001))
    made.require_short_enough(TrainSettings(model="eight_char", time=1000))


def test_weights_of_another_shape_or_type_are_named():
    settings = TrainSettings(hidden=4)
    network = made.network_of(settings, 9, np.random.default_rng(0))
    weights = {name: w.get_value() for name, w in network.weights.items()}
    made.require_fitting(settings, 9, weights)
    wrong = weights | {"b_h": np.zeros(5, "float32"), "b_y": np.zeros(9)}
    with pytest.raises(UserError, match="checkpoint: b_h, b_y do not fit a vocabulary of 9 and 4"):
        made.require_fitting(settings, 9, wrong)
