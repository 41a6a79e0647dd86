"""What a network is: its weights, its states, and one function that is its graph."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from graphrnn.graph import initial
from graphrnn.graph.initial import Array
from graphrnn.graph.loops import Loop
from graphrnn.graph.shapes import Tensor

import numpy as np

Weights = Mapping[str, Tensor]

Forward = Callable[[Tensor, list[Tensor], Weights, Loop], tuple[Tensor, list[Tensor]]]
"""Indices x `(T, B)`, initial states, weights, loop → logits `(T', B, V)`, states at the end.

T' is T for a network that predicts at every step, 1 for one that predicts after the last. A network
with dropout finds its masks among the weights.
"""

Learn = Callable[
    [Tensor, list[Tensor], Weights, Loop], tuple[Tensor, list[Tensor], dict[str, Tensor]]
]
"""As `Forward`, with new values for what a network keeps beside its parameters."""


@dataclass(frozen=True)
class Sizes:
    """The lengths that a network's weights depend on: symbols V, hidden units H, and the rest."""

    vocabulary: int
    hidden: int
    embedding: int = 42
    layers: int = 2


@dataclass(frozen=True)
class Weight:
    """The shape of a weight and how it is drawn."""

    shape: tuple[int, ...]
    draw: Callable[[np.random.Generator, str], Array]


def glorot(n_in: int, n_out: int) -> Weight:
    """A weight that keeps the variance of signals."""
    return Weight((n_in, n_out), lambda rng, dtype: initial.glorot(rng, n_in, n_out, dtype))


def he(n_in: int, n_out: int) -> Weight:
    """A weight that keeps the variance of signals through relu."""
    return Weight((n_in, n_out), lambda rng, dtype: initial.he(rng, n_in, n_out, dtype))


def uniform(n_in: int, n_out: int) -> Weight:
    """An embedding."""
    return Weight((n_in, n_out), lambda rng, dtype: initial.uniform(rng, n_in, n_out, dtype))


def identity(n: int) -> Weight:
    """A recurrent weight that starts by keeping the state."""
    return Weight((n, n), lambda rng, dtype: initial.identity(n, dtype))


def orthogonal(n: int, blocks: int = 1) -> Weight:
    """A recurrent weight that keeps the length of the state, a block for each gate."""

    def draw(rng: np.random.Generator, dtype: str) -> Array:
        return np.concatenate([initial.orthogonal(rng, n, dtype) for _ in range(blocks)], axis=1)

    return Weight((n, blocks * n), draw)


def zeros(n: int) -> Weight:
    """A bias."""
    return Weight((n,), lambda rng, dtype: initial.zeros(n, dtype))


def ones(n: int) -> Weight:
    """A gain."""
    return Weight((n,), lambda rng, dtype: initial.ones(n, dtype))


def lstm_bias(n: int) -> Weight:
    """The bias of an LSTM, which starts by keeping its memory."""
    return Weight((4 * n,), lambda rng, dtype: initial.lstm_bias(n, dtype))


def every_step(time: int) -> int:
    """How many predictions a sequence has: one at each step."""
    return time


def last_step(time: int) -> int:
    """How many predictions a sequence has: one, after the last step."""
    return 1


def _nothing(sizes: Sizes) -> dict[str, int]:
    return {}


@dataclass(frozen=True)
class Model:
    """A network: what it starts from, its states, and its graph.

    Attributes:
        name: What the command line calls it.
        summary: One line.
        section: The lesson's part that it comes from.
        weights: Every weight by name, in the order in which they are drawn.
        forward: The graph in use.
        state_widths: The states that it carries from step to step; none for a network that is laid
            out by hand for windows of one length, and reads these whole.
        learn: The graph while training, where that is another one.
        statistics: Weights that no gradient moves, but `learn`.
        masks: The dropout masks `(B, width)` that it wants, by name.
        predictions: How many predictions it makes of T characters.
        by_hand: The name of its passes in `reference`, where these train it instead of the graph.
    """

    name: str
    summary: str
    section: str
    weights: Callable[[Sizes], dict[str, Weight]]
    forward: Forward
    state_widths: Callable[[Sizes], dict[str, int]] = _nothing
    learn: Learn | None = None
    statistics: tuple[str, ...] = ()
    masks: Callable[[Sizes], dict[str, int]] = _nothing
    predictions: Callable[[int], int] = every_step
    by_hand: str | None = None

    def weight_shapes(self, sizes: Sizes) -> dict[str, tuple[int, ...]]:
        """Return the shape of each weight."""
        return {name: weight.shape for name, weight in self.weights(sizes).items()}

    def initial_weights(
        self, rng: np.random.Generator, sizes: Sizes, dtype: str
    ) -> dict[str, Array]:
        """Draw every weight."""
        return {name: weight.draw(rng, dtype) for name, weight in self.weights(sizes).items()}


def hidden_state(sizes: Sizes) -> dict[str, int]:
    """One state h `(B, H)`."""
    return {"h": sizes.hidden}
