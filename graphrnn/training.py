"""The training loop: batches into the compiled function, a loss curve and checkpoints out of it."""

import itertools
import signal
import sys
import tempfile
import threading
import time as clock
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from graphrnn import batches
from graphrnn.backends import BACKENDS, Build, Function
from graphrnn.checkpoints import Checkpoint, Header, Point, save_checkpoint
from graphrnn.errors import DivergedError, UserError, reason, unknown
from graphrnn.functions import Network, Rule, share
from graphrnn.loops import loop_named
from graphrnn.models import Sizes, Weights, model_named
from graphrnn.recipes import recipe_for
from graphrnn.settings import TrainSettings
from graphrnn.text import Indices, Vocabulary, load_corpus, split

import numpy as np

CHECKPOINT = "checkpoint.safetensors"
STRETCH = 1000
"""Sequences between two points of the loss curve, as in the lesson."""
EVALUATIONS = 10
"""How often the held-out text is read, spread evenly over the run."""
EVALUATION_BATCH = 64


class Interrupted(UserError):  # noqa: N818
    """Ctrl-C; the command line exits with 130."""

    exit_code = 130


@dataclass(frozen=True)
class Progress:
    """Where training stands: sequences done, means over the last stretch, speed and time left."""

    sequences: int
    total: int
    loss: float
    accuracy: float
    characters_per_second: float
    seconds_left: float


class Watcher(Protocol):
    """Is told how a run goes on; none of it changes the run."""

    def prepared(self, data: "Data") -> None:
        """Hear what the corpus came to."""

    def built(self, build: Build) -> None:
        """Hear how far compiling is."""

    def progressed(self, progress: Progress) -> None:
        """Hear how far training is; called after every step, so it must be quick."""

    def evaluated(self, point: Point) -> None:
        """Hear how the held-out text is predicted."""


class Quiet:
    """A watcher that says nothing."""

    def prepared(self, data: "Data") -> None:
        """Ignore it."""

    def built(self, build: Build) -> None:
        """Ignore it."""

    def progressed(self, progress: Progress) -> None:
        """Ignore it."""

    def evaluated(self, point: Point) -> None:
        """Ignore it."""


@dataclass(frozen=True)
class Data:
    """A corpus as indices: what is trained on, and what never is (nothing, if so asked)."""

    corpus: str
    vocabulary: Vocabulary
    train: Indices
    held_out: Indices
    evaluation_batch: int


@dataclass(frozen=True)
class Run:
    """A finished run."""

    folder: Path
    checkpoint: Checkpoint
    data: Data
    network: Network


def prepare(settings: TrainSettings) -> Data:
    """Read the corpus and check everything that can be checked before anything compiles.

    Raises:
        UserError: an unknown name, or a corpus that is too short for these settings.
    """
    model_named(settings.model)
    loop_named(settings.loop, time=settings.time)
    if settings.backend not in BACKENDS:
        raise unknown("backend", settings.backend, BACKENDS)
    for name, value in (("corpus", settings.corpus), ("out", str(settings.out))):
        if not value.isprintable() or ascii(value).count("\\udc"):
            raise UserError(f"--{name}: got {value!a}, needed a name in UTF-8; rename it")
    corpus, recipe = load_corpus(settings.corpus), recipe_for(settings.model)
    text = corpus.text.lower() if recipe.lower_case else corpus.text
    vocabulary = Vocabulary.of(text)
    train, held_out = split(vocabulary.encode(text), settings.held_out)
    batches.require_windows(
        train,
        time=settings.time,
        batch=settings.batch,
        what="training text",
        stride=1 if recipe.windows == "overlapping" else None,
    )
    n_held_out = 0
    if settings.held_out > 0:
        n_held_out = batches.require_windows(
            held_out, time=settings.time, batch=1, what="held-out text"
        )
    return Data(corpus.name, vocabulary, train, held_out, min(EVALUATION_BATCH, n_held_out))


def claim_folder(settings: TrainSettings) -> Path:
    """Make the folder of a run, so that a folder that cannot be written is known before training.

    Raises:
        UserError: it cannot be made or written, or holds something already.
    """
    if settings.out is None:
        for n in itertools.count(1):
            folder = Path("runs") / f"{settings.model}-{n}"
            if _make(folder):
                return folder
    folder = Path(settings.out or ".")
    if not _make(folder):
        try:
            empty = not any(folder.iterdir())
        except OSError as error:
            raise UserError(f"--out: {str(folder)!r}: {reason(error)}; name a folder") from error
        if not empty:
            raise UserError(
                f"--out: {str(folder)!r} holds files already; name a new folder or an empty one"
            )
    return folder


def _make(folder: Path) -> bool:
    """Make a folder in which files can be made; False where it exists already.

    Raises:
        UserError: it cannot be made or written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            folder.mkdir()
            made = True
        except FileExistsError:
            made = False
        if folder.is_dir():
            with tempfile.TemporaryFile(dir=folder):
                pass
    except OSError as error:
        raise UserError(
            f"--out: cannot write in {str(folder)!r}: {reason(error)}; name another folder"
        ) from error
    return made


class _CtrlC:
    """Turns the first Ctrl-C into a flag, so that a step or a save is never torn; a second ends."""

    def __init__(self) -> None:
        self.pressed = False
        self._before: Any = None

    def __enter__(self) -> "_CtrlC":
        # Signals belong to the main thread; elsewhere (a notebook's worker) there is none to catch.
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._press)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _press(self, number: int, frame: FrameType | None) -> None:
        if self.pressed:
            raise KeyboardInterrupt
        self.pressed = True


@dataclass
class _Tally:
    """Means over a stretch of training."""

    loss: float = 0.0
    accuracy: float = 0.0
    steps: int = 0

    def add(self, loss: float, accuracy: float) -> None:
        self.loss += loss
        self.accuracy += accuracy
        self.steps += 1

    def point(self, sequences: int) -> Point:
        steps = max(1, self.steps)
        return Point(sequences=sequences, loss=self.loss / steps, accuracy=self.accuracy / steps)


def evaluate(
    function: Function, data: Data, *, time: int, sequences: int, carried: Weights | None = None
) -> Point:
    """Read the held-out text once, in windows of T, and give the means.

    Each window begins from a zero state, or only the first does, where a state is carried.
    """
    tally = _Tally()
    reset(carried or {})
    for x, y in batches.streams(data.held_out, time=time, batch=data.evaluation_batch):
        loss, accuracy = function(x, y)
        tally.add(float(loss), float(accuracy))
    return tally.point(sequences)


def reset(carried: Weights) -> None:
    """Set carried states to zero."""
    for state in carried.values():
        state.set_value(np.zeros_like(state.get_value(borrow=True)))


def network_of(settings: TrainSettings, symbols: int, rng: np.random.Generator) -> Network:
    """Make the network of these settings, its weights drawn."""
    model, sizes = model_named(settings.model), sizes_of(settings, symbols)
    weights = share(model.initial_weights(rng, sizes, settings.dtype))
    loop = loop_named(settings.loop, time=settings.time)
    return Network(model, sizes, weights, loop, settings.backend, settings.threads)


def sizes_of(settings: TrainSettings, symbols: int) -> Sizes:
    """Give the lengths that the weights of these settings have."""
    return Sizes(
        vocabulary=symbols,
        hidden=settings.hidden,
        embedding=settings.embedding or 0,
        layers=settings.layers or 1,
    )


def rule_of(settings: TrainSettings) -> Rule:
    """Give the rule of these settings."""
    name, options = settings.rule
    return Rule(name, options, settings.clip, settings.clip_value)


def train(settings: TrainSettings, watcher: Watcher | None = None) -> Run:
    """Train a network and save it.

    Raises:
        UserError: a setting, the corpus, the folder or the disk does not allow it.
        DivergedError: the loss left the finite numbers.
        Interrupted: Ctrl-C; the checkpoint of that moment is kept.
    """
    watcher = watcher or Quiet()
    data = prepare(settings)
    kept = settings.out is not None and settings.out.exists()
    folder = claim_folder(settings)
    watcher.prepared(data)
    try:
        try:
            trainer = _Trainer.build(settings, data, folder, watcher)
        except KeyboardInterrupt:
            raise Interrupted("interrupted before training began; nothing was saved") from None
        with _CtrlC() as ctrl_c:
            trainer.run(ctrl_c)
    except BaseException:
        if not kept:
            _remove_if_empty(folder)
        raise
    return Run(folder, trainer.checkpoint(), data, trainer.network)


def _remove_if_empty(folder: Path) -> None:
    """Leave no empty folder behind a run that never began."""
    try:
        folder.rmdir()
    except OSError:
        return


@dataclass
class _Trainer:
    """The state of a run while it runs."""

    settings: TrainSettings
    data: Data
    folder: Path
    watcher: Watcher
    network: Network
    step: Function
    evaluation: Function | None
    rng: np.random.Generator
    carried: Weights
    carried_held_out: Weights
    sequences: int = 0
    curve: list[Point] = field(default_factory=list)
    held_out: list[Point] = field(default_factory=list)
    saved_at: int | None = None

    @classmethod
    def build(
        cls, settings: TrainSettings, data: Data, folder: Path, watcher: Watcher
    ) -> "_Trainer":
        """Draw the weights and compile the functions."""
        rng = np.random.default_rng(settings.seed)
        network = network_of(settings, len(data.vocabulary), rng)
        carries = recipe_for(settings.model).windows == "streams"
        carried, carried_held_out = (
            network.carried_states(batch) if carries and batch else {}
            for batch in (settings.batch, data.evaluation_batch)
        )
        step = network.train(
            time=settings.time,
            batch=settings.batch,
            rule=rule_of(settings),
            carried=carried,
            report=watcher.built,
        )
        evaluation = None
        if data.evaluation_batch:
            evaluation = network.evaluate(
                time=settings.time,
                batch=data.evaluation_batch,
                carried=carried_held_out,
                report=watcher.built,
            )
        return cls(
            settings,
            data,
            folder,
            watcher,
            network,
            step,
            evaluation,
            rng,
            carried,
            carried_held_out,
        )

    def run(self, ctrl_c: _CtrlC) -> None:
        """Train until all sequences are done, saving now and then and at the end."""
        total = self.settings.sequences
        predictions = self.network.model.predictions(self.settings.time)
        stretch, started = _Tally(), clock.perf_counter()
        next_save = started + self.settings.save_every
        for x, y in self._endless_batches():
            loss, accuracy = self.step(x, y, self._rate(), *self._masks())
            self._require_finite(float(loss))
            self.sequences += self.settings.batch
            stretch.add(float(loss) / predictions, float(accuracy))
            now = clock.perf_counter()
            self.watcher.progressed(self._progress(stretch, now - started))
            done = self.sequences >= total
            if done or self._crossed(STRETCH):
                self.curve.append(stretch.point(self.sequences))
                stretch = _Tally()
            if done or self._crossed(max(1, total // EVALUATIONS)):
                self._evaluate()
            if done or ctrl_c.pressed or now >= next_save:
                self.save()
                next_save = clock.perf_counter() + self.settings.save_every
            if done:
                return
            if ctrl_c.pressed:
                raise Interrupted(
                    f"interrupted after {self.sequences:,} of {total:,} sequences; "
                    f"the network of that moment is kept in {str(self.folder / CHECKPOINT)!r}"
                )

    def _rate(self) -> Any:
        """Give the learning rate of the next step, in the precision of the weights."""
        rate = self.settings.rate_after(self.sequences, self.settings.sequences)
        return np.asarray(rate, dtype=self.settings.dtype)

    def _masks(self) -> list[Any]:
        """Draw the dropout masks of a batch: 0, or 1 / (1 - dropout) so that the mean stays."""
        widths, share = self.network.model.masks(self.network.sizes), self.settings.dropout or 0.0
        kept = np.asarray(1 / (1 - share), dtype=self.settings.dtype)
        return [
            (self.rng.random((self.settings.batch, n), dtype=np.float32) >= share) * kept
            for n in widths.values()
        ]

    def _endless_batches(self) -> Iterator[batches.Batch]:
        """Give the batches of one epoch after another."""
        time, batch = self.settings.time, self.settings.batch
        while True:
            windows = recipe_for(self.settings.model).windows
            if windows == "streams":
                reset(self.carried)
                yield from batches.streams(self.data.train, time=time, batch=batch)
            else:
                stride = 1 if windows == "overlapping" else None
                yield from batches.shuffled(
                    self.data.train, time=time, batch=batch, rng=self.rng, stride=stride
                )

    def _crossed(self, every: int) -> bool:
        """Say whether the last batch reached a multiple of `every` sequences."""
        return self.sequences // every > (self.sequences - self.settings.batch) // every

    def _progress(self, stretch: _Tally, seconds: float) -> Progress:
        """Sum up where training stands."""
        total = max(self.settings.sequences, self.sequences)
        speed = self.sequences / max(seconds, 1e-9)
        point = stretch.point(self.sequences)
        if self.curve and stretch.steps * self.settings.batch < STRETCH // 2:
            # A stretch that has just begun says little: one sequence may be all right or all wrong.
            point = self.curve[-1]
        return Progress(
            sequences=self.sequences,
            total=total,
            loss=point.loss,
            accuracy=point.accuracy,
            characters_per_second=speed * self.settings.time,
            seconds_left=(total - self.sequences) / speed,
        )

    def _evaluate(self) -> None:
        """Read the held-out text, if there is any."""
        if self.evaluation is None:
            return
        point = evaluate(
            self.evaluation,
            self.data,
            time=self.settings.time,
            sequences=self.sequences,
            carried=self.carried_held_out,
        )
        self._require_finite(point.loss)
        self.held_out.append(point)
        self.watcher.evaluated(point)

    def _require_finite(self, loss: float) -> None:
        """Stop before a broken network overwrites a good one.

        Raises:
            DivergedError: the loss is not finite.
        """
        if np.isfinite(loss):
            return
        kept = (
            f"the network after {self.saved_at:,} is kept in {str(self.folder / CHECKPOINT)!r}"
            if self.saved_at is not None
            else "nothing had been saved yet"
        )
        raise DivergedError(
            f"the loss became {loss} after {self.sequences:,} sequences; lower --rate "
            f"(now {self.settings.rate:g}) or limit the gradients with --clip 1; {kept}"
        )

    def checkpoint(self) -> Checkpoint:
        """Take down the weights, the curve and all that sampling needs."""
        header = Header(
            settings=self.settings,
            corpus=self.data.corpus,
            vocabulary=self.data.vocabulary.characters,
            sequences=self.sequences,
            train=tuple(self.curve),
            held_out=tuple(self.held_out),
            versions={
                "python": sys.version.split()[0],
                **{name: version(name) for name in ("graphrnn", "aesara", "numpy")},
            },
        )
        weights = {name: value.get_value() for name, value in self.network.weights.items()}
        return Checkpoint(header, weights)

    def save(self) -> None:
        """Save a checkpoint, unless an update has just broken the weights.

        Raises:
            UserError: the file cannot be written; the one from before is untouched.
        """
        checkpoint = self.checkpoint()
        if not all(np.isfinite(value).all() for value in checkpoint.weights.values()):
            self._require_finite(float("nan"))
        save_checkpoint(self.folder / CHECKPOINT, checkpoint)
        self.saved_at = self.sequences
