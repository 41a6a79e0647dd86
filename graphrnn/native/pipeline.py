"""Graph → program: lower, verify, run the passes, verify."""

from collections.abc import Sequence
from typing import Any

from graphrnn.native.codegen.scalars import cost
from graphrnn.native.ir import views as v
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
from graphrnn.native.passes.order import optimize

import numpy as np
from aesara.graph.fg import FunctionGraph
from aesara.graph.rewriting.db import RewriteDatabaseQuery
from aesara.tensor.random.type import RandomGeneratorType
from aesara.tensor.type import TensorType


def lower_graph(
    fgraph: FunctionGraph,
    values: Sequence[Any] = (),
    asked: RewriteDatabaseQuery | None = None,
) -> Program:
    """Lower a rewritten graph to an optimized program.

    `values` stands in for inputs whose type does not say their shape (shared variables); `asked`
    says which rewrites the bodies of loops get.

    Raises:
        Unsupported: an operation, dtype or shape is not covered.
        LoweringError: anything else went wrong.
    """
    low = Lowering(asked=asked)
    with failures(low.where):
        return _lowered(low, fgraph, values)


def _lowered(low: Lowering, fgraph: FunctionGraph, values: Sequence[Any]) -> Program:
    """Lower a graph; see `lower_graph`."""
    inputs: list[v.Buffer] = []
    outputs: list[v.Buffer] = []
    in_shapes: list[tuple[int, ...]] = []
    out_shapes: list[tuple[int, ...]] = []
    for k, variable in enumerate(fgraph.inputs):
        if isinstance(variable.type, RandomGeneratorType):
            buffer = low.buffer("uint64", 1, "generator")
            low.views[variable] = v.View(buffer, ())
            inputs.append(buffer)
            in_shapes.append(())
            continue
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
        inputs.append(buffer)
        in_shapes.append(tuple(shape))
    low.lower(fgraph, fgraph.toposort())
    updates = getattr(fgraph, "update_mapping", None) or {}
    for k, variable in enumerate(fgraph.outputs):
        view = low.view(variable)
        if isinstance(variable.type, RandomGeneratorType):
            outputs.append(view.buffer)
            out_shapes.append(())
            continue
        low.note, low.node = f"result {variable}", variable.owner
        # As in stock Aesara, a result may be of a wider dtype than its type says; a shared one not.
        dtype = variable.dtype if k in updates else view.dtype
        buffer = low.buffer(dtype, view.size, "output")
        buffer.label, buffer.shape = variable.name or "", view.shape
        outputs.append(buffer)
        target = contiguous(buffer, view.shape)
        out_shapes.append(view.shape)
        low.copy(view, target)
    low.note, low.node = "the program", None
    program = Program(low.ops, inputs, outputs, low.constants, in_shapes, out_shapes)
    program.checks, program.bodies = low.checks, low.bodies
    verify(program)
    optimize(program, cost)
    verify(program)
    return program
