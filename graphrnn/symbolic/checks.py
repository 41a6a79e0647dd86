"""What the inputs of Aesara's own operations must be, as far as their lengths are known.

Aesara finds most of these in the first call, and some not at all.
"""

from collections.abc import Callable, Sequence
from typing import Any

from graphrnn.symbolic.lengths import constant_indices, sliced
from graphrnn.symbolic.wording import Misfit, Shape, show

import numpy as np
from aesara.graph.basic import Constant, Variable
from aesara.tensor.basic import Alloc, Join, Split
from aesara.tensor.blas import BatchedDot
from aesara.tensor.elemwise import DimShuffle, Elemwise
from aesara.tensor.math import Dot, MatMul
from aesara.tensor.shape import Reshape, SpecifyShape
from aesara.tensor.subtensor import (
    AdvancedSubtensor,
    AdvancedSubtensor1,
    IncSubtensor,
    Subtensor,
    get_idx_list,
)

Shapes = Sequence[Shape | None]
Rule = Callable[[Any, Sequence[Variable], Shapes], Misfit | None]


def misfit_of(op: Any, inputs: Sequence[Variable], shapes: Shapes) -> Misfit | None:
    """Return what does not fit, of an operation on these inputs."""
    rule = next((_RULES[kind] for kind in type(op).__mro__ if kind in _RULES), None)
    return rule(op, inputs, shapes) if rule else None


def _unequal(lengths: Sequence[int | None]) -> bool:
    """Return whether two lengths are known and differ."""
    return len({n for n in lengths if n is not None}) > 1


def _elementwise(op: Any, inputs: Sequence[Variable], shapes: Shapes) -> Misfit | None:
    """Require equal lengths, or 1, counted from the last axis."""
    known = [shape for shape in shapes if shape is not None]
    for axis in range(1, max(map(len, known), default=0) + 1):
        lengths = [shape[-axis] for shape in known if len(shape) >= axis]
        if _unequal([n for n in lengths if n != 1]):
            return Misfit("equal lengths, or 1, on each axis from the last; transpose or reshape")
    return None


def _product(op: Any, inputs: Sequence[Variable], shapes: Shapes) -> Misfit | None:
    """Require the last axis of the first to be as long as the last but one of the second."""
    a, b = shapes
    if not a or not b or not _unequal([a[-1], b[max(len(b) - 2, 0)]]):
        return None
    return Misfit("(…, k) and (k, n) with equal k; transpose one, or give it that shape")


def _batched_product(op: Any, inputs: Sequence[Variable], shapes: Shapes) -> Misfit | None:
    """Require one length of the first axes, and inner axes as in a product."""
    a, b = shapes
    if a and b and (_unequal([a[0], b[0]]) or _unequal([a[-1], b[1]])):
        return Misfit("(b, m, k) and (b, k, n) with equal b and k; transpose one")
    return None


def _reshape(op: Any, inputs: Sequence[Variable], shapes: Shapes) -> Misfit | None:
    """Require lengths that hold as many elements as there are."""
    if not isinstance(inputs[1], Constant):
        return None
    lengths = [int(n) for n in inputs[1].data]
    if min(lengths, default=0) < -1 or lengths.count(-1) > 1:
        return Misfit("lengths of 0 or more, or -1 for the rest", f"lengths {tuple(lengths)}")
    if shapes[0] is None or None in shapes[0]:
        return None
    size = int(np.prod([n or 0 for n in shapes[0]], dtype=np.int64))
    given = int(np.prod([n for n in lengths if n != -1], dtype=np.int64))
    if (given != size and -1 not in lengths) or (-1 in lengths and given and size % given):
        return Misfit(f"{size} elements in the new shape too, not {tuple(lengths)}")
    return None


def _join(op: Any, inputs: Sequence[Variable], shapes: Shapes) -> Misfit | None:
    """Require equal lengths on all axes but one."""
    parts = [shape for shape in shapes[1:] if shape is not None]
    if not isinstance(inputs[0], Constant) or not parts or len({len(part) for part in parts}) > 1:
        return None
    axis = int(inputs[0].data) % max(len(parts[0]), 1)
    for k in range(len(parts[0])):
        if k != axis and _unequal([part[k] for part in parts]):
            return Misfit(f"equal lengths on every axis but {axis}; cut or pad one")
    return None


def _split(op: Any, inputs: Sequence[Variable], shapes: Shapes) -> Misfit | None:
    """Require pieces that together are as long as the axis."""
    shape, axis, sizes = shapes[0], *inputs[1:]
    if shape is None or not isinstance(axis, Constant) or not isinstance(sizes, Constant):
        return None
    length, total = shape[int(axis.data)], int(np.sum(sizes.data))
    if length in (None, total):
        return None
    return Misfit(f"pieces of {length} in all, not {total}")


def _outside(positions: Any, length: int | None) -> Misfit | None:
    """Return a misfit for positions that an axis does not have."""
    if length is None:
        return None
    wrong = [int(k) for k in np.ravel(positions) if not -length <= k < length]
    return Misfit(f"positions from {-length} to {length - 1}, not {wrong[0]}") if wrong else None


def _basic(op: Any, inputs: Sequence[Variable], shapes: Shapes) -> Misfit | None:
    """Require constant positions that exist, and steps that are not 0."""
    entries, shape = get_idx_list(inputs, op.idx_list), shapes[0]
    for axis, entry in enumerate(entries):
        length = shape[axis] if shape is not None else None
        if isinstance(entry, slice):
            if isinstance(entry.step, Constant) and int(entry.step.data) == 0:
                return Misfit("a step other than 0")
            continue
        data = getattr(entry, "data", entry)
        if isinstance(data, (int, np.integer, np.ndarray)) and (wrong := _outside(data, length)):
            return wrong
    return None


def _rows(op: Any, inputs: Sequence[Variable], shapes: Shapes) -> Misfit | None:
    """Require constant positions that exist, in the axes that come before any mask or slice."""
    shape = shapes[0]
    for axis, index in enumerate(inputs[1:]):
        kind = getattr(index.type, "dtype", "bool")
        if kind == "bool" or shape is None or axis >= len(shape):
            break
        if isinstance(index, Constant) and (wrong := _outside(index.data, shape[axis])):
            return wrong
    return None


def _changed(op: Any, inputs: Sequence[Variable], shapes: Shapes) -> Misfit | None:
    """Require positions as in reading, and a value that can be repeated to what is selected."""
    base, value = shapes[:2]
    wrong = _basic(op, [inputs[0], *inputs[2:]], [base, *shapes[2:]])
    if wrong or base is None or value is None or None in base:
        return wrong
    indices = constant_indices([inputs[0], *inputs[2:]], op.idx_list)
    if indices is None:
        return None
    return _repeatable(value, sliced([n or 0 for n in base], indices))


def _repeatable(shape: Shape, target: Shape) -> Misfit | None:
    """Require each length to be 1 or the target's, counted from the last axis."""
    pairs = list(zip(reversed(shape), reversed(target), strict=False))
    if any(n not in (1, None) and m is not None and n != m for n, m in pairs):
        return Misfit(f"a value that can be repeated to {show(target)}")
    return None


def _alloc(op: Any, inputs: Sequence[Variable], shapes: Shapes) -> Misfit | None:
    """Require a value that can be repeated to the lengths."""
    lengths = [int(v.data) if isinstance(v, Constant) else None for v in inputs[1:]]
    return None if shapes[0] is None else _repeatable(shapes[0], lengths)


def _specified(op: Any, inputs: Sequence[Variable], shapes: Shapes) -> Misfit | None:
    """Require the lengths that are specified."""
    for axis, (n, wanted) in enumerate(zip(shapes[0] or (), inputs[1:], strict=False)):
        data = wanted.data if isinstance(wanted, Constant) else None
        if data is not None and _unequal([n, int(data)]):
            return Misfit(f"the length {int(data)} on axis {axis}")
    return None


def _shuffled(op: Any, inputs: Sequence[Variable], shapes: Shapes) -> Misfit | None:
    """Require that an axis that is dropped has length 1."""
    for axis, length in enumerate(shapes[0] or ()):
        if axis not in op.new_order and length not in (1, None):
            return Misfit(f"length 1 on axis {axis}, which is dropped")
    return None


_RULES: dict[type, Rule] = {
    Elemwise: _elementwise,
    Dot: _product,
    MatMul: _product,
    BatchedDot: _batched_product,
    Reshape: _reshape,
    Join: _join,
    Split: _split,
    Subtensor: _basic,
    AdvancedSubtensor1: _rows,
    AdvancedSubtensor: _rows,
    IncSubtensor: _changed,
    Alloc: _alloc,
    SpecifyShape: _specified,
    DimShuffle: _shuffled,
}
