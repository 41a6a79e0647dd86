"""Shows the stages: the program as readable lines, and the C of one's own graph.

The program's lines are meant to be read beside the listing of the graph: each operation stands
with what it writes and reads, and below it the lines of the graph that it came from.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

from graphrnn.native.codegen.function import BEGINNING
from graphrnn.native.ir.buffer_assignment import lives, place
from graphrnn.native.ir.program import Gemm, Kernel, Loop, Op, Program, Reduce, Ref
from graphrnn.native.ir.views import Buffer
from graphrnn.native.pipeline import lower_graph
from graphrnn.native.runtime.function import NativeFunction

import numpy as np
from aesara.graph.fg import FunctionGraph


def native_function(function: Any) -> NativeFunction:
    """Give the native function behind an Aesara function.

    Raises:
        TypeError: it was not compiled by this backend.
    """
    inner = getattr(getattr(function, "vm", None), "jit_fn", function)
    if not isinstance(inner, NativeFunction):
        raise TypeError(f"{function}: got a function of another backend, needed one of native_mode")
    return inner


def c_source(function: Any) -> str:
    """Give the C of a function's own graph, without the mathematics and threads before it.

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
        places = place(program)
    else:
        function = native_function(what)
        program = function.program
        places = place(program)
        extra = function.peak_bytes - program.scratch
    lines = _buffers(program, places)
    total = f"peak: {program.scratch:,} bytes of temporaries"
    if extra > 0:
        total += f", {extra:,} bytes for packed matrices"
    lines += [total, "", "program"]
    _operations(program.ops, lines, "  ", ())
    return "\n".join(lines) + "\n"


def _buffers(program: Program, places: dict[Buffer, int]) -> list[str]:
    """List all memory: what comes from outside, and for each temporary where and how long."""
    lines = []
    for title, buffers in (
        ("inputs", program.inputs),
        ("outputs", program.outputs),
        ("constants", program.constants),
    ):
        if buffers:
            lines += [title, *(f"  {_about(buffer)}" for buffer in buffers)]
    life = lives(program.ops)
    if places:
        lines.append("temporaries")
    for buffer in sorted(places, key=lambda b: (life[b], b.name)):
        first, last = life[buffer]
        lines.append(f"  {_about(buffer)} at {places[buffer]:,}, lives {first} to {last}")
    return lines


def _about(buffer: Buffer) -> str:
    """Write a buffer: name, dtype, shape, bytes; for a single number its value."""
    shape = f"({', '.join(map(str, buffer.shape))})" if buffer.shape else f"[{buffer.size}]"
    text = f"{buffer.symbol:<14} {buffer.dtype} {shape:<12} {buffer.nbytes:,} bytes"
    if buffer.data is not None and np.size(buffer.data) == 1:
        text += f" = {np.asarray(buffer.data).flat[0]}"
    return text


def _operations(ops: Sequence[Op], lines: list[str], indent: str, at: tuple[int, ...]) -> None:
    """Write operations, numbered as the lives of temporaries count them; bodies are indented."""
    for k, op in enumerate(ops):
        number = ".".join(map(str, (*at, k)))
        if isinstance(op, Loop):
            rows = f", {op.rows} independent rows" if op.rows else ""
            lines.append(f"{indent}{number} for {op.variable} in {op.steps} steps{rows}")
            lines += [f"{indent}    {n} = ({op.variable} + {s}) % {m}" for n, s, m in op.positions]
        else:
            lines.append(f"{indent}{number} {_line(op)}")
        lines += [f"{indent}    · {note}" for note in op.note.split(" | ")]
        if isinstance(op, Loop):
            _operations(op.body, lines, indent + "    ", (*at, k))


def _line(op: Op) -> str:
    """Write what an operation does: kind, what it writes, what it reads."""
    targets = ", ".join(_ref(ref, lengths) for ref, lengths in op.writes())
    if isinstance(op, Kernel):
        sources = [_ref(ref, lengths) for ref, lengths in op.reads() if not _is_number(ref)]
        steps = f" by {len(op.instructions)} instructions" if op.instructions else ""
        return f"kernel {_shape(op.lengths)}: {targets} <- {', '.join(sources) or 'numbers'}{steps}"
    sources = [_ref(ref, lengths) for ref, lengths in op.reads()]
    if isinstance(op, Gemm):
        return f"product ({op.m}, {op.k}) ({op.k}, {op.n}): {targets} <- {' . '.join(sources)}"
    if isinstance(op, Reduce):
        over = f"{op.kind} over {_shape(op.inner)} of {_shape(op.outer)}"
        return f"{over}: {targets} <- {', '.join(sources)}"
    return f"{type(op).__name__.lower()}: {targets} <- {', '.join(sources)}"


def _is_number(ref: Ref) -> bool:
    """Say whether a ref reads one constant number."""
    return ref.buffer.data is not None and np.size(ref.buffer.data) == 1


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
