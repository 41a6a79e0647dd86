"""The shapes of a node's results, as numbers, from those of its inputs."""

from collections.abc import Sequence
from typing import Any

from graphrnn.symbolic.wording import Node, scalar_source

import numpy as np
from aesara.compile.ops import ViewOp
from aesara.graph.basic import Constant, Variable
from aesara.ifelse import IfElse
from aesara.scan.op import Scan
from aesara.scan.utils import ScanArgs
from aesara.tensor.basic import Alloc, Join
from aesara.tensor.elemwise import CAReduce, DimShuffle, Elemwise
from aesara.tensor.math import Dot
from aesara.tensor.shape import Reshape, SpecifyShape, Unbroadcast
from aesara.tensor.special import LogSoftmax, Softmax
from aesara.tensor.subtensor import (
    AdvancedIncSubtensor,
    AdvancedIncSubtensor1,
    AdvancedSubtensor,
    AdvancedSubtensor1,
    IncSubtensor,
    Subtensor,
    get_idx_list,
)
from aesara.tensor.type import TensorType

Lengths = tuple[int, ...] | None
"""A shape; None where a length is not known."""


def _broadcast(node: Node, shapes: Sequence[Lengths]) -> Lengths:
    """Return the shape of elementwise work."""
    return tuple(int(n) for n in np.broadcast_shapes(*(s for s in shapes if s is not None)))


def _shuffled(node: Node, shapes: Sequence[Lengths]) -> Lengths:
    """Return the shape with axes permuted, dropped and added."""
    (shape,) = shapes
    assert shape is not None
    return tuple(1 if k == "x" else shape[k] for k in node.op.new_order)


def _reduced(node: Node, shapes: Sequence[Lengths]) -> Lengths:
    """Return the shape without the axes that are reduced."""
    (shape,) = shapes
    assert shape is not None
    axes = range(len(shape)) if node.op.axis is None else [k % len(shape) for k in node.op.axis]
    return tuple(n for k, n in enumerate(shape) if k not in axes)


def _product(node: Node, shapes: Sequence[Lengths]) -> Lengths:
    """Return the shape of a product of vectors or matrices."""
    a, b = shapes
    assert a is not None
    assert b is not None
    return a[:-1] + b[1:]


def _sliced(node: Node, shapes: Sequence[Lengths]) -> Lengths:
    """Return the shape of basic indices."""
    shape = shapes[0]
    assert shape is not None
    indices = constant_indices(node.inputs, node.op.idx_list)
    return None if indices is None else sliced(shape, indices)


def sliced(shape: Sequence[int], indices: Sequence[int | slice]) -> tuple[int, ...]:
    """Return the shape of what basic indices select."""
    left = [
        len(range(*entry.indices(n)))
        for entry, n in zip(indices, shape, strict=False)
        if isinstance(entry, slice)
    ]
    return (*left, *shape[len(indices) :])


def constant_indices(inputs: Sequence[Variable], idx_list: Any) -> list[int | slice] | None:
    """Return basic indices as numbers; an integer index as 0 where it is not known."""
    indices: list[int | slice] = []
    for entry in get_idx_list(inputs, idx_list):
        if not isinstance(entry, slice):
            indices.append(0)
            continue
        bounds = [bound_of(b) for b in (entry.start, entry.stop, entry.step)]
        if any(isinstance(b, str) for b in bounds):
            return None
        indices.append(slice(*bounds))
    return indices


def bound_of(bound: Any) -> Any:
    """Return a bound of a slice as a number or None; "?" where it is not known."""
    if bound is None or isinstance(bound, (int, np.integer)):
        return bound
    source = scalar_source(bound)
    return int(source.data) if isinstance(source, Constant) else "?"


def _reshaped(node: Node, shapes: Sequence[Lengths]) -> Lengths:
    """Return the target shape of a reshape, if it is constant."""
    (shape, _), target = shapes, node.inputs[1]
    if not isinstance(target, Constant) or shape is None:
        return None
    lengths = [int(n) for n in target.data]
    if -1 in lengths:
        rest = -int(np.prod(lengths))
        if rest == 0:
            return None
        lengths[lengths.index(-1)] = int(np.prod(shape)) // rest
    return tuple(lengths)


def _first(node: Node, shapes: Sequence[Lengths]) -> Lengths:
    """Return the shape of the first input."""
    return shapes[0]


def _taken(node: Node, shapes: Sequence[Lengths]) -> Lengths:
    """Return the shape of rows taken by numbers; masks and several indices are left to Aesara."""
    if len(shapes) != 2 or getattr(node.inputs[1].type, "dtype", "bool") == "bool":
        return None
    table, index = shapes
    assert table is not None
    assert index is not None
    return (*index, *table[1:])


def _joined(node: Node, shapes: Sequence[Lengths]) -> Lengths:
    """Return the shape of arrays put behind each other along one axis."""
    if not isinstance(node.inputs[0], Constant):
        return None
    parts = [shape for shape in shapes[1:] if shape is not None]
    axis = int(node.inputs[0].data) % len(parts[0])
    return (*parts[0][:axis], sum(part[axis] for part in parts), *parts[0][axis + 1 :])


def _repeated(node: Node, shapes: Sequence[Lengths]) -> Lengths:
    """Return the shape of a repeated value."""
    lengths = node.inputs[1:]
    if not all(isinstance(n, Constant) for n in lengths):
        return None
    return tuple(int(n.data) for n in lengths)


_SHAPE_FUNCTIONS: dict[type, Any] = {
    Elemwise: _broadcast,
    DimShuffle: _shuffled,
    CAReduce: _reduced,
    Dot: _product,
    Subtensor: _sliced,
    Reshape: _reshaped,
    IncSubtensor: _first,
    AdvancedIncSubtensor: _first,
    AdvancedIncSubtensor1: _first,
    SpecifyShape: _first,
    AdvancedSubtensor: _taken,
    AdvancedSubtensor1: _taken,
    Alloc: _repeated,
    Join: _joined,
    Softmax: _first,
    LogSoftmax: _first,
    ViewOp: _first,
    Unbroadcast: _first,
}


def infer(node: Node, shapes: Sequence[Lengths]) -> list[Lengths]:
    """Return the shapes of a node's results as numbers, as far as they are known."""
    of_types = [of_type(v) for v in node.outputs]
    if None not in of_types:
        return of_types
    if isinstance(node.op, Scan):
        # A loop that ends at a condition has results of lengths that are known when it has run.
        return of_types if node.op.info.as_while else _of_loop(node, shapes, of_types)
    if isinstance(node.op, IfElse):
        return _of_branches(node, shapes, of_types)
    function = next(
        (_SHAPE_FUNCTIONS[k] for k in type(node.op).__mro__ if k in _SHAPE_FUNCTIONS), None
    )
    numbers = (Subtensor, IncSubtensor, AdvancedIncSubtensor, AdvancedIncSubtensor1, SpecifyShape)
    needed = shapes[:1] if isinstance(node.op, numbers) else shapes
    if function is None or len(node.outputs) != 1 or None in needed:
        return of_types
    try:
        return [function(node, shapes)]
    except ValueError:
        return of_types


def _of_branches(node: Node, shapes: Sequence[Lengths], of_types: list[Lengths]) -> list[Lengths]:
    """Return the shapes of what a condition chooses, where both branches agree."""
    n = node.op.n_outs
    branches = zip(shapes[1 : n + 1], shapes[n + 1 :], strict=True)
    both = [first if first == second else None for first, second in branches]
    return [b if a is None else a for a, b in zip(of_types, both, strict=True)]


def of_type(variable: Variable) -> Lengths:
    """Return the shape that a type says."""
    if not isinstance(variable.type, TensorType):
        return () if getattr(variable.type, "ndim", None) == 0 else None
    shape = variable.type.shape
    return None if None in shape else tuple(int(n) for n in shape)


def _of_loop(node: Node, shapes: Sequence[Lengths], of_types: list[Lengths]) -> list[Lengths]:
    """Return the shapes of a loop's results: states as they came, outputs one for each step."""
    args = ScanArgs.from_node(node)
    given = dict(zip(node.inputs, shapes, strict=True))
    states = [*args.outer_in_mit_mot, *args.outer_in_mit_sot, *args.outer_in_sit_sot]
    results = [given[v] for v in states]
    known: dict[Variable, Lengths] = {}
    for inner, outer in zip(args.inner_in_seqs, args.outer_in_seqs, strict=True):
        known[inner] = _behind(given[outer])
    groups = [*args.inner_in_mit_mot, *args.inner_in_mit_sot, *([v] for v in args.inner_in_sit_sot)]
    for group, outer in zip(groups, states, strict=True):
        known |= {inner: _behind(given[outer]) for inner in group}
    known |= {
        inner: given[outer]
        for inner, outer in zip(args.inner_in_non_seqs, args.outer_in_non_seqs, strict=True)
    }
    for inner in node.op.fgraph.toposort():
        shapes_in = [known[v] if v in known else of_type(v) for v in inner.inputs]
        known |= dict(zip(inner.outputs, infer(inner, shapes_in), strict=True))
    for inner, slots in zip(args.inner_out_nit_sot, args.outer_in_nit_sot, strict=True):
        shape = known[inner] if inner in known else of_type(inner)
        steps = slots.data if isinstance(slots, Constant) else None
        results.append(None if shape is None or steps is None else (int(steps), *shape))
    results += [()] * (len(node.outputs) - len(results))
    return [b if a is None else a for a, b in zip(of_types, results, strict=True)]


def _behind(shape: Lengths) -> Lengths:
    """Return a shape without its first axis."""
    return None if shape is None else shape[1:]
