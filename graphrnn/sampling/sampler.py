"""Checkpoint → text: a prompt is read, then each character is drawn and fed back.

What the network sees of the text is what it saw in training: windows of T characters from a zero
state, or the whole text by a state that is carried along.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from graphrnn.backends.compile import Function, Report, silent
from graphrnn.data.text import Indices, Vocabulary
from graphrnn.errors import UserError
from graphrnn.graph.initial import Array
from graphrnn.models.network import Network
from graphrnn.runs.checkpoint import Checkpoint, load_checkpoint
from graphrnn.runs.folder import RunFolder, find_checkpoint
from graphrnn.sampling import scan_sampler
from graphrnn.sampling.distribution import draws_of, finite, probabilities
from graphrnn.sampling.networks import carries_state, network_in
from graphrnn.settings.recipes import recipe_for
from graphrnn.settings.sampling import CheckpointChoice, SampleSettings, StateUse
from graphrnn.settings.training import TrainSettings

import numpy as np


@dataclass
class Sampler:
    """A trained network that reads and writes.

    With a `window` it sees the last characters of the text, so many as a window of its training
    had, each time from a zero state; without one its state is carried, and each character is read
    once. A network that is laid out by hand for windows of one length has no state at all. What it
    reads goes through a compiled step, what it writes through one compiled scan; each is compiled
    when it is first needed.
    """

    network: Network
    vocabulary: Vocabulary
    window: int | None = None
    lower_case: bool = False
    report: Report = silent
    trained: str = ""
    states: list[Array] = field(default_factory=list)
    logits: Array | None = None
    recent: Indices = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    _writers: dict[tuple[int, bool], scan_sampler.Writer] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        checkpoint: Checkpoint,
        *,
        state: StateUse = "as-trained",
        backend: str = "auto",
        threads: int | None = None,
        report: Report = silent,
    ) -> "Sampler":
        """Build the network of a checkpoint.

        Raises:
            UserError: its weights do not fit its settings, or it has no state to carry.
        """
        network = network_in(checkpoint, backend=backend, threads=threads)
        settings, vocabulary = checkpoint.header.settings, checkpoint.vocabulary
        return cls.of_network(network, settings, vocabulary, state=state, report=report)

    @classmethod
    def of_network(
        cls,
        network: Network,
        settings: TrainSettings,
        vocabulary: Vocabulary,
        *,
        state: StateUse = "as-trained",
        report: Report = silent,
    ) -> "Sampler":
        """Let a network write as it is; later changes of its weights are seen.

        Raises:
            UserError: it has no state to carry.
        """
        window = None if carries_state(network, state) else settings.time
        lower_case = recipe_for(settings.model).lower_case
        sampler = cls(network, vocabulary, window, lower_case, report)
        sampler.reset()
        return sampler

    @cached_property
    def step(self) -> Function:
        """The compiled step of one character: f(x, *states) → logits, *states."""
        return self.network.compile_step(report=self.report)

    @cached_property
    def window_step(self) -> Function:
        """The compiled reading of a window: f(x, *states) → logits, *states."""
        return self.network.compile_step(time=self.window or 1, report=self.report)

    @property
    def shortest(self) -> int:
        """How many characters it must have read before it predicts anything."""
        return 1 if self.states else self.window or 1

    @property
    def described(self) -> str:
        """What each prediction is made from, in words; and how to have the other."""
        trained = recipe_for(self.network.model.name).carries_state
        if self.window is None:
            how, other = "all of the text, by a state that is carried", "windows"
        else:
            how, other = f"the {self.window} characters before it", "carried"
        usual = "as in training" if trained == (self.window is None) else "not as in training"
        choice = f" (--state {other}: otherwise)" if self.states else ""
        return f"each character from {how}, {usual}{choice}"

    def reset(self) -> None:
        """Forget what was read."""
        widths = self.network.model.state_widths(self.network.sizes)
        self.states = [np.zeros((1, n), dtype=self.network.dtype) for n in widths.values()]
        self.recent = self.recent[:0]
        self.logits = None

    def some_prompt(self) -> str:
        """Return a text to begin with, of characters that the network knows."""
        long = "the history "
        known = set(self.vocabulary.characters)
        start = long if self.lower_case or self.shortest > 4 else "The "
        while len(start) < self.shortest:
            start += long
        if set(start) <= known:
            return start
        letters = self.vocabulary.characters[1:]
        best = (c for shown in (str.isalpha, str.isprintable) for c in letters if shown(c))
        return next(best, letters[-1]) * self.shortest

    def prompt_of(self, settings: SampleSettings) -> str:
        """Return the prompt of these settings, by default one that the network knows."""
        if settings.prompt is not None:
            return settings.prompt
        usual = "the" if self.lower_case else "The"
        known = set(usual) <= set(self.vocabulary.characters) and self.shortest <= len(usual)
        return "The" if known else self.some_prompt()

    def _indices(self, text: str) -> Indices:
        """Look a text up.

        Raises:
            UserError: it is empty, has characters that the network does not know, or is too short
                for a network that reads whole windows.
        """
        if not text:
            raise UserError("text: got an empty one, needed at least one character to begin with")
        indices = self.vocabulary.encode(text.lower() if self.lower_case else text)
        if len(self.recent) + len(indices) < self.shortest:
            raise UserError(
                f"text: got {len(self.recent) + len(indices)} characters, needed at least "
                f"{self.shortest}, which this network reads at once; begin with a longer text"
            )
        return indices

    def read(self, text: str) -> None:
        """Let the network read a text, going on from what it has read.

        Raises:
            UserError: the text is empty, has characters that the network does not know, or is too
                short for one that reads whole windows.
        """
        indices = self._indices(text)
        if self.window is not None and len(self.recent) + len(indices) > self.window:
            # What stands before the last window is not seen: one window is read, not one for each.
            self.recent = np.concatenate([self.recent, indices[:-1]])[-self.window :]
            indices = indices[-1:]
        for index in indices:
            self._read(int(index))

    def _read(self, index: int) -> None:
        """Read one character: by the state, or with the window that it ends, once that is full."""
        length, before = self.window or 1, len(self.recent)
        self.recent = np.append(self.recent, np.int32(index))[-length:]
        if self.states and (self.window is None or before < length):
            logits, *self.states = self.step(self.recent[-1:, None], *self.states)
        elif len(self.recent) == length:
            logits, *_ = self.window_step(self.recent[:, None], *map(np.zeros_like, self.states))
        else:
            return
        self.logits = logits[-1, 0]

    def next_characters(self, n: int) -> list[tuple[str, float]]:
        """Return the n likeliest next characters with their probabilities, the likeliest first."""
        p = probabilities(self._require_logits())
        order = np.argsort(-p, kind="stable")[: min(n, len(p) - 1)]
        return [(self.vocabulary.characters[k], float(p[k])) for k in order]

    def write(self, settings: SampleSettings) -> Iterator[str]:
        """Read the prompt, then write, going on from the state; returns piece after piece.

        Raises:
            UserError: the prompt is empty or has characters that the network does not know.
        """
        for pieces in self._pieces(self._indices(self.prompt_of(settings)), settings, 1):
            yield pieces[0]

    def go_on(self, settings: SampleSettings) -> Iterator[str]:
        """Write from the state as it is; the prompt in the settings is not read.

        Raises:
            UserError: nothing was read.
        """
        self._require_logits()
        for pieces in self._pieces(np.zeros(0, dtype=np.int32), settings, 1):
            yield pieces[0]

    def texts(self, settings: SampleSettings) -> list[str]:
        """Write `count` texts at once, each with draws of its own; returns them without the prompt.

        Raises:
            UserError: as `write`.
        """
        prompt = self._indices(self.prompt_of(settings))
        pieces = list(self._pieces(prompt, settings, settings.count))
        return ["".join(texts) for texts in zip(*pieces, strict=True)]

    def _pieces(self, prompt: Indices, settings: SampleSettings, batch: int) -> Iterator[list[str]]:
        """Call the compiled scan until all is written; returns what each text gained in a call."""
        filtered = settings.top_k is not None or settings.top_p is not None
        writer = self._writer(batch, filtered)
        writer.seed(draws_of(settings.some_seed(), prompt))
        knobs: list[Any] = [np.float64(0.0 if settings.greedy else settings.temperature)]
        if filtered:
            knobs.append(np.int32(min(settings.top_k or 2**31 - 1, 2**31 - 1)))
            knobs.append(np.float64(2.0 if settings.top_p is None else settings.top_p))
        logits, states = self._repeated(batch)
        left = len(prompt)
        for given in scan_sampler.given_pieces(prompt, settings.length, batch):
            symbols, logits, *states = writer.function(given, *knobs, logits, *states)
            read = given[:, 0] != scan_sampler.REST
            finite(logits)
            if batch == 1:
                self._remember(logits, states, symbols[read, 0])
            new = symbols[read][min(left, scan_sampler.CHUNK) :]
            left -= min(left, scan_sampler.CHUNK)
            if len(new):
                yield [self.vocabulary.decode(new[:, b]) for b in range(batch)]

    def _writer(self, batch: int, filtered: bool) -> scan_sampler.Writer:
        """Return the function that writes so many texts, compiled when it is first wanted."""
        key = (batch, filtered)
        if key not in self._writers:
            self._writers[key] = scan_sampler.writer(
                self.network, batch=batch, window=self.window, filtered=filtered, report=self.report
            )
        return self._writers[key]

    def _repeated(self, batch: int) -> tuple[Array, list[Array]]:
        """Return the logits `(B, V)`, the states `(B, H)` and the window for so many texts."""
        V = self.network.sizes.vocabulary
        logits = np.zeros(V, self.network.dtype) if self.logits is None else self.logits
        states = [np.repeat(state, batch, axis=0) for state in self.states]
        if self.window is not None:
            window = np.full(self.window, scan_sampler.EMPTY, dtype=np.int32)
            window[self.window - len(self.recent) :] = self.recent
            states.append(np.repeat(window[:, None], batch, axis=1))
        return np.repeat(logits[None], batch, axis=0), states

    def _remember(self, logits: Array, states: list[Array], symbols: Indices) -> None:
        """Stand where the compiled scan stands."""
        self.logits = logits[0]
        self.states = states if self.window is None else states[:-1]
        self.recent = np.concatenate([self.recent, symbols])[-(self.window or 1) :]

    def write_by_steps(self, settings: SampleSettings) -> Iterator[str]:
        """Write as `write` does, by a loop in Python over the compiled step; returns characters.

        The numbers it draws are the same, and so is the text.

        Raises:
            UserError: as `write`.
        """
        V = self.network.sizes.vocabulary
        prompt = self._indices(self.prompt_of(settings))
        rng = np.random.default_rng(draws_of(settings.some_seed(), prompt))
        rng.random((len(prompt), V))  # the scan draws while it reads, too
        for index in prompt:
            self._read(int(index))
        temperature = 0.0 if settings.greedy else settings.temperature
        for _ in range(settings.length):
            logits = finite(self._require_logits())
            index = scan_sampler.choose(
                logits, rng.random(V), temperature, settings.top_k, settings.top_p
            )
            yield self.vocabulary.characters[index]
            self._read(index)

    def _require_logits(self) -> Array:
        """Return the logits after what was read.

        Raises:
            UserError: nothing was read.
        """
        if self.logits is None:
            raise UserError("sampler: has read nothing yet; call read(text) first")
        return self.logits


def load_sampler(
    run: str,
    *,
    checkpoint: CheckpointChoice = "best",
    state: StateUse = "as-trained",
    backend: str = "auto",
    threads: int | None = None,
    report: Report = silent,
) -> Sampler:
    """Load a run's network for sampling: of the lowest held-out loss, or the last one.

    Raises:
        UserError: there is no such run, or its checkpoint cannot be used.
    """
    file = find_checkpoint(run, best=checkpoint == "best")
    chosen = load_checkpoint(file)
    sampler = Sampler.of(chosen, state=state, backend=backend, threads=threads, report=report)
    which = ", the best on held-out text" if file == RunFolder(file.parent).best else ""
    sampler.trained = f"the network after {chosen.header.sequences:,} sequences{which}"
    return sampler
