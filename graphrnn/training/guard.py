"""Means over a stretch of training, and the guard that notices an explosion."""

import math
from dataclasses import dataclass

from graphrnn.runs.checkpoint import Point

EXPLODED = 3.0
"""A loss of so many times the one at the start is an explosion."""


MEMORY = 256
"""Predictions that the running mean of the loss looks back on."""


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
