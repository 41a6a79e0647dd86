"""Means over a stretch of training, or over a text."""

from dataclasses import dataclass

from graphrnn.runs.checkpoint import Point


@dataclass
class Tally:
    """Sums of loss and accuracy, and the number of summands.

    Example:
        >>> tally = Tally()
        >>> tally.add(1.0, 0.5), tally.add(3.0, 0.0)
        (None, None)
        >>> tally.point(7)
        Point(sequences=7, loss=2.0, accuracy=0.25)
    """

    loss: float = 0.0
    accuracy: float = 0.0
    steps: int = 0

    def add(self, loss: float, accuracy: float) -> None:
        """Add the results of a step."""
        self.loss += loss
        self.accuracy += accuracy
        self.steps += 1

    def point(self, sequences: int) -> Point:
        """Return the means."""
        steps = max(1, self.steps)
        return Point(sequences=sequences, loss=self.loss / steps, accuracy=self.accuracy / steps)
