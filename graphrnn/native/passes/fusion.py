"""Elementwise work joined: one nest of loops where the graph has many nodes."""

from collections.abc import Callable
from dataclasses import replace
from math import prod

from graphrnn.native.ir.program import Instruction, Kernel, Op, Program, Ref, touches
from graphrnn.native.ir.scalars import ScalarOp
from graphrnn.native.ir.use_lists import UseLists
from graphrnn.native.ir.views import Buffer

CostModel = Callable[[ScalarOp, str], float]
"""(operation, dtype) → what it costs an element on the target, in additions."""


def inline_producers(ops: list[Op], program: Program, cost: CostModel) -> None:
    """Compute cheap elementwise results where they are read, piece by piece.

    `z = a + b` whose columns are read as the gates of an LSTM is never stored: each gate adds its
    own columns.
    """
    uses = UseLists(ops, program)
    for k, producer in enumerate(list(ops)):
        if not isinstance(producer, Kernel) or len(producer.stores) != 1:
            continue
        store, value = producer.stores[0]
        if store.buffer.kind != "temp":
            continue
        here = uses.positions(store.buffer)
        if uses.everywhere(store.buffer) != len(here):
            continue
        readers = [ops[n] for n in here if n > k]
        if not (_is_cheap(producer, cost) or _disjoint(producer, store, readers)):
            continue
        if not all(
            isinstance(op, Kernel) and _may_inline(uses, producer, op, store) for op in readers
        ):
            continue
        for reader in readers:
            assert isinstance(reader, Kernel)
            _inline(producer, value, store, reader)
        uses.note(readers)


_CHEAP = 4
"""Additions that cost no more than an element's way into the second cache and back."""


def _is_cheap(kernel: Kernel, cost: CostModel) -> bool:
    """Return whether computing it again costs no more than reading it."""
    return sum(cost(i.op, i.dtype) for i in kernel.instructions) <= _CHEAP


def _disjoint(producer: Kernel, store: Ref, readers: list[Op]) -> bool:
    """Return whether readers take no more elements than are computed, so few are computed twice."""
    pieces = {
        (ref.offset, lengths)
        for op in readers
        for ref, lengths in op.reads()
        if ref.buffer is store.buffer
    }
    return sum(prod(lengths) for _, lengths in pieces) <= prod(producer.lengths)


def _piece(kernel: Kernel, store: Ref, load: Ref, lengths: tuple[int, ...]) -> list[int] | None:
    """Return where in a producer's loops a reader's piece begins; None if it is no such piece."""
    if len(lengths) != len(kernel.lengths) or load.offset.terms != store.offset.terms:
        return None
    if any(
        a != b and length > 1
        for a, b, length in zip(load.strides, store.strides, lengths, strict=True)
    ):
        return None
    left, starts = load.offset.constant - store.offset.constant, [0] * len(lengths)
    for axis in sorted(range(len(lengths)), key=lambda a: -store.strides[a]):
        if store.strides[axis] <= 0:
            return None if store.strides[axis] < 0 or kernel.lengths[axis] > 1 else starts
        starts[axis], left = divmod(left, store.strides[axis])
        if not 0 <= starts[axis] <= kernel.lengths[axis] - lengths[axis]:
            return None
    return starts if left == 0 else None


def _may_inline(uses: UseLists, producer: Kernel, reader: Kernel, store: Ref) -> bool:
    """Return whether a producer's inputs are intact when a reader runs, and its pieces simple."""
    pieces = [load for load in reader.loads if load.buffer is store.buffer]
    if any(ref.buffer is store.buffer for ref, _ in reader.stores) or not pieces:
        return False
    if reader.lengths == producer.lengths:
        return False  # the same loops are joined by `fuse`, which computes nothing twice
    if any(_piece(producer, store, load, reader.lengths) is None for load in pieces):
        return False
    first, last = uses.position(producer), uses.position(reader)
    # From the producer on: one that adds to its own place has changed what it read.
    for read in producer.reads():
        for n in uses.positions(read[0].buffer):
            if first <= n <= last and any(touches(read, w) for w in uses.ops[n].writes()):
                return False
    return True


def _inline(producer: Kernel, value: int, store: Ref, reader: Kernel) -> None:
    """Replace each load of a producer's result by its computation."""
    for load in [load for load in reader.loads if load.buffer is store.buffer]:
        starts = _piece(producer, store, load, reader.lengths)
        assert starts is not None
        shifted = [
            Ref(
                ref.buffer,
                ref.offset.plus(sum(a * s for a, s in zip(starts, ref.strides, strict=True))),
                ref.strides,
            )
            for ref in producer.loads
        ]
        _substitute(reader, load, shifted, producer.instructions, value)


def _substitute(
    reader: Kernel, load: Ref, loads: list[Ref], instructions: list[Instruction], value: int
) -> None:
    """Put loads and instructions in the place of one load."""
    old_n, old_k = len(reader.loads), len(reader.instructions)
    gone = next(k for k, ref in enumerate(reader.loads) if ref is load)
    others = [k for k in range(old_n) if k != gone]
    new_loads = [reader.loads[k] for k in others] + loads
    n = len(new_loads)
    theirs = {k: len(others) + k for k in range(len(loads))}
    theirs |= {len(loads) + k: n + k for k in range(len(instructions))}
    ours = {k: place for place, k in enumerate(others)} | {gone: theirs[value]}
    ours |= {old_n + k: n + len(instructions) + k for k in range(old_k)}
    reader.instructions = [
        replace(i, arguments=tuple(theirs[a] for a in i.arguments)) for i in instructions
    ] + [replace(i, arguments=tuple(ours[a] for a in i.arguments)) for i in reader.instructions]
    reader.loads = new_loads
    reader.stores = [(ref, ours[v]) for ref, v in reader.stores]
    _tidy(reader)


def fuse(ops: list[Op]) -> None:
    """Join kernels that walk the same loops, where the order of the others allows it."""
    k, buffers = 0, {op: _buffers(op) for op in ops}
    while k < len(ops):
        second = ops[k]
        if isinstance(second, Kernel):
            between = _Between(buffers, second)
            for j in range(k - 1, -1, -1):
                first = ops[j]
                if isinstance(first, Kernel) and first.lengths == second.lengths:
                    place = between.meeting_place(ops, j, k)
                    if place is not None and _join(first, second):
                        ops[place] = first
                        buffers[first] = _buffers(first)
                        del ops[k if place == j else j]
                        k = place if place == j else k - 1
                        break
                between.add(first)
        k += 1


_LARGEST = 48
"""Loads and stores that one kernel may have: more would run out of registers and pointers."""


def _buffers(op: Op) -> tuple[frozenset[Buffer], frozenset[Buffer]]:
    """Return the buffers that an operation reads, and those that it writes."""
    reads = frozenset(ref.buffer for ref, _ in op.reads())
    return reads, frozenset(ref.buffer for ref, _ in op.writes())


class _Between:
    """What stands between a kernel and the one before it that it might be joined with."""

    def __init__(
        self, buffers: dict[Op, tuple[frozenset[Buffer], frozenset[Buffer]]], second: Kernel
    ) -> None:
        self.buffers, self.second = buffers, second
        self.reads: set[Buffer] = set()
        self.writes: set[Buffer] = set()
        self.blocked = False  # something between must run before the second

    def add(self, op: Op) -> None:
        """Go one operation further back."""
        reads, writes = self.buffers[op]
        self.reads |= reads
        self.writes |= writes
        self.blocked = self.blocked or self._conflict(op, self.second)

    def meeting_place(self, ops: list[Op], j: int, k: int) -> int | None:
        """Find where two kernels can run as one: at the first, at the second, or nowhere."""
        reads, writes = self.buffers[ops[j]]
        apart = (
            self.writes.isdisjoint(reads)
            and self.writes.isdisjoint(writes)
            and self.reads.isdisjoint(writes)
        )
        if apart or not any(self._conflict(ops[j], op) for op in ops[j + 1 : k]):
            return k
        return None if self.blocked else j

    def _conflict(self, first: Op, second: Op) -> bool:
        """Return whether two operations must keep their order; quick where no buffer is shared."""
        reads, writes = self.buffers[first]
        their_reads, their_writes = self.buffers[second]
        if (
            writes.isdisjoint(their_writes)
            and writes.isdisjoint(their_reads)
            and reads.isdisjoint(their_writes)
        ):
            return False
        return conflict(first, second)


def conflict(first: Op, second: Op) -> bool:
    """Return whether two operations must keep their order."""
    return any(
        touches(w, a) for w in first.writes() for a in (*second.reads(), *second.writes())
    ) or any(touches(r, w) for r in first.reads() for w in second.writes())


def _join(first: Kernel, second: Kernel) -> bool:
    """Append the second kernel's work to the first's, if each element needs only its own."""
    if len(first.loads) + len(second.loads) + len(first.stores) + len(second.stores) > _LARGEST:
        return False
    refs = [(ref, first.lengths) for ref, _ in first.stores]
    for ref in second.loads:
        for store in refs:
            if touches((ref, second.lengths), store) and not ref.same_place(store[0]):
                return False
    for ref, _ in second.stores:
        for other in (*first.loads, *(r for r, _ in first.stores)):
            if touches((ref, second.lengths), (other, first.lengths)) and not ref.same_place(other):
                return False
    stored = {(r.buffer, r.offset, r.strides): value for r, value in first.stores}
    n, more = (
        len(first.loads),
        [r for r in second.loads if (r.buffer, r.offset, r.strides) not in stored],
    )
    size, shift = n + len(more), len(first.instructions)
    mine = {k: k for k in range(n)} | {n + k: size + k for k in range(shift)}
    theirs: dict[int, int] = {}
    for k, ref in enumerate(second.loads):
        key = (ref.buffer, ref.offset, ref.strides)
        theirs[k] = (
            mine[stored[key]]
            if key in stored
            else n + next(m for m, other in enumerate(more) if other is ref)
        )
    theirs |= {len(second.loads) + k: size + shift + k for k in range(len(second.instructions))}
    stores = {(r.buffer, r.offset, r.strides): (r, mine[value]) for r, value in first.stores}
    stores |= {(r.buffer, r.offset, r.strides): (r, theirs[value]) for r, value in second.stores}
    first.instructions = [
        *(replace(i, arguments=tuple(mine[a] for a in i.arguments)) for i in first.instructions),
        *(replace(i, arguments=tuple(theirs[a] for a in i.arguments)) for i in second.instructions),
    ]
    first.loads += more
    first.stores = list(stores.values())
    first.note = first.note if second.note in first.note else f"{first.note} | {second.note}"
    first.nodes = tuple(dict.fromkeys([*first.nodes, *second.nodes]))
    _tidy(first)
    return True


def _tidy(kernel: Kernel) -> None:
    """Load and compute nothing twice, and nothing that is not stored in the end."""
    place: dict[int, int] = {}
    loads: list[Ref] = []
    known: dict[object, int] = {}
    for k, ref in enumerate(kernel.loads):
        key = (ref.buffer, ref.offset, ref.strides)
        if key not in known:
            known[key] = len(loads)
            loads.append(ref)
        place[k] = known[key]
    n = len(loads)
    instructions: list[Instruction] = []
    for k, instruction in enumerate(kernel.instructions):
        changed = replace(instruction, arguments=tuple(place[a] for a in instruction.arguments))
        number = changed.value_number
        if number not in known:
            known[number] = n + len(instructions)
            instructions.append(changed)
        place[len(kernel.loads) + k] = known[number]
    kernel.loads, kernel.instructions = loads, instructions
    kernel.stores = [(ref, place[value]) for ref, value in kernel.stores]
    drop_unused(kernel)


def drop_unused(kernel: Kernel) -> None:
    """Drop loads and instructions whose values nobody uses."""
    n = len(kernel.loads)
    needed = {value for _, value in kernel.stores}
    for k in range(len(kernel.instructions) - 1, -1, -1):
        if n + k in needed:
            needed.update(kernel.instructions[k].arguments)
    used = sorted(needed)
    place = {value: k for k, value in enumerate(used)}
    kernel.instructions = [
        replace(i, arguments=tuple(place[a] for a in i.arguments))
        for k, i in enumerate(kernel.instructions)
        if n + k in needed
    ]
    kernel.loads = [ref for k, ref in enumerate(kernel.loads) if k in needed]
    kernel.stores = [(ref, place[value]) for ref, value in kernel.stores]
