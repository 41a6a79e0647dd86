"""Programs made by hand, for tests that need neither a graph nor a compiler."""

from graphrnn.native.codegen.function import emit
from graphrnn.native.ir.buffer_assignment import assign_buffers
from graphrnn.native.ir.program import Instruction, Kernel, Program, Ref
from graphrnn.native.ir.scalars import ScalarOp
from graphrnn.native.ir.verifier import verify
from graphrnn.native.ir.views import Buffer, Offset
from graphrnn.native.pipeline import lower_graph

from aesara.graph.fg import FunctionGraph


def buffer(name, size=8, kind="temp", dtype="float32"):
    return Buffer(name, dtype, size, kind)


def ref(memory, *strides, start=0, terms=()):
    return Ref(memory, Offset(start, terms), strides)


def row(memory, start=0):
    """Walk memory from end to end."""
    return ref(memory, 1, start=start)


def kernel(loads, op, *stores, lengths=(8,), dtype="float32"):
    """Apply one scalar operation to all loads; None copies."""
    code = [] if op is None else [Instruction(op, tuple(range(len(loads))), dtype)]
    made = Kernel(
        lengths, list(loads), code, [(store, len(loads) + len(code) - 1) for store in stores]
    )
    made.note = op.value if op else "copy"
    return made


def add(a, b, out, lengths=(8,)):
    return kernel([a, b], ScalarOp.ADD, out, lengths=lengths)


def copy(source, target, lengths=(8,)):
    return kernel([source], None, target, lengths=lengths)


def program(ops, inputs, outputs):
    """Make a program and verify it."""
    made = Program(
        ops, inputs, outputs, [], [(b.size,) for b in inputs], [(b.size,) for b in outputs]
    )
    verify(made)
    return made


def c_of(ops, inputs, outputs, threads=1):
    """Write the C of a program's body."""
    made = program(ops, inputs, outputs)
    assign_buffers(made)
    return emit(made, threads).text.partition("static void body")[2]


def lowered(inputs, outputs):
    """Lower a graph as it is written, without rewriting or compiling it."""
    return lower_graph(FunctionGraph(list(inputs), list(outputs), clone=True))
