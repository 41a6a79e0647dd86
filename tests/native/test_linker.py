"""The door: what is refused, and how; what a call checks; what stock Aesara runs instead."""

import copy
import re

from graphrnn.graph.shapes import tensor
from graphrnn.native import linker, pipeline
from graphrnn.native.ir.program import Kernel
from graphrnn.native.ir.views import Unsupported
from graphrnn.native.linker import native_mode
from graphrnn.native.lowering import lowering
from graphrnn.native.lowering.lowering import LoweringError
from graphrnn.native.pipeline import lower_graph
from graphrnn.native.runtime import threads
from graphrnn.native.runtime.library import CompileError
from tests.native_helpers import build, native

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.compile.io import In
from aesara.ifelse import ifelse
from aesara.tensor.elemwise import Elemwise
from aesara.tensor.random.utils import RandomStream

pytestmark = pytest.mark.stock_c


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


def test_what_is_not_covered_runs_in_stock_aesara_after_one_line(rng):
    said = []
    x = tensor("x", "float64", (3,))
    f = build([x], at.nlinalg.det(at.outer(x, x) + at.eye(3)), native_mode(say=said.append))
    np.testing.assert_allclose(f(np.ones(3)), 4.0)
    (line,) = said
    assert line.startswith("native backend: ")
    assert "Det" in line
    assert line.endswith("this function runs in stock Aesara instead")


class OddError(Exception):
    """An error that nobody expects."""


def broken(*arguments, **options):
    raise OddError("no such thing\nand more of it")


def placed(x, c, where):
    """Give a graph with an arctan in some place of it; its branch is taken where c is below 0."""
    if where == "loop":
        return aesara.scan(lambda x_t: at.arctan(x_t), sequences=[x])[0]
    return at.arctan(x) if where == "graph" else ifelse(c > 0, x, at.arctan(x))


@pytest.mark.parametrize("where", ["graph", "loop", "branch"])
def test_any_error_while_lowering_is_one_line_and_the_fall_back(where, monkeypatch):
    usual = lowering.LOWERINGS[Elemwise]

    def lower(low, node):
        (broken if node.op == at.arctan else usual)(low, node)

    monkeypatch.setitem(lowering.LOWERINGS, Elemwise, lower)
    x, c = tensor("x", "float64", (3,)), tensor("c", "float64", ())
    outputs = placed(x, c, where)
    said, value = [], np.array([1.0, 2.0, 3.0])
    f = build([x, c], outputs, native_mode(say=said.append))
    for taken in (1.0, -1.0):
        wanted = value if where == "branch" and taken > 0 else np.arctan(value)
        np.testing.assert_allclose(f(value, taken), wanted, rtol=1e-12)
    (line,) = said
    pattern = r"^native backend: .* = arctan\(.*\) \(test_linker.py:\d+\): OddError: no such"
    assert re.match(pattern, line)
    assert "\n" not in line
    with pytest.raises(LoweringError, match=r"arctan.*test_linker.py.*no such thing$") as got:
        build([x, c], outputs, native_mode(strict=True))
    assert isinstance(got.value.__cause__, OddError)
    assert not isinstance(got.value, Unsupported)


@pytest.mark.parametrize("part", ["verify", "optimize", "updates_last", "assign_buffers", "emit"])
def test_any_error_behind_lowering_is_one_line_and_the_fall_back(part, monkeypatch):
    monkeypatch.setattr(pipeline, part, broken)
    x, w, said = tensor("x", "float64", (3,)), aesara.shared(np.zeros(3)), []
    f = build([x], [x * 2], native_mode(say=said.append), updates=[(w, w + x)])
    np.testing.assert_array_equal(f(np.ones(3))[0], [2] * 3)
    np.testing.assert_array_equal(w.get_value(), [1] * 3)
    assert ["program: OddError: no such thing; this function" in line for line in said] == [True]


def test_want_of_memory_is_no_reason_to_fall_back(monkeypatch):
    def full(*arguments):
        raise MemoryError

    monkeypatch.setattr(pipeline, "assign_buffers", full)
    x = tensor("x", "float64", (3,))
    with pytest.raises(MemoryError):
        build([x], [x * 2], native_mode())


@pytest.mark.parametrize(
    "wrong",
    [
        lambda x: at.constant(np.ones((2, 3)))[at.constant(np.int64(7))],
        lambda x: x[:2] + at.specify_shape(x[at.arange(3)], (3,)),
        lambda x: x.reshape((5, 2))[0],
        lambda x: at.concatenate([x.dimshuffle("x", 0), x[:2].dimshuffle("x", 0)])[0],
        lambda x: at.alloc(x[0], at.constant(np.int64(-3))),
        lambda x: x[at.constant(np.int64(7))] * x,
        lambda x: at.split(x, [2, 2], 2)[0],
        lambda x: at.nlinalg.matrix_inverse(at.outer(x, x))[0],
    ],
)
def test_what_fails_in_a_branch_that_is_not_taken_does_not_fail(wrong):
    x, c = tensor("x", "float64", (3,)), tensor("c", "float64", ())
    said = []
    f = build([x, c], ifelse(c > 0, x + 1, wrong(x)), native_mode(say=said.append))
    np.testing.assert_array_equal(f(np.ones(3), 1.0), [2, 2, 2])
    assert len(said) == 1
    with pytest.raises((ValueError, IndexError, AssertionError, np.linalg.LinAlgError)):
        f(np.ones(3), -1.0)


def test_a_scalar_that_is_no_tensor_is_a_number():
    x = tensor("x", "float64", (3,))
    result = native([x], at.scalar_from_tensor(x.sum()))(np.ones(3))
    assert type(result) is np.float64
    assert result == 3


@pytest.fixture(params=["stock", "python"])
def instead(request, monkeypatch):
    """Give a mode whose functions all fall back, and to Python where they have a loop."""

    def refuse(*arguments):
        raise CompileError("cc cannot be used")

    monkeypatch.setattr("graphrnn.native.runtime.function.load", refuse)
    monkeypatch.setattr(linker, "STOCK_SCAN", request.param == "stock")
    said = []
    yield native_mode(say=said.append)
    assert said
    assert all("cc cannot be used; this function" in line for line in said)


def test_a_function_that_falls_back_updates_its_shared_variables(instead):
    x = tensor("x", "float64", (3,))
    a, b, c = (aesara.shared(np.full(3, value), shape=(3,)) for value in (1.0, 2.0, 3.0))
    counter = aesara.shared(np.int64(0))
    counter.default_update = counter + 1
    swapped = [(a, b), (b, a), (c, c + x)]
    f = build([x], [c.sum(), a * 1, counter * 10], instead, updates=swapped)
    for k in range(3):
        total, old, count = f(np.array([1.0, 2.0, 3.0]))
        assert (total, count) == (9 + 6 * k, 10 * k)
        np.testing.assert_array_equal(old, np.full(3, [1.0, 2.0][k % 2]))
        np.testing.assert_array_equal(a.get_value(), np.full(3, [2.0, 1.0][k % 2]))
        np.testing.assert_array_equal(b.get_value(), np.full(3, [1.0, 2.0][k % 2]))
        np.testing.assert_array_equal(c.get_value(), 3 + np.array([1.0, 2.0, 3.0]) * (k + 1))
        assert counter.get_value() == k + 1


def test_a_function_that_falls_back_updates_in_a_branch_that_is_taken(instead):
    """A lazy branch is run by another of Aesara's virtual machines."""
    x, w = tensor("x", "float64", ()), aesara.shared(np.float64(1))
    f = build([x], [w], instead, updates=[(w, ifelse(x > 0, w + x, w * 10))])
    assert [float(f(value)[0]) for value in (1.0, -1.0, 2.0)] == [1, 2, 20]
    assert w.get_value() == 22


def test_a_function_that_falls_back_updates_an_input_of_its_own(instead):
    x, total = tensor("x", "float64", ()), tensor("total", "float64", ())
    f = build([x, In(total, value=0.0, update=total + x)], [total * 2], instead)
    assert [float(f(value)[0]) for value in (1, 2, 3)] == [0, 2, 6]
    assert f[total] == 6
    g = f.copy()  # begins anew, as Aesara's copies do
    assert [float(g(value)[0]) for value in (4, 5)] == [0, 8]
    assert (float(f[total]), float(g[total])) == (6, 9)


def test_a_function_that_falls_back_without_a_node_of_its_own():
    x, w, v = tensor("x", "float64", (3,)), aesara.shared(np.zeros(3)), aesara.shared(np.ones(3))
    said = []
    f = build([x], [], native_mode(say=said.append), updates=[(w, v), (v, w)])
    for _ in range(3):
        f(np.zeros(3))
    assert ["a graph without operations" in line for line in said] == [True]
    np.testing.assert_array_equal([w.get_value(), v.get_value()], [[1, 1, 1], [0, 0, 0]])


def test_draws_of_a_function_that_falls_back_go_on(instead):
    stream = RandomStream(seed=3)
    outside = stream.uniform(0, 1, size=(2,))
    steps, updates = aesara.scan(lambda: stream.normal(0, 1, size=(2,)), n_steps=3)
    wanted = [copy.deepcopy(variable.get_value(borrow=True)) for variable, _ in updates.items()]
    first = copy.deepcopy(outside.owner.inputs[0].get_value(borrow=True))
    f = build([], [outside, steps], instead, updates=updates)
    for _ in range(3):
        got, inside = f()
        np.testing.assert_array_equal(got, first.uniform(0, 1, size=(2,)))
        np.testing.assert_array_equal(inside, [wanted[0].normal(0, 1, size=2) for _ in range(3)])


def test_a_state_that_a_loop_carries_goes_on_where_the_function_falls_back(instead):
    x, h = tensor("x", "float64", (4, 2)), aesara.shared(np.zeros(2), shape=(2,))
    states, _ = aesara.scan(lambda x_t, h: at.tanh(x_t + h), sequences=[x], outputs_info=[h])
    f = build([x], [states[0]], instead, updates=[(h, states[-1])])
    value = np.linspace(-1, 1, 8).reshape(4, 2)
    state = np.zeros(2)
    for _ in range(3):
        np.testing.assert_allclose(f(value)[0], np.tanh(value[0] + state), rtol=1e-12)
        for x_t in value:
            state = np.tanh(x_t + state)
        np.testing.assert_allclose(h.get_value(), state, rtol=1e-12)


def test_copies_of_a_function_that_falls_back_update_their_own(instead):
    x = tensor("x", "float64", (3,))
    a, b = (aesara.shared(np.full(3, value), shape=(3,)) for value in (1.0, 2.0))
    unused = tensor("unused", "float64", (5,))
    f = build([x, unused], [a + x], instead, updates=[(a, a + x)])
    value, rest = np.ones(3), np.zeros(5)
    swapped, same, without = f.copy(swap={a: b}), f.copy(), f.copy(delete_updates=True)
    for function, wanted in ((f, 2), (swapped, 3), (same, 3), (without, 4), (swapped, 4)):
        np.testing.assert_array_equal(function(value, rest)[0], np.full(3, wanted))
    np.testing.assert_array_equal([a.get_value(), b.get_value()], [[3] * 3, [4] * 3])
    f.trust_input = True
    f(value, rest)
    np.testing.assert_array_equal(a.get_value(), [4] * 3)


def test_what_is_lent_out_by_a_function_that_falls_back(instead):
    a = aesara.shared(np.zeros(3), shape=(3,))
    x = tensor("x", "float64", (3,))
    outputs = [aesara.Out(a + x, borrow=True), aesara.Out(a, borrow=True), a]
    f = build([x], outputs, instead, updates=[(a, a + x)])
    first = f(np.ones(3))
    second = f(np.full(3, 2.0))
    np.testing.assert_array_equal(first[2], [0] * 3)
    np.testing.assert_array_equal(second, [[3] * 3, [1] * 3, [1] * 3])
    np.testing.assert_array_equal(a.get_value(), [3] * 3)


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
    assert threads.default_threads() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert threads.default_threads() >= 1
