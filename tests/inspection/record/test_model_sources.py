"""The training graph of a model is found by its name, and that of a run by its folder."""

from graphrnn.errors import UserError
from graphrnn.inspection.record.model_sources import model_source
from graphrnn.settings.training import TrainSettings
from graphrnn.training import run as training_run
from tests.conftest import SMALL_TEXT

import pytest


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model_sources")
    (folder / "small.txt").write_text(SMALL_TEXT, encoding="utf-8")
    settings = TrainSettings(
        model="stateful_lstm", corpus=str(folder / "small.txt"), hidden=4, embedding=3, time=5,
        batch=3, sequences=9, backend="python", out=folder / "run",
    )  # fmt: skip
    return training_run.train(settings)


def test_a_model_by_its_name_at_other_lengths():
    source = model_source("theano_rnn", {"time": 3, "batch": 2, "hidden": 4}, loop="unrolled")
    x, y, learning_rate = source.inputs
    assert source.title == "theano_rnn, unrolled"
    assert x.type.shape == y.type.shape == (3, 2)
    assert learning_rate.type.ndim == 0
    assert [v.name for v in source.outputs] == ["loss", "accuracy"]
    assert {W.get_value().shape for W, _ in source.updates} >= {(4, 4)}


def test_a_run_has_its_own_lengths_weights_and_carried_states(run):
    source = model_source(str(run.folder.path))
    assert source.inputs[0].type.shape == (5, 3)
    values = {v.name: v.get_value() for v, _ in source.updates}
    for name, value in run.checkpoint.weights.items():
        if name in values:
            assert (values[name] == value).all(), name
    assert {"h", "c"} <= {v.name for v, _ in source.updates}


def test_lengths_of_a_run_are_not_changed(run):
    path = str(run.folder.path)
    with pytest.raises(UserError, match="--time: got 6, but the run .* has 5; leave it out"):
        model_source(path, {"time": 6})
    assert model_source(path, {"time": 5}).inputs[0].type.shape == (5, 3)


def test_unknown_names_and_networks_without_a_graph():
    with pytest.raises(UserError, match="unknown model 'theano_rn'.*, and no run of that name"):
        model_source("theano_rn")
    with pytest.raises(UserError, match="reference: is trained in NumPy, so there is no graph"):
        model_source("reference")
