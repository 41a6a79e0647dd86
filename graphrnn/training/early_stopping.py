"""Ends a run whose validation loss has not fallen for too long."""

from collections.abc import Sequence
from dataclasses import dataclass

from graphrnn.runs.checkpoint import Point


def validations_since_best(points: Sequence[Point]) -> int:
    """Count the validations since the lowest loss, the first one if several are equal.

    Example:
        >>> losses = (3.0, 2.0, 2.5, 2.0)
        >>> validations_since_best([Point(sequences=0, loss=x, accuracy=0) for x in losses])
        2
    """
    best = min(range(len(points)), key=lambda k: points[k].loss, default=-1)
    return len(points) - 1 - best


LONG = 2
"""Validations since the best after which it is said."""


def past_best(points: Sequence[Point]) -> str:
    """Describe, once, that the loss has passed its best by more than 1 %; else an empty text.

    Example:
        >>> def points(*losses):
        ...     return [Point(sequences=9 * k, loss=x, accuracy=0) for k, x in enumerate(losses)]
        >>> past_best(points(3.0, 2.0, 2.1, 2.2)).partition(",")[0]
        'the held-out loss was lowest after 9 sequences'
        >>> past_best(points(3.0, 2.0, 2.1)), past_best(points(3.0, 2.0, 2.1, 2.2, 2.3))
        ('', '')
    """
    since = validations_since_best(points)
    if since != LONG or points[-1].loss < 1.01 * points[-1 - since].loss:
        return ""
    best = points[-1 - since]
    return (
        f"the held-out loss was lowest after {best.sequences:,} sequences, {best.loss:.3f}, and "
        "rises since: the network begins to learn its text by heart; --patience 2 ends such a run, "
        "and sample takes the best"
    )


@dataclass(frozen=True)
class EarlyStopping:
    """Stops after a number of validations without a better loss; with None, never."""

    patience: int | None

    def is_due(self, points: Sequence[Point]) -> bool:
        """Return whether the validation loss has not fallen for too long."""
        return self.patience is not None and validations_since_best(points) >= self.patience

    def reason(self, points: Sequence[Point]) -> str:
        """Describe how long the loss has not fallen, and when it was lowest."""
        waited = validations_since_best(points)
        best = points[-1 - waited]
        return (
            f"stopped early: {waited} validations without a better loss than {best.loss:.3f} "
            f"after {best.sequences:,} sequences"
        )
