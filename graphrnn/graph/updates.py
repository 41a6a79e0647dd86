"""Gradients, their clipping, and the optimizers that use them. Objectives know no layers.

Each optimizer stands in its docstring as equations, in the form `param := …`. It takes parameters,
gradients and the learning rate, which may change from step to step, and returns pairs of a shared
variable and its value after the step. Its state (velocities, means, a count of steps) is in shared
variables too, of known name and shape, so that the whole of a step is one graph.
"""

from collections.abc import Callable, Mapping, Sequence
from math import log

from graphrnn.errors import UserError, unknown
from graphrnn.graph.shapes import Tensor, label
from graphrnn.settings.choices import OPTIMIZER_NAMES
from graphrnn.upstream import op_gradients  # noqa: F401

import aesara
import aesara.tensor as at
import numpy as np
from aesara.gradient import DisconnectedInputError
from aesara.graph.basic import clone_replace

Updates = list[tuple[Tensor, Tensor]]
"""Pairs of a shared variable and its value after the step."""

Optimizer = Callable[..., Updates]
"""(params, grads, learning_rate, **options) → updates; an option is a number and has a default."""


def gradients(loss: Tensor, params: Sequence[Tensor]) -> list[Tensor]:
    """Return d loss / d param for each parameter, by reverse-mode differentiation of the graph.

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
        return _grads(loss, params)
    except DisconnectedInputError as error:
        apart = [label(p) for p in params if _disconnected(loss, p)]
        raise UserError(
            f"loss: does not depend on {', '.join(apart)}; use it in the model or leave it out "
            "of the parameters"
        ) from error


def _grads(loss: Tensor, params: Sequence[Tensor]) -> list[Tensor]:
    """Differentiate, a length of 1 being known where only a shared variable's value has it.

    Aesara sums a gradient over an axis that was broadcast where the type says that its length is 1.
    """
    typed = {}
    for param in params:
        value = param.get_value(borrow=True) if hasattr(param, "get_value") else None
        shape = getattr(value, "shape", ())
        if any(n == 1 and known is None for n, known in zip(shape, param.type.shape, strict=False)):
            typed[param] = at.TensorType(param.type.dtype, shape)()
    if not typed:
        return list(at.grad(loss, list(params)))
    (known_loss,) = clone_replace([loss], replace=typed, rebuild_strict=False)
    grads = at.grad(known_loss, [typed.get(param, param) for param in params])
    back = {known: at.specify_shape(param, known.type.shape) for param, known in typed.items()}
    return list(clone_replace(grads, replace=back))


def _disconnected(loss: Tensor, param: Tensor) -> bool:
    """Return whether a gradient with respect to a parameter does not exist."""
    try:
        at.grad(loss, param)
    except DisconnectedInputError:
        return True
    return False


def global_norm(grads: Sequence[Tensor]) -> Tensor:
    """Return the length of all gradients taken as one vector: |g| = √(Σ_i Σ g_i²), a scalar."""
    squares = [at.sum(at.square(g), acc_dtype=g.dtype) for g in grads]
    return at.sqrt(at.add(*squares) if len(squares) > 1 else squares[0])


def clipped(grads: Sequence[Tensor], largest: float | Tensor) -> list[Tensor]:
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
    limit = _as(largest, norm)
    # largest / max(|g|, largest) is min(1, largest / |g|), and never divides by zero.
    factor = limit / at.maximum(norm, limit)
    return [g * factor for g in grads]


def clipped_by_value(grads: Sequence[Tensor], largest: float) -> list[Tensor]:
    """Cut every entry of every gradient to the range from -largest to largest.

    g := max(-largest, min(largest, g))

    Shapes stay as they are; the direction of the gradient does not. Source: Mikolov, "Statistical
    language models based on neural networks" (2012), chapter 3.

    Example:
        >>> clipped_by_value([at.constant([-3.0, 0.5])], 1.0)[0].eval().tolist()
        [-1.0, 0.5]
    """
    _require("largest", largest, largest > 0, "a value greater than 0")
    return [at.clip(g, _like(-largest, g), _like(largest, g)) for g in grads]


def sgd(params: Sequence[Tensor], grads: Sequence[Tensor], learning_rate: Tensor) -> Updates:
    """Stochastic gradient descent.

    param := param - learning_rate · gradient

    Example:
        >>> W = aesara.shared(np.array([1.0, 2.0]), name="W", shape=(2,))
        >>> sgd([W], [2.0 * W], at.constant(0.25))[0][1].eval().tolist()
        [0.5, 1.0]
    """
    return [
        (param, param - _scaled(learning_rate, grad, param))
        for param, grad in zip(params, grads, strict=True)
    ]


def momentum(
    params: Sequence[Tensor], grads: Sequence[Tensor], learning_rate: Tensor, momentum: float = 0.9
) -> Updates:
    """SGD with momentum.

    velocity := momentum · velocity - learning_rate · gradient
    param    := param + velocity

    Velocities start at zero and have the shapes of their parameters. Keras has this form; PyTorch
    puts the learning rate before the velocity instead, which is the same as long as it stays.

    Source: Sutskever, Martens, Dahl and Hinton, "On the importance of initialization and momentum
    in deep learning" (2013), equations 1 and 2.

    Raises:
        UserError: the momentum is not from 0 to less than 1.
    """
    _require_share("momentum", momentum)
    updates: Updates = []
    for param, grad in zip(params, grads, strict=True):
        velocity = _state("velocity", param)
        moved = _like(momentum, param) * velocity - _scaled(learning_rate, grad, param)
        updates += [(velocity, moved), (param, param + moved)]
    return updates


def nesterov(
    params: Sequence[Tensor], grads: Sequence[Tensor], learning_rate: Tensor, momentum: float = 0.9
) -> Updates:
    """Nesterov's momentum: SGD whose gradient is taken where the velocity is about to lead.

    velocity := momentum · velocity - learning_rate · gradient
    param    := param + momentum · velocity - learning_rate · gradient

    The parameter kept here is the one looked ahead to, so that the gradient is needed there only
    (Keras and PyTorch do so too). Velocities as in `momentum`.

    Source: Sutskever et al. (2013), equations 3 and 4, in the variables of Bengio,
    Boulanger-Lewandowski and Pascanu, "Advances in optimizing recurrent networks" (2013),
    section 3.5.

    Raises:
        UserError: the momentum is not from 0 to less than 1.
    """
    _require_share("momentum", momentum)
    updates: Updates = []
    for param, grad in zip(params, grads, strict=True):
        velocity, share = _state("velocity", param), _like(momentum, param)
        pull = _scaled(learning_rate, grad, param)
        moved = share * velocity - pull
        updates += [(velocity, moved), (param, param + share * moved - pull)]
    return updates


def rmsprop(
    params: Sequence[Tensor],
    grads: Sequence[Tensor],
    learning_rate: Tensor,
    decay: float = 0.9,
    epsilon: float = 1e-8,
) -> Updates:
    """RMSprop: each entry's step is measured by the recent size of its own gradients.

    square := decay · square + (1 - decay) · gradient²
    param  := param - learning_rate · gradient / (√square + epsilon)

    Squares start at zero and have the shapes of their parameters. Epsilon stands outside the root,
    as in PyTorch (whose decay is 0.99); Keras has 0.9 too and has epsilon inside.

    Source: Tieleman and Hinton, "Neural networks for machine learning", lecture 6.5 (2012).

    Raises:
        UserError: the decay is not from 0 to less than 1, or epsilon not positive.
    """
    _require_share("decay", decay)
    _require("epsilon", epsilon, epsilon > 0, "a value greater than 0")
    updates: Updates = []
    for param, grad in zip(params, grads, strict=True):
        square = _state("square", param)
        mixed = _mixed(decay, square, at.square(grad))
        size = at.sqrt(mixed) + _like(epsilon, param)
        updates += [(square, mixed), (param, param - _scaled(learning_rate, grad, param) / size)]
    return updates


def adam(
    params: Sequence[Tensor],
    grads: Sequence[Tensor],
    learning_rate: Tensor,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-8,
) -> Updates:
    """Adam: RMSprop's measure with momentum, both corrected for having started at zero.

    step   := step + 1
    mean   := beta_1 · mean + (1 - beta_1) · gradient
    square := beta_2 · square + (1 - beta_2) · gradient²
    param  := param - learning_rate · mean / (1 - beta_1^step)
                    / (√(square / (1 - beta_2^step)) + epsilon)

    Means and squares start at zero and have the shapes of their parameters; the step is a scalar in
    the graph. PyTorch has this form; Keras adds epsilon before the correction, and takes 1e-7.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization" (2015), algorithm 1, whose
    β1 and β2 are beta_1 and beta_2, the decays of mean and square.

    Raises:
        UserError: a decay is not from 0 to less than 1, or epsilon not positive.
    """
    _require_share("beta_1", beta_1)
    _require_share("beta_2", beta_2)
    _require("epsilon", epsilon, epsilon > 0, "a value greater than 0")
    if not params:
        return []
    # In float32 the count stays at 2²⁴, where both corrections have long been 1.
    step = aesara.shared(np.zeros((), dtype=params[0].dtype), name="step_of_adam", shape=())
    now = step + _like(1, step)
    updates: Updates = [(step, now)]
    for param, grad in zip(params, grads, strict=True):
        mean, square = _state("mean", param), _state("square", param)
        new_mean = _mixed(beta_1, mean, grad)
        new_square = _mixed(beta_2, square, at.square(grad))
        size = at.sqrt(new_square / _corrected(beta_2, now, param)) + _like(epsilon, param)
        moved = _scaled(learning_rate, new_mean / _corrected(beta_1, now, param), param) / size
        updates += [(mean, new_mean), (square, new_square), (param, param - moved)]
    return updates


OPTIMIZERS: Mapping[str, Optimizer] = {name: globals()[name] for name in OPTIMIZER_NAMES}
"""Each optimizer that the settings name: the function of that name above."""


def optimizer_named(name: str) -> Optimizer:
    """Find an optimizer by its name.

    Raises:
        UserError: there is none of that name.

    Example:
        >>> optimizer_named("adam") is adam
        True
    """
    if name not in OPTIMIZERS:
        raise unknown("optimizer", name, OPTIMIZERS)
    return OPTIMIZERS[name]


def _state(what: str, param: Tensor) -> Tensor:
    """Build a shared variable of zeros beside a parameter: a part of the optimizer's state."""
    value = param.get_value(borrow=True)
    return aesara.shared(np.zeros_like(value), name=f"{what}_{label(param)}", shape=value.shape)


def _like(value: float, variable: Tensor) -> Tensor:
    """Build a constant of another variable's dtype."""
    return at.constant(value, dtype=variable.dtype)


def _as(value: float | Tensor, variable: Tensor) -> Tensor:
    """Convert a number or a tensor to another variable's dtype; no digit of a number is lost."""
    return (
        _like(value, variable) if isinstance(value, float | int) else at.cast(value, variable.dtype)
    )


def _scaled(learning_rate: Tensor, grad: Tensor, param: Tensor) -> Tensor:
    """Return learning_rate · gradient in the parameter's dtype."""
    return _as(learning_rate, param) * grad


def _mixed(decay: float, old: Tensor, new: Tensor) -> Tensor:
    """Return decay · old + (1 - decay) · new, a moving average."""
    return _like(decay, old) * old + _like(1 - decay, old) * new


def _corrected(decay: float, step: Tensor, param: Tensor) -> Tensor:
    """Return 1 - decay^step: how much of such an average, begun at zero, has been filled.

    As -expm1(step · log decay), which keeps all digits where decay^step is near 1.
    """
    if decay == 0:
        return _like(1, param)
    return -at.expm1(at.cast(step, param.dtype) * _like(log(decay), param))


def _require_share(name: str, value: float) -> None:
    """Refuse what cannot be a momentum or a decay.

    Raises:
        UserError: it is not from 0 to less than 1.
    """
    _require(name, value, 0 <= value < 1, "a value from 0 to less than 1")


def _require(name: str, value: float, holds: bool, needed: str) -> None:
    """Refuse an option that is out of its range.

    Raises:
        UserError: it does not hold.
    """
    if not holds:
        raise UserError(f"{name}: got {value:g}, needed {needed}; give {name} such a value")
