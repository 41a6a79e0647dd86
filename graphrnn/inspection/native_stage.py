"""Lists the program of the native backend: what the rewritten graph became, before it is C."""

from collections.abc import Iterator, Sequence
from math import prod

from graphrnn.inspection.generated import NativeSource
from graphrnn.inspection.listing import WIDTH, wrap
from graphrnn.native.program import Gemm, Kernel, Loop, Op, Ref, walk


def native_text(title: str, source: NativeSource) -> str:
    """Write the program, one line an operation, loops indented."""
    if source.problem:
        return f"{title}, native: not covered, {source.problem}; it runs in stock Aesara\n"
    program = source.program
    count = sum(1 for _ in walk(program.ops))
    head = (
        f"{title}, native: {count} operations in one C function, "
        f"{source.scratch_bytes / 1e6:.2f} MB of scratch memory"
    )
    return "\n".join([head, *_rows(program.ops, 1)]) + "\n"


def _rows(ops: Sequence[Op], depth: int) -> Iterator[str]:
    """Write operations, and those inside of loops."""
    margin = "  " * depth
    for op in ops:
        word, size = _what(op)
        targets = ", ".join(sorted({_place(ref) for ref, _ in op.writes()}))
        if isinstance(op, Loop):
            yield from wrap(margin, f"loop {op.steps} steps", WIDTH, margin + "    ")
            yield from _rows(op.body, depth + 1)
            continue
        reads = ", ".join(dict.fromkeys(_place(ref) for ref, _ in op.reads()))
        yield from wrap(f"{margin}{targets} ", f"= {word} {size} ({reads})", WIDTH, margin + "    ")


def _what(op: Op) -> tuple[str, str]:
    """Name an operation and its size."""
    if isinstance(op, Gemm):
        return "gemm", f"{op.m} by {op.k} by {op.n}"
    if isinstance(op, Kernel):
        steps = len(op.instructions)
        kind = "copy" if steps == 0 else f"kernel of {steps}"
        return kind, f"over {prod(op.lengths)}"
    sizes = [prod(lengths) for _, lengths in op.reads()]
    return type(op).__name__.lower(), f"over {max(sizes, default=0)}"


def _place(ref: Ref) -> str:
    """Name the memory that is touched."""
    return ref.buffer.name
