"""On networks by NumPy, for which nothing compiles."""

import json
from dataclasses import replace

from graphrnn.errors import UserError
from graphrnn.models import model_named, numpy_bptt
from graphrnn.models.from_settings import sizes_of
from graphrnn.runs.checkpoint import Checkpoint, Header, Position
from graphrnn.settings.training import TrainSettings
from graphrnn.training.corpus import prepare
from graphrnn.training.training_step import TrainingStep, outputs_norm, state_of

import aesara
import numpy as np
import pytest


@pytest.fixture
def settings(small_text):
    return TrainSettings(
        model="reference", corpus=str(small_text), hidden=4, batch=2, time=5, dtype="float64"
    )


def made(settings):
    return TrainingStep.compile(settings, prepare(settings))


def arrays(step):
    return {name: w.get_value() for name, w in step.network.weights.items()}


def test_a_step_is_one_of_sgd_on_the_batch_that_it_read(settings):
    step = made(settings)
    before = arrays(step)
    taken = step.take(0.5, measured=True)
    x, y = step.batch
    forward, backward = numpy_bptt.NETWORKS["rnn"]
    done = forward(before, x, y)
    grads = backward(before, x, y, done)
    assert taken.loss == pytest.approx(done.loss / 5)
    norm = np.sqrt(sum(np.sum(g**2) for g in grads.values()))
    assert taken.gradient_norm == pytest.approx(norm)
    for name, value in arrays(step).items():
        np.testing.assert_allclose(value, before[name] - 0.5 * grads[name])


def test_the_norm_of_a_small_step_of_plain_sgd_is_measured_when_asked_for(settings):
    step = made(settings)
    assert step.take(0.5, measured=False).gradient_norm is None
    assert step.take(0.0, measured=True).gradient_norm is None  # nothing moves


@pytest.mark.parametrize(
    ("given", "wanted"),
    [({}, False), ({"time": 128}, True), ({"clip": 1.0}, True), ({"optimizer": "adam"}, True)],
)
def test_the_norm_is_an_output_where_it_costs_nothing(settings, given, wanted):
    assert outputs_norm(replace(settings, **given)) == wanted


def position_of(step, **changes):
    given = {
        "steps": 1, "batches": step.reader.batches, "order": None, "tally": (0.0, 0.0, 0),
        "generator": "{}", "start": None, "moving_average": None, "text": "",
    }  # fmt: skip
    return Position(**given | changes)


def checkpoint_of(step, settings, weights, **changes):
    changes.setdefault("generator", json.dumps(step.rng.bit_generator.state))
    changes.setdefault("order", json.dumps(step.reader.order))
    header = Header(
        settings=settings,
        corpus="text",
        vocabulary=("\0", "a"),
        sequences=2,
        versions={},
        position=position_of(step, **changes),
    )
    return Checkpoint(header, weights)


def test_a_step_that_is_restored_reads_and_moves_the_same(settings):
    left = made(settings)
    left.take(0.1, measured=False)
    kept = checkpoint_of(left, settings, arrays(left))
    wanted = [left.take(0.1, measured=False) for _ in range(3)]
    right = made(replace(settings, seed=5))
    right.restore(kept)
    assert [right.take(0.1, measured=False) for _ in range(3)] == wanted
    for name, value in arrays(left).items():
        np.testing.assert_array_equal(arrays(right)[name], value)


def test_what_does_not_fit_is_refused_by_name(settings):
    step = made(settings)
    step.take(0.1, measured=False)
    weights = arrays(step)
    with pytest.raises(UserError, match="checkpoint: W_hh do not fit the settings"):
        step.restore(checkpoint_of(step, settings, weights | {"W_hh": np.zeros((5, 5))}))
    with pytest.raises(UserError, match="9,999 batches into a pass, is none in this text"):
        step.restore(checkpoint_of(step, settings, weights, batches=9999))


def test_state_needs_names_of_its_own(settings):
    network = made(settings).network

    class Function:
        def __init__(self, *names):
            self.shared = [aesara.shared(np.zeros(2), name=name) for name in names]

        def get_shared(self):
            return [*network.weights.values(), *self.shared]

    assert list(state_of(Function("velocity_W", "h"), network)) == ["velocity_W", "h"]
    assert state_of(lambda: None, network) == {}
    for names in (("h", "h"), (None,)):
        with pytest.raises(RuntimeError, match="need names of their own"):
            state_of(Function(*names), network)


def test_dropout_masks_are_drawn_so_that_the_mean_stays(settings):
    chosen = TrainSettings(
        model="stacked_lstm", corpus=settings.corpus, dropout=0.25, hidden=50, layers=1, batch=400,
        time=3,
    )  # fmt: skip
    plain = made(settings)
    network = replace(plain.network, model=model_named("stacked_lstm"), sizes=sizes_of(chosen, 9))
    masks = replace(plain, settings=chosen, network=network)._masks()
    assert [mask.shape for mask in masks] == [(400, 24), (400, 50), (400, 50)]
    for mask in masks:
        assert set(np.unique(mask)) == {0, np.float32(1 / 0.75)}
        assert mask.mean() == pytest.approx(1, abs=0.05)
