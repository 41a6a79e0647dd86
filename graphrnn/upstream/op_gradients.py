"""Gradients that replace Aesara's own where those are wrong or raise an error.

In Aesara, the gradient is a method of the operation, and no registry allows for another: importing
this module replaces the methods themselves, for every mode.
"""

from collections.abc import Callable, Sequence
from typing import Any

import aesara
import aesara.tensor as at
import numpy as np
from aesara import config
from aesara.gradient import DisconnectedType
from aesara.graph.basic import Constant, Variable
from aesara.scalar.basic import Switch, discrete_types
from aesara.tensor import subtensor
from aesara.tensor.extra_ops import CumOp
from aesara.tensor.math import MaxAndArgmax
from aesara.tensor.shape import unbroadcast
from aesara.tensor.subtensor import AdvancedIncSubtensor, AdvancedIncSubtensor1
from aesara.tensor.type import complex_dtypes, discrete_dtypes

Gradient = Callable[..., Sequence[Variable]]


def summed_to(x: Variable, gx: Variable) -> Variable:
    """Sum a gradient over the axes along which a value was broadcast.

    These are the axes that the value lacks, and those whose length is known to be 1 in the value
    but not in the gradient.
    """
    added = gx.type.ndim - x.type.ndim
    if added:
        gx = gx.sum(axis=list(range(added)))
    known = zip(x.type.broadcastable, gx.type.broadcastable, strict=True)
    axes = [k for k, (single, summed) in enumerate(known) if single and not summed]
    return gx.sum(axis=axes, keepdims=True) if axes else gx


def are_distinct(index: Sequence[Variable]) -> bool:
    """Return whether an index is known to select no element twice."""
    arrays = [k for k in index if getattr(k.type, "ndim", None)]
    if any(k.type.dtype == "bool" for k in arrays):
        return True
    if not all(isinstance(k, Constant) for k in arrays):
        return False
    indices = [k.ravel() for k in np.broadcast_arrays(*(k.data for k in arrays))]
    # -1 and n - 1 are the same element, and n may be unknown: signs must not be mixed.
    one_sign = all(np.all(k >= 0) or np.all(k < 0) for k in indices)
    return one_sign and len(set(zip(*indices, strict=True))) == indices[0].size


def _is_last_writer(lengths: Variable, index: Any, order: Variable) -> Variable:
    """Write each writer's number to its element, and return whose number is still there."""
    writers = at.set_subtensor(at.zeros(lengths, dtype="int64")[index], order)
    return at.eq(writers[index], order)


def last_written(x: Variable, index: Sequence[Variable]) -> Variable:
    """Return a mask of the elements of `y` that are not overwritten within `x[index] = y`."""
    picked = x[tuple(index)]
    order = at.arange(picked.size).reshape(picked.shape)
    return _is_last_writer(x.shape, tuple(index), order)


def last_row_written(x: Variable, row: Variable) -> Variable:
    """Return a mask of the rows of `y` not overwritten within `x[row] = y`, row an int vector."""
    last = _is_last_writer(x.shape[0], row, at.arange(row.shape[0]))
    return last.dimshuffle(0, *("x",) * (x.type.ndim - 1))


def _where_last_wins(stock: Gradient) -> Gradient:
    """Wrap a gradient so that what `x[index] = y` writes and then overwrites gets none."""

    def grad(op: Any, inputs: Sequence[Variable], output_gradients: Any) -> Sequence[Variable]:
        x, y, *index = inputs
        real = x.type.dtype not in (*discrete_dtypes, *complex_dtypes)
        if not op.set_instead_of_inc or not real or are_distinct(index):
            return stock(op, inputs, output_gradients)
        gx, _, *rest = stock(op, inputs, output_gradients)
        (g,) = output_gradients
        rows = isinstance(op, AdvancedIncSubtensor1)
        mask = last_row_written(x, *index) if rows else last_written(x, index)
        picked = g[index[0]] if rows else g[tuple(index)]
        return [gx, summed_to(y, at.switch(mask, picked, at.zeros_like(picked))), *rest]

    return grad


def of_largest(op: Any, inputs: Sequence[Variable], output_gradients: Any) -> list[Variable]:
    """Compute dx = dy [x = max x] / n, where n elements are the largest.

    Aesara gives each of them the whole of dy, which is wrong where two of them are the same value:
    max(x, x) would rise twice as fast as x.
    """
    (x,), (dy, d_place) = inputs, output_gradients
    if isinstance(dy.type, DisconnectedType):
        alone = isinstance(d_place.type, DisconnectedType)
        return [DisconnectedType()() if alone else x.zeros_like()]
    axes = tuple(range(x.type.ndim)) if op.axis is None else tuple(op.axis)
    keepdims = ["x" if k in axes else k - sum(a < k for a in axes) for k in range(x.type.ndim)]
    largest = at.eq(x, at.max(x, axis=axes).dimshuffle(keepdims))
    n = at.cast(at.sum(largest, axis=axes), dy.type.dtype)
    return [largest * (dy / n).dimshuffle(keepdims)]


def of_running_product(x: Variable, g: Variable) -> Variable:
    """Compute dx of y_t = x_0 ⋯ x_t along the first axis, by dx_t = y_{t-1} r_t.

    Here r_t = g_t + x_{t+1} r_{t+1}. Aesara divides by x, which is NaN wherever x is 0.
    """
    y_tm1 = at.concatenate([at.ones_like(x[:1]), at.cumprod(x, axis=0)[:-1]], axis=0)
    x_tp1 = at.concatenate([x[1:], at.zeros_like(x[:1])], axis=0)
    end = at.zeros([x.shape[k] for k in range(1, x.type.ndim)], dtype=g.type.dtype)
    r, _ = aesara.scan(
        lambda g_t, x_tp1, r_tp1: g_t + x_tp1 * r_tp1,
        sequences=[g[::-1], x_tp1[::-1]],
        outputs_info=[unbroadcast(end, *range(end.type.ndim))],
    )
    return at.cast(y_tm1 * r[::-1], g.type.dtype)


def _of_running_products(stock: Gradient) -> Gradient:
    """Wrap a gradient so that `cumprod` is differentiated along its axis without a division."""

    def grad(op: Any, inputs: Sequence[Variable], output_gradients: Any) -> Sequence[Variable]:
        (x,), (g,) = inputs, output_gradients
        if op.mode != "mul" or x.type.dtype in (*discrete_dtypes, *complex_dtypes):
            return stock(op, inputs, output_gradients)
        if op.axis is None:
            return [of_running_product(x.flatten(), g).reshape(x.shape)]
        axis = op.axis % x.type.ndim
        order = [axis, *(k for k in range(x.type.ndim) if k != axis)]
        dx = of_running_product(x.dimshuffle(order), g.dimshuffle(order))
        return [dx.dimshuffle([order.index(k) for k in range(x.type.ndim)])]

    return grad


def _of_whole_numbers(stock: Gradient) -> Gradient:
    """Wrap a gradient so that a switch between integers has one: zeros of the right dtype."""

    def gradient(op: Any, inputs: Any, outputs: Any, output_gradients: Any) -> Sequence[Variable]:
        if outputs[0].type not in discrete_types:
            return stock(op, inputs, outputs, output_gradients)
        return [x.zeros_like().astype(config.floatX) for x in inputs]

    return gradient


subtensor._sum_grad_over_bcasted_dims = summed_to
for kind in (AdvancedIncSubtensor1, AdvancedIncSubtensor):
    kind.grad = _where_last_wins(kind.grad)
CumOp.grad = _of_running_products(CumOp.grad)
MaxAndArgmax.grad = of_largest
Switch.L_op = _of_whole_numbers(Switch.L_op)
