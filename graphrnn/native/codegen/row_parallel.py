"""Finds loops whose batch rows are independent: each thread runs its own through all steps."""

from graphrnn.native.ir.program import ArgMax, Gemm, Kernel, Loop, Op, Reduce, Ref, Softmax
from graphrnn.native.ir.views import Buffer

Access = tuple[Ref, tuple[int, ...], int]
"""A ref, its loop lengths, and the loop that would be divided among threads (-1: none)."""


def find_rows(loop: Loop) -> dict[Op, int] | None:
    """Return for each operation of a loop's body the axis of its rows; None where rows depend.

    The axis of a kernel, a reduction or a softmax is one of its
    loops; of a GEMM 0 for the rows of A, 1 for the columns of B.
    """
    candidates: list[int] = []
    for op in loop.body:
        if isinstance(op, Kernel):
            candidates += [length for length in op.lengths if length > 1]
    for length in dict.fromkeys(candidates):
        axes = _axes_for(loop, length)
        if axes is not None:
            loop.rows = length
            return axes
    return None


def _axes_for(loop: Loop, length: int) -> dict[Op, int] | None:
    """Try one length of the batch."""
    written = {ref.buffer for ref, _ in loop.writes()}
    strides: dict[Buffer, int] = {}
    chosen: dict[Op, int] = {}
    for op in loop.body:
        axis = next(
            (a for a in _axes(op, length) if _consistent(op, a, length, written, strides)), None
        )
        if axis is None:
            return None
        chosen[op] = axis
        for ref, _, place in _accesses(op, axis):
            if ref.buffer in written:
                strides[ref.buffer] = ref.strides[place]
    return chosen


def _axes(op: Op, length: int) -> list[int]:
    """Return the axes of an operation that have the length and may be divided."""
    if isinstance(op, Kernel):
        lengths: tuple[int, ...] = op.lengths
    elif isinstance(op, (Reduce, Softmax, ArgMax)):
        lengths = op.outer
    elif isinstance(op, Gemm):
        lengths = (op.m, op.n)
    else:
        return []
    return [axis for axis, n in enumerate(lengths) if n == length]


def _accesses(op: Op, axis: int) -> list[Access]:
    """Return the refs of an operation with the loop that is divided, -1 where all is needed."""
    if isinstance(op, Gemm):
        a, b = (0, -1) if axis == 0 else (-1, 1)
        return [
            (op.A, (op.m, op.k), a),
            (op.B, (op.k, op.n), b),
            (op.C, (op.m, op.n), axis),
        ]
    return [(ref, lengths, axis) for ref, lengths in (*op.reads(), *op.writes())]


def _consistent(
    op: Op, axis: int, length: int, written: set[Buffer], strides: dict[Buffer, int]
) -> bool:
    """Return whether a row of each written buffer would be touched by one thread only."""
    for ref, lengths, place in _accesses(op, axis):
        if ref.buffer not in written:
            continue
        if place < 0:
            return False
        stride = ref.strides[place]
        if stride <= 0 or strides.get(ref.buffer, stride) != stride:
            return False
        if not _one_row(ref, lengths, place, stride, length):
            return False
    return True


def _one_row(ref: Ref, lengths: tuple[int, ...], place: int, stride: int, rows: int) -> bool:
    """Return whether a ref, beside its row loop, stays inside one row."""
    block = stride * rows
    reach = 0
    for k, (n, s) in enumerate(zip(lengths, ref.strides, strict=True)):
        if k == place or n == 1 or s % block == 0:
            continue
        if s < 0:
            return False
        reach += (n - 1) * s
    if any(s % block for s, _ in ref.offset.terms):
        return False
    return ref.offset.constant % block + reach < stride
