"""How far back in time a loss has an effect: the norm of d loss / d h_t by the distance T - t.

It builds small networks from the cells and loops of `graph` and measures their gradients. The loss
is that of the last prediction alone, so that the gradient at h_t has passed through exactly T - t
steps of the loop.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from graphrnn.analysis.settings import GradientSettings
from graphrnn.backends.compile import BACKENDS, Function, Report, compile_graph, silent
from graphrnn.data import batches
from graphrnn.data.text import Indices, Vocabulary, load_corpus, split
from graphrnn.errors import UserError, unknown
from graphrnn.graph import cells, initial, losses, updates
from graphrnn.graph.initial import Array
from graphrnn.graph.layers import dense, one_hot
from graphrnn.graph.loops import Loop, scanned
from graphrnn.graph.shapes import Step, Tensor, tensor
from graphrnn.models.network import share

import aesara.tensor as at
import numpy as np

DTYPE = "float64"
"""Fifty factors of 0.1 are below the least float32."""
PROBES = 8
"""Batches of held-out text that are measured on."""
UNLIMITED = 1e150
"""A limit that no gradient reaches whose square is still a number."""
LOST, BLOWN = 1e-2, 1e2
"""What is left of a gradient at the first step: below and above, it has vanished or exploded."""

Weights = Mapping[str, Tensor]
Start = Callable[[np.random.Generator, int, int], dict[str, Array]]
"""(generator, H, T) → W_h, the bias b, and b_n where the cell has one."""


@dataclass(frozen=True)
class Subject:
    """A cell with its initialization.

    The step takes zx_t `(B, G·H)`, its states and then its weights, by name; h_t comes out first.
    """

    name: str
    summary: str
    step: Step
    n_states: int
    n_gates: int
    weights: tuple[str, ...]
    start: Start


@dataclass(frozen=True)
class Measured:
    """The measurements of one network: means over the held-out text.

    `norms` are ‖d loss / d h_t‖ of a sequence, by the distance T - t = 0 … T-1; `gradient` is the
    global norm of the gradients of all weights; `loss` is in nats, of the last character.
    """

    loss: float
    norms: tuple[float, ...]
    gradient: float

    @property
    def factor(self) -> float:
        """The factor by which a step back multiplies the gradient: the geometric mean of all."""
        near, far = self.norms[0], self.norms[-1]
        return float((far / near) ** (1 / (len(self.norms) - 1))) if near else math.nan


@dataclass(frozen=True)
class Trained:
    """A cell after some steps of SGD, and how far they moved its weights, taken as one vector."""

    measured: Measured
    moved: float


@dataclass(frozen=True)
class Finding:
    """A cell at its start, and after the same steps without clipping and with it."""

    cell: str
    start: Measured
    unclipped: Trained | None = None
    clipped: Trained | None = None


def _plain(draw: Callable[[np.random.Generator, int], Array]) -> Start:
    """Return the start of a plain network with this W_h and no bias."""
    return lambda rng, H, T: {"W_h": draw(rng, H), "b": initial.zeros(H, DTYPE)}


def _gru(opening: Callable[[int], float]) -> Start:
    """Return the start of a GRU: an orthogonal block per gate, this bias for its update gate u."""

    def start(rng: np.random.Generator, H: int, T: int) -> dict[str, Array]:
        weights = _gates(rng, H, (0.0, opening(T), 0.0))
        return weights | {"b_n": initial.zeros(H, DTYPE)}

    return start


def _lstm(opening: Callable[[int], float]) -> Start:
    """Return the start of an LSTM: an orthogonal block per gate, this bias for its gate f."""
    return lambda rng, H, T: _gates(rng, H, (0.0, opening(T), 0.0, 0.0))


def _gates(rng: np.random.Generator, H: int, biases: Sequence[float]) -> dict[str, Array]:
    """Join the blocks of the gates along their columns, each with its own bias."""
    blocks = [initial.orthogonal(rng, H, DTYPE) for _ in biases]
    return {"W_h": np.concatenate(blocks, axis=1), "b": np.repeat(biases, H).astype(DTYPE)}


def _as_long_as(time: int) -> float:
    """Compute the bias of a gate that keeps 1 - 1/T of the state: sigmoid(log(T - 1)) = 1 - 1/T.

    Tallec and Ollivier, "Can recurrent neural networks warp time?" (2018), section 2.
    """
    return math.log(time - 1)


def _random(rng: np.random.Generator, H: int) -> Array:
    return initial.gaussian(rng, H, H, DTYPE)


def _small(rng: np.random.Generator, H: int) -> Array:
    return initial.glorot(rng, H, H, DTYPE) / 2


def _glorot(rng: np.random.Generator, H: int) -> Array:
    return initial.glorot(rng, H, H, DTYPE)


def _orthogonal(rng: np.random.Generator, H: int) -> Array:
    return initial.orthogonal(rng, H, DTYPE)


def _identity(rng: np.random.Generator, H: int) -> Array:
    return initial.identity(H, DTYPE)


def _usual(bias: float) -> Callable[[int], float]:
    """Return a function of T that returns a constant bias."""
    return lambda time: bias


_W, _WB = ("W_h",), ("W_h", "b_n")
_TANH, _RELU = partial(cells.simple, activation=at.tanh), cells.simple

SUBJECTS = {
    subject.name: subject
    for subject in (
        Subject("rnn_random", "tanh, gaussian", _TANH, 1, 1, _W, _plain(_random)),
        Subject("rnn_small", "tanh, half glorot", _TANH, 1, 1, _W, _plain(_small)),
        Subject("rnn_glorot", "tanh, glorot", _TANH, 1, 1, _W, _plain(_glorot)),
        Subject("rnn_orthogonal", "tanh, orthogonal", _TANH, 1, 1, _W, _plain(_orthogonal)),
        Subject("rnn_identity", "relu, identity", _RELU, 1, 1, _W, _plain(_identity)),
        Subject("gru", "bias 0, the usual", cells.gru, 1, 3, _WB, _gru(_usual(0.0))),
        Subject("gru_open", "bias log(T - 1)", cells.gru, 1, 3, _WB, _gru(_as_long_as)),
        Subject("lstm", "bias 1, the usual", cells.lstm, 2, 4, _W, _lstm(_usual(1.0))),
        Subject("lstm_open", "bias log(T - 1)", cells.lstm, 2, 4, _W, _lstm(_as_long_as)),
    )
}
"""What can be measured. `_open` is a gate that begins by keeping 1 - 1/T of the state."""


def subjects_named(names: Sequence[str]) -> list[Subject]:
    """Return the subjects of these names, or all of them if none is named.

    Raises:
        UserError: there is none of that name.
    """
    for name in names:
        if name not in SUBJECTS:
            raise unknown("cell", name, SUBJECTS)
    return [SUBJECTS[name] for name in dict.fromkeys(names)] or list(SUBJECTS.values())


def start_weights(
    subject: Subject, rng: np.random.Generator, *, vocabulary: int, hidden: int, time: int
) -> dict[str, Array]:
    """Draw the weights of a subject, and of a glorot layer before and after it.

    Shapes: W_x `(V, G·H)`, b `(G·H,)`, W_h `(H, G·H)`, W_hy `(H, V)`, b_y `(V,)`.
    """
    into = [initial.glorot(rng, vocabulary, hidden, DTYPE) for _ in range(subject.n_gates)]
    return {
        "W_x": np.concatenate(into, axis=1),
        **subject.start(rng, hidden, time),
        "W_hy": initial.glorot(rng, hidden, vocabulary, DTYPE),
        "b_y": initial.zeros(vocabulary, DTYPE),
    }


def nudged(loop: Loop, nudge: Tensor) -> Loop:
    """Add e_t to h_t at every step, so that d loss / d e_t is the gradient of each step's state.

    h_t = step(…) + e_t,   e_t = 0   ⇒   d loss / d h_t = d loss / d e_t

    In the graph of a scan no variable is h_t: the loop writes all states to one array. Adding zeros
    gives each state a variable to differentiate with respect to, and changes no value.

    Shapes: nudge e `(T, B, H)`, like the first output of the loop.
    """

    def looped(
        step: Step,
        sequences: Sequence[Tensor],
        states: Sequence[Tensor],
        constants: Sequence[Tensor] = (),
    ) -> list[Tensor]:
        def moved(e_t: Tensor, *arguments: Tensor) -> list[Tensor]:
            outputs = step(*arguments)
            h_t, *rest = outputs if isinstance(outputs, (list, tuple)) else [outputs]
            return [h_t + e_t, *rest]

        return loop(moved, [nudge, *sequences], states, constants)

    return looped


def last_loss(
    subject: Subject, weights: Weights, x: Tensor, y: Tensor, loop: Loop = scanned
) -> tuple[Tensor, Tensor]:
    """Build the loss of the last prediction, and the zeros e whose gradient is d loss / d h_t.

    Shapes: x `(T, B)`, y `(1, B)`, the loss a scalar (the mean over the batch), e `(T, B, H)`.
    """
    (time, batch), (hidden, _) = x.type.shape, weights["W_h"].type.shape
    symbols = one_hot(x, weights["W_x"].type.shape[0], DTYPE)
    nudge = at.zeros((time, batch, hidden), dtype=DTYPE)
    nudge.name = "e"
    h, *_ = nudged(loop, nudge)(
        subject.step,
        [dense(symbols, weights["W_x"], weights["b"])],
        [at.zeros((batch, hidden), dtype=DTYPE)] * subject.n_states,
        [weights[name] for name in subject.weights],
    )
    logits = dense(h[-1:], weights["W_hy"], weights["b_y"])
    return losses.summed(losses.cross_entropy(logits, y)), nudge


def norms_by_distance(d_h: Tensor) -> Tensor:
    """Return the norm of each sequence's gradient, averaged over the batch, the last step's first.

    n_k = 1/B Σ_b ‖B · d_h[T-1-k, b]‖        B undoes the mean that is part of the loss

    Shapes: d_h `(T, B, H)`, result `(T,)`.
    """
    lengths = at.sqrt(at.sum(at.square(d_h), axis=-1))
    return at.sum(lengths, axis=1)[::-1]


def compiled(
    subject: Subject,
    weights: Weights,
    settings: GradientSettings,
    report: Report = silent,
) -> Function:
    """Compile f(x, y, learning_rate, limit) → loss, norms, gradient; a step of clipped SGD.

    Shapes: x `(T, B)`, y `(1, B)`, learning_rate and limit scalars, norms `(T,)`, gradient a
    scalar, the global norm before clipping. A learning rate of 0 only measures.
    """

    def graph() -> tuple[list[Tensor], list[Tensor], updates.Updates]:
        x = tensor("x", "int32", (settings.time, settings.batch))
        y = tensor("y", "int32", (1, settings.batch))
        learning_rate, limit = tensor("learning_rate", DTYPE, ()), tensor("limit", DTYPE, ())
        loss, nudge = last_loss(subject, weights, x, y)
        params = list(weights.values())
        *grads, d_h = updates.gradients(loss, [*params, nudge])
        step = updates.sgd(params, updates.clipped(grads, limit), learning_rate)
        outputs = [loss, norms_by_distance(d_h), updates.global_norm(grads)]
        return [x, y, learning_rate, limit], outputs, step

    return compile_graph(graph, name=subject.name, backend=settings.backend, report=report)


@dataclass(frozen=True)
class Text:
    """Batches to measure on, and the indices to train on."""

    corpus: str
    vocabulary: int
    probes: list[batches.Batch]
    train: Indices


def read(settings: GradientSettings) -> Text:
    """Read the corpus: measurements use its last tenth, training the rest.

    Raises:
        UserError: an unknown name, or too short a text.
    """
    if settings.backend not in BACKENDS:
        raise unknown("backend", settings.backend, BACKENDS)
    corpus = load_corpus(settings.corpus)
    vocabulary = Vocabulary.of(corpus.text)
    train, held_out = split(vocabulary.encode(corpus.text), 0.1)
    for indices in (train, held_out):
        windows = batches.count_windows(indices, settings.time)
        if windows < settings.batch:
            raise UserError(
                f"--corpus: got {windows} sequences of {settings.time} characters in a part of it, "
                f"needed {settings.batch} for one batch; use a longer text, or a smaller --time or "
                "--batch"
            )
    rng = np.random.default_rng(settings.seed)
    epoch = batches.shuffled(held_out, time=settings.time, batch=settings.batch, rng=rng)
    return Text(corpus.name, len(vocabulary), list(itertools.islice(epoch, PROBES)), train)


def measure(
    subject: Subject,
    text: Text,
    settings: GradientSettings,
    report: Report = silent,
    stepped: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> Finding:
    """Measure a cell at its start, and after training from there without and with clipping.

    `stepped` receives what is being done, the steps done and their total.
    """
    rng = np.random.default_rng(settings.seed)
    values = start_weights(
        subject, rng, vocabulary=text.vocabulary, hidden=settings.hidden, time=settings.time
    )
    weights = share({name: value.copy() for name, value in values.items()})
    function = compiled(subject, weights, settings, report)
    start = _probed(function, text.probes)
    if settings.steps == 0:
        return Finding(subject.name, start)
    trained = []
    for run, limit in enumerate((UNLIMITED, settings.clip)):
        for name, value in values.items():
            weights[name].set_value(value)
        for k, (x, y) in enumerate(_training(text.train, settings)):
            loss, *_ = function(x, y[-1:], settings.learning_rate, limit)
            done = run * settings.steps + k + 1
            stepped(f"{subject.name}: training, unclipped and clipped", done, 2 * settings.steps)
            if not np.isfinite(loss):
                break
        moves = [weights[name].get_value() - value for name, value in values.items()]
        moved = math.sqrt(sum(float(np.sum(np.square(move))) for move in moves))
        trained.append(Trained(_probed(function, text.probes), moved))
    return Finding(subject.name, start, *trained)


def _training(indices: Indices, settings: GradientSettings) -> Iterator[batches.Batch]:
    """Yield a batch for each step, the same ones for the same seed."""
    rng = np.random.default_rng(settings.seed)
    epochs = (
        batches.shuffled(indices, time=settings.time, batch=settings.batch, rng=rng)
        for _ in itertools.count()
    )
    return itertools.islice(itertools.chain.from_iterable(epochs), settings.steps)


def _probed(function: Function, probes: Sequence[batches.Batch]) -> Measured:
    """Call the function at a learning rate of 0 on each batch, and take the means."""
    results = [function(x, y[-1:], 0.0, 1.0) for x, y in probes]
    loss, norms, gradient = (np.mean(values, axis=0) for values in zip(*results, strict=True))
    return Measured(float(loss), tuple(map(float, norms)), float(gradient))


def fate(measured: Measured) -> str:
    """Classify what happens to the gradient back to the first step.

    Example:
        >>> [fate(Measured(0.0, (1.0, last), 0.0)) for last in (1e-3, 0.5, 1e3, math.nan)]
        ['vanishes', 'stays', 'explodes', 'is not finite']
    """
    near, far = measured.norms[0], measured.norms[-1]
    if not math.isfinite(near + far):
        return "is not finite"
    return "vanishes" if far < LOST * near else "explodes" if far > BLOWN * near else "stays"


def explanation(findings: Sequence[Finding]) -> str:
    """Summarize findings in a few sentences."""
    cells_by_fate = {
        name: [f"{f.cell} ({f.start.factor:.2f})" for f in findings if fate(f.start) == name]
        for name in ("explodes", "vanishes", "stays", "is not finite")
    }
    time = len(findings[0].start.norms)
    lines = [
        f"{time - 1} steps back the gradient {name} (factor of a step): {', '.join(cells)}."
        for name, cells in cells_by_fate.items()
        if cells
    ]
    lines.append(
        "Each step back multiplies it by W_h and by the slope of the activation; what is above 1 "
        "explodes and what is below 1 vanishes, unless W_h keeps lengths (orthogonal, identity) or "
        "a gate passes the state on."
    )
    thrown = [f for f in findings if f.unclipped and f.clipped]
    if thrown:
        worst = max(thrown, key=lambda f: f.start.gradient)
        assert worst.unclipped is not None
        assert worst.clipped is not None
        lines.append(
            f"Clipping shortens a gradient and keeps its direction: {worst.cell}'s weights moved "
            f"by {worst.unclipped.moved:.2g} without it and by {worst.clipped.moved:.2g} with it. "
            "It brings back nothing that has vanished."
        )
    return "\n".join(lines)
