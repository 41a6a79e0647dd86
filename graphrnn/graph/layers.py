"""Layers without a state: one-hot, embedding, dense, normalisation."""

from collections.abc import Sequence

from graphrnn.graph.shapes import Tensor, require_axes, require_static, with_shape

import aesara.tensor as at

EPSILON = 1e-5
"""What is added to a variance before its root is divided by."""


def one_hot(indices: Tensor, n: int, dtype: str = "float32") -> Tensor:
    """Write each index as a vector of zeros with a single one.

    y[…, k] = 1 if indices[…] = k else 0

    Shapes: indices `(…)` of integers, result `(…, n)`. An index outside 0 … n-1 gives all zeros.

    Example:
        >>> one_hot(at.constant([1, 0]), 3).eval().tolist()
        [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    indices = require_static("indices", indices)
    # Compared as int64: in the indices' own dtype n might wrap around.
    hot = at.eq(at.shape_padright(indices), at.arange(n, dtype="int64"))
    return with_shape(hot.astype(dtype), (*indices.type.shape, n))


def dense(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """Apply one affine map to every vector of x.

    y = x W + b

    Shapes: x `(T, B, I)`, W `(I, O)`, b `(O,)`, y `(T, B, O)`.

    Raises:
        ShapeError: a shape does not fit the others.

    Example:
        >>> from graphrnn.graph.shapes import tensor
        >>> dense(*(tensor(n, "float32", s) for n, s in
        ...     [("x", (8, 2, 5)), ("W", (5, 3)), ("b", (3,))])).type.shape
        (8, 2, 3)
    """
    require_axes(x=(x, "time batch in"), W=(W, "in out"), b=(b, "out"))
    x, W = require_static("x", x), require_static("W", W)
    time, batch, n_in = x.type.shape
    n_out = W.type.shape[1]
    # One product over all times at once: a matrix product of two axes is what BLAS does best.
    flat = at.dot(x.reshape((time * batch, n_in)), W) + b
    return flat.reshape((time, batch, n_out))


def embedding(x: Tensor, E: Tensor) -> Tensor:
    """Look up a vector for each index, which is what a product of its one-hot vector with E picks.

    y[t, b] = E[x[t, b]]

    Shapes: x `(T, B)` of integers, E `(V, n)`, y `(T, B, n)`. With W_xh in place of E, it is the
    input's part of a recurrent layer that reads one-hot vectors.

    Raises:
        ShapeError: a shape is not known, or has another number of axes.
    """
    require_axes(x=(x, "time batch"), E=(E, "vocabulary out"))
    x, E = require_static("x", x), require_static("E", E)
    return with_shape(
        E[x.flatten()].reshape((*x.type.shape, E.type.shape[1])), (*x.type.shape, E.type.shape[1])
    )


def projected(x: Tensor, E: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """Embed and project in one: y[t, b] = E[x[t, b]] W + b.

    Shapes: x `(T, B)`, E `(V, n)`, W `(n, O)`, b `(O,)`, y `(T, B, O)`.

    Where there are fewer symbols than characters, V < T · B, each symbol is projected once and the
    result looked up: the product is smaller, and so is the one of its gradient.

    Raises:
        ShapeError: a shape does not fit the others.
    """
    require_axes(x=(x, "time batch"), E=(E, "vocabulary in"), W=(W, "in out"), b=(b, "out"))
    x, E = require_static("x", x), require_static("E", E)
    time, batch = x.type.shape
    if time * batch > E.type.shape[0]:
        return embedding(x, require_static("E W + b", at.dot(E, W) + b))
    return dense(embedding(x, E), W, b)


def layer_norm(x: Tensor, gain: Tensor) -> Tensor:
    """Normalise each vector by its own mean and variance.

    y = (x - μ) / √(σ² + ε) · gain,   μ = mean x,   σ² = mean (x - μ)²,   over the last axis

    Shapes: x and y `(…, n)`, gain `(n,)`. A shift is the bias that follows. Source: Ba, Kiros and
    Hinton, "Layer normalization" (2016), equations 3 and 4.

    Example:
        >>> y = layer_norm(at.constant([[1.0, 3.0]]), at.constant([1.0, 1.0]))
        >>> y.eval().round(3).tolist()
        [[-1.0, 1.0]]
    """
    x = require_static("x", x)
    n = at.constant(x.type.shape[-1], dtype=x.dtype)
    centred = x - at.sum(x, axis=-1, keepdims=True, acc_dtype=x.dtype) / n
    variance = at.sum(at.square(centred), axis=-1, keepdims=True, acc_dtype=x.dtype) / n
    return centred / at.sqrt(variance + at.constant(EPSILON, dtype=x.dtype)) * gain


def moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and variance of each unit over time and batch: x `(T, B, n)` → `(n,)`, `(n,)`."""
    x = require_static("x", x)
    time, batch, _ = x.type.shape
    count = at.constant(time * batch, dtype=x.dtype)
    mean = at.sum(x, axis=(0, 1), acc_dtype=x.dtype) / count
    return mean, at.sum(at.square(x - mean), axis=(0, 1), acc_dtype=x.dtype) / count


def batch_norm(x: Tensor, mean: Tensor, variance: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    """Normalise each unit by a mean and variance: the batch's in training, running ones in use.

    y = (x - μ) / √(σ² + ε) · gain + shift

    Shapes: x and y `(T, B, n)`, the rest `(n,)`. Source: Ioffe and Szegedy, "Batch normalization"
    (2015), algorithms 1 and 2.

    Raises:
        ShapeError: a shape does not fit the others.
    """
    require_axes(
        x=(x, "time batch units"),
        mean=(mean, "units"),
        variance=(variance, "units"),
        gain=(gain, "units"),
        shift=(shift, "units"),
    )
    scale = gain / at.sqrt(variance + at.constant(EPSILON, dtype=x.dtype))
    return (x - mean) * scale + shift


def initial_state(h_0: Tensor, batch: int) -> Tensor:
    """Repeat a learned initial state `(H,)` for every sequence: `(B, H)`.

    Example:
        >>> initial_state(at.constant([1.0, 2.0]), 2).eval().tolist()
        [[1.0, 2.0], [1.0, 2.0]]
    """
    h_0 = require_static("h_0", h_0)
    shape: Sequence[int] = (batch, *h_0.type.shape)
    return with_shape(h_0 + at.zeros(shape, dtype=h_0.dtype), tuple(shape))
