"""Threads of compiled functions: how many, together with others, asleep, and after a fork."""

import os
import subprocess
import sys
import threading
import time as clock

from graphrnn.backends.compile import compile_graph
from graphrnn.graph.shapes import tensor
from graphrnn.native.linker import native_mode
from graphrnn.native.runtime import threads
from tests.native_helpers import build, recurrence

import aesara.tensor as at
import numpy as np
import pytest

pytestmark = pytest.mark.shipped_flags


def training_graph(batch=24, H=33):
    x, W, h = recurrence(batch, H)
    outputs = [h, *at.grad(at.sum(at.tanh(h)), [x, W]), at.sum(h, axis=0)]
    rng = np.random.default_rng(1)
    values = [rng.standard_normal((6, batch, H)), rng.standard_normal((H, H)) / 6]
    return [x, W], outputs, [value.astype("f4") for value in values]


@pytest.mark.parametrize("n", [2, 3, 7])
def test_any_number_of_threads_gives_the_same_bits(threads, n):
    """Each number is computed by one thread in one order, whoever the thread is."""
    inputs, outputs, values = training_graph()
    one = build(inputs, outputs, native_mode(strict=True, threads=1))(*values)
    many = build(inputs, outputs, native_mode(strict=True, threads=n))
    assert many.vm.jit_fn.threads == n
    for _ in range(5):
        for a, b in zip(many(*values), one, strict=True):
            np.testing.assert_array_equal(a, b)


def product(n, threads):
    x = tensor("x", "float32", (n, n))
    f = build([x], at.tanh(at.dot(x, x)), native_mode(strict=True, threads=threads))
    value = np.random.default_rng(n).standard_normal((n, n)).astype("f4")
    return f, value, f(value)


def run_all(work, repeats=200):
    """Call each function again and again, all at the same time; gives what was wrong."""
    wrong = []

    def repeat(f, value, wanted):
        for _ in range(repeats):
            if not (f(value) == wanted).all():
                wrong.append(f)

    running = [threading.Thread(target=repeat, args=each, daemon=True) for each in work]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(60)
        assert not thread.is_alive(), "a call never came back"
    return wrong


def test_functions_called_at_once_share_the_threads(threads):
    """Two with threads, one with more than there are processors, one without."""
    work = [product(48, 2), product(64, 2), product(40, 2 * (os.cpu_count() or 1) + 1)]
    assert run_all([*work, product(56, 1)]) == []


def test_one_function_called_from_two_threads_mixes_nothing_up(threads):
    f, first, wanted = product(48, 2)
    inner = f.vm.jit_fn
    second = first * np.float32(0.5)
    other = f(second)

    def direct(value):
        return inner(value)[0]

    assert run_all([(direct, first, wanted), (direct, second, other)]) == []


def test_products_of_numpy_at_the_same_time(threads):
    big = np.random.default_rng(0).standard_normal((300, 300))
    assert run_all([product(48, 2), (lambda a: a @ a, big, big @ big)], repeats=60) == []


def tasks():
    """Count the threads of this process, those of libraries too."""
    try:
        return len(os.listdir("/proc/self/task"))  # noqa: PTH208
    except OSError:
        pytest.skip("needs /proc")


def test_more_functions_need_no_more_threads(threads):
    product(40, 3)
    before = tasks()
    kept = [product(n, 3) for n in (41, 42, 43, 44)]
    assert tasks() == before
    assert len(kept) == 4


IDLE = """
import os, sys, time
os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy as np, graphrnn
import aesara, aesara.tensor as at
from graphrnn.native.codegen import function as emit
from graphrnn.native.linker import native_mode
emit.PARALLEL_FROM = 0
x = at.TensorType("float32", (64, 64))("x")
f = aesara.function([x], at.dot(x, x), mode=native_mode(strict=True, threads=4))
f(np.ones((64, 64), "f4"))
time.sleep(0.2)
began = time.process_time()
time.sleep(2)
print(time.process_time() - began)
"""


def test_threads_that_wait_do_nothing():
    done = subprocess.run(
        [sys.executable, "-c", IDLE], capture_output=True, text=True, timeout=60, check=True
    )
    assert float(done.stdout) < 0.02


FORK = """
import multiprocessing, os, sys, threading
import numpy as np, graphrnn
import aesara, aesara.tensor as at
from graphrnn.native.codegen import function as emit
from graphrnn.native.linker import native_mode
emit.PARALLEL_FROM = 0

def make(n):
    x = at.TensorType("float32", (n, n))("x")
    f = aesara.function([x], at.tanh(at.dot(x, x)), mode=native_mode(strict=True, threads=3))
    value = np.random.default_rng(n).standard_normal((n, n)).astype("f4")
    return f.vm.jit_fn, value, f(value)

work = [make(48), make(64)]
stop = threading.Event()

def busy(f, value, wanted):
    while not stop.is_set():
        assert (f(value)[0] == wanted).all()

def check(k):
    f, value, wanted = work[k % 2]
    return all((f(value)[0] == wanted).all() for _ in range(20))

def child(queue, k):
    queue.put(check(k))

threads = [threading.Thread(target=busy, args=each, daemon=True) for each in work]
for thread in threads:
    thread.start()
context = multiprocessing.get_context("fork")
for k in range(10):  # each forks while both functions are being called
    queue = context.Queue()
    process = context.Process(target=child, args=(queue, k))
    process.start()
    assert queue.get(timeout=30)
    process.join(30)
    assert process.exitcode == 0
stop.set()
for thread in threads:
    thread.join(30)
    assert not thread.is_alive()
new = make(40)  # the parent can still build and load
assert (new[0](new[1])[0] == new[2]).all() and check(0) and check(1)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_processes_forked_in_the_middle_of_calls():
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", FORK], timeout=120, check=False)
    assert done.returncode == 0


def test_a_long_call_lets_other_threads_of_python_run(threads):
    x = tensor("x", "float32", (700, 700))
    f = build([x], at.dot(at.dot(x, x), x), native_mode(strict=True, threads=1))
    value = np.ones((700, 700), "f4") / 700
    seen, done = [], threading.Event()

    def watch():
        while not done.is_set():
            seen.append(clock.perf_counter())
            clock.sleep(0.001)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    began = clock.perf_counter()
    f.vm.jit_fn(value)
    ended = clock.perf_counter()
    done.set()
    watcher.join()
    assert any(began < moment < ended for moment in seen)


# ── how many ──


def test_the_number_is_an_option_of_every_build():
    def graph():
        x = tensor("x", "float32", (400, 400))
        return [x], [at.dot(x, x)], []

    builds = []
    f = compile_graph(graph, name="product", backend="native", threads=3, report=builds.append)
    assert f.vm.jit_fn.threads == 3
    assert builds[-1].detail.endswith("threads: 3")
    # OMP_NUM_THREADS is 1 here, and is what counts where nothing is said.
    f = compile_graph(graph, name="product", backend="native")
    assert f.vm.jit_fn.threads == 1


@pytest.mark.parametrize(
    ("asked", "wanted"), [("3", 3), ("100000", 256), ("0", None), ("many", None), ("", None)]
)
def test_without_a_number_the_environment_or_the_processors_say_it(monkeypatch, asked, wanted):
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    got = threads.default_threads()
    assert got == wanted if wanted else 1 <= got <= (os.cpu_count() or 1)


def test_a_container_may_have_a_share_of_the_processors(monkeypatch, tmp_path):
    monkeypatch.delenv("OMP_NUM_THREADS")
    share = tmp_path / "cpu.max"
    monkeypatch.setattr(threads, "SHARE", share)
    for text, wanted in (("100000 100000", 1), ("max 100000", None), ("nonsense", None)):
        share.write_text(text)
        assert threads.default_threads() == wanted or wanted is None


STARTED_BY_ANOTHER = """
import gc
from graphrnn.native import native_mode
from graphrnn.native.codegen import function as emit
import aesara, aesara.tensor as at, numpy as np
emit.PARALLEL_FROM = 0
x = at.TensorType("float64", (1000,))("x")
def made(k, threads):
    return aesara.function([x], at.exp(x) + k, mode=native_mode(threads=threads, strict=True))
first = made(0.0, 1)
for k in range(1, 4):
    f = made(float(k), 3)
    for _ in range(3):
        assert np.allclose(f(np.zeros(1000)), 1 + k)
    del f
    gc.collect()
print("right")
"""


def test_threads_outlive_the_function_that_started_them():
    """The first library of a process has the threads' code, though it may never start one."""
    done = subprocess.run(
        [sys.executable, "-c", STARTED_BY_ANOTHER], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "right\n"), done.stderr
