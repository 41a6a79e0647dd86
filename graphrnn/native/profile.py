"""Times the operations of a program: the same C, with a clock read around each of them."""

import ctypes
import time as clock
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphrnn.native.ir.program import Op
from graphrnn.native.pipeline import generate
from graphrnn.native.runtime.function import NativeFunction
from graphrnn.native.runtime.library import Target
from graphrnn.native.runtime.threads import default_threads

from aesara.graph.fg import FunctionGraph

_WARM, _CALLS, _AT_MOST = 2, 20, 2.0


@dataclass(frozen=True, eq=False)
class Timed:
    """The seconds of one call, and of each operation in it; a loop's hold those of its body.

    `bodies` gives the graph of each scan's operation, whose nodes the operations name.
    """

    total: float
    operations: list[tuple[Op, float]]
    bodies: dict[Any, FunctionGraph]


def time_operations(
    fgraph: FunctionGraph,
    values: Sequence[Any],
    *,
    threads: int | None = None,
    target: Target = Target(),  # noqa: B008
) -> Timed:
    """Run a rewritten graph some times and give the mean time of each operation.

    `values` are those of all inputs, shared ones included; those that the graph updates change.
    Reading the clock takes some 50 ns an operation. Where threads share the work, the time is that
    of the first, its waiting for the others included.

    Raises:
        Unsupported: a graph that this backend does not cover.

    Example:
        >>> import numpy as np, aesara.tensor as at
        >>> x = at.TensorType("float64", (1000,))("x")
        >>> found = time_operations(FunctionGraph([x], [at.exp(x)]), [np.zeros(1000)])
        >>> [0 < seconds <= found.total for op, seconds in found.operations if op.nodes]
        [True]
    """
    threads = threads or default_threads()
    updated = dict(getattr(fgraph, "update_mapping", None) or {})
    program, source = generate(fgraph, values, threads=threads, updated=updated, timed=True)
    function = NativeFunction(fgraph, program, source, threads, updated, target)
    seconds = (ctypes.c_double * max(1, len(source.timed))).in_dll(
        function.library, "graph_seconds"
    )
    for _ in range(_WARM):
        function(*values)
    ctypes.memset(seconds, 0, ctypes.sizeof(seconds))
    began, calls = clock.perf_counter(), 0
    while calls < _CALLS and (not calls or clock.perf_counter() - began < _AT_MOST):
        function(*values)
        calls += 1
    total = (clock.perf_counter() - began) / calls
    timed = [(op, s / calls) for op, s in zip(source.timed, seconds, strict=False)]
    return Timed(total, timed, program.bodies)
