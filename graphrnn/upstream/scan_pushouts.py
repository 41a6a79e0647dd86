"""Aesara's rewrites that move work out of a loop, each called only where it is right.

They stand in Aesara's database in the place of those that they call, as `sound_…`:

    sound_scan_pushout_nonseqs_ops   work on constants of the loop is done once, before it
    sound_scan_pushout_seqs_ops      work on sequences alone is done on all steps at once
    sound_scan_pushout_add           Σ_t x_t y_t is one product after the loop

The first two replace a whole loop where nothing of it is left. They then forget that a state has
its initial value in front, that an array may have more places than the loop has steps (the gradient
of a loop that `truncate_gradient` cuts has such), and that a loop may end at a condition.
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
    """Say whether two variables are one, or constants of one value."""
    if isinstance(first, Constant) and isinstance(second, Constant):
        return bool(first.equals(second))
    return first is second


def _in_another_loop(replacements: Any) -> bool:
    """Say whether a rewrite gave another loop in the place of one, and not arrays."""
    new = [v for k, v in replacements.items() if k != "remove"]
    return all(v.owner is not None and isinstance(v.owner.op, Scan) for v in new)


def _collected(node: Node, args: ScanArgs) -> Mapping[Variable, Variable]:
    """Give the arrays that a loop fills to their end without reading them, and what it collects."""
    if node.op.info.as_while:
        return {}
    parts = zip(args.outer_out_nit_sot, args.outer_in_nit_sot, args.inner_out_nit_sot, strict=True)
    return {array: inner for array, slots, inner in parts if equal(slots, args.n_steps)}


@node_rewriter([Scan])  # type: ignore[untyped-decorator]
def pushout_nonseqs(fgraph: FunctionGraph, node: Node) -> Any:
    """Do once, before the loop, what depends on its constants alone."""
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
    """Say whether every operation of a body gives the same at each step; adds what they give."""
    for inner in io_toposort(args.inner_inputs, args.inner_outputs):
        if not all(v in fixed or isinstance(v, Constant) for v in inner.inputs):
            return False
        fixed.update(inner.outputs)
    return True


@node_rewriter([Scan])  # type: ignore[untyped-decorator]
def pushout_seqs(fgraph: FunctionGraph, node: Node) -> Any:
    """Do on all steps at once what depends on sequences and constants alone."""
    # It takes the earliest tap of all states for that of each, and fails where they are unequal.
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

    The rule takes whole sequences; the gradient of a scan with `truncate_gradient` has some that
    are longer than the loop runs, and is left alone.
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
