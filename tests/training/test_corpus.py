from dataclasses import replace

from graphrnn.settings.training import TrainSettings
from graphrnn.training.corpus import prepare

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
