"""Products of matrices as C."""

from graphrnn.native.codegen.c_types import c_type
from graphrnn.native.codegen.writer import Writer
from graphrnn.native.ir.program import Gemm


def write_gemm(w: Writer, op: Gemm) -> None:
    """Write a matrix product."""
    kind = op.C.buffer.dtype
    a, b, c = (w.pointer(ref) for ref in (op.A, op.B, op.C))
    a_strides, b_strides = (", ".join(map(str, ref.strides)) for ref in (op.A, op.B))
    packed = w.packed.get((op.B.buffer, op.B.offset, op.B.strides))
    cs = op.C.strides[0] if op.m > 1 else op.n
    if packed is not None:
        low, high = w.bounds(op, 0, op.m, 1)
        w.put(
            f"gemm_packed_{kind}({low}, {high}, {op.n}, {op.k}, {a}, {a_strides}, "
            f"({c_type(kind)} *){packed}, {c}, {cs});"
        )
        return
    sizes = f"{op.m}, {op.n}, {op.k}"
    if w.axes is not None:
        axis = w.axes[op]
        sizes = f"row1 - row0, {op.n}, {op.k}" if axis == 0 else f"{op.m}, row1 - row0, {op.k}"
        moved, stride = (a, op.A.strides[0]) if axis == 0 else (b, op.B.strides[1])
        moved = f"{moved} + row0 * {stride}"
        a, b = (moved, b) if axis == 0 else (a, moved)
        c = f"{c} + row0 * {op.C.strides[axis]}"
    mine = "0, 1" if w.axes is not None or not w.threads else "tid, nt"
    scratch = f"({c_type(kind)} *)(scratch + {'tid' if w.axes is not None else 0} * {w.scratch})"
    w.put(
        f"gemm_{kind}({sizes}, {a}, {a_strides}, {b}, {b_strides}, {c}, {cs}, {scratch}, {mine});"
    )
