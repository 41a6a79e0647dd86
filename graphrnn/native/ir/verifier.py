"""Checks a program between its stages, and names the operation that is wrong.

Of every operation: that it walks memory inside of its buffers, by loops that are open; that what it
reads was written before, and that it writes to no input and no constant. Of each kind: what the
table at the end says, dtypes above all.
"""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from graphrnn.native.ir.distributions import PARAMETERS
from graphrnn.native.ir.dtypes import INTEGERS, REALS
from graphrnn.native.ir.operations import (
    Check,
    CheckIndex,
    CopyGenerator,
    Cumulate,
    FlatIndex,
    RandomSample,
    Sort,
)
from graphrnn.native.ir.program import (
    ArgMax,
    Gather,
    Gemm,
    Kernel,
    Loop,
    Op,
    Program,
    Reduce,
    Ref,
    Scatter,
    Softmax,
    extent,
)
from graphrnn.native.ir.scalars import ScalarOp, misuse
from graphrnn.native.ir.views import Buffer


class ProgramError(AssertionError):
    """A program that breaks its own rules: a defect of this backend, never of the user's graph."""


def verify(program: Program) -> None:
    """Check a program.

    Raises:
        ProgramError: naming the operation.
    """
    walk = _Walk(program)
    walk.operations(program.ops, {})
    for buffer in program.outputs:
        if buffer.kind == "output" and buffer.size and buffer not in walk.written:
            raise ProgramError(f"the program: never writes {buffer.name}")


class _Walk:
    """What is known at one operation of a program."""

    def __init__(self, program: Program) -> None:
        self.checks = len(program.checks)
        self.written = {*program.inputs, *program.constants}
        # How many rows a table needs for the checked numbers in a buffer.
        self.heights: dict[Buffer, int] = {}

    def operations(self, ops: Sequence[Op], variables: dict[str, int]) -> None:
        """Check a list of operations, inside the loops whose variables are given."""
        for op in ops:
            if isinstance(op, Loop):
                self._loop(op, variables)
                continue
            for ref, lengths in op.reads():
                self._read(op, ref, lengths, variables)
            for ref, lengths in op.writes():
                _inside(op, ref, lengths, variables)
                if ref.buffer.kind in ("input", "constant"):
                    raise ProgramError(f"{op.note}: writes to {ref.buffer.name}, which is given")
            wrong = _RULES[type(op)](op) or self._numbered(op)
            if wrong:
                raise ProgramError(f"{op.note}: {wrong}")
            self.written.update(ref.buffer for ref, _ in op.writes())

    def _loop(self, op: Loop, variables: dict[str, int]) -> None:
        names = [op.variable, *(name for name, _, _ in op.positions)]
        if variables.keys() & set(names) or len(names) > len(set(names)):
            raise ProgramError(f"{op.note}: counts two loops by one variable")
        if op.steps < 1 or any(start < 0 or slots < 1 for _, start, slots in op.positions):
            raise ProgramError(f"{op.note}: runs {op.steps} steps over {op.positions}")
        inner = variables | {op.variable: op.steps}
        inner |= {name: slots for name, _, slots in op.positions}
        if op.when is not None:
            self._read(op, op.when[0], (), variables)
        self.operations(op.body, inner)
        if op.until is not None:
            self._read(op, op.until, (), inner)

    def _read(self, op: Op, ref: Ref, lengths: tuple[int, ...], variables: dict[str, int]) -> None:
        """Check that what is read lies inside its buffer and has been written."""
        _inside(op, ref, lengths, variables)
        known = ref.buffer.kind == "generator" or ref.buffer in self.written
        if prod(lengths) and not known:
            raise ProgramError(f"{op.note}: reads {ref.buffer.name} before it is written")

    def _numbered(self, op: Op) -> str:
        """Check numbers: of rows in a table, of checks in the program."""
        if isinstance(op, FlatIndex):
            self.heights[op.target.buffer] = prod(op.heights)
        elif isinstance(op, Check):
            return "" if -1 <= op.number < self.checks else f"is check {op.number}, of no error"
        elif isinstance(op, Kernel):
            for lookup in (ref.lookup for ref in op.loads if ref.lookup):
                height = self.heights.get(lookup.index.buffer)
                if height is None:
                    return f"looks rows up by {lookup.index.buffer.name}, which nobody checked"
                if height > lookup.height:
                    return f"looks up one of {height} rows in a table of {lookup.height}"
        return ""


def _inside(op: Op, ref: Ref, lengths: tuple[int, ...], variables: dict[str, int]) -> None:
    """Check that a ref stays inside its buffer, wherever the loops stand."""
    if len(ref.strides) != len(lengths):
        raise ProgramError(
            f"{op.note}: walks {ref.buffer.name} by {len(ref.strides)} strides in "
            f"{len(lengths)} loops"
        )
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


# ── what is wrong with one operation, "" where nothing is ──


def _kernel(op: Kernel) -> str:
    n = len(op.loads)
    for k, instruction in enumerate(op.instructions):
        if any(not 0 <= argument < n + k for argument in instruction.arguments):
            return "an instruction uses a value that comes later"
        if (instruction.immediate is None) is (instruction.op is ScalarOp.CONSTANT):
            return f"{instruction.op.value} has the immediate {instruction.immediate}"
        arguments = [op.dtype_of(argument) for argument in instruction.arguments]
        if wrong := misuse(instruction.op, arguments, instruction.dtype):
            return f"{instruction.op.value} {wrong}"
    if any(not 0 <= value < n + len(op.instructions) for _, value in op.stores):
        return "stores a value that it has not computed"
    for ref, _ in op.stores:
        if ref.lookup is not None or _overlaps(ref, op.lengths):
            return f"stores several elements at one place of {ref.buffer.name}"
    return ""


def _overlaps(ref: Ref, lengths: Sequence[int]) -> bool:
    """Return whether a walk stands still along a loop."""
    return any(s == 0 and n > 1 for s, n in zip(ref.strides, lengths, strict=True))


def _same(*refs: Ref) -> str:
    """Check that memory is of one dtype."""
    dtypes = list(dict.fromkeys(ref.buffer.dtype for ref in refs))
    return "" if len(dtypes) == 1 else f"mixes {' and '.join(dtypes)}"


def _of(dtypes: frozenset[str], what: str, *refs: Ref) -> str:
    """Check that memory is of one of these dtypes."""
    wrong = next((r.buffer for r in refs if r.buffer.dtype not in dtypes), None)
    return f"takes {wrong.name} of {wrong.dtype} for {what}" if wrong else ""


def _gemm(op: Gemm) -> str:
    if op.n > 1 and op.C.strides[1] != 1:
        return f"stores a product by columns that lie {op.C.strides[1]} apart"
    return _same(op.A, op.B, op.C) or _of(REALS, "real numbers", op.C)


_KINDS = {"sum", "product", "product of what is not zero", "max", "min", "all", "any"}


def _reduce(op: Reduce) -> str:
    if op.kind not in _KINDS:
        return f"reduces by {op.kind}"
    if op.kind in ("max", "min") and 0 in op.inner:
        return f"takes the {op.kind} of nothing"
    return _of(_BOOL, "booleans", op.source) if op.kind in ("all", "any") else ""


def _argmax(op: ArgMax) -> str:
    if not op.length:
        return "looks for the largest of nothing"
    return _of(_INT64, "positions", op.target) or _same(op.source, op.largest or op.source)


def _softmax(op: Softmax) -> str:
    return _same(op.source, op.target) or _of(REALS, "real numbers", op.source)


def _rows(op: Gather | Scatter) -> str:
    return _of(INTEGERS, "positions", op.index)


def _gather(op: Gather) -> str:
    return _rows(op) or _same(op.source, op.target)


def _indices(op: FlatIndex | CheckIndex) -> str:
    if not len(op.indices) == len(op.heights) == len(op.axes):
        return f"checks {len(op.indices)} indices of axes {op.axes} by {len(op.heights)} lengths"
    return _of(INTEGERS, "positions", *op.indices)


def _flat_index(op: FlatIndex) -> str:
    return _indices(op) or _of(_INT64, "positions", op.target)


def _cumulate(op: Cumulate) -> str:
    return "" if op.kind in ("+", "*") else f"cumulates by {op.kind}"


def _sort(op: Sort) -> str:
    if op.target.strides[-1] != 1 or op.scratch.strides[-1] != 1:
        return "sorts into rows that do not lie along memory"
    wrong = _of(_INT64, "positions", op.target) if op.positions else _same(op.source, op.target)
    return wrong or _same(op.target, op.scratch)


def _random_sample(op: RandomSample) -> str:
    if op.generator.buffer.kind != "generator":
        return f"draws from {op.generator.buffer.name}, which is no generator"
    if len(op.parameters) != PARAMETERS.get(op.kind):
        return f"draws {op.kind} numbers by {len(op.parameters)} parameters"
    if (op.kind == "categorical") is not bool(op.categories):
        return f"draws {op.kind} numbers from {op.categories} categories"
    return ""


def _copy_generator(op: CopyGenerator) -> str:
    wrong = next((r.buffer for r in (op.source, op.target) if r.buffer.kind != "generator"), None)
    return f"copies {wrong.name}, which is no generator" if wrong else ""


def _check(op: Check) -> str:
    return _of(_BOOL, "booleans", *op.conditions)


_BOOL, _INT64 = frozenset({"bool"}), frozenset({"int64"})
_RULES: dict[type[Op], Callable[[Any], str]] = {
    Kernel: _kernel,
    Gemm: _gemm,
    Reduce: _reduce,
    ArgMax: _argmax,
    Softmax: _softmax,
    Gather: _gather,
    Scatter: _rows,
    FlatIndex: _flat_index,
    CheckIndex: _indices,
    Cumulate: _cumulate,
    Sort: _sort,
    RandomSample: _random_sample,
    CopyGenerator: _copy_generator,
    Check: _check,
}
