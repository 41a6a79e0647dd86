"""Measures the time of every node, loops included.

Stock Aesara is measured by the profile of its virtual machine; the C function of the native backend
is compiled once more, with a clock around each operation.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphrnn.backends.loop_bodies import body_in
from graphrnn.graph.shapes import require_array
from graphrnn.inspection.record.graph import (
    Ends,
    Graph,
    Node,
    ends_of,
    is_scan,
    own_body,
    snapshot,
)
from graphrnn.inspection.record.sources import Source
from graphrnn.native.profile import time_operations
from graphrnn.native.runtime.compilers import Target

import aesara
import numpy as np
from aesara.compile import profiling
from aesara.compile.profiling import ProfileStats
from aesara.graph.fg import FunctionGraph

_CALLS = 5


@dataclass(frozen=True, eq=False)
class Measured:
    """The graph that was run, and the seconds of each of its nodes in one call."""

    graph: Graph
    seconds: dict[Any, float]
    total: float


def measure(source: Source, *, calls: int = _CALLS) -> Measured:
    """Measure the time of each node by compiling a graph with a profile and running it.

    Inputs are filled with small random numbers; updated shared variables are restored.

    Raises:
        UserError: an input is no array, or its lengths are unknown.
    """
    values = [_value(v) for v in source.inputs if not hasattr(v, "get_value")]
    previous = [(old, old.get_value()) for old, _ in source.updates]
    listed = list(profiling._atexit_print_list)
    inputs = [v for v in source.inputs if not hasattr(v, "get_value")]
    try:
        # With the flag set, scans are profiled too; Aesara would print their profiles at exit.
        with aesara.config.change_flags(profile=True):
            function = aesara.function(
                inputs,
                list(source.outputs),
                updates=list(source.updates),
                mode=source.mode,
                profile=ProfileStats(atexit_print=False),
                on_unused_input="ignore",
            )
            function(*values)
            for profile in _profiles(function):
                profile.apply_time.clear()
                profile.fct_call_time = 0.0
            for _ in range(calls):
                function(*values)
    finally:
        profiling._atexit_print_list[:] = listed
        for shared, value in previous:
            shared.set_value(value)
    seconds: dict[Any, float] = {}
    for profile in _profiles(function):
        for (_, apply), spent in profile.apply_time.items():
            seconds[apply] = seconds.get(apply, 0.0) + spent / calls
    graph = snapshot(function.maker.fgraph, body_of=lambda op: _compiled_body(function, op))
    return Measured(graph, seconds, function.profile.fct_call_time / calls)


def measure_native(
    fgraph: FunctionGraph,
    *,
    threads: int | None = None,
    target: Target = Target(),  # noqa: B008
) -> Measured:
    """Measure the time of each node by running a rewritten graph on the native backend.

    Nodes that became one operation share its time equally; a node that became none, such as a view,
    takes none. Inputs are filled as in `measure`; no shared variable is changed.

    Raises:
        UserError: an input is no array, or its lengths are unknown.
        Unsupported: the backend does not cover the graph.
    """
    values = [v.get_value() if hasattr(v, "get_value") else _value(v) for v in fgraph.inputs]
    timed = time_operations(fgraph, values, threads=threads, target=target)

    def body(op: Any) -> Ends:
        inner = timed.bodies.get(op)
        if inner is None:
            return own_body(op)
        return ends_of(inner)

    graph = snapshot(fgraph, body_of=body)
    seconds = {node.apply: 0.0 for node in _all_nodes(graph)}
    for op, spent in timed.operations:
        known = [node for node in op.nodes if node in seconds]
        for node in known:
            seconds[node] += spent / len(known)
    return Measured(graph, seconds, timed.total)


def _all_nodes(graph: Graph) -> Iterator[Node]:
    """Yield all nodes, including those inside loops."""
    for node in graph.nodes:
        yield node
        if node.body is not None:
            yield from _all_nodes(node.body)


def _compiled_body(function: Any, op: Any) -> Ends:
    """Return the body that a loop runs."""
    return ends_of(body_in(function, op)) if is_scan(op) else own_body(op)


def _profiles(function: Any) -> Iterator[ProfileStats]:
    """Yield the profiles of a function and of its loops."""
    if function.profile:
        yield function.profile
    for node in function.maker.fgraph.apply_nodes:
        if is_scan(node.op) and getattr(node.op, "_fn", None) is not None:
            yield from _profiles(node.op._fn)


def _value(variable: Any) -> Any:
    """Return a value for an input."""
    kind = require_array(variable)
    if np.dtype(kind.dtype).kind in "iub":
        return np.zeros(kind.shape, kind.dtype)
    rng = np.random.default_rng(0)
    return (0.1 * rng.standard_normal(kind.shape)).astype(kind.dtype)
