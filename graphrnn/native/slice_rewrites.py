"""Rewrites of slices, whose lengths static_shapes knows.

Each is in Aesara's rewrite database under the tag `native`:

    native_merge_slices    x[a:b:c][d:e:f] is one slice of x, worked out at once
    native_subtensor_lift  f(x, …)[k] is f(x[k], …), as in Aesara, but never where that loses k
    native_add_parts       sums of arrays of zeros with parts added are one such array
"""

from typing import Any

from graphrnn.native.static_shapes import Node, StaticShapes, bound_of, constant_indices

import aesara.tensor as at
from aesara.compile.mode import optdb
from aesara.graph.fg import FunctionGraph
from aesara.graph.rewriting.basic import node_rewriter
from aesara.scan.op import Scan
from aesara.tensor.elemwise import Elemwise
from aesara.tensor.rewriting.subtensor import local_IncSubtensor_serialize, local_subtensor_lift
from aesara.tensor.subtensor import Subtensor, get_idx_list


@node_rewriter([Subtensor])  # type: ignore[untyped-decorator]
def merge_slices(fgraph: FunctionGraph, node: Node) -> Any:
    """x[a:b:c][d:e:f] = x[g:h:i], along the first axis, and x[a:b:c][k] likewise."""
    inner = node.inputs[0].owner
    feature = getattr(fgraph, "shape_feature", None)
    if (
        inner is None
        or not isinstance(inner.op, Subtensor)
        or not isinstance(feature, StaticShapes)
    ):
        return None
    if len(inner.op.idx_list) != 1 or len(node.op.idx_list) != 1:
        return None
    lengths = feature.lengths(inner.inputs[0])
    first = constant_indices(inner.inputs, inner.op.idx_list)
    if first is None or not isinstance(first[0], slice):
        return None
    if lengths is None:
        return _last_of_loop(node, first[0])
    walked: range = range(lengths[0])[first[0]]
    entry = get_idx_list(node.inputs, node.op.idx_list)[0]
    if isinstance(entry, slice):
        second = constant_indices(node.inputs, node.op.idx_list)
        if second is None or not isinstance(second[0], slice):
            return None
        walked = walked[second[0]]
        new = inner.inputs[0][_as_slice(walked)]
    else:
        position = bound_of(entry)
        if isinstance(position, str) or not -len(walked) <= position < len(walked):
            return None
        new = inner.inputs[0][walked[position]]
    return [new] if node.outputs[0].type.is_super(new.type) else None


def _last_of_loop(node: Node, first: slice) -> Any:
    """x[k:][-1] = x[-1] of a loop that ends at a condition, which runs one step at least."""
    source = node.inputs[0].owner.inputs[0]
    loop = source.owner is not None and isinstance(source.owner.op, Scan)
    last = get_idx_list(node.inputs, node.op.idx_list)[0]
    if not loop or isinstance(last, slice) or bound_of(last) != -1:
        return None
    if (first.start or 0) < 0 or first.stop is not None or first.step not in (None, 1):
        return None
    return [source[-1]] if node.outputs[0].type.is_super(source[-1].type) else None


def _as_slice(walked: range) -> slice:
    """Write a walk as a slice."""
    if not len(walked):
        return slice(0, 0, 1)
    stop = walked[-1] + (1 if walked.step > 0 else -1)
    return slice(walked.start, None if stop < 0 else stop, walked.step)


@node_rewriter([Subtensor])  # type: ignore[untyped-decorator]
def subtensor_lift(fgraph: FunctionGraph, node: Node) -> Any:
    """Do as Aesara's own rewrite, which forgets a slice where all arguments have one element.

    (x + y)[1:] of x, y `(1,)` is empty, and x + y is not.
    """
    whole = node.inputs[0].owner
    sliced = any(isinstance(entry, slice) for entry in node.op.idx_list)
    several = whole is not None and isinstance(whole.op, Elemwise) and len(whole.inputs) > 1
    if sliced and several and all(all(x.type.broadcastable) for x in whole.inputs):
        return None
    return local_subtensor_lift.transform(fgraph, node)


@node_rewriter([at.add])  # type: ignore[untyped-decorator]
def add_parts(fgraph: FunctionGraph, node: Node) -> Any:
    """Do as Aesara's own rewrite, which ends in an AssertionError where one type knows less."""
    try:
        return local_IncSubtensor_serialize.transform(fgraph, node)
    except AssertionError:
        return None


if "native_add_parts" not in optdb["canonicalize"].__db__:
    optdb["canonicalize"].register("native_add_parts", add_parts, "native")
    optdb["canonicalize"].register("native_subtensor_lift", subtensor_lift, "native")
    for group in ("canonicalize", "specialize"):
        optdb[group].register("native_merge_slices", merge_slices, "native")
