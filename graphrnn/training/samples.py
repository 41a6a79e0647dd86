"""Samples written during training, without any effect on it."""

from dataclasses import dataclass

from graphrnn.data.text import Vocabulary
from graphrnn.errors import UserError
from graphrnn.models.network import Network
from graphrnn.runs.folder import RunFolder
from graphrnn.sampling.sampler import Sampler
from graphrnn.settings.sampling import SampleSettings
from graphrnn.settings.training import TrainSettings
from graphrnn.training.count import Count
from graphrnn.training.progress import Watcher


@dataclass
class Samples:
    """Writes samples of the network's text to files, and reports them to the watcher."""

    settings: TrainSettings
    network: Network
    vocabulary: Vocabulary
    folder: RunFolder
    watcher: Watcher
    sampler: Sampler | None = None

    def is_due(self, count: Count, *, again: bool) -> bool:
        """Return whether a sample is to be written now; with `again`, not if it exists already."""
        there = again and self.folder.sample(count.sequences).exists()
        return count.reached(self.settings.sample_every) and not there

    def write(self, sequences: int) -> None:
        """Write a sample for this number of sequences."""
        if self.sampler is None:
            self.sampler = Sampler.of_network(
                self.network, self.settings, self.vocabulary, report=self.watcher.built
            )
        self.sampler.reset()
        prompt = self.sampler.some_prompt()
        try:
            (text,) = self.sampler.texts(SampleSettings(prompt=prompt, length=200, seed=0))
        except UserError as error:
            text = f"({error})"
        self.folder.write_text(self.folder.sample(sequences), prompt + text + "\n")
        self.watcher.wrote(prompt + text)
