"""The program: a list of operations over views, between the graph and the C text.

Each operation says what it reads and writes as `Ref`s; the order of the list is the order of
execution.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphrnn.native.ir.scalars import ScalarOp
from graphrnn.native.ir.views import Buffer, Offset

import numpy as np


@dataclass(frozen=True)
class Lookup:
    """Rows of a table by number: the walk begins at `index` (walked by the same loops) · `stride`.

    Every number is known to lie between 0 and `height`.
    """

    index: "Ref"
    stride: int
    height: int


@dataclass(frozen=True)
class Ref:
    """Memory as a nest of loops walks it: a start and one stride a loop."""

    buffer: Buffer
    offset: Offset
    strides: tuple[int, ...]
    lookup: Lookup | None = None  # for the loads of kernels, once all other passes are done

    def same_place(self, other: "Ref") -> bool:
        """Return whether two refs of one loop nest walk the same elements in the same order."""
        return (
            self.buffer is other.buffer
            and self.offset == other.offset
            and self.strides == other.strides
        )


@dataclass(frozen=True)
class Instruction:
    """One scalar operation of a kernel, whose result is of a dtype.

    Arguments are numbers of loads (first) and of instructions before it (after the loads). Only a
    constant has an `immediate`: its value.
    """

    op: ScalarOp
    arguments: tuple[int, ...]
    dtype: str
    immediate: float | int | None = None

    @property
    def value_number(self) -> tuple[object, ...]:
        """What two instructions have in common that compute the same; 0.0 and -0.0 are not."""
        return self.op, self.arguments, self.dtype, repr(self.immediate)


def constant(value: Any, dtype: str) -> Instruction:
    """Build the instruction that gives one number."""
    number = np.asarray(value, dtype).item()
    return Instruction(ScalarOp.CONSTANT, (), dtype, number)


@dataclass(eq=False)
class Op:
    """An operation; `note` is the line of the graph that it comes from, `nodes` its nodes.

    `selection` is what it selects by index arrays, as Python writes it: `E[i]`.
    """

    note: str = field(default="", kw_only=True)
    selection: str = field(default="", kw_only=True)
    nodes: tuple[Any, ...] = field(default=(), kw_only=True, repr=False)

    def reads(self) -> list[tuple[Ref, tuple[int, ...]]]:
        """What it reads, each with the lengths of the loops that walk it."""
        raise NotImplementedError

    def writes(self) -> list[tuple[Ref, tuple[int, ...]]]:
        """What it writes."""
        raise NotImplementedError


@dataclass(eq=False)
class Kernel(Op):
    """Elementwise work: for every index, load, compute, store.

    Values are numbered: first the loads, then the instructions in order. Each store names the value
    that goes there.
    """

    lengths: tuple[int, ...]
    loads: list[Ref]
    instructions: list[Instruction]
    stores: list[tuple[Ref, int]]

    def reads(self) -> list[tuple[Ref, tuple[int, ...]]]:
        """Return the loads; a looked-up row may be any row of its table."""
        refs = []
        for ref in self.loads:
            if ref.lookup is None:
                refs.append((ref, self.lengths))
                continue
            refs.append((ref.lookup.index, self.lengths))
            table = Ref(ref.buffer, ref.offset, (*ref.strides, ref.lookup.stride))
            refs.append((table, (*self.lengths, ref.lookup.height)))
        return refs

    def writes(self) -> list[tuple[Ref, tuple[int, ...]]]:
        """Return the stores."""
        return [(ref, self.lengths) for ref, _ in self.stores]

    def dtype_of(self, value: int) -> str:
        """Return the dtype of a value."""
        if value < len(self.loads):
            return self.loads[value].buffer.dtype
        return self.instructions[value - len(self.loads)].dtype


@dataclass(eq=False)
class Reduce(Op):
    """Reduce the inner loops of one array into another: sum, product, max, min, any, all.

    `outer` loops are shared by source and target, `inner` loops are reduced.
    """

    kind: str
    outer: tuple[int, ...]
    inner: tuple[int, ...]
    source: Ref  # strides of outer loops, then of inner loops
    target: Ref
    accumulator: str

    def reads(self) -> list[tuple[Ref, tuple[int, ...]]]:
        """Return the source."""
        return [(self.source, self.outer + self.inner)]

    def writes(self) -> list[tuple[Ref, tuple[int, ...]]]:
        """Return the target."""
        return [(self.target, self.outer)]


@dataclass(eq=False)
class ArgMax(Op):
    """Return the position of the largest element of each row; the first of equals, as NumPy does.

    Where `largest` is given, the element itself goes there.
    """

    outer: tuple[int, ...]
    length: int
    source: Ref  # strides of outer loops, then of the row
    target: Ref
    largest: Ref | None = None

    def reads(self) -> list[tuple[Ref, tuple[int, ...]]]:
        """Return the source."""
        return [(self.source, (*self.outer, self.length))]

    def writes(self) -> list[tuple[Ref, tuple[int, ...]]]:
        """Return the targets."""
        return [(ref, self.outer) for ref in (self.target, self.largest) if ref is not None]


@dataclass(eq=False)
class Softmax(Op):
    """Turn each row into its softmax, or the logarithm of it."""

    logarithm: bool
    outer: tuple[int, ...]
    length: int
    source: Ref
    target: Ref

    def reads(self) -> list[tuple[Ref, tuple[int, ...]]]:
        """Return the source."""
        return [(self.source, (*self.outer, self.length))]

    def writes(self) -> list[tuple[Ref, tuple[int, ...]]]:
        """Return the target."""
        return [(self.target, (*self.outer, self.length))]


@dataclass(eq=False)
class Gemm(Op):
    """C = A B, with one stride for each axis: A `(M, K)`, B `(K, N)`, C `(M, N)`."""

    m: int
    n: int
    k: int
    A: Ref
    B: Ref
    C: Ref

    def reads(self) -> list[tuple[Ref, tuple[int, ...]]]:
        """Return A and B."""
        return [(self.A, (self.m, self.k)), (self.B, (self.k, self.n))]

    def writes(self) -> list[tuple[Ref, tuple[int, ...]]]:
        """Return C."""
        return [(self.C, (self.m, self.n))]


@dataclass(eq=False)
class Gather(Op):
    """Take rows: target[i, j] = source[index[i], j], with the bounds checked."""

    rows: int
    columns: int
    height: int
    source: Ref  # strides of the row and of the column
    index: Ref
    target: Ref

    def reads(self) -> list[tuple[Ref, tuple[int, ...]]]:
        """Return the source and the index."""
        return [(self.source, (self.height, self.columns)), (self.index, (self.rows,))]

    def writes(self) -> list[tuple[Ref, tuple[int, ...]]]:
        """Return the target."""
        return [(self.target, (self.rows, self.columns))]


@dataclass(eq=False)
class Scatter(Op):
    """Add rows (or set them): target[index[i], j] += source[i, j], with the bounds checked."""

    rows: int
    columns: int
    height: int
    source: Ref
    index: Ref
    target: Ref
    add: bool

    def reads(self) -> list[tuple[Ref, tuple[int, ...]]]:
        """Return the source, the index, and the target that is added to."""
        whole = (self.target, (self.height, self.columns))
        return [(self.source, (self.rows, self.columns)), (self.index, (self.rows,)), whole]

    def writes(self) -> list[tuple[Ref, tuple[int, ...]]]:
        """Return the target."""
        return [(self.target, (self.height, self.columns))]


@dataclass(eq=False)
class Loop(Op):
    """Repeat a body; `variable` counts from 0 to `steps`.

    `positions` are variables that go round a buffer of few slots: (name, start, slots).
    With `when` it runs only where a scalar is true (or false); with `until` it ends after the step
    that makes a scalar true. `rows` is set where every row of the batch is independent through all
    steps: its length.
    """

    variable: str
    steps: int
    positions: list[tuple[str, int, int]]
    body: list[Op]
    rows: int | None = None
    when: tuple[Ref, bool] | None = None
    until: Ref | None = None

    def conditions(self) -> list[Ref]:
        """Return the scalars that decide whether the body runs."""
        return [ref for ref in (self.when and self.when[0], self.until) if ref is not None]

    def reads(self) -> list[tuple[Ref, tuple[int, ...]]]:
        """Return all that the body reads, loop variables and all, and the conditions."""
        inner = [item for op in self.body for item in op.reads()]
        return [*inner, *((ref, ()) for ref in self.conditions())]

    def writes(self) -> list[tuple[Ref, tuple[int, ...]]]:
        """Return all that the body writes."""
        return [item for op in self.body for item in op.writes()]


@dataclass(eq=False)
class Conditions(Op):
    """The reading of a loop's conditions, as `walk` shows it; no list of operations has it."""

    loop: Loop

    def reads(self) -> list[tuple[Ref, tuple[int, ...]]]:
        """Return the conditions."""
        return [(ref, ()) for ref in self.loop.conditions()]

    def writes(self) -> list[tuple[Ref, tuple[int, ...]]]:
        """Return nothing."""
        return []


@dataclass(eq=False)
class Program:
    """Operations in order, and the buffers that come from outside."""

    ops: list[Op]
    inputs: list[Buffer]
    outputs: list[Buffer]
    constants: list[Buffer]
    input_shapes: list[tuple[int, ...]]
    output_shapes: list[tuple[int, ...]]
    offsets: dict[Buffer, int] = field(default_factory=dict)  # of temporaries, once assigned
    scratch: int = 0  # bytes of their arena
    in_place: dict[int, int] = field(default_factory=dict)  # outputs that overwrite an input
    checks: list[tuple[Callable[[str], Exception], str]] = field(default_factory=list)
    bodies: dict[Any, Any] = field(default_factory=dict)  # of scans: the graphs that became loops


def walk(ops: Sequence[Op]) -> Iterator[Op]:
    """Return every operation, the bodies and conditions of loops included, in order."""
    for op in ops:
        yield op
        if isinstance(op, Loop):
            yield from walk(op.body)
            if op.conditions():
                yield Conditions(op)


def extent(ref: Ref, lengths: Sequence[int]) -> tuple[int, int]:
    """Return the first and last element that a ref touches, beside its loop variables."""
    low = high = ref.offset.constant
    for length, stride in zip(lengths, ref.strides, strict=True):
        reach = (length - 1) * stride
        low, high = low + min(reach, 0), high + max(reach, 0)
    return low, high


def touches(first: tuple[Ref, tuple[int, ...]], second: tuple[Ref, tuple[int, ...]]) -> bool:
    """Return whether two refs may share an element; on doubt they do."""
    (a, a_lengths), (b, b_lengths) = first, second
    if a.buffer is not b.buffer or 0 in a_lengths or 0 in b_lengths:
        return False
    if a.offset.terms != b.offset.terms:
        return True
    (a_low, a_high), (b_low, b_high) = extent(a, a_lengths), extent(b, b_lengths)
    if a_high < b_low or b_high < a_low:
        return False
    return not _separate_columns(first, second)


def _separate_columns(
    first: tuple[Ref, tuple[int, ...]], second: tuple[Ref, tuple[int, ...]]
) -> bool:
    """Return whether two refs are different columns of one matrix, as the gates of an LSTM are."""
    row = max((abs(s) for ref, _ in (first, second) for s in ref.strides), default=0)
    if row == 0:
        return False
    spans = []
    for ref, lengths in (first, second):
        start, reach = ref.offset.constant % row, 0
        for length, stride in zip(lengths, ref.strides, strict=True):
            if stride % row == 0:
                continue
            if stride < 0:
                return False
            reach += (length - 1) * stride
        if start + reach >= row:
            return False
        spans.append((start, start + reach))
    (a_low, a_high), (b_low, b_high) = spans
    return a_high < b_low or b_high < a_low
