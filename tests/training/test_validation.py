"""On a network by NumPy, for which nothing compiles."""

import signal
from dataclasses import replace

from graphrnn.data import batches
from graphrnn.models import numpy_bptt
from graphrnn.models.from_settings import network_of
from graphrnn.runs.checkpoint import Point
from graphrnn.settings.training import TrainSettings
from graphrnn.training.corpus import prepare
from graphrnn.training.count import Count
from graphrnn.training.interrupt import Stop
from graphrnn.training.validation import Validation

import numpy as np
import pytest


@pytest.fixture
def settings(small_text):
    return TrainSettings(model="reference", corpus=str(small_text), hidden=4, dtype="float64")


def made(settings):
    data = prepare(settings)
    network = network_of(settings, len(data.vocabulary), np.random.default_rng(0))
    return Validation.compile(settings, data, network), data, network


def test_the_point_is_the_mean_over_the_held_out_text(settings):
    validation, data, network = made(settings)
    point = validation.read(data, settings.time, 12, Stop(), lambda *_: None)
    weights = {name: w.get_value() for name, w in network.weights.items()}
    windows = batches.streams(data.held_out, time=8, batch=data.evaluation_batch)
    losses = [numpy_bptt.rnn_forward(weights, x, y).loss / 8 for x, y in windows]
    assert point.sequences == 12
    assert point.loss == pytest.approx(np.mean(losses))


def test_a_signal_ends_it_without_a_point(settings):
    validation, data, _ = made(settings)
    with Stop() as stop:
        signal.raise_signal(signal.SIGTERM)
        assert validation.read(data, settings.time, 12, stop, lambda *_: None) is None


def test_it_is_due_ten_times_and_once_each(settings):
    validation, _, _ = made(settings)
    count, results = Count(4), []
    while count.sequences < 100:
        count.advance()
        if validation.is_due(count, 100):
            results.append(count.sequences)
            validation.add(Point(sequences=count.sequences, loss=1.0, accuracy=0.0))
            assert not validation.is_due(count, 100)
    assert results == [12, 20, 32, 40, 52, 60, 72, 80, 92, 100]


def test_the_first_of_equals_is_the_best(settings):
    validation, _, _ = made(settings)
    losses = [3.0, 2.0, 2.0, 2.5, 1.0]
    best = [validation.add(Point(sequences=0, loss=x, accuracy=0.0)) for x in losses]
    assert best == [True, True, False, False, True]


def test_nothing_held_out_is_never_due(settings):
    validation, _, _ = made(replace(settings, held_out=0.0))
    assert validation.function is None
    assert not validation.is_due(Count(4, 25, 100), 100)
