"""How well a network predicts a text, which is read as the network was trained.

In windows, each from a zero state; in as many streams as the held-out text is read in, where the
state goes on from window to window; or, if so asked, from end to end by one state.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import log

from graphrnn.backends.compile import Function, Report, silent
from graphrnn.data import batches
from graphrnn.data.text import READ_AT_MOST, Stored, Vocabulary, border
from graphrnn.errors import UserError
from graphrnn.graph import losses
from graphrnn.graph.shapes import tensor
from graphrnn.models import Weights
from graphrnn.models.network import GraphSpec, Network
from graphrnn.runs.checkpoint import Checkpoint
from graphrnn.sampling.networks import carries_state, network_in
from graphrnn.settings.recipes import recipe_for
from graphrnn.settings.sampling import StateUse

import aesara.tensor as at
import numpy as np
import numpy.typing as npt

TIME = 64
"""Characters that one call reads of a text that is read from end to end."""
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
        read: How the text was read, in words.
    """

    characters: int
    loss: float
    accuracy: float
    among_best: float
    commonest: tuple[str, ...]
    confusion: npt.NDArray[np.int64]
    unknown: int
    strangers: tuple[str, ...]
    read: str = ""

    @property
    def bits(self) -> float:
        """The loss in bits per character: loss / ln 2."""
        return self.loss / log(2)


def judge(
    network: Network, *, time: int, batch: int, carried: Weights, report: Report = silent
) -> Function:
    """Compile f(x, y) → mean of E, then E, ranks, predicted, each `(T', B)`.

    E = -log softmax(z)_y in nats;  rank = Σ_k [z_k > z_y], 0 for the likeliest;  argmax_k z_k

    The state goes on in `carried`; where that is empty, each call begins from zero.
    """

    def graph() -> GraphSpec:
        x, y = tensor("x", "int32", (time, batch)), tensor("y", "int32", (time, batch))
        states = list(carried.values()) or network.zero_states(batch)
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
        updates = list(zip(states, after, strict=True)) if carried else []
        return [x, y], [losses.mean(errors), errors, ranks, predicted], updates

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


def held_out_part(checkpoint: Checkpoint, text: str) -> str:
    """Return what a run read of what it held out; all of its text where nothing was held out."""
    settings = checkpoint.header.settings
    text = text.lower() if recipe_for(settings.model).lower_case else text
    first = border(len(text), settings.held_out)
    return text[first : first + READ_AT_MOST] or text


def evaluate_text(
    checkpoint: Checkpoint,
    text: str,
    *,
    state: StateUse = "as-trained",
    backend: str = "auto",
    threads: int | None = None,
    report: Report = silent,
    read: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Read a text and give how well each next character was predicted.

    Read as the network was trained, the part that a run held out gives the loss that its training
    gave. Windows of T are read 64 at a time; what is left at the end is not read.

    Raises:
        UserError: the network knows too little of the text, or has no state to carry.
    """
    settings, vocabulary = checkpoint.header.settings, checkpoint.vocabulary
    if recipe_for(settings.model).lower_case:
        text = text.lower()
    text, unknown, strangers = known_part(vocabulary, text)
    network = network_in(checkpoint, backend=backend, threads=threads)
    indices = vocabulary.store(text)
    plan = planned(network, settings.time, indices, state)
    carried = network.carried_states(plan.batch) if plan.carried else {}
    function = judge(network, time=plan.time, batch=plan.batch, carried=carried, report=report)
    V = len(vocabulary)
    confusion, total, loss = np.zeros(V * V, dtype=np.int64), np.zeros(3), 0.0
    done = calls = 0
    for x, y, n in plan.pieces:
        mean, *outputs = function(x, y)
        targets = y[len(y) - len(outputs[0]) :]
        errors, ranks, predicted, right = (
            np.asarray(value).T.ravel()[:n] for value in (*outputs, targets)
        )
        loss, calls = loss + float(mean), calls + 1
        total += errors.sum(dtype=np.float64), (ranks == 0).sum(), (ranks < BEST).sum()
        confusion += np.bincount(right * V + predicted, minlength=V * V)
        done += len(right)
        read(calls, plan.calls)
    # A mean of means, as in training; the last piece of a stream may be shorter.
    loss = float(total[0]) / done if plan.filled else loss / calls
    table = confusion.reshape(V, V)
    common = np.argsort(-table.sum(axis=1), kind="stable")[: min(COMMONEST, V - 1)]
    among = table[np.ix_(common, common)]
    others = table[common].sum(axis=1, keepdims=True) - among.sum(axis=1, keepdims=True)
    return Evaluation(
        characters=done,
        loss=loss,
        accuracy=float(total[1]) / done,
        among_best=float(total[2]) / done,
        commonest=tuple(vocabulary.characters[k] for k in common),
        confusion=np.hstack([among, others]),
        unknown=unknown,
        strangers=strangers,
        read=plan.described,
    )


Pieces = Iterator[tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], int]]
"""x, y and how many of the predictions count: the last piece of a stream is filled up."""


@dataclass(frozen=True)
class Plan:
    """How a text is read: lengths of a call, whether the state goes on, and what is read."""

    time: int
    batch: int
    carried: bool
    filled: bool
    calls: int
    described: str
    pieces: Pieces


def planned(network: Network, window: int, indices: Stored, state: StateUse) -> Plan:
    """Choose how to read a text.

    Raises:
        UserError: it is too short, or the network has no state to carry.
    """
    carries = carries_state(network, state)
    if state == "carried":
        # A network that predicts after the last character alone is read one at a time.
        time = TIME if network.model.predictions(TIME) == TIME else 1
        calls = -(-(len(indices) - 1) // time)
        how = "from end to end, by a state that is carried"
        return Plan(time, 1, True, True, calls, how, _stream(indices, time))
    n_windows = batches.require_windows(indices, time=window, batch=1, what="corpus")
    batch = min(batches.EVALUATION_BATCH, n_windows)
    how = f"in windows of {window} characters, "
    how += f"{batch} streams, the state carried on" if carries else "each from a zero state"
    pieces = (
        (x, y, network.model.predictions(window) * batch)
        for x, y in batches.streams(indices, time=window, batch=batch)
    )
    return Plan(window, batch, carries, False, n_windows // batch, how, pieces)


def _stream(indices: Stored, time: int) -> Pieces:
    """Return one window after another, as columns; the last is filled up behind its end."""
    for first in range(0, len(indices) - 1, time):
        piece = indices[first : first + time + 1].astype(np.int32)
        n = len(piece) - 1
        filled = np.zeros(time + 1, dtype=np.int32)
        filled[: n + 1] = piece
        yield filled[:-1, None], filled[1:, None], n
