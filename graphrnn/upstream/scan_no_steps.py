"""The shapes of the results that a loop of no steps collects, which Aesara sets to (0, 0, …).

Aesara's Python and its C both learn these shapes from the first step. Importing this module wraps
`Scan.make_thunk` and `Scan.perform`: without a step, lengths are inferred from the graph of a step,
and those that depend on computed values raise an error.
"""

from collections.abc import Sequence
from typing import Any

import aesara
import aesara.tensor as at
import numpy as np
from aesara.compile.builders import infer_shape
from aesara.compile.mode import Mode
from aesara.graph.basic import Variable
from aesara.scan.op import Scan
from aesara.tensor.type import TensorType

stock_make_thunk, stock_perform = Scan.make_thunk, Scan.perform


def collected(op: Scan) -> slice:
    """Return the range of a loop's results that are collected and have no initial value."""
    return slice(op.n_outs, op.n_outs + op.info.n_nit_sot)


def as_a_step_sees(op: Scan, values: Sequence[Any], fill: int) -> list[Any]:
    """Return the inputs of a step: sequences and states filled with `fill`, the rest as given."""
    info = op.info
    states = [
        (value, taps)
        for values_of, slices in (
            (op.outer_mitmot(values), info.mit_mot_in_slices),
            (op.outer_mitsot(values), info.mit_sot_in_slices),
            (op.outer_sitsot(values), info.sit_sot_in_slices),
        )
        for value, taps in zip(values_of, slices, strict=True)
    ]
    moving = [*op.outer_seqs(values), *(value for value, taps in states for _ in taps)]
    fixed = [*op.outer_shared(values), *op.outer_non_seqs(values)]
    return [*(np.full(v.shape[1:], fill, v.dtype) for v in moving), *fixed]


def lengths_of(value: Any) -> tuple[Variable, ...] | None:
    """Return the shape of an array as constants, or None for what is not an array."""
    return (
        tuple(at.constant(n, dtype="int64") for n in value.shape)
        if isinstance(value, np.ndarray)
        else None
    )


def shapes_of_no_steps(node: Any, values: Sequence[Any]) -> list[tuple[int, ...]]:
    """Compute the shapes of the arrays that a loop would collect.

    Raises:
        ValueError: a length depends on what a step computes.
    """
    op, given = node.op, [as_a_step_sees(node.op, values, fill) for fill in (0, 1)]
    results = [v for v in op.inner_nitsot_outs(op.inner_outputs) if isinstance(v.type, TensorType)]
    shapes = infer_shape(results, op.inner_inputs, [lengths_of(value) for value in given[0]])
    with aesara.config.change_flags(cxx=""):
        function = aesara.function(
            op.inner_inputs,
            [n for shape in shapes for n in shape],
            mode=Mode("py", None),
            on_unused_input="ignore",
        )
    lengths, others = ([int(n) for n in function(*of_step)] for of_step in given)
    if lengths != others:
        raise ValueError(
            f"{op}: 0 steps, and how long the arrays are that it would collect depends on "
            "what a step computes; state their shape, or take one step at least"
        )
    left = iter(lengths)
    return [(0, *(next(left) for _ in shape)) for shape in shapes]


def reshape_of_no_steps(node: Any, values: Sequence[Any], outputs: Sequence[list[Any]]) -> None:
    """Reshape the empty arrays that a loop of no steps collected."""
    results = zip(node.outputs[collected(node.op)], outputs[collected(node.op)], strict=True)
    cells = [cell for v, cell in results if isinstance(v.type, TensorType)]
    if all(cell[0].ndim == 1 for cell in cells):
        return
    for cell, shape in zip(cells, shapes_of_no_steps(node, values), strict=True):
        cell[0] = cell[0].reshape(shape)


def perform(op: Any, node: Any, inputs: Any, output_storage: Any, params: Any = None) -> None:
    """Run a loop in Python."""
    stock_perform(op, node, inputs, output_storage, params)
    if not int(inputs[0]):
        reshape_of_no_steps(node, inputs, output_storage)


def make_thunk(op: Any, node: Any, storage_map: Any, *args: Any, **kwargs: Any) -> Any:
    """Build the thunk that runs a loop, in Python or in Aesara's C."""
    thunk = stock_make_thunk(op, node, storage_map, *args, **kwargs)
    if getattr(thunk.perform, "__func__", None) is perform:  # Aesara's C is missing or not wanted
        return thunk
    inputs = [storage_map[v] for v in node.inputs]
    outputs = [storage_map[v] for v in node.outputs]

    def run() -> Any:
        done = thunk()
        if not int(inputs[0][0]):
            reshape_of_no_steps(node, [cell[0] for cell in inputs], outputs)
        return done

    run.inputs, run.outputs = thunk.inputs, thunk.outputs  # type: ignore[attr-defined]
    run.perform, run.lazy = thunk.perform, thunk.lazy  # type: ignore[attr-defined]
    return run


Scan.perform, Scan.make_thunk = perform, make_thunk
