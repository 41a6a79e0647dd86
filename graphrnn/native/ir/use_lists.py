"""Which operations use a buffer: found by a table, since passes ask it for every operation."""

from collections.abc import Iterable, Sequence

from graphrnn.native.ir.program import Loop, Op, Program, walk
from graphrnn.native.ir.views import Buffer


def uses(op: Op, buffer: Buffer) -> bool:
    """Say whether an operation reads or writes a buffer."""
    return any(ref.buffer is buffer for ref, _ in (*op.reads(), *op.writes()))


class _Table:
    """For each buffer, operations that may use it, in the order in which they were noted.

    Passes change operations: those that come to use a buffer are noted anew, and those that no
    longer do are found out when they are asked for.
    """

    def __init__(self, ops: Iterable[Op]) -> None:
        self.by: dict[Buffer, dict[int, Op]] = {}
        for op in ops:
            self.note(op)

    def note(self, op: Op) -> None:
        for ref, _ in (*op.reads(), *op.writes()):
            self.by.setdefault(ref.buffer, {})[id(op)] = op

    def of(self, buffer: Buffer) -> list[Op]:
        return [op for op in self.by.get(buffer, {}).values() if uses(op, buffer)]


class Users:
    """Answers for one list of a program who uses a buffer, in the list and in the whole program."""

    def __init__(self, ops: list[Op], program: Program) -> None:
        self.ops = ops
        self._gone: list[Op] = []
        self._here = _Table(ops)
        self._single = _Table(op for op in walk(program.ops) if not isinstance(op, Loop))
        self._places: dict[int, int] = {}

    def place(self, op: Op) -> int:
        """Give the position of an operation in the list."""
        if not self._places:
            self._places = {id(each): k for k, each in enumerate(self.ops)}
        return self._places[id(op)]

    def drop(self, k: int) -> None:
        """Take an operation out of the list."""
        # Kept alive, so that no other gets its identity.
        self._gone.append(self.ops.pop(k))
        self._places = {}

    def note(self, ops: Sequence[Op]) -> None:
        """Hear that operations of the list were changed."""
        for op in ops:
            self._here.note(op)
            for inner in walk([op]):
                if not isinstance(inner, Loop):
                    self._single.note(inner)

    def positions(self, buffer: Buffer) -> list[int]:
        """Give the positions in the list of all that use a buffer, loops around them included."""
        gone = {id(op) for op in self._gone}
        return sorted(self.place(op) for op in self._here.of(buffer) if id(op) not in gone)

    def everywhere(self, buffer: Buffer) -> int:
        """Count the single operations of the whole program that use a buffer."""
        gone = {id(op) for op in self._gone}
        return sum(id(op) not in gone for op in self._single.of(buffer))

    def inside(self, positions: Sequence[int], buffer: Buffer) -> list[Op]:
        """Give the single operations at these positions that use a buffer, in order."""
        found = walk([self.ops[k] for k in positions])
        return [op for op in found if not isinstance(op, Loop) and uses(op, buffer)]
