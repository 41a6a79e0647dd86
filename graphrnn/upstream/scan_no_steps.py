"""The shapes of what a loop of no steps collects, which Aesara takes for 0 along every axis.

A step tells how long its results are, and where none is taken Aesara's Python and its C both give
arrays of shape (0, 0, …). Importing this module wraps `Scan.make_thunk` and `Scan.perform`: lengths
are then asked of the graph of a step, and what cannot be known without a step is refused.
"""

from collections.abc import Callable, Sequence
from typing import Any

import aesara
import aesara.tensor as at
import numpy as np
from aesara.compile.mode import Mode
from aesara.graph.basic import Constant, Variable, ancestors
from aesara.scan.op import Scan
from aesara.tensor.type import TensorType

stock_make_thunk, stock_perform = Scan.make_thunk, Scan.perform


def lengths_of(value: Any) -> tuple[Variable, ...] | None:
    """Return the shape of an array as constants; None for what is no array."""
    return tuple(at.constant(n) for n in value.shape) if isinstance(value, np.ndarray) else None


def collected(op: Scan) -> slice:
    """Return which results of a loop are collected and have no first value."""
    return slice(op.n_outs, op.n_outs + op.info.n_nit_sot)


def shapes_of_no_steps(node: Any, values: Sequence[Any]) -> list[tuple[int, ...] | None]:
    """Compute the shapes of what a loop would collect; None for what is no array.

    Raises:
        ValueError: a length depends on what a step computes.
    """
    outputs = set(node.outputs)
    shapes = node.op.infer_shape(None, node, [lengths_of(value) for value in values])
    asked = [shape[1:] for shape in shapes[collected(node.op)] if shape is not None]
    if outputs & set(ancestors([n for shape in asked for n in shape])):
        raise ValueError(
            f"{node.op}: 0 steps, and how long the arrays are that it would collect depends on "
            "what a step computes; state their shape, or take one step at least"
        )
    given = {v: x for v, x in zip(node.inputs, values, strict=True) if not isinstance(v, Constant)}
    with aesara.config.change_flags(cxx=""):
        lengths = aesara.function(
            list(given),
            [n for shape in asked for n in shape],
            mode=Mode("py", None),
            on_unused_input="ignore",
        )(*given.values())
    found = iter([int(n) for n in lengths])
    return [
        None if shape is None else (0, *(next(found) for _ in shape[1:]))
        for shape in shapes[collected(node.op)]
    ]


def reshape_of_no_steps(node: Any, values: Sequence[Any], outputs: Sequence[list[Any]]) -> None:
    """Give what a loop of no steps collected its shape."""
    places = outputs[collected(node.op)]
    kinds = [v.type for v in node.outputs[collected(node.op)]]
    if int(values[0]) or not any(isinstance(kind, TensorType) and kind.ndim > 1 for kind in kinds):
        return
    for place, shape in zip(places, shapes_of_no_steps(node, values), strict=True):
        if shape is not None:
            place[0] = place[0].reshape(shape)


def perform(op: Any, node: Any, inputs: Any, output_storage: Any, params: Any = None) -> None:
    """Step through a loop in Python."""
    stock_perform(op, node, inputs, output_storage, params)
    reshape_of_no_steps(node, inputs, output_storage)


def make_thunk(
    op: Any, node: Any, storage_map: Any, *args: Any, **kwargs: Any
) -> Callable[..., Any]:
    """Make what steps through a loop, in Python or in Aesara's C."""
    thunk = stock_make_thunk(op, node, storage_map, *args, **kwargs)
    inputs = [storage_map[v] for v in node.inputs]
    outputs = [storage_map[v] for v in node.outputs]

    def run() -> Any:
        done = thunk()
        reshape_of_no_steps(node, [place[0] for place in inputs], outputs)
        return done

    run.inputs, run.outputs = thunk.inputs, thunk.outputs  # type: ignore[attr-defined]
    run.perform, run.lazy = thunk.perform, thunk.lazy  # type: ignore[attr-defined]
    return run


Scan.perform, Scan.make_thunk = perform, make_thunk
