"""The rewrite `native_keep_forward`: what the forward loop computed is an output of it."""

from collections.abc import Sequence
from typing import Any

from graphrnn.symbolic.lengths import bound_of
from graphrnn.upstream.scan_args import Node, parsed, plain, rebuilt, substitute, with_collected
from graphrnn.upstream.value_numbering import Key, Numbers

from aesara.graph.basic import Constant, Variable, io_toposort
from aesara.graph.fg import FunctionGraph
from aesara.graph.rewriting.basic import GraphRewriter
from aesara.scan.op import Scan
from aesara.scan.utils import ScanArgs
from aesara.tensor.math import Dot
from aesara.tensor.shape import SpecifyShape
from aesara.tensor.subtensor import Subtensor, get_idx_list
from aesara.tensor.type import TensorType


class KeepForward(GraphRewriter):  # type: ignore[misc]
    """Let a gradient's loop read what the forward loop computed, where that takes a product.

    Step t of the gradient runs with the sequences, states and constants of step T-1-t of the
    forward loop: equal expressions of the two bodies have equal values.
    """

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        """Need nothing."""

    def apply(self, fgraph: FunctionGraph) -> None:
        """Try each pair of loops, the first of which feeds the second."""
        again = True
        while again:
            again = False
            loops = [node for node in fgraph.toposort() if plain(node)]
            for n, forward in enumerate(loops):
                if any(self._keep(fgraph, forward, later) for later in loops[n + 1 :]):
                    again = True
                    break

    def _keep(self, fgraph: FunctionGraph, forward: Node, backward: Node) -> bool:
        """Rewrite one pair of loops, and return whether there was anything to keep."""
        if not any(_time_index(v)[0] in forward.outputs for v in backward.inputs[1:]):
            return False
        steps = int(forward.inputs[0].data)
        if int(backward.inputs[0].data) > steps:
            return False
        mine, theirs = parsed(forward), parsed(backward)
        numbers = Numbers()
        for inner, key in _forward_leaves(mine, forward).items():
            numbers.leaf(inner, key)
        numbers.body(mine.inner_inputs, mine.inner_outputs)
        aliases = _forward_results(mine, forward, numbers)
        known = {number: v for v, number in reversed(numbers.of.items()) if v.owner is not None}
        for inner, key in _backward_leaves(theirs, steps).items():
            numbers.of[inner] = aliases.get(key, numbers.number(key))
        backward_nodes = io_toposort(theirs.inner_inputs, theirs.inner_outputs)
        costly: dict[Variable, bool] = {}
        for node in backward_nodes:
            numbers.node(node)
            for v in node.outputs:
                costly[v] = isinstance(node.op, (Dot, Scan)) or any(
                    costly.get(i, False) for i in node.inputs
                )
        pairs = _frontier(theirs, backward_nodes, numbers, known, costly)
        if not pairs:
            return False
        _hand_over(fgraph, (forward, mine), (backward, theirs), pairs)
        return True


def _frontier(
    args: ScanArgs,
    nodes: Sequence[Node],
    numbers: "Numbers",
    known: dict[int, Variable],
    costly: dict[Variable, bool],
) -> list[tuple[Variable, Variable]]:
    """Pair costly values of the gradient's body that others read with the forward body's."""
    read = [
        v
        for node in nodes
        if not all(numbers.of.get(o) in known for o in node.outputs)
        for v in node.inputs
    ]
    read += list(args.inner_outputs)
    pairs: dict[Variable, Variable] = {}
    for v in read:
        if not isinstance(v.type, TensorType):  # an index, as a number of C
            continue
        if v.ndim == 0 and v.dtype.startswith(("int", "uint")):
            continue  # a length, say of a loop inside, which has to be known while building
        if v.owner is not None and costly.get(v, False) and numbers.of.get(v) in known:
            pairs[v] = known[numbers.of[v]]
    return list(pairs.items())


def _hand_over(
    fgraph: FunctionGraph,
    forward: tuple[Node, ScanArgs],
    backward: tuple[Node, ScanArgs],
    pairs: Sequence[tuple[Variable, Variable]],
) -> None:
    """Collect values in the forward loop and read them backwards in the other."""
    (node, mine), (later, theirs) = forward, backward
    distinct = list(dict.fromkeys(ours for _, ours in pairs))
    fresh = [v for v in distinct if v not in mine.inner_out_nit_sot]
    old = {
        v: len(mine.inner_out_nit_sot) - 1 - mine.inner_out_nit_sot[::-1].index(v)
        for v in distinct
        if v not in fresh
    }
    first = len(node.outputs) - len(mine.outer_out_shared) - len(mine.outer_out_nit_sot)
    outputs, collected = with_collected(node, mine, fresh)
    arrays = dict(zip(fresh, collected, strict=True))
    arrays |= {v: outputs[first + place] for v, place in old.items()}
    swap = list(zip(node.outputs, outputs, strict=True))
    inner_seqs, replaced = [], {}
    for v, ours in pairs:
        inner = v.type()
        inner.name = v.name
        inner_seqs.append((inner, arrays[ours][::-1][: theirs.n_steps]))
        replaced[v] = inner
    substitute(theirs, replaced)
    theirs.inner_in_seqs = [*theirs.inner_in_seqs, *(inner for inner, _ in inner_seqs)]
    # The gradient's other inputs come from the forward loop, which is about to be replaced.
    theirs.outer_in_seqs = [*theirs.outer_in_seqs, *(outer for _, outer in inner_seqs)]
    backward_outputs = rebuilt(later, theirs)
    new = list(zip(later.outputs, backward_outputs, strict=True))
    fgraph.replace_all_validate_remove(new, remove=[later], reason="native_keep_forward")
    fgraph.replace_all_validate_remove(swap, remove=[node], reason="native_keep_forward")


def _time_index(variable: Variable) -> tuple[Variable, tuple[tuple[Any, ...], ...]]:
    """Follow slices along time back to what they are slices of."""
    slices: list[tuple[Any, ...]] = []
    while variable.owner is not None:
        op = variable.owner.op
        if isinstance(op, SpecifyShape):
            variable = variable.owner.inputs[0]
            continue
        if not isinstance(op, Subtensor):
            break
        indices = get_idx_list(variable.owner.inputs, op.idx_list)
        if len(indices) != 1 or not isinstance(indices[0], slice):
            break
        bounds = tuple(bound_of(b) for b in (indices[0].start, indices[0].stop, indices[0].step))
        if "?" in bounds:
            break
        slices.append(bounds)
        variable = variable.owner.inputs[0]
    return variable, tuple(reversed(slices))


def _places(slices: Sequence[tuple[Any, ...]], length: int) -> tuple[int, int]:
    """Return the first place and the distance of places that slices of `length` elements walk."""
    walked = range(length)
    for start, stop, step in slices:
        walked = walked[slice(start, stop, step)]
    return walked.start, walked.step


def _forward_leaves(args: ScanArgs, node: Node) -> dict[Variable, Key]:
    """Find where each input of the forward body comes from: array, first place, distance."""
    steps = int(args.n_steps.data)
    keys: dict[Variable, Key] = {}
    for inner, outer in zip(args.inner_in_seqs, args.outer_in_seqs, strict=True):
        base, slices = _time_index(outer)
        length = _length(base, slices, steps)
        if length is not None:
            keys[inner] = (base, *_places(slices, length))
    outers = list(node.outputs)
    first = len(args.outer_out_mit_mot) + len(args.outer_out_mit_sot)
    for k, inner in enumerate(args.inner_in_sit_sot):
        keys[inner] = (outers[first + k], 0, 1)
    for inner, outer in zip(args.inner_in_non_seqs, args.outer_in_non_seqs, strict=True):
        keys[inner] = ("constant", outer)
    return keys


def _length(base: Variable, slices: Sequence[tuple[Any, ...]], steps: int) -> int | None:
    """Return the length of an array that slices are taken of; of a whole one it is the steps."""
    length = base.type.shape[0] if base.type.ndim else None
    if length is None and base.owner is not None and isinstance(base.owner.op, Scan):
        args = ScanArgs.from_node(base.owner)
        if base in args.outer_out_nit_sot or base in args.outer_out_sit_sot:
            extra = 1 if base in args.outer_out_sit_sot else 0
            n = args.n_steps
            return int(n.data) + extra if isinstance(n, Constant) else None
    if length is None and all(step in (None, 1, -1) for *_, step in slices):
        whole = all(start is None and stop in (None, steps) for start, stop, _ in slices)
        return steps if whole else None
    return int(length) if length is not None else None


def _forward_results(args: ScanArgs, node: Node, numbers: "Numbers") -> dict[Key, int]:
    """Number what lies at each place of the forward loop's results."""
    first = len(args.outer_out_mit_mot) + len(args.outer_out_mit_sot)
    places: dict[Key, int] = {}
    outers = node.outputs[first:]
    for k, inner in enumerate(args.inner_out_sit_sot):
        places[outers[k], 1, 1] = numbers.of[inner]
    for k, inner in enumerate(args.inner_out_nit_sot):
        places[outers[len(args.inner_out_sit_sot) + k], 0, 1] = numbers.of[inner]
    return places


def _backward_leaves(args: ScanArgs, steps: int) -> dict[Variable, Key]:
    """Find where each input of the gradient's body comes from, in the forward's steps."""
    keys: dict[Variable, Key] = {}
    for inner, outer in zip(args.inner_in_seqs, args.outer_in_seqs, strict=True):
        base, slices = _time_index(outer)
        length = _length(base, slices, steps)
        if length is not None:
            start, step = _places(slices, length)
            keys[inner] = (base, start + step * (steps - 1), -step)
    for inner, outer in zip(args.inner_in_non_seqs, args.outer_in_non_seqs, strict=True):
        keys[inner] = ("constant", outer)
    return keys
