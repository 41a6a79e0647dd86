"""Indices → time-major windows: shuffled, or contiguous streams for a carried state."""

from collections.abc import Iterator

from graphrnn.errors import UserError
from graphrnn.text import Indices

import numpy as np
import numpy.typing as npt

Batch = tuple[Indices, Indices]
"""What goes in and what should come out, both `(T, B)`: the targets are one character later."""


def count_windows(indices: Indices, time: int, stride: int | None = None) -> int:
    """Count the windows of `time` characters, each with the character after it as last target.

    They begin every `stride` characters; without it, each where the one before it ends.

    Example:
        >>> corpus = np.arange(17, dtype=np.int32)
        >>> count_windows(corpus, time=8), count_windows(corpus, time=8, stride=1)
        (2, 9)
    """
    return max(0, (len(indices) - 1 - time) // (stride or time) + 1)


def require_windows(
    indices: Indices, *, time: int, batch: int, what: str, stride: int | None = None
) -> int:
    """Give the number of windows of length T.

    Raises:
        UserError: fewer windows than one batch needs.
    """
    n_windows = count_windows(indices, time, stride)
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
    indices: Indices, *, time: int, batch: int, rng: np.random.Generator, stride: int | None = None
) -> Iterator[Batch]:
    """Give every window once, in random order, B at a time; an incomplete batch is left out.

    The k-th begins at character k · stride; without a stride at kT, so that windows do not overlap.
    The lesson's networks of three and eight characters read such windows, its stacked LSTM those of
    stride 1. The corpus itself is never copied, only what a batch holds.

    Example:
        >>> corpus = np.arange(9, dtype=np.int32)
        >>> epoch = shuffled(corpus, time=4, batch=2, rng=np.random.default_rng(0))
        >>> [x.T.tolist() for x, y in epoch]
        [[[0, 1, 2, 3], [4, 5, 6, 7]]]
    """
    n_windows = require_windows(
        indices, time=time, batch=batch, what="training text", stride=stride
    )
    order = rng.permutation(n_windows) * (stride or time)
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
