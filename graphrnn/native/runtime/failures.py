"""What went wrong while a function ran: one line that names the operation and the user's source."""

from collections.abc import Callable, Sequence
from typing import Any

from graphrnn.native.ir.operations import CheckIndex, FlatIndex
from graphrnn.native.ir.program import Gather, Kernel, Op, Scatter
from graphrnn.symbolic.source_lines import user_line

from aesara.scalar.basic import Pow

# As numbers.h has them.
BAD_INDEX, NO_MEMORY, NEGATIVE_POWER, BAD_PARAMETER, FIRST_CHECK = 1, 2, 3, 4, 16


def failure(
    status: int,
    where: Sequence[int],
    fallible: Sequence[Op],
    checks: Sequence[tuple[Callable[[str], Exception], str]],
) -> Exception:
    """Return the exception that a status of a C function stands for.

    `where` is the number of the operation among `fallible` and two numbers that say more: an index
    and which of the operation's it is, or an exponent.
    """
    if status >= FIRST_CHECK:
        kind, message = checks[status - FIRST_CHECK]
        return kind(message)
    if status == NO_MEMORY:
        return MemoryError("native backend: no memory for the function's arena")
    number, value, k = where
    op = fallible[number]
    if status == BAD_INDEX:
        return IndexError(f"{_outside(op, value, k)}{_place(op)}")
    if status == NEGATIVE_POWER:
        return ValueError(f"{_note(op)}: an integer to the negative power {value}{_place(op)}")
    return ValueError(f"{_note(op)}: a parameter of a random draw is out of its range{_place(op)}")


def _outside(op: Op, index: int, k: int) -> str:
    """Describe which index is outside of what."""
    if isinstance(op, (FlatIndex, CheckIndex)):
        axis, length = op.axes[k], op.heights[k]
    else:
        assert isinstance(op, (Gather, Scatter))
        axis, length = 0, op.height
    return f"{op.selection}: index {index} is outside of axis {axis} of length {length}"


def _note(op: Op) -> str:
    """Write an operation as its line of the graph; of a fused kernel's lines, the power's."""
    lines = op.note.split(" | ")
    return next((line for line in lines if isinstance(op, Kernel) and "pow(" in line), lines[0])


def _place(op: Op) -> str:
    """Write the user's line behind a message, where it is known."""
    line = next(filter(None, (user_line(node) for node in _nodes(op))), "")
    return f" ({line})" if line else ""


def _nodes(op: Op) -> Sequence[Any]:
    """Return the nodes of the graph that an operation comes from; the power's of a fused kernel."""
    powers = [n for n in op.nodes if isinstance(getattr(n.op, "scalar_op", None), Pow)]
    return powers or op.nodes
