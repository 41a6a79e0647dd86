"""Kernels as C: loop nests that the compiler turns into vector code."""

from graphrnn.native.codegen.c_types import c_type, convert, literal
from graphrnn.native.codegen.scalars import expression
from graphrnn.native.codegen.writer import Writer, part, subscript
from graphrnn.native.ir.operations import may_fail
from graphrnn.native.ir.program import Kernel, Ref


def write_kernel(w: Writer, op: Kernel) -> None:
    """Write elementwise work as a nest of loops, the innermost with unit strides where it can."""
    indices_of = [ref.lookup.index for ref in op.loads if ref.lookup]
    refs = [*op.loads, *(ref for ref, _ in op.stores), *indices_of]
    row = w.axes[op] if w.axes is not None else None
    order = _loop_order(op, row)
    lengths = [op.lengths[k] for k in order]
    strides = [[ref.strides[k] for k in order] for ref in refs]
    rows_at = order.index(row) if row is not None else 0
    lengths, strides, rows_at = _coalesced(lengths, strides, rows_at if row is not None else None)
    names = [w.name() for _ in refs]
    indices = [f"i{k}" for k in range(len(lengths))]

    def fixed() -> None:
        """Write what the innermost loop does not move, and that its steps are independent."""
        _loads(w, op, names, strides, indices, fixed=True)
        if lengths:
            w.put("IVDEP")

    with w.block():
        for name, ref in zip(names, refs, strict=True):
            if not _is_literal(ref):
                w.put(f"{c_type(ref.buffer.dtype)} *{name} = {w.pointer(ref)};")
        ranges = [(i, *_part(w, k, lengths, rows_at)) for k, i in enumerate(indices)]
        with w.one_thread(needed=not lengths), w.loops(ranges, fixed):
            _loads(w, op, names, strides, indices, fixed=False)
            _compute(w, op)
            n, end = len(op.loads), len(op.loads) + len(op.stores)
            stores = zip(names[n:end], strides[n:end], op.stores, strict=True)
            for name, steps, (ref, value) in stores:
                text = convert(f"x{value}", op.dtype_of(value), ref.buffer.dtype)
                w.put(f"{name}[{subscript(steps, indices)}] = {text};")


def _part(w: Writer, k: int, lengths: list[int], rows_at: int) -> tuple[str, str]:
    """Return the part of loop k that this thread runs: of the rows, or of the outermost loop."""
    if w.axes is not None and k == rows_at:
        return "row0", "row1"
    if w.axes is None and w.threads and k == 0:
        return part(lengths[0], 16 if len(lengths) == 1 else 1)
    return "0", str(lengths[k])


def _is_literal(ref: Ref) -> bool:
    """Return whether a ref reads a constant of one element, which is written into the code."""
    return ref.buffer.data is not None and ref.buffer.data.size == 1


def _loop_order(op: Kernel, row: int | None) -> list[int]:
    """Order loops by the stride of the first store, the longest outermost; the rows come first."""
    store = op.stores[0][0]
    order = sorted(range(len(op.lengths)), key=lambda k: -abs(store.strides[k]))
    if row is not None:
        order.remove(row)
        order.insert(0, row)
    return order


def _coalesced(
    lengths: list[int], strides: list[list[int]], fixed: int | None
) -> tuple[list[int], list[list[int]], int]:
    """Join neighbouring loops that all refs walk as one stretch; the fixed one stays by itself."""
    at = 0
    while at + 1 < len(lengths):
        alone = fixed is not None and fixed in (at, at + 1)
        if not alone and all(s[at] == s[at + 1] * lengths[at + 1] for s in strides):
            lengths = [*lengths[:at], lengths[at] * lengths[at + 1], *lengths[at + 2 :]]
            strides = [[*s[:at], *s[at + 1 :]] for s in strides]
            if fixed is not None and fixed > at:
                fixed -= 1
        else:
            at += 1
    return lengths, strides, fixed or 0


def _loads(
    w: Writer,
    op: Kernel,
    names: list[str],
    strides: list[list[int]],
    indices: list[str],
    fixed: bool,
) -> None:
    """Write the loads: those that the innermost loop does not move stand before it."""
    number = len(op.loads) + len(op.stores)
    for k, ref in enumerate(op.loads):
        still = not strides[k] or strides[k][-1] == 0
        row = names[k]
        if ref.lookup is not None:
            steps, name = strides[number], names[number]
            number += 1
            row = f"{names[k]}_row"
            here = not steps or steps[-1] == 0
            if here == fixed:
                at = f"{name}[{subscript(steps, indices)}] * {ref.lookup.stride}"
                w.put(f"{c_type(ref.buffer.dtype)} *{row} = {names[k]} + {at};")
            still = still and here
        if still != fixed:
            continue
        kind, data = c_type(ref.buffer.dtype), ref.buffer.data
        if data is not None and _is_literal(ref):
            value = literal(data.flat[0], ref.buffer.dtype)
        else:
            value = f"{row}[{subscript(strides[k], indices)}]"
        w.put(f"const {kind} x{k} = {value};")


def _compute(w: Writer, op: Kernel) -> None:
    """Write the instructions."""
    n = len(op.loads)
    number = w.number(op) if may_fail(op) else 0
    for k, instruction in enumerate(op.instructions):
        dtypes = [op.dtype_of(argument) for argument in instruction.arguments]
        text = expression(instruction, dtypes, number)
        w.put(f"const {c_type(instruction.dtype)} x{n + k} = {text};")
