"""Aesara's rewrites that move work out of a loop, each called only where it is right.

They replace those that they call in Aesara's database, as `sound_…`:

    sound_scan_pushout_nonseqs_ops   computes once, before the loop, what is constant in it
    sound_scan_pushout_seqs_ops      computes for all steps at once what depends on sequences alone
    sound_scan_pushout_add           computes Σ_t x_t y_t as one product after the loop

The first two replace a whole loop where nothing of it is left. Aesara's own then ignore that a
state's array starts with its initial value, that an array may be longer than the loop runs (as in
the gradient of a loop with `truncate_gradient`), and that a loop may end at a condition.
"""

from collections.abc import Mapping
from typing import Any

from graphrnn.upstream.scan_args import Node, in_place_of

import aesara.tensor as at
from aesara.graph.basic import Constant, Variable, clone_replace, io_toposort
from aesara.graph.fg import FunctionGraph
from aesara.graph.rewriting.basic import in2out, node_rewriter
from aesara.scan.op import Scan
from aesara.scan.rewriting import (
    push_out_add_scan,
    push_out_non_seq_scan,
    push_out_seq_scan,
    scan_seqopt1,
)
from aesara.scan.utils import ScanArgs


def equal(first: Variable, second: Variable) -> bool:
    """Return whether two variables are the same, or constants of the same value."""
    if isinstance(first, Constant) and isinstance(second, Constant):
        return bool(first.equals(second))
    return first is second


def _in_another_loop(replacements: Any) -> bool:
    """Return whether a rewrite replaced a loop by another loop, and not by arrays."""
    new = [v for k, v in replacements.items() if k != "remove"]
    return all(v.owner is not None and isinstance(v.owner.op, Scan) for v in new)


def _collected(node: Node, args: ScanArgs) -> Mapping[Variable, Variable]:
    """Return the arrays that a loop fills to their end without reading them, and what it writes."""
    if node.op.info.as_while:
        return {}
    parts = zip(args.outer_out_nit_sot, args.outer_in_nit_sot, args.inner_out_nit_sot, strict=True)
    return {array: inner for array, length, inner in parts if equal(length, args.n_steps)}


@node_rewriter([Scan])  # type: ignore[untyped-decorator]
def pushout_nonseqs(fgraph: FunctionGraph, node: Node) -> Any:
    """Compute once, before the loop, what depends on its constants alone."""
    args = ScanArgs.from_node(node)
    fixed = set(args.inner_in_non_seqs)
    if not _all_fixed(args, fixed):
        return push_out_non_seq_scan.fn(fgraph, node)
    before = dict(zip(args.inner_in_non_seqs, args.outer_in_non_seqs, strict=True))
    changed = {}
    for array, inner in _collected(node, args).items():
        if fgraph.clients[array] and (inner in fixed or isinstance(inner, Constant)):
            (value,) = clone_replace([inner], replace=before)
            changed[array] = at.alloc(value, args.n_steps, *value.shape)
    return changed or None


def _all_fixed(args: ScanArgs, fixed: set[Variable]) -> bool:
    """Return whether every operation of a body is loop-invariant; add their outputs to `fixed`."""
    for inner in io_toposort(args.inner_inputs, args.inner_outputs):
        if not all(v in fixed or isinstance(v, Constant) for v in inner.inputs):
            return False
        fixed.update(inner.outputs)
    return True


@node_rewriter([Scan])  # type: ignore[untyped-decorator]
def pushout_seqs(fgraph: FunctionGraph, node: Node) -> Any:
    """Compute for all steps at once what depends on sequences and constants alone."""
    # Aesara takes the earliest tap of all states for that of each, and fails where they differ.
    if len(set(node.op.info.mit_sot_in_slices)) > 1:
        return None
    replacements = push_out_seq_scan.fn(fgraph, node)
    if not isinstance(replacements, dict) or _in_another_loop(replacements):
        return replacements
    args = ScanArgs.from_node(node)
    full = len(_collected(node, args)) == len(args.outer_out_nit_sot)
    return replacements if full and not args.outer_out_shared else None


@node_rewriter([Scan])  # type: ignore[untyped-decorator]
def pushout_add(fgraph: FunctionGraph, node: Node) -> Any:
    """Compute the sum over all steps of x_t^T y_t as one product after the loop.

    Aesara's rewrite reads whole sequences; the gradient of a scan with `truncate_gradient` has some
    that are longer than the loop runs, and is left as it is.
    """
    return push_out_add_scan.fn(fgraph, node) if node.op.truncate_gradient == -1 else None


in_place_of(
    scan_seqopt1,
    "scan_pushout_nonseqs_ops",
    in2out(pushout_nonseqs, ignore_newtrees=True),
    "fast_run",
    "scan",
    "scan_pushout",
    position=2,
)
in_place_of(
    scan_seqopt1,
    "scan_pushout_seqs_ops",
    in2out(pushout_seqs, ignore_newtrees=True),
    "fast_run",
    "scan",
    "scan_pushout",
    position=3,
)
in_place_of(
    scan_seqopt1,
    "scan_pushout_add",
    in2out(pushout_add, ignore_newtrees=False),
    "fast_run",
    "more_mem",
    "scan",
    "scan_pushout",
    position=5,
)
