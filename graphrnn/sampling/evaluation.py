"""How well a network predicts a text: it is read from end to end, the state carried all the way."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import log

from graphrnn.backends.compile import Function, Report, silent
from graphrnn.data.text import Stored, Vocabulary
from graphrnn.errors import UserError
from graphrnn.graph import losses
from graphrnn.graph.shapes import tensor
from graphrnn.models import Weights
from graphrnn.models.network import GraphSpec, Network
from graphrnn.runs.checkpoint import Checkpoint
from graphrnn.sampling.sampler import network_in
from graphrnn.settings.recipes import recipe_for

import aesara.tensor as at
import numpy as np
import numpy.typing as npt

TIME = 64
"""Characters that one call reads."""
WINDOWS = 64
"""Windows that one call reads, of a network that carries no state."""
BEST = 5
COMMONEST = 10
"""Characters that have a row in the confusion table."""


@dataclass(frozen=True)
class Evaluation:
    """What came of reading a text.

    Attributes:
        characters: How many predictions were made.
        loss: Their mean, in nats.
        accuracy: The share whose likeliest character was right.
        among_best: The share with the right one among the five likeliest.
        commonest: The characters that are commonest in the text.
        confusion: Of each of them, how often each of them was predicted, and in the last column any
            other character: `(K, K + 1)`.
        unknown: How many characters of the text the network does not know; they were left out.
        strangers: Which these are.
    """

    characters: int
    loss: float
    accuracy: float
    among_best: float
    commonest: tuple[str, ...]
    confusion: npt.NDArray[np.int64]
    unknown: int
    strangers: tuple[str, ...]

    @property
    def bits(self) -> float:
        """The loss in bits per character: loss / ln 2."""
        return self.loss / log(2)


def judge(
    network: Network, *, time: int, batch: int, carried: Weights, report: Report = silent
) -> Function:
    """Compile f(x, y) → errors, ranks, predicted, each `(T', B)`; the state goes on in `carried`.

    E = -log softmax(z)_y in nats;  rank = Σ_k [z_k > z_y], 0 for the likeliest;  argmax_k z_k
    """

    def graph() -> GraphSpec:
        x, y = tensor("x", "int32", (time, batch)), tensor("y", "int32", (time, batch))
        states = list(carried.values())
        logits, after = network.model.forward(
            x, states, network.evaluation_weights(batch), network.loop
        )
        targets = network.targets(y)
        symbols = at.arange(logits.type.shape[-1], dtype="int32")
        right = at.eq(symbols[None, None, :], targets[:, :, None])
        z_y = at.sum(at.switch(right, logits, 0.0), axis=-1, keepdims=True)
        ranks = at.sum(at.cast(at.gt(logits, z_y), "int32"), axis=-1, dtype="int32")
        errors = losses.cross_entropy(logits, targets)
        predicted = at.cast(at.argmax(logits, axis=-1), "int32")
        return [x, y], [errors, ranks, predicted], list(zip(states, after, strict=True))

    return network.compiled(graph, "evaluate", report)


def known_part(vocabulary: Vocabulary, text: str) -> tuple[str, int, tuple[str, ...]]:
    """Return a text without the characters that a network does not know, their number, and which.

    Raises:
        UserError: nothing is left.

    Example:
        >>> known_part(Vocabulary.of("abc"), "a-b-c!")
        ('abc', 3, ('!', '-'))
    """
    strangers = sorted(set(text) - set(vocabulary.characters[1:]))
    unknown = sum(text.count(stranger) for stranger in strangers)
    kept = text.translate(dict.fromkeys(map(ord, strangers)))
    if len(kept) < 2:
        raise UserError(
            f"corpus: got {len(kept)} characters that the network knows, needed at least 2; "
            "use a text like the one it was trained on"
        )
    return kept, unknown, tuple(strangers)


def evaluate_text(
    checkpoint: Checkpoint,
    text: str,
    *,
    backend: str = "auto",
    threads: int | None = None,
    report: Report = silent,
    read: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Read a text from end to end and give how well each next character was predicted.

    A network without a state predicts each character from the window before it.

    Raises:
        UserError: the network knows too little of the text.
    """
    settings, vocabulary = checkpoint.header.settings, checkpoint.vocabulary
    if recipe_for(settings.model).lower_case:
        text = text.lower()
    text, unknown, strangers = known_part(vocabulary, text)
    network = network_in(checkpoint, backend=backend, threads=threads)
    indices = vocabulary.store(text)
    batches, function = _plan(network, settings.time, indices, report)
    V = len(vocabulary)
    confusion, total = np.zeros(V * V, dtype=np.int64), np.zeros(3)
    done = 0
    for x, y, n in batches:
        outputs = function(x, y)
        targets = y[len(y) - len(outputs[0]) :]
        errors, ranks, predicted, right = (
            np.asarray(value).T.ravel()[:n] for value in (*outputs, targets)
        )
        total += errors.sum(dtype=np.float64), (ranks == 0).sum(), (ranks < BEST).sum()
        confusion += np.bincount(right * V + predicted, minlength=V * V)
        done += n
        read(done, len(indices))
    loss, hits, near = (float(value) / done for value in total)
    table = confusion.reshape(V, V)
    common = np.argsort(-table.sum(axis=1), kind="stable")[: min(COMMONEST, V - 1)]
    among = table[np.ix_(common, common)]
    others = table[common].sum(axis=1, keepdims=True) - among.sum(axis=1, keepdims=True)
    names = tuple(vocabulary.characters[k] for k in common)
    return Evaluation(done, loss, hits, near, names, np.hstack([among, others]), unknown, strangers)


Pieces = Iterator[tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], int]]
"""x, y and how many of the predictions count: the last batch is filled up."""


def _plan(
    network: Network, window: int, indices: Stored, report: Report
) -> tuple[Pieces, Function]:
    """Choose how to read: one stream with its state, or a window before each character."""
    if network.model.state_widths(network.sizes):
        # A network that predicts after the last character alone is read one at a time.
        time = TIME if network.model.predictions(TIME) == TIME else 1
        carried = network.carried_states(1)
        return _stream(indices, time), judge(
            network, time=time, batch=1, carried=carried, report=report
        )
    if len(indices) <= window:
        raise UserError(
            f"corpus: got {len(indices)} characters that the network knows, needed at least "
            f"{window + 1}; use a longer text"
        )
    function = judge(network, time=window, batch=WINDOWS, carried={}, report=report)
    return _windows(indices, window), function


def _stream(indices: Stored, time: int) -> Pieces:
    """Return one window after another, as columns; the last is filled up behind its end."""
    for first in range(0, len(indices) - 1, time):
        piece = indices[first : first + time + 1].astype(np.int32)
        n = len(piece) - 1
        filled = np.zeros(time + 1, dtype=np.int32)
        filled[: n + 1] = piece
        yield filled[:-1, None], filled[1:, None], n


def _windows(indices: Stored, window: int) -> Pieces:
    """Return the window before each character, B at a time; the last batch repeats its last one."""
    last = len(indices) - window - 1
    for first in range(0, last + 1, WINDOWS):
        starts = np.minimum(np.arange(first, first + WINDOWS), last)
        at_ = np.arange(window)[:, None] + starts
        x, y = indices[at_].astype(np.int32), indices[at_ + 1].astype(np.int32)
        yield x, y, min(WINDOWS, last + 1 - first)
