"""Correct versions of Aesara's rewrites that merge loops, and states of a loop.

They replace the faulty ones in Aesara's database, as `sound_…`:

    sound_scan_merge_inouts   merges states that are always equal
    sound_scan_merge          merges loops with the same number of steps

Aesara's first one merges two states that have the same initial value. Two leaky sums with
different factors may have that; in the loop of a gradient all unused states do, zero. Here every
step must also update them alike. Aesara's second one merges loops whose conditions have the same
form but read different sequences or states, and pairs of loops that depend on one another.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from graphrnn.upstream.scan_args import Node, in_place_of
from graphrnn.upstream.value_numbering import Numbers

from aesara.graph.basic import Constant, Variable
from aesara.graph.fg import FunctionGraph
from aesara.graph.rewriting.basic import in2out, node_rewriter
from aesara.scan.op import Scan
from aesara.scan.rewriting import ScanMerge, scan_eqopt2
from aesara.scan.utils import ScanArgs


@dataclass(frozen=True)
class _State:
    """A result of a loop: its initial value, what a step reads of it and writes, its array."""

    initial: tuple[Any, ...]
    reads: tuple[Variable, ...]
    writes: tuple[Variable, ...]
    array: Variable


def _states(args: ScanArgs) -> Iterator[_State]:
    """Yield the states and the collected results of a loop; the latter start with a length only.

    Generators are left out, since no two of them are equal.
    """
    groups = (
        ("mit_mot", args.mit_mot_in_slices, args.mit_mot_out_slices),
        ("mit_sot", args.mit_sot_in_slices, [()] * len(args.mit_sot_in_slices)),
        ("sit_sot", args.sit_sot_in_slices, [()] * len(args.sit_sot_in_slices)),
    )
    for kind, read_at, written_at in groups:
        parts = (getattr(args, f"{part}_{kind}") for part in ("outer_in", "inner_in", "inner_out"))
        arrays = getattr(args, f"outer_out_{kind}")
        for first, reads, writes, taps, written, array in zip(
            *parts, read_at, written_at, arrays, strict=True
        ):
            initial = (kind, _key(first), tuple(taps), tuple(written))
            yield _State(initial, _flat(reads), _flat(writes), array)
    for length, writes, array in zip(
        args.outer_in_nit_sot, args.inner_out_nit_sot, args.outer_out_nit_sot, strict=True
    ):
        yield _State(("nit_sot", _key(length)), (), (writes,), array)


def _key(variable: Variable) -> Any:
    """Return a key that equal variables share."""
    return variable.signature() if isinstance(variable, Constant) else variable


def _flat(variables: Any) -> tuple[Variable, ...]:
    return tuple(variables) if isinstance(variables, (list, tuple)) else (variables,)


def _classes(args: ScanArgs, states: list[_State]) -> list[Any]:
    """Return the class of each state, refined from equal initial values until steps treat it alike.

    This is the minimization of a finite automaton: J. E. Hopcroft, "An n log n algorithm for
    minimizing states in a finite automaton" (1971), in its plain form.
    """
    classes: list[Any] = [state.initial for state in states]
    while True:
        numbers = Numbers()
        for state, name in zip(states, classes, strict=True):
            for tap, variable in enumerate(state.reads):
                numbers.leaf(variable, ("state", name, tap))
        numbers.body(args.inner_inputs, args.inner_outputs)
        finer = [
            (name, *(numbers.of[v] for v in state.writes))
            for state, name in zip(states, classes, strict=True)
        ]
        ranks = {name: rank for rank, name in enumerate(dict.fromkeys(finer))}
        if len(ranks) == len(set(classes)):
            return classes
        classes = [ranks[name] for name in finer]


@node_rewriter([Scan])  # type: ignore[untyped-decorator]
def merge_equal_states(fgraph: FunctionGraph, node: Node) -> Any:
    """Replace a state's array by that of the first state that always equals it."""
    args = ScanArgs.from_node(node)
    states = list(_states(args))
    first: dict[Any, Variable] = {}
    changed = {}
    for state, name in zip(states, _classes(args, states), strict=True):
        other = first.setdefault(name, state.array)
        if other is not state.array and fgraph.clients[state.array] and _fits(other, state.array):
            changed[state.array] = other
    return changed or None


def _fits(new: Variable, old: Variable) -> bool:
    """Return whether the type of a variable allows it to replace another."""
    return bool(old.type.is_super(new.type))


in_place_of(
    scan_eqopt2,
    "scan_merge_inouts",
    in2out(merge_equal_states, ignore_newtrees=True),
    "fast_run",
    "scan",
)


# ── loops ──


class MergeLoops(ScanMerge):  # type: ignore[misc]
    """Merges loops with the same number of steps, none of which depends on another."""

    def belongs_to_set(self, node: Node, set_nodes: Sequence[Node]) -> bool:
        """Return whether a loop may be merged with others: not if it ends at a condition."""
        return not node.op.info.as_while and bool(super().belongs_to_set(node, set_nodes))

    def apply(self, fgraph: FunctionGraph) -> None:
        """Merge one set of loops at a time: each merge may add dependencies between loops."""
        while (nodes := self._next(fgraph)) is not None:
            fgraph.replace_all_validate_remove(
                self.merge(nodes), remove=nodes, reason="sound_scan_merge"
            )

    def _next(self, fgraph: FunctionGraph) -> list[Node] | None:
        """Return the next loops that can be merged, or None."""
        sets: list[list[Node]] = []
        if sum(isinstance(node.op, Scan) for node in fgraph.apply_nodes) < 2:
            return None
        for node in fgraph.toposort():
            if isinstance(node.op, Scan):
                fitting = next((s for s in sets if self.belongs_to_set(node, s)), None)
                if fitting is None:
                    sets.append([node])
                else:
                    fitting.append(node)
        return next((nodes for nodes in sets if len(nodes) > 1), None)


in_place_of(scan_eqopt2, "scan_merge", MergeLoops(), "fast_run", "scan")
