"""Layers without a state: one-hot and dense."""

from graphrnn.shapes import Tensor, require_axes, require_static, with_shape

import aesara.tensor as at


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
        >>> from graphrnn.shapes import tensor
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
