import graphrnn
from graphrnn.settings.training import TrainSettings
from graphrnn.training.run import train

import pytest


def test_a_run_as_an_object(small_text, in_tmp):
    settings = {"hidden": 8, "batch": 4, "sequences": 40, "backend": "native"}
    done = train(TrainSettings(corpus=str(small_text), **settings))
    run = graphrnn.Run.load("latest", backend="python")
    assert run.path == done.folder.path
    assert repr(run) == "<Run theano_rnn-1: theano_rnn on small, 40 of 40 sequences>"
    assert len(run.sample("the", length=10)) == 13
    assert len({run.sample("the", length=10, seed=1) for _ in range(2)}) == 1
    assert len(run.sample("the", length=10, count=2)) == 2 * 13 + 2
    assert sum(p for _, p in run.next("th", 100)) == pytest.approx(1)
    page = run._repr_html_()
    assert "theano_rnn-1" in page
    assert "data:image/png;base64," in page
    assert "trained on" in str(run)
    assert run.log[-1]["step"] == 10


def test_other_names_are_missing():
    with pytest.raises(AttributeError, match="no attribute 'Walk'"):
        graphrnn.Walk  # noqa: B018
