"""How far and how fast a run goes, and who watches it."""

from dataclasses import dataclass
from typing import Protocol

from graphrnn.backends.compile import BuildEvent
from graphrnn.runs.checkpoint import Point
from graphrnn.settings.training import TrainSettings
from graphrnn.training.corpus import Data


@dataclass(frozen=True)
class Progress:
    """Where training stands: sequences done, means over the last stretch, speed and time left."""

    sequences: int
    total: int
    loss: float
    accuracy: float
    characters_per_second: float
    seconds_left: float

    @classmethod
    def at(cls, sequences: int, settings: TrainSettings, point: Point, speed: float) -> "Progress":
        """Sum up where training stands, at a speed in sequences a second.

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
    """A moment to measure speed from: seconds as `perf_counter` has them, sequences by then.

    Example:
        >>> Mark(10.0, 100).speed(12.0, 150)
        25.0
    """

    seconds: float
    sequences: int

    def speed(self, now: float, sequences: int) -> float:
        """Return the sequences a second since then."""
        return (sequences - self.sequences) / max(now - self.seconds, 1e-9)


class Watcher(Protocol):
    """Is told how a run goes on; none of it changes the run."""

    def prepared(self, data: Data) -> None:
        """Hear what the corpus came to."""

    def built(self, build: BuildEvent) -> None:
        """Hear how far compiling is."""

    def progressed(self, progress: Progress) -> None:
        """Hear how far training is; called after every step, so it must be quick."""

    def evaluated(self, point: Point) -> None:
        """Hear how the held-out text is predicted."""

    def noted(self, text: str) -> None:
        """Hear of something that happens once: where a run goes on, or why it stops early."""

    def wrote(self, text: str) -> None:
        """Hear what the network writes at this moment."""


class Quiet:
    """A watcher that says nothing."""

    def prepared(self, data: Data) -> None:
        """Ignore it."""

    def built(self, build: BuildEvent) -> None:
        """Ignore it."""

    def progressed(self, progress: Progress) -> None:
        """Ignore it."""

    def evaluated(self, point: Point) -> None:
        """Ignore it."""

    def noted(self, text: str) -> None:
        """Ignore it."""

    def wrote(self, text: str) -> None:
        """Ignore it."""
