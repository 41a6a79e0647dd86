"""Copies avoided: what would be copied is computed in the copy's place."""

from collections.abc import Sequence
from dataclasses import fields

from graphrnn.native.operations import Sort
from graphrnn.native.program import (
    Conditions,
    Gemm,
    Kernel,
    Loop,
    Op,
    Program,
    Ref,
    touches,
    walk,
)
from graphrnn.native.views import Buffer, Offset


def elide_copies(ops: list[Op], program: Program) -> None:
    """Let what is copied be computed in the copy's place, and drop the copy."""
    k = 0
    while k < len(ops):
        op = ops[k]
        if _is_copy(op) and isinstance(op, Kernel) and _retarget(ops, k, op, program):
            del ops[k]
        else:
            k += 1


def _is_copy(op: Op) -> bool:
    """Say whether a kernel merely copies one array to another of the same dtype."""
    return (
        isinstance(op, Kernel)
        and not op.instructions
        and len(op.loads) == len(op.stores) == 1
        and op.loads[0].buffer.dtype == op.stores[0][0].buffer.dtype
    )


def _retarget(ops: list[Op], k: int, copy: Kernel, program: Program) -> bool:
    """Move a temporary into the place it is copied to, if nobody can tell the difference."""
    source, (target, _) = copy.loads[0], copy.stores[0]
    moved = _Move.of(source, target, copy.lengths)
    if source.buffer.kind != "temp" or moved is None or source.buffer is target.buffer:
        return False
    users = [n for n, op in enumerate(ops) if n != k and uses(op, source.buffer)]
    everywhere = sum(
        uses(op, source.buffer) for op in walk(program.ops) if not isinstance(op, Loop)
    )
    here = sum(uses(op, source.buffer) for op in walk(ops) if not isinstance(op, Loop))
    if everywhere != here or not users or users[0] > k:
        return False
    first, last = users[0], max(users[-1], k)
    whole = (target, copy.lengths)
    for n in range(first, last + 1):
        if n == k:
            continue
        op = ops[n]
        mine = [a for a in (*op.reads(), *op.writes()) if a[0].buffer is source.buffer]
        others = [a for a in (*op.reads(), *op.writes()) if a[0].buffer is not source.buffer]
        if any(touches(a, whole) for a in others) or not all(moved.fits(*a) for a in mine):
            return False
        if isinstance(op, Gemm) and op.C.buffer is source.buffer and moved(op.C).strides[1] != 1:
            return False
        if isinstance(op, Sort) and op.source.buffer is not source.buffer:
            return False
    for op in walk([ops[n] for n in users]):
        _map_refs(op, lambda ref: moved(ref) if ref.buffer is source.buffer else ref)
    return True


def uses(op: Op, buffer: Buffer) -> bool:
    """Say whether an operation reads or writes a buffer."""
    return any(ref.buffer is buffer for ref, _ in (*op.reads(), *op.writes()))


class _Move:
    """Maps places in one array to the same places of another, axis by axis."""

    def __init__(self, source: Ref, target: Ref, axes: list[tuple[int, int, int]]) -> None:
        self.source, self.target = source, target
        self.axes = axes  # (length, stride in source, stride in target), longest stride first

    @classmethod
    def of(cls, source: Ref, target: Ref, lengths: Sequence[int]) -> "_Move | None":
        """Make the map of a copy, if the source's axes nest without overlapping."""
        axes = sorted(
            (
                (length, s, t)
                for length, s, t in zip(lengths, source.strides, target.strides, strict=True)
                if length > 1
            ),
            key=lambda axis: -axis[1],
        )
        room = None
        for length, s, _ in axes:
            if s <= 0 or (room is not None and room % s):
                return None
            if room is not None and length * s > room:
                return None
            room = s
        return cls(source, target, axes)

    def _digits(self, elements: int) -> list[int] | None:
        """Split a distance from the source's start into a position on each axis."""
        digits = []
        for length, s, _ in self.axes:
            digit, elements = divmod(elements, s)
            if not 0 <= digit < length:
                return None
            digits.append(digit)
        return digits if elements == 0 else None

    def _along(self, stride: int, length: int) -> tuple[int, int] | None:
        """Give (axis, steps on it) of a loop's stride; (-1, 0) for one that stands still."""
        if stride == 0 or length <= 1:
            return -1, 0
        for k, (n, s, _) in enumerate(self.axes):
            if stride % s == 0 and abs(stride // s) * (length - 1) < n:
                return k, stride // s
        return None

    def fits(self, ref: Ref, lengths: Sequence[int]) -> bool:
        """Say whether a walk through the source can be made in the target."""
        if ref.offset.terms != self.source.offset.terms:
            return False
        digits = self._digits(ref.offset.constant - self.source.offset.constant)
        if digits is None:
            return False
        reach = [(digit, digit) for digit in digits]
        for stride, length in zip(ref.strides, lengths, strict=True):
            found = self._along(stride, length)
            if found is None:
                return False
            axis, steps = found
            if axis >= 0:
                far = steps * (length - 1)
                low, high = reach[axis]
                reach[axis] = (low + min(far, 0), high + max(far, 0))
        return all(
            low >= 0 and high < n for (low, high), (n, _, _) in zip(reach, self.axes, strict=True)
        )

    def __call__(self, ref: Ref) -> Ref:
        """Map a walk that fits."""
        digits = self._digits(ref.offset.constant - self.source.offset.constant)
        assert digits is not None
        base = self.target.offset.constant
        base += sum(digit * t for digit, (_, _, t) in zip(digits, self.axes, strict=True))
        strides = []
        for stride in ref.strides:
            axis = next(
                (k for k, (_, s, _) in enumerate(self.axes) if stride and stride % s == 0), None
            )
            strides.append(0 if axis is None else stride // self.axes[axis][1] * self.axes[axis][2])
        return Ref(self.target.buffer, Offset(base, self.target.offset.terms), tuple(strides))


def _map_refs(op: Op, change) -> None:  # type: ignore[no-untyped-def]
    """Change every ref of an operation."""
    if isinstance(op, Conditions):
        loop = op.loop
        loop.when = (change(loop.when[0]), loop.when[1]) if loop.when else None
        loop.until = change(loop.until) if loop.until else None
    if isinstance(op, Kernel):
        op.stores = [(change(ref), value) for ref, value in op.stores]
    for field in fields(op):
        value = getattr(op, field.name)
        if isinstance(value, Ref):
            setattr(op, field.name, change(value))
        elif isinstance(value, list) and value and isinstance(value[0], Ref):
            setattr(op, field.name, [change(ref) for ref in value])
