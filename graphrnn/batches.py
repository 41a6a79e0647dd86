"""Indices → time-major windows: shuffled, or contiguous streams for a carried state."""

from collections.abc import Iterator

from graphrnn.errors import UserError
from graphrnn.text import Indices

import numpy as np
import numpy.typing as npt

Batch = tuple[Indices, Indices]
"""What goes in and what should come out, both `(T, B)`: the targets are one character later."""


def count_windows(indices: Indices, time: int) -> int:
    """Count the windows of `time` characters, each with the character after it as last target.

    Example:
        >>> count_windows(np.arange(17, dtype=np.int32), time=8)
        2
    """
    return max(0, (len(indices) - 1) // time)


def require_windows(indices: Indices, *, time: int, batch: int, what: str) -> int:
    """Give the number of windows of length T.

    Raises:
        UserError: fewer windows than one batch needs.
    """
    n_windows = count_windows(indices, time)
    if n_windows == 0:
        raise UserError(
            f"{what}: got {len(indices)} characters, needed at least {time + 1} for one window of "
            f"{time}; use a longer text, a smaller --time or another --held-out"
        )
    if batch > n_windows:
        raise UserError(
            f"batch: got {batch}, needed at most {n_windows}, the number of windows of {time} "
            f"characters in the {what}; use a smaller --batch or a longer text"
        )
    return n_windows


def _gather(indices: Indices, starts: npt.NDArray[np.int64], time: int) -> Batch:
    """Copy the windows that begin at `starts` `(B,)` out of the corpus: two arrays `(T, B)`."""
    at = np.arange(time)[:, None] + starts[None, :]
    return indices[at], indices[at + 1]


def shuffled(
    indices: Indices, *, time: int, batch: int, rng: np.random.Generator
) -> Iterator[Batch]:
    """Give every window once, in random order, B at a time; an incomplete batch is left out.

    Windows do not overlap: the k-th begins at character kT, as in the lesson.

    Example:
        >>> corpus = np.arange(9, dtype=np.int32)
        >>> epoch = shuffled(corpus, time=4, batch=2, rng=np.random.default_rng(0))
        >>> [x.T.tolist() for x, y in epoch]
        [[[0, 1, 2, 3], [4, 5, 6, 7]]]
    """
    n_windows = require_windows(indices, time=time, batch=batch, what="training text")
    order = rng.permutation(n_windows) * time
    for first in range(0, n_windows - batch + 1, batch):
        yield _gather(indices, order[first : first + batch], time)


def streams(indices: Indices, *, time: int, batch: int) -> Iterator[Batch]:
    """Cut the corpus into B contiguous streams and give their windows in order.

    Row b of one batch goes on where row b of the batch before it ended, so that a state can be
    carried from batch to batch.

    Example:
        >>> corpus = np.arange(9, dtype=np.int32)
        >>> [x.T.tolist() for x, y in streams(corpus, time=2, batch=2)]
        [[[0, 1], [4, 5]], [[2, 3], [6, 7]]]
    """
    n_windows = require_windows(indices, time=time, batch=batch, what="text")
    per_stream = n_windows // batch
    starts = np.arange(batch) * per_stream * time
    for window in range(per_stream):
        yield _gather(indices, starts + window * time, time)
