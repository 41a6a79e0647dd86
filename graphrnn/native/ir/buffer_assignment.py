"""Places every temporary in one arena, two at the same place where their lives do not meet."""

from collections.abc import Sequence

from graphrnn.native.ir.program import Loop, Op, Program, walk
from graphrnn.native.ir.views import Buffer

ALIGNMENT = 64


def lives(ops: Sequence[Op]) -> dict[Buffer, tuple[int, int]]:
    """Give for each temporary its first and last operation; a loop counts as one."""
    found: dict[Buffer, tuple[int, int]] = {}
    for k, op in enumerate(ops):
        for inner in walk([op]):
            if isinstance(inner, Loop):
                continue
            for ref, _ in (*inner.reads(), *inner.writes()):
                if ref.buffer.kind == "temp":
                    first, _ = found.get(ref.buffer, (k, k))
                    found[ref.buffer] = (first, k)
    return found


def place(program: Program) -> dict[Buffer, int]:
    """Give the byte offset of each temporary, and set the program's need of scratch memory.

    First fit, the largest first.
    """
    life = lives(program.ops)
    placed: list[tuple[int, int, int, int]] = []  # begin, end, first op, last op
    offsets: dict[Buffer, int] = {}
    for buffer in sorted(life, key=lambda b: (-b.nbytes, life[b])):
        first, last = life[buffer]
        size = -(-max(buffer.nbytes, 1) // ALIGNMENT) * ALIGNMENT
        at = 0
        for begin, end, a, b in sorted(placed):
            if b < first or last < a:
                continue
            if at + size <= begin:
                break
            at = max(at, end)
        placed.append((at, at + size, first, last))
        offsets[buffer] = at
    program.scratch = max((end for _, end, _, _ in placed), default=0)
    return offsets
