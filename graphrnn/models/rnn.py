"""The networks that the lesson builds from one recurrent layer of a library."""

from functools import partial

from graphrnn.graph import cells
from graphrnn.graph.layers import dense, one_hot, projected
from graphrnn.graph.loop_transforms import last
from graphrnn.graph.loops import Loop
from graphrnn.graph.shapes import Tensor, with_shape
from graphrnn.models import model as m
from graphrnn.models.model import Model, Sizes, Weight, Weights


def rnn(
    x: Tensor, states: list[Tensor], weights: Weights, loop: Loop
) -> tuple[Tensor, list[Tensor]]:
    """Read a sequence and predict what comes after it.

    h_t = relu(E[x_t] W_xh + h_tm1 W_hh + b_h),   z = h_T W_hy + b_y

    Shapes: x `(T, B)`, the one state h `(B, H)`, logits z `(1, B, V)`.
    """
    zx = projected(x, weights["E"], weights["W_xh"], weights["b_h"])
    (h,) = last(loop)(cells.simple, [zx], states, [weights["W_hh"]])
    alone = with_shape(h.dimshuffle("x", 0, 1), (1, *h.type.shape))
    return dense(alone, weights["W_hy"], weights["b_y"]), [h]


def rnn_sequences(
    x: Tensor, states: list[Tensor], weights: Weights, loop: Loop
) -> tuple[Tensor, list[Tensor]]:
    """Predict at every step.

    h_t = relu(E[x_t] W_xh + h_tm1 W_hh + b_h),   z_t = h_t W_hy + b_y

    Shapes: x `(T, B)`, the one state h `(B, H)`, logits z `(T, B, V)`.
    """
    zx = projected(x, weights["E"], weights["W_xh"], weights["b_h"])
    return _predict_everywhere(zx, states, weights, loop)


def rnn_onehot(
    x: Tensor, states: list[Tensor], weights: Weights, loop: Loop
) -> tuple[Tensor, list[Tensor]]:
    """As `rnn_sequences`, reading one-hot vectors: h_t = relu(1[x_t] W_xh + h_tm1 W_hh + b_h)."""
    W_xh = weights["W_xh"]
    zx = dense(one_hot(x, W_xh.type.shape[0], W_xh.dtype), W_xh, weights["b_h"])
    return _predict_everywhere(zx, states, weights, loop)


def _predict_everywhere(
    zx: Tensor, states: list[Tensor], weights: Weights, loop: Loop
) -> tuple[Tensor, list[Tensor]]:
    """Loop over what the input came to `(T, B, H)`, and predict at every step."""
    (h,) = loop(cells.simple, [zx], states, [weights["W_hh"]])
    return dense(h, weights["W_hy"], weights["b_y"]), [h[-1]]


def rnn_zeros(
    x: Tensor, states: list[Tensor], weights: Weights, loop: Loop
) -> tuple[Tensor, list[Tensor]]:
    """Predict continuously: the hand-laid wiring, begun with zeros, an output at every step.

    h_t = relu(E[x_t] W_xh + b_xh) + relu(h_tm1 W_hh + b_hh),   z_t = h_t W_hy + b_y

    Shapes: x `(T, B)`, the one state h `(B, H)`, logits z `(T, B, V)`.
    """
    green = cells.relu(projected(x, weights["E"], weights["W_xh"], weights["b_xh"]))
    constants = [weights["W_hh"], weights["b_hh"]]
    (h,) = loop(_join, [green], states, constants)
    return dense(h, weights["W_hy"], weights["b_y"]), [h[-1]]


def _join(green_t: Tensor, h_tm1: Tensor, W_hh: Tensor, b_hh: Tensor) -> Tensor:
    """One step of the hand-laid wiring."""
    return green_t + cells.relu(h_tm1 @ W_hh + b_hh)


def gru(
    x: Tensor, states: list[Tensor], weights: Weights, loop: Loop
) -> tuple[Tensor, list[Tensor]]:
    """A GRU with relu that predicts at every step; see `cells.gru_reset_first`.

    Shapes: x `(T, B)`, the one state h `(B, H)`, logits z `(T, B, V)`.
    """
    zx = projected(x, weights["E"], weights["W_x"], weights["b"])
    step = partial(cells.gru_reset_first, activation=cells.relu)
    h = loop(step, [zx], states, [weights["W_h"]])[0]
    return dense(h, weights["W_hy"], weights["b_y"]), [h[-1]]


def _output(sizes: Sizes) -> dict[str, Weight]:
    """The weights from hidden units to logits."""
    V, H = sizes.vocabulary, sizes.hidden
    return {"W_hy": m.glorot(H, V), "b_y": m.zeros(V)}


def _embedded(sizes: Sizes) -> dict[str, Weight]:
    """The weights of a plain recurrent network that reads an embedding."""
    V, n, H = sizes.vocabulary, sizes.embedding, sizes.hidden
    recurrent = {"W_xh": m.glorot(n, H), "W_hh": m.identity(H), "b_h": m.zeros(H)}
    return {"E": m.uniform(V, n), **recurrent, **_output(sizes)}


def _one_hot(sizes: Sizes) -> dict[str, Weight]:
    """The weights of one that reads one-hot vectors."""
    V, H = sizes.vocabulary, sizes.hidden
    return {"W_xh": m.glorot(V, H), "W_hh": m.identity(H), "b_h": m.zeros(H), **_output(sizes)}


def _zeros(sizes: Sizes) -> dict[str, Weight]:
    """The weights of the hand-laid wiring, with a bias at both ends of it."""
    weights = _embedded(sizes)
    del weights["b_h"]
    return weights | {"b_xh": m.zeros(sizes.hidden), "b_hh": m.zeros(sizes.hidden)}


def _gru(sizes: Sizes) -> dict[str, Weight]:
    """The weights of a GRU, blocks r, u, n."""
    V, n, H = sizes.vocabulary, sizes.embedding, sizes.hidden
    recurrent = {"W_x": m.glorot(n, 3 * H), "W_h": m.orthogonal(H, 3), "b": m.zeros(3 * H)}
    return {"E": m.uniform(V, n), **recurrent, **_output(sizes)}


RNN = Model(
    name="rnn",
    summary="the recurrent form, by scan; predicts after the last character",
    section="Our first RNN with Keras",
    weights=_embedded,
    forward=rnn,
    state_widths=m.hidden_state,
    predictions=m.last_step,
)
RNN_ZEROS = Model(
    name="rnn_zeros",
    summary="an output at every step, begun with zeros",
    section="Returning sequences",
    weights=_zeros,
    forward=rnn_zeros,
    state_widths=m.hidden_state,
)
RNN_SEQUENCES = Model(
    name="rnn_sequences",
    summary="embedding, recurrent layer, a prediction at every step",
    section="Sequence model with Keras",
    weights=_embedded,
    forward=rnn_sequences,
    state_widths=m.hidden_state,
)
RNN_ONEHOT = Model(
    name="rnn_onehot",
    summary="the same with one-hot input instead of an embedding",
    section="One-hot sequence model with Keras",
    weights=_one_hot,
    forward=rnn_onehot,
    state_widths=m.hidden_state,
)
GRU = Model(
    name="gru",
    summary="a GRU with relu, a prediction at every step",
    section="GRU",
    weights=_gru,
    forward=gru,
    state_widths=m.hidden_state,
)
