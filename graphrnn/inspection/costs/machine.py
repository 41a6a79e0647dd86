"""Measures what this machine can do at most: the roof that costs are held against."""

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
    """Give operations in a second of a matrix product, through our own backend or NumPy's BLAS."""
    try:
        ours = gemm_rate.gemm_rate("native") * 1e9
    except UserError:
        ours = 0.0
    value = np.random.default_rng(0).standard_normal((1024, 1024), dtype=np.float32)
    return max(ours, 2 * 1024**3 / _median_time(lambda: value @ value))


def copy_rate() -> float:
    """Give bytes in a second, read and written, of copying an array larger than the caches."""
    source = np.zeros(_BYTES // 8)
    target = np.empty_like(source)
    return 2 * _BYTES / _median_time(lambda: np.copyto(target, source))


def _median_time(work: Callable[[], object]) -> float:
    """Time a call several times after a warm-up."""
    work()
    times = []
    for _ in range(_REPEATS):
        began = clock.perf_counter()
        work()
        times.append(clock.perf_counter() - began)
    return median(times)
