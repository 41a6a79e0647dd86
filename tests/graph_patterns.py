"""Expressions that rewrites look for, in the neighborhood of those that they may be taken for."""

import aesara.tensor as at
import numpy as np
from aesara.tensor.special import log_softmax, softmax


def _along(f):
    """Apply an expression along a random axis."""

    def made(x, y, shape, rng):
        if not shape or 0 in shape:
            return None
        axis = int(rng.integers(len(shape)))
        return f(x, y, axis), [n for k, n in enumerate(shape) if k != axis]

    return made


def _whole(f):
    """Apply an expression to whole arrays."""
    return lambda x, y, shape, rng: (f(x, y), shape)


def _joined(x, y, shape, rng):
    """Join slices that are neighbors, overlap, or are empty."""
    if not shape:
        return None
    n, walked, parts = shape[0], 0, []
    for _ in range(int(rng.integers(2, 4))):
        start, stop = (int(k) for k in rng.integers(0, n + 1, 2))
        parts.append(x[start:stop])
        walked += max(0, stop - start)
    return at.concatenate(parts, axis=0), (walked, *shape[1:])


def _sliced(x, y, shape, rng):
    """Slice a sum."""
    if not shape:
        return None
    k = int(rng.integers(0, shape[0] + 1))
    return (x + y * 2)[k:], (shape[0] - k, *shape[1:])


def _picked(x, y, shape, rng):
    """Take one row of a logarithm of probabilities."""
    if len(shape) != 2 or 0 in shape:
        return None
    k = int(rng.integers(shape[0]))
    form = (at.log(softmax(9 * x, axis=1)), log_softmax(9 * x, axis=1))[int(rng.integers(2))]
    return form[k] / 9, shape[1:]


def _chosen(x, y, shape, rng):
    """Take an element of each row of a logarithm of probabilities."""
    if len(shape) != 2 or 0 in shape:
        return None
    place = at.constant(rng.integers(0, shape[1], shape[0]))
    return at.log(softmax(9 * x, axis=1))[at.arange(shape[0]), place] / 9, shape[:1]


def _swapped(x, y, shape, rng):
    """Divide by sums of another axis of a square."""
    if len(shape) != 2 or shape[0] != shape[1] or 0 in shape:
        return None
    return at.exp(x) / at.sum(at.exp(x), axis=1), shape


FINITE = (
    _along(lambda x, y, axis: at.prod(x * 1.25, axis=axis)),
    _along(lambda x, y, axis: at.prod(-x, axis=axis)),
    _along(lambda x, y, axis: at.sum(3 * x, axis=axis) / 4),
    _along(lambda x, y, axis: at.sum(x / 3, axis=axis)),
    _along(lambda x, y, axis: at.max(at.stack([x, y, x]), axis=0).max(axis=axis)),
    _along(lambda x, y, axis: at.min(at.stack([x, x + 0 * y]), axis=0).sum(axis=axis)),
    _along(lambda x, y, axis: at.max(-x, axis=axis)),
    _along(lambda x, y, axis: at.log(at.sum(at.exp(x + y), axis=axis))),
    _along(lambda x, y, axis: at.sum(at.sum(x * y, axis=axis, keepdims=True), axis=axis)),
    _along(lambda x, y, axis: at.sum(at.switch(x > 0, x, 0), axis=axis)),
    _whole(lambda x, y: (x + y) - x),
    _whole(lambda x, y: x * (y + 2) / (y + 2)),
    _whole(lambda x, y: (x / (y + 2) + y / (y + 2)) * (y + 2)),
    _whole(lambda x, y: at.log(at.exp(x) * at.exp(y))),
    _whole(lambda x, y: at.log(1 + at.exp(4 * x))),
    _whole(lambda x, y: at.log1p(at.exp(-4 * x))),
    _whole(lambda x, y: at.log(at.sigmoid(5 * x)) + at.log(1 - at.sigmoid(5 * y))),
    _whole(lambda x, y: 1 / (1 + at.exp(-3 * x)) + at.exp(y) / (1 + at.exp(y))),
    _whole(lambda x, y: at.log(at.exp(x + 3) - at.exp(y))),
    _whole(lambda x, y: at.expm1(x) + at.exp(y) - 1),
    _whole(lambda x, y: 1 - at.erf(x) + at.erfc(y)),
    _whole(lambda x, y: at.switch(x > 0, 1, 0) * y + at.switch(x > y, x, y)),
    _whole(lambda x, y: at.maximum(at.maximum(x, y), x) + at.minimum(y, at.minimum(x, y))),
    _whole(lambda x, y: (x**2) ** 2 + x**3 * x**-1),
    _whole(lambda x, y: at.abs(x * y) + at.abs(-x)),
    _whole(lambda x, y: at.sqrt(at.square(x) + 1) * at.sqrt(at.square(y) + 1)),
    _whole(lambda x, y: at.neg(-x) - (y - x) + (-y)),
    _whole(lambda x, y: at.clip(at.clip(x, -0.5, 0.5), -0.25, 1)),
    _whole(lambda x, y: at.arctanh(at.tanh(x) * 0.5) + at.tanh(at.arctanh(y * 0.5))),
    _joined, _joined, _sliced, _picked, _chosen, _swapped,
)  # fmt: skip
"""(x, y, shape, rng) → an expression of finite x and y with its shape, or None where none fits."""


def _bytes(x):
    """Whole numbers of one byte, of what can be cast."""
    return at.cast(at.switch(at.isnan(x) | at.isinf(x), 100, at.clip(x, -100, 100)), "int8")


EDGES = (
    lambda x, y: at.eq(x, x) | at.le(y, y) | at.neq(x, x),
    lambda x, y: at.switch(at.ge(x, x), x, y),
    lambda x, y: x - x,
    lambda x, y: (x + y) - x,
    lambda x, y: x / x,
    lambda x, y: x * y / x,
    lambda x, y: 0 * x + y,
    lambda x, y: 0 / x,
    lambda x, y: x // 1,
    lambda x, y: at.maximum(x, y),
    lambda x, y: at.minimum(x, x + y),
    lambda x, y: at.exp(at.log(x)),
    lambda x, y: at.log1p(x) + at.expm1(y),
    lambda x, y: at.arccosh(at.cosh(x)),
    lambda x, y: at.tanh(at.arctanh(x)),
    lambda x, y: at.sqrt(at.square(x)),
    lambda x, y: at.abs(x) ** 2.0 + at.abs(y) ** -1.0,
    lambda x, y: at.sgn(x) * at.abs(x),
    lambda x, y: at.log(at.exp(x / 20) - at.exp(x / 20)),
    lambda x, y: at.clip(x, y, y),
    lambda x, y: at.switch(x > y, x, at.isnan(x)),
    lambda x, y: at.sum(x, axis=0),
    lambda x, y: at.sum(at.isinf(x) | at.isnan(y), axis=1),
    lambda x, y: at.softplus(x) + at.sigmoid(y),
    lambda x, y: at.invert(at.isnan(x)),
    lambda x, y: (_bytes(x) * _bytes(y)) * 1.5,
    lambda x, y: (_bytes(x) + _bytes(x)) / 2,
    lambda x, y: at.sum(3 * _bytes(x), axis=0, dtype="int8"),
    lambda x, y: at.abs(_bytes(x) * _bytes(y)),
    lambda x, y: _bytes(x) - (-_bytes(y)),
    lambda x, y: _bytes(x) ** 2.0,
)  # fmt: skip
"""(x, y) → an expression of what may be NaN, infinite, zero of either sign, or large."""


def _half(x):
    return x * np.asarray(0.5, x.dtype)


def _one(x):
    """The shape of one row, which a slice does not tell: Aesara broadcasts what is known alone."""
    return (1, *x.type.shape[1:])


ROWS = (
    lambda x, i: at.set_subtensor(x[i], x[i] + _half(x[i])),
    lambda x, i: at.set_subtensor(x[i], x[i] + _half(x[i]) + at.tanh(x[i])),
    lambda x, i: at.set_subtensor(x[i], at.sin(x[i][::-1])),
    lambda x, i: at.set_subtensor(x[i], at.sin(at.specify_shape(x[:1], _one(x)))),
    lambda x, i: at.inc_subtensor(x[i], at.sin(x[i][::-1])),
    lambda x, i: at.set_subtensor(at.zeros_like(x)[i], at.cos(x[i])) + x,
    lambda x, i: at.inc_subtensor(x[i], at.set_subtensor(x[i], at.sin(x[i][::-1]))[i]),
    lambda x, i: x + at.sum(at.set_subtensor(x[i], at.cos(x[i][::-1]))[i], axis=0),
    lambda x, i: at.set_subtensor(at.inc_subtensor(x[i], 1)[i[:1]], at.sin(x[i[:1]])),
)
"""(x, i) → x with rows set or added to, of the same shape; i may name a row twice."""
