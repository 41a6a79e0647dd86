"""Measures how fast a backend multiplies matrices."""

import time as clock
from statistics import median

from graphrnn.backends.compile import Report, compile_graph, silent
from graphrnn.graph.shapes import Tensor, tensor
from graphrnn.graph.updates import Updates

import aesara.tensor as at
import numpy as np

_ORDER = 1024


_REPEATS = 7


def gemm_rate(backend: str = "aesara", report: Report = silent) -> float:
    """Measure a float32 product of two matrices of order n through a backend, in GFLOP/s.

    A product takes 2n³ operations; the result is the median of several runs after a warm-up.

    Raises:
        UserError: there is no compiler.
    """

    def graph() -> tuple[list[Tensor], list[Tensor], Updates]:
        shape = (_ORDER, _ORDER)
        A, B = tensor("A", "float32", shape), tensor("B", "float32", shape)
        return [A, B], [at.dot(A, B)], []

    product = compile_graph(graph, name="gemm", backend=backend, report=report)
    value = np.random.default_rng(0).standard_normal((_ORDER, _ORDER), dtype=np.float32)
    product(value, value)
    times = []
    for _ in range(_REPEATS):
        began = clock.perf_counter()
        product(value, value)
        times.append(clock.perf_counter() - began)
    return 2 * _ORDER**3 / median(times) / 1e9
