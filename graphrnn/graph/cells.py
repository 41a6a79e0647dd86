"""One symbolic step of each recurrent cell; a cell never knows how it is looped.

`activation` may be any function of a tensor. `product` is how a state meets its weights: a plain
product, unless `dropped` or `normalised` (at the end of this file) make another step of a step.
"""

from collections.abc import Callable
from typing import Any

from graphrnn.errors import ShapeError
from graphrnn.graph.layers import layer_norm
from graphrnn.graph.shapes import Step, Tensor, require_axes, shape_of, show

import aesara.tensor as at

Activation = Callable[[Tensor], Tensor]
Product = Callable[[Tensor, Tensor], Tensor]


def relu(z: Tensor) -> Tensor:
    """Cut off what is negative: max(z, 0).

    Example:
        >>> relu(at.constant([-1.0, 2.0])).eval().tolist()
        [0.0, 2.0]
    """
    return at.maximum(z, 0)


def rnn(
    x_t: Tensor,
    h_tm1: Tensor,
    W_xh: Tensor,
    W_hh: Tensor,
    b_h: Tensor,
    activation: Activation = relu,
) -> Tensor:
    """One step of the plain recurrent network, its input projected inside the loop.

    h_t = activation(x_t W_xh + h_tm1 W_hh + b_h)

    Shapes: x_t `(B, I)`, h_tm1 and h_t `(B, H)`, W_xh `(I, H)`, W_hh `(H, H)`, b_h `(H,)`.

    Source: Elman, "Finding structure in time" (1990); relu with an identity W_hh from Le, Jaitly
    and Hinton (2015).

    Raises:
        ShapeError: a shape does not fit the others.

    Example:
        >>> from graphrnn.graph.shapes import tensor
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
    return activation(at.dot(x_t, W_xh) + at.dot(h_tm1, W_hh) + b_h)


def simple(
    zx_t: Tensor,
    h_tm1: Tensor,
    W_hh: Tensor,
    activation: Activation = relu,
    product: Product = at.dot,
) -> Tensor:
    """One step of the plain recurrent network, its input projected before the loop.

    h_t = activation(zx_t + h_tm1 W_hh),   zx_t = x_t W_xh + b_h

    Shapes: zx_t, h_tm1 and h_t `(B, H)`, W_hh `(H, H)`. Source: as for `rnn`.

    Raises:
        ShapeError: a shape does not fit the others.
    """
    require_axes(
        zx_t=(zx_t, "batch hidden"), h_tm1=(h_tm1, "batch hidden"), W_hh=(W_hh, "hidden hidden")
    )
    return activation(zx_t + product(h_tm1, W_hh))


def lstm(
    zx_t: Tensor,
    h_tm1: Tensor,
    c_tm1: Tensor,
    W_h: Tensor,
    activation: Activation = at.tanh,
    product: Product = at.dot,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """One step of the LSTM; gates in the order i, f, g, o.

    z_t = zx_t + h_tm1 W_h,   zx_t = x_t W_x + b, computed for all times at once before the loop
    i, f, o = sigmoid(z_t[i, f, o]),   g = activation(z_t[g])
    c_t = f · c_tm1 + i · g
    h_t = o · activation(c_t)

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
    z_i, z_f, z_g, z_o = _gates(zx_t + product(h_tm1, W_h), W_h, 4)
    i, f, g, o = at.sigmoid(z_i), at.sigmoid(z_f), activation(z_g), at.sigmoid(z_o)
    c_t = f * c_tm1 + i * g
    h_t = o * activation(c_t)
    return h_t, c_t, i, f, g, o


def gru(
    zx_t: Tensor,
    h_tm1: Tensor,
    W_h: Tensor,
    b_n: Tensor,
    activation: Activation = at.tanh,
    product: Product = at.dot,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """One step of the GRU, the reset gate behind the product; gates in the order r, u, n.

    zh_t = h_tm1 W_h,   zx_t = x_t W_x + b, computed for all times at once before the loop
    r, u = sigmoid(zx_t[r, u] + zh_t[r, u])
    m = zh_t[n] + b_n
    n = activation(zx_t[n] + r · m)
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
    zh_r, zh_u, zh_n = _gates(product(h_tm1, W_h), W_h, 3)
    r, u = at.sigmoid(zx_r + zh_r), at.sigmoid(zx_u + zh_u)
    m = zh_n + b_n
    n = activation(zx_n + r * m)
    h_t = (1 - u) * n + u * h_tm1
    return h_t, r, u, n, m


def gru_by_gates(
    x_t: Tensor,
    h_tm1: Tensor,
    W_xr: Tensor,
    W_hr: Tensor,
    b_r: Tensor,
    W_xu: Tensor,
    W_hu: Tensor,
    b_u: Tensor,
    W_xn: Tensor,
    W_hn: Tensor,
    b_n: Tensor,
    activation: Activation = at.tanh,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """One step of the GRU with weights of its own for each gate, the reset gate before the product.

    r = sigmoid(x_t W_xr + h_tm1 W_hr + b_r),   u = sigmoid(x_t W_xu + h_tm1 W_hu + b_u)
    n = activation(x_t W_xn + (r · h_tm1) W_hn + b_n)
    h_t = (1 - u) · n + u · h_tm1

    Shapes: x_t `(B, I)`, h_tm1 and all results `(B, H)`, W_x. `(I, H)`, W_h. `(H, H)`, b. `(H,)`.

    Returns h_t, then r, u and n. Source: Cho et al. (2014), equations 5 to 8.

    Raises:
        ShapeError: a shape does not fit the others.
    """
    weights = {"r": (W_xr, W_hr, b_r), "u": (W_xu, W_hu, b_u), "n": (W_xn, W_hn, b_n)}
    named = {"x_t": (x_t, "batch in"), "h_tm1": (h_tm1, "batch hidden")}
    for gate, (W_x, W_h, b) in weights.items():
        named[f"W_x{gate}"], named[f"W_h{gate}"] = (W_x, "in hidden"), (W_h, "hidden hidden")
        named[f"b_{gate}"] = (b, "hidden")
    require_axes(**named)
    r = at.sigmoid(at.dot(x_t, W_xr) + at.dot(h_tm1, W_hr) + b_r)
    u = at.sigmoid(at.dot(x_t, W_xu) + at.dot(h_tm1, W_hu) + b_u)
    n = activation(at.dot(x_t, W_xn) + at.dot(r * h_tm1, W_hn) + b_n)
    return (1 - u) * n + u * h_tm1, r, u, n


def gru_reset_first(
    zx_t: Tensor,
    h_tm1: Tensor,
    W_h: Tensor,
    activation: Activation = at.tanh,
    product: Product = at.dot,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The step of `gru_by_gates` with the weights joined, and the input projected before the loop.

    r, u = sigmoid(zx_t[r, u] + h_tm1 W_h[r, u])
    n = activation(zx_t[n] + (r · h_tm1) W_h[n])
    h_t = (1 - u) · n + u · h_tm1

    Shapes: zx_t `(B, 3H)`, h_tm1 and all results `(B, H)`, W_h `(H, 3H)`, blocks r, u, n.

    Returns h_t, then r, u and n.

    Raises:
        ShapeError: a shape does not fit the others.
    """
    require_axes(
        zx_t=(zx_t, "batch gates"), h_tm1=(h_tm1, "batch hidden"), W_h=(W_h, "hidden gates")
    )
    zx_r, zx_u, zx_n = _gates(zx_t, W_h, 3)
    hidden = shape_of(W_h)[0] or 0
    zh = product(h_tm1, W_h[:, : 2 * hidden])
    r, u = at.sigmoid(zx_r + zh[:, :hidden]), at.sigmoid(zx_u + zh[:, hidden:])
    n = activation(zx_n + product(r * h_tm1, W_h[:, 2 * hidden :]))
    return (1 - u) * n + u * h_tm1, r, u, n


def projecting(step: Step) -> Step:
    """Build a step that projects its input itself: inside the loop instead of before it.

    zx_t = x_t W_x + b, for a step of zx_t; W_x `(I, gates · H)` and b follow the step's constants.
    """

    def projected(x_t: Tensor, *arguments: Tensor, **options: Any) -> Any:
        *rest, W_x, b = arguments
        return step(at.dot(x_t, W_x) + b, *rest, **options)

    return projected


def dropped(step: Step) -> Step:
    """Build a step with dropout on its recurrent weights (`dropout_U`).

    h_tm1 W_h becomes (h_tm1 · mask) W_h. The mask `(B, H)` follows the step's constants: drawn
    before the loop, one for each sequence, the same at all times.

    Source: Gal and Ghahramani, "A theoretically grounded application of dropout in recurrent neural
    networks" (2016), equation 7.
    """

    def dropping(*arguments: Tensor, product: Product = at.dot, **options: Any) -> Any:
        *rest, mask = arguments
        return step(*rest, product=lambda h, W: product(h * mask, W), **options)

    return dropping


def normalised(step: Step) -> Step:
    """Build a step whose recurrent product is normalised, all gates together.

    h_tm1 W_h becomes LN(h_tm1 W_h) · gain; gain `(gates · H,)` follows the step's constants. Use
    `layers.layer_norm` on zx too. Source: Ba, Kiros and Hinton, "Layer normalization" (2016),
    equations 20 and 21; the cell's own state is left as it is.
    """

    def normalising(*arguments: Tensor, product: Product = at.dot, **options: Any) -> Any:
        *rest, gain = arguments
        return step(*rest, product=lambda h, W: layer_norm(product(h, W), gain), **options)

    return normalising


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
