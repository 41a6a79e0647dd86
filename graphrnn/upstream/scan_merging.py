"""Aesara's rewrites that merge loops, and states of a loop, each made right.

They stand in Aesara's database in the place of those that are wrong, as `sound_…`:

    sound_scan_merge_inouts   states that are always equal are one
    sound_scan_merge          loops of one number of steps are one

The first of Aesara's takes two states for one where they begin alike. Two leaky sums with two
factors begin alike; in the loop of a gradient all states that nobody looks at do, at zero. Here
every step must change them alike too. The second takes two conditions for one that are written
alike and read other sequences or states, and merges two pairs of loops that wait for one another.
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
    """A result of a loop: how it begins, what a step reads of it, what a step gives, its array."""

    begins: tuple[Any, ...]
    reads: tuple[Variable, ...]
    gives: tuple[Variable, ...]
    array: Variable


def _states(args: ScanArgs) -> Iterator[_State]:
    """Give what a loop carries, and what it collects: that has the number of steps to begin with.

    Generators are left out: each is its own.
    """
    groups = (
        ("mit_mot", args.mit_mot_in_slices, args.mit_mot_out_slices),
        ("mit_sot", args.mit_sot_in_slices, [()] * len(args.mit_sot_in_slices)),
        ("sit_sot", args.sit_sot_in_slices, [()] * len(args.sit_sot_in_slices)),
    )
    for kind, read_at, written_at in groups:
        parts = (getattr(args, f"{part}_{kind}") for part in ("outer_in", "inner_in", "inner_out"))
        arrays = getattr(args, f"outer_out_{kind}")
        for first, reads, gives, taps, written, array in zip(
            *parts, read_at, written_at, arrays, strict=True
        ):
            begins = (kind, _same(first), tuple(taps), tuple(written))
            yield _State(begins, _flat(reads), _flat(gives), array)
    for slots, gives, array in zip(
        args.outer_in_nit_sot, args.inner_out_nit_sot, args.outer_out_nit_sot, strict=True
    ):
        yield _State(("nit_sot", _same(slots)), (), (gives,), array)


def _same(variable: Variable) -> Any:
    """Give what equals that of an equal variable."""
    return variable.signature() if isinstance(variable, Constant) else variable


def _flat(variables: Any) -> tuple[Variable, ...]:
    return tuple(variables) if isinstance(variables, (list, tuple)) else (variables,)


def _classes(args: ScanArgs, states: list[_State]) -> list[Any]:
    """Give each state its class: those that begin alike, split until each step treats them alike.

    This is how a finite automaton is minimized: J. E. Hopcroft, "An n log n algorithm for
    minimizing states in a finite automaton" (1971), in its plain form.
    """
    classes: list[Any] = [state.begins for state in states]
    while True:
        numbers = Numbers()
        for state, name in zip(states, classes, strict=True):
            for tap, variable in enumerate(state.reads):
                numbers.leaf(variable, ("state", name, tap))
        numbers.body(args.inner_inputs, args.inner_outputs)
        finer = [
            (name, *(numbers.of[v] for v in state.gives))
            for state, name in zip(states, classes, strict=True)
        ]
        ranks = {name: rank for rank, name in enumerate(dict.fromkeys(finer))}
        if len(ranks) == len(set(classes)):
            return classes
        classes = [ranks[name] for name in finer]


@node_rewriter([Scan])  # type: ignore[untyped-decorator]
def merge_equal_states(fgraph: FunctionGraph, node: Node) -> Any:
    """Let what reads a state's array read that of the first state which is always equal."""
    args = ScanArgs.from_node(node)
    states = list(_states(args))
    first: dict[Any, Variable] = {}
    changed = {}
    for state, name in zip(states, _classes(args, states), strict=True):
        other = first.setdefault(name, state.array)
        if other is not state.array and fgraph.clients[state.array] and _fits(other, state.array):
            changed[state.array] = other
    return changed or None


def _fits(other: Variable, wanted: Variable) -> bool:
    """Say whether a variable may stand where another stood."""
    return bool(wanted.type.is_super(other.type))


in_place_of(
    scan_eqopt2,
    "scan_merge_inouts",
    in2out(merge_equal_states, ignore_newtrees=True),
    "fast_run",
    "scan",
)


# ── loops ──


class MergeLoops(ScanMerge):  # type: ignore[misc]
    """Makes one loop of loops of the same number of steps, none of which waits for another."""

    def belongs_to_set(self, node: Node, set_nodes: Sequence[Node]) -> bool:
        """Say whether a loop may be merged with others; one that ends at a condition stays."""
        return not node.op.info.as_while and bool(super().belongs_to_set(node, set_nodes))

    def apply(self, fgraph: FunctionGraph) -> None:
        """Merge one set of loops after another: after each, other loops may wait for it."""
        while (nodes := self._next(fgraph)) is not None:
            fgraph.replace_all_validate_remove(
                self.merge(nodes), remove=nodes, reason="sound_scan_merge"
            )

    def _next(self, fgraph: FunctionGraph) -> list[Node] | None:
        """Find loops that can be merged."""
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
