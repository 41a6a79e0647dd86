"""The workloads: what is trained, from which weights, on which batch.

A step is embedding (or one-hot), recurrence, dense layer, cross-entropy summed over time and
averaged over the batch, accuracy, gradients and SGD. Arrays are time-major, vectors are rows; gates
are i, f, g, o (LSTM) and r, u, n (GRU, with n = tanh(zx_n + r · (h_tm1 W_hn + b_n))).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Weights = dict[str, Array]
Product = tuple[int, int, int]

SYMBOLS, EMBEDDING = 86, 64
GATES = {"rnn": 1, "gru": 3, "lstm": 4}
BYTES = 4


@dataclass(frozen=True)
class Work:
    """One network and the sizes of its batch.

    Attributes:
        one_hot: The lesson's: one-hot input, relu, W_h from the identity.
        dropout: Share of the units that a mask `(B, H)` behind each layer drops, the same at all
            times (Gal and Ghahramani, 2016). The masks are drawn here and given to all peers.
        optimizer: "sgd", or "adam" where whole runs are compared.
    """

    cell: str
    batch: int
    time: int
    hidden: int
    layers: int = 1
    one_hot: bool = False
    dropout: float = 0.0
    optimizer: str = "sgd"
    symbols: int = SYMBOLS

    def __str__(self) -> str:
        """Name it."""
        words = [f"{self.cell.upper()}, B={self.batch}, T={self.time}, H={self.hidden}"]
        words += [f"{self.layers} layers"] if self.layers > 1 else []
        words += ["dropout"] if self.dropout else []
        words += ["one-hot, relu"] if self.one_hot else []
        return ", ".join(words)

    @property
    def gates(self) -> int:
        """How many blocks of columns the weights have."""
        return GATES[self.cell]

    @property
    def n_in(self) -> int:
        """Units that the first layer reads."""
        return self.symbols if self.one_hot else EMBEDDING

    @property
    def rate(self) -> float:
        """The learning rate: of a loss that is summed over time, so that it shrinks with T."""
        return 0.002 if self.optimizer == "adam" else 0.08 / self.time


def draw(work: Work) -> Weights:
    """Draw the weights that all start from."""
    rng = np.random.default_rng(0)
    H, gates = work.hidden, work.gates

    def uniform(*shape: int) -> Array:
        return rng.uniform(-1, 1, shape).astype("float32") / np.float32(H**0.5)

    weights = {} if work.one_hot else {"E": uniform(work.symbols, EMBEDDING)}
    weights |= {"W_y": uniform(H, work.symbols), "b_y": uniform(work.symbols)}
    for k in range(work.layers):
        weights[f"W_x{k}"] = uniform(H if k else work.n_in, gates * H)
        weights[f"W_h{k}"], weights[f"b{k}"] = uniform(H, gates * H), uniform(gates * H)
        if work.one_hot:
            weights[f"W_h{k}"] = np.eye(H, dtype="float32")
        if work.cell == "gru":
            weights[f"b_n{k}"] = uniform(H)
    return weights


def batch(work: Work) -> Array:
    """Draw x and y, `(2, T, B)` int32."""
    rng = np.random.default_rng(1)
    return rng.integers(0, work.symbols, (2, work.time, work.batch)).astype("int32")


def masks(work: Work) -> list[Array]:
    """Draw the dropout masks, one `(B, H)` behind each layer; none without dropout."""
    if not work.dropout:
        return []
    rng, keep = np.random.default_rng(2), 1 - work.dropout
    shape = (work.layers, work.batch, work.hidden)
    return list((rng.random(shape) < keep).astype("float32") / np.float32(keep))


def products(work: Work) -> list[tuple[int, Product]]:
    """List a step's matrix products as (how often, (m, k, n)), forward and backward.

    The gradient of a product of (m, k) and (k, n) takes two more, (m, n, k) and (k, m, n); over the
    weights of a loop it is one for all times. Symbols are projected once each where there are fewer
    of them than characters; one-hot vectors pick rows, and need no product.
    """
    H, wide, rows = work.hidden, work.gates * work.hidden, work.time * work.batch
    listed = [(1, size) for size in _both(rows, H, work.symbols)]
    for k in range(work.layers):
        listed += [(work.time, (work.batch, H, wide)), (work.time, (work.batch, wide, H))]
        listed += [(1, (H, rows, wide))]
        if k:
            listed += [(1, size) for size in _both(rows, H, wide)]
        elif not work.one_hot:
            listed += [(1, size) for size in _both(min(work.symbols, rows), EMBEDDING, wide)]
    return listed


def _both(m: int, k: int, n: int) -> list[Product]:
    return [(m, k, n), (m, n, k), (k, m, n)]


def operations(work: Work) -> float:
    """Count the multiplications and additions of a step's products: 2mkn each."""
    return float(sum(2 * times * m * k * n for times, (m, k, n) in products(work)))


def traffic(work: Work) -> float:
    """Count the bytes that a step must move at least, were no cache large enough to keep them.

    Every weight is read forward, read backward, and written; what the gradient needs of each time
    (states, gates, logits) is written once and read once.
    """
    weights = sum(value.size for value in draw(work).values())
    kept = work.layers * (work.gates + 1) * work.hidden + work.symbols
    return BYTES * (3.0 * weights + 2.0 * work.time * work.batch * kept)


def limit(work: Work, rate: Callable[[Product], float], bandwidth: float) -> tuple[float, str]:
    """Return the least seconds that a step can take, and what bounds it: arithmetic or memory.

    The larger of: all products at the rates measured for their shapes, in operations a second; all
    bytes at the bandwidth of main memory (Williams, Waterman and Patterson, "Roofline", 2009).
    """
    computing = sum(
        times * 2.0 * m * k * n / rate((m, k, n)) for times, (m, k, n) in products(work)
    )
    moving = traffic(work) / bandwidth
    return max(computing, moving), "arithmetic" if computing >= moving else "memory"
