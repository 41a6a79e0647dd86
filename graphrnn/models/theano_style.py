"""The networks that the lesson writes in pure Theano, one sequence at a time and plain SGD."""

from graphrnn.graph import cells
from graphrnn.graph.layers import dense, one_hot
from graphrnn.graph.loops import Loop
from graphrnn.graph.shapes import Tensor
from graphrnn.models import model as m
from graphrnn.models.model import Model, Sizes, Weight, Weights


def theano_rnn(
    x: Tensor, states: list[Tensor], weights: Weights, loop: Loop
) -> tuple[Tensor, list[Tensor]]:
    """The lesson's network in pure Theano: one-hot input, relu, a prediction at every step.

    h_t = relu(one_hot(x_t) W_xh + h_tm1 W_hh + b_h)
    z_t = h_t W_hy + b_y                              softmax(z_t) are the probabilities

    Shapes: x `(T, B)`, the one state h `(B, H)`, logits z `(T, B, V)`.
    """
    W_xh, W_hy = weights["W_xh"], weights["W_hy"]
    symbols = one_hot(x, W_xh.type.shape[0], W_xh.dtype)
    (h,) = loop(
        cells.rnn,
        sequences=[symbols],
        states=states,
        constants=[W_xh, weights["W_hh"], weights["b_h"]],
    )
    return dense(h, W_hy, weights["b_y"]), [h[-1]]


def theano_gru(
    x: Tensor, states: list[Tensor], weights: Weights, loop: Loop
) -> tuple[Tensor, list[Tensor]]:
    """A GRU with weights of its own for each gate; see `cells.gru_by_gates`.

    Shapes: x `(T, B)`, the one state h `(B, H)`, logits z `(T, B, V)`.
    """
    symbols = one_hot(x, weights["W_xr"].type.shape[0], weights["W_xr"].dtype)
    gates = [weights[f"{kind}{gate}"] for gate in "run" for kind in ("W_x", "W_h", "b_")]
    h = loop(cells.gru_by_gates, [symbols], states, gates)[0]
    return dense(h, weights["W_hy"], weights["b_y"]), [h[-1]]


def theano_gru_fused(
    x: Tensor, states: list[Tensor], weights: Weights, loop: Loop
) -> tuple[Tensor, list[Tensor]]:
    """The same GRU, its gates' weights side by side in one matrix: fewer, larger products.

    Shapes: x `(T, B)`, the one state h `(B, H)`, logits z `(T, B, V)`.
    """
    W_x = weights["W_x"]
    zx = dense(one_hot(x, W_x.type.shape[0], W_x.dtype), W_x, weights["b"])
    h = loop(cells.gru_reset_first, [zx], states, [weights["W_h"]])[0]
    return dense(h, weights["W_hy"], weights["b_y"]), [h[-1]]


def rnn_weights(sizes: Sizes) -> dict[str, Weight]:
    """Start as the lesson does: W_xh and W_hy of variance 2 / n_in, identity W_hh, biases 0."""
    V, H = sizes.vocabulary, sizes.hidden
    return {
        "W_xh": m.he(V, H),
        "W_hh": m.identity(H),
        "b_h": m.zeros(H),
        "W_hy": m.he(H, V),
        "b_y": m.zeros(V),
    }


def _gru_weights(sizes: Sizes) -> dict[str, Weight]:
    V, H = sizes.vocabulary, sizes.hidden
    weights: dict[str, Weight] = {}
    for gate in "run":
        recurrent = m.orthogonal(H)
        weights |= {f"W_x{gate}": m.glorot(V, H), f"W_h{gate}": recurrent, f"b_{gate}": m.zeros(H)}
    return weights | {"W_hy": m.glorot(H, V), "b_y": m.zeros(V)}


def _fused_weights(sizes: Sizes) -> dict[str, Weight]:
    V, H = sizes.vocabulary, sizes.hidden
    return {
        "W_x": m.glorot(V, 3 * H),
        "W_h": m.orthogonal(H, 3),
        "b": m.zeros(3 * H),
        "W_hy": m.glorot(H, V),
        "b_y": m.zeros(V),
    }


THEANO_RNN = Model(
    name="theano_rnn",
    summary="the RNN in pure Theano: one-hot, relu, identity W_hh, plain SGD",
    section="Theano RNN",
    weights=rnn_weights,
    forward=theano_rnn,
    state_widths=m.hidden_state,
)
THEANO_GRU = Model(
    name="theano_gru",
    summary="its GRU in pure Theano, weights of its own for each gate",
    section="Theano GRU, separate weights",
    weights=_gru_weights,
    forward=theano_gru,
    state_widths=m.hidden_state,
)
THEANO_GRU_FUSED = Model(
    name="theano_gru_fused",
    summary="the same with the gates' weights joined",
    section="Theano GRU, combined weights",
    weights=_fused_weights,
    forward=theano_gru_fused,
    state_widths=m.hidden_state,
)
