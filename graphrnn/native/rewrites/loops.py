"""Rewrites of loops: what a gradient's loop computes once more, or step by step without need.

Each is in Aesara's rewrite database under the tag `native`, so that listings and histories name it:

    native_hand_through     an output that hands a sequence on becomes a view of that sequence
    native_sum_after_loop   Σ_t Σ_b y[t, b] is one sum after the loop, not one in each step
    native_keep_forward     what the forward loop computed is an output of it, not computed again
    native_join_products    h W_1, h W_2, … become one product h [W_1 W_2 …]
    native_product_after_loop   Σ_t x_t^T y_t is one product after the loop
"""

from collections.abc import Sequence
from typing import Any

from graphrnn.native.rewrites.reuse_forward import KeepForward
from graphrnn.upstream.scan_args import (
    Node,
    lengths_of,
    parsed,
    plain,
    rebuilt,
    register,
    strip_specify_shape,
    substitute,
    typed,
)
from graphrnn.upstream.scan_pushouts import pushout_add

import aesara.scalar as aes
import aesara.tensor as at
import numpy as np
from aesara.graph.basic import Variable, io_toposort
from aesara.graph.fg import FunctionGraph
from aesara.graph.rewriting.basic import in2out, node_rewriter
from aesara.scan.op import Scan
from aesara.scan.rewriting import scan_seqopt1
from aesara.scan.utils import ScanArgs
from aesara.tensor.elemwise import CAReduce, DimShuffle, Elemwise
from aesara.tensor.exceptions import NotScalarConstantError
from aesara.tensor.math import Dot
from aesara.tensor.subtensor import Subtensor, get_idx_list

# ── an output that hands a sequence on ──


@node_rewriter([Scan])  # type: ignore[untyped-decorator]
def hand_through(fgraph: FunctionGraph, node: Node) -> Any:
    """y_t = s_t, or s_t with its axes permuted: y = s with the axes permuted behind time."""
    if not plain(node):
        return None
    args = ScanArgs.from_node(node)
    changed = {}
    for inner, outer in zip(args.inner_out_nit_sot, args.outer_out_nit_sot, strict=True):
        if not fgraph.clients[outer]:
            continue
        source, order = strip_specify_shape(inner), None
        if source.owner and isinstance(source.owner.op, DimShuffle):
            source, order = strip_specify_shape(source.owner.inputs[0]), source.owner.op.new_order
        if source not in args.inner_in_seqs:
            continue
        sequence = args.outer_in_seqs[args.inner_in_seqs.index(source)][: args.n_steps]
        if order is not None:
            behind = ["x" if k == "x" else k + 1 for k in order]
            sequence = sequence.dimshuffle(0, *behind)
        changed[outer] = typed(sequence, outer.type)
    return changed or None


# ── sums over the batch ──


@node_rewriter([Scan])  # type: ignore[untyped-decorator]
def sum_after_loop(fgraph: FunctionGraph, node: Node) -> Any:
    """a_t = a_tm1 + Σ_b y_t[b], of which only a_T is read: a_T = a_0 + Σ_t Σ_b y_t[b].

    A sum over the rows of a batch inside a loop makes each row wait for all others.
    """
    if not plain(node):
        return None
    for k, outer in enumerate(ScanArgs.from_node(node).outer_out_sit_sot):
        last = _only_last(fgraph, outer, int(node.inputs[0].data))
        args = parsed(node)
        summand = _summand(args, k)
        if last is None or summand is None:
            continue
        summed, reduction, shuffles = summand
        start = args.outer_in_sit_sot[k][0]
        before = [v for v in node.outputs if v is not outer]
        for name in ("inner_in", "inner_out", "outer_in", "outer_out"):
            parts = list(getattr(args, f"{name}_sit_sot"))
            del parts[k]
            setattr(args, f"{name}_sit_sot", parts)
        slices = args.sit_sot_in_slices
        args.sit_sot_in_slices = slices[:k] + slices[k + 1 :]
        n_before = len(before) - len(args.outer_out_shared)
        args.inner_out_nit_sot = [*args.inner_out_nit_sot, summed]
        args.outer_in_nit_sot = [*args.outer_in_nit_sot, args.n_steps]
        outputs = rebuilt(node, args)
        collected = outputs.pop(n_before)
        axes = reduction.axis if reduction.axis is not None else range(summed.type.ndim)
        total = at.sum(
            collected,
            axis=(0, *(axis + 1 for axis in axes)),
            dtype=last.dtype,
            acc_dtype=last.dtype,
        )
        for shuffle in reversed(shuffles):
            total = shuffle(total)
        changed = dict(zip(before, outputs, strict=True))
        changed[last] = start + total
        changed["remove"] = [node]
        return changed
    return None


def _only_last(fgraph: FunctionGraph, outer: Variable, steps: int) -> Variable | None:
    """Return the last step of a state, if nothing else of it is read."""
    clients = fgraph.clients[outer]
    if len(clients) != 1 or isinstance(clients[0][0], str):
        return None
    (reader, _) = clients[0]
    if not isinstance(reader.op, Subtensor):
        return None
    indices = get_idx_list(reader.inputs, reader.op.idx_list)
    if len(indices) != 1 or isinstance(indices[0], slice):
        return None
    try:
        at_step = int(at.get_scalar_constant_value(indices[0]))
    except NotScalarConstantError:
        return None
    return reader.outputs[0] if at_step in (-1, steps) else None


def _summand(args: ScanArgs, k: int) -> tuple[Variable, Any, list[Any]] | None:
    """Find y in a_t = a_tm1 + Σ y; returns it, the sum's op, and what permutes axes behind it."""
    before, after = args.inner_in_sit_sot[k], args.inner_out_sit_sot[k]
    if not (after.owner and isinstance(after.owner.op, Elemwise)):
        return None
    if not isinstance(after.owner.op.scalar_op, aes.Add) or len(after.owner.inputs) != 2:
        return None
    a, b = after.owner.inputs
    value = b if a is before else a if b is before else None
    read_once = sum(v is after for v in args.inner_outputs) == 1
    if value is None or value is before or not read_once:
        return None
    if _depends_on(args.inner_outputs, before, after):
        return None
    shuffles = []
    while value.owner and (isinstance(value.owner.op, DimShuffle) or _copies(value.owner.op)):
        if not _copies(value.owner.op):
            shuffles.append(value.owner.op)
        value = value.owner.inputs[0]
    if not (value.owner and isinstance(value.owner.op, CAReduce)):
        return None
    if not isinstance(value.owner.op.scalar_op, aes.Add) or value.dtype != after.dtype:
        return None
    return value.owner.inputs[0], value.owner.op, shuffles


def _copies(op: Any) -> bool:
    """Return whether an op hands its argument on."""
    return isinstance(op, Elemwise) and isinstance(op.scalar_op, aes.Identity)


def _depends_on(outputs: Sequence[Variable], before: Variable, after: Variable) -> bool:
    """Return whether something beside `after` is computed from `before`."""
    dependent = {before}
    for node in io_toposort([before], [v for v in outputs if v is not after]):
        if any(v in dependent for v in node.inputs):
            dependent.update(node.outputs)
    return any(v in dependent for v in outputs if v is not after)


# ── products of one state ──


@node_rewriter([Scan])  # type: ignore[untyped-decorator]
def join_products(fgraph: FunctionGraph, node: Node) -> Any:
    """Compute h W_1, h W_2, … with constants W of the loop as h [W_1 W_2 …], cut into columns."""
    if not plain(node):
        return None
    args = parsed(node)
    groups: dict[Variable, list[Node]] = {}
    for inner in io_toposort(args.inner_inputs, args.inner_outputs):
        if isinstance(inner.op, Dot) and inner.inputs[1] in args.inner_in_non_seqs:
            widths = inner.inputs[1].type
            if widths.ndim == 2 and inner.inputs[0].type.ndim == 2:
                groups.setdefault(inner.inputs[0], []).append(inner)
    for left, products in groups.items():
        outer = [
            args.outer_in_non_seqs[args.inner_in_non_seqs.index(p.inputs[1])] for p in products
        ]
        columns = [lengths_of(v)[1] for v in outer]
        same = len({v.dtype for v in outer}) == 1
        rows = left.type.shape[0]
        if len(products) < 2 or None in columns or not same or rows is None or rows < BATCH:
            continue
        joined = at.join(1, *outer)
        inside = joined.type()
        product = at.dot(left, inside)
        ends = np.cumsum([0, *columns])
        replaced = {
            p.outputs[0]: at.specify_shape(product[:, int(a) : int(b)], p.outputs[0].type.shape)
            for p, a, b in zip(products, ends, ends[1:], strict=False)
        }
        args.inner_in_non_seqs = [*args.inner_in_non_seqs, inside]
        args.outer_in_non_seqs = [*args.outer_in_non_seqs, joined]
        substitute(args, replaced)
        outputs = rebuilt(node, args)
        return {**dict(zip(node.outputs, outputs, strict=True)), "remove": [node]}
    return None


BATCH = 8
"""Rows from which one product is worth copying the weights together."""


# Lengths are numbers only once Aesara has canonicalised (1) and stabilised (1.5); it merges and
# clears loops at 1.6.
register("native_keep_forward", KeepForward(), 1.55)
register("native_hand_through", in2out(hand_through, ignore_newtrees=True), 1.56)
register("native_sum_after_loop", in2out(sum_after_loop), 1.57)
register("native_join_products", in2out(join_products, ignore_newtrees=True), 1.58)
# Aesara's own rewrite, in its place; other modes have it as `sound_scan_pushout_add`.
if "native_product_after_loop" not in scan_seqopt1.__db__:
    scan_seqopt1.register("native_product_after_loop", in2out(pushout_add), "native", position=5)
