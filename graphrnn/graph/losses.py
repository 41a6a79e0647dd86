"""Cross-entropy and accuracy, written from the equations; they know no layers."""

from graphrnn.graph.layers import one_hot
from graphrnn.graph.shapes import Tensor, require_axes, require_static

import aesara.tensor as at
from aesara.gradient import disconnected_grad


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the cross-entropy of every prediction, in nats.

    E = -log softmax(z)_y = log Σ_k exp(z_k - m) - (z_y - m),   m = max_k z_k

    Shapes: logits z `(T, B, V)`, targets y `(T, B)` of integers, result `(T, B)`.

    Finite for logits of any size that can be told apart (differences up to the largest float),
    where softmax and log one after the other are not; m is taken off both terms, so that nothing of
    a small error is rounded away beside large logits. m counts as a constant for the gradient, in
    which it cancels. A target outside 0 … V-1 is not noticed: it picks nothing.

    Source: Blanchard, Higham and Higham, "Accurately computing the log-sum-exp and softmax
    functions" (2021), equation 1.4.

    Raises:
        ShapeError: logits and targets do not fit.

    Example:
        >>> z = at.constant([[[1e4, 0.0, -1e4]]])
        >>> cross_entropy(z, at.constant([[0]])).eval().tolist()
        [[0.0]]
        >>> cross_entropy(z, at.constant([[2]])).eval().tolist()
        [[20000.0]]
    """
    require_axes(logits=(logits, "time batch vocabulary"), targets=(targets, "time batch"))
    logits, targets = require_static("logits", logits), require_static("targets", targets)
    highest = disconnected_grad(at.max(logits, axis=-1, keepdims=True))
    shifted = logits - highest
    log_sum = at.log(at.sum(at.exp(shifted), axis=-1, acc_dtype=logits.dtype))
    # A product with a one-hot matrix where a gather would do: its gradient is one elementwise
    # expression, softmax(z) - one_hot(y), where the gather's is a scatter.
    hot = one_hot(targets, logits.type.shape[-1], logits.dtype)
    return log_sum - at.sum(shifted * hot, axis=-1, acc_dtype=logits.dtype)


def summed(errors: Tensor) -> Tensor:
    """Sum over time, mean over the batch: the error of one sequence, which is trained on.

    L = 1/B Σ_t Σ_b E[t, b]

    Shapes: errors E `(T, B)`, result a scalar in nats per sequence.
    """
    errors = require_static("errors", errors)
    return at.sum(errors, acc_dtype=errors.dtype) / _number(errors.type.shape[1], errors)


def mean(errors: Tensor) -> Tensor:
    """Mean over time and batch: L = 1/(TB) Σ_t Σ_b E[t, b], a scalar in nats per character."""
    errors = require_static("errors", errors)
    time, batch = errors.type.shape
    return at.sum(errors, acc_dtype=errors.dtype) / _number(time * batch, errors)


def accuracy(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the share of predictions whose likeliest symbol is the right one.

    A = 1/(TB) Σ_t Σ_b [argmax_k z[t, b, k] = y[t, b]]

    Shapes: logits z `(T, B, V)`, targets y `(T, B)`, result a scalar from 0 to 1.

    Raises:
        ShapeError: logits and targets do not fit.

    Example:
        >>> z = at.constant([[[3.0, 1.0]], [[1.0, 2.0]]])
        >>> float(accuracy(z, at.constant([[0], [0]])).eval())
        0.5
    """
    require_axes(logits=(logits, "time batch vocabulary"), targets=(targets, "time batch"))
    hits = at.eq(at.argmax(logits, axis=-1), targets).astype(logits.dtype)
    return mean(hits)


def _number(value: int, like: Tensor) -> Tensor:
    """Build a constant of another variable's dtype."""
    return at.constant(value, dtype=like.dtype)
