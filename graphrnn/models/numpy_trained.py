"""The lesson's "pure Python" networks: trained by NumPy, with backpropagation written by hand.

Their graphs stand here too, for everything but training: to sample from them, and to compare.
"""

from graphrnn.graph import cells
from graphrnn.graph.layers import dense, embedding
from graphrnn.graph.loops import Loop
from graphrnn.graph.shapes import Tensor
from graphrnn.models import model as m
from graphrnn.models.model import Model, Sizes, Weight, Weights
from graphrnn.models.theano_style import rnn_weights, theano_rnn


def reference_gru(
    x: Tensor, states: list[Tensor], weights: Weights, loop: Loop
) -> tuple[Tensor, list[Tensor]]:
    """A GRU with the reset gate behind the product; see `cells.gru`."""
    zx = embedding(x, weights["W_x"]) + weights["b"]
    h = loop(cells.gru, [zx], states, [weights["W_h"], weights["b_n"]])[0]
    return dense(h, weights["W_hy"], weights["b_y"]), [h[-1]]


def reference_lstm(
    x: Tensor, states: list[Tensor], weights: Weights, loop: Loop
) -> tuple[Tensor, list[Tensor]]:
    """An LSTM; see `cells.lstm`."""
    zx = embedding(x, weights["W_x"]) + weights["b"]
    h, c, *_ = loop(cells.lstm, [zx], states, [weights["W_h"]])
    return dense(h, weights["W_hy"], weights["b_y"]), [h[-1], c[-1]]


def _gated(sizes: Sizes, bias: dict[str, Weight], gates: int) -> dict[str, Weight]:
    V, H = sizes.vocabulary, sizes.hidden
    return {
        "W_x": m.glorot(V, gates * H),
        "W_h": m.orthogonal(H, gates),
        **bias,
        "W_hy": m.glorot(H, V),
        "b_y": m.zeros(V),
    }


REFERENCE = Model(
    name="reference",
    summary="the RNN in NumPy alone, backpropagation by hand",
    section="Pure Python RNN",
    weights=rnn_weights,
    forward=theano_rnn,
    state_widths=m.hidden_state,
    by_hand="rnn",
)
REFERENCE_GRU = Model(
    name="reference_gru",
    summary="a GRU in NumPy alone, backpropagation by hand",
    section="Pure Python RNN",
    weights=lambda sizes: _gated(
        sizes, {"b": m.zeros(3 * sizes.hidden), "b_n": m.zeros(sizes.hidden)}, 3
    ),
    forward=reference_gru,
    state_widths=m.hidden_state,
    by_hand="gru",
)
REFERENCE_LSTM = Model(
    name="reference_lstm",
    summary="an LSTM in NumPy alone, backpropagation by hand",
    section="Pure Python RNN",
    weights=lambda sizes: _gated(sizes, {"b": m.lstm_bias(sizes.hidden)}, 4),
    forward=reference_lstm,
    state_widths=lambda sizes: {"h": sizes.hidden, "c": sizes.hidden},
    by_hand="lstm",
)
