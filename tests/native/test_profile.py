"""Times of operations."""

from graphrnn.native.ir.program import Gemm, Loop
from graphrnn.native.profile import time_operations
from tests.native_helpers import recurrence

import numpy as np
from aesara.graph.fg import FunctionGraph


def test_a_loop_s_time_holds_those_of_its_body():
    x, W, h = recurrence()
    graph = FunctionGraph([x, W], [h], clone=True)
    values = [np.zeros(v.type.shape, "float32") for v in (x, W)]
    result = time_operations(graph, values, threads=1)
    times = dict(result.operations)
    assert all(seconds >= 0 for seconds in times.values())
    (loop,) = [op for op in times if isinstance(op, Loop)]
    inside = sum(times[op] for op in loop.body)
    assert any(isinstance(op, Gemm) for op in loop.body)
    assert inside <= times[loop] <= result.total
    (scan,) = result.bodies
    assert scan in {node.op for node in graph.toposort()}
