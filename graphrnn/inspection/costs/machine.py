"""Measures the peak rates of this machine: the roofline of the cost model."""

import functools
import time as clock
from collections.abc import Callable
from statistics import median

from graphrnn.backends import gemm_rate
from graphrnn.errors import UserError
from graphrnn.inspection.costs.costs import Machine

import numpy as np

_BYTES = 64_000_000
_REPEATS = 7


@functools.cache
def measured_machine() -> Machine:
    """Measure the rate of float32 matrix products and of copying memory, once a process."""
    return Machine(flops=product_rate(), bytes=copy_rate())


def product_rate() -> float:
    """Measure the operations per second of matrix products, of native or NumPy's BLAS."""
    try:
        native = gemm_rate.gemm_rate("native") * 1e9
    except UserError:
        native = 0.0
    value = np.random.default_rng(0).standard_normal((1024, 1024), dtype=np.float32)
    return max(native, 2 * 1024**3 / _median_time(lambda: value @ value))


def copy_rate() -> float:
    """Measure bytes per second, read and written, of copying an array larger than the caches."""
    source = np.zeros(_BYTES // 8)
    target = np.empty_like(source)
    return 2 * _BYTES / _median_time(lambda: np.copyto(target, source))


def _median_time(work: Callable[[], object]) -> float:
    """Return the median time of several calls after a warm-up."""
    work()
    times = []
    for _ in range(_REPEATS):
        began = clock.perf_counter()
        work()
        times.append(clock.perf_counter() - began)
    return median(times)
