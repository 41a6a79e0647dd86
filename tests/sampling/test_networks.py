from graphrnn.errors import UserError
from graphrnn.models.from_settings import network_of
from graphrnn.sampling.networks import carries_state, network_in
from graphrnn.settings.training import TrainSettings

import numpy as np
import pytest


@pytest.mark.parametrize(
    ("model", "state", "carried"),
    [
        ("theano_rnn", "as-trained", False),
        ("theano_rnn", "carried", True),
        ("stateful_lstm", "as-trained", True),
        ("stateful_lstm", "windows", False),
    ],
)
def test_a_state_is_carried_where_training_did_or_where_it_is_asked_for(model, state, carried):
    settings = TrainSettings(model=model, hidden=3)
    network = network_of(settings, 5, np.random.default_rng(0))
    assert carries_state(network, state) == carried


def test_an_unknown_backend_is_refused():
    with pytest.raises(UserError, match=r"unknown backend 'gpu' \(known: auto"):
        network_in(None, backend="gpu")
