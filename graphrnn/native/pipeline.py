"""Graph → C: lower, verify, run the passes, assign buffers, emit; written once for all who need it.

lower_graph   graph → program: all but the C
generate      graph → program and C
"""

from collections.abc import Mapping, Sequence
from typing import Any

from graphrnn.native.codegen.function import Source, emit
from graphrnn.native.codegen.scalars import cost
from graphrnn.native.ir import views as v
from graphrnn.native.ir.buffer_assignment import assign_buffers
from graphrnn.native.ir.program import Program
from graphrnn.native.ir.verifier import verify
from graphrnn.native.ir.views import Unsupported, contiguous
from graphrnn.native.lowering import (  # noqa: F401
    ifelse,
    index_ops,
    math_ops,
    random_ops,
    row_ops,
    scan,
    shape_ops,
)
from graphrnn.native.lowering.lowering import Lowering, failures
from graphrnn.native.passes.order import optimize, updates_last

import numpy as np
from aesara.graph.fg import FunctionGraph
from aesara.graph.rewriting.db import RewriteDatabaseQuery
from aesara.tensor.random.type import RandomGeneratorType
from aesara.tensor.type import TensorType

Updated = Mapping[int, int]
"""Which input each updated output becomes."""

Known = Mapping[int, Any]
"""Values of inputs that a program is made for, by the number of the input."""


def generate(
    fgraph: FunctionGraph,
    values: Sequence[Any] = (),
    rewrites: RewriteDatabaseQuery | None = None,
    *,
    threads: int = 1,
    updated: Updated | None = None,
    known: Known | None = None,
    timed: bool = False,
) -> tuple[Program, Source]:
    """Lower a rewritten graph and write its C, for at most so many threads; see `lower_graph`.

    With `timed` the C holds a clock around each operation.
    """
    program = lower_graph(fgraph, values, rewrites, updated=updated, known=known)
    with failures(lambda: "the C of the program"):
        return program, emit(program, threads, timed=timed)


def lower_graph(
    fgraph: FunctionGraph,
    values: Sequence[Any] = (),
    rewrites: RewriteDatabaseQuery | None = None,
    *,
    updated: Updated | None = None,
    known: Known | None = None,
) -> Program:
    """Lower a rewritten graph to an optimized program whose temporaries have their offsets.

    `values` stands in for inputs whose type does not say their shape (shared variables); `rewrites`
    are those of the bodies of loops; outputs that are `updated` overwrite their input where no one
    reads it afterwards; `known` are values of inputs that decide a length.

    Raises:
        Unsupported: an operation, dtype or shape is not covered.
        LoweringError: anything else went wrong.
    """
    low = Lowering(rewrites=rewrites)
    low.known |= {fgraph.inputs[k]: value for k, value in (known or {}).items()}
    with failures(low.where):
        program = _lowered(low, fgraph, values)
        verify(program)
        optimize(program, cost)
        program.in_place = updates_last(program, updated or {})
        verify(program)
        assign_buffers(program)
        return program


def _lowered(low: Lowering, fgraph: FunctionGraph, values: Sequence[Any]) -> Program:
    """Lower a graph as it stands."""
    inputs = [_input(low, variable, k, values) for k, variable in enumerate(fgraph.inputs)]
    in_shapes = [low.views[variable].shape for variable in fgraph.inputs]
    low.lower(fgraph, fgraph.toposort())
    updates = getattr(fgraph, "update_mapping", None) or {}
    outputs = [_output(low, out, shared=k in updates) for k, out in enumerate(fgraph.outputs)]
    low.note, low.node = "the program", None
    buffers, out_shapes = [view.buffer for view in outputs], [view.shape for view in outputs]
    program = Program(low.ops, inputs, buffers, low.constants, in_shapes, out_shapes)
    program.checks, program.bodies = low.checks, low.bodies
    return program


def _input(low: Lowering, variable: Any, k: int, values: Sequence[Any]) -> v.Buffer:
    """Build the buffer of an input, and view it."""
    if isinstance(variable.type, RandomGeneratorType):
        buffer = low.buffer("uint64", 1, "generator")
        low.views[variable] = v.View(buffer, ())
        return buffer
    if not isinstance(variable.type, TensorType):
        raise Unsupported(f"input {variable} of type {variable.type}")
    shape = variable.type.shape
    if None in shape:
        value = values[k] if k < len(values) else None
        if not isinstance(value, np.ndarray):
            raise Unsupported(f"input {variable}: its shape {shape} is not static")
        shape = value.shape
    buffer = low.buffer(variable.dtype, int(np.prod(shape, dtype=np.int64)), "input")
    buffer.label, buffer.shape = variable.name or "", tuple(shape)
    low.views[variable] = contiguous(buffer, shape)
    return buffer


def _output(low: Lowering, variable: Any, *, shared: bool) -> v.View:
    """Copy a result into a buffer of its own; a generator is handed on.

    As in stock Aesara, a result may be of a wider dtype than its type says; a shared one not.
    """
    view = low.view(variable)
    if isinstance(variable.type, RandomGeneratorType):
        return v.View(view.buffer, ())
    low.note, low.node = f"result {variable}", variable.owner
    buffer = low.buffer(variable.dtype if shared else view.dtype, view.size, "output")
    buffer.label, buffer.shape = variable.name or "", view.shape
    target = contiguous(buffer, view.shape)
    low.copy(view, target)
    return target
