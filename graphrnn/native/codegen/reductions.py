"""Products, reductions and row operations as C."""

from collections.abc import Sequence

from graphrnn.native.codegen.sort_cumulate import write_checked
from graphrnn.native.codegen.writer import Writer, subscript
from graphrnn.native.ir.c_types import arithmetic, c_type, convert
from graphrnn.native.ir.program import ArgMax, Gather, Reduce, Scatter, Softmax

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
    """Give the kept axis along which the source lies in memory, where the reduced ones do not."""
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
    blocks = op.kind == "sum" and op.accumulator.startswith("float")
    width = f"MIN({_COLUMNS}, high - c)"
    lanes = f"for (idx l = 0; l < {_COLUMNS}; l++)"
    w.open("")
    w.put(f"{source} *s0 = {w.pointer(op.source)};")
    w.put(f"{out} *t0 = {w.pointer(op.target)};")
    low, high = "0", str(op.outer[column])
    if w.axes is None and w.threads:
        low, high = f"part({high}, 16, tid, nt)", f"part({high}, 16, tid + 1, nt)"
    w.put(f"const idx low = {low}, high = {high};")
    for k in rest:
        inside = w.axes is not None and w.axes[op] == k
        low, high = ("row0", "row1") if inside else ("0", str(op.outer[k]))
        w.open(f"for (idx i{k} = {low}; i{k} < {high}; i{k}++)")
    w.open(f"for (idx c = low; c < high; c += {_COLUMNS})")
    outer = [f"i{k}" if k != column else "c" for k in range(n)]
    w.put(f"const {source} *s = s0 + {subscript(op.source.strides[:n], outer)};")
    w.put(f"const idx width = {width};")
    w.put(f"{kind} r[{_COLUMNS}], block[{_COLUMNS}];")
    start = "s[l < width ? l : 0]" if _START[op.kind] == "*s" else _START[op.kind]
    w.put(f"{lanes} {{ r[l] = {start}; block[l] = 0; }}")
    w.put("int rows = 0;" if blocks else "(void)block;")
    for k, length in enumerate(op.inner):
        w.open(f"for (idx j{k} = 0; j{k} < {length}; j{k}++)")
    w.put(f"const {source} *y = s + {subscript(op.source.strides[n:], _inner(op))};")
    join = _join(op.kind, "block[l]" if blocks else "r[l]", f"({kind})y[l]", op.accumulator)
    w.put(f"if (width == {_COLUMNS}) {lanes} {{ {join} }}")
    w.put(f"else for (idx l = 0; l < width; l++) {{ {join} }}")
    if blocks:
        w.put(f"if (++rows % 128 == 0) {lanes} {{ r[l] += block[l]; block[l] = 0; }}")
    for _ in op.inner:
        w.close()
    total = "r[l] + block[l]" if blocks else "r[l]"
    place = f"{subscript(op.target.strides, outer)} + l * {op.target.strides[column]}"
    w.put(f"for (idx l = 0; l < width; l++) t0[{place}] = ({out})({total});")
    w.close()
    for _ in rest:
        w.close()
    w.close()


def _inner(op: Reduce) -> list[str]:
    """Name the indices of the reduced loops."""
    return [f"j{k}" for k in range(len(op.inner))]


def _reduce_rows(w: Writer, op: Reduce) -> None:
    """Reduce each row by itself; a sum runs in lanes, so that it is quick and loses little."""
    kind, out = c_type(op.accumulator), c_type(op.target.buffer.dtype)
    start, join = _START[op.kind], _join(op.kind, "r", "y", op.accumulator)
    w.open("")
    w.put(f"{c_type(op.source.buffer.dtype)} *s0 = {w.pointer(op.source)};")
    w.put(f"{out} *t0 = {w.pointer(op.target)};")
    n = len(op.outer)
    for k, length in enumerate(op.outer):
        low, high = w.bounds(op, k, length)
        w.open(f"for (idx i{k} = {low}; i{k} < {high}; i{k}++)")
    if not op.outer and w.threads and w.axes is None:
        w.open("if (tid == 0)")
    outer = [f"i{k}" for k in range(n)]
    w.put(f"{c_type(op.source.buffer.dtype)} *s = s0 + {subscript(op.source.strides[:n], outer)};")
    lanes = (
        op.kind == "sum"
        and op.accumulator.startswith("float")
        and op.inner[-1:]
        and op.inner[-1] >= _LANES
    )
    if lanes:
        w.put(f"{kind} lane[{_LANES}] = {{0}};")
    w.put(f"{kind} r = {start};")
    for k, length in enumerate(op.inner[:-1] if lanes else op.inner):
        w.open(f"for (idx j{k} = 0; j{k} < {length}; j{k}++)")
    inner, strides = _inner(op), op.source.strides[n:]
    if lanes:
        last, k = op.inner[-1], len(op.inner) - 1
        head = subscript(strides[:-1], inner[:-1])
        w.put(f"idx j{k} = 0;")
        w.put(f"for (; j{k} + {_LANES} <= {last}; j{k} += {_LANES})")
        element = f"s[{head} + (j{k} + l) * {strides[-1]}]"
        w.put(f"    for (int l = 0; l < {_LANES}; l++) lane[l] += {element};")
        w.put(f"for (; j{k} < {last}; j{k}++) r += s[{head} + j{k} * {strides[-1]}];")
    else:
        value = convert(f"s[{subscript(strides, inner)}]", op.source.buffer.dtype, op.accumulator)
        w.put(f"{kind} y = {value};")
        w.put(join)
    for _ in op.inner[:-1] if lanes else op.inner:
        w.close()
    if lanes:
        halves = f"for (int h = {_LANES // 2}; h; h >>= 1)"
        w.put(f"{halves} for (int l = 0; l < h; l++) lane[l] += lane[l + h];")
        w.put("r += lane[0];")
    value = convert("r", op.accumulator, op.target.buffer.dtype)
    w.put(f"t0[{subscript(op.target.strides, outer)}] = {value};")
    for _ in op.outer or ([0] if w.threads and w.axes is None else []):
        w.close()
    w.close()


def _rowwise(w: Writer, op: Softmax | ArgMax, body: Sequence[str]) -> None:
    """Write a loop over rows around some lines; in them s and t are the row's beginnings."""
    kind, out = c_type(op.source.buffer.dtype), c_type(op.target.buffer.dtype)
    n = len(op.outer)
    w.open("")
    w.put(f"{kind} *s0 = {w.pointer(op.source)};")
    w.put(f"{out} *t0 = {w.pointer(op.target)};")
    for k, length in enumerate(op.outer):
        low, high = w.bounds(op, k, length)
        w.open(f"for (idx i{k} = {low}; i{k} < {high}; i{k}++)")
    if not op.outer and w.threads and w.axes is None:
        w.open("if (tid == 0)")
    outer = [f"i{k}" for k in range(n)]
    w.put(f"{kind} *s = s0 + {subscript(op.source.strides[:n], outer)};")
    w.put(f"{out} *t = t0 + {subscript(op.target.strides[:n], outer)};")
    for line in body:
        w.put(line)
    for _ in op.outer or ([0] if w.threads and w.axes is None else []):
        w.close()
    w.close()


def write_softmax(w: Writer, op: Softmax) -> None:
    """Write a softmax: the largest is taken off first, so that nothing overflows."""
    kind = c_type(op.source.buffer.dtype)
    exp, log = ("g_expf", "logf") if kind == "float" else ("exp", "log")
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
    found = [*_largest(op.length, a, c_type(op.source.buffer.dtype)), "idx best = 0;"]
    found += [f"while (s[best * {a}] != m && s[best * {a}] == s[best * {a}]) best++;"]
    found += ["*t = best;"]
    if op.largest is not None:
        place = subscript(op.largest.strides, [f"i{k}" for k in range(len(op.outer))])
        found += [f"({w.pointer(op.largest)})[{place}] = m;"]
    _rowwise(w, op, found)


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


def write_gather(w: Writer, op: Gather) -> None:
    """Write a gather of rows."""
    w.open("")
    w.put(f"{c_type(op.source.buffer.dtype)} *s = {w.pointer(op.source)};")
    w.put(f"{c_type(op.index.buffer.dtype)} *at = {w.pointer(op.index)};")
    w.put(f"{c_type(op.target.buffer.dtype)} *t = {w.pointer(op.target)};")
    low, high = w.bounds(op, 0, op.rows)
    w.open(f"for (idx i = {low}; i < {high}; i++)")
    _row(w, op, w.number(op))
    w.put(
        f"for (idx j = 0; j < {op.columns}; j++) t[i * {op.target.strides[0]} + j * "
        f"{op.target.strides[1]}] = s[r * {op.source.strides[0]} + j * {op.source.strides[1]}];"
    )
    w.close()
    w.close()


def write_scatter(w: Writer, op: Scatter) -> None:
    """Write a scatter: threads share the columns, so that equal indices never meet."""
    w.open("")
    w.put(f"{c_type(op.source.buffer.dtype)} *s = {w.pointer(op.source)};")
    w.put(f"{c_type(op.index.buffer.dtype)} *at = {w.pointer(op.index)};")
    w.put(f"{c_type(op.target.buffer.dtype)} *t = {w.pointer(op.target)};")
    low, high = w.bounds(op, 0, op.columns, 16)
    w.put(f"idx low = {low}, high = {high};")
    w.open(f"for (idx i = 0; i < {op.rows}; i++)")
    _row(w, op, w.number(op))
    place = f"t[r * {op.target.strides[0]} + j * {op.target.strides[1]}]"
    value = convert(
        f"s[i * {op.source.strides[0]} + j * {op.source.strides[1]}]",
        op.source.buffer.dtype,
        op.target.buffer.dtype,
    )
    if op.add:
        value = arithmetic("+", [place, value], op.target.buffer.dtype)
    w.put("IVDEP")
    w.put(f"for (idx j = low; j < high; j++) {place} = {value};")
    w.close()
    w.close()
