"""Records every edit that rewriting makes to a graph, and replays the edits.

A recorder only listens, so it cannot change what is compiled. After an error it records nothing
more: a listener that raises would leave a graph half edited.
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

    `imported` are the nodes that the edit added to the graph, each with its operands at that time.
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
    """The written graph and all edits to it."""

    title: str
    inputs: tuple[Any, ...] = ()
    outputs: tuple[Any, ...] = ()
    updates: dict[int, int] = field(default_factory=dict)
    operands: dict[Any, tuple[Any, ...]] = field(default_factory=dict)
    edits: list[Edit] = field(default_factory=list)
    failure: BaseException | None = None
    dropped: tuple[int, ...] = ()
    """Outputs that were removed at the end: updates that change nothing."""


class Recorder(Feature):  # type: ignore[misc]
    """Records the edits of one graph. It never raises."""

    def __init__(self, history: GraphHistory) -> None:
        self.history = history
        self._imported: list[tuple[Any, tuple[Any, ...]]] = []
        self._last = clock.perf_counter()

    def on_attach(self, fgraph: FunctionGraph) -> None:
        """Record the graph as it is."""
        self._safely(self._begin, fgraph)

    def on_import(self, fgraph: FunctionGraph, node: Any, reason: Any) -> None:
        """Record a node that is added."""
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
        """Record an edit."""
        self._safely(self._edit, node, i, old, new, reason)

    def clone(self) -> "Recorder":
        """Return a recorder for a copy of the graph, which records nothing."""
        return _SilentRecorder(GraphHistory("copy"))

    def _safely(self, act: Callable[..., None], *arguments: Any) -> None:
        if self.history.failure is not None:
            return
        try:
            act(*arguments)
        except Exception as error:
            self.history.failure = error

    def _begin(self, fgraph: FunctionGraph) -> None:
        history = self.history
        history.inputs, history.outputs = tuple(fgraph.inputs), tuple(fgraph.outputs)
        history.updates = dict(getattr(fgraph, "update_mapping", None) or {})
        history.operands = {node: tuple(node.inputs) for node in fgraph.apply_nodes}
        self._last = clock.perf_counter()

    def _import(self, node: Any) -> None:
        self._imported.append((node, tuple(node.inputs)))

    def _edit(self, node: Any, index: int, old: Any, new: Any, reason: Any) -> None:
        now = clock.perf_counter()
        imported, self._imported = tuple(self._imported), []
        rewrite = rewrite_name(reason)
        self.history.edits.append(Edit(node, index, old, new, rewrite, now - self._last, imported))
        self._last = now


class _SilentRecorder(Recorder):
    """Records nothing."""

    def _safely(self, act: Callable[..., None], *arguments: Any) -> None:
        return


class Watched(GraphRewriter):  # type: ignore[misc]
    """A rewriter that records the history of its graph from before the first edit."""

    def __init__(self, inner: GraphRewriter, history: GraphHistory) -> None:
        super().__init__()
        self.inner, self.history = inner, history
        self.recorder = Recorder(history)

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        """Attach the recorder first: features of the inner rewriter may already edit the graph."""
        fgraph.attach_feature(self.recorder)
        self.inner.add_requirements(fgraph)

    def apply(self, fgraph: FunctionGraph) -> Any:
        """Rewrite the graph."""
        return self.inner.apply(fgraph)

    def finish(self, fgraph: FunctionGraph) -> None:
        """Stop recording."""
        fgraph.remove_feature(self.recorder)
        if len(fgraph.outputs) < len(self.history.outputs):
            final = _played(self.history, len(self.history.edits))[1]
            remaining = list(fgraph.outputs)
            self.history.dropped = tuple(
                k for k, v in enumerate(final) if not any(v is other for other in remaining)
            )


def rewrite_name(reason: Any) -> str:
    """Return the name of the rewrite that made an edit.

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
    """Return the operands by node, and the outputs, after the first edits of the written graph."""
    operands = {node: list(inputs) for node, inputs in history.operands.items()}
    outputs = list(history.outputs)
    for edit in history.edits[:steps]:
        for node, inputs in edit.imported:
            operands[node] = list(inputs)
        if isinstance(edit.node, str):
            outputs[edit.index] = edit.new
        else:
            operands[edit.node][edit.index] = edit.new
    return operands, outputs


def replay(history: GraphHistory, steps: int | None = None, **options: Any) -> Graph:
    """Build the graph after the first `steps` edits (default: all) from the history alone.

    `options` are passed to `record`, such as `body_of`.
    """
    steps = len(history.edits) if steps is None else steps
    inputs_of, outputs, updates = played_ends(history, steps)
    return record(history.inputs, outputs, updates, inputs_of=inputs_of, **options)


def played_ends(
    history: GraphHistory, steps: int | None = None
) -> tuple[InputsOf, list[Any], dict[int, int]]:
    """Return the operands, outputs and updates of a graph after the first `steps` edits."""
    steps = len(history.edits) if steps is None else steps
    operands, outputs = _played(history, steps)
    updates = dict(history.updates)
    if steps == len(history.edits):
        for index in sorted(history.dropped, reverse=True):
            outputs.pop(index)
            updates = {o - (o > index): i for o, i in updates.items() if o != index}
    return (lambda apply: operands.get(apply, apply.inputs)), outputs, updates


# --- steps for readers ---------------------------------------------------------------------------

FOLDED = ("merge", "constant folding", "undone")


@dataclass(frozen=True, eq=False)
class Step:
    """Consecutive edits of one rewrite, from edit `first` up to `last` (not included).

    `fold` is why a step is hidden by default: "merge", "constant folding", "undone" or "".
    """

    rewrite: str
    first: int
    last: int
    seconds: float
    fold: str
    removed: tuple[Any, ...]
    added: tuple[Any, ...]


def steps_of(history: GraphHistory, *, folded: bool = True) -> list[Step]:
    """Group consecutive edits by rewrite; `folded` leaves out merges and constant folding."""
    undone = _undone(history.edits)
    groups: list[tuple[str, str, list[int]]] = []
    for k, edit in enumerate(history.edits):
        fold = "undone" if k in undone else fold_of(edit)
        if groups and groups[-1][:2] == (edit.rewrite, fold):
            groups[-1][2].append(k)
        else:
            groups.append((edit.rewrite, fold, [k]))
    steps = [_step(history, rewrite, fold, ks) for rewrite, fold, ks in groups]
    if not folded:
        return steps
    shown: list[Step] = []
    for step in steps:
        if step.fold:
            continue
        before = shown[-1] if shown else None
        if before is not None and before.rewrite == step.rewrite:
            shown[-1] = replace(
                before,
                last=step.last,
                seconds=before.seconds + step.seconds,
                removed=(*before.removed, *step.removed),
                added=(*before.added, *step.added),
            )
        else:
            shown.append(step)
    return shown


def fold_of(edit: Edit) -> str:
    """Return why an edit is hidden by default; "" if it is shown."""
    rewrite = edit.rewrite.lower()
    if "merge" in rewrite and "local" not in rewrite:
        return "merge"
    if "constant" in rewrite and ("folding" in rewrite or "upcast" in rewrite):
        return "constant folding"
    return ""


def _undone(edits: Sequence[Edit]) -> set[int]:
    """Return the indices of edits that were reverted, and of those that reverted them."""
    undone: set[int] = set()
    for k, edit in enumerate(edits):
        if not edit.rewrite.startswith("Revert") and not edit.rewrite.lower().startswith("revert"):
            continue
        undone.add(k)
        for j in range(k - 1, -1, -1):
            other = edits[j]
            same_operand = other.node is edit.node and other.index == edit.index and j not in undone
            if same_operand and other.new is edit.old and other.old is edit.new:
                undone.add(j)
                break
    return undone


def _step(history: GraphHistory, rewrite: str, fold: str, ks: Sequence[int]) -> Step:
    """Build a step of consecutive edits, with the nodes that it added and removed."""
    edits = [history.edits[k] for k in ks]
    added = _unique(node for edit in edits for node, _ in edit.imported)
    removed = _unique(edit.old.owner for edit in edits if edit.old.owner is not None)
    return Step(
        rewrite,
        ks[0],
        ks[-1] + 1,
        sum(edit.seconds for edit in edits),
        fold,
        tuple(node for node in removed if node not in added),
        added,
    )


def _unique(items: Iterable[Any]) -> tuple[Any, ...]:
    """Return each item once, in order."""
    return tuple(dict.fromkeys(items))
