"""Rewrites of slices, whose lengths static_shapes knows.

Each is in Aesara's rewrite database under the tag `native`:

    native_merge_slices    x[a:b:c][d:e:f] is one slice of x, worked out at once
"""

from typing import Any

from graphrnn.native.rewrites.static_shapes import StaticShapes
from graphrnn.symbolic.lengths import bound_of, constant_indices
from graphrnn.symbolic.wording import Node

from aesara.compile.mode import optdb
from aesara.graph.fg import FunctionGraph
from aesara.graph.rewriting.basic import node_rewriter
from aesara.scan.op import Scan
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


if "native_merge_slices" not in optdb["canonicalize"].__db__:
    for group in ("canonicalize", "specialize"):
        optdb[group].register("native_merge_slices", merge_slices, "native")
