"""One symbolic step of each recurrent cell; a cell never knows how it is looped."""

from graphrnn.errors import ShapeError
from graphrnn.shapes import Tensor, require_axes, shape_of, show

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


def lstm(
    zx_t: Tensor, h_tm1: Tensor, c_tm1: Tensor, W_h: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """One step of the LSTM; gates in the order i, f, g, o.

    z_t = zx_t + h_tm1 W_h,   zx_t = x_t W_x + b, computed for all times at once before the loop
    i, f, o = sigmoid(z_t[i, f, o]),   g = tanh(z_t[g])
    c_t = f · c_tm1 + i · g
    h_t = o · tanh(c_t)

    Shapes: zx_t `(B, 4H)`, h_tm1, c_tm1 and all results `(B, H)`, W_h `(H, 4H)`.

    Returns h_t, c_t and the gates: as outputs of the loop they are kept for the gradient, which
    would otherwise multiply by W_h once more to have them.

    Source: Hochreiter and Schmidhuber, "Long short-term memory" (1997), with the forget gate of
    Gers, Schmidhuber and Cummins, "Learning to forget" (2000), section 3.

    Raises:
        ShapeError: a shape does not fit the others.
    """
    require_axes(
        zx_t=(zx_t, "batch gates"),
        h_tm1=(h_tm1, "batch hidden"),
        c_tm1=(c_tm1, "batch hidden"),
        W_h=(W_h, "hidden gates"),
    )
    z_i, z_f, z_g, z_o = _gates(zx_t + at.dot(h_tm1, W_h), W_h, 4)
    i, f, g, o = at.sigmoid(z_i), at.sigmoid(z_f), at.tanh(z_g), at.sigmoid(z_o)
    c_t = f * c_tm1 + i * g
    h_t = o * at.tanh(c_t)
    return h_t, c_t, i, f, g, o


def gru(
    zx_t: Tensor, h_tm1: Tensor, W_h: Tensor, b_n: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """One step of the GRU, the reset gate behind the product; gates in the order r, u, n.

    zh_t = h_tm1 W_h,   zx_t = x_t W_x + b, computed for all times at once before the loop
    r, u = sigmoid(zx_t[r, u] + zh_t[r, u])
    m = zh_t[n] + b_n
    n = tanh(zx_t[n] + r · m)
    h_t = (1 - u) · n + u · h_tm1

    Shapes: zx_t `(B, 3H)`, h_tm1 and all results `(B, H)`, W_h `(H, 3H)`, b_n `(H,)`.

    Returns h_t, then r, u, n and m, kept for the gradient as in `lstm`.

    Source: Cho et al., "Learning phrase representations using RNN encoder-decoder" (2014),
    equations 5 to 8, with the reset gate applied after the product: one product a step.

    Raises:
        ShapeError: a shape does not fit the others.
    """
    require_axes(
        zx_t=(zx_t, "batch gates"),
        h_tm1=(h_tm1, "batch hidden"),
        W_h=(W_h, "hidden gates"),
        b_n=(b_n, "hidden"),
    )
    zx_r, zx_u, zx_n = _gates(zx_t, W_h, 3)
    zh_r, zh_u, zh_n = _gates(at.dot(h_tm1, W_h), W_h, 3)
    r, u = at.sigmoid(zx_r + zh_r), at.sigmoid(zx_u + zh_u)
    m = zh_n + b_n
    n = at.tanh(zx_n + r * m)
    h_t = (1 - u) * n + u * h_tm1
    return h_t, r, u, n, m


def _gates(z: Tensor, W_h: Tensor, count: int) -> list[Tensor]:
    """Cut `(B, count · H)` into the gates `(B, H)`.

    Raises:
        ShapeError: W_h `(H, count · H)` has another number of columns.
    """
    hidden, columns = shape_of(W_h)
    if hidden is None or columns != count * hidden:
        raise ShapeError(
            f"W_h: got shape {show((hidden, columns))}, needed (hidden, {count} · hidden), "
            f"one block of columns a gate; give W_h that shape"
        )
    return [z[:, k * hidden : (k + 1) * hidden] for k in range(count)]
