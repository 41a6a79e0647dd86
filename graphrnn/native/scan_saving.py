"""Which states of a loop nobody needs, asked rightly: Aesara's `scan_save_mem` drops such.

Aesara counts an array of a gradient's loop as one output of a step, where it may be several: it
then asks for other states than it drops, and the rewrite ends in a traceback on standard error.
The helper that asks is replaced; the rewrite itself is right.
"""

from collections.abc import Sequence
from typing import Any

from aesara.graph.basic import Variable, graph_inputs
from aesara.scan import rewriting


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


rewriting.scan_can_remove_outs = can_remove_outs
