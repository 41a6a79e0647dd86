"""Detects that training diverges, and describes what happened, what helps and what was saved."""

import math
from dataclasses import dataclass
from pathlib import Path

from graphrnn.data.batches import Batch
from graphrnn.errors import DivergedError
from graphrnn.models.network import Network

DIVERGED = 3.0
"""A loss of so many times the one at the start is a divergence."""

MEMORY = 256
"""Predictions that the moving average of the loss looks back on."""


@dataclass
class DivergenceCheck:
    """Looks for a loss or norm that is not finite, or a loss far above that at the start.

    moving_average := moving_average + a · (loss - moving_average)
                      a = predictions of a step / 256, at most 1

    is compared with 3 times the loss at the start, taken as at least log V nats (the loss of
    uniform predictions): a single short sequence may be as bad by chance.

    Example:
        >>> check = DivergenceCheck(symbols=86, predictions=512)
        >>> [check.problem(loss, None) for loss in (4.6, 4.2)]
        ['', '']
        >>> check.problem(14.0, None)
        'the loss rose to 14.00, over 3 times the 4.60 at its start'
        >>> check.problem(4.0, float("inf"))
        'the gradient norm became inf'
    """

    symbols: int
    predictions: int
    start: float | None = None
    moving_average: float | None = None

    def problem(self, loss: float, gradient_norm: float | None) -> str:
        """Describe the problem after a step with this loss (nats per prediction), or return ""."""
        if not math.isfinite(loss):
            return f"the loss became {loss}"
        if gradient_norm is not None and not math.isfinite(gradient_norm):
            return f"the gradient norm became {gradient_norm}"
        if self.moving_average is None or self.start is None:
            self.start = max(loss, math.log(self.symbols))
            self.moving_average = min(loss, self.start)
        share = min(1.0, self.predictions / MEMORY)
        self.moving_average += share * (loss - self.moving_average)
        if self.moving_average > DIVERGED * self.start:
            return (
                f"the loss rose to {self.moving_average:.2f}, over {DIVERGED:g} times the "
                f"{self.start:.2f} at its start"
            )
        return ""


@dataclass(frozen=True)
class Evidence:
    """What can be analyzed when training has diverged.

    Attributes:
        network: The network when training diverged.
        batch: The batch that was read last, if one was.
        last: The file of the last checkpoint, which may not exist.
    """

    network: Network
    batch: Batch | None
    last: Path


def diverged(
    problem: str, sequences: int, learning_rate: float, saved: str, evidence: Evidence
) -> DivergedError:
    """Build the error of a divergence: what happened, what to do, what was saved."""
    error = DivergedError(
        f"{problem} after {sequences:,} sequences; lower --learning-rate "
        f"(now {learning_rate:g}) or limit the gradients with --clip 1; {saved}"
    )
    error.evidence = evidence
    return error
