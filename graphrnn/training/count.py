"""Counts of steps and sequences, and which batches reach a multiple of a number of sequences."""

from dataclasses import dataclass


@dataclass
class Count:
    """Steps taken and sequences trained on, with the number of sequences in a batch.

    Example:
        >>> count = Count(batch=4, steps=2, sequences=8)
        >>> count.reaches(10), count.reached(8), count.reached(3), count.reached(None)
        (True, True, True, False)
        >>> count.reached(7), count.reached(9)
        (True, False)
    """

    batch: int
    steps: int = 0
    sequences: int = 0

    def advance(self) -> None:
        """Count a step."""
        self.steps += 1
        self.sequences += self.batch

    def reaches(self, every: int) -> bool:
        """Return whether the next batch reaches a multiple of `every` sequences."""
        return (self.sequences + self.batch) // every > self.sequences // every

    def reached(self, every: int | None) -> bool:
        """Return whether the last batch reached a multiple of `every` sequences; False for None."""
        before = self.sequences - self.batch
        return every is not None and self.sequences // every > before // every
