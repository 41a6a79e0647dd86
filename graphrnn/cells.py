"""One symbolic step of each recurrent cell; a cell never knows how it is looped."""

from graphrnn.shapes import Tensor, require_axes

import aesara.tensor as at


def rnn(x_t: Tensor, h_tm1: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor) -> Tensor:
    """One step of the plain recurrent network, with relu.

    h_t = relu(x_t W_xh + h_tm1 W_hh + b_h)

    Shapes: x_t `(B, I)`, h_tm1 and h_t `(B, H)`, W_xh `(I, H)`, W_hh `(H, H)`, b_h `(H,)`.

    Source: Elman, "Finding structure in time" (1990); relu with an identity W_hh from Le, Jaitly
    and Hinton (2015).

    Raises:
        ShapeError: a shape does not fit the others.

    Example:
        >>> from graphrnn.shapes import tensor
        >>> h_t = rnn(*(tensor(n, "float32", s) for n, s in [("x_t", (1, 5)), ("h_tm1", (1, 3)),
        ...     ("W_xh", (5, 3)), ("W_hh", (3, 3)), ("b_h", (3,))]))
        >>> h_t.type.shape
        (1, 3)
    """
    require_axes(
        x_t=(x_t, "batch in"),
        h_tm1=(h_tm1, "batch hidden"),
        W_xh=(W_xh, "in hidden"),
        W_hh=(W_hh, "hidden hidden"),
        b_h=(b_h, "hidden"),
    )
    return at.maximum(at.dot(x_t, W_xh) + at.dot(h_tm1, W_hh) + b_h, 0)
