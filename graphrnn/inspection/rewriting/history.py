"""Records every edit that rewriting makes to a graph, and plays the edits back.

A recorder listens and keeps; it answers nothing, so it cannot change what is compiled. An error in
it silences it for good: a listener that raises would leave a graph half edited.
"""

import time as clock
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from graphrnn.inspection.record.graph import Graph, InputsOf, record

from aesara.graph.features import Feature
from aesara.graph.fg import FunctionGraph
from aesara.graph.rewriting.basic import GraphRewriter


@dataclass(frozen=True, eq=False)
class Edit:
    """One change: operand `index` of `node` (or output `index` of the graph) is `new`, not `old`.

    `imported` are the nodes that came into the graph with it, each with its operands at that time.
    """

    node: Any
    index: int
    old: Any
    new: Any
    rewrite: str
    seconds: float
    imported: tuple[tuple[Any, tuple[Any, ...]], ...] = ()


@dataclass(eq=False)
class GraphHistory:
    """The written graph and every edit since."""

    title: str
    inputs: tuple[Any, ...] = ()
    outputs: tuple[Any, ...] = ()
    updates: dict[int, int] = field(default_factory=dict)
    operands: dict[Any, tuple[Any, ...]] = field(default_factory=dict)
    edits: list[Edit] = field(default_factory=list)
    failure: BaseException | None = None
    dropped: tuple[int, ...] = ()
    """Outputs that were taken away at the end: updates that turned out to change nothing."""


class Recorder(Feature):  # type: ignore[misc]
    """Listens to one graph. It never lets an exception out."""

    def __init__(self, history: GraphHistory) -> None:
        self.history = history
        self._imported: list[tuple[Any, tuple[Any, ...]]] = []
        self._last = clock.perf_counter()

    def on_attach(self, fgraph: FunctionGraph) -> None:
        """Keep the graph as it is."""
        self._safely(self._begin, fgraph)

    def on_import(self, fgraph: FunctionGraph, node: Any, reason: Any) -> None:
        """Keep a node that comes in."""
        self._safely(self._import, node)

    def on_change_input(
        self,
        fgraph: FunctionGraph,
        node: Any,
        i: int,
        old: Any,
        new: Any,
        reason: Any = None,
    ) -> None:
        """Keep an edit."""
        self._safely(self._edit, node, i, old, new, reason)

    def clone(self) -> "Recorder":
        """Stay with the one graph: a copy of it is recorded nowhere."""
        return _Deaf(GraphHistory("copy"))

    def _safely(self, act: Callable[..., None], *arguments: Any) -> None:
        if self.history.failure is not None:
            return
        try:
            act(*arguments)
        except Exception as error:
            self.history.failure = error

    def _begin(self, fgraph: FunctionGraph) -> None:
        told = self.history
        told.inputs, told.outputs = tuple(fgraph.inputs), tuple(fgraph.outputs)
        told.updates = dict(getattr(fgraph, "update_mapping", None) or {})
        told.operands = {node: tuple(node.inputs) for node in fgraph.apply_nodes}
        self._last = clock.perf_counter()

    def _import(self, node: Any) -> None:
        self._imported.append((node, tuple(node.inputs)))

    def _edit(self, node: Any, index: int, old: Any, new: Any, reason: Any) -> None:
        now = clock.perf_counter()
        imported, self._imported = tuple(self._imported), []
        rewrite = rewrite_name(reason)
        self.history.edits.append(Edit(node, index, old, new, rewrite, now - self._last, imported))
        self._last = now


class _Deaf(Recorder):
    """Records nothing."""

    def _safely(self, act: Callable[..., None], *arguments: Any) -> None:
        return


class Watched(GraphRewriter):  # type: ignore[misc]
    """A rewriter that has a graph recorded from before its first edit on."""

    def __init__(self, inner: GraphRewriter, history: GraphHistory) -> None:
        super().__init__()
        self.inner, self.history = inner, history
        self.recorder = Recorder(history)

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        """Attach the recorder first: what the inner rewriter attaches may edit already."""
        fgraph.attach_feature(self.recorder)
        self.inner.add_requirements(fgraph)

    def apply(self, fgraph: FunctionGraph) -> Any:
        """Rewrite the graph."""
        return self.inner.apply(fgraph)

    def finish(self, fgraph: FunctionGraph) -> None:
        """Stop listening."""
        fgraph.remove_feature(self.recorder)
        kept = len(fgraph.outputs)
        if kept < len(self.history.outputs):
            final = _played(self.history, len(self.history.edits))[1]
            left = list(fgraph.outputs)
            self.history.dropped = tuple(
                k for k, v in enumerate(final) if not any(v is other for other in left)
            )


def rewrite_name(reason: Any) -> str:
    """Name the rewrite that an edit was made for.

    Example:
        >>> rewrite_name("local_add_canonizer"), rewrite_name(None)
        ('local_add_canonizer', 'unnamed rewrite')
    """
    if isinstance(reason, (tuple, list)):
        return " of ".join(rewrite_name(part) for part in reason)
    name = getattr(reason, "name", None) or getattr(reason, "__name__", None)
    inner = getattr(reason, "rewrites", None)
    if not isinstance(name, str) and isinstance(inner, (list, tuple)) and inner:
        return f"one of {len(inner)} rewrites like {rewrite_name(inner[0])}"
    if not isinstance(name, str):
        name = reason if isinstance(reason, str) else type(reason).__name__
    return "unnamed rewrite" if reason is None else name


def _played(history: GraphHistory, steps: int) -> tuple[dict[Any, list[Any]], list[Any]]:
    """Apply the first edits to the written graph; give operands by node, and the outputs."""
    operands = {node: list(told) for node, told in history.operands.items()}
    outputs = list(history.outputs)
    for edit in history.edits[:steps]:
        for node, told in edit.imported:
            operands[node] = list(told)
        if isinstance(edit.node, str):
            outputs[edit.index] = edit.new
        else:
            operands[edit.node][edit.index] = edit.new
    return operands, outputs


def replay(history: GraphHistory, steps: int | None = None, **how: Any) -> Graph:
    """Give the graph after the first `steps` edits (all of them by default), from the record alone.

    `how` is handed to `graphs.record`: how the bodies of loops are found.
    """
    steps = len(history.edits) if steps is None else steps
    inputs_of, outputs, updates = played_ends(history, steps)
    return record(history.inputs, outputs, updates, inputs_of=inputs_of, **how)


def played_ends(
    history: GraphHistory, steps: int | None = None
) -> tuple[InputsOf, list[Any], dict[int, int]]:
    """Give the operands, outputs and updates of a graph after some of its edits."""
    steps = len(history.edits) if steps is None else steps
    operands, outputs = _played(history, steps)
    updates = dict(history.updates)
    if steps == len(history.edits):
        for gone in sorted(history.dropped, reverse=True):
            outputs.pop(gone)
            updates = {o - (o > gone): i for o, i in updates.items() if o != gone}
    return (lambda apply: operands.get(apply, apply.inputs)), outputs, updates


# --- steps that a person can follow -------------------------------------------------------------

FOLDED = ("merge", "constant folding", "undone")


@dataclass(frozen=True, eq=False)
class Step:
    """Edits of one rewrite in a row, from edit `first` up to `last` (not included).

    `fold` says why a step is put away by default: "merge", "constant folding", "undone" or "".
    """

    rewrite: str
    first: int
    last: int
    seconds: float
    fold: str
    removed: tuple[Any, ...]
    added: tuple[Any, ...]


def steps_of(history: GraphHistory, *, folded: bool = True) -> list[Step]:
    """Group the edits in a row by one rewrite; with `folded`, without merges and constants."""
    undone = _undone(history.edits)
    groups: list[tuple[str, str, list[int]]] = []
    for k, edit in enumerate(history.edits):
        fold = "undone" if k in undone else fold_of(edit)
        if groups and groups[-1][:2] == (edit.rewrite, fold):
            groups[-1][2].append(k)
        else:
            groups.append((edit.rewrite, fold, [k]))
    told = [_step(history, rewrite, fold, ks) for rewrite, fold, ks in groups]
    if not folded:
        return told
    kept: list[Step] = []
    for step in told:
        if step.fold:
            continue
        before = kept[-1] if kept else None
        if before is not None and before.rewrite == step.rewrite:
            kept[-1] = replace(
                before,
                last=step.last,
                seconds=before.seconds + step.seconds,
                removed=(*before.removed, *step.removed),
                added=(*before.added, *step.added),
            )
        else:
            kept.append(step)
    return kept


def fold_of(edit: Edit) -> str:
    """Say whether an edit is one that a reader rarely wants to see."""
    rewrite = edit.rewrite.lower()
    if "merge" in rewrite and "local" not in rewrite:
        return "merge"
    if "constant" in rewrite and ("folding" in rewrite or "upcast" in rewrite):
        return "constant folding"
    return ""


def _undone(edits: Sequence[Edit]) -> set[int]:
    """Find edits that were taken back (Aesara calls that Revert), and what took them back."""
    found: set[int] = set()
    for k, edit in enumerate(edits):
        if not edit.rewrite.startswith("Revert") and not edit.rewrite.lower().startswith("revert"):
            continue
        found.add(k)
        for j in range(k - 1, -1, -1):
            other = edits[j]
            same = other.node is edit.node and other.index == edit.index and j not in found
            if same and other.new is edit.old and other.old is edit.new:
                found.add(j)
                break
    return found


def _step(history: GraphHistory, rewrite: str, fold: str, ks: Sequence[int]) -> Step:
    """Make a step of edits in a row: which nodes it brought, and which it made superfluous."""
    edits = [history.edits[k] for k in ks]
    added = _unique(node for edit in edits for node, _ in edit.imported)
    gone = _unique(edit.old.owner for edit in edits if edit.old.owner is not None)
    return Step(
        rewrite,
        ks[0],
        ks[-1] + 1,
        sum(edit.seconds for edit in edits),
        fold,
        tuple(node for node in gone if node not in added),
        added,
    )


def _unique(items: Iterable[Any]) -> tuple[Any, ...]:
    """Give each item once, in order."""
    return tuple(dict.fromkeys(items))
