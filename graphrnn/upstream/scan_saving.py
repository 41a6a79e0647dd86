"""Aesara's rewrite that keeps only what is read of a loop's states, made right where it is not.

`sound_scan_save_mem` stands in Aesara's database in the place of `scan_save_mem`. That lets a loop
go one step at least, and reads memory that nothing was written to where there should be none: here
it goes no step, and what the state began with is read. It also counts an array of a gradient's loop
as one output of a step, where it may be several, drops other states than it asked for, and ends in
a traceback on standard error: the helper that asks is replaced.
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
    """Part the results that are not read outside into those that a step needs, and the others."""
    read, given = _ends(op)
    beside = list(op.inner_outputs[sum(len(values) for values in given) :])
    needed = set(
        graph_inputs([*beside, *(v for k, g in enumerate(given) if k not in unread for v in g)])
    )
    kept: set[int] = set()
    while more := {k for k in unread if k not in kept and needed & set(read[k])}:
        kept |= more
        needed |= set(graph_inputs([v for k in more for v in given[k]]))
    return [k for k in unread if k in kept], [k for k in unread if k not in kept]


def _ends(op: Any) -> tuple[list[Sequence[Variable]], list[Sequence[Variable]]]:
    """Give for each result what a step reads of it, and what a step gives to it."""
    info = op.info
    taps = (*info.mit_mot_in_slices, *info.mit_sot_in_slices, *info.sit_sot_in_slices)
    n_reads = [*map(len, taps), *[0] * info.n_nit_sot, *[1] * info.n_shared_outs]
    n_single = info.n_mit_sot + info.n_sit_sot + info.n_nit_sot + info.n_shared_outs
    n_gives = [*map(len, info.mit_mot_out_slices), *[1] * n_single]
    return _cut(op.inner_inputs[info.n_seqs :], n_reads), _cut(op.inner_outputs, n_gives)


def _cut(variables: Sequence[Variable], lengths: Sequence[int]) -> list[Sequence[Variable]]:
    """Cut a row of variables into pieces."""
    ends = [sum(lengths[: k + 1]) for k in range(len(lengths))]
    return [variables[end - n : end] for end, n in zip(ends, lengths, strict=True)]


@node_rewriter([Scan])  # type: ignore[untyped-decorator]
def save_memory(fgraph: FunctionGraph, node: Node) -> Any:
    """Keep only those steps of a state that are read; without a step, read what it began with."""
    replacements = rewriting.save_mem_new_scan.fn(fgraph, node)
    if not isinstance(replacements, dict) or isinstance(node.inputs[0], Constant):
        return replacements
    for loop in {_loop_of(new) for old, new in replacements.items() if old != "remove"}:
        # It is not in the graph yet. Aesara lets it go one step at least.
        loop.inputs[0] = at.minimum(loop.inputs[0], node.inputs[0])
    begins = _begins(node)
    for old, new in replacements.items():
        reader = old.owner if isinstance(old, Variable) else None
        if reader is None or not isinstance(reader.op, Subtensor):
            continue
        array, *places = reader.inputs
        if array in begins:
            first = reader.op(begins[array], *places)
            replacements[old] = ifelse(
                node.inputs[0] > 0, typed(new, old.type), typed(first, old.type)
            )
    return replacements


def _loop_of(result: Variable) -> Node:
    """Give the loop that a result was cut out of."""
    while not isinstance(result.owner.op, Scan):
        result = result.owner.inputs[0]
    return result.owner


def _begins(node: Node) -> dict[Variable, Variable]:
    """Give for the array of each state what it begins with."""
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
