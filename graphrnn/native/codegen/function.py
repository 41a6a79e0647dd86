"""Program → C: one function for the whole graph, run by all threads, with barriers between steps.

Every line of the graph stands as a comment above what became of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from math import prod

from graphrnn.native.codegen.c_types import c_type
from graphrnn.native.codegen.gemm import write_gemm
from graphrnn.native.codegen.kernel import write_kernel
from graphrnn.native.codegen.random import write_check, write_copy_generator, write_random_sample
from graphrnn.native.codegen.reductions import (
    write_argmax,
    write_gather,
    write_reduce,
    write_scatter,
    write_softmax,
)
from graphrnn.native.codegen.row_parallel import find_rows
from graphrnn.native.codegen.scalars import cost
from graphrnn.native.codegen.sort_cumulate import write_cumulate, write_flat_index, write_sort
from graphrnn.native.codegen.writer import Writer, part
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
    Kernel,
    Loop,
    Op,
    Program,
    Reduce,
    Ref,
    Scatter,
    Softmax,
    walk,
)
from graphrnn.native.ir.views import Buffer

PARALLEL_FROM = 20_000_000
"""Operations of arithmetic from which a call is worth a second thread."""


_BLOCK = 256  # KC of gemm.h


BEGINNING = "/* ── the graph ── */"

_WIDEST = 32  # NR of gemm.h, for float32 in vectors of 512 bits


def prelude() -> str:
    """Return the C that every generated file begins with."""
    folder = files("graphrnn.native.codegen")
    gemm = (folder / "gemm.h").read_text(encoding="utf-8")
    widths = (
        "#if defined(__AVX512F__)\n#define VECTOR_BYTES 64\n#define MR 12\n"
        "#elif defined(__AVX__)\n#define VECTOR_BYTES 32\n#define MR 6\n"
        "#else\n#define VECTOR_BYTES 16\n#define MR 6\n#endif\n"
    )
    kinds = "".join(
        f"#define REAL {real}\n#define NAME(x) x##_{dtype}\n{gemm}#undef REAL\n#undef NAME\n"
        for real, dtype in (("float", "float32"), ("double", "float64"))
    )
    runtime = "".join(
        (folder / name).read_text(encoding="utf-8") for name in ("runtime.h", "numbers.h")
    )
    return runtime + widths + kinds


def work(ops: Sequence[Op]) -> int:
    """Estimate the arithmetic of operations, a multiplication with an addition counting as two."""
    total = 0
    for op in ops:
        if isinstance(op, Loop):
            total += op.steps * work(op.body)
        elif isinstance(op, Gemm):
            total += 2 * op.m * op.n * op.k
        elif isinstance(op, Kernel):
            total += prod(op.lengths) * (1 + sum(cost(i.op, i.dtype) for i in op.instructions))
        else:
            total += sum(prod(lengths) for _, lengths in op.reads())
    return total


def _loop(w: Writer, op: Loop) -> None:
    """Write a loop; where rows are independent each thread runs its own through all steps."""
    outer_axes, outer_packed = w.axes, dict(w.packed)
    with w.block():
        if w.axes is None:
            w.axes = w.row_axes.get(op)
            if w.axes is not None:
                _pack_constants(w, op)
                low, high = part(op.rows or 0, 1)
                w.put(f"const idx row0 = {low}, row1 = {high};")
        repeated = (
            w.block(f"if ({_condition(w, op.when[0])} == {int(op.when[1])})")
            if op.when is not None
            else w.loops([(op.variable, "0", str(op.steps))])
        )
        with repeated:
            for name, start, slots in op.positions:
                w.put(f"const idx {name} = ({op.variable} + {start}) % {slots};")
            _write_all(w, op.body)
            if op.until is not None:
                w.put(f"if ({_condition(w, op.until)}) break;")
    w.axes, w.packed = outer_axes, outer_packed


def _condition(w: Writer, ref: Ref) -> str:
    """Read a scalar before any thread may change it again."""
    name = w.name()
    w.put(f"const int {name} = *({w.pointer(ref)}) != 0;")
    w.barrier()
    return name


def _pack_constants(w: Writer, loop: Loop) -> None:
    """Pack the matrices that a loop multiplies by at every step, once before it."""
    written = {ref.buffer for ref, _ in loop.writes()}
    packed = False
    for op in loop.body:
        if not isinstance(op, Gemm) or op.B.buffer in written or op.B.offset.terms:
            continue
        key = (op.B.buffer, op.B.offset, op.B.strides)
        assert w.axes is not None
        if w.axes[op] != 0 or key in w.packed or op.m < 4:
            continue
        kind, dtype = c_type(op.C.buffer.dtype), op.C.buffer.dtype
        at = w.packed_offsets[op]
        w.packed[key] = f"(arena + {at})"
        width = "(2 * VECTOR_BYTES / sizeof(" + kind + "))"
        w.put(f"const idx w{at} = {width};")
        w.put(
            f"const idx lo{at} = part({op.n}, w{at}, tid, nt), "
            f"hi{at} = part({op.n}, w{at}, tid + 1, nt);"
        )
        w.put(
            f"pack_{dtype}({op.k}, lo{at}, hi{at}, {w.pointer(op.B)}, {op.B.strides[0]}, "
            f"{op.B.strides[1]}, ({kind} *)(arena + {at}) + lo{at} * {op.k});"
        )
        packed = True
    if packed and w.threads:
        w.put("barrier(nt);")


_WRITERS = {
    Kernel: write_kernel,
    Gemm: write_gemm,
    Reduce: write_reduce,
    Softmax: write_softmax,
    ArgMax: write_argmax,
    Gather: write_gather,
    Scatter: write_scatter,
    FlatIndex: write_flat_index,
    CheckIndex: write_flat_index,
    Cumulate: write_cumulate,
    Sort: write_sort,
    RandomSample: write_random_sample,
    CopyGenerator: write_copy_generator,
    Check: write_check,
    Loop: _loop,
}


def _write_all(w: Writer, ops: Sequence[Op]) -> None:
    """Write operations one after the other."""
    for op in ops:
        w.put(f"/* {op.note} */")
        number = _start_clock(w, op)
        _WRITERS[type(op)](w, op)  # type: ignore[operator]
        w.barrier()
        if number is not None:
            w.put(f"if (!tid) graph_seconds[{number}] += seconds() - began{number};")


def _start_clock(w: Writer, op: Op) -> int | None:
    """Read the clock of the first thread before an operation, where operations are timed."""
    if w.timed is None:
        return None
    w.timed.append(op)
    number = len(w.timed) - 1
    w.put(f"const double began{number} = tid ? 0 : seconds();")
    return number


_CLOCK = """#include <time.h>
static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
"""


@dataclass(frozen=True)
class Source:
    """A generated C file, and what its function needs."""

    text: str
    scratch_bytes: int
    threaded: bool
    constants: list[Buffer]
    generators: list[Buffer]
    timed: list[Op]
    fallible: list[Op]  # by the numbers by which failures name them


def _generators(program: Program) -> list[Buffer]:
    """Return all generators, in order of appearance."""
    walked = [ref.buffer for op in walk(program.ops) for ref, _ in (*op.reads(), *op.writes())]
    every = [*program.inputs, *walked, *program.outputs]
    return list(dict.fromkeys(buffer for buffer in every if buffer.kind == "generator"))


def _slots(program: Program, generators: Sequence[Buffer]) -> dict[Buffer, str]:
    """Describe where each buffer that comes from outside is found."""
    slots = {buffer: f"in[{k}]" for k, buffer in enumerate(program.inputs)}
    slots |= {buffer: f"out[{k}]" for k, buffer in enumerate(program.outputs)}
    slots |= {buffer: f"constants[{k}]" for k, buffer in enumerate(program.constants)}
    return slots | {buffer: str(k) for k, buffer in enumerate(generators)}


def _plan_loops(w: Writer, program: Program) -> int:
    """Find the rows of each loop, and offsets for the matrices it packs; returns the arena."""
    arena = program.scratch
    for op in walk(program.ops):
        if isinstance(op, Loop):
            w.row_axes[op] = None if op.conditions() else find_rows(op)
            for inner in op.body:
                if isinstance(inner, Gemm):
                    w.packed_offsets[inner] = arena
                    arena += -(-(inner.n + _WIDEST) * inner.k * 8 // 64) * 64
    return arena


def _entry_points(arena: int, scratch: int, threads: int) -> list[str]:
    """Write the functions that are called from outside."""
    return [
        "void graph_constants(void **table);",
        "int graph_run(void **inputs, void **outputs, int threads);",
        "void graph_free(void);",
        "void graph_constants(void **table) { constants = table; }",
        "void graph_generators(void **states, void **functions, int (*copy)(int, int)) {",
        "    generators = states; draws = functions; copy_generator = copy;",
        "}",
        "int graph_run(void **inputs, void **outputs, int threads) {",
        "    pthread_mutex_lock(&busy);",
        f"    if (!arena) arena = pages_of({max(arena, 64)});",
        f"    if (!scratch) scratch = pages_of({max(scratch, 64)});",
        "    int result = 2;",
        "    if (arena && scratch) {",
        "        in = inputs; out = outputs; failed = 0;",
        f"        threads = MIN(threads, {threads});",
        "        if (threads > 1) run_threads(body, threads); else body(0, 1);",
        "        result = failed;",
        "    }",
        "    pthread_mutex_unlock(&busy);",
        "    return result;",
        "}",
        "void graph_free(void) {",
        f"    if (arena) munmap(arena, {max(arena, 64)});",
        f"    if (scratch) munmap(scratch, {max(scratch, 64)});",
        "    arena = scratch = NULL;",
        "}\n",
    ]


def emit(program: Program, max_threads: int, *, timed: bool = False) -> Source:
    """Write a whole program as C.

    `graph_run(inputs, outputs, threads)` gives 0, or the number of what went wrong first, of which
    `graph_failure` says more. With `timed`, `graph_seconds` sums up the time of each operation.
    """
    threaded = max_threads > 1 and work(program.ops) >= PARALLEL_FROM
    threads = max_threads if threaded else 1
    generators = _generators(program)
    gemms = [op for op in walk(program.ops) if isinstance(op, Gemm)]
    scratch = max((_BLOCK * (op.n + _WIDEST + 12) * 8 for op in gemms), default=0)
    w = Writer(program.offsets, _slots(program, generators), scratch, threaded)
    w.timed = [] if timed else None
    arena = _plan_loops(w, program)
    _write_all(w, program.ops)
    text = "\n".join([
        prelude() + BEGINNING,
        "static void **in, **out, **constants, **generators, **draws;",
        "static int (*copy_generator)(int to, int from);",
        "static char *arena, *scratch;",
        *([f"{_CLOCK}double graph_seconds[{max(1, len(w.timed or ()))}];"] if timed else []),
        "static void body(int tid, int nt) {\n    (void)tid; (void)nt;",
        *w.declarations(),
        *w.lines,
        "}",
        *_entry_points(arena, threads * scratch, threads),
    ])  # fmt: skip
    peak = arena + threads * scratch
    constants, timings = program.constants, w.timed or []
    return Source(text, peak, threaded, constants, generators, timings, w.fallible)
