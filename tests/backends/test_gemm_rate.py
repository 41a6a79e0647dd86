import itertools

from graphrnn.backends import gemm_rate

import numpy as np
import pytest


def test_it_is_the_median_of_products_after_a_warm_up(monkeypatch):
    """A product of order n takes 2n³ operations; here each takes half a second, but for one."""
    calls, ticks = [], itertools.chain([0.0, 9.0], itertools.cycle([0.0, 0.5]))
    monkeypatch.setattr(gemm_rate, "_ORDER", 10)
    monkeypatch.setattr(gemm_rate, "compile_graph", lambda *a, **k: lambda A, B: calls.append(A))
    monkeypatch.setattr(gemm_rate.clock, "perf_counter", lambda: next(ticks))
    assert gemm_rate.gemm_rate("native") == pytest.approx(2 * 10**3 / 0.5 / 1e9)
    assert len(calls) == 1 + gemm_rate._REPEATS
    assert {(a.shape, a.dtype) for a in calls} == {((10, 10), np.dtype("float32"))}
