"""Checks a program between its stages, and names the operation that is wrong."""

from collections.abc import Sequence
from math import prod

from graphrnn.native.ir.program import Kernel, Loop, Op, Program, Ref, extent
from graphrnn.native.ir.views import Buffer


class ProgramError(AssertionError):
    """A program that breaks its own rules: a defect of this backend, never of the user's graph."""


def verify(program: Program) -> None:
    """Check that every ref stays inside its buffer and every value is known before it is used.

    Raises:
        ProgramError: naming the operation.
    """
    variables: dict[str, int] = {}
    written = {*program.inputs, *program.constants}
    _verify(program.ops, variables, written)


def _verify(ops: Sequence[Op], variables: dict[str, int], written: set[Buffer]) -> None:
    """Check a list of operations, inside the loops whose variables are given."""
    for op in ops:
        if isinstance(op, Loop):
            inner = variables | {op.variable: op.steps}
            inner |= {name: slots for name, _, slots in op.positions}
            for ref in op.conditions()[: 1 if op.when else 0]:
                _verify_read(op, ref, (), variables, written)
            _verify(op.body, inner, written)
            if op.until is not None:
                _verify_read(op, op.until, (), inner, written)
            continue
        for ref, lengths in (*op.reads(), *op.writes()):
            _verify_ref(op, ref, lengths, variables)
        for ref, lengths in op.reads():
            _verify_read(op, ref, lengths, variables, written)
        if isinstance(op, Kernel):
            _verify_kernel(op)
        written.update(ref.buffer for ref, _ in op.writes())


def _verify_read(
    op: Op, ref: Ref, lengths: tuple[int, ...], variables: dict[str, int], written: set[Buffer]
) -> None:
    """Check that what is read lies inside its buffer and has been written."""
    _verify_ref(op, ref, lengths, variables)
    if prod(lengths) and ref.buffer not in written:
        raise ProgramError(f"{op.note}: reads {ref.buffer.name} before it is written")


def _verify_ref(op: Op, ref: Ref, lengths: tuple[int, ...], variables: dict[str, int]) -> None:
    """Check that a ref stays inside its buffer, wherever the loops stand."""
    if prod(lengths) == 0:
        return
    low, high = extent(ref, lengths)
    for stride, variable in ref.offset.terms:
        if variable not in variables:
            raise ProgramError(f"{op.note}: uses {variable} outside its loop")
        reach = (variables[variable] - 1) * stride
        low, high = low + min(reach, 0), high + max(reach, 0)
    if low < 0 or high >= ref.buffer.size:
        raise ProgramError(
            f"{op.note}: reaches elements {low} to {high} of {ref.buffer.name}, "
            f"which has {ref.buffer.size}"
        )


def _verify_kernel(op: Kernel) -> None:
    """Check that a kernel uses only values that it has."""
    n = len(op.loads)
    for k, instruction in enumerate(op.instructions):
        if any(not 0 <= argument < n + k for argument in instruction.arguments):
            raise ProgramError(f"{op.note}: an instruction uses a value that comes later")
    if any(not 0 <= value < n + len(op.instructions) for _, value in op.stores):
        raise ProgramError(f"{op.note}: stores a value that it has not computed")
