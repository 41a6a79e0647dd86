import itertools

from graphrnn.errors import UserError
from graphrnn.inspection.costs import machine

import numpy as np
import pytest


@pytest.fixture
def half_a_second(monkeypatch):
    """Let each call take half a second, except the first and the last, which take longer."""
    ticks = itertools.chain([0.0, 9.0], *[[0.0, 0.5]] * 5, [0.0, 9.0])
    monkeypatch.setattr(machine.clock, "perf_counter", lambda: next(ticks))


def test_copying_reads_and_writes(half_a_second, monkeypatch):
    monkeypatch.setattr(machine, "_BYTES", 800)
    assert machine.copy_rate() == pytest.approx(2 * 800 / 0.5)


@pytest.mark.parametrize(("native", "best"), [(0.001, 2 * 1024**3 / 0.5), (900.0, 900e9)])
def test_the_faster_product_is_the_roof(half_a_second, monkeypatch, native, best):
    monkeypatch.setattr(machine.gemm_rate, "gemm_rate", lambda backend: native)
    monkeypatch.setattr(np, "random", _Small)
    assert machine.product_rate() == pytest.approx(best)


def test_without_a_compiler_numpy_is_the_roof(half_a_second, monkeypatch):
    def refuse(backend):
        raise UserError("no compiler")

    monkeypatch.setattr(machine.gemm_rate, "gemm_rate", refuse)
    monkeypatch.setattr(np, "random", _Small)
    assert machine.product_rate() == pytest.approx(2 * 1024**3 / 0.5)


class _Small:
    """A random generator of matrices that take no time to multiply."""

    @staticmethod
    def default_rng(seed):
        return _Small

    @staticmethod
    def standard_normal(shape, dtype):
        return np.zeros((2, 2), dtype)
