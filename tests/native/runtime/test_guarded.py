"""Functions that are called from several threads, copied, pickled; modes made of other modes."""

import copy
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from graphrnn.backends.compile import BACKENDS, compile_graph
from graphrnn.graph.shapes import tensor
from graphrnn.native.linker import native_mode
from tests.native_helpers import build

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.compile.mode import Mode
from aesara.compile.ops import as_op
from aesara.graph.rewriting.basic import in2out, node_rewriter
from aesara.tensor.random.utils import RandomStream
from aesara.tensor.type import dvector

pytestmark = pytest.mark.stock_c

COVERED = pytest.mark.parametrize("covered", [True, False], ids=["native", "instead"])


def quiet():
    return native_mode(say=lambda text: None)


def given(covered, *lead):
    """Give an input of three columns, and the same behind what native does not cover, or not."""
    x = at.TensorType("float64", (*lead, 3))("x")
    return x, x if covered else x[x > -np.inf].reshape((*lead, 3))


@pytest.fixture
def in_turns():
    """Let threads of Python take turns as often as can be."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def no_cxx():
    """Let stock Aesara run in Python where a copy is compiled anew: compiling takes long."""
    with aesara.config.change_flags(cxx=""):
        yield


def call_at_once(calls, repeats=100):
    """Make calls at the same time, again and again; gives what differed from what was wanted."""
    barrier = threading.Barrier(len(calls))

    def repeat(function, value, wanted):
        barrier.wait(30)
        got = [function(value)[0] for _ in range(repeats)]
        return [each for each in got if not np.array_equal(each, wanted)]

    with ThreadPoolExecutor(len(calls)) as pool:
        running = [pool.submit(repeat, *call) for call in calls]
        return [wrong for each in running for wrong in each.result(60)]


@COVERED
def test_threads_that_call_one_function_take_turns(covered, in_turns):
    x, y = given(covered)
    calls = aesara.shared(np.int64(0))
    f = build([x], [y * 2 + 1], quiet(), updates=[(calls, calls + 1)])
    assert hasattr(f.vm, "jit_fn") == covered
    values = [np.full(3, float(k)) for k in range(4)]
    assert call_at_once([(f, value, value * 2 + 1) for value in values]) == []
    assert calls.get_value() == 400


def test_a_function_and_its_copy_share_the_loops_of_stock_aesara(in_turns, no_cxx):
    """Both step the loop by one inner function, which has storage for one call."""
    x, y = given(False, 5)
    total, _ = aesara.scan(lambda y_t, s: s + y_t, sequences=[y], outputs_info=[at.zeros(3)])
    f = build([x], [total[-1]], quiet())
    assert not hasattr(f.vm, "jit_fn")
    functions = [f, f.copy(), f.copy(share_memory=True)]
    values = [np.full((5, 3), float(k)) for k in range(3)]
    calls = [(g, v.astype(x.dtype), v.sum(0)) for g, v in zip(functions, values, strict=True)]
    assert call_at_once(calls, repeats=40) == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_threads_take_turns_on_every_backend(backend, in_turns):
    def graph():
        x = tensor("x", "float64", (3,))
        return [x], [at.tanh(x) - x], []

    f = compile_graph(graph, name="f", backend=backend)
    values = [np.full(3, float(k)) for k in range(3)]
    wanted = [f(value)[0] for value in values]
    np.testing.assert_allclose(wanted[1], np.tanh(1) - 1)
    calls = [(f, value, w) for value, w in zip(values, wanted, strict=True)]
    assert call_at_once(calls, repeats=50) == []


def test_a_call_within_a_call_is_refused_and_a_copy_serves(no_cxx):
    """It would overwrite the arguments of the call that it is part of."""
    inner = {}

    @as_op([dvector], [dvector])
    def again(value):
        return inner["call"](value - 1)[0] + 1 if value[0] > 0 else value

    x = dvector("x")
    f = build([x], [again(x) * 2], quiet(), name="f")
    inner["call"] = f
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"^f: called again while it runs.*copy\(\)"):
            f(np.ones(3))
        np.testing.assert_array_equal(f(np.zeros(3))[0], np.zeros(3))
    inner["call"] = f.copy()
    np.testing.assert_array_equal(f(np.ones(3))[0], [2, 2, 2])


def test_a_native_function_is_not_called_within_a_call():
    class Again:
        def __array__(self, *_, **__):
            return f(np.ones(3))[0]

    x = tensor("x", "float64", (3,))
    f = build([x], [x * 2], native_mode(strict=True))
    with pytest.raises(RuntimeError, match="called again while it runs"):
        f(Again())
    np.testing.assert_array_equal(f(np.ones(3))[0], [2, 2, 2])


FORK = """
import os, sys, threading
os.environ["AESARA_FLAGS"] = "cxx="
import numpy as np, graphrnn
import aesara, aesara.tensor as at
from aesara.compile.ops import as_op
from aesara.tensor.type import dvector
from graphrnn.native.linker import native_mode

inside, go_on = threading.Event(), threading.Event()

@as_op([dvector], [dvector])
def wait(value):
    if threading.current_thread() is not threading.main_thread():
        inside.set()
        go_on.wait(30)
    return value

x = dvector("x")
f = aesara.function([x], wait(x) + 1, mode=native_mode(say=lambda text: None))
other = threading.Thread(target=f, args=(np.ones(3),))
other.start()
inside.wait(30)
child = os.fork()  # in the middle of the other thread's call
if child == 0:
    os._exit(0 if (f(np.zeros(3)) == 1).all() else 1)
go_on.set()
_, status = os.waitpid(child, 0)
other.join(30)
sys.exit(os.waitstatus_to_exitcode(status) or int(other.is_alive()))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs fork")
def test_a_forked_process_does_not_wait_for_threads_that_it_has_not():
    command = [sys.executable, "-W", "ignore", "-c", FORK]
    assert subprocess.run(command, timeout=120, check=False).returncode == 0


@COVERED
def test_some_of_the_results(covered):
    x, y = given(covered)
    w = aesara.shared(np.zeros(3))
    f = build([x], [y + 1, y + 2, y + 3], quiet(), updates=[(w, w + y)])
    got = f(np.zeros(3), output_subset=[2, 0])
    np.testing.assert_array_equal(got, [[3] * 3, [1] * 3])
    g = build([x], {"one": y + 1, "two": y + 2}, quiet())
    got = g(np.zeros(3), output_subset=["two"])
    assert list(got) == ["two"]
    np.testing.assert_array_equal(got["two"], [2] * 3)
    (alone,) = build([x], y + 1, quiet())(np.zeros(3), output_subset=[0])
    np.testing.assert_array_equal(alone, [1] * 3)
    f(np.ones(3), output_subset=None)
    np.testing.assert_array_equal(w.get_value(), [1] * 3)


@COVERED
def test_freeing_keeps_what_is_shared(covered):
    x, y = given(covered, 4)
    w = aesara.shared(np.zeros(3), shape=(3,))
    s, _ = aesara.scan(lambda y_t, s: s + y_t, sequences=[y], outputs_info=[w])
    mode = quiet().clone(link_kwargs={"allow_gc": False})
    f = build([x], [s[-1]], mode, updates=[(w, s[-1])])
    value = np.ones((4, 3))
    for k in range(3):
        np.testing.assert_array_equal(f(value)[0], np.full(3, 4.0 * (k + 1)))
        f.free()
        np.testing.assert_array_equal(w.get_value(), np.full(3, 4.0 * (k + 1)))
    assert f.vm.allow_gc is False


# ── copies and pickles ──


def learning(covered):
    """Build a step of gradient descent through a loop, with noise; and what it does in NumPy."""
    x, y = given(covered, 4)
    w = aesara.shared(np.ones(3), "w", shape=(3,))
    noise = RandomStream(seed=5).normal(0, 1, size=(2,))
    s, _ = aesara.scan(lambda y_t, s, w: s + w * y_t, [y], [at.zeros(3)], [w])
    return [x], [s[-1], noise], [(w, w - aesara.grad((s[-1] ** 2).sum(), w) / 100)], w


VALUE = np.linspace(-1, 2, 12).reshape(4, 3)


def follow(f, w, noise, calls=3):
    """Call a function some times and hold it against NumPy; gives the weights at its end."""
    for _ in range(calls):
        last, draw = f(VALUE)
        np.testing.assert_allclose(last, w * VALUE.sum(0), rtol=1e-12)
        np.testing.assert_array_equal(draw, noise.normal(0, 1, size=2))
        w = w - 2 * w * VALUE.sum(0) ** 2 / 100
    return w


@COVERED
@pytest.mark.parametrize(
    "again", [copy.deepcopy, lambda f: pickle.loads(pickle.dumps(f))], ids=["deepcopy", "pickle"]
)
def test_copies_go_on_with_values_of_their_own(covered, again, no_cxx):
    inputs, outputs, updates, w = learning(covered)
    f = build(inputs, outputs, quiet(), updates=updates, name="f")
    f.trust_input = True
    noise = next(v for v in f.get_shared() if v is not w).get_value()
    state = follow(f, np.ones(3), noise)
    g = again(f)
    assert hasattr(g.vm, "jit_fn") == covered
    assert (g.name, g.trust_input) == ("f", True)
    twin = copy.deepcopy(noise)
    follow(g, state, noise)
    np.testing.assert_allclose(w.get_value(), state, rtol=1e-12)
    follow(f, state, twin)


FRESH = """
import pickle, sys
import numpy as np
f = pickle.loads(sys.stdin.buffer.read())
assert hasattr(f.vm, "jit_fn")
print(*(float(f(np.ones(3))[0]) for _ in range(3)))
"""


def test_a_pickle_is_all_that_another_process_needs():
    x, w = tensor("x", "float64", (3,)), aesara.shared(np.zeros(3), "w", shape=(3,))
    f = build([x], [(w + x).sum()], native_mode(strict=True, say=print), updates=[(w, w + x)])
    f(np.ones(3))
    command = [sys.executable, "-W", "ignore", "-c", FRESH]
    text = subprocess.run(
        command, input=pickle.dumps(f), capture_output=True, timeout=120, check=True
    )
    assert text.stdout.split() == [b"6.0", b"9.0", b"12.0"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_functions_of_every_backend_are_copied_and_pickled(backend):
    w = aesara.shared(np.ones(3), "w", shape=(3,))

    def graph():
        x = tensor("x", "float64", (3,))
        return [x], [w * x], [(w, w + x)]

    builds = []
    f = compile_graph(graph, name="f", backend=backend, report=lambda build: builds.append(build))
    value, message = np.ones(3), len(builds)
    f(value)
    for g in (f.copy(), copy.deepcopy(f), pickle.loads(pickle.dumps(f))):
        np.testing.assert_array_equal([g(value)[0], g(value)[0]], [[2] * 3, [3] * 3])
    np.testing.assert_array_equal(w.get_value(), [4] * 3)  # the first copy shares it
    assert len(builds) == message


def test_a_copy_takes_another_shared_variable_and_its_length():
    x = tensor("x", "float64", ())
    a, b = aesara.shared(np.zeros(3), "a"), aesara.shared(np.ones(5), "b")
    f = build([x], [a.sum()], native_mode(strict=True), updates=[(a, a + x)])
    g, frozen = f.copy(swap={a: b}), f.copy(delete_updates=True)
    assert [f(2.0)[0], g(2.0)[0], f(1.0)[0], g(1.0)[0], frozen(1.0)[0]] == [0, 5, 6, 15, 9]
    assert frozen(1.0)[0] == 9
    np.testing.assert_array_equal(b.get_value(), [4] * 5)


# ── modes ──


def log_of_one_and(x):
    """Give log(1 + x) outside of a loop and in its body: rewritten to log1p, it is exact."""
    inside, _ = aesara.scan(lambda x_t: at.log(1 + x_t), sequences=[x])
    return [at.log(1 + x), inside]


@node_rewriter([at.exp])
def exp_to_cosh(fgraph, node):
    """Change what a graph gives, so that one sees whether it was rewritten."""
    return [at.cosh(node.inputs[0])]


@pytest.mark.parametrize(
    ("change", "exact"),
    [
        (lambda mode: mode, True),
        (lambda mode: mode.clone(), True),
        (lambda mode: mode.including("scan"), True),
        (lambda mode: mode.excluding("local_log1p"), False),
        (lambda mode: mode.excluding("local_log1p").clone(), False),
        (lambda mode: mode.requiring("a_tag_that_none_has"), False),
        (lambda mode: copy.deepcopy(mode.excluding("local_log1p")), False),
        (lambda mode: pickle.loads(pickle.dumps(mode.excluding("local_log1p"))), False),
    ],
)
def test_a_mode_is_made_of_another_for_loops_too(change, exact):
    x = tensor("x", "float64", (4,))
    mode = change(native_mode(strict=True, threads=3))
    assert isinstance(mode, Mode)
    assert (mode.linker.threads, mode.linker.strict) == (3, True)
    f = build([x], log_of_one_and(x), mode)
    for result in f(np.full(4, 1e-20)):
        np.testing.assert_array_equal(result, np.full(4, 1e-20 if exact else 0.0))


def test_a_rewrite_that_is_registered_for_a_mode_holds_in_loops_too():
    x = tensor("x", "float64", (4,))
    inside, _ = aesara.scan(lambda x_t: at.exp(x_t), sequences=[x])
    mode = native_mode(strict=True)
    value = np.linspace(0.0, 1.0, 4)
    more = mode.register((in2out(exp_to_cosh, name="exp_to_cosh"), 60))
    for each, wanted in ((mode, np.exp(value)), (more, np.cosh(value))):
        for result in build([x], [at.exp(x), inside], each)(value):
            np.testing.assert_allclose(result, wanted, rtol=1e-12)
