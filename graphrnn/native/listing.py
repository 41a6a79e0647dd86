"""Shows the stages: the program as readable lines, and the C of one's own graph.

The program's lines are meant to be read beside the listing of the graph: each operation stands
with what it writes and reads, and below it the lines of the graph that it came from.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod
from typing import Any

from graphrnn.native.codegen.function import BEGINNING
from graphrnn.native.ir.buffer_assignment import live_ranges
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
    Instruction,
    Kernel,
    Loop,
    Op,
    Program,
    Reduce,
    Ref,
    Scatter,
    Softmax,
)
from graphrnn.native.ir.scalars import ScalarOp
from graphrnn.native.ir.views import Buffer
from graphrnn.native.pipeline import lower_graph
from graphrnn.native.runtime.function import NativeFunction
from graphrnn.native.specialised import Specialised, behind, native_of

import numpy as np
from aesara.graph.fg import FunctionGraph


def native_function(function: Any) -> NativeFunction:
    """Return the native function behind an Aesara function.

    Raises:
        TypeError: it was not compiled by this backend.
    """
    inner = native_of(function)
    if inner is None and isinstance(behind(function), Specialised):
        raise TypeError(
            f"{function}: is compiled at its first call, for its lengths; call it first"
        )
    if inner is None:
        raise TypeError(f"{function}: got a function of another backend, needed one of native_mode")
    return inner


def c_source(function: Any) -> str:
    """Return the C of a function's own graph, without the mathematics and threads before it.

    Raises:
        TypeError: it was not compiled by this backend.

    Example:
        >>> import aesara, aesara.tensor as at
        >>> from graphrnn.native.linker import native_mode
        >>> x = at.TensorType("float64", (3,))("x")
        >>> text = c_source(aesara.function([x], x * 2, mode=native_mode(threads=1)))
        >>> "double *const x_in0 = (double *)in[0]; /* x (3) */" in text
        True
    """
    return native_function(function).source.text.partition(BEGINNING)[2].lstrip("\n")


def program_text(what: Any) -> str:
    """Write the program of a compiled function, or of a rewritten graph, as readable lines.

    Raises:
        TypeError: a function that was not compiled by this backend.
        Unsupported: a graph that this backend does not cover.
    """
    if isinstance(what, FunctionGraph):
        program, extra = lower_graph(what), 0
    else:
        function = native_function(what)
        program = function.program
        extra = function.peak_bytes - program.scratch
    lines = _buffers(program)
    total = f"peak: {program.scratch:,} bytes of temporaries"
    if extra > 0:
        total += f", {extra:,} bytes for packed matrices"
    lines += [total, "", "program"]
    _operations(program.ops, lines, "  ", ())
    return "\n".join(lines) + "\n"


def _buffers(program: Program) -> list[str]:
    """List all memory: what comes from outside, and for each temporary where and how long."""
    lines = []
    for title, buffers in (
        ("inputs", program.inputs),
        ("outputs", program.outputs),
        ("constants", program.constants),
    ):
        if buffers:
            lines += [title, *(f"  {_about(buffer)}" for buffer in buffers)]
    ranges = live_ranges(program.ops)
    if program.offsets:
        lines.append("temporaries")
    for buffer in sorted(program.offsets, key=lambda b: (ranges[b], b.name)):
        first, last = ranges[buffer]
        lines.append(f"  {_about(buffer)} at {program.offsets[buffer]:,}, live {first} to {last}")
    return lines


def _about(buffer: Buffer) -> str:
    """Write a buffer: name, dtype, shape, bytes; for a single number its value."""
    shape = f"({', '.join(map(str, buffer.shape))})" if buffer.shape else f"[{buffer.size}]"
    text = f"{buffer.symbol:<14} {buffer.dtype} {shape:<12} {buffer.nbytes:,} bytes"
    if buffer.data is not None and np.size(buffer.data) == 1:
        text += f" = {np.asarray(buffer.data).flat[0]}"
    return text


def _operations(ops: Sequence[Op], lines: list[str], indent: str, at: tuple[int, ...]) -> None:
    """Write operations, numbered as live ranges count them; bodies are indented."""
    for k, op in enumerate(ops):
        number = ".".join(map(str, (*at, k)))
        if isinstance(op, Loop):
            rows = f", {op.rows} independent rows" if op.rows else ""
            lines.append(f"{indent}{number} for {op.variable} in {op.steps} steps{rows}")
            lines += [f"{indent}    {n} = ({op.variable} + {s}) % {m}" for n, s, m in op.positions]
        else:
            first, *rest = _WRITERS.get(type(op), _other)(op)
            lines += [f"{indent}{number} {first}", *(f"{indent}    {line}" for line in rest)]
        lines += [f"{indent}    · {note}" for note in op.note.split(" | ")]
        if isinstance(op, Loop):
            _operations(op.body, lines, indent + "    ", (*at, k))


def _kernel(op: Kernel) -> list[str]:
    """Write elementwise work: the scalar operations of each store; values used again get a name.

    The names are those that they have in C.
    """
    used = Counter(a for i in op.instructions for a in i.arguments)
    used.update(value for _, value in op.stores)
    n = len(op.loads)
    text = [_loaded(ref, op.lengths) for ref in op.loads]
    lines = []
    for k, instruction in enumerate(op.instructions, n):
        text.append(_scalar(instruction, [text[a] for a in instruction.arguments]))
        if used[k] > 1 and instruction.arguments:
            lines.append(f"x{k} = {text[k]}")
            text[k] = f"x{k}"
    lines += [f"{_ref(ref, op.lengths)} <- {text[value]}" for ref, value in op.stores]
    head = f"kernel {_shape(op.lengths)}"
    return [f"{head}: {lines[0]}"] if len(lines) == 1 else [head, *lines]


def _scalar(instruction: Instruction, arguments: Sequence[str]) -> str:
    """Write one scalar operation: `add(a, b)`; a number alone; a cast with its dtype."""
    if instruction.op is ScalarOp.CONSTANT:
        return str(instruction.immediate)
    more = [instruction.dtype] if instruction.op is ScalarOp.CAST else []
    return f"{instruction.op.value}({', '.join([*arguments, *more])})"


def _loaded(ref: Ref, lengths: Sequence[int]) -> str:
    """Write what a kernel loads: memory, a row of a table, or a number."""
    if ref.buffer.data is not None and np.size(ref.buffer.data) == 1:
        return str(np.asarray(ref.buffer.data).flat[0])
    if ref.lookup is None:
        return _ref(ref, lengths)
    return f"{_ref(replace(ref, lookup=None), lengths)} at row {_ref(ref.lookup.index, lengths)}"


def _product(op: Gemm) -> list[str]:
    """Write a product of matrices."""
    targets, sources = _ends(op)
    shapes = f"({op.m}, {op.k}) ({op.k}, {op.n})"
    return [f"product {shapes}: {targets} <- {' . '.join(sources)}"]


def _reduction(op: Reduce) -> list[str]:
    """Write a reduction: what is reduced over which lengths."""
    targets, sources = _ends(op)
    over = f"{op.kind} over {_shape(op.inner)} of {_shape(op.outer)}"
    return [f"{over}: {targets} <- {', '.join(sources)}"]


_NAMES: dict[type[Op], str] = {
    ArgMax: "argmax",
    Softmax: "softmax",
    Gather: "gather",
    Scatter: "scatter",
    FlatIndex: "flat index",
    CheckIndex: "check index",
    Cumulate: "cumulate",
    Sort: "sort",
    RandomSample: "random sample",
    CopyGenerator: "copy generator",
    Check: "check",
}


def _other(op: Op) -> list[str]:
    """Write an operation by its name, what it writes and what it reads."""
    targets, sources = _ends(op)
    return [f"{_NAMES[type(op)]}: {targets} <- {', '.join(sources)}"]


_WRITERS: dict[type[Op], Callable[[Any], list[str]]] = {
    Kernel: _kernel,
    Gemm: _product,
    Reduce: _reduction,
}


def _ends(op: Op) -> tuple[str, list[str]]:
    """Write what an operation writes, and what it reads."""
    sources = [_ref(ref, lengths) for ref, lengths in op.reads()]
    return ", ".join(_ref(ref, lengths) for ref, lengths in op.writes()), sources


def _shape(lengths: Sequence[int]) -> str:
    """Write lengths as Python writes a tuple."""
    return str(tuple(lengths))


def _ref(ref: Ref, lengths: Sequence[int]) -> str:
    """Write memory as it is walked: its name, where it begins, strides where not in C order.

    Example:
        >>> from graphrnn.native.ir.views import Offset
        >>> W = Buffer("in1", "float32", 6, "input", label="W")
        >>> _ref(Ref(W, Offset(), (3, 1)), (2, 3)), _ref(Ref(W, Offset(1), (1, 2)), (2, 3))
        ('W_in1', 'W_in1[1] strides (1, 2)')
    """
    terms = [f"{variable} * {stride}" for stride, variable in ref.offset.terms]
    if ref.offset.constant:
        terms.append(str(ref.offset.constant))
    text = ref.buffer.symbol + (f"[{' + '.join(terms)}]" if terms else "")
    usual = tuple(prod(lengths[k + 1 :]) for k in range(len(lengths)))
    walked = [(s, u) for s, u, n in zip(ref.strides, usual, lengths, strict=True) if n > 1]
    if any(s != u for s, u in walked):
        text += f" strides {_shape(ref.strides)}"
    return text
