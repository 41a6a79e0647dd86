import itertools

from graphrnn.backends.compile import BuildEvent
from graphrnn.comparison import worker
from graphrnn.graph import loops
from graphrnn.graph.shapes import tensor

import aesara.tensor as at


def test_each_second_belongs_to_a_phase(monkeypatch):
    monkeypatch.setattr(worker.clock, "perf_counter", itertools.count().__next__)
    watch = worker.Stopwatch()
    grad = watch.wrap(lambda x: x + 1)
    assert grad(1) == 2  # a second of the graph until it begins, one of gradients
    watch.report(BuildEvent("f", "rewriting"))
    watch.report(BuildEvent("f", "compiling C"))
    watch.report(BuildEvent("f", "note"))  # stays where it was
    watch.enter("graph")
    assert watch.spent == {"graph": 2, "gradients": 1, "rewriting": 1, "compiling": 2}


def test_nodes_are_counted_within_loops_too():
    x, h_0 = tensor("x", "float64", (4, 3)), tensor("h_0", "float64", (3,))
    [h] = loops.LOOPS["scan"](lambda x_t, h_tm1: at.tanh(h_tm1 + x_t), [x], [h_0], [])
    without = worker.count_nodes([h], lambda op: [])
    assert (
        worker.count_nodes([h], lambda op: op.inner_outputs) == without + 3
    )  # tanh, sum, and a shape that is checked


def test_the_largest_size_is_that_of_a_process():
    assert 1e7 < worker.largest_size() < 1e12
