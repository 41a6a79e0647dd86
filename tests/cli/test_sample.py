from graphrnn.cli import sample
from graphrnn.errors import UserError
from graphrnn.settings.sampling import SampleSettings

import pytest


def test_pieces_are_printed_whole_or_as_they_come(capsys):
    settings = SampleSettings(prompt="a\x1b")
    for stream in (False, True):
        sample.show(iter([["b"], ["c"]]), settings, stream=stream)
        assert capsys.readouterr().out == "a\\x1bbc\n"


def test_several_texts_have_headings(capsys):
    sample.show(iter([["x", "y"]]), SampleSettings(prompt="p", count=2), stream=False)
    assert capsys.readouterr().out == "--- 1 of 2 ---\npx\n\n--- 2 of 2 ---\npy\n"


def test_a_text_that_repeats_is_reported(capsys):
    sample.show(iter([["the cat " * 40]]), SampleSettings(prompt=""), stream=False)
    assert "graphrnn: the text repeats" in capsys.readouterr().err


class Sampler:
    def write(self, settings):
        if settings.prompt == "Ω":
            raise UserError("never seen")
        yield from "abc"

    def texts(self, settings):
        return ["abc"] * settings.count


def test_what_is_wrong_is_shown_before_anything_is_printed():
    with pytest.raises(UserError, match="never seen"):
        sample.begun(Sampler(), SampleSettings(prompt="Ω"))
    assert list(sample.begun(Sampler(), SampleSettings())) == [["a"], ["b"], ["c"]]
    assert list(sample.begun(Sampler(), SampleSettings(count=2))) == [["abc", "abc"]]
