"""The LSTMs: one that carries its state through the whole text, and a stack with dropout."""

from graphrnn.graph import cells
from graphrnn.graph.layers import batch_norm, dense, embedding, moments
from graphrnn.graph.loops import Loop
from graphrnn.graph.shapes import Tensor
from graphrnn.models import model as m
from graphrnn.models.model import Model, Sizes, Weight, Weights

import aesara.tensor as at

DECAY = 0.99
"""Share of the running mean and variance that a batch leaves as it is, as in Keras."""


def stateful_lstm(
    x: Tensor, states: list[Tensor], weights: Weights, loop: Loop
) -> tuple[Tensor, list[Tensor]]:
    """Embedding, batch normalisation by running statistics, LSTM, a prediction at every step.

    Shapes: x `(T, B)`, states h and c `(B, H)`, logits `(T, B, V)`.
    """
    e = embedding(x, weights["E"])
    return _normalised_lstm(e, weights["mean"], weights["variance"], states, weights, loop)


def learn_stateful_lstm(
    x: Tensor, states: list[Tensor], weights: Weights, loop: Loop
) -> tuple[Tensor, list[Tensor], dict[str, Tensor]]:
    """The same by the batch's own statistics, which the running ones follow.

    mean := DECAY · mean + (1 - DECAY) · mean of the batch,   and so the variance
    """
    e = embedding(x, weights["E"])
    mean, variance = moments(e)
    logits, after = _normalised_lstm(e, mean, variance, states, weights, loop)
    decay, rest = (at.constant(share, dtype=e.dtype) for share in (DECAY, 1 - DECAY))
    running = {
        name: decay * weights[name] + rest * value
        for name, value in (("mean", mean), ("variance", variance))
    }
    return logits, after, running


def _normalised_lstm(
    e: Tensor,
    mean: Tensor,
    variance: Tensor,
    states: list[Tensor],
    weights: Weights,
    loop: Loop,
) -> tuple[Tensor, list[Tensor]]:
    """What is behind the embedding `(T, B, n)`, in training and in use."""
    normal = batch_norm(e, mean, variance, weights["gain"], weights["shift"])
    zx = dense(normal, weights["W_x"], weights["b"])
    h, c, *_ = loop(cells.lstm, [zx], states, [weights["W_h"]])
    return dense(h, weights["W_hy"], weights["b_y"]), [h[-1], c[-1]]


def stacked_lstm(
    x: Tensor, states: list[Tensor], weights: Weights, loop: Loop
) -> tuple[Tensor, list[Tensor]]:
    """LSTMs on top of each other, with dropout on input, recurrent weights and between layers.

    h⁰ = E[x],   hᵏ = LSTM(hᵏ⁻¹ · mask_W, hᵏ_tm1 · mask_U) · mask,   z_t = h_t W_hy + b_y

    Shapes: x `(T, B)`, states h and c `(B, H)` of each layer, masks `(B, …)`, logits `(T, B, V)`.
    One mask serves a sequence at all times. Source: Gal and Ghahramani (2016), equation 7.
    """
    h = embedding(x, weights["E"])
    after = []
    for k in range(len(states) // 2):
        zx = dense(h * weights[f"mask_W_{k}"], weights[f"W_x_{k}"], weights[f"b_{k}"])
        constants = [weights[f"W_h_{k}"], weights[f"mask_U_{k}"]]
        h, c, *_ = loop(cells.dropped(cells.lstm), [zx], states[2 * k : 2 * k + 2], constants)
        after += [h[-1], c[-1]]
        h = h * weights[f"mask_{k}"]
    return dense(h, weights["W_hy"], weights["b_y"]), after


def _stateful_weights(sizes: Sizes) -> dict[str, Weight]:
    V, n, H = sizes.vocabulary, sizes.embedding, sizes.hidden
    return {
        "E": m.uniform(V, n),
        "gain": m.ones(n),
        "shift": m.zeros(n),
        "mean": m.zeros(n),
        "variance": m.ones(n),
        "W_x": m.glorot(n, 4 * H),
        "W_h": m.orthogonal(H, 4),
        "b": m.lstm_bias(H),
        "W_hy": m.glorot(H, V),
        "b_y": m.zeros(V),
    }


def _stacked_weights(sizes: Sizes) -> dict[str, Weight]:
    V, H = sizes.vocabulary, sizes.hidden
    weights = {"E": m.uniform(V, sizes.embedding)}
    for k, n_in in enumerate(_inputs(sizes)):
        weights |= {
            f"W_x_{k}": m.glorot(n_in, 4 * H),
            f"W_h_{k}": m.orthogonal(H, 4),
            f"b_{k}": m.lstm_bias(H),
        }
    return weights | {"W_hy": m.glorot(H, V), "b_y": m.zeros(V)}


def _inputs(sizes: Sizes) -> list[int]:
    """How many units each layer reads."""
    return [sizes.embedding, *[sizes.hidden] * (sizes.layers - 1)]


def _stacked_states(sizes: Sizes) -> dict[str, int]:
    return {f"{state}_{k}": sizes.hidden for k in range(sizes.layers) for state in "hc"}


def _stacked_masks(sizes: Sizes) -> dict[str, int]:
    masks: dict[str, int] = {}
    for k, n_in in enumerate(_inputs(sizes)):
        masks |= {f"mask_W_{k}": n_in, f"mask_U_{k}": sizes.hidden, f"mask_{k}": sizes.hidden}
    return masks


STATEFUL_LSTM = Model(
    name="stateful_lstm",
    summary="batch normalisation and an LSTM whose state is carried through the text",
    section="Stateful model with Keras",
    weights=_stateful_weights,
    forward=stateful_lstm,
    learn=learn_stateful_lstm,
    statistics=("mean", "variance"),
    state_widths=lambda sizes: {"h": sizes.hidden, "c": sizes.hidden},
)
STACKED_LSTM = Model(
    name="stacked_lstm",
    summary="LSTMs on top of each other, dropout W, U and between, lower case",
    section="The character model of the lesson before",
    weights=_stacked_weights,
    forward=stacked_lstm,
    state_widths=_stacked_states,
    masks=_stacked_masks,
)
