"""Positions, running sums and sorting as C."""

from collections.abc import Sequence

from graphrnn.native.codegen.c_types import arithmetic, c_type, convert
from graphrnn.native.codegen.writer import Writer, subscript
from graphrnn.native.ir.operations import CheckIndex, Cumulate, FlatIndex, Sort
from graphrnn.native.ir.program import Ref


def write_checked(
    w: Writer, index: str, height: int, failure: tuple[int, int], otherwise: str
) -> None:
    """Write the position r of an index, which counts from the end where it is negative.

    `failure` names the operation and which of its indices this is; `otherwise` is what to do after
    one that is outside.
    """
    number, k = failure
    w.put(f"r = (idx){index};")
    w.put(f"if (r < 0) r += {height};")
    with w.block(f"if (r < 0 || r >= {height})"):
        w.put(f"fail(BAD_INDEX, {number}, (idx){index}, {k});")
        w.put(otherwise)


def write_flat_index(w: Writer, op: FlatIndex | CheckIndex) -> None:
    """Write the joining of several indices into one, or their check alone."""
    number, target = w.number(op), getattr(op, "target", None)
    with w.block():
        for k, ref in enumerate(op.indices):
            w.put(f"{c_type(ref.buffer.dtype)} *at{k} = {w.pointer(ref)};")
        if target is not None:
            w.put(f"int64_t *t = {w.pointer(target)};")
        with w.loops([("i", *w.bounds(op, 0, op.length))]):
            w.put("idx r, flat = 0;" if target is not None else "idx r;")
            for k, (ref, height) in enumerate(zip(op.indices, op.heights, strict=True)):
                write_checked(w, f"at{k}[i * {ref.strides[0]}]", height, (number, k), "r = 0;")
                if target is not None:
                    w.put(f"flat = flat * {height} + r;")
            if target is not None:
                w.put(f"t[i * {target.strides[0]}] = flat;")


def _rows(w: Writer, op: Cumulate | Sort, pointers: dict[str, Ref], body: Sequence[str]) -> None:
    """Write a loop over rows around some lines; in them each pointer is its row's beginning."""
    with w.block():
        for name, ref in pointers.items():
            w.put(f"{c_type(ref.buffer.dtype)} *{name}0 = {w.pointer(ref)};")
        n = len(op.outer)
        with w.rows(op, op.outer) as outer:
            for name, ref in pointers.items():
                kind = c_type(ref.buffer.dtype)
                w.put(f"{kind} *{name} = {name}0 + {subscript(ref.strides[:n], outer)};")
            for line in body:
                w.put(line)


def write_cumulate(w: Writer, op: Cumulate) -> None:
    """Write a running sum or product."""
    a, b = op.source.strides[-1], op.target.strides[-1]
    dtype = op.target.buffer.dtype
    value = convert(f"s[j * {a}]", op.source.buffer.dtype, dtype)
    _rows(w, op, {"s": op.source, "t": op.target}, [
        f"{c_type(dtype)} r = {0 if op.kind == '+' else 1};",
        f"for (idx j = 0; j < {op.length}; j++) {{",
        f"    r = {arithmetic(op.kind, ['r', value], dtype)};",
        f"    t[j * {b}] = r;",
        "}",
    ])  # fmt: skip


def write_sort(w: Writer, op: Sort) -> None:
    """Write a merge sort: runs of 1, 2, 4, … are merged to and fro between target and scratch."""
    a, b = op.source.strides[-1], op.target.strides[-1]
    kind, n = c_type(op.target.buffer.dtype), op.length
    x, y = ("s[p[q] * {a}]", "s[p[r] * {a}]") if op.positions else ("p[q]", "p[r]")
    x, y = x.replace("{a}", str(a)), y.replace("{a}", str(a))
    less = f"{y} < {x} || ({x} != {x} && {y} == {y})"
    _rows(w, op, {"s": op.source, "t": op.target, "u": op.scratch}, [
        f"{kind} *p = u, *o = t;",
        f"for (idx j = 0; j < {n}; j++) u[j] = {'j' if op.positions else f's[j * {a}]'};",
        f"for (idx width = 1; width < {n}; width *= 2) {{",
        f"    for (idx begin = 0; begin < {n}; begin += 2 * width) {{",
        f"        idx middle = MIN(begin + width, {n}), end = MIN(begin + 2 * width, {n});",
        "        idx q = begin, r = middle;",
        "        for (idx j = begin; j < end; j++) {",
        f"            int left = r >= end || (q < middle && !({less}));",
        "            o[j] = left ? p[q++] : p[r++];",
        "        }",
        "    }",
        f"    {kind} *turn = p; p = o; o = turn;",
        "}",
        f"if (p != t) memcpy(t, p, {n} * sizeof({kind}));",
    ])  # fmt: skip
    assert b == 1
