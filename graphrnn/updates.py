"""Gradients, and the updates that use them: SGD, momentum, clipping. Objectives know no layers.

Each rule stands in its docstring as an equation, in the form `param := …`.
"""

from collections.abc import Sequence

from graphrnn.errors import UserError
from graphrnn.shapes import Tensor, label

import aesara
import aesara.tensor as at
import numpy as np
from aesara.gradient import DisconnectedInputError

Updates = list[tuple[Tensor, Tensor]]
"""Pairs of a shared variable and its value after the step."""


def gradients(loss: Tensor, params: Sequence[Tensor]) -> list[Tensor]:
    """Give d loss / d param for each parameter, by reverse-mode differentiation of the graph.

    Shapes: loss a scalar; each gradient has the shape of its parameter.

    Raises:
        UserError: the loss is no scalar, or does not depend on a parameter.

    Example:
        >>> W = aesara.shared(np.array([1.0, 2.0]), name="W", shape=(2,))
        >>> gradients(at.sum(W**2), [W])[0].eval().tolist()
        [2.0, 4.0]
    """
    if loss.type.ndim != 0:
        raise UserError(
            f"loss: got {loss.type.ndim} axes, needed a scalar; sum it or take its mean"
        )
    try:
        return list(at.grad(loss, list(params)))
    except DisconnectedInputError as error:
        apart = [label(p) for p in params if _disconnected(loss, p)]
        raise UserError(
            f"loss: does not depend on {', '.join(apart)}; use it in the model or leave it out "
            "of the parameters"
        ) from error


def _disconnected(loss: Tensor, param: Tensor) -> bool:
    """Say whether a gradient with respect to a parameter does not exist."""
    try:
        at.grad(loss, param)
    except DisconnectedInputError:
        return True
    return False


def global_norm(grads: Sequence[Tensor]) -> Tensor:
    """Give the length of all gradients taken as one vector: |g| = √(Σ_i Σ g_i²), a scalar."""
    squares = [at.sum(at.square(g), acc_dtype=g.dtype) for g in grads]
    return at.sqrt(at.add(*squares) if len(squares) > 1 else squares[0])


def clipped(grads: Sequence[Tensor], largest: float) -> list[Tensor]:
    """Shrink all gradients by one factor so that their global norm is at most `largest`.

    g := g · min(1, largest / |g|)

    Shapes stay as they are. Gradients whose squares overflow (beyond 1e19 in float32) become 0:
    that step is skipped. Source: Pascanu, Mikolov and Bengio, "On the difficulty of training
    recurrent neural networks" (2013), algorithm 1.

    Example:
        >>> g = at.constant([3.0, 4.0])
        >>> clipped([g], 1.0)[0].eval().round(6).tolist(), clipped([g], 9.0)[0].eval().tolist()
        ([0.6, 0.8], [3.0, 4.0])
    """
    if not grads:
        return []
    norm = global_norm(grads)
    limit = at.constant(largest, dtype=norm.dtype)
    # largest / max(|g|, largest) is min(1, largest / |g|), and never divides by zero.
    factor = limit / at.maximum(norm, limit)
    return [g * factor for g in grads]


def sgd(params: Sequence[Tensor], grads: Sequence[Tensor], rate: Tensor) -> Updates:
    """Stochastic gradient descent.

    param := param - rate · gradient

    Example:
        >>> W = aesara.shared(np.array([1.0, 2.0]), name="W", shape=(2,))
        >>> sgd([W], [2.0 * W], at.constant(0.25))[0][1].eval().tolist()
        [0.5, 1.0]
    """
    return [
        (param, param - _scaled(rate, grad, param))
        for param, grad in zip(params, grads, strict=True)
    ]


def _scaled(rate: Tensor, grad: Tensor, param: Tensor) -> Tensor:
    """Give rate · gradient in the parameter's dtype."""
    return at.cast(at.as_tensor_variable(rate), param.dtype) * grad


def momentum(
    params: Sequence[Tensor], grads: Sequence[Tensor], rate: Tensor, keep: float
) -> Updates:
    """SGD with momentum.

    velocity := keep · velocity - rate · gradient
    param    := param + velocity

    Velocities start at zero and have the shapes of their parameters. Source: Sutskever, Martens,
    Dahl and Hinton, "On the importance of initialization and momentum in deep learning" (2013),
    equations 1 and 2.
    """
    updates: Updates = []
    for param, grad in zip(params, grads, strict=True):
        value = param.get_value(borrow=True)
        velocity = aesara.shared(
            np.zeros_like(value), name=f"velocity_{label(param)}", shape=value.shape
        )
        moved = at.constant(keep, dtype=param.dtype) * velocity - _scaled(rate, grad, param)
        updates += [(velocity, moved), (param, param + moved)]
    return updates
