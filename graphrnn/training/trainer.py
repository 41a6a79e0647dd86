"""The training loop: steps, and the validation, samples and checkpoints due between them."""

import json
import time as clock
from dataclasses import dataclass, field
from pathlib import Path

from graphrnn.backends.compile import runner
from graphrnn.errors import DivergedError
from graphrnn.models.network import Network
from graphrnn.runs.checkpoint import Checkpoint, Header, Point, Position
from graphrnn.runs.folder import RunFolder
from graphrnn.settings.training import TrainSettings
from graphrnn.training.checkpointing import Checkpointing, is_finite, made_by
from graphrnn.training.corpus import Data
from graphrnn.training.count import Count
from graphrnn.training.divergence_check import DivergenceCheck, Evidence, diverged
from graphrnn.training.early_stopping import EarlyStopping, past_best
from graphrnn.training.interrupt import Interrupted, Stop
from graphrnn.training.log import Log
from graphrnn.training.progress import Mark, Progress, Watcher
from graphrnn.training.samples import Samples
from graphrnn.training.tally import Tally
from graphrnn.training.training_step import Taken, TrainingStep
from graphrnn.training.validation import Validation

import numpy as np


@dataclass
class Trainer:
    """A run in progress: the training step, and the checks and writers that accompany it."""

    settings: TrainSettings
    data: Data
    watcher: Watcher
    step: TrainingStep
    validation: Validation
    divergence: DivergenceCheck
    checkpointing: Checkpointing
    log: Log
    samples: Samples
    count: Count
    tally: Tally = field(default_factory=Tally)
    curve: list[Point] = field(default_factory=list)

    @classmethod
    def build(
        cls, settings: TrainSettings, data: Data, folder: RunFolder, watcher: Watcher
    ) -> "Trainer":
        """Draw the weights, compile the functions and build a trainer."""
        step = TrainingStep.compile(settings, data, watcher.built)
        validation = Validation.compile(settings, data, step.network, watcher.built)
        return cls.of(settings, data, folder, watcher, step, validation)

    @classmethod
    def of(
        cls,
        settings: TrainSettings,
        data: Data,
        folder: RunFolder,
        watcher: Watcher,
        step: TrainingStep,
        validation: Validation,
    ) -> "Trainer":
        """Build a trainer from compiled functions."""
        predictions = settings.batch * step.network.model.predictions(settings.time)
        return cls(
            settings=settings,
            data=data,
            watcher=watcher,
            step=step,
            validation=validation,
            divergence=DivergenceCheck(len(data.vocabulary), predictions),
            checkpointing=Checkpointing(folder, settings.save_every, settings.keep_every),
            log=Log(folder, watcher.noted),
            samples=Samples(settings, step.network, data.vocabulary, folder, watcher),
            count=Count(settings.batch),
        )

    @property
    def network(self) -> Network:
        """The network that is trained."""
        return self.step.network

    @property
    def folder(self) -> RunFolder:
        """The folder of the run."""
        return self.checkpointing.folder

    @property
    def backend(self) -> str:
        """The backend of the step, followed by that of validation if it differs."""
        functions = [f for f in (self.step.function, self.validation.function) if f is not None]
        return " and ".join(dict.fromkeys(runner(function) for function in functions))

    @property
    def done(self) -> bool:
        """Return whether all sequences were trained on."""
        return self.count.sequences >= self.settings.sequences

    def run(self, stop: Stop) -> None:
        """Train until all sequences are done, saving at intervals and at the end."""
        began = logged = Mark(clock.perf_counter(), self.count.sequences)
        self.checkpointing.begin(began.seconds)
        if self.count.steps and self._end_step(stop, again=True):
            return
        while True:
            rate = self._learning_rate()
            logs = self.count.reaches(self.settings.log_every)
            taken = self._take_step(rate, logs or self.count.reaches(self.settings.sequences))
            now = clock.perf_counter()
            self.watcher.progressed(self._progress(began, now))
            if self.done or logs:
                self._log(rate, taken, logged, whole=logs)
                logged = Mark(now, self.count.sequences)
            if self._end_step(stop):
                return

    def _learning_rate(self) -> float:
        """Return the learning rate of the next step, rounded to the precision of the weights."""
        rate = self.settings.learning_rate_after(self.count.sequences, self.settings.sequences)
        return float(np.asarray(rate, dtype=self.settings.dtype))

    def _take_step(self, learning_rate: float, measured: bool) -> Taken:
        """Take one step and count it.

        Raises:
            DivergedError: the loss rose too far, or left the finite numbers.
        """
        taken = self.step.take(learning_rate, measured=measured)
        problem = self.divergence.problem(taken.loss, taken.gradient_norm)
        if problem:
            raise self._diverged(problem)
        self.count.advance()
        self.tally.add(taken.loss, taken.accuracy)
        return taken

    def _end_step(self, stop: Stop, *, again: bool = False) -> bool:
        """Validate, write and save what is due after a step, and return whether the run ends.

        With `again`, after the step of a checkpoint, do what its process did not get to.

        Raises:
            Interrupted: the run is to stop; all is saved.
        """
        done, validations = self.done, len(self.validation.points)
        copies: list[Path] = []
        if self._validation_is_due():
            copies += self._validate(stop)
            done = done or self._stops_early()
        copies += self.checkpointing.snapshots(self.count, again=again)
        if self.samples.is_due(self.count, again=again) and not stop:
            self.samples.write(self.count.sequences)
        ends = done or self.count.steps == self.settings.steps
        if again:
            due = len(self.validation.points) > validations
        else:
            due = ends or self.checkpointing.is_due
        if due or copies or stop:
            self.save(*copies)
        if stop.signal is not None and not (ends and not self._validation_is_due()):
            raise Interrupted(
                stop.signal,
                f"after {self.count.sequences:,} of {self.settings.sequences:,} sequences; "
                f"the network of that moment is kept in {str(self.folder.last)!r}; to go on: "
                f"graphrnn train --resume {self.folder.path}",
            )
        return ends

    def _validation_is_due(self) -> bool:
        """Return whether a validation is due."""
        return self.validation.is_due(self.count, self.settings.sequences)

    def _validate(self, stop: Stop) -> list[Path]:
        """Validate, and return the path of the best checkpoint if it is to be saved.

        A signal ends the validation, which is repeated when the run is resumed.

        Raises:
            DivergedError: its loss is not finite.
        """
        point = self.validation.read(
            self.data, self.settings.time, self.count.sequences, stop, self.watcher.counted
        )
        if point is None:
            return []
        if not np.isfinite(point.loss):
            raise self._diverged(f"the loss became {point.loss}")
        best = self.validation.add(point)
        self.log.write({
            "step": self.count.steps,
            "sequences": self.count.sequences,
            "held_out_loss": point.loss,
            "held_out_accuracy": point.accuracy,
        })  # fmt: skip
        self.watcher.evaluated(point)
        if self.settings.patience is None and (advice := past_best(self.validation.points)):
            self.watcher.noted(advice)
        return [self.folder.best] if best else []

    def _stops_early(self) -> bool:
        """Return whether to stop because the validation loss no longer falls; report that if so."""
        early = EarlyStopping(self.settings.patience)
        if not early.is_due(self.validation.points):
            return False
        reason = early.reason(self.validation.points)
        self.watcher.noted(f"{reason}; that network is kept in {str(self.folder.best)!r}")
        return True

    def _log(self, learning_rate: float, taken: Taken, last: Mark, whole: bool) -> None:
        """Add a point to the curve and a line to the log, and start a new stretch."""
        point = self.tally.point(self.count.sequences)
        self.curve.append(point)
        speed = last.speed(clock.perf_counter(), self.count.sequences)
        self.log.write({
            "step": self.count.steps,
            "sequences": self.count.sequences,
            "loss": point.loss,
            "accuracy": point.accuracy,
            "gradient_norm": taken.gradient_norm,
            "learning_rate": learning_rate,
            "characters_per_second": round(speed * self.settings.time),
        })  # fmt: skip
        if whole:
            self.tally = Tally()

    def _progress(self, began: Mark, now: float) -> Progress:
        """Return the progress of training."""
        point = self.tally.point(self.count.sequences)
        if self.curve and self.tally.steps * self.settings.batch < self.settings.log_every // 2:
            # The mean of a stretch that has just begun is unreliable: it may be of one sequence.
            point = self.curve[-1]
        speed = began.speed(now, self.count.sequences)
        return Progress.at(self.count.sequences, self.settings, point, speed)

    def _diverged(self, problem: str) -> DivergedError:
        """Build the error of a divergence in the current state."""
        return diverged(
            problem,
            self.count.sequences,
            self.settings.learning_rate,
            self.checkpointing.describe(),
            Evidence(self.network, self.step.batch, self.folder.last),
        )

    def save(self, *copies: Path) -> None:
        """Save the last checkpoint, and copies of it, unless an update has broken the weights.

        Raises:
            UserError: the file cannot be written; the one from before is untouched.
            DivergedError: a weight is not finite.
        """
        checkpoint = self.checkpoint()
        if not is_finite(checkpoint):
            raise self._diverged("the loss became nan")
        self.checkpointing.save(checkpoint, *copies)

    def checkpoint(self) -> Checkpoint:
        """Build a checkpoint: the weights, the curve, and all that sampling and resuming need."""
        order = self.step.reader.order
        position = Position(
            steps=self.count.steps,
            batches=self.step.reader.batches,
            generator=json.dumps(self.step.rng.bit_generator.state),
            order=None if order is None else json.dumps(order),
            tally=(self.tally.loss, self.tally.accuracy, self.tally.steps),
            start=self.divergence.start,
            moving_average=self.divergence.moving_average,
            text=self.data.digest,
        )
        header = Header(
            settings=self.settings,
            corpus=self.data.corpus,
            vocabulary=self.data.vocabulary.characters,
            sequences=self.count.sequences,
            train=tuple(self.curve),
            held_out=tuple(self.validation.points),
            position=position,
            versions=made_by(self.backend, self.settings.model),
        )
        weights = {name: value.get_value() for name, value in self.network.weights.items()}
        state = {name: value.get_value() for name, value in self.step.state.items()}
        return Checkpoint(header, weights, state)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Restore the state of a checkpoint.

        Raises:
            UserError: its tensors do not fit the settings.
        """
        header, position = checkpoint.header, checkpoint.header.position
        assert position is not None
        self.step.restore(checkpoint)
        self.divergence.start = position.start
        self.divergence.moving_average = position.moving_average
        self.count.steps, self.count.sequences = position.steps, header.sequences
        self.tally = Tally(*position.tally)
        self.curve, self.validation.points = list(header.train), list(header.held_out)
        last = self.curve[-1].sequences if self.curve else None
        if self.tally.steps and last == self.count.sequences and not self.done:
            self.curve.pop()  # what the last stretch of a shorter run came to, not yet whole
        self.checkpointing.saved = self.count.sequences
