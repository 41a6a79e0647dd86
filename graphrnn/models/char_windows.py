"""The networks that the lesson lays out by hand, one character after the other.

In its diagrams a colour is a weight matrix, used again wherever the colour is: green from character
to hidden units, orange from hidden to hidden, blue from hidden to the output.
"""

from collections.abc import Callable

from graphrnn.errors import ShapeError
from graphrnn.graph.cells import relu
from graphrnn.graph.layers import dense, embedding
from graphrnn.graph.loops import Loop
from graphrnn.graph.shapes import Tensor, with_shape
from graphrnn.models import model as m
from graphrnn.models.model import Model, Sizes, Weight, Weights

import aesara.tensor as at


def three_char(
    x: Tensor, states: list[Tensor], weights: Weights, loop: Loop
) -> tuple[Tensor, list[Tensor]]:
    """Predict the fourth character from three, each joining the hidden units in its turn.

    h_1 = green(x_1),   h_2 = green(x_2) + orange(h_1),   h_3 = green(x_3) + orange(h_2)
    z = blue(h_3)

    Shapes: x `(3, B)`, logits z `(1, B, V)`.

    Raises:
        ShapeError: x has not three characters.
    """
    if x.type.shape[0] != 3:
        raise ShapeError(
            f"--time: got {x.type.shape[0]}, needed 3, the characters that three_char is laid out "
            "for; leave --time out"
        )
    green, orange, blue = _colours(weights, at.tanh)
    c_1, c_2, c_3 = _characters(x, weights)
    h_1 = green(c_1)
    h_2 = green(c_2) + orange(h_1)
    h_3 = green(c_3) + orange(h_2)
    return blue(h_3), []


def eight_char(
    x: Tensor, states: list[Tensor], weights: Weights, loop: Loop
) -> tuple[Tensor, list[Tensor]]:
    """The same wiring in a loop of n characters; orange starts as the identity, with relu.

    h_1 = green(x_1),   h_t = green(x_t) + orange(h_tm1),   z = blue(h_n)

    Shapes: x `(n, B)`, logits z `(1, B, V)`.
    """
    green, orange, blue = _colours(weights, relu)
    first, *others = _characters(x, weights)
    h = green(first)
    for c_t in others:
        h = green(c_t) + orange(h)
    return blue(h), []


def _characters(x: Tensor, weights: Weights) -> list[Tensor]:
    """Look up all characters at once and give each by itself, `(1, B, n)`."""
    c = embedding(x, weights["E"])
    time, *rest = c.type.shape
    return [with_shape(c[t : t + 1], (1, *rest)) for t in range(time)]


Layer = Callable[[Tensor], Tensor]


def _colours(weights: Weights, activation: Layer) -> tuple[Layer, Layer, Layer]:
    """Return the three layers, each with one weight matrix however often it is called."""

    def green(c: Tensor) -> Tensor:
        return relu(dense(c, weights["W_xh"], weights["b_xh"]))

    def orange(h: Tensor) -> Tensor:
        return activation(dense(h, weights["W_hh"], weights["b_hh"]))

    def blue(h: Tensor) -> Tensor:
        return dense(h, weights["W_hy"], weights["b_y"])

    return green, orange, blue


def _weights(sizes: Sizes, W_hh: Weight) -> dict[str, Weight]:
    """The weights of both: an embedding and the three colours."""
    V, n, H = sizes.vocabulary, sizes.embedding, sizes.hidden
    return {
        "E": m.uniform(V, n),
        "W_xh": m.glorot(n, H),
        "b_xh": m.zeros(H),
        "W_hh": W_hh,
        "b_hh": m.zeros(H),
        "W_hy": m.glorot(H, V),
        "b_y": m.zeros(V),
    }


THREE_CHAR = Model(
    name="three_char",
    summary="three characters laid out by hand, weights shared by colour",
    section="Three-character model",
    weights=lambda sizes: _weights(sizes, m.glorot(sizes.hidden, sizes.hidden)),
    forward=three_char,
    predictions=m.last_step,
)
EIGHT_CHAR = Model(
    name="eight_char",
    summary="the same wiring in a loop of eight, with relu and identity",
    section="Our first RNN",
    weights=lambda sizes: _weights(sizes, m.identity(sizes.hidden)),
    forward=eight_char,
    predictions=m.last_step,
)
