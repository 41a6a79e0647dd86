from graphrnn.sampling.repetition import REPEATED, repetition

import pytest


@pytest.mark.parametrize("period", ["a", "ab ", "the cat sat "])
def test_a_period_counts_from_four_times_and_eighty_characters(period):
    times = max(4, -(-REPEATED // len(period)))
    again = repetition("It began. " + period * times + "?")
    assert again is not None
    assert again in period * 2
    assert len(again) == len(period)
    assert repetition("It began. " + period * (times - 2) + "?") is None


def test_a_text_of_its_own_does_not_repeat():
    assert repetition("") is None
    assert repetition("One sentence is followed by another, and none is like it.") is None
