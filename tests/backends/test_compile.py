import gc
import shutil
import sys

from graphrnn.backends import compile as compiling
from graphrnn.errors import UserError
from graphrnn.graph.shapes import tensor
from graphrnn.native import linker
from graphrnn.native.runtime.library import CompileError

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.link.c.op import COp
from aesara.tensor.random.utils import RandomStream

pytestmark = pytest.mark.stock_c


def product():
    A = tensor("A", "float32", (2, 2))
    return [A], [at.tanh(at.dot(A, A) * np.float32(2) * np.float32(3))], []


@pytest.mark.parametrize("backend", compiling.BACKENDS)
def test_phases_are_reported_in_order(backend):
    builds = []
    f = compiling.compile_graph(product, name="product", backend=backend, report=builds.append)
    phases = list(dict.fromkeys(build.phase for build in builds))
    middle = {
        "aesara": ["compiling C"],
        "python": [],
        "native": ["lowering to one C function", "compiling C"],
    }
    middle["auto"] = middle["native"]
    assert phases == [
        "building the graph and its gradients",
        "rewriting",
        *middle[backend],
        "ready",
    ]
    assert {build.function for build in builds} == {"product"}
    last = builds[-1]
    if backend == "aesara":
        assert last.done == last.total > 0
    else:
        assert last.done == last.modules == 0
    assert compiling.runner(f) == ("native" if backend == "auto" else backend)
    made = {"aesara": "nodes in C", "python": "stepped in Python"}
    assert made.get(backend, "one C function") in last.detail
    np.testing.assert_allclose(f(np.eye(2, dtype="float32"))[0], np.tanh(6 * np.eye(2)), rtol=1e-6)


def test_the_count_leaves_aesara_as_it_was():
    before, cxx = COp.make_c_thunk, aesara.config.cxx
    compiling.compile_graph(product, name="product", backend="aesara")

    def broken():
        raise ValueError

    with pytest.raises(ValueError, match="^$"):
        compiling.compile_graph(broken, name="broken", backend="aesara")
    assert COp.make_c_thunk is before
    assert aesara.config.cxx == cxx


def half_updated(backend, order):
    """Make a function whose updates are a draw, a sum and rows of a table, in this order."""
    stream, W = RandomStream(seed=3), aesara.shared(np.zeros(3), name="W", shape=(3,))
    E = aesara.shared(np.zeros((5, 3)), name="E", shape=(5, 3))

    def graph():
        i = tensor("i", "int64", (2,))
        noise = stream.normal(size=(3,))
        updates = [(W, at.tanh(W * 2 + 1) + noise), (E, at.inc_subtensor(E[i], W))]
        return [i], [], [*updates, *stream.state_updates][::order]

    f = compiling.compile_graph(graph, name="f", backend=backend)
    ((generator, _),) = stream.state_updates
    return f, lambda: (W.get_value(), E.get_value(), generator.get_value().bit_generator.state)


@pytest.mark.stock_c
@pytest.mark.parametrize("backend", compiling.BACKENDS)
def test_a_call_that_fails_changes_nothing(backend):
    """In one of the two orders something was updated before the index was found to be outside."""
    ends = []
    for order in (1, -1):
        f, values = half_updated(backend, order)
        f([0, 1])
        before = values()
        for _ in range(2):
            with pytest.raises(IndexError, match="index 9 is out"):
                f([0, 9])
            for now, then in zip(values(), before, strict=True):
                np.testing.assert_array_equal(now, then)
        f([0, 1])
        ends.append(values())
    for left, right in zip(*ends, strict=True):
        np.testing.assert_array_equal(left, right)


def test_unknown_backend():
    with pytest.raises(UserError, match="unknown backend 'pyton'; did you mean 'python'"):
        compiling.compile_graph(product, name="product", backend="pyton")


def test_no_compiler_names_the_packages(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name, *a, **k: None)
    with pytest.raises(UserError, match="apt install g.*dnf install gcc-c.*xcode-select --install"):
        compiling.compile_graph(product, name="product", backend="aesara")


def drawing():
    """Make a graph with a random draw, which the native backend does not cover."""
    x = tensor("x", "float64", (3,))
    return [x], [x + RandomStream(seed=1).gamma(2.0, 1.0, size=(3,))], []


def test_native_refuses_in_one_line_what_it_does_not_cover():
    with pytest.raises(UserError, match="--backend native: .*with --backend auto it runs in stock"):
        compiling.compile_graph(drawing, name="draw", backend="native")


def test_auto_says_what_it_falls_back_for_and_why():
    builds = []
    f = compiling.compile_graph(drawing, name="draw", backend="auto", report=builds.append)
    (note,) = [build.detail for build in builds if build.phase == "note"]
    assert note.startswith("native backend: ")
    assert "runs in stock Aesara instead" in note
    assert compiling.runner(f) == "aesara"
    draws = [f(np.zeros(3))[0] for _ in range(3)]
    (stream,) = f.get_shared()
    assert len({draw.tobytes() for draw in draws}) == 3
    numbers = stream.get_value()
    np.testing.assert_array_equal(f(np.zeros(3))[0], numbers.gamma(2.0, 1.0, size=(3,)))


@pytest.mark.parametrize("backend", compiling.BACKENDS)
@pytest.mark.parametrize("length", [3, None])
def test_weights_learn_on_every_backend_covered_or_not(backend, length):
    w = aesara.shared(np.ones(3), shape=(3,))

    def step():
        x = at.TensorType("float64", (length,))("x")
        loss = ((w * x) ** 2).sum()
        return [x], [loss], [(w, w - 0.1 * aesara.grad(loss, w))]

    f = compiling.compile_graph(step, name="step", backend=backend)
    x, wanted = np.array([1.0, -2.0, 0.5]), np.ones(3)
    for _ in range(3):
        np.testing.assert_allclose(f(x)[0], np.sum((wanted * x) ** 2), rtol=1e-12)
        wanted = wanted - 0.1 * 2 * wanted * x**2
        np.testing.assert_allclose(w.get_value(), wanted, rtol=1e-12)


def test_a_compiler_that_refuses_is_one_line_and_no_more(monkeypatch):
    def loop():
        x = tensor("x", "float64", (5,))
        results, _ = aesara.scan(lambda x_t, s: s + x_t, sequences=[x], outputs_info=[at.zeros(())])
        return [x], [results], []

    def refuse(*arguments):
        raise CompileError("cc cannot be used: it does not say why")

    monkeypatch.setattr("graphrnn.native.runtime.function.load", refuse)
    monkeypatch.setattr(linker, "STOCK_SCAN", False)
    builds = []
    f = compiling.compile_graph(loop, name="loop", backend="auto", report=builds.append)
    (note,) = [build.detail for build in builds if build.phase == "note"]
    assert note == (
        "native backend: cc cannot be used: it does not say why; "
        "this function is stepped in Python instead"
    )
    assert sum(build.phase == "compiling C" for build in builds) == 1
    np.testing.assert_array_equal(f(np.ones(5))[0], [1, 2, 3, 4, 5])


def test_a_loop_in_stock_aesara_is_refused_where_its_scan_does_not_compile(monkeypatch):
    monkeypatch.setattr(compiling, "STOCK_SCAN", False)

    def loop():
        x = tensor("x", "float64", (5,))
        results, _ = aesara.scan(lambda x_t, s: s + x_t, sequences=[x], outputs_info=[at.zeros(())])
        return [x], [results], []

    wanted = r"^--backend aesara: stock Aesara's scan does not compile on Python 3\.\d+; use"
    with pytest.raises(UserError, match=wanted):
        compiling.compile_graph(loop, name="loop", backend="aesara")


def test_auto_steps_a_loop_in_python_where_stock_scan_does_not_compile(monkeypatch):
    monkeypatch.setattr(linker, "STOCK_SCAN", False)

    def loop():
        x = tensor("x", "float64", (3, 2, 2))
        results, _ = aesara.scan(lambda x_t: at.nlinalg.det(x_t), sequences=[x])
        return [x], [results], []

    builds = []
    f = compiling.compile_graph(loop, name="loop", backend="auto", report=builds.append)
    (note,) = [build.detail for build in builds if build.phase == "note"]
    assert note.endswith("this function is stepped in Python instead")
    assert "Det" in note
    assert builds[-1].detail == "stepped in Python"
    np.testing.assert_allclose(f(np.stack([np.eye(2) * k for k in (1, 2, 3)]))[0], [1, 4, 9])


def test_a_build_may_recurse_deeply_and_leaves_the_limit_as_it_was():
    before = sys.getrecursionlimit()
    seen = []

    def graph():
        seen.append(sys.getrecursionlimit())
        x = tensor("x", "float64", (3,))
        return [x], [2 * x], []

    compiling.compile_graph(graph, name="deep", backend="python")
    assert seen[0] >= 50_000
    assert sys.getrecursionlimit() == before


@pytest.mark.parametrize(("before", "within"), [(700, 20_000), (50_000, 50_000), (0, 0)])
def test_a_build_seldom_looks_for_garbage_and_leaves_that_as_it_was(before, within):
    usual, seen = gc.get_threshold(), []

    def graph():
        seen.append(gc.get_threshold())
        return product()

    try:
        gc.set_threshold(before, 10, 10)
        compiling.compile_graph(graph, name="seldom", backend="python")
        assert gc.get_threshold() == (before, 10, 10)
    finally:
        gc.set_threshold(*usual)
    assert seen == [(within, 10, 10)]


def test_what_a_call_compiles_or_cannot_is_told_on_stderr(capsys):
    x = at.TensorType("float64", (None,))("x")
    f = compiling.compile_graph(lambda: ([x], [x * 2], []), name="twice", backend="native")
    assert f(np.ones(3))[0].tolist() == [2, 2, 2]
    assert capsys.readouterr().err == "twice: native backend: compiled for x (3,)\n"
    f(np.zeros(3))
    assert capsys.readouterr().err == ""
    g = compiling.compile_graph(lambda: ([x], [x[x > 0]], []), name="positive", backend="auto")
    assert g(np.array([1.0, -1]))[0].tolist() == [1]
    line = capsys.readouterr().err
    assert line.startswith("positive: native backend: ")
    assert "runs in stock Aesara instead" in line
