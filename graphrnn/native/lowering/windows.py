"""Slices of known length that begin at a place known only at run time: `x[i:i + 4]`.

Where such a slice would reach beyond its axis, NumPy cuts it, and where an end wraps around or is
rounded it is of another length: the function then leaves by an error, and one is compiled for the
place that it has. The length by algebra is a guess that each call is held to.
"""

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import Any

from graphrnn.native.ir import program as p
from graphrnn.native.ir import views as v
from graphrnn.native.ir.scalars import ScalarOp
from graphrnn.native.ir.views import View
from graphrnn.native.lowering.lowering import Lowering
from graphrnn.native.lowering.run_time import WindowError, leaves

import aesara.scalar as aes
import numpy as np
from aesara.graph.basic import Variable
from aesara.tensor.basic import ScalarFromTensor, TensorFromScalar
from aesara.tensor.elemwise import DimShuffle, Elemwise

Linear = tuple[Counter[Variable], int]
"""A sum of variables, each times a number, and a number."""


def linear(low: Lowering, variable: Any) -> Linear:
    """Write an integer as a sum of multiples of what it is made of."""
    value = variable if isinstance(variable, (int, np.integer)) else low.value(variable)
    if value is not None:
        return Counter(), int(value)
    node = variable.owner
    if node is None:
        return Counter({variable: 1}), 0
    if isinstance(node.op, (ScalarFromTensor, TensorFromScalar, DimShuffle)):
        return linear(low, node.inputs[0])
    op = node.op.scalar_op if isinstance(node.op, Elemwise) else node.op
    parts = [linear(low, operand) for operand in node.inputs] if isinstance(op, _LINEAR) else []
    if isinstance(op, aes.Cast) and np.dtype(node.outputs[0].dtype).kind in "iu":
        return parts[0]
    if isinstance(op, aes.Add):
        return _sum(parts)
    if isinstance(op, aes.Sub):
        return _sum([parts[0], _times(parts[1], -1)])
    if isinstance(op, aes.Neg):
        return _times(parts[0], -1)
    if isinstance(op, aes.Mul) and sum(bool(terms) for terms, _ in parts) == 1:
        factor = int(np.prod([number for terms, number in parts if not terms]))
        return _times(next(part for part in parts if part[0]), factor)
    return Counter({variable: 1}), 0


_LINEAR = (aes.Cast, aes.Add, aes.Sub, aes.Neg, aes.Mul)


def _sum(parts: list[Linear]) -> Linear:
    """Add sums."""
    terms: Counter[Variable] = Counter()
    for more, _ in parts:
        for variable, factor in more.items():
            terms[variable] += factor
    return Counter({variable: k for variable, k in terms.items() if k}), sum(
        number for _, number in parts
    )


def _times(part: Linear, factor: int) -> Linear:
    """Multiply a sum."""
    terms, number = part
    return Counter(
        {variable: k * factor for variable, k in terms.items() if k * factor}
    ), number * factor


@dataclass(frozen=True)
class Window:
    """The positions of an axis that a slice takes."""

    positions: View


def window(low: Lowering, entry: slice, length: int) -> Window | None:
    """Return the positions that a slice of known length takes; None where it is no such slice.

    The function leaves with a `WindowError` where one of them is outside of the axis, or the slice
    is of another length after all.
    """
    if entry.start is None or entry.stop is None or not _is_one(low, entry.step):
        return None
    start, stop = linear(low, entry.start), linear(low, entry.stop)
    terms, n = _sum([stop, _times(start, -1)])
    if terms or not 0 < n <= length or not start[0]:
        return None
    begin, end = (low.converted(low.view(e), "int64") for e in (entry.start, entry.stop))
    # The positions exist in any case: the check may be made behind what reads there.
    nearest, inside = low.temporary("int64", ()), low.temporary("bool", ())
    low.kernel(
        [begin, end],
        [
            p.constant(0, "int64"),
            p.constant(length - n, "int64"),
            p.constant(n, "int64"),
            p.Instruction(ScalarOp.CLIP, (0, 2, 3), "int64"),
            p.Instruction(ScalarOp.EQ, (0, 5), "bool"),
            p.Instruction(ScalarOp.SUB, (1, 0), "int64"),
            p.Instruction(ScalarOp.EQ, (7, 4), "bool"),
            p.Instruction(ScalarOp.AND, (6, 8), "bool"),
        ],
        [(nearest, 5), (inside, 9)],
    )
    text = f"a slice of {n} is of another length, or outside of its axis of length {length}"
    low.require([inside], partial(WindowError, [*leaves(entry.start), *leaves(entry.stop)]), text)
    positions = low.temporary("int64", (n,))
    low.kernel(
        [v.broadcast(nearest, (n,)), low.constant(np.arange(n))],
        [p.Instruction(ScalarOp.ADD, (0, 1), "int64")],
        [(positions, 2)],
    )
    return Window(positions)


def _is_one(low: Lowering, step: Any) -> bool:
    """Return whether a step is known to be 1."""
    if step is None:
        return True
    value = step if isinstance(step, (int, np.integer)) else low.value(step)
    return value is not None and int(value) == 1
