"""The training loop: batches into the compiled function; a log, a curve, checkpoints out of it."""

import json
import sys
import time as clock
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Any

from graphrnn.backends.compile import Function, runner
from graphrnn.data import batches
from graphrnn.errors import DivergedError, UserError
from graphrnn.models import Weights
from graphrnn.models.from_settings import network_of, optimizer_of
from graphrnn.models.network import Network
from graphrnn.runs.checkpoint import Checkpoint, Header, Point, Position
from graphrnn.runs.checkpoint import save_checkpoint as save_checkpoint
from graphrnn.runs.folder import RunFolder
from graphrnn.runs.tensorboard import Events
from graphrnn.sampling.sampler import Sampler
from graphrnn.settings.recipes import recipe_for
from graphrnn.settings.sampling import SampleSettings
from graphrnn.settings.training import TrainSettings
from graphrnn.training.corpus import Data
from graphrnn.training.guard import Guard, Tally
from graphrnn.training.interrupt import Interrupted, Stop
from graphrnn.training.progress import Progress, Watcher

import numpy as np

EVALUATIONS = 10
"""How often the held-out text is read, spread evenly over the run."""
NORM_FROM = 256
"""Characters in a batch from which on the norm of the gradients costs nothing worth naming.

A step on fewer, by plain SGD, would take a fifth longer: there each gradient goes straight into its
weight, and is never whole. The norm is then taken of how far the weights moved, where it is logged.
"""


def evaluate(
    function: Function,
    data: Data,
    *,
    time: int,
    sequences: int,
    carried: Weights | None = None,
    stop: Stop | None = None,
) -> Point | None:
    """Read the held-out text once, in windows of T, and give the means; None if it was stopped.

    Each window begins from a zero state, or only the first does, where a state is carried.
    """
    tally = Tally()
    reset(carried or {})
    for x, y in batches.streams(data.held_out, time=time, batch=data.evaluation_batch):
        if stop:
            return None
        loss, accuracy = function(x, y)
        tally.add(float(loss), float(accuracy))
    return tally.point(sequences)


def readings_since_best(held_out: Sequence[Point]) -> int:
    """Count the readings after that of the lowest loss, the first of equals.

    Example:
        >>> losses = (3.0, 2.0, 2.5, 2.0)
        >>> readings_since_best([Point(sequences=0, loss=x, accuracy=0) for x in losses])
        2
    """
    best = min(range(len(held_out)), key=lambda k: held_out[k].loss, default=-1)
    return len(held_out) - 1 - best


def keep_best(folder: RunFolder, checkpoint: Checkpoint) -> None:
    """Save the best checkpoint where it is the last one: a kill may have come between the two."""
    if checkpoint.best and checkpoint.best.sequences == checkpoint.header.sequences:
        save_checkpoint(folder.best, checkpoint)


def reset(carried: Weights) -> None:
    """Set carried states to zero."""
    for state in carried.values():
        state.set_value(np.zeros_like(state.get_value(borrow=True)))


def _slots(step: Function, network: Network) -> dict[str, Any]:
    """Give the shared variables of a step that are no weights: what it carries and remembers.

    Raises:
        RuntimeError: two of them have one name, so that a file could not hold both.
    """
    weights = {id(w) for w in network.weights.values()}
    shared = step.get_shared() if hasattr(step, "get_shared") else []  # none in NumPy's own step
    slots = [variable for variable in shared if id(variable) not in weights]
    named = {variable.name: variable for variable in slots}
    if len(named) != len(slots) or None in named:
        raise RuntimeError(f"shared variables of a step need names of their own: {slots}")
    return named


@dataclass
class Trainer:
    """The state of a run while it runs."""

    settings: TrainSettings
    data: Data
    folder: RunFolder
    watcher: Watcher
    network: Network
    step: Function
    evaluation: Function | None
    reader: batches.Reader
    guard: Guard
    carried: Weights
    carried_held_out: Weights
    slots: dict[str, Any]
    steps: int = 0
    sequences: int = 0
    tally: Tally = field(default_factory=Tally)
    curve: list[Point] = field(default_factory=list)
    held_out: list[Point] = field(default_factory=list)
    saved_at: int | None = None
    save_at: float = 0.0
    unwritten: list[dict[str, Any]] = field(default_factory=list)
    sampler: Sampler | None = None
    batch: batches.Batch | None = None
    events: Events | None = None

    @classmethod
    def build(
        cls, settings: TrainSettings, data: Data, folder: RunFolder, watcher: Watcher
    ) -> "Trainer":
        """Draw the weights and compile the functions."""
        rng = np.random.default_rng(settings.seed)
        network = network_of(settings, len(data.vocabulary), rng)
        windows = recipe_for(settings.model).windows
        carried, carried_held_out = (
            network.carried_states(batch) if windows == "streams" and batch else {}
            for batch in (settings.batch, data.evaluation_batch)
        )
        step = network.compile_train(
            time=settings.time,
            batch=settings.batch,
            optimizer=optimizer_of(settings),
            carried=carried,
            norm=cls.gives_norm(settings),
            report=watcher.built,
        )
        evaluation = None
        if data.evaluation_batch:
            evaluation = network.compile_evaluate(
                time=settings.time,
                batch=data.evaluation_batch,
                carried=carried_held_out,
                report=watcher.built,
            )
        predictions = settings.batch * network.model.predictions(settings.time)
        return cls(
            settings=settings,
            data=data,
            folder=folder,
            watcher=watcher,
            network=network,
            step=step,
            evaluation=evaluation,
            reader=batches.Reader(data.train, settings.time, settings.batch, windows, rng),
            guard=Guard(len(data.vocabulary), predictions),
            carried=carried,
            carried_held_out=carried_held_out,
            slots=_slots(step, network),
        )

    @staticmethod
    def gives_norm(settings: TrainSettings) -> bool:
        """Say whether the compiled step gives the norm of the gradients."""
        return not optimizer_of(settings).plain or settings.time * settings.batch >= NORM_FROM

    @property
    def rng(self) -> np.random.Generator:
        """The one generator of the run: of its first weights, its order and its dropout."""
        return self.reader.rng

    @property
    def backend(self) -> str:
        """What runs the step, and then the reading of the held-out text where that is another."""
        functions = [f for f in (self.step, self.evaluation) if f is not None]
        return " and ".join(dict.fromkeys(runner(function) for function in functions))

    def restore(self, checkpoint: Checkpoint) -> None:
        """Put everything where a checkpoint has it.

        Raises:
            UserError: its tensors do not fit the settings.
        """
        header, position = checkpoint.header, checkpoint.header.position
        assert position is not None
        for kind, values in (
            (self.network.weights, checkpoint.weights),
            (self.slots, checkpoint.state),
        ):
            got = {name: (value.shape, str(value.dtype)) for name, value in values.items()}
            needed = {n: (tuple(v.type.shape), v.dtype) for n, v in kind.items()}
            if got != needed:
                wrong = [n for n in got.keys() | needed.keys() if got.get(n) != needed.get(n)]
                raise UserError(
                    f"checkpoint: {', '.join(sorted(wrong))} do not fit the settings of the run; "
                    "it was changed, or made by another version"
                )
            for name, value in values.items():
                kind[name].set_value(value)
        order = json.loads(position.order) if position.order else None
        if position.batches > self.reader.per_pass or (order is not None) != self.reader.shuffled:
            raise UserError(
                f"checkpoint: its position, {position.batches:,} batches into a pass, is none in "
                f"this text, which has {self.reader.per_pass:,}; it was changed"
            )
        self.rng.bit_generator.state = json.loads(position.generator)
        self.reader = replace(self.reader, batches=position.batches, order=order)
        self.guard.start, self.guard.recent = position.start, position.moving_average
        self.steps, self.sequences = position.steps, header.sequences
        self.tally = Tally(*position.tally)
        self.curve, self.held_out = list(header.train), list(header.held_out)
        last = self.curve[-1].sequences if self.curve else None
        if self.tally.steps and last == self.sequences and not self.done:
            self.curve.pop()  # what the last stretch of a shorter run came to, not yet whole
        self.saved_at = self.sequences

    def run(self, stop: Stop) -> None:
        """Train until all sequences are done, saving now and then and at the end."""
        settings = self.settings
        started, began = clock.perf_counter(), self.sequences
        self.save_at, logged = started + settings.save_every, (started, began)
        if self.steps and self._end_step(stop, again=True):
            return
        while True:
            rate, logs = self._rate(), self._crosses(settings.log_every)
            norm = self._take_step(rate, logs or self._crosses(settings.sequences))
            now = clock.perf_counter()
            self.watcher.progressed(self._progress(began, now - started))
            if self.done or logs:
                self._log(float(rate), norm, logged, whole=logs)
                logged = (now, self.sequences)
            if self._end_step(stop):
                return

    @property
    def done(self) -> bool:
        """Say whether all sequences were trained on."""
        return self.sequences >= self.settings.sequences

    def _end_step(self, stop: Stop, *, again: bool = False) -> bool:
        """Read, write and save what is due after a step; says whether the run ends with it.

        `again` after the step of a checkpoint: what its process did not come to is made up for.

        Raises:
            Interrupted: the run is to stop; all is saved.
        """
        settings, done, readings = self.settings, self.done, len(self.held_out)
        copies = []
        if self._reading_is_due():
            copies += self._evaluate(stop)
            done = done or self._out_of_patience()
        kept, sample = self.folder.kept(self.sequences), self.folder.sample(self.sequences)
        if self._crossed(settings.keep_every) and not (again and kept.exists()):
            copies.append(kept)
        if self._crossed(settings.sample_every) and not (again and sample.exists()) and not stop:
            self._write_sample()
        ends = done or self.steps == settings.steps
        if again:
            due = len(self.held_out) > readings
        else:
            due = ends or clock.perf_counter() >= self.save_at
        if due or copies or stop:
            self.save(*copies)
            self.save_at = clock.perf_counter() + settings.save_every
        if stop.signal is not None and not (ends and not self._reading_is_due()):
            raise Interrupted(
                stop.signal,
                f"after {self.sequences:,} of {settings.sequences:,} sequences; "
                f"the network of that moment is kept in {str(self.folder.last)!r}; to go on: "
                f"graphrnn train --resume {self.folder.path}",
            )
        return ends

    def _reading_is_due(self) -> bool:
        """Say whether the held-out text is to be read after this step, and was not yet."""
        due = self.done or self._crossed(max(1, self.settings.sequences // EVALUATIONS))
        read = self.held_out and self.held_out[-1].sequences == self.sequences
        return due and not read and self.evaluation is not None

    def _take_step(self, rate: Any, measured: bool) -> float | None:
        """Read a batch and take one step; gives the norm of its gradient, where that is known.

        Raises:
            DivergedError: an explosion.
        """
        if self.reader.begins:
            reset(self.carried)
        self.batch = self.reader.read()
        before = self._moving() if measured and not self.gives_norm(self.settings) else None
        loss, accuracy, *norms = self.step(*self.batch, rate, *self._masks())
        loss = float(loss) / self.network.model.predictions(self.settings.time)
        norm = float(norms[0]) if norms else None
        if before is not None:
            norm = self._moved(before) / float(rate) if rate else None
        complaint = self.guard.complaint(loss, norm)
        if complaint:
            raise self._diverged(complaint)
        self.steps += 1
        self.sequences += self.settings.batch
        self.tally.add(loss, float(accuracy))
        return norm

    def _moving(self) -> list[Any]:
        """Copy the weights that the gradients move."""
        return [param.get_value() for param in self.network.params]

    def _moved(self, before: list[Any]) -> float:
        """Give how far the weights moved, as one vector: √(Σ ‖W - W before‖²)."""
        moved = zip(self.network.params, before, strict=True)
        return float(np.sqrt(sum(
            np.sum(np.square(param.get_value(borrow=True) - old), dtype=np.float64)
            for param, old in moved
        )))  # fmt: skip

    def _rate(self) -> Any:
        """Give the learning rate of the next step, in the precision of the weights."""
        rate = self.settings.learning_rate_after(self.sequences, self.settings.sequences)
        return np.asarray(rate, dtype=self.settings.dtype)

    def _masks(self) -> list[Any]:
        """Draw the dropout masks of a batch: 0, or 1 / (1 - dropout) so that the mean stays."""
        widths, share = self.network.model.masks(self.network.sizes), self.settings.dropout or 0.0
        kept = np.asarray(1 / (1 - share), dtype=self.settings.dtype)
        return [
            (self.rng.random((self.settings.batch, n), dtype=np.float32) >= share) * kept
            for n in widths.values()
        ]

    def _crosses(self, every: int) -> bool:
        """Say whether the next batch reaches a multiple of `every` sequences."""
        return (self.sequences + self.settings.batch) // every > self.sequences // every

    def _crossed(self, every: int | None) -> bool:
        """Say whether the last batch reached a multiple of `every` sequences; none is never."""
        before = self.sequences - self.settings.batch
        return every is not None and self.sequences // every > before // every

    def _log(self, rate: float, norm: float | None, last: tuple[float, int], whole: bool) -> None:
        """Add a point to the curve and a line to the log, and begin another stretch."""
        point = self.tally.point(self.sequences)
        self.curve.append(point)
        since, sequences = clock.perf_counter() - last[0], self.sequences - last[1]
        self._write_line({
            "step": self.steps,
            "sequences": self.sequences,
            "loss": point.loss,
            "accuracy": point.accuracy,
            "gradient_norm": norm,
            "learning_rate": rate,
            "characters_per_second": round(sequences * self.settings.time / max(since, 1e-9)),
        })  # fmt: skip
        if whole:
            self.tally = Tally()

    def _write_line(self, line: dict[str, Any]) -> None:
        """Add a line to the log, and to the event files where these are written.

        A log that cannot be written does not end the run: its lines wait until there is room.
        """
        if self.events:
            self.events.write(line)
        self.unwritten.append(line)
        try:
            while self.unwritten:
                self.folder.write_line(self.unwritten[0])
                del self.unwritten[0]
        except UserError as error:
            if len(self.unwritten) == 1:
                self.watcher.told(f"{error}; the run goes on, and its log when there is room")

    def _progress(self, began: int, seconds: float) -> Progress:
        """Sum up where training stands."""
        total = max(self.settings.sequences, self.sequences)
        speed = (self.sequences - began) / max(seconds, 1e-9)
        point = self.tally.point(self.sequences)
        if self.curve and self.tally.steps * self.settings.batch < self.settings.log_every // 2:
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

    def _evaluate(self, stop: Stop) -> list[Any]:
        """Read the held-out text; gives where to save besides, if it is the best.

        A signal ends the reading, which is then made when the run goes on.

        Raises:
            DivergedError: its loss is not finite.
        """
        assert self.evaluation is not None
        point = evaluate(
            self.evaluation,
            self.data,
            time=self.settings.time,
            sequences=self.sequences,
            carried=self.carried_held_out,
            stop=stop,
        )
        if point is None:
            return []
        if not np.isfinite(point.loss):
            raise self._diverged(f"the loss became {point.loss}")
        best = all(point.loss < other.loss for other in self.held_out)
        self.held_out.append(point)
        self._write_line({
            "step": self.steps,
            "sequences": self.sequences,
            "held_out_loss": point.loss,
            "held_out_accuracy": point.accuracy,
        })  # fmt: skip
        self.watcher.evaluated(point)
        return [self.folder.best] if best else []

    def _out_of_patience(self) -> bool:
        """Say whether the held-out loss has not fallen for too long."""
        waited = readings_since_best(self.held_out)
        if self.settings.patience is None or waited < self.settings.patience:
            return False
        point = self.held_out[-1 - waited]
        self.watcher.told(
            f"stopped early: {waited} readings of the held-out text without a better loss than "
            f"{point.loss:.3f} after {point.sequences:,} sequences; "
            f"that network is kept in {str(self.folder.best)!r}"
        )
        return True

    def _write_sample(self) -> None:
        """Let the network write a little, into a file and to whoever watches; no number changes."""
        if self.sampler is None:
            self.sampler = Sampler.of_network(
                self.network, self.settings, self.data.vocabulary, report=self.watcher.built
            )
        self.sampler.reset()
        prompt = self.sampler.some_prompt()
        try:
            (text,) = self.sampler.texts(SampleSettings(prompt=prompt, length=200))
        except UserError as error:
            text = f"({error})"
        self.folder.write_text(self.folder.sample(self.sequences), prompt + text + "\n")
        self.watcher.wrote(prompt + text)

    def _diverged(self, complaint: str) -> DivergedError:
        """Make the error of an explosion: what happened, what to do, what is kept."""
        kept = (
            f"the network after {self.saved_at:,} is kept in {str(self.folder.last)!r}"
            if self.saved_at is not None
            else "nothing had been saved yet"
        )
        error = DivergedError(
            f"{complaint} after {self.sequences:,} sequences; lower --learning-rate "
            f"(now {self.settings.learning_rate:g}) or limit the gradients with --clip 1; {kept}"
        )
        error.evidence = self
        return error

    def checkpoint(self) -> Checkpoint:
        """Take down the weights, the curve, and all that sampling and going on need."""
        order = self.reader.order
        position = Position(
            steps=self.steps,
            batches=self.reader.batches,
            generator=json.dumps(self.rng.bit_generator.state),
            order=None if order is None else json.dumps(order),
            tally=(self.tally.loss, self.tally.accuracy, self.tally.steps),
            start=self.guard.start,
            moving_average=self.guard.recent,
            text=self.data.digest,
        )
        header = Header(
            settings=self.settings,
            corpus=self.data.corpus,
            vocabulary=self.data.vocabulary.characters,
            sequences=self.sequences,
            train=tuple(self.curve),
            held_out=tuple(self.held_out),
            position=position,
            versions={
                "backend": self.backend,
                "python": sys.version.split()[0],
                **{name: version(name) for name in ("graphrnn", "aesara", "numpy")},
            },
        )
        weights = {name: value.get_value() for name, value in self.network.weights.items()}
        state = {name: value.get_value() for name, value in self.slots.items()}
        return Checkpoint(header, weights, state)

    def save(self, *copies: Any) -> None:
        """Save the last checkpoint, and copies of it, unless an update has broken the weights.

        Raises:
            UserError: the file cannot be written; the one from before is untouched.
            DivergedError: a weight is not finite.
        """
        checkpoint = self.checkpoint()
        if not all(np.isfinite(value).all() for value in checkpoint.weights.values()):
            raise self._diverged("the loss became nan")
        save_checkpoint(self.folder.last, checkpoint, *copies)
        self.saved_at = self.sequences
