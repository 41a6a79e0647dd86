"""The lesson's networks: initial weights, states, and one function that reads like the diagram."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from graphrnn import cells, initial
from graphrnn.errors import unknown
from graphrnn.initial import Array
from graphrnn.layers import dense, one_hot
from graphrnn.loops import Loop
from graphrnn.shapes import Tensor

import numpy as np

Weights = Mapping[str, Tensor]


@dataclass(frozen=True)
class Sizes:
    """The two lengths that a network's weights depend on: symbols V and hidden units H."""

    vocabulary: int
    hidden: int


Forward = Callable[[Tensor, list[Tensor], Weights, Loop], tuple[Tensor, list[Tensor]]]
"""Indices x `(T, B)`, initial states, weights, loop → logits `(T, B, V)`, states at the end."""


@dataclass(frozen=True)
class Model:
    """A network: what it starts from, what it remembers, and its graph."""

    name: str
    summary: str
    weight_shapes: Callable[[Sizes], dict[str, tuple[int, ...]]]
    initial_weights: Callable[[np.random.Generator, Sizes, str], dict[str, Array]]
    state_widths: Callable[[Sizes], dict[str, int]]
    forward: Forward


def theano_rnn_shapes(sizes: Sizes) -> dict[str, tuple[int, ...]]:
    """Give the shape of each weight."""
    V, H = sizes.vocabulary, sizes.hidden
    return {"W_xh": (V, H), "W_hh": (H, H), "b_h": (H,), "W_hy": (H, V), "b_y": (V,)}


def theano_rnn_weights(rng: np.random.Generator, sizes: Sizes, dtype: str) -> dict[str, Array]:
    """Start as the lesson does: glorot W_xh and W_hy, identity W_hh, biases of zero."""
    V, H = sizes.vocabulary, sizes.hidden
    return {
        "W_xh": initial.glorot(rng, V, H, dtype),
        "W_hh": initial.identity(H, dtype),
        "b_h": initial.zeros(H, dtype),
        "W_hy": initial.glorot(rng, H, V, dtype),
        "b_y": initial.zeros(V, dtype),
    }


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


MODELS = {
    "theano_rnn": Model(
        name="theano_rnn",
        summary="the lesson's RNN in pure Theano: one-hot, relu, identity W_hh, plain SGD",
        weight_shapes=theano_rnn_shapes,
        initial_weights=theano_rnn_weights,
        state_widths=lambda sizes: {"h": sizes.hidden},
        forward=theano_rnn,
    ),
}


def model_named(name: str) -> Model:
    """Find a network by its name.

    Raises:
        UserError: there is none of that name.
    """
    if name not in MODELS:
        raise unknown("model", name, MODELS)
    return MODELS[name]
