"""Copies avoided: what would be copied is computed in the copy's place."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace

from graphrnn.native.ir.operations import Sort
from graphrnn.native.ir.program import (
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
from graphrnn.native.ir.use_lists import UseLists
from graphrnn.native.ir.views import Buffer, Offset


def elide_copies(ops: list[Op], program: Program) -> None:
    """Let what is copied be computed in the copy's place, and drop the copy."""
    _drop_copies(ops, program, _retarget)


def _drop_copies(
    ops: list[Op], program: Program, avoid: Callable[[UseLists, int, Kernel, dict[str, int]], bool]
) -> None:
    """Drop each copy that can be avoided."""
    k, uses, counts = 0, UseLists(ops, program), _counts(program)
    while k < len(ops):
        op = ops[k]
        if _is_copy(op) and isinstance(op, Kernel) and avoid(uses, k, op, counts):
            uses.drop(k)
        else:
            k += 1


def _counts(program: Program) -> dict[str, int]:
    """Describe how many values each loop variable takes."""
    counts: dict[str, int] = {}
    for op in walk(program.ops):
        if isinstance(op, Loop):
            counts[op.variable] = op.steps
            counts |= {name: slots for name, _, slots in op.positions}
    return counts


def _is_copy(op: Op) -> bool:
    """Return whether a kernel merely copies one array to another of the same dtype."""
    return (
        isinstance(op, Kernel)
        and not op.instructions
        and len(op.loads) == len(op.stores) == 1
        and op.loads[0].buffer.dtype == op.stores[0][0].buffer.dtype
    )


def _retarget(among: UseLists, k: int, copy: Kernel, counts: dict[str, int]) -> bool:
    """Move a temporary into the place it is copied to, if nobody can tell the difference."""
    ops, source, (target, _) = among.ops, copy.loads[0], copy.stores[0]
    moved = _Move.of(source, target, copy.lengths, counts)
    if source.buffer.kind != "temp" or moved is None or source.buffer is target.buffer:
        return False
    positions = among.positions(source.buffer)
    here = len(among.inside(positions, source.buffer))
    others = [n for n in positions if n != k]
    if among.everywhere(source.buffer) != here or not others or others[0] > k:
        return False
    first, last = others[0], max(others[-1], k)
    whole = (target, copy.lengths)
    for n in range(first, last + 1):
        if n == k:
            continue
        op = ops[n]
        mine = [a for a in (*op.reads(), *op.writes()) if a[0].buffer is source.buffer]
        rest = [a for a in (*op.reads(), *op.writes()) if a[0].buffer is not source.buffer]
        if any(touches(a, whole) for a in rest) or not all(moved.fits(*a) for a in mine):
            return False
        if not all(_allows(inner, source.buffer, moved) for inner in walk([op])):
            return False
    changed = [ops[n] for n in others]
    for op in walk(changed):
        _map_refs(op, lambda ref: moved(ref) if ref.buffer is source.buffer else ref)
    among.note(changed)
    return True


def _allows(op: Op, source: Buffer, moved: "_Move") -> bool:
    """Return whether an operation can do with the strides that it would get."""
    if isinstance(op, Gemm) and op.C.buffer is source:
        return moved(op.C).strides[1] == 1
    return not (isinstance(op, Sort) and op.source.buffer is not source)


def forward_copies(ops: list[Op], program: Program) -> None:
    """Let readers of a copy read what it was made from, where that still stands, and drop it."""
    _drop_copies(ops, program, _forward)


def _forward(among: UseLists, k: int, copy: Kernel, counts: dict[str, int]) -> bool:
    """Hand the source of a copy on to all its readers, if nobody can tell the difference."""
    ops, source, (target, _) = among.ops, copy.loads[0], copy.stores[0]
    moved = _Move.of(target, source, copy.lengths, counts)
    if target.buffer.kind != "temp" or moved is None or source.buffer is target.buffer:
        return False
    # What lies along memory stays so: vectors are loaded from it.
    if any(s == 1 and t != 1 for _, s, t in moved.axes):
        return False
    later = [n for n in among.positions(target.buffer) if n > k]
    readers = among.inside(later, target.buffer)
    if among.everywhere(target.buffer) != len(readers) + 1 or not readers:
        return False
    for op in readers:
        reads = [a for a in op.reads() if a[0].buffer is target.buffer]
        if any(ref.buffer is target.buffer for ref, _ in op.writes()) or isinstance(op, Sort):
            return False
        if not all(moved.fits(*a) for a in reads):
            return False
    writes = [w for op in ops[k + 1 : later[-1] + 1] for w in op.writes()]
    if any(touches(w, (source, copy.lengths)) for w in writes):
        return False
    for op in readers:
        _map_refs(op, lambda ref: moved(ref) if ref.buffer is target.buffer else ref)
    among.note([ops[n] for n in later])
    return True


class _Move:
    """Maps places in one array to the same places of another, axis by axis."""

    def __init__(
        self, source: Ref, target: Ref, axes: list[tuple[int, int, int]], counts: dict[str, int]
    ) -> None:
        self.source, self.target = source, target
        self.axes = axes  # (length, stride in source, stride in target), longest stride first
        self.counts = counts  # how many values each loop variable takes

    @classmethod
    def of(
        cls, source: Ref, target: Ref, lengths: Sequence[int], counts: dict[str, int]
    ) -> "_Move | None":
        """Build the map of a copy, if the source's axes nest without overlapping."""
        axes = []
        for length, s, t in zip(lengths, source.strides, target.strides, strict=True):
            if length > 1 and s < 0:  # the same places, counted from the other end
                source = replace(source, offset=source.offset.plus((length - 1) * s))
                target = replace(target, offset=target.offset.plus((length - 1) * t))
                s, t = -s, -t
            if length > 1:
                axes.append((length, s, t))
        axes.sort(key=lambda axis: -axis[1])
        room = None
        for length, s, _ in axes:
            if s <= 0 or (room is not None and room % s):
                return None
            if room is not None and length * s > room:
                return None
            room = s
        joined: list[tuple[int, int, int]] = []
        for length, s, t in axes:
            # Two axes that are one stretch on both sides may be walked by a single loop.
            if joined and joined[-1][1:] == (length * s, length * t):
                joined[-1] = (joined[-1][0] * length, s, t)
            else:
                joined.append((length, s, t))
        return cls(source, target, joined, counts)

    def _extra(self, ref: Ref) -> list[tuple[int, str]] | None:
        """Return the loop variables that move a walk beside those that move the source."""
        left = list(ref.offset.terms)
        for term in self.source.offset.terms:
            if term not in left:
                return None
            left.remove(term)
        return left

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
        """Return (axis, steps on it) of a loop's stride; (-1, 0) for one that stands still."""
        if stride == 0 or length <= 1:
            return -1, 0
        for k, (n, s, _) in enumerate(self.axes):
            if stride % s == 0 and abs(stride // s) * (length - 1) < n:
                return k, stride // s
        return None

    def fits(self, ref: Ref, lengths: Sequence[int]) -> bool:
        """Return whether a walk through the source can be made in the target."""
        extra = self._extra(ref)
        if extra is None:
            return False
        strides = [*ref.strides, *(stride for stride, _ in extra)]
        lengths = [*lengths, *(self.counts[variable] for _, variable in extra)]
        digits = self._digits(ref.offset.constant - self.source.offset.constant)
        if digits is None:
            return False
        reach = [(digit, digit) for digit in digits]
        for stride, length in zip(strides, lengths, strict=True):
            along = self._along(stride, length)
            if along is None:
                return False
            axis, steps = along
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
        moving = [(self._stride(stride), variable) for stride, variable in self._extra(ref) or ()]
        offset = Offset(base, (*self.target.offset.terms, *moving))
        return Ref(self.target.buffer, offset, tuple(self._stride(s) for s in ref.strides))

    def _stride(self, stride: int) -> int:
        """Map a stride."""
        for _, s, t in self.axes:
            if stride and stride % s == 0:
                return stride // s * t
        return 0


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
