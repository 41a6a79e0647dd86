"""A correct version of Aesara's rewrite that stores only those states of a loop that are read.

`sound_scan_save_mem` replaces `scan_save_mem` in Aesara's database. The latter makes a loop of 0
steps run one, and reads memory that was never written: here such a loop runs no step, and the
initial state is read. It also counts an array of a gradient's loop as one output of a step, where
it may be several, so that it drops the wrong states and prints a traceback to standard error: the
helper that selects them, `scan_can_remove_outs`, is replaced.
"""

from collections.abc import Sequence
from typing import Any

from graphrnn.upstream.scan_args import Node, in_place_of, typed

import aesara.tensor as at
from aesara.compile.mode import optdb
from aesara.graph.basic import Constant, Variable, graph_inputs
from aesara.graph.fg import FunctionGraph
from aesara.graph.rewriting.basic import in2out, node_rewriter
from aesara.ifelse import ifelse
from aesara.scan import rewriting
from aesara.scan.op import Scan
from aesara.scan.utils import ScanArgs
from aesara.tensor.subtensor import Subtensor


def can_remove_outs(op: Any, unread: Sequence[int]) -> tuple[list[int], list[int]]:
    """Split the results that are not read outside into those that a step needs, and the others."""
    read, written = _reads_and_writes(op)
    others = list(op.inner_outputs[sum(len(values) for values in written) :])
    needed = set(
        graph_inputs([*others, *(v for k, w in enumerate(written) if k not in unread for v in w)])
    )
    live: set[int] = set()
    while more := {k for k in unread if k not in live and needed & set(read[k])}:
        live |= more
        needed |= set(graph_inputs([v for k in more for v in written[k]]))
    return [k for k in unread if k in live], [k for k in unread if k not in live]


def _reads_and_writes(op: Any) -> tuple[list[Sequence[Variable]], list[Sequence[Variable]]]:
    """Return for each result what a step reads of it, and what a step writes to it."""
    info = op.info
    taps = (*info.mit_mot_in_slices, *info.mit_sot_in_slices, *info.sit_sot_in_slices)
    n_reads = [*map(len, taps), *[0] * info.n_nit_sot, *[1] * info.n_shared_outs]
    n_single = info.n_mit_sot + info.n_sit_sot + info.n_nit_sot + info.n_shared_outs
    n_writes = [*map(len, info.mit_mot_out_slices), *[1] * n_single]
    return _split(op.inner_inputs[info.n_seqs :], n_reads), _split(op.inner_outputs, n_writes)


def _split(variables: Sequence[Variable], lengths: Sequence[int]) -> list[Sequence[Variable]]:
    """Split a sequence of variables into pieces of these lengths."""
    ends = [sum(lengths[: k + 1]) for k in range(len(lengths))]
    return [variables[end - n : end] for end, n in zip(ends, lengths, strict=True)]


@node_rewriter([Scan])  # type: ignore[untyped-decorator]
def save_memory(fgraph: FunctionGraph, node: Node) -> Any:
    """Store only those steps of a state that are read; without a step, read its initial value."""
    replacements = rewriting.save_mem_new_scan.fn(fgraph, node)
    if not isinstance(replacements, dict) or isinstance(node.inputs[0], Constant):
        return replacements
    for loop in {_loop_of(new) for old, new in replacements.items() if old != "remove"}:
        # Aesara makes it run at least one step. It is not in the graph yet, so it may be changed.
        loop.inputs[0] = at.minimum(loop.inputs[0], node.inputs[0])
    initial = _initial_states(node)
    for old, new in replacements.items():
        reader = old.owner if isinstance(old, Variable) else None
        if reader is None or not isinstance(reader.op, Subtensor):
            continue
        array, *indices = reader.inputs
        if array in initial:
            first = reader.op(initial[array], *indices)
            replacements[old] = ifelse(
                node.inputs[0] > 0, typed(new, old.type), typed(first, old.type)
            )
    return replacements


def _loop_of(result: Variable) -> Node:
    """Return the loop that a result was sliced from."""
    while not isinstance(result.owner.op, Scan):
        result = result.owner.inputs[0]
    return result.owner


def _initial_states(node: Node) -> dict[Variable, Variable]:
    """Return the initial value of each state, by its array."""
    args = ScanArgs.from_node(node)
    taps = (*args.mit_sot_in_slices, *args.sit_sot_in_slices)
    arrays = (*args.outer_out_mit_sot, *args.outer_out_sit_sot)
    before = (*args.outer_in_mit_sot, *args.outer_in_sit_sot)
    return {a: b[: -min(t)] for a, b, t in zip(arrays, before, taps, strict=True)}


rewriting.scan_can_remove_outs = can_remove_outs
in_place_of(
    optdb,
    "scan_save_mem",
    in2out(save_memory, ignore_newtrees=True),
    "fast_run",
    "scan",
    position=1.61,
)
