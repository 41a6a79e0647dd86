"""Products, reductions and row operations as C."""

from collections.abc import Sequence

from graphrnn.native.codegen.c_types import arithmetic, c_type, convert
from graphrnn.native.codegen.scalars import function_name
from graphrnn.native.codegen.sort_cumulate import write_checked
from graphrnn.native.codegen.writer import Writer, part, subscript
from graphrnn.native.ir.program import ArgMax, Gather, Reduce, Scatter, Softmax
from graphrnn.native.ir.scalars import ScalarOp

_START = {
    "sum": "0",
    "product": "1",
    "product of what is not zero": "1",
    "all": "1",
    "any": "0",
    "max": "*s",
    "min": "*s",
}


def _join(kind: str, r: str, y: str, dtype: str) -> str:
    """Write how a number joins those before it."""
    product = arithmetic("*", [r, y], dtype)
    return {
        "sum": f"{r} = {arithmetic('+', [r, y], dtype)};",
        "product": f"{r} = {product};",
        "product of what is not zero": f"{r} = {y} == 0 ? {r} : {product};",
        "all": f"{r} = {r} && {y};",
        "any": f"{r} = {r} || {y};",
        "max": f"{r} = {y} > {r} || {y} != {y} ? {y} : {r};",
        "min": f"{r} = {y} < {r} || {y} != {y} ? {y} : {r};",
    }[kind]


def write_reduce(w: Writer, op: Reduce) -> None:
    """Write a reduction, along memory where it can.

    A float32 sum of n numbers x is off by at most k u Σ|x|, u = 2^-24, where k is the longest chain
    of additions: n / 16 + 20 along memory (16 lanes, then a tree; the up to 15 numbers left over of
    each row come on top), 128 + n / 128 + 1 across it (blocks of 128 rows), and n where fewer than
    16 numbers lie side by side.
    """
    column = _column_axis(op)
    if column is not None and (w.axes is None or w.axes[op] != column):
        _reduce_columns(w, op, column)
    else:
        _reduce_rows(w, op)


def _column_axis(op: Reduce) -> int | None:
    """Return the kept axis along which the source lies in memory, where the reduced ones do not."""
    n = len(op.outer)
    if any(abs(stride) == 1 for stride in op.source.strides[n:]) or not op.inner:
        return None
    return next((k for k in range(n) if op.source.strides[k] == 1 and op.outer[k] >= 16), None)


_COLUMNS = 256
"""Sums that stand side by side: rows are read in stretches that the memory likes."""
_LANES = 16
"""Numbers of float32 in the widest vector."""


def _reduce_columns(w: Writer, op: Reduce, column: int) -> None:
    """Reduce many columns at once, reading rows from end to end.

    A float32 sum adds blocks of 128 rows first, then the blocks, so that it loses little.
    """
    kind, out = c_type(op.accumulator), c_type(op.target.buffer.dtype)
    source, n = c_type(op.source.buffer.dtype), len(op.outer)
    rest = [k for k in range(n) if k != column]
    outer = [f"i{k}" if k != column else "c" for k in range(n)]
    with w.block():
        w.put(f"{source} *s0 = {w.pointer(op.source)};")
        w.put(f"{out} *t0 = {w.pointer(op.target)};")
        low, high = "0", str(op.outer[column])
        if w.axes is None and w.threads:
            low, high = part(op.outer[column], 16)
        w.put(f"const idx low = {low}, high = {high};")
        rows = w.axes[op] if w.axes is not None else None
        ranges = [
            (f"i{k}", *(("row0", "row1") if k == rows else ("0", str(op.outer[k])))) for k in rest
        ]
        stretches = w.block(f"for (idx c = low; c < high; c += {_COLUMNS})")
        with w.loops(ranges), stretches:
            w.put(f"const {source} *s = s0 + {subscript(op.source.strides[:n], outer)};")
            w.put(f"const idx width = MIN({_COLUMNS}, high - c);")
            w.put(f"{kind} r[{_COLUMNS}], block[{_COLUMNS}];")
            total = _stretch(w, op, kind, source)
            place = f"{subscript(op.target.strides, outer)} + l * {op.target.strides[column]}"
            w.put(f"for (idx l = 0; l < width; l++) t0[{place}] = ({out})({total});")


def _stretch(w: Writer, op: Reduce, kind: str, source: str) -> str:
    """Write the reduction of columns side by side; returns the result of column l."""
    blocks = op.kind == "sum" and op.accumulator.startswith("float")
    lanes = f"for (idx l = 0; l < {_COLUMNS}; l++)"
    start = "s[l < width ? l : 0]" if _START[op.kind] == "*s" else _START[op.kind]
    w.put(f"{lanes} {{ r[l] = {start}; block[l] = 0; }}")
    w.put("int rows = 0;" if blocks else "(void)block;")
    with w.loops([(j, "0", str(length)) for j, length in zip(_inner(op), op.inner, strict=True)]):
        inner = op.source.strides[len(op.outer) :]
        w.put(f"const {source} *y = s + {subscript(inner, _inner(op))};")
        join = _join(op.kind, "block[l]" if blocks else "r[l]", f"({kind})y[l]", op.accumulator)
        w.put(f"if (width == {_COLUMNS}) {lanes} {{ {join} }}")
        w.put(f"else for (idx l = 0; l < width; l++) {{ {join} }}")
        if blocks:
            w.put(f"if (++rows % 128 == 0) {lanes} {{ r[l] += block[l]; block[l] = 0; }}")
    return "r[l] + block[l]" if blocks else "r[l]"


def _inner(op: Reduce) -> list[str]:
    """Name the indices of the reduced loops."""
    return [f"j{k}" for k in range(len(op.inner))]


def _reduce_rows(w: Writer, op: Reduce) -> None:
    """Reduce each row by itself; a sum runs in lanes, so that it is quick and loses little."""
    kind, out = c_type(op.accumulator), c_type(op.target.buffer.dtype)
    with w.block():
        w.put(f"{c_type(op.source.buffer.dtype)} *s0 = {w.pointer(op.source)};")
        w.put(f"{out} *t0 = {w.pointer(op.target)};")
        with w.rows(op, op.outer) as outer:
            start = subscript(op.source.strides[: len(outer)], outer)
            w.put(f"{c_type(op.source.buffer.dtype)} *s = s0 + {start};")
            _one_row(w, op, kind)
            value = convert("r", op.accumulator, op.target.buffer.dtype)
            w.put(f"t0[{subscript(op.target.strides, outer)}] = {value};")


def _one_row(w: Writer, op: Reduce, kind: str) -> None:
    """Write the reduction r of the row s."""
    inner, strides = _inner(op), op.source.strides[len(op.outer) :]
    ranges = [(j, "0", str(length)) for j, length in zip(inner, op.inner, strict=True)]
    real_sum = op.kind == "sum" and op.accumulator.startswith("float")
    lanes = real_sum and op.inner[-1:] and op.inner[-1] >= _LANES
    if not lanes:
        w.put(f"{kind} r = {_START[op.kind]};")
        with w.loops(ranges):
            source = op.source.buffer.dtype
            value = convert(f"s[{subscript(strides, inner)}]", source, op.accumulator)
            w.put(f"{kind} y = {value};")
            w.put(_join(op.kind, "r", "y", op.accumulator))
        return
    w.put(f"{kind} lane[{_LANES}] = {{0}};")
    w.put(f"{kind} r = {_START[op.kind]};")
    with w.loops(ranges[:-1]):
        j, _, last = ranges[-1]
        head = subscript(strides[:-1], inner[:-1])
        w.put(f"idx {j} = 0;")
        w.put(f"for (; {j} + {_LANES} <= {last}; {j} += {_LANES})")
        element = f"s[{head} + ({j} + l) * {strides[-1]}]"
        w.put(f"    for (int l = 0; l < {_LANES}; l++) lane[l] += {element};")
        w.put(f"for (; {j} < {last}; {j}++) r += s[{head} + {j} * {strides[-1]}];")
    halves = f"for (int h = {_LANES // 2}; h; h >>= 1)"
    w.put(f"{halves} for (int l = 0; l < h; l++) lane[l] += lane[l + h];")
    w.put("r += lane[0];")


def _rowwise(w: Writer, op: Softmax | ArgMax, body: Sequence[str]) -> None:
    """Write a loop over rows around some lines; in them s and t are the row's beginnings."""
    kind, out = c_type(op.source.buffer.dtype), c_type(op.target.buffer.dtype)
    n = len(op.outer)
    with w.block():
        w.put(f"{kind} *s0 = {w.pointer(op.source)};")
        w.put(f"{out} *t0 = {w.pointer(op.target)};")
        with w.rows(op, op.outer) as outer:
            w.put(f"{kind} *s = s0 + {subscript(op.source.strides[:n], outer)};")
            w.put(f"{out} *t = t0 + {subscript(op.target.strides[:n], outer)};")
            for line in body:
                w.put(line)


def write_softmax(w: Writer, op: Softmax) -> None:
    """Write a softmax: the largest is taken off first, so that nothing overflows."""
    kind = c_type(op.source.buffer.dtype)
    exp, log = (function_name(f, op.source.buffer.dtype) for f in (ScalarOp.EXP, ScalarOp.LOG))
    n, a, b = op.length, op.source.strides[-1], op.target.strides[-1]
    loop = f"for (idx j = 0; j < {n}; j++)"
    body = [*_largest(n, a, kind), f"{kind} r = 0;"]
    if op.logarithm:
        body += [f"{loop} r += {exp}(s[j * {a}] - m);", f"r = {log}(r);"]
        body += [f"{loop} t[j * {b}] = s[j * {a}] - m - r;"]
    else:
        body += [f"{loop} t[j * {b}] = {exp}(s[j * {a}] - m);", f"{loop} r += t[j * {b}];"]
        body += [f"{loop} t[j * {b}] /= r;"]
    _rowwise(w, op, body)


def write_argmax(w: Writer, op: ArgMax) -> None:
    """Write the search for the largest: the first of equals, and a NaN counts as largest."""
    a = op.source.strides[-1]
    lines = [*_largest(op.length, a, c_type(op.source.buffer.dtype)), "idx best = 0;"]
    lines += [f"while (s[best * {a}] != m && s[best * {a}] == s[best * {a}]) best++;"]
    lines += ["*t = best;"]
    if op.largest is not None:
        place = subscript(op.largest.strides, [f"i{k}" for k in range(len(op.outer))])
        lines += [f"({w.pointer(op.largest)})[{place}] = m;"]
    _rowwise(w, op, lines)


def _largest(length: int, stride: int, kind: str) -> list[str]:
    """Find the largest element m of a row, in lanes where these fill a vector."""

    def larger(m: str, y: str) -> str:
        return f"{m} = {y} > {m} || {y} != {y} ? {y} : {m};"

    loop = f"for (; j < {length}; j++) {{ {kind} y = s[j * {stride}]; {larger('m', 'y')} }}"
    if length < 2 * _LANES:
        return [f"{kind} m = s[0];", "idx j = 1;", loop]
    lanes = f"for (int l = 0; l < {_LANES}; l++)"
    return [
        f"{kind} lane[{_LANES}];",
        f"{lanes} lane[l] = s[l * {stride}];",
        f"idx j = {_LANES};",
        f"for (; j + {_LANES} <= {length}; j += {_LANES})",
        f"    {lanes} {{ {kind} y = s[(j + l) * {stride}]; {larger('lane[l]', 'y')} }}",
        f"{kind} m = lane[0];",
        f"{lanes} {{ {larger('m', 'lane[l]')} }}",
        loop,
    ]


def _row(w: Writer, op: Gather | Scatter, number: int) -> None:
    """Write the row r that index i names; one outside of the array is passed over."""
    w.put("idx r;")
    write_checked(w, f"at[i * {op.index.strides[0]}]", op.height, (number, 0), "continue;")


def _row_pointers(w: Writer, op: Gather | Scatter) -> None:
    """Write where the source, the index and the target begin."""
    for name, ref in (("s", op.source), ("at", op.index), ("t", op.target)):
        w.put(f"{c_type(ref.buffer.dtype)} *{name} = {w.pointer(ref)};")


def write_gather(w: Writer, op: Gather) -> None:
    """Write a gather of rows."""
    (s, s_column), (t, t_column) = op.source.strides, op.target.strides
    with w.block():
        _row_pointers(w, op)
        with w.loops([("i", *w.bounds(op, 0, op.rows))]):
            _row(w, op, w.number(op))
            w.put(
                f"for (idx j = 0; j < {op.columns}; j++) t[i * {t} + j * {t_column}] = "
                f"s[r * {s} + j * {s_column}];"
            )


def write_scatter(w: Writer, op: Scatter) -> None:
    """Write a scatter: threads share the columns, so that equal indices never meet."""
    source, target = op.source.buffer.dtype, op.target.buffer.dtype
    place = f"t[r * {op.target.strides[0]} + j * {op.target.strides[1]}]"
    value = convert(f"s[i * {op.source.strides[0]} + j * {op.source.strides[1]}]", source, target)
    with w.block():
        _row_pointers(w, op)
        low, high = w.bounds(op, 0, op.columns, 16)
        w.put(f"idx low = {low}, high = {high};")
        with w.loops([("i", "0", str(op.rows))]):
            _row(w, op, w.number(op))
            if op.add:
                value = arithmetic("+", [place, value], target)
            w.put("IVDEP")
            w.put(f"for (idx j = low; j < high; j++) {place} = {value};")
