"""Rows that are looked up where they are read, instead of being copied out of their table first."""

from graphrnn.native.ir.operations import FlatIndex
from graphrnn.native.ir.program import Gather, Kernel, Lookup, Loop, Op, Program, Ref, touches, walk
from graphrnn.native.ir.use_lists import uses
from graphrnn.native.ir.views import Buffer, Offset

WIDE = 16
"""Columns from which a row is worth looking up again and again."""


def look_up_in_place(program: Program) -> None:
    """Let kernels read rows of a table through checked numbers, where a gather would copy them.

    The rows of all characters of a batch are an array as large as all gates of all steps; the table
    that they come from stays in the cache.
    """
    ops = program.ops
    for op in list(ops):
        if not isinstance(op, Gather) or op.columns < WIDE or op.target.buffer.kind != "temp":
            continue
        if not op.height:  # what is outside of it has no row to stand in for it
            continue
        k = ops.index(op)
        readers = _readers(program, ops[k + 1 :], op)
        if readers is None:
            continue
        numbers = Ref(
            Buffer(f"{op.target.buffer.name}_rows", "int64", op.rows, "temp"), Offset(), (1,)
        )
        new = FlatIndex(op.rows, (op.height,), [op.index], numbers)
        new.note, new.nodes, new.selection = op.note, op.nodes, op.selection
        for reader in readers:
            reader.loads = [
                _looked_up(op, numbers, ref) if ref.buffer is op.target.buffer else ref
                for ref in reader.loads
            ]
        ops[k] = new


def _readers(program: Program, later: list[Op], gather: Gather) -> list[Kernel] | None:
    """Return the kernels that read a gather's rows; None where something else does, or cannot."""
    target = gather.target.buffer
    everyone = [op for op in walk(program.ops) if not isinstance(op, Loop) and uses(op, target)]
    readers = [op for op in walk(later) if isinstance(op, Kernel) and uses(op, target)]
    if len(everyone) != len(readers) + 1 or not readers:
        return None
    last = max(n for n, op in enumerate(later) if uses(op, target))
    sources = [a for a in gather.reads() if a[0].buffer.kind != "constant"]
    writes = [w for op in later[: last + 1] for w in op.writes()]
    if any(touches(w, a) for w in writes for a in sources):
        return None
    for op in readers:
        if any(ref.buffer is target for ref, _ in op.stores):
            return None
        loads = [ref for ref in op.loads if ref.buffer is target]
        if any(_columns(gather, ref, op.lengths) is None for ref in loads):
            return None
    return readers


def _columns(gather: Gather, ref: Ref, lengths: tuple[int, ...]) -> int | None:
    """Return the first column that a walk through gathered rows reads, if it stays in its rows."""
    n = gather.columns
    if gather.target.strides != (n, 1) or gather.target.offset != Offset():
        return None
    if any(stride % n for stride, _ in ref.offset.terms):
        return None
    first = ref.offset.constant % n
    steps = [(s, length) for s, length in zip(ref.strides, lengths, strict=True) if s % n]
    if any(s < 0 for s, _ in steps) or not steps:
        return None
    return first if first + sum(s * (length - 1) for s, length in steps) < n else None


def _looked_up(gather: Gather, numbers: Ref, ref: Ref) -> Ref:
    """Write a walk through gathered rows as one through the table."""
    n, column = gather.columns, ref.offset.constant % gather.columns
    terms = tuple((stride // n, variable) for stride, variable in ref.offset.terms)
    rows = Offset(ref.offset.constant // n, terms)
    down = tuple(0 if s % n else s // n for s in ref.strides)
    along = tuple(s * gather.source.strides[1] if s % n else 0 for s in ref.strides)
    index = Ref(numbers.buffer, rows, down)
    start = gather.source.offset.plus(column * gather.source.strides[1])
    lookup = Lookup(index, gather.source.strides[0], gather.height)
    return Ref(gather.source.buffer, start, along, lookup)
