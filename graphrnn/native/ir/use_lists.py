"""Use lists: which operations read or write a buffer, kept since passes ask for every operation."""

from collections.abc import Iterable, Sequence

from graphrnn.native.ir.program import Loop, Op, Program, walk
from graphrnn.native.ir.views import Buffer


def uses(op: Op, buffer: Buffer) -> bool:
    """Return whether an operation reads or writes a buffer."""
    return any(ref.buffer is buffer for ref, _ in (*op.reads(), *op.writes()))


class _Table:
    """For each buffer, operations that may use it, in the order in which they were noted.

    Passes change operations: those that come to use a buffer are noted anew, and those that no
    longer do are found out when they are asked for.
    """

    def __init__(self, ops: Iterable[Op]) -> None:
        self.by: dict[Buffer, dict[Op, None]] = {}
        for op in ops:
            self.note(op)

    def note(self, op: Op) -> None:
        for ref, _ in (*op.reads(), *op.writes()):
            self.by.setdefault(ref.buffer, {})[op] = None

    def of(self, buffer: Buffer) -> list[Op]:
        return [op for op in self.by.get(buffer, {}) if uses(op, buffer)]


class UseLists:
    """The uses of each buffer: in one list of a program's operations, and in the whole program."""

    def __init__(self, ops: list[Op], program: Program) -> None:
        self.ops = ops
        self._dropped: set[Op] = set()
        self._here = _Table(ops)
        self._single = _Table(op for op in walk(program.ops) if not isinstance(op, Loop))
        self._positions: dict[Op, int] = {}

    def position(self, op: Op) -> int:
        """Return the position of an operation in the list."""
        if not self._positions:
            self._positions = {each: k for k, each in enumerate(self.ops)}
        return self._positions[op]

    def drop(self, k: int) -> None:
        """Take an operation out of the list."""
        self._dropped.add(self.ops.pop(k))
        self._positions = {}

    def note(self, ops: Sequence[Op]) -> None:
        """Hear that operations of the list were changed."""
        for op in ops:
            self._here.note(op)
            for inner in walk([op]):
                if not isinstance(inner, Loop):
                    self._single.note(inner)

    def positions(self, buffer: Buffer) -> list[int]:
        """Return the positions in the list of all uses of a buffer, loops around them included."""
        here = self._here.of(buffer)
        return sorted(self.position(op) for op in here if op not in self._dropped)

    def everywhere(self, buffer: Buffer) -> int:
        """Count the single operations of the whole program that use a buffer."""
        return sum(op not in self._dropped for op in self._single.of(buffer))

    def inside(self, positions: Sequence[int], buffer: Buffer) -> list[Op]:
        """Return the single operations at these positions that use a buffer, in order."""
        ops = walk([self.ops[k] for k in positions])
        return [op for op in ops if not isinstance(op, Loop) and uses(op, buffer)]
