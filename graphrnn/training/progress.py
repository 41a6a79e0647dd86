"""Who is told how a run goes on, what stops it, and how a signal ends it between two steps."""

from dataclasses import dataclass
from typing import Protocol

from graphrnn.backends.compile import BuildEvent
from graphrnn.runs.checkpoint import Point
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

    def told(self, text: str) -> None:
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

    def told(self, text: str) -> None:
        """Ignore it."""

    def wrote(self, text: str) -> None:
        """Ignore it."""
