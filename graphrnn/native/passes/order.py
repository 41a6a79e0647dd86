"""Program → better program: the passes in their order, the dead dropped, updates made in place."""

from collections.abc import Callable, Mapping

from graphrnn.native.ir.operations import Check, index_check, may_fail
from graphrnn.native.ir.program import Kernel, Loop, Op, Program, touches, walk
from graphrnn.native.ir.views import Buffer
from graphrnn.native.passes.copy_elision import elide_copies, forward_copies
from graphrnn.native.passes.fusion import (
    CostModel,
    conflict,
    drop_unused,
    fuse,
    inline_producers,
)
from graphrnn.native.passes.gather_fusion import look_up_in_place

Pass = Callable[[Program, CostModel], None]
"""Optimizes a program in place; what it computes stays the same."""


def optimize(program: Program, cost: CostModel) -> None:
    """Run all passes over a program, whose instructions cost so much on its target."""
    for each in PASSES:
        each(program, cost)


def _each_list(ops: list[Op], change) -> None:  # type: ignore[no-untyped-def]
    """Change the bodies of loops first, then the list itself."""
    for op in ops:
        if isinstance(op, Loop):
            _each_list(op.body, change)
    change(ops)


def drop_dead(program: Program, _: CostModel) -> None:
    """Drop stores that nobody reads, and operations without a store."""
    ops, live, changed = program.ops, {*program.outputs, *program.inputs}, True
    while changed:
        read = {ref.buffer for op in walk(ops) if not isinstance(op, Loop) for ref, _ in op.reads()}
        changed = _drop_unread(ops, read | live)


def _drop_unread(ops: list[Op], needed: set[Buffer]) -> bool:
    """Drop what writes only to buffers that are not needed, and return whether anything was."""
    changed = False
    for op in list(ops):
        if isinstance(op, Loop):
            changed |= _drop_unread(op.body, needed)
            gone = not op.body
        elif isinstance(op, Kernel):
            stores = [(ref, value) for ref, value in op.stores if ref.buffer in needed]
            if len(stores) != len(op.stores):
                op.stores, changed = stores, True
                drop_unused(op)
            gone = not op.stores
        else:
            # What writes nothing is there for its effect, as a check is.
            writes = op.writes()
            gone = bool(writes) and all(ref.buffer not in needed for ref, _ in writes)
        if gone:
            ops.remove(op)
            changed = True
    return changed


def _elide_copies(program: Program, _: CostModel) -> None:
    _each_list(program.ops, lambda ops: elide_copies(ops, program))


def _forward_copies(program: Program, _: CostModel) -> None:
    _each_list(program.ops, lambda ops: forward_copies(ops, program))


def _inline_producers(program: Program, cost: CostModel) -> None:
    _each_list(program.ops, lambda ops: inline_producers(ops, program, cost))


def _fuse(program: Program, _: CostModel) -> None:
    _each_list(program.ops, fuse)


def _look_up_in_place(program: Program, _: CostModel) -> None:
    look_up_in_place(program)


PASSES: tuple[Pass, ...] = (
    *2 * (_elide_copies, _forward_copies, _inline_producers, _fuse, drop_dead),
    _look_up_in_place,
)
"""In their order. What one of them leaves behind the others find in the second round."""


def updates_last(program: Program, updated: Mapping[int, int]) -> dict[int, int]:
    """Let updates overwrite their parameters where nobody reads these afterwards.

    `updated` maps an output to the input that it becomes; the part of it that may be done in place
    is given back. The operations that write updates are moved to the end, since one parameter's
    update may read another parameter. Once the first parameter is overwritten nothing may fail:
    a call that fails changes none.
    """
    outputs = {
        program.outputs[out]: out for out in updated if program.outputs[out].kind == "output"
    }
    last = [op for op in program.ops if _writes_only(op, outputs)]
    for op in last:
        k = program.ops.index(op)
        if not any(conflict(op, other) for other in program.ops[k + 1 :]):
            program.ops.append(program.ops.pop(k))
    first_writes = {}
    for buffer, out in outputs.items():
        parameter = program.inputs[updated[out]]
        writers = [k for k, op in enumerate(program.ops) if _writes(op, buffer)]
        if (
            buffer.size == parameter.size
            and writers
            and _alone(program.ops, writers[0], buffer, parameter)
        ):
            first_writes[out] = writers[0]
    # What is written before a failure that cannot be foreseen goes to arrays of its own.
    for first in sorted(set(first_writes.values())):
        checks = _checks_before(program.ops, first)
        if checks is not None:
            _leave_before(program.ops, first, checks)
            return {out: updated[out] for out, k in first_writes.items() if k >= first}
    return {}


def _checks_before(ops: list[Op], first: int) -> list[Op] | None:
    """Return checks that, made before an operation, find all that may fail from it on.

    None where some failure is not foreseen: it hangs on what is computed only then.
    """
    checks: list[Op] = []
    for k, op in enumerate(ops[first:], first):
        if not any(may_fail(inner) for inner in walk([op])):
            continue
        check = index_check(op)
        if check is None:
            return None
        writes = [w for other in ops[first:k] for w in other.writes()]
        if any(touches(w, read) for w in writes for read in check.reads()):
            return None
        checks.append(check)
    return checks


def _leave_before(ops: list[Op], first: int, checks: list[Op]) -> None:
    """Make checks, and leave if anything has gone wrong, before the first parameter is written."""
    if checks or any(may_fail(op) for op in walk(ops[:first])):
        note = "parameters are overwritten only if nothing has failed"
        ops[first:first] = [*checks, Check(-1, [], note=note)]


def _writes_only(op: Op, outputs: dict[Buffer, int]) -> bool:
    """Return whether an operation writes to these outputs and to nothing else."""
    return not isinstance(op, Loop) and all(ref.buffer in outputs for ref, _ in op.writes())


def _writes(op: Op, buffer: Buffer) -> bool:
    """Return whether an operation writes a buffer."""
    return any(ref.buffer is buffer for ref, _ in op.writes())


def _alone(ops: list[Op], first: int, buffer: Buffer, parameter: Buffer) -> bool:
    """Return whether a parameter is read after `first` only by the kernel that updates it."""
    for k, op in enumerate(ops[first:]):
        reads = [ref for ref, _ in op.reads() if ref.buffer is parameter]
        if not reads:
            continue
        stores = [ref for ref, _ in op.writes() if ref.buffer is buffer]
        if k != 0 or not isinstance(op, Kernel):
            return False
        if any((r.offset, r.strides) != (s.offset, s.strides) for r in reads for s in stores):
            return False
    return True
