from graphrnn.data.text import Vocabulary
from graphrnn.errors import UserError
from graphrnn.runs.folder import RunFolder
from graphrnn.settings.training import TrainSettings
from graphrnn.training.count import Count
from graphrnn.training.progress import Quiet
from graphrnn.training.samples import Samples

import pytest


class Listener(Quiet):
    def __init__(self):
        self.heard = []

    def wrote(self, text):
        self.heard.append(text)


class Sampler:
    """Writes always the same, or complains."""

    error = ""

    def reset(self):
        pass

    def some_prompt(self):
        return "The "

    def texts(self, settings):
        if self.error:
            raise UserError(self.error)
        return [f"{settings.length} letters"]


@pytest.fixture
def samples(in_tmp):
    (in_tmp / "samples").mkdir()
    settings = TrainSettings(sample_every=10)
    return Samples(
        settings, None, Vocabulary.of("a"), RunFolder(in_tmp), Listener(), sampler=Sampler()
    )


def test_it_is_due_at_multiples_and_not_again_where_it_is_there(samples):
    count = Count(4, steps=3, sequences=12)
    assert samples.is_due(count, again=False)
    assert samples.is_due(count, again=True)
    samples.write(12)
    assert not samples.is_due(count, again=True)
    assert not samples.is_due(Count(4, steps=2, sequences=8), again=False)


def test_what_is_written_is_heard_and_kept(samples):
    samples.write(12)
    assert samples.watcher.heard == ["The 200 letters"]
    assert samples.folder.sample(12).read_text() == "The 200 letters\n"


def test_a_network_that_cannot_write_does_not_end_the_run(samples):
    samples.sampler.error = "no probabilities"
    samples.write(12)
    assert samples.watcher.heard == ["The (no probabilities)"]
