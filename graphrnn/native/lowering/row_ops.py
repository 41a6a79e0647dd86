"""Lowering of running sums, sorting, diagonals and products of stacks."""

from graphrnn.native.ir import program as p
from graphrnn.native.ir import views as v
from graphrnn.native.ir.operations import Cumulate, Sort
from graphrnn.native.ir.views import CannotMerge, Unsupported, View
from graphrnn.native.lowering.lowering import Lowering, Node, lowers
from graphrnn.native.lowering.math_ops import gemm, integer_product
from graphrnn.native.lowering.run_time import RunTimeNumber
from graphrnn.symbolic.wording import Misfit

import numpy as np
from aesara.tensor.basic import AllocDiag, ARange, ExtractDiag, Eye, Tri
from aesara.tensor.blas import BatchedDot
from aesara.tensor.extra_ops import CumOp, FillDiagonal
from aesara.tensor.math import MatMul
from aesara.tensor.sort import ArgSortOp, SortOp


@lowers(Eye, Tri, ARange)
def known_array(low: Lowering, node: Node) -> None:
    """Build an array that is known while building."""
    numbers = [low.value(variable) for variable in node.inputs]
    if any(number is None for number in numbers):
        raise RunTimeNumber(f"{node.op}: its lengths are known only at run time", *node.inputs)
    storage: list[list[object]] = [[None]]
    try:
        node.op.perform(node, [np.asarray(number) for number in numbers], storage)
    except (ArithmeticError, ValueError) as error:
        shown = ", ".join(str(number) for number in numbers)
        raise Misfit(f"numbers that make an array: {error}", f"({shown})") from None
    low.known[node.outputs[0]] = np.asarray(storage[0][0])


def flattened(low: Lowering, view: View) -> View:
    """View an array as one row, copying where there is none."""
    try:
        return low.simple(v.reshape(view, (view.size,)))
    except CannotMerge:
        whole = low.temporary(view.dtype, view.shape)
        low.copy(view, whole)
        return v.contiguous(whole.buffer, (view.size,))


def last(view: View, axis: int) -> View:
    """Put an axis last."""
    return v.dimshuffle(view, [*(k for k in range(len(view.shape)) if k != axis), axis])


def ref(view: View) -> p.Ref:
    """Walk a view whose axes are one part each."""
    return p.Ref(view.buffer, view.offset, tuple(axis[0][1] for axis in view.axes))


@lowers(CumOp)
def cumulate(low: Lowering, node: Node) -> None:
    """Compute running sums or products along an axis, or over all elements."""
    source, axis = low.simple(low.view(node.inputs[0])), node.op.axis
    if axis is None:
        source, axis = flattened(low, source), 0
    # NumPy counts booleans and small integers in long ones, whatever the type of the result says.
    target = low.temporary(str(np.cumsum(np.zeros(0, source.dtype)).dtype), source.shape)
    target.buffer.label = node.outputs[0].name or ""
    low.views[node.outputs[0]] = target
    if target.size:
        axis %= len(source.shape)
        moved, place = last(source, axis), last(target, axis)
        kind = "+" if node.op.mode == "add" else "*"
        low.emit(Cumulate(kind, moved.shape[:-1], moved.shape[-1], ref(moved), ref(place)))


@lowers(SortOp, ArgSortOp)
def sort(low: Lowering, node: Node) -> None:
    """Sort along an axis, or give the positions that sort it.

    Equal elements keep their order, whichever kind of sorting was asked for; not-a-numbers come
    last, as in NumPy.
    """
    source, axis = low.simple(low.view(node.inputs[0])), low.value(node.inputs[1])
    if axis is None:
        raise RunTimeNumber(f"{node.op}: the axis is known only at run time", node.inputs[1])
    axis = int(axis) % len(source.shape)
    moved = last(source, axis)
    # Sorted rows lie one behind the other; the result is a view that puts the axis back.
    positions = isinstance(node.op, ArgSortOp)
    dtype = "int64" if positions else source.dtype
    target, scratch = (low.temporary(dtype, moved.shape) for _ in range(2))
    if target.size:
        low.emit(Sort(moved.shape[:-1], moved.shape[-1], ref(moved), ref(target), ref(scratch),
                      positions))  # fmt: skip
    order = list(range(len(moved.shape) - 1))
    order.insert(axis, len(moved.shape) - 1)
    low.views[node.outputs[0]] = low.converted(v.dimshuffle(target, order), node.outputs[0].dtype)


def diagonal(view: View, offset: int, axis1: int, axis2: int) -> View:
    """View a diagonal: the axes left over, then the diagonal; each axis must be one part."""
    rows, columns = view.shape[axis1], view.shape[axis2]
    begin = max(-offset, 0), max(offset, 0)
    length = max(min(rows - begin[0], columns - begin[1]), 0)
    a, b = view.axes[axis1][0][1], view.axes[axis2][0][1]
    rest = tuple(axis for k, axis in enumerate(view.axes) if k not in (axis1, axis2))
    start = view.offset.plus(begin[0] * a + begin[1] * b if length else 0)
    return View(view.buffer, (*rest, ((length, a + b),)), start)


@lowers(ExtractDiag)
def extract_diagonal(low: Lowering, node: Node) -> None:
    """Take a diagonal: a view."""
    source, n = low.simple(low.view(node.inputs[0])), node.inputs[0].ndim
    axis1, axis2 = node.op.axis1 % n, node.op.axis2 % n
    low.views[node.outputs[0]] = diagonal(source, node.op.offset, axis1, axis2)


@lowers(AllocDiag)
def alloc_diagonal(low: Lowering, node: Node) -> None:
    """Put a vector on the diagonal of a matrix of zeros; of a stack, each one."""
    source, offset = low.view(node.inputs[0]), node.op.offset
    n = source.shape[-1] + abs(offset)
    whole = low.temporary(source.dtype, (*source.shape[:-1], n, n))
    if whole.size:
        low.fill(whole, 0)
        axes = len(whole.shape)
        low.copy(source, diagonal(whole, offset, axes - 2, axes - 1))
    order = list(range(len(whole.shape) - 2))
    for axis, place in sorted([(node.op.axis1, len(order)), (node.op.axis2, len(order) + 1)]):
        order.insert(axis, place)
    low.views[node.outputs[0]] = v.dimshuffle(whole, order)


@lowers(FillDiagonal)
def fill_diagonal(low: Lowering, node: Node) -> None:
    """Set the diagonal of a copy to one value."""
    source = low.view(node.inputs[0])
    if len(source.shape) != 2:
        raise Unsupported(f"{node.op} of {len(source.shape)} axes")
    target = low.fresh(node.outputs[0], source.shape)
    low.copy(source, target)
    place = diagonal(target, 0, 0, 1)
    value = low.view(node.inputs[1])
    low.copy(v.broadcast(v.dimshuffle(value, ["x"]), place.shape), place)


@lowers(BatchedDot, MatMul)
def batched_dot(low: Lowering, node: Node) -> None:
    """Multiply the matrices of two stacks, one after the other."""
    A, B = (low.view(variable) for variable in node.inputs)
    dtype = node.outputs[0].dtype
    A, B = low.converted(A, dtype), low.converted(B, dtype)
    if isinstance(node.op, MatMul):
        a_vector, b_vector = len(A.shape) == 1, len(B.shape) == 1
        lead = v.common_shape([A.shape[:-2], B.shape[:-2]])
    else:
        a_vector, b_vector = len(A.shape) == 2, len(B.shape) == 2
        lead = (A.shape[0],)
        if A.shape[0] != B.shape[0]:
            raise Misfit("stacks of equally many")
    A = v.dimshuffle(A, [*range(len(A.shape) - 1), "x", len(A.shape) - 1]) if a_vector else A
    B = v.dimshuffle(B, [*range(len(B.shape)), "x"]) if b_vector else B
    (m, k), (k_too, n) = A.shape[-2:], B.shape[-2:]
    if k != k_too:
        raise Misfit("as many columns of the first as rows of the second")
    A, B = v.broadcast(A, (*lead, m, k)), v.broadcast(B, (*lead, k, n))
    shape = ([] if a_vector else [m]) + ([] if b_vector else [n])
    target = low.fresh(node.outputs[0], (*lead, *shape))
    if target.size and k == 0:
        low.fill(target, 0)
    elif target.size:
        _stacked(low, A, B, v.contiguous(target.buffer, (*lead, m, n)))


def _stacked(low: Lowering, A: View, B: View, C: View) -> None:
    """Loop over the leading axes of three stacks of matrices."""
    if len(C.shape) == 2:
        (gemm if C.dtype in ("float32", "float64") else integer_product)(low, A, B, C)
        return
    A, B = low.simple(A), low.simple(B)
    body, t = Lowering(low), low.variable("b")
    pieces = [
        View(view.buffer, view.axes[1:], view.offset.along(view.axes[0][0][1], t))
        for view in (A, B, C)
    ]
    _stacked(body, *pieces)
    low.emit(p.Loop(t, C.shape[0], [], body.ops))
