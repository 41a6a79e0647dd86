"""Lowering of what computes: elementwise, reductions, products, rows by index."""

from graphrnn.native.ir import program as p
from graphrnn.native.ir import views as v
from graphrnn.native.ir.operations import CheckIndex
from graphrnn.native.ir.scalars import ScalarOp
from graphrnn.native.ir.views import CannotMerge, Unsupported, View
from graphrnn.native.lowering.lowering import Lowering, Node, lowers
from graphrnn.native.lowering.scalar_ops import instructions
from graphrnn.symbolic.wording import Misfit

import aesara.scalar.basic as aes
import numpy as np
from aesara.tensor.elemwise import CAReduce, Elemwise
from aesara.tensor.math import Argmax, Dot, MaxAndArgmax, MulWithoutZeros
from aesara.tensor.special import LogSoftmax, Softmax, SoftmaxGrad
from aesara.tensor.subtensor import AdvancedIncSubtensor1, AdvancedSubtensor1


@lowers(Elemwise, aes.ScalarOp)
def elemwise(low: Lowering, node: Node) -> None:
    """Compute each element from the elements at its place, lengths of 1 being repeated."""
    shapes = [low.shape(variable) for variable in node.inputs]
    shape = v.common_shape(shapes)
    loads = [v.broadcast(low.view(variable), shape) for variable in node.inputs]
    out = node.outputs[0]
    dtypes = [view.dtype for view in loads]
    if len(node.outputs) != 1:
        raise Unsupported(f"{node.op} with several results")
    scalar_op = getattr(node.op, "scalar_op", node.op)
    code = instructions(scalar_op, range(len(loads)), dtypes, len(loads), out.dtype)
    low.kernel(loads, code, [(low.fresh(out, shape), len(loads) + len(code) - 1)])


_REDUCTIONS: dict[type, str] = {
    aes.Add: "sum",
    aes.Mul: "product",
    MulWithoutZeros: "product of what is not zero",
    aes.ScalarMaximum: "max",
    aes.ScalarMinimum: "min",
    aes.AND: "all",
    aes.OR: "any",
}


@lowers(CAReduce)
def reduction(low: Lowering, node: Node) -> None:
    """Sum, multiply, or take the extreme over axes."""
    kind = next((_REDUCTIONS[k] for k in type(node.op.scalar_op).__mro__ if k in _REDUCTIONS), None)
    out = node.outputs[0]
    if kind is None or (kind in ("all", "any") and node.inputs[0].dtype != "bool"):
        raise Unsupported(f"reduction {node.op}")
    source = low.simple(low.view(node.inputs[0]))
    axes = node.op.axis if node.op.axis is not None else range(len(source.shape))
    axes = [axis % len(source.shape) for axis in axes]
    others = [axis for axis in range(len(source.shape)) if axis not in axes]
    outer = tuple(source.shape[axis] for axis in others)
    inner = tuple(source.shape[axis] for axis in axes)
    if kind in ("max", "min") and 0 in inner:
        raise Misfit("at least one element to choose from")
    target = low.fresh(out, outer)
    if 0 in outer:
        return
    strides = tuple(source.axes[axis][0][1] for axis in (*others, *axes))
    # Aesara's own default for sums of float32 is float64; lanes of float32 with pairwise blocks
    # lose little, and integers keep the accumulator that was asked for.
    requested = getattr(node.op, "acc_dtype", None) or out.dtype
    accumulator = out.dtype if out.dtype == "float32" else requested
    low.emit(
        p.Reduce(
            kind,
            outer,
            inner,
            p.Ref(source.buffer, source.offset, strides),
            _ref(target),
            str(accumulator),
        )
    )


@lowers(MaxAndArgmax, Argmax)
def argmax(low: Lowering, node: Node) -> None:
    """Compute the largest element along axes, and its position."""
    source = low.view(node.inputs[0])
    axes = node.op.axis if node.op.axis is not None else tuple(range(len(source.shape)))
    axes = [int(a) % len(source.shape) for a in np.atleast_1d(np.asarray(axes))]
    if len(axes) != 1:
        flat = [k for k in range(len(source.shape)) if k not in axes] + sorted(axes)
        lead = tuple(source.shape[k] for k in flat[: len(flat) - len(axes)])
        whole = low.temporary(source.dtype, tuple(source.shape[k] for k in flat))
        low.copy(v.dimshuffle(source, flat), whole)
        rest = int(np.prod([source.shape[a] for a in axes]))
        source, axes = v.contiguous(whole.buffer, (*lead, rest)), [len(lead)]
    rows, outer, length = _rows(low, source, axes[0])
    if length == 0:
        raise Misfit("at least one element to choose from")
    position = low.fresh(node.outputs[-1], outer)
    largest = _ref(low.fresh(node.outputs[0], outer)) if len(node.outputs) == 2 else None
    if 0 not in outer:
        low.emit(p.ArgMax(outer, length, _ref(rows), _ref(position), largest))


@lowers(Softmax, LogSoftmax)
def softmax(low: Lowering, node: Node) -> None:
    """Take the softmax along one axis, or its logarithm."""
    source = low.view(node.inputs[0])
    target = low.fresh(node.outputs[0], source.shape)
    if target.size:
        place, axis = target, node.op.axis
        if axis is None:
            source, place, axis = _flat(low, source), v.contiguous(target.buffer, (target.size,)), 0
        axis %= len(source.shape)
        rows, outer, length = _rows(low, source, axis)
        moved, _, _ = _rows(low, place, axis)
        low.emit(p.Softmax(isinstance(node.op, LogSoftmax), outer, length, _ref(rows), _ref(moved)))


@lowers(SoftmaxGrad)
def softmax_grad(low: Lowering, node: Node) -> None:
    """Compute the gradient of a softmax s along one axis: dx = s · (dy - Σ dy · s)."""
    dy, s = (low.view(variable) for variable in node.inputs)
    dtype, axis = node.outputs[0].dtype, node.op.axis
    target = low.fresh(node.outputs[0], s.shape)
    if not target.size:
        return
    if axis is None:
        dy, s, axis = _flat(low, dy), _flat(low, s), 0
        target = v.contiguous(target.buffer, s.shape)
    weighted = low.temporary(dtype, s.shape)
    low.kernel([dy, s], [p.Instruction(ScalarOp.MUL, (0, 1), dtype)], [(weighted, 2)])
    rows, outer, length = _rows(low, weighted, axis % len(s.shape))
    total = low.temporary(dtype, outer)
    low.emit(p.Reduce("sum", outer, (length,), _ref(rows), _ref(total), dtype))
    axes = list(total.axes)
    axes.insert(axis % len(s.shape), ((length, 0),))
    spread = View(total.buffer, tuple(axes), total.offset)
    code = [
        p.Instruction(ScalarOp.SUB, (0, 2), dtype),
        p.Instruction(ScalarOp.MUL, (1, 3), dtype),
    ]
    low.kernel([dy, s, spread], code, [(target, 4)])


@lowers(Dot)
def dot(low: Lowering, node: Node) -> None:
    """Multiply matrices, or vectors taken as matrices of one row or column."""
    A, B = (low.view(variable) for variable in node.inputs)
    a_vector, b_vector = len(A.shape) == 1, len(B.shape) == 1
    A = v.dimshuffle(A, ["x", 0]) if a_vector else A
    B = v.dimshuffle(B, [0, "x"]) if b_vector else B
    (m, k), (k_too, n) = A.shape, B.shape
    if k != k_too:
        raise Misfit("as many columns of the first as rows of the second")
    shape = ([] if a_vector else [m]) + ([] if b_vector else [n])
    target = low.fresh(node.outputs[0], shape)
    if 0 in (m, n):
        return
    if k == 0:
        low.fill(target, 0)
        return
    A, B = (low.converted(view, target.dtype) for view in (A, B))
    place = v.contiguous(target.buffer, (m, n))
    if target.dtype in ("float32", "float64"):
        gemm(low, A, B, place)
    else:
        integer_product(low, A, B, place)


def gemm(low: Lowering, A: View, B: View, C: View) -> None:
    """C = A B, each axis brought to one stride; the order of the sum over k does not matter."""
    try:
        lengths, (a_strides, b_strides) = v.common_loops(
            [View(A.buffer, (A.axes[1],)), View(B.buffer, (B.axes[0],))]
        )
    except CannotMerge:
        return gemm(low, low.simple(A), low.simple(B), C)
    a_axis, b_axis, a_offset, b_offset = [], [], A.offset, B.offset
    for length, a, b in zip(lengths, a_strides, b_strides, strict=True):
        if b < 0 or (b == 0 and a < 0):
            # Walk this part backwards in both: two reversals cancel.
            a_offset, b_offset = a_offset.plus((length - 1) * a), b_offset.plus((length - 1) * b)
            a, b = -a, -b
        a_axis.append((length, a))
        b_axis.append((length, b))
    A = View(A.buffer, (A.axes[0], tuple(a_axis) or ((1, 0),)), a_offset)
    B = View(B.buffer, (tuple(b_axis) or ((1, 0),), B.axes[1]), b_offset)
    A, B = low.simple(A), low.simple(B)
    (m, k), n = A.shape, B.shape[1]
    low.emit(p.Gemm(m, n, k, _ref(A), _ref(B), _ref(C)))
    return None


def integer_product(low: Lowering, A: View, B: View, C: View) -> None:
    """C = A B of integers: one outer product after the other, going round as NumPy does."""
    k = A.shape[1]
    A, B = low.simple(A), low.simple(B)
    low.fill(C, 0)
    body, t = Lowering(low), low.variable("k")
    column = View(A.buffer, A.axes[:1], A.offset.along(A.axes[1][0][1], t))
    row = View(B.buffer, B.axes[1:], B.offset.along(B.axes[0][0][1], t))
    column = v.broadcast(v.dimshuffle(column, [0, "x"]), C.shape)
    row = v.broadcast(v.dimshuffle(row, ["x", 0]), C.shape)
    code = [
        p.Instruction(ScalarOp.MUL, (0, 1), C.dtype),
        p.Instruction(ScalarOp.ADD, (2, 3), C.dtype),
    ]
    body.kernel([column, row, C], code, [(C, 4)])
    low.emit(p.Loop(t, k, [], body.ops))


@lowers(AdvancedSubtensor1)
def gather(low: Lowering, node: Node) -> None:
    """Take rows by an index vector."""
    source, index = low.simple(low.view(node.inputs[0])), low.simple(low.view(node.inputs[1]))
    shape = (index.size, *source.shape[1:])
    target = low.fresh(node.outputs[0], shape)
    if target.size:
        flat, place = _as_rows(low, source), v.contiguous(target.buffer, _row_shape(shape))
        low.emit(
            p.Gather(
                index.size, place.shape[1], flat.shape[0], _ref(flat), _ref(index), _ref(place)
            )
        )
    elif index.size:
        low.emit(CheckIndex(index.size, source.shape[:1], [_ref(index)]))


@lowers(AdvancedIncSubtensor1)
def scatter(low: Lowering, node: Node) -> None:
    """Add to rows by an index vector, equal indices one after the other, or set them."""
    base, part, index = node.inputs
    shape = low.views[base].shape if base in low.unwritten else low.shape(base)
    target = low.fresh(node.outputs[0], shape)
    low.copy(low.view(base), target)
    rows = low.simple(low.view(index))
    added = v.broadcast(low.view(part), (rows.size, *shape[1:]))
    if added.size and target.size:
        place = v.contiguous(target.buffer, _row_shape(shape))
        low.emit(
            p.Scatter(
                rows.size,
                place.shape[1],
                shape[0],
                _ref(_as_rows(low, added)),
                _ref(rows),
                _ref(place),
                not node.op.set_instead_of_inc,
            )
        )
    elif rows.size:
        low.emit(CheckIndex(rows.size, shape[:1], [_ref(rows)]))


def _row_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """Flatten all axes but the first."""
    return shape[0], int(np.prod(shape[1:], dtype=np.int64))


def _as_rows(low: Lowering, view: View) -> View:
    """View an array as a matrix, one row for each position of its first axis."""
    try:
        flat = low.simple(v.reshape(view, _row_shape(view.shape)))
    except CannotMerge:
        whole = low.temporary(view.dtype, view.shape)
        low.copy(view, whole)
        flat = v.contiguous(whole.buffer, _row_shape(view.shape))
    return flat


def _ref(view: View) -> p.Ref:
    """Walk a view whose axes are one part each."""
    return p.Ref(view.buffer, view.offset, tuple(axis[0][1] for axis in view.axes))


def _flat(low: Lowering, view: View) -> View:
    """Copy an array into one row."""
    whole = low.temporary(view.dtype, view.shape)
    low.copy(view, whole)
    return v.contiguous(whole.buffer, (view.size,))


def _rows(low: Lowering, view: View, axis: int) -> tuple[View, tuple[int, ...], int]:
    """Put one axis last, and give the lengths of the others and of it."""
    order = [k for k in range(len(view.shape)) if k != axis] + [axis]
    moved = v.dimshuffle(low.simple(view), order)
    return moved, moved.shape[:-1], moved.shape[-1]
