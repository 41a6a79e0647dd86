from graphrnn.cli import compare
from graphrnn.comparison.settings import CompareSettings
from graphrnn.errors import UserError

import pytest


def plan(corpus, **given):
    return compare.plan_of("theano_rnn", CompareSettings(corpus=str(corpus), **given))


def test_what_is_not_said_is_as_the_network_has_it(small_text):
    made = plan(small_text, time=(4, 8))
    settings = made.subject.settings
    assert (settings.batch, settings.hidden, settings.time) == (1, 256, 8)
    assert made.steps == 200_000
    assert plan(small_text, time=(4,), batch=4, steps=None).steps == 50_000
    assert plan(small_text, time=(4,), hidden=7).subject.settings.hidden == 7


def test_quick_is_short_lengths_on_native_alone(small_text):
    made = plan(small_text, time=(8, 16, 32), quick=True)
    assert made.times == (8, 16)
    assert {form.backend for form in made.forms} == {"native"}
    assert made.rounds < plan(small_text, time=(8,)).rounds


@pytest.mark.parametrize("time", [(), (0, 4), (4, 4)])
def test_lengths_that_make_no_sense(small_text, time):
    with pytest.raises(UserError, match="--time: "):
        plan(small_text, time=time)


def test_the_folder_is_written_to_before_anything_is_measured(in_tmp):
    compare._require_folder(in_tmp / "new")
    assert list((in_tmp / "new").iterdir()) == []
    (in_tmp / "file").touch()
    with pytest.raises(UserError, match="cannot write"):
        compare._require_folder(in_tmp / "file")
