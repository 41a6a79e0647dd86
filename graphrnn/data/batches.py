"""Indices → time-major windows: shuffled, or contiguous streams for a carried state."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphrnn.data.text import Indices, Stored
from graphrnn.errors import UserError
from graphrnn.settings.recipes import Windows

import numpy as np
import numpy.typing as npt

EVALUATION_BATCH = 64
"""Windows of a text that is evaluated at once, while training and after it, at most."""

Batch = tuple[Indices, Indices]
"""Inputs and targets, both `(T, B)`: the targets are one character later."""


def count_windows(indices: Stored, time: int, stride: int | None = None) -> int:
    """Count the windows of `time` characters, each with the character after it as last target.

    One begins every `stride` characters; without a stride, each begins where the previous one ends.

    Example:
        >>> corpus = np.arange(17, dtype=np.int32)
        >>> count_windows(corpus, time=8), count_windows(corpus, time=8, stride=1)
        (2, 9)
    """
    return max(0, (len(indices) - 1 - time) // (stride or time) + 1)


def require_windows(
    indices: Stored, *, time: int, batch: int, what: str, stride: int | None = None
) -> int:
    """Return the number of windows of length T, checked against the batch size.

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


def _gather(indices: Stored, starts: npt.NDArray[np.int64], time: int) -> Batch:
    """Copy the windows that begin at `starts` `(B,)` from the corpus: two arrays `(T, B)`."""
    at = np.arange(time)[:, None] + starts[None, :]
    return indices[at].astype(np.int32, copy=False), indices[at + 1].astype(np.int32, copy=False)


def shuffled_order(n_windows: int, rng: np.random.Generator) -> npt.NDArray[np.uint32]:
    """Draw the order of an epoch: a permutation of 0 … n - 1, uint32 `(n,)`.

    It equals `rng.permutation(n)` and takes half of its memory: a long text has many windows.

    Example:
        >>> shuffled_order(5, np.random.default_rng(0)).tolist()
        [2, 4, 3, 0, 1]
        >>> np.random.default_rng(0).permutation(5).tolist()
        [2, 4, 3, 0, 1]
    """
    if n_windows >= 2**32:
        raise UserError(f"windows: got {n_windows:,}, needed under 2**32; use a shorter text")
    order = np.arange(n_windows, dtype=np.uint32)
    rng.shuffle(order)
    return order


def shuffled(
    indices: Stored, *, time: int, batch: int, rng: np.random.Generator, stride: int | None = None
) -> Iterator[Batch]:
    """Yield every window once, in random order, B at a time; an incomplete batch is dropped.

    Window k begins at character k · stride; without a stride at kT, so that windows do not overlap.
    The lesson's networks of three and eight characters read such windows, its stacked LSTM those of
    stride 1. Only the windows of a batch are copied, never the whole corpus.

    Example:
        >>> corpus = np.arange(9, dtype=np.int32)
        >>> epoch = shuffled(corpus, time=4, batch=2, rng=np.random.default_rng(0))
        >>> [x.T.tolist() for x, y in epoch]
        [[[0, 1, 2, 3], [4, 5, 6, 7]]]
    """
    n_windows = require_windows(
        indices, time=time, batch=batch, what="training text", stride=stride
    )
    order = shuffled_order(n_windows, rng)
    for first in range(0, n_windows - batch + 1, batch):
        yield _shuffled_batch(indices, order, first, batch, time, stride)


def _shuffled_batch(
    indices: Stored,
    order: npt.NDArray[np.uint32],
    first: int,
    batch: int,
    time: int,
    stride: int | None,
) -> Batch:
    """Return the batch of the windows from position `first` on in the order of the epoch."""
    starts = order[first : first + batch].astype(np.int64) * (stride or time)
    return _gather(indices, starts, time)


def streams(indices: Stored, *, time: int, batch: int) -> Iterator[Batch]:
    """Split the corpus into B contiguous streams and yield their windows in order.

    Column b of a batch continues where column b of the previous batch ended, so that a state can be
    carried from batch to batch.

    Example:
        >>> corpus = np.arange(9, dtype=np.int32)
        >>> [x.T.tolist() for x, y in streams(corpus, time=2, batch=2)]
        [[[0, 1], [4, 5]], [[2, 3], [6, 7]]]
    """
    n_windows = require_windows(indices, time=time, batch=batch, what="text")
    for window in range(n_windows // batch):
        yield _stream_batch(indices, window, n_windows // batch, batch, time)


def _stream_batch(indices: Stored, window: int, per_stream: int, batch: int, time: int) -> Batch:
    """Return the batch of each stream's window number `window`."""
    return _gather(indices, (np.arange(batch) * per_stream + window) * time, time)


@dataclass
class Reader:
    """Reads a text epoch after epoch, batch by batch, and can resume where another one stopped.

    `batches` counts those of this epoch; `order` is the generator's state when the epoch began.
    With both, and the generator's current state, a new reader yields the same further batches.

    Example:
        >>> corpus = np.arange(9, dtype=np.int32)
        >>> reader = Reader(corpus, 2, 1, "shuffled", np.random.default_rng(0))
        >>> [reader.read()[0].T.tolist() for _ in range(3)]
        [[[4, 5]], [[0, 1]], [[2, 3]]]
        >>> again = Reader(corpus, 2, 1, "shuffled", np.random.default_rng(1), 3, reader.order)
        >>> again.read()[0].T.tolist()
        [[6, 7]]
    """

    indices: Stored
    time: int
    batch: int
    windows: Windows
    rng: np.random.Generator
    batches: int = 0
    order: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        stride = 1 if self.windows == "overlapping" else None
        self._stride, self._shuffled = stride, self.windows != "streams"
        self._n_windows = require_windows(
            self.indices, time=self.time, batch=self.batch, what="training text", stride=stride
        )
        self._order: npt.NDArray[np.uint32] | None = None
        if self.order is not None:
            rng = np.random.default_rng(0)
            rng.bit_generator.state = self.order
            self._order = shuffled_order(self._n_windows, rng)

    @property
    def per_pass(self) -> int:
        """The number of batches in an epoch."""
        return self._n_windows // self.batch

    @property
    def shuffled(self) -> bool:
        """Whether each epoch draws an order of its windows."""
        return self._shuffled

    @property
    def begins(self) -> bool:
        """Whether the next batch is the first of an epoch."""
        return self.batches in (0, self.per_pass)

    def read(self) -> Batch:
        """Return the next batch; after the last one of an epoch, the first of the next epoch."""
        if self.begins:
            self.batches = 0
            if self._shuffled:
                self.order = dict(self.rng.bit_generator.state)
                self._order = None  # frees the old order before the new one is allocated
                self._order = shuffled_order(self._n_windows, self.rng)
        k, self.batches = self.batches, self.batches + 1
        if self._order is None:
            per_stream = self._n_windows // self.batch
            return _stream_batch(self.indices, k, per_stream, self.batch, self.time)
        first = k * self.batch
        return _shuffled_batch(
            self.indices, self._order, first, self.batch, self.time, self._stride
        )
