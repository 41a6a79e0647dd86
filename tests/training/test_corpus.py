from dataclasses import replace

from graphrnn.settings.training import TrainSettings
from graphrnn.training import corpus
from graphrnn.training.corpus import passes, prepare

import numpy as np


def test_a_text_is_stored_narrow_and_never_copied(small_text):
    data = prepare(TrainSettings(corpus=str(small_text)))
    assert data.train.dtype == data.held_out.dtype == np.uint8
    assert data.train.base is data.held_out.base is not None


def test_the_digest_is_of_the_text(small_text):
    settings = TrainSettings(corpus=str(small_text))
    data = prepare(settings)
    assert data.digest == prepare(settings).digest
    other = replace(data, train=data.train[:-1])
    assert other.digest != data.digest
    assert replace(data, held_out=data.held_out + 1).digest != data.digest


def test_how_often_a_text_is_read_is_said_with_advice_where_it_is_much(small_text):
    settings = TrainSettings(corpus=str(small_text), hidden=4, sequences=100, time=8)
    data = prepare(settings)
    few = 800 / len(data.train)
    assert passes(settings, data) == f"100 sequences of 8 read the text {few:.1f} times"
    many = replace(settings, sequences=100_000)
    assert "will be learnt by heart; a longer text, --patience 2 or --sequences" in passes(
        many, data
    )


def test_of_a_long_held_out_text_the_beginning_is_read(small_text, monkeypatch):
    settings = TrainSettings(corpus=str(small_text), hidden=4, held_out=0.4)
    whole = prepare(settings)
    assert len(whole.validated) == len(whole.held_out) > 100
    monkeypatch.setattr(corpus, "READ_AT_MOST", 100)
    cut = prepare(settings)
    assert len(cut.validated) == 100
    assert cut.digest == whole.digest
    np.testing.assert_array_equal(cut.validated, whole.held_out[:100])
