"""The door: what is refused, and how; what a call checks."""

from graphrnn.native import linker
from graphrnn.native.linker import lower_graph, native_mode
from graphrnn.native.program import Kernel
from graphrnn.native.views import Unsupported
from graphrnn.shapes import tensor
from tests.native_helpers import build, native

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.tensor.random.utils import RandomStream


@pytest.mark.parametrize(
    "graph",
    [
        lambda x: x + RandomStream(seed=1).gamma(2.0, 1.0, size=(3,)),
        lambda x: at.alloc(x[0], at.cast(x[1], "int64")),
        lambda x: at.nlinalg.det(at.outer(x, x)),
    ],
)
def test_strict_refuses_and_names_the_operation(graph):
    x = tensor("x", "float64", (3,))
    with pytest.raises(Unsupported, match="."):
        native([x], graph(x))


def test_unknown_shapes_are_refused():
    m = at.matrix("m")
    with pytest.raises(Unsupported, match=r"input m: its shape \(None, None\) is not static"):
        native([m], m * 2)


def test_what_is_not_covered_runs_in_stock_aesara_after_one_line(rng):
    said = []
    x = tensor("x", "float64", (3,))
    f = build([x], at.nlinalg.det(at.outer(x, x) + at.eye(3)), native_mode(say=said.append))
    np.testing.assert_allclose(f(np.ones(3)), 4.0)
    (line,) = said
    assert line.startswith("native backend: ")
    assert "Det" in line
    assert line.endswith("this function runs in stock Aesara instead")


def test_an_index_outside_is_an_error_not_a_crash():
    E, i = tensor("E", "float32", (5, 3)), tensor("i", "int64", (2,))
    take = native([E, i], E[i])
    put = native([E, i], at.inc_subtensor(E[i], 1))
    table = np.arange(15, dtype="f4").reshape(5, 3)
    np.testing.assert_array_equal(take(table, np.array([4, -5])), table[[4, -5]])
    for bad in (5, -6, 10**15):
        for f in (take, put):
            with pytest.raises(IndexError, match="is outside of axis"):
                f(table, np.array([0, bad]))


def test_inputs_of_another_layout_or_shape(rng):
    x = tensor("x", "float64", (4, 6))
    f = native([x], x * 2)
    value = rng.standard_normal((6, 4)).T
    np.testing.assert_array_equal(f(value), value * 2)
    np.testing.assert_array_equal(f(np.repeat(value, 2, 0)[::2]), value * 2)


def test_parameters_may_be_other_arrays_at_each_call():
    """Where a parameter lies is remembered, but never for another array."""
    W = aesara.shared(np.zeros(3), "W", shape=(3,))
    f = native([], [W.sum()], updates=[(W, W + 1)])
    assert f.vm.jit_fn.in_place
    f()
    assert f()[0] == 3
    for start in (10.0, 20.0):
        before, given = W.get_value(borrow=True), np.full(3, start)
        kept = before.copy()
        W.set_value(given, borrow=True)
        assert f()[0] == 3 * start
        np.testing.assert_array_equal(W.get_value(), np.full(3, start + 1))
        np.testing.assert_array_equal(before, kept)


def test_lower_graph_alone():
    x = tensor("x", "float64", (3,))
    program = lower_graph(native([x], [at.exp(x)]).maker.fgraph)
    assert [type(op) for op in program.ops] == [Kernel]


def test_default_threads(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert linker.default_threads() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert linker.default_threads() >= 1
