"""Buffer assignment: temporaries get offsets in one arena, shared where live ranges allow it."""

from collections.abc import Sequence

from graphrnn.native.ir.program import Loop, Op, Program, walk
from graphrnn.native.ir.views import Buffer

ALIGNMENT = 64


def live_ranges(ops: Sequence[Op]) -> dict[Buffer, tuple[int, int]]:
    """Return for each temporary its first and last operation; a loop counts as one."""
    ranges: dict[Buffer, tuple[int, int]] = {}
    for k, op in enumerate(ops):
        for inner in walk([op]):
            if isinstance(inner, Loop):
                continue
            for ref, _ in (*inner.reads(), *inner.writes()):
                if ref.buffer.kind == "temp":
                    first, _ = ranges.get(ref.buffer, (k, k))
                    ranges[ref.buffer] = (first, k)
    return ranges


def assign_buffers(program: Program) -> None:
    """Set the byte offset of each temporary, and the program's need of scratch memory.

    First fit, the largest first.
    """
    ranges = live_ranges(program.ops)
    assigned: list[tuple[int, int, int, int]] = []  # begin, end, first op, last op
    program.offsets = {}
    for buffer in sorted(ranges, key=lambda b: (-b.nbytes, ranges[b])):
        first, last = ranges[buffer]
        size = -(-max(buffer.nbytes, 1) // ALIGNMENT) * ALIGNMENT
        at = 0
        for begin, end, a, b in sorted(assigned):
            if b < first or last < a:
                continue
            if at + size <= begin:
                break
            at = max(at, end)
        assigned.append((at, at + size, first, last))
        program.offsets[buffer] = at
    program.scratch = max((end for _, end, _, _ in assigned), default=0)
