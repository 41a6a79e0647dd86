"""Writing as one graph: a scan over N characters that draws each and feeds it back.

The random stream is inside the graph: a step draws its own numbers, and the generator that it
leaves is an update of the function. `choose` is the same choice in NumPy, for a loop in Python over
a compiled step; from the same numbers both write the same text.

A character is drawn by its score, where u are uniform numbers and τ the temperature:

    k = argmax_j (z_j - τ log(-log u_j))           the j allowed by top-k and top-p

which is a draw from softmax(z / τ), and the likeliest character for τ = 0. Source: Gumbel,
"Statistical theory of extreme values and some practical applications" (1954); Maddison, Tarlow and
Minka, "A* sampling" (2014), section 2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphrnn.backends.compile import Function, Report, silent
from graphrnn.data.text import Indices
from graphrnn.graph.initial import Array
from graphrnn.graph.loops import LOOPS
from graphrnn.graph.shapes import Tensor, tensor, with_shape
from graphrnn.models.network import GraphSpec, Network

import aesara
import aesara.tensor as at
import numpy as np
import numpy.typing as npt
from aesara.tensor.random import basic

CHUNK = 64
"""Characters that one call writes: few enough to be shown as they come."""
DRAW, REST = -1, -2
"""What stands in place of a given character: draw one, or leave everything as it is."""
EMPTY = -1
"""What stands in a window where nothing was read yet."""
UNROLLED_UP_TO = 8
"""Windows up to this length are laid out step by step; longer ones are a loop in the loop."""

_TINY = 1e-300
"""Keeps log(-log u) finite for u = 0, and a temperature of 0 from dividing."""


@dataclass
class Writer:
    """A compiled function that writes, and the generator that it draws from."""

    function: Function
    rng: Any

    def seed(self, seed: Sequence[int]) -> None:
        """Begin the draws anew."""
        self.rng.set_value(np.random.default_rng(seed), borrow=True)


def writer(
    network: Network, *, batch: int, window: int | None, filtered: bool, report: Report = silent
) -> Writer:
    """Compile f(given, τ, top_k, top_p, logits, *states) → characters, logits, *states.

    With a `window` W, each character is predicted from the W before it, read from a zero state;
    without one, from the state that all before it have left.

    Shapes: given `(N, B)` int32, each a character to read, DRAW or REST; τ, top_p float64 and top_k
    int32 scalars, the last two only where `filtered`; logits `(B, V)` those after what was read so
    far; states `(B, H)`, and with a window behind them the last characters `(W, B)`, EMPTY where
    there is none; characters `(N, B)`.
    """
    V, dtype = network.sizes.vocabulary, network.dtype
    widths = network.model.state_widths(network.sizes)
    rng = aesara.shared(np.random.default_rng(0), name="rng", borrow=True)

    def graph() -> GraphSpec:
        given = tensor("given", "int32", (CHUNK, batch))
        knobs = [tensor("temperature", "float64", ())]
        if filtered:
            knobs += [tensor("top_k", "int32", ()), tensor("top_p", "float64", ())]
        logits = tensor("logits", dtype, (batch, V))
        states = [tensor(name, dtype, (batch, width)) for name, width in widths.items()]
        if window is not None:
            states.append(tensor("window", "int32", (window, batch)))
        weights = network.evaluation_weights(batch)

        def step(given_t: Tensor, z: Tensor, *before: Tensor) -> tuple[list[Tensor], Any]:
            z = with_shape(z, (batch, V))
            before = tuple(
                with_shape(b, tuple(s.type.shape)) for b, s in zip(before, states, strict=True)
            )
            left, u = basic.uniform(
                0.0, 1.0, size=(batch, V), rng=rng, dtype="float64"
            ).owner.outputs
            drawn = choice(z, u, *knobs)
            symbol = at.switch(at.ge(given_t, 0), given_t, drawn)
            x = with_shape(symbol[None, :], (1, batch))
            new = (_carry if window is None else _read_window)(network, x, before, weights, batch)
            rests = at.eq(given_t, REST)
            after = [
                with_shape(_unless(rests, value, old), tuple(old.type.shape))
                for value, old in zip(new, (z, *before), strict=True)
            ]
            return [symbol, *after], {rng: left}

        (symbols, *after), drawn = aesara.scan(
            step, sequences=[given], outputs_info=[None, logits, *states], n_steps=CHUNK
        )
        return (
            [given, *knobs, logits, *states],
            [symbols, *(value[-1] for value in after)],
            list(drawn.items()),
        )

    return Writer(network.compiled(graph, "write", report), rng)


def _carry(
    network: Network, x: Tensor, states: tuple[Tensor, ...], weights: Any, batch: int
) -> list[Tensor]:
    """Let the network read a character of each text, x `(1, B)`; returns its logits and states."""
    logits, after = network.model.forward(x, list(states), weights, LOOPS["unrolled"])
    return [with_shape(logits[-1], (batch, network.sizes.vocabulary)), *after]


def _read_window(
    network: Network, x: Tensor, before: tuple[Tensor, ...], weights: Any, batch: int
) -> list[Tensor]:
    """Let the network read the window that ends with x `(1, B)`; returns logits, states, window.

    Until a window is full, the state that is carried has read just what is in it.
    """
    *states, window = before
    moved = with_shape(at.concatenate([window[1:], x]), tuple(window.type.shape))
    length = moved.type.shape[0]
    loop = LOOPS["unrolled" if length <= UNROLLED_UP_TO else "scan"]
    logits, _ = network.model.forward(
        at.maximum(moved, 0), network.zero_states(batch), weights, loop
    )
    z = with_shape(logits[-1], (batch, network.sizes.vocabulary))
    if not states:
        return [z, moved]
    z_carried, *after = _carry(network, x, tuple(states), weights, batch)
    full = at.ge(moved[0], 0)
    kept = [_unless(full, new, old) for new, old in zip(after, states, strict=True)]
    return [_unless(full, z_carried, z), *kept, moved]


def _unless(rests: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """Return the new value, the old one for a text that rests; both along the batch axis."""
    if str(old.dtype).startswith("int"):  # a window is (W, B)
        return at.switch(rests[None, :], old, new)
    return at.switch(rests[:, None], old, new)


def choice(
    logits: Tensor,
    u: Tensor,
    temperature: Tensor,
    top_k: Tensor | None = None,
    top_p: Tensor | None = None,
) -> Tensor:
    """Choose a character for each text: the graph of `choose`; both limits are given, or neither.

    Shapes: logits and u `(B, V)`, result `(B,)` int32.
    """
    z = at.cast(logits, "float64")
    # The padding symbol stands for no character.
    z = at.set_subtensor(z[:, 0], -np.inf)
    z = z - at.max(z, axis=1, keepdims=True)
    gumbel = -at.log(-at.log(at.maximum(u, _TINY)))
    score = z + temperature * gumbel
    if top_k is not None and top_p is not None:
        V = logits.type.shape[1]
        ahead = _ahead(z, V)
        weights = at.exp(z / at.maximum(temperature, _TINY))
        mass = at.sum(ahead * weights[:, None, :], axis=2)
        allowed = at.and_(
            at.lt(at.sum(ahead, axis=2), top_k),
            at.lt(mass, top_p * at.sum(weights, axis=1)[:, None]),
        )
        score = at.switch(allowed, score, -np.inf)
    return at.cast(at.argmax(score, axis=1), "int32")


def _ahead(z: Tensor, V: int) -> Tensor:
    """Return which characters are likelier, or as likely and first: ahead[b, i, j] of j and i.

    A rank is the count of what is ahead, and the mass of a nucleus the probability of it: no
    sorting. Shapes: z `(B, V)`, result `(B, V, V)` of 0 and 1.
    """
    first = np.tri(V, k=-1)[None]
    mine, other = z[:, :, None], z[:, None, :]
    return at.gt(other, mine).astype("float64") + at.eq(other, mine).astype("float64") * first


def allowed_in(
    z: npt.NDArray[np.float64], temperature: float, top_k: int | None, top_p: float | None
) -> npt.NDArray[np.bool_]:
    """Find which characters top-k and top-p let through, by rank: a tie lets no more through.

    Top-k: the K likeliest. Top-p, the nucleus: each that has less than p of the probability ahead
    of it, so that the likeliest is always in. Source: Holtzman et al., "The curious case of neural
    text degeneration" (2020), equation 2.

    Example:
        >>> z = np.log([0.5, 0.3, 0.15, 0.05])
        >>> allowed_in(z, 1.0, 3, None).tolist(), allowed_in(z, 1.0, None, 0.6).tolist()
        ([True, True, True, False], [True, True, False, False])
    """
    order = np.argsort(-z, kind="stable")
    weights = np.exp((z - z.max()) / max(temperature, _TINY))[order]
    ahead = np.cumsum(weights) - weights
    let = np.zeros(len(z), dtype=np.bool_)
    within = ahead < (2.0 if top_p is None else top_p) * weights.sum()
    within[len(z) if top_k is None else top_k :] = False
    let[order] = within
    return let


def choose(
    logits: Array,
    u: npt.NDArray[np.float64],
    temperature: float,
    top_k: int | None = None,
    top_p: float | None = None,
) -> int:
    """Choose a character from logits `(V,)` and uniform numbers `(V,)`, as `choice` does.

    Example:
        >>> choose(np.array([9.0, 1.0, 3.0, 2.0]), np.full(4, 0.5), temperature=1.0)
        2
    """
    z = logits.astype(np.float64)
    z[0] = -np.inf
    z -= z.max()
    with np.errstate(over="ignore"):  # -inf is what the coldest temperatures come to
        score = z - temperature * np.log(-np.log(np.maximum(u, _TINY)))
        score[~allowed_in(z, temperature, top_k, top_p)] = -np.inf
    return int(np.argmax(score))


def given_pieces(prompt: Indices, length: int, batch: int) -> list[Indices]:
    """Lay a prompt and what is to be written out for the function: `(CHUNK, B)` a call.

    Example:
        >>> [piece.shape for piece in given_pieces(np.array([5, 6]), 99, 3)]
        [(64, 3), (64, 3)]
        >>> given_pieces(np.array([5, 6]), 2, 1)[0][:5, 0].tolist()
        [5, 6, -1, -1, -2]
    """
    calls = -(-(len(prompt) + length) // CHUNK)
    given = np.full((calls * CHUNK, batch), REST, dtype=np.int32)
    given[: len(prompt)] = np.asarray(prompt, dtype=np.int32)[:, None]
    given[len(prompt) : len(prompt) + length] = DRAW
    return [given[k * CHUNK : (k + 1) * CHUNK] for k in range(calls)]
