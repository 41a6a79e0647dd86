"""The native backend against Aesara's Python mode: the same graph, the same numbers."""

import os
import subprocess
import sys

from graphrnn.native import emit, library, linker
from graphrnn.native.linker import lower_graph, native_mode
from graphrnn.native.program import Gemm, Kernel, Loop, Op, Program, Ref, walk
from graphrnn.native.rows import find_rows
from graphrnn.native.verify import ProgramError, verify
from graphrnn.native.views import Buffer, Offset, Unsupported
from graphrnn.shapes import tensor
from tests.graphs import Maker

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.compile.mode import Mode
from aesara.link.vm import VMLinker
from aesara.tensor.random.utils import RandomStream

PYTHON = Mode(VMLinker(use_cloop=False, c_thunks=False), optimizer=None)
CLOSE = {"float32": {"rtol": 2e-4, "atol": 2e-5}, "float64": {"rtol": 1e-9, "atol": 1e-10}}

GRAPHS, CHUNK = 300, 20


@pytest.fixture
def threads(monkeypatch):
    """Let even small functions run on two threads."""
    monkeypatch.setattr(emit, "PARALLEL_FROM", 0)


def build(inputs, outputs, mode, **options):
    with aesara.config.change_flags(cxx=""):
        return aesara.function(inputs, outputs, mode=mode, on_unused_input="ignore", **options)


def same(got, wanted, dtype):
    assert got.dtype == wanted.dtype
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, **CLOSE[dtype])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("first", range(0, GRAPHS, CHUNK))
def test_random_graphs(threads, first):
    for seed in range(first, first + CHUNK):
        with aesara.config.change_flags(cxx="", mode=PYTHON):
            graph, outputs = Maker(seed).make()
        wanted = build(graph.inputs, outputs, PYTHON)(*graph.values)
        kept = [value.copy() for value in graph.values]
        function = build(graph.inputs, outputs, native_mode(strict=True, threads=1 + seed % 2))
        for _ in range(2):  # a second call must not see what the first left behind
            for got, value in zip(function(*graph.values), wanted, strict=True):
                dtype = "float64" if value.dtype == "float64" else "float32"
                assert (got.dtype, got.shape) == (value.dtype, value.shape), (seed, graph.story)
                np.testing.assert_allclose(
                    got, value, **CLOSE[dtype], err_msg=f"seed {seed}: {graph.story}"
                )
        for value, before in zip(graph.values, kept, strict=True):
            np.testing.assert_array_equal(value, before)


def native(inputs, outputs, **options):
    return build(inputs, outputs, native_mode(strict=True), **options)


# ── mathematics ──


def all_floats(rng, n=200_000):
    """Draw floats of every size, with the awkward ones."""
    values = rng.integers(0, 2**32, n, dtype=np.uint64).astype(np.uint32).view(np.float32)
    awkward = [0, -0.0, 1e-45, -1e-45, 1e-38, 88.7, 88.8, -103.9, -104.1, np.inf, -np.inf, np.nan]
    near = rng.uniform(-110, 110, n)
    rest = np.concatenate([awkward, near, rng.uniform(-1, 1, n)]).astype("f4")
    return np.concatenate([values, rest])


ULPS = {"exp": 2, "tanh": 4, "sigmoid": 4}
"""Largest error in units in the last place."""


@pytest.mark.parametrize("name", ULPS)
def test_own_mathematics_is_within_its_bound(rng, name):
    values = all_floats(rng)
    x = at.TensorType("float32", values.shape)("x")
    with np.errstate(all="ignore"):
        exact = {
            "exp": lambda v: np.exp(v),
            "tanh": lambda v: np.tanh(v),
            "sigmoid": lambda v: np.where(
                v >= 0, 1 / (1 + np.exp(-v)), np.exp(v) / (1 + np.exp(v))
            ),
        }[name](values.astype("float64"))
        got = native([x], getattr(at, name)(x))(values)
        rounded = exact.astype("f4")
        special = ~np.isfinite(rounded)
        np.testing.assert_array_equal(got[special], rounded[special])
        spacing = np.spacing(np.maximum(np.abs(rounded[~special]), np.float32(1e-45)))
        error = np.abs(got[~special] - exact[~special]) / spacing
    assert error.max() <= ULPS[name], values[~special][error.argmax()]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_not_a_number_is_handed_on(dtype):
    x = tensor("x", dtype, (4,))
    value = np.array([np.nan, 1.0, np.inf, -np.inf], dtype)
    outputs = [at.maximum(x, 0), at.minimum(0, x), at.max(x), at.isnan(x), at.isinf(x), at.sum(x)]
    for got, wanted in zip(
        native([x], outputs)(value), build([x], outputs, PYTHON)(value), strict=True
    ):
        np.testing.assert_array_equal(got, wanted)


def test_loading_leaves_denormals_alone():
    """-ffast-math would have switched them off for the whole process."""
    x = tensor("x", "float32", (1,))
    native([x], x * 2)
    assert np.float32(1e-40) * np.float32(0.5) > 0


@pytest.mark.parametrize("n", [10_000, 1_000_003])
def test_long_sums_of_float32_lose_little(rng, n):
    values = rng.uniform(0, 1, n).astype("float32")
    x = tensor("x", "float32", (n,))
    got = native([x], at.sum(x, acc_dtype="float32"))(values)
    assert abs(got / values.astype("float64").sum() - 1) < 2e-5


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (1, 7, 300), (13, 1, 5), (50, 33, 700), (300, 260, 40)]
)
@pytest.mark.parametrize("transposed", ["", "a", "b", "ab"])
def test_products_of_every_layout(rng, threads, dtype, shape, transposed):
    m, n, k = shape
    A, B = (rng.standard_normal(s).astype(dtype) for s in [(m, k), (k, n)])
    A, B = A.T.copy() if "a" in transposed else A, B.T.copy() if "b" in transposed else B
    a, b = tensor("a", dtype, A.shape), tensor("b", dtype, B.shape)
    product = at.dot(a.T if "a" in transposed else a, b.T if "b" in transposed else b)
    got = native([a, b], product)(A, B)
    wanted = (A.T if "a" in transposed else A) @ (B.T if "b" in transposed else B)
    np.testing.assert_allclose(got, wanted, rtol=1e-4 if dtype == "float32" else 1e-11, atol=1e-4)


# ── updates ──


def test_updates_that_read_each_other(rng):
    """Each new value is computed from the old ones, in whatever order they are written."""
    a0, b0 = rng.standard_normal((2, 3, 3))
    a, b = (aesara.shared(v.copy(), name=n, shape=(3, 3)) for v, n in ((a0, "a"), (b0, "b")))
    native([], [], updates=[(a, at.dot(b, b) + a), (b, at.dot(a, a) - b)])()
    np.testing.assert_allclose(a.get_value(), b0 @ b0 + a0)
    np.testing.assert_allclose(b.get_value(), a0 @ a0 - b0)


def test_updates_that_change_places(rng):
    a0, b0 = rng.standard_normal((2, 5))
    a, b = (aesara.shared(v.copy(), name=n, shape=(5,)) for v, n in ((a0, "a"), (b0, "b")))
    step = native([], [a.sum()], updates=[(a, b), (b, a)])
    for _ in range(3):
        (total,) = step()
        np.testing.assert_allclose(total, a0.sum())
        a0, b0 = b0, a0
    np.testing.assert_array_equal(a.get_value(), a0)
    np.testing.assert_array_equal(b.get_value(), b0)


def test_an_update_overwrites_its_parameter(rng):
    W = aesara.shared(rng.standard_normal((4, 4)), name="W", shape=(4, 4))
    step = native([], [], updates=[(W, W * 0.5)])
    step()
    place = W.get_value(borrow=True).ctypes.data
    step()
    assert W.get_value(borrow=True).ctypes.data == place


def test_results_are_not_overwritten_by_the_next_call():
    x = tensor("x", "float64", (3,))
    f = native([x], x * 2)
    first = f(np.ones(3))
    f(np.zeros(3))
    assert first.tolist() == [2.0, 2.0, 2.0]


# ── loops ──


def last_state(steps, slots):
    """Make a scan of which only the last few states are read, so that its buffer goes round."""
    x = tensor("x", "float64", (steps, 2))
    results, _ = aesara.scan(
        lambda x_t, a_tm2, a_tm1: x_t + a_tm1 * 0.5 - a_tm2 * 0.25,
        sequences=[x],
        outputs_info=[{"initial": at.ones((2, 2)), "taps": [-2, -1]}],
    )
    return x, results[-slots:]


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 8])
@pytest.mark.parametrize("slots", [1, 2, 3])
def test_buffers_that_go_round(rng, steps, slots):
    if slots > steps:
        slots = steps
    x, last = last_state(steps, slots)
    value = rng.standard_normal((steps, 2))
    same(native([x], last)(value), build([x], last, PYTHON)(value), "float64")


def test_states_that_change_places(rng):
    x = tensor("x", "float64", (5, 2))
    (a, b), _ = aesara.scan(
        lambda x_t, a, b: (b + x_t, a), sequences=[x], outputs_info=[at.zeros(2), at.ones(2)]
    )
    value = rng.standard_normal((5, 2))
    for outputs in ([a, b], [a[-1], b[-1]]):
        for got, wanted in zip(
            native([x], outputs)(value), build([x], outputs, PYTHON)(value), strict=True
        ):
            same(got, wanted, "float64")


def the_program(inputs, outputs):
    """Lower a graph as the mode would."""
    function = native(inputs, outputs)
    return function.vm.jit_fn.program, function


def recurrence(batch=4, H=3):
    x, W = tensor("x", "float32", (6, batch, H)), tensor("W", "float32", (H, H))
    h, _ = aesara.scan(
        lambda x_t, h, W: at.tanh(x_t + at.dot(h, W)),
        sequences=[x],
        outputs_info=[at.zeros((batch, H), dtype="float32")],
        non_sequences=[W],
    )
    return x, W, h


def test_a_recurrence_is_one_product_and_one_kernel_a_step():
    x, W, h = recurrence()
    program, _ = the_program([x, W], [h])
    (loop,) = [op for op in program.ops if isinstance(op, Loop)]
    assert [type(op) for op in loop.body] == [Gemm, Kernel]


def test_rows_of_a_batch_are_found_independent():
    x, W, h = recurrence()
    program, _ = the_program([x, W], [h])
    (loop,) = [op for op in program.ops if isinstance(op, Loop)]
    assert find_rows(loop) is not None
    assert loop.rows == 4


def test_rows_that_depend_on_each_other_are_not_divided(rng, threads):
    """Each step mixes the rows of the batch: threads must wait for each other."""
    x, M = tensor("x", "float64", (5, 16, 16)), tensor("M", "float64", (16, 16))
    h, _ = aesara.scan(
        lambda x_t, h, M: at.tanh(x_t + at.dot(M, h) + h[::-1]),
        sequences=[x],
        outputs_info=[at.zeros((16, 16))],
        non_sequences=[M],
    )
    values = rng.standard_normal((5, 16, 16)), rng.standard_normal((16, 16)) / 4
    wanted = build([x, M], h, PYTHON)(*values)
    for _ in range(20):
        got = build([x, M], h, native_mode(strict=True, threads=2))(*values)
        same(got, wanted, "float64")


@pytest.mark.parametrize("n", [1, 2, 3])
def test_any_number_of_threads_gives_the_same(rng, threads, n):
    x, W, h = recurrence(batch=64, H=40)
    values = (
        rng.standard_normal((6, 64, 40)).astype("f4"),
        rng.standard_normal((40, 40)).astype("f4"),
    )
    outputs = [h, *at.grad(at.sum(at.tanh(h)), [x, W])]
    one = build([x, W], outputs, native_mode(strict=True, threads=1))(*values)
    many = build([x, W], outputs, native_mode(strict=True, threads=n))
    for _ in range(5):
        for a, b in zip(many(*values), one, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


# ── what is refused, and how ──


@pytest.mark.parametrize(
    "graph",
    [
        lambda x: x + RandomStream(seed=1).normal(size=(3,)),
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
            with pytest.raises(IndexError, match="outside the array"):
                f(table, np.array([0, bad]))


def test_inputs_of_another_layout_or_shape(rng):
    x = tensor("x", "float64", (4, 6))
    f = native([x], x * 2)
    value = rng.standard_normal((6, 4)).T
    np.testing.assert_array_equal(f(value), value * 2)
    np.testing.assert_array_equal(f(np.repeat(value, 2, 0)[::2]), value * 2)


# ── the program's own rules ──


def test_the_verifier_names_the_operation():
    small = Buffer("small", "float32", 4, "input")
    out = Buffer("out", "float32", 8, "output")
    copy = Kernel((8,), [Ref(small, Offset(), (1,))], [], [(Ref(out, Offset(), (1,)), 0)])
    copy.note = "the copy"
    program = Program([copy], [small], [out], [], [(4,)], [(8,)])
    with pytest.raises(
        ProgramError, match="the copy: reaches elements 0 to 7 of small, which has 4"
    ):
        verify(program)
    temp = Buffer("temp", "float32", 8, "temp")
    copy.loads = [Ref(temp, Offset(), (1,))]
    with pytest.raises(ProgramError, match="the copy: reads temp before it is written"):
        verify(program)


def test_every_operation_carries_a_line_of_the_graph():
    x, W, h = recurrence()
    program, function = the_program([x, W], [h])
    assert all(op.note for op in walk(program.ops))
    assert isinstance(program.ops[0], Op)
    text = function.vm.jit_fn.source.text
    assert "dot */" in text
    assert "tanh" in text


def test_lowering_is_repeatable():
    """The cache is keyed by the source: the same graph must give the same text."""
    texts = []
    for _ in range(2):
        x, W, h = recurrence()
        function = native([x, W], [h, at.grad(at.sum(h), W)])
        texts.append(function.vm.jit_fn.source.text)
    assert texts[0] == texts[1]


def test_lower_graph_alone():
    x = tensor("x", "float64", (3,))
    program = lower_graph(native([x], [at.exp(x)]).maker.fgraph)
    assert [type(op) for op in program.ops] == [Kernel]


# ── the cache ──


@pytest.fixture
def cache(in_tmp, monkeypatch):
    """An empty cache of its own."""
    monkeypatch.setattr(library, "cache_folder", lambda: in_tmp / "cache" / "native")
    return in_tmp / "cache" / "native"


def double():
    x = tensor("x", "float64", (3,))
    return native([x], x * 2)


def test_the_cache_is_private_and_used(cache, monkeypatch):
    double()
    assert cache.stat().st_mode & 0o777 == 0o700
    monkeypatch.setattr(library, "_compile", lambda *a: pytest.fail("compiled again"))
    assert double()(np.ones(3)).tolist() == [2.0, 2.0, 2.0]


@pytest.mark.parametrize("damage", [b"", b"not a library", None])
def test_a_damaged_entry_is_built_anew(cache, damage):
    double()
    (entry,) = cache.glob("*.so")
    sound = entry.read_bytes()
    entry.write_bytes(sound[: len(sound) // 2] if damage is None else damage)
    assert double()(np.ones(3)).tolist() == [2.0, 2.0, 2.0]
    assert len(entry.read_bytes()) == len(sound)


def test_a_cache_that_cannot_be_written_is_done_without(in_tmp, monkeypatch):
    (in_tmp / "file").touch()
    monkeypatch.setattr(library, "cache_folder", lambda: in_tmp / "file" / "native")
    assert double()(np.ones(3)).tolist() == [2.0, 2.0, 2.0]


def test_no_compiler_says_so(monkeypatch):
    monkeypatch.setattr(library.shutil, "which", lambda name: None)
    library.compiler.cache_clear()
    try:
        with pytest.raises(library.CompileError, match="no C compiler on PATH"):
            library.compiler()
    finally:
        library.compiler.cache_clear()


CHILD = """
import os, sys
import numpy as np, graphrnn
import aesara, aesara.tensor as at
from graphrnn.native import emit
from graphrnn.native.linker import native_mode
emit.PARALLEL_FROM = 0
x = at.TensorType("float32", (64, 64))("x")
f = aesara.function([x], at.dot(x, x) + 1, mode=native_mode(strict=True, threads=2))
one = f(np.eye(64, dtype="f4"))
pid = os.fork()
same = (f(np.eye(64, dtype="f4")) == one).all()
if pid == 0:
    os._exit(0 if same else 1)
_, status = os.waitpid(pid, 0)
sys.exit(0 if same and status == 0 else 1)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_of_fork_has_threads_of_its_own():
    done = subprocess.run([sys.executable, "-c", CHILD], timeout=60, check=False)
    assert done.returncode == 0


def test_two_processes_may_build_the_same_at_once(in_tmp):
    environ = os.environ | {"XDG_CACHE_HOME": str(in_tmp / "cache")}
    both = [subprocess.Popen([sys.executable, "-c", CHILD], env=environ) for _ in range(2)]
    assert [process.wait(timeout=60) for process in both] == [0, 0]


def test_memory_stays_flat():
    import resource

    x, W, h = recurrence(batch=8, H=16)
    f = native([x, W], [h, at.grad(at.sum(h), W)])
    values = np.ones((6, 8, 16), "f4"), np.ones((16, 16), "f4")
    for _ in range(200):
        f(*values)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(10_000):
        f(*values)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 5_000  # kilobytes


def test_default_threads(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert linker.default_threads() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert linker.default_threads() >= 1
