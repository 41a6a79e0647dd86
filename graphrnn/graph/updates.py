"""Gradients, their clipping, and the rules that use them. Objectives know no layers.

Each rule stands in its docstring as equations, in the form `param := …`. A rule takes parameters,
gradients and the rate, which may change from step to step, and gives pairs of a shared variable and
its value after the step. What a rule remembers (velocities, means, its count of steps) is a shared
variable too, of known name and shape, so that the whole of a step is one graph.
"""

from collections.abc import Callable, Mapping, Sequence
from math import log

from graphrnn.errors import UserError, unknown
from graphrnn.graph.shapes import Tensor, label
from graphrnn.upstream import op_gradients  # noqa: F401

import aesara
import aesara.tensor as at
import numpy as np
from aesara.gradient import DisconnectedInputError
from aesara.graph.basic import clone_replace

Updates = list[tuple[Tensor, Tensor]]
"""Pairs of a shared variable and its value after the step."""

Rule = Callable[..., Updates]
"""(params, grads, rate, **options) → updates; every option is a number and has a default."""


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
        return _grads(loss, params)
    except DisconnectedInputError as error:
        apart = [label(p) for p in params if _disconnected(loss, p)]
        raise UserError(
            f"loss: does not depend on {', '.join(apart)}; use it in the model or leave it out "
            "of the parameters"
        ) from error


def _grads(loss: Tensor, params: Sequence[Tensor]) -> list[Tensor]:
    """Differentiate, with a length of 1 told where a shared variable's value alone says so.

    Aesara sums a gradient over an axis that was broadcast where the type says that its length is 1.
    """
    told = {}
    for param in params:
        value = param.get_value(borrow=True) if hasattr(param, "get_value") else None
        shape = getattr(value, "shape", ())
        if any(n == 1 and known is None for n, known in zip(shape, param.type.shape, strict=False)):
            told[param] = at.TensorType(param.type.dtype, shape)()
    if not told:
        return list(at.grad(loss, list(params)))
    (known_loss,) = clone_replace([loss], replace=told, rebuild_strict=False)
    grads = at.grad(known_loss, [told.get(param, param) for param in params])
    back = {known: at.specify_shape(param, known.type.shape) for param, known in told.items()}
    return list(clone_replace(grads, replace=back))


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
    limit = at.cast(at.as_tensor_variable(largest), norm.dtype)
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


def momentum(
    params: Sequence[Tensor], grads: Sequence[Tensor], rate: Tensor, keep: float = 0.9
) -> Updates:
    """SGD with momentum.

    velocity := keep · velocity - rate · gradient
    param    := param + velocity

    Velocities start at zero and have the shapes of their parameters. Keras has this form; PyTorch
    puts the rate before the velocity instead, which is the same as long as the rate stays.

    Source: Sutskever, Martens, Dahl and Hinton, "On the importance of initialization and momentum
    in deep learning" (2013), equations 1 and 2.

    Raises:
        UserError: keep is not from 0 to less than 1.
    """
    _require_share("momentum", keep)
    updates: Updates = []
    for param, grad in zip(params, grads, strict=True):
        velocity = _slot("velocity", param)
        moved = _like(keep, param) * velocity - _scaled(rate, grad, param)
        updates += [(velocity, moved), (param, param + moved)]
    return updates


def nesterov(
    params: Sequence[Tensor], grads: Sequence[Tensor], rate: Tensor, keep: float = 0.9
) -> Updates:
    """Nesterov's momentum: SGD whose gradient is taken where the velocity is about to lead.

    velocity := keep · velocity - rate · gradient
    param    := param + keep · velocity - rate · gradient

    The parameter kept here is the one looked ahead to, so that the gradient is needed there only
    (Keras and PyTorch do so too). Velocities as in `momentum`.

    Source: Sutskever et al. (2013), equations 3 and 4, in the variables of Bengio,
    Boulanger-Lewandowski and Pascanu, "Advances in optimizing recurrent networks" (2013),
    section 3.5.

    Raises:
        UserError: keep is not from 0 to less than 1.
    """
    _require_share("momentum", keep)
    updates: Updates = []
    for param, grad in zip(params, grads, strict=True):
        velocity, share = _slot("velocity", param), _like(keep, param)
        pull = _scaled(rate, grad, param)
        moved = share * velocity - pull
        updates += [(velocity, moved), (param, param + share * moved - pull)]
    return updates


def rmsprop(
    params: Sequence[Tensor],
    grads: Sequence[Tensor],
    rate: Tensor,
    keep: float = 0.9,
    epsilon: float = 1e-8,
) -> Updates:
    """RMSprop: each entry's step is measured by the recent size of its own gradients.

    square := keep · square + (1 - keep) · gradient²
    param  := param - rate · gradient / (√square + epsilon)

    Squares start at zero and have the shapes of their parameters. Epsilon stands outside the root,
    as in PyTorch (whose keep is 0.99); Keras keeps 0.9 too and has epsilon inside.

    Source: Tieleman and Hinton, "Neural networks for machine learning", lecture 6.5 (2012).

    Raises:
        UserError: keep is not from 0 to less than 1, or epsilon not positive.
    """
    _require_share("keep", keep)
    _require("epsilon", epsilon, epsilon > 0, "a value greater than 0")
    updates: Updates = []
    for param, grad in zip(params, grads, strict=True):
        square = _slot("square", param)
        mixed = _mixed(keep, square, at.square(grad))
        size = at.sqrt(mixed) + _like(epsilon, param)
        updates += [(square, mixed), (param, param - _scaled(rate, grad, param) / size)]
    return updates


def adam(
    params: Sequence[Tensor],
    grads: Sequence[Tensor],
    rate: Tensor,
    keep_mean: float = 0.9,
    keep_square: float = 0.999,
    epsilon: float = 1e-8,
) -> Updates:
    """Adam: RMSprop's measure with momentum, both corrected for having started at zero.

    step   := step + 1
    mean   := keep_mean · mean + (1 - keep_mean) · gradient
    square := keep_square · square + (1 - keep_square) · gradient²
    param  := param - rate · mean / (1 - keep_mean^step)
                    / (√(square / (1 - keep_square^step)) + epsilon)

    Means and squares start at zero and have the shapes of their parameters; the step is a scalar in
    the graph. PyTorch has this form; Keras adds epsilon before the correction, and takes 1e-7.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization" (2015), algorithm 1, whose
    β1 and β2 are keep_mean and keep_square.

    Raises:
        UserError: a keep is not from 0 to less than 1, or epsilon not positive.
    """
    _require_share("keep_mean", keep_mean)
    _require_share("keep_square", keep_square)
    _require("epsilon", epsilon, epsilon > 0, "a value greater than 0")
    if not params:
        return []
    # In float32 the count stays at 2²⁴, where both corrections have long been 1.
    step = aesara.shared(np.zeros((), dtype=params[0].dtype), name="step_of_adam", shape=())
    now = step + _like(1, step)
    updates: Updates = [(step, now)]
    for param, grad in zip(params, grads, strict=True):
        mean, square = _slot("mean", param), _slot("square", param)
        new_mean = _mixed(keep_mean, mean, grad)
        new_square = _mixed(keep_square, square, at.square(grad))
        size = at.sqrt(new_square / _started(keep_square, now, param)) + _like(epsilon, param)
        moved = _scaled(rate, new_mean / _started(keep_mean, now, param), param) / size
        updates += [(mean, new_mean), (square, new_square), (param, param - moved)]
    return updates


RULES: Mapping[str, Rule] = {
    "sgd": sgd,
    "momentum": momentum,
    "nesterov": nesterov,
    "rmsprop": rmsprop,
    "adam": adam,
}


def rule_named(name: str) -> Rule:
    """Find a rule by its name.

    Raises:
        UserError: there is none of that name.

    Example:
        >>> rule_named("adam") is adam
        True
    """
    if name not in RULES:
        raise unknown("optimiser", name, RULES)
    return RULES[name]


def _slot(what: str, param: Tensor) -> Tensor:
    """Make a shared variable of zeros beside a parameter, to remember something about it."""
    value = param.get_value(borrow=True)
    return aesara.shared(np.zeros_like(value), name=f"{what}_{label(param)}", shape=value.shape)


def _like(value: float, variable: Tensor) -> Tensor:
    """Make a constant of another variable's dtype."""
    return at.constant(value, dtype=variable.dtype)


def _scaled(rate: Tensor, grad: Tensor, param: Tensor) -> Tensor:
    """Give rate · gradient in the parameter's dtype."""
    return at.cast(at.as_tensor_variable(rate), param.dtype) * grad


def _mixed(keep: float, old: Tensor, new: Tensor) -> Tensor:
    """Give keep · old + (1 - keep) · new, a mean that forgets."""
    return _like(keep, old) * old + _like(1 - keep, old) * new


def _started(keep: float, step: Tensor, param: Tensor) -> Tensor:
    """Give 1 - keep^step: how much of such a mean, begun at zero, has been filled.

    As -expm1(step · log keep), which keeps all digits where keep^step is near 1.
    """
    if keep == 0:
        return _like(1, param)
    return -at.expm1(at.cast(step, param.dtype) * _like(log(keep), param))


def _require_share(name: str, value: float) -> None:
    """Refuse what is no share of something that is kept from step to step.

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
