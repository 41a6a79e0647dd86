"""What writes C line by line: addresses, parts of loops for threads, nesting."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from graphrnn.native.codegen.c_types import c_type
from graphrnn.native.ir.program import Op, Ref
from graphrnn.native.ir.views import Buffer, Offset

Range = tuple[str, str, str]
"""The index of a loop, where it begins, and where it ends before."""

Lines = Callable[[], None]


def _nothing() -> None:
    """Write nothing."""


@dataclass
class Writer:
    """Writes C, line by line."""

    offsets: dict[Buffer, int]
    slots: dict[Buffer, str]
    scratch: int
    threads: bool
    lines: list[str] = field(default_factory=list)
    depth: int = 1
    names: int = 0
    axes: dict[Op, int] | None = None  # the axis of the rows, inside a loop over rows
    used: dict[Buffer, None] = field(default_factory=dict)
    packed: dict[tuple[Buffer, Offset, tuple[int, ...]], str] = field(default_factory=dict)
    row_axes: dict[Op, dict[Op, int] | None] = field(default_factory=dict)
    packed_offsets: dict[Op, int] = field(default_factory=dict)
    fallible: list[Op] = field(default_factory=list)  # operations that may fail, by their numbers
    timed: list[Op] | None = (
        None  # operations with a clock around them, in the order of their numbers
    )

    def put(self, line: str) -> None:
        """Write one line."""
        self.lines.append("    " * self.depth + line)

    @contextlib.contextmanager
    def block(self, head: str = "") -> Iterator[None]:
        """Write a block around what is written inside of `with`; `head` stands before its brace."""
        self.put(f"{head} {{".lstrip())
        self.depth += 1
        yield
        self.depth -= 1
        self.put("}")

    @contextlib.contextmanager
    def loops(self, ranges: Sequence[Range], before_last: Lines = _nothing) -> Iterator[None]:
        """Nest loops, the first outermost; `before_last` writes what stands before the innermost.

        Without loops it stands where the body does.
        """
        with contextlib.ExitStack() as nest:
            for k, (index, low, high) in enumerate(ranges):
                if k == len(ranges) - 1:
                    before_last()
                nest.enter_context(
                    self.block(f"for (idx {index} = {low}; {index} < {high}; {index}++)")
                )
            if not ranges:
                before_last()
            yield

    @contextlib.contextmanager
    def rows(self, op: Op, lengths: Sequence[int]) -> Iterator[list[str]]:
        """Nest the outer loops of an operation, shared among threads; returns their indices.

        Where there is no loop to share, one thread runs the body.
        """
        indices = [f"i{k}" for k in range(len(lengths))]
        ranges = [(f"i{k}", *self.bounds(op, k, length)) for k, length in enumerate(lengths)]
        with self.one_thread(needed=not lengths), self.loops(ranges):
            yield indices

    def one_thread(self, *, needed: bool = True) -> contextlib.AbstractContextManager[None]:
        """Let one thread run a block, where several share the work and it is needed."""
        shared = self.threads and self.axes is None
        return self.block("if (tid == 0)") if needed and shared else contextlib.nullcontext()

    def name(self) -> str:
        """Build a name."""
        self.names += 1
        return f"v{self.names}"

    def pointer(self, ref: Ref) -> str:
        """Return the address that a ref begins at."""
        self.used[ref.buffer] = None
        terms = [f"{variable} * {stride}" for stride, variable in ref.offset.terms]
        if ref.offset.constant:
            terms.append(str(ref.offset.constant))
        return " + ".join([ref.buffer.symbol, *terms])

    def declarations(self) -> list[str]:
        """Name the memory of every buffer that was pointed to, in the order of first use."""
        lines = []
        for buffer in self.used:
            kind = c_type(buffer.dtype)
            temp = buffer.kind == "temp"
            memory = f"(arena + {self.offsets[buffer]})" if temp else self.slots[buffer]
            shape = ", ".join(map(str, buffer.shape)) or str(buffer.size)
            comment = " ".join([*buffer.label.split(), f"({shape})"]).replace("*/", "* /")
            lines.append(f"    {kind} *const {buffer.symbol} = ({kind} *){memory}; /* {comment} */")
        return lines

    def barrier(self) -> None:
        """Let all threads wait for each other, unless each works on rows of its own."""
        if self.threads and self.axes is None:
            self.put("barrier(nt);")

    def number(self, op: Op) -> int:
        """Return the number by which an operation is named when it fails."""
        self.fallible.append(op)
        return len(self.fallible) - 1

    def leave_if_failed(self) -> None:
        """Let all threads leave together once something has gone wrong."""
        stop = self.name()
        self.put(f"const int {stop} = failed;")
        self.barrier()
        self.put(f"if ({stop}) return;")

    def bounds(self, op: Op, axis: int, length: int, grain: int = 1) -> tuple[str, str]:
        """Return the part of a divided loop that falls to this thread."""
        if self.axes is not None:
            return ("row0", "row1") if axis == self.axes[op] else ("0", str(length))
        if not self.threads or axis != 0:
            return "0", str(length)
        return part(length, grain)


def part(length: int, grain: int) -> tuple[str, str]:
    """Return the part of a loop that falls to a thread, of so many steps at once at least."""
    return f"part({length}, {grain}, tid, nt)", f"part({length}, {grain}, tid + 1, nt)"


def subscript(strides: Sequence[int], indices: Sequence[str]) -> str:
    """Write the place of an element."""
    terms = [
        index if stride == 1 else f"{index} * {stride}"
        for stride, index in zip(strides, indices, strict=True)
        if stride
    ]
    return " + ".join(terms) or "0"
