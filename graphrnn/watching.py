"""Who is told how a run goes on, what stops it, and how a signal ends it between two steps."""

import math
import signal
import threading
from dataclasses import dataclass
from types import FrameType
from typing import Any, Protocol

from graphrnn import interrupts
from graphrnn.backends import Build
from graphrnn.checkpoints import Point
from graphrnn.errors import UserError
from graphrnn.preparation import Data

EXPLODED = 3.0
"""A loss of so many times the one at the start is an explosion."""
MEMORY = 256
"""Predictions that the running mean of the loss looks back on."""


class Interrupted(UserError):  # noqa: N818
    """Ctrl-C or SIGTERM; the command line exits with 130 or 143."""

    def __init__(self, number: signal.Signals, text: str) -> None:
        """Say how the work was ended, and then where it stands."""
        super().__init__(f"{interrupts.describe(number)} {text}")
        self.exit_code = interrupts.exit_code(number)


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

    def built(self, build: Build) -> None:
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

    def built(self, build: Build) -> None:
        """Ignore it."""

    def progressed(self, progress: Progress) -> None:
        """Ignore it."""

    def evaluated(self, point: Point) -> None:
        """Ignore it."""

    def told(self, text: str) -> None:
        """Ignore it."""

    def wrote(self, text: str) -> None:
        """Ignore it."""


class Stop:
    """Turns Ctrl-C and SIGTERM into a flag, so that no step or save is torn.

    A second Ctrl-C ends at once. A second SIGTERM does not: launchers send it to a process and to
    its group, so that it comes twice, and whoever means it has SIGKILL.
    """

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "Stop":
        # Signals belong to the main thread; elsewhere (a notebook's worker) there is none to catch.
        if threading.current_thread() is threading.main_thread():
            for number in interrupts.ENDING:
                if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def __bool__(self) -> bool:
        """Say whether the run is to stop."""
        return self.signal is not None

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal = self.signal or signal.Signals(number)


@dataclass
class Tally:
    """Means over a stretch of training."""

    loss: float = 0.0
    accuracy: float = 0.0
    steps: int = 0

    def add(self, loss: float, accuracy: float) -> None:
        """Count a step."""
        self.loss += loss
        self.accuracy += accuracy
        self.steps += 1

    def point(self, sequences: int) -> Point:
        """Give the means."""
        steps = max(1, self.steps)
        return Point(sequences=sequences, loss=self.loss / steps, accuracy=self.accuracy / steps)


@dataclass
class Guard:
    """Notices an explosion: a number that is not finite, or a loss far over the one at the start.

    recent := recent + a · (loss - recent)      a = predictions of a step / 256, at most 1

    is held against 3 times the loss at the start, which counts as at least log V nats, that of a
    network that knows nothing: a single short sequence may be as bad by chance.

    Example:
        >>> guard = Guard(symbols=86, predictions=512)
        >>> [guard.complaint(loss, None) for loss in (4.6, 4.2)]
        ['', '']
        >>> guard.complaint(14.0, None)
        'the loss rose to 14.00, over 3 times the 4.60 at its start'
        >>> guard.complaint(4.0, float("inf"))
        'the gradient norm became inf'
    """

    symbols: int
    predictions: int
    start: float | None = None
    recent: float | None = None

    def complaint(self, loss: float, gradient_norm: float | None) -> str:
        """Say what is wrong after a step of this loss (nats per prediction), or nothing."""
        if not math.isfinite(loss):
            return f"the loss became {loss}"
        if gradient_norm is not None and not math.isfinite(gradient_norm):
            return f"the gradient norm became {gradient_norm}"
        if self.recent is None or self.start is None:
            self.start = max(loss, math.log(self.symbols))
            self.recent = min(loss, self.start)
        self.recent += min(1.0, self.predictions / MEMORY) * (loss - self.recent)
        if self.recent > EXPLODED * self.start:
            return (
                f"the loss rose to {self.recent:.2f}, over {EXPLODED:g} times the "
                f"{self.start:.2f} at its start"
            )
        return ""
