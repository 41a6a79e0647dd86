"""The same from a Python prompt or a notebook: a run as an object.

from graphrnn import Run
run = Run.load("latest")
print(run.sample("phi"))
run                                # in a notebook: a summary and the curves
"""

import html
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from graphrnn.data.text import load_corpus
from graphrnn.runs.checkpoint import Checkpoint, load_checkpoint
from graphrnn.runs.folder import RunFolder, find_checkpoint
from graphrnn.sampling import sampler as samplers
from graphrnn.sampling.evaluation import Evaluation, evaluate_text
from graphrnn.sampling.trust import admit_model
from graphrnn.settings.sampling import SampleSettings, StateUse
from graphrnn.settings.training import TrainSettings
from graphrnn.training import run as training_run


@dataclass(frozen=True)
class Run:
    """A trained network with its history.

    Example:
        >>> import tempfile
        >>> settings = dict(model="reference", hidden=4, sequences=8, held_out=0.0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     run = Run.train(**settings, out=Path(folder) / "run")
        ...     again = Run.load(run.path).resume(sequences=16)
        >>> run
        <Run run: reference on python-prose, 8 of 8 sequences>
        >>> again
        <Run run: reference on python-prose, 16 of 16 sequences>
    """

    path: Path
    checkpoint: Checkpoint
    backend: str = "auto"
    state: StateUse = "as-trained"

    @classmethod
    def train(cls, **settings: Any) -> "Run":
        """Train a network; takes the settings of `graphrnn train`.

        Raises:
            UserError: as `training.train`.
        """
        done = training_run.train(TrainSettings(**settings))
        return cls(done.folder.path, done.checkpoint, done.checkpoint.header.settings.backend)

    @classmethod
    def load(
        cls,
        run: str | Path = "latest",
        *,
        backend: str = "auto",
        state: StateUse = "as-trained",
        model: str | None = None,
        trust: bool = False,
    ) -> "Run":
        """Load a run by its folder, its name in runs/, `latest`, or a checkpoint's file.

        `state` says what the network sees of a text: windows, or all of it by a carried state. If
        its network is in a file, name that by `model`, or `trust` the copy that the run keeps.

        Raises:
            UserError: there is none, or it cannot be used.
        """
        admit_model(str(run), model=model, trust=trust)
        file = find_checkpoint(str(run))
        return cls(file.parent, load_checkpoint(file), backend, state)

    def resume(self, **changes: Any) -> "Run":
        """Go on with it from its last checkpoint, with more sequences or steps.

        Raises:
            UserError: as `training.resume`.
        """
        done = training_run.resume(str(self.path), TrainSettings(**changes))
        return Run(self.path, done.checkpoint, self.backend, self.state)

    @property
    def settings(self) -> TrainSettings:
        """What it was trained with."""
        return self.checkpoint.header.settings

    @property
    def log(self) -> list[dict[str, Any]]:
        """What was measured while training, a dictionary a line of log.jsonl."""
        return RunFolder(self.path).lines()

    @cached_property
    def sampler(self) -> samplers.Sampler:
        """Its network, ready to read and write; compiled when it is first used."""
        return samplers.Sampler.of(self.checkpoint, state=self.state, backend=self.backend)

    def sample(self, prompt: str | None = None, **settings: Any) -> str:
        """Write: the prompt and what follows; takes the settings of `graphrnn sample`.

        Without a prompt it begins with "The", or with letters that the network knows.

        Several texts (`count`) are parted by empty lines.

        Raises:
            UserError: a setting, or a character that the network does not know.
        """
        self.sampler.reset()
        asked = SampleSettings(prompt=prompt, **settings)
        texts, begin = self.sampler.texts(asked), self.sampler.prompt_of(asked)
        return "\n\n".join(begin + text for text in texts)

    def next(self, text: str, n: int = 5) -> list[tuple[str, float]]:
        """Return the likeliest next characters after a text, with their probabilities.

        Raises:
            UserError: a character that the network does not know.
        """
        self.sampler.reset()
        self.sampler.read(text)
        return self.sampler.next_characters(n)

    def evaluate(self, corpus: str) -> Evaluation:
        """Read a text and show how well it is predicted; see `graphrnn evaluate`.

        Raises:
            UserError: no such text, or the network knows too little of it.
        """
        text = load_corpus(corpus).text
        return evaluate_text(self.checkpoint, text, state=self.state, backend=self.backend)

    def __repr__(self) -> str:
        header = self.checkpoint.header
        return (
            f"<Run {self.path.name}: {header.settings.model} on {header.corpus}, "
            f"{header.sequences:,} of {header.settings.sequences:,} sequences>"
        )

    def _rows(self) -> list[tuple[str, str]]:
        """What a summary says, as names and values."""
        header, settings = self.checkpoint.header, self.settings
        weights = sum(w.size for w in self.checkpoint.weights.values())
        rows = [
            ("network", f"{settings.model}, H = {settings.hidden}, {weights:,} weights"),
            ("text", f"{header.corpus}, {len(header.vocabulary)} symbols"),
            ("trained on", f"{header.sequences:,} of {settings.sequences:,} sequences of "
                           f"{settings.time}, {settings.batch} at a time"),
            ("optimizer", f"{settings.optimizer}, learning rate {settings.learning_rate:g}, "
                          f"{settings.schedule}"),
        ]  # fmt: skip
        for name, point in (
            ("training", header.train[-1] if header.train else None),
            ("held-out, last", header.held_out[-1] if header.held_out else None),
            ("held-out, best", self.checkpoint.best),
        ):
            if point:
                rows.append((
                    name,
                    f"loss {point.loss:.3f}, accuracy {point.accuracy:.1%} "
                    f"after {point.sequences:,} sequences",
                ))  # fmt: skip
        return rows

    def __str__(self) -> str:
        width = max(len(name) for name, _ in self._rows())
        return "\n".join(f"{name:<{width}}  {value}" for name, value in self._rows())

    def _repr_html_(self) -> str:
        """Show a table, and the curves where they were drawn."""
        rows = "".join(
            f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
            f"<td style='text-align:left'>{html.escape(value)}</td></tr>"
            for name, value in self._rows()
        )
        return f"<p><b>{html.escape(str(self.path))}</b></p><table>{rows}</table>{self._picture()}"

    def _picture(self) -> str:
        """Return the curves inside the page, as they stand now."""
        import base64

        from graphrnn.display.plots import curves_png

        if not self.checkpoint.header.train:
            return ""
        data = base64.b64encode(curves_png({self.path.name: self.checkpoint.header})).decode()
        return f"<img alt='loss and accuracy' width='720' src='data:image/png;base64,{data}'>"
