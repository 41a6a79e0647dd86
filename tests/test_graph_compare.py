"""Random graphs see what is wrong: each fault that is planted here is found within a few graphs."""

from graphrnn.native.rewrites import query
from graphrnn.upstream import op_gradients
from tests.graph_compare import differing
from tests.graphs import Maker

import aesara.tensor as at
import pytest
from aesara.graph.rewriting.db import RewriteDatabaseQuery
from aesara.tensor.math import MaxAndArgmax

GRAPHS = 12


@pytest.fixture
def found(monkeypatch):
    """Compare a few graphs of one kind of step."""

    def compare(step):
        drawn = Maker.step
        monkeypatch.setattr(Maker, "step", lambda self, name=None: drawn(self, step))
        seeds = range(900, 900 + GRAPHS)
        return [line for seed in seeds for line in differing(seed, more=("-Og",))]

    return compare


@pytest.mark.parametrize("step", ["rows", "finite", "edge"])
def test_without_a_fault_nothing_is_found(found, step):
    assert found(step) == []


def test_a_gradient_of_what_is_overwritten_is_found(found, monkeypatch):
    monkeypatch.setattr(op_gradients, "last_row_written", lambda x, row: at.ones((1, 1), "bool"))
    monkeypatch.setattr(op_gradients, "last_written", lambda x, index: at.ones((), "bool"))
    assert any("slope along" in line for line in found("rows"))


def test_a_gradient_that_counts_ties_is_found(found, monkeypatch):
    def counting(op, inputs, output_gradients):
        (x,), (dy, _) = inputs, output_gradients
        kept = ["x" if k in op.axis else k - sum(a < k for a in op.axis) for k in range(x.ndim)]
        largest = at.eq(x, at.max(x, axis=op.axis).dimshuffle(kept))
        return [largest * dy.dimshuffle(kept)]

    monkeypatch.setattr(MaxAndArgmax, "grad", counting)
    assert any("slope along" in line for line in found("finite"))


@pytest.mark.parametrize(
    ("rewrite", "step"),
    [("local_set_to_inc_subtensor", "rows"), ("local_elemwise_sub_zeros", "edge")],
)
def test_a_wrong_rewrite_is_found(found, monkeypatch, rewrite, step):
    def unsound(include, exclude):
        asked = sound(include, exclude)
        return RewriteDatabaseQuery(include=asked.include, exclude=asked.exclude - {rewrite})

    sound = query.sound
    monkeypatch.setattr(query, "sound", unsound)
    query.query.cache_clear()
    try:
        assert any("native: " in line for line in found(step))
    finally:
        query.query.cache_clear()
