"""The progress and speed of a run, and the watchers that they are reported to."""

from dataclasses import dataclass
from typing import Protocol

from graphrnn.backends.compile import BuildEvent
from graphrnn.runs.checkpoint import Point
from graphrnn.settings.training import TrainSettings
from graphrnn.training.corpus import Data


@dataclass(frozen=True)
class Progress:
    """The state of training: sequences done, means over the last stretch, speed and time left."""

    sequences: int
    total: int
    loss: float
    accuracy: float
    characters_per_second: float
    seconds_left: float

    @classmethod
    def at(cls, sequences: int, settings: TrainSettings, point: Point, speed: float) -> "Progress":
        """Build the progress at a count of sequences, for a speed in sequences a second.

        Example:
            >>> point = Point(sequences=200, loss=2.0, accuracy=0.5)
            >>> Progress.at(200, TrainSettings(time=8, sequences=1000), point, 100.0).seconds_left
            8.0
        """
        total = max(settings.sequences, sequences)
        return cls(
            sequences=sequences,
            total=total,
            loss=point.loss,
            accuracy=point.accuracy,
            characters_per_second=speed * settings.time,
            seconds_left=(total - sequences) / speed,
        )


@dataclass(frozen=True)
class Mark:
    """A point to measure speed from: the time by `perf_counter`, and the sequences done by then.

    Example:
        >>> Mark(10.0, 100).speed(12.0, 150)
        25.0
    """

    seconds: float
    sequences: int

    def speed(self, now: float, sequences: int) -> float:
        """Compute the sequences per second since this point."""
        return (sequences - self.sequences) / max(now - self.seconds, 1e-9)


class Watcher(Protocol):
    """Receives the events of a run, without any effect on it."""

    def prepared(self, data: Data) -> None:
        """Receive the corpus once it is prepared."""

    def built(self, build: BuildEvent) -> None:
        """Receive the progress of compiling."""

    def progressed(self, progress: Progress) -> None:
        """Receive the progress of training; called after every step, so it must be quick."""

    def counted(self, what: str, done: int, total: int) -> None:
        """Receive the progress of other work than steps."""

    def evaluated(self, point: Point) -> None:
        """Receive the result of a validation."""

    def noted(self, text: str) -> None:
        """Receive a note on the run: where it resumes, or why it stops early."""

    def wrote(self, text: str) -> None:
        """Receive a sample of the network's text."""


class Quiet:
    """A watcher that ignores all events."""

    def prepared(self, data: Data) -> None:
        """Ignore it."""

    def built(self, build: BuildEvent) -> None:
        """Ignore it."""

    def progressed(self, progress: Progress) -> None:
        """Ignore it."""

    def counted(self, what: str, done: int, total: int) -> None:
        """Ignore it."""

    def evaluated(self, point: Point) -> None:
        """Ignore it."""

    def noted(self, text: str) -> None:
        """Ignore it."""

    def wrote(self, text: str) -> None:
        """Ignore it."""
