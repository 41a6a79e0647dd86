"""Rewrites a graph and its loops as compiling would, and records their histories."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from graphrnn.backends.compile import deep
from graphrnn.inspection.record.graph import Ends, Graph, ends_of, is_scan, own_body, snapshot
from graphrnn.inspection.record.sources import Source, mode_of
from graphrnn.inspection.rewriting.history import GraphHistory, Watched, played_ends, replay
from graphrnn.inspection.rewriting.timing import Timing, timed
from graphrnn.native.linker import NativeLinker
from graphrnn.native.rewrites.query import WithoutCompiler, rewrite_body

import aesara
from aesara.compile.function.pfunc import construct_pfunc_ins_and_outs
from aesara.compile.function.types import FunctionMaker
from aesara.compile.mode import Mode
from aesara.graph.fg import FunctionGraph
from aesara.graph.rewriting.basic import GraphRewriter


@dataclass(eq=False)
class Rewritten:
    """A rewritten graph, the bodies of its loops, and the history of each."""

    fgraph: FunctionGraph
    history: GraphHistory
    bodies: dict[Any, FunctionGraph] = field(default_factory=dict)
    body_histories: dict[Any, GraphHistory] = field(default_factory=dict)
    timing: Timing = field(default_factory=Timing)

    def graph(self) -> Graph:
        """Record the compiled graph."""
        return snapshot(self.fgraph, body_of=self._body)

    def replayed(self) -> Graph:
        """Build the compiled graph from the written one and the recorded edits alone."""
        return replay(self.history, body_of=self._replayed_body)

    def histories(self) -> list[GraphHistory]:
        """Return the history of the outer graph, then those of the bodies."""
        return [self.history, *self.body_histories.values()]

    def _body(self, op: Any) -> Ends:
        body = self.bodies.get(op)
        if body is None:
            return own_body(op)
        return ends_of(body)

    def _replayed_body(self, op: Any) -> Ends:
        history = self.body_histories.get(op)
        if history is None:
            return own_body(op)
        inputs_of, outputs, _ = played_ends(history)
        return Ends(tuple(history.inputs), tuple(outputs), inputs_of)


def rewrite(source: Source, *, watched: bool = True, measured: bool = False) -> Rewritten:
    """Rewrite a graph as its mode would, without changing the source or compiling C.

    `measured` also measures the time of each rewrite, which makes rewriting some percent slower.
    """
    with deep(), _timed(measured) as timing, aesara.config.change_flags(cxx=""):
        mode = mode_of(source)
        history = GraphHistory(source.title)
        fgraph = _outer(source, mode, history, watched=watched)
        result = Rewritten(fgraph, history, timing=timing)
        _bodies(result, fgraph, mode, watched=watched)
    return result


@contextlib.contextmanager
def _timed(measured: bool) -> Iterator[Timing]:
    """Yield the timing of rewriting, empty unless `measured`."""
    if not measured:
        yield Timing()
        return
    with timed() as timing:
        yield timing


def _outer(source: Source, mode: Mode, history: GraphHistory, *, watched: bool) -> FunctionGraph:
    """Rewrite the outer graph through the entry point of `aesara.function`, up to linking."""
    inputs, outputs = construct_pfunc_ins_and_outs(
        list(source.inputs), list(source.outputs), mode, list(source.updates)
    )
    return _prepared(inputs, outputs, mode, history, watched=watched)


def _prepared(
    inputs: Any,
    outputs: Any,
    mode: Mode,
    history: GraphHistory,
    *,
    watched: bool,
    fgraph: FunctionGraph | None = None,
) -> FunctionGraph:
    """Return the graph that Aesara has rewritten for a function, up to linking."""
    rewriter = WithoutCompiler(mode.optimizer)
    watcher = Watched(rewriter, history) if watched else None
    watched_mode = Mode(mode.linker, watcher or rewriter)
    maker = FunctionMaker(
        inputs, outputs, mode=watched_mode, fgraph=fgraph, on_unused_input="ignore", profile=False
    )
    if watcher is not None:
        watcher.finish(maker.fgraph)
    return maker.fgraph


def _bodies(result: Rewritten, fgraph: FunctionGraph, mode: Mode, *, watched: bool) -> None:
    """Rewrite the bodies of the loops in a graph, nested ones included."""
    for node in fgraph.toposort():
        if not is_scan(node.op) or node.op in result.bodies:
            continue
        number = len(result.bodies) + 1
        history = GraphHistory(f"body of loop {number}")
        if isinstance(mode.linker, NativeLinker):
            body = _native_body(node.op, mode.linker, history, watched=watched)
        else:
            body = _vm_body(node.op, history, watched=watched)
        result.bodies[node.op] = body
        result.body_histories[node.op] = history
        _bodies(result, body, mode, watched=watched)


def _native_body(
    op: Any, linker: NativeLinker, history: GraphHistory, *, watched: bool
) -> FunctionGraph:
    """Rewrite a copy of a scan's body as the native backend does when it lowers the loop."""
    if not watched:
        return rewrite_body(op.fgraph, linker.rewrites)
    watchers: list[Watched] = []

    def watch(rewriter: GraphRewriter) -> Watched:
        watchers.append(Watched(rewriter, history))
        return watchers[0]

    body = rewrite_body(op.fgraph, linker.rewrites, watch)
    watchers[0].finish(body)
    return body


def _vm_body(op: Any, history: GraphHistory, *, watched: bool) -> FunctionGraph:
    """Rewrite a copy of a scan's body as the scan does when it first runs."""
    own = op.clone()
    inputs, outputs = own.prepare_fgraph(own.fgraph)
    inputs, outputs = construct_pfunc_ins_and_outs(
        inputs, outputs, own.mode_instance, fgraph=own.fgraph
    )
    return _prepared(
        inputs, outputs, own.mode_instance, history, watched=watched, fgraph=own.fgraph
    )
