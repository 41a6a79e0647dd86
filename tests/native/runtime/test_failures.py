"""A call that fails changes nothing: every shared variable is bit for bit what it was before."""

from pathlib import Path

from graphrnn.graph import layers
from graphrnn.graph.shapes import tensor
from graphrnn.native.codegen import function
from graphrnn.native.ir.operations import CheckIndex
from graphrnn.native.ir.program import walk
from graphrnn.native.linker import native_mode
from graphrnn.native.runtime.generators import Generators
from tests.native_helpers import build, native

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.ifelse import ifelse
from aesara.raise_op import Assert
from aesara.tensor.random import basic
from aesara.tensor.random.utils import RandomStream

pytestmark = pytest.mark.shipped_flags

V, H = 5, 3
HERE = Path(__file__).name


@pytest.fixture(params=[1, 3], ids=["alone", "threads"])
def mode(request, monkeypatch):
    """The backend with one thread, and with several for even the smallest work."""
    monkeypatch.setattr(function, "PARALLEL_FROM", 0)
    return native_mode(strict=True, threads=request.param)


def shared(value, name):
    value = np.asarray(value)
    return aesara.shared(value.copy(), name=name, shape=value.shape)


def values(variables):
    """Copy what shared variables hold, generators as their states."""
    result = [variable.get_value() for variable in variables]
    return [v.bit_generator.state if isinstance(v, np.random.Generator) else v for v in result]


def unchanged(f, variables, bad, error, match=None):
    """Fail twice, and hold every shared variable against what it was; gives the message."""
    before = values(variables)
    for _ in range(2):
        with pytest.raises(error, match=match) as caught:
            f(*bad)
        for variable, now, then in zip(variables, values(variables), before, strict=True):
            if isinstance(then, dict):
                assert str(now) == str(then), variable
            else:
                assert now.tobytes() == then.tobytes(), variable
    return str(caught.value).splitlines()[0]


# ── indices ──


def steps():
    """Give updates of a table by an index i (2,) and a value v (2, H), and the same in NumPy."""

    def put(E, i, v):
        E[i] = v

    def add(E, i, v):
        np.add.at(E, i, v)

    def by_gradient(E, i, v):
        # d/dE of Σ (E[i]² / 2) v is E[i] v at i
        new = E.copy()
        np.subtract.at(new, i, E[i] * v)
        E[:] = new

    yield "add", lambda E, i, v: at.inc_subtensor(E[i], v), add
    yield "set", lambda E, i, v: at.set_subtensor(E[i], v), put
    yield (
        "add and scale",
        lambda E, i, v: at.inc_subtensor(E[i], v) * 2.0,
        lambda E, i, v: (
            add(E, i, v),
            np.multiply(E, 2.0, out=E),
        ),
    )
    yield (
        "several indices",
        lambda E, i, v: at.inc_subtensor(E[i, [0, 2]], v[:, 0]),
        (lambda E, i, v: np.add.at(E, (i, [0, 2]), v[:, 0])),
    )
    yield (
        "gradient",
        lambda E, i, v: E - at.grad(at.sum(E[i] ** 2 * v) / 2, E),
        by_gradient,
    )
    yield "read", lambda E, i, v: E + at.sum(E[i] * v), lambda E, i, v: E.__iadd__(np.sum(E[i] * v))


STEPS = [pytest.param(graph, oracle, id=name) for name, graph, oracle in steps()]


@pytest.mark.parametrize(("graph", "oracle"), STEPS)
@pytest.mark.parametrize("bad", [V, -V - 1, 2**62, -(2**62)])
def test_an_index_outside_changes_nothing(mode, rng, graph, oracle, bad):
    W, E = shared(rng.standard_normal(7), "W"), shared(rng.standard_normal((V, H)), "E")
    M = shared(rng.standard_normal((V, H)), "M")
    i, v = tensor("i", "int64", (2,)), tensor("v", "float64", (2, H))
    updates = [(W, W + 1.0), (E, graph(E, i, v)), (M, M * 0.5 + E)]
    f = build([i, v], [W.sum()], mode, updates=updates)
    added = rng.standard_normal((2, H))
    message = unchanged(f, [W, E, M], [np.array([3, bad]), added], IndexError)
    assert f"index {bad} is outside of axis 0 of length {V} ({HERE}:" in message
    assert message.startswith("E[i")
    for at_rows in ([3, 3], [-1, -V], [0, 4]):
        w, e, m = values([W, E, M])
        f(np.array(at_rows), added)
        wanted = e.copy()
        oracle(wanted, np.array(at_rows), added)
        np.testing.assert_allclose(E.get_value(), wanted, rtol=1e-12)
        np.testing.assert_allclose(W.get_value(), w + 1.0)
        np.testing.assert_allclose(M.get_value(), m * 0.5 + e, rtol=1e-12)


def test_a_sparse_update_stays_in_place(rng):
    """What can be checked before the first write costs no copy of the table."""
    W, E = shared(np.zeros(7), "W"), shared(np.zeros((V, H)), "E")
    i, v = tensor("i", "int64", (2,)), tensor("v", "float64", (2, H))
    f = native([i, v], [], updates=[(W, W + 1), (E, at.inc_subtensor(E[i], v))])
    native_function = f.vm.jit_fn
    assert len(native_function.in_place) == 2
    assert [type(op) for op in walk(native_function.program.ops)].count(CheckIndex) == 1


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint32", "uint64", "int64"])
def test_an_index_of_every_dtype(dtype):
    E, i = shared(np.zeros((200, 2)), "E"), tensor("i", dtype, (2,))
    f = native([i], [], updates=[(E, at.set_subtensor(E[i], 1.0))])
    largest = min(int(np.iinfo(dtype).max), 2**62)
    if largest > 200:
        message = unchanged(f, [E], [np.array([1, largest], dtype)], IndexError)
        assert f"index {largest} is outside of axis 0 of length 200" in message
    f(np.array([1, 100], dtype))
    assert np.flatnonzero(E.get_value()[:, 0]).tolist() == [1, 100]


def test_the_axis_is_the_one_that_the_user_wrote(mode):
    x, E = tensor("x", "float64", (2, 3, 4)), shared(np.zeros((2, 3, 4)), "E")
    i, j = tensor("i", "int64", (2,)), tensor("j", "int64", (2,))
    f = build([x, i, j], [x[:, i, j], x[None, 1, :, j]], mode, updates=[
        (E, at.inc_subtensor(E[:, i, j], 1.0)),
    ])  # fmt: skip
    given = np.zeros((2, 3, 4))
    message = unchanged(f, [E], [given, [0, 3], [0, 1]], IndexError)
    assert message.startswith("x[:, i, j]: index 3 is outside of axis 1 of length 3") or (
        message.startswith("E[:, i, j]: index 3 is outside of axis 1 of length 3")
    )
    message = unchanged(f, [E], [given, [0, 1], [0, -5]], IndexError)
    assert "index -5 is outside of axis 2 of length 4" in message


def test_an_index_into_nothing_reads_nothing():
    x, i = tensor("x", "float64", (0, 32)), tensor("i", "int64", (2,))
    f = native([x, i], at.tanh(x[i]) * 2.0)
    with pytest.raises(IndexError, match=r"x\[i\]: index 0 is outside of axis 0 of length 0"):
        f(np.zeros((0, 32)), np.zeros(2, "int64"))


def test_an_array_without_a_name_is_named_by_its_op_and_shape():
    x, i = tensor("x", "float64", (4, 2)), tensor("i", "int64", (2,))
    f = native([x, i], at.dot(x, np.ones((2, 3)))[i])
    with pytest.raises(IndexError, match=r"^dot \(4, 3\)\[i\]: index 7 is outside of axis 0 of le"):
        f(np.zeros((4, 2)), [0, 7])


def test_the_line_is_the_users_not_the_librarys(mode):
    """Rows are looked up by a line of `layers.py`: what helps is who called it."""
    E, x = shared(np.ones((V, H)), "E"), tensor("x", "int64", (4, 2))
    f = build([x], layers.embedding(x, E), mode)
    with pytest.raises(IndexError, match=rf"^E\[x\]: index 5 is .* of length 5 \({HERE}:\d+\)"):
        f(np.full((4, 2), V))


def test_an_index_that_is_computed_by_another_update(mode):
    """An index that is an updated parameter itself, and one that is read from a table."""
    i, E = shared(np.array([3, 4]), "i"), shared(np.zeros((V, 2)), "E")
    f = build([], [], mode, updates=[(i, i + 1), (E, at.inc_subtensor(E[i], 1.0))])
    f()
    np.testing.assert_array_equal(i.get_value(), [4, 5])
    np.testing.assert_array_equal(E.get_value()[:, 0], [0, 0, 0, 1, 1])
    unchanged(f, [i, E], [], IndexError, "index 5 is outside")
    g = build([], [], mode, updates=[(i, i + 1), (E, at.inc_subtensor(E[i + 1], 1.0))])
    i.set_value(np.array([0, 3]))
    g()
    unchanged(g, [i, E], [], IndexError, "index 5 is outside")


# ── updates ──


def test_updates_that_change_places(mode, rng):
    a, b = (shared(rng.standard_normal((V, 2)), name) for name in "ab")
    i = tensor("i", "int64", (1,))
    f = build([i], [a.sum()], mode, updates=[(a, b), (b, at.inc_subtensor(a[i], 1.0))])
    unchanged(f, [a, b], [[V]], IndexError)
    before = values([a, b])
    f([-1])
    before[0][-1] += 1
    np.testing.assert_array_equal(a.get_value(), before[1])
    np.testing.assert_array_equal(b.get_value(), before[0])


def test_several_tables_of_which_the_last_fails(mode):
    """Each table is read by the next one's update."""
    tables = [shared(np.ones((V, 2)), f"E{k}") for k in range(4)]
    indices = [tensor(f"i{k}", "int64", (2,)) for k in range(4)]
    updates = [
        (E, at.inc_subtensor(E[i], at.sum(tables[k - 1])))
        for k, (E, i) in enumerate(zip(tables, indices, strict=True))
    ]
    f = build(indices, [E.sum() for E in tables], mode, updates=updates)
    for k in range(4):
        bad = [np.array([0, V if n == k else 1]) for n in range(4)]
        message = unchanged(f, tables, bad, IndexError)
        assert message.startswith(f"E{k}[i{k}]: index {V}")
    f(*[np.array([0, 1])] * 4)
    for E in tables:
        np.testing.assert_array_equal(E.get_value()[:3, 0], [11, 11, 1])


def test_an_output_that_is_an_update_too(mode):
    E, i = shared(np.zeros((V, 2)), "E"), tensor("i", "int64", (2,))
    new = at.inc_subtensor(E[i], 1.0)
    f = build([i], [new, new[i], E], mode, updates=[(E, new)])
    kept = f([0, 0])
    unchanged(f, [E], [[0, V]], IndexError)
    np.testing.assert_array_equal(kept[0], E.get_value())
    np.testing.assert_array_equal(kept[1], [[2, 2], [2, 2]])
    np.testing.assert_array_equal(kept[2], np.zeros((V, 2)))


# ── powers, checks, draws ──


@pytest.mark.parametrize("first", [True, False])
def test_an_integer_to_a_negative_power(mode, first):
    W, n = shared(np.arange(20.0), "W"), shared(np.arange(1, 20), "n")
    k = tensor("k", "int64", ())
    updates = [(W, W + 1), (n, n**k)]
    f = build([k], [], mode, updates=updates if first else updates[::-1])
    message = unchanged(f, [W, n], [-2], ValueError)
    assert "pow(n, " in message
    assert f": an integer to the negative power -2 ({HERE}:" in message
    f(2)
    np.testing.assert_array_equal(n.get_value(), np.arange(1, 20) ** 2)
    np.testing.assert_array_equal(W.get_value(), np.arange(20.0) + 1)


def test_a_check_that_does_not_hold(mode):
    W, x = shared(np.zeros(9), "W"), tensor("x", "float64", ())
    checked = Assert("x must be positive")(x, x > 0)
    f = build([x], [], mode, updates=[(W, W + checked)])
    unchanged(f, [W], [-1.0], AssertionError, "x must be positive")
    f(2.0)
    np.testing.assert_array_equal(W.get_value(), np.full(9, 2.0))


@pytest.mark.parametrize("bits", ["PCG64", "MT19937"])
@pytest.mark.parametrize("order", [1, -1])
def test_a_draw_that_fails_moves_no_generator(mode, bits, order):
    """The first generator has drawn all its numbers by the time that the second's draw fails."""
    W, s = shared(np.zeros(4), "W"), tensor("s", "float64", ())
    one, two = (
        aesara.shared(np.random.Generator(getattr(np.random, bits)(seed)), name=name)
        for seed, name in ((1, "one"), (2, "two"))
    )
    new_one, a = basic.normal(size=(4,), rng=one).owner.outputs
    new_two, b = basic.normal(a, s, size=(4,), rng=two).owner.outputs
    updates = [(one, new_one), (two, new_two), (W, W + a + b)][::order]
    f = build([s], [a, b], mode, updates=updates)
    mine = [np.random.Generator(getattr(np.random, bits)(seed)) for seed in (1, 2)]
    for _ in range(3):
        message = unchanged(
            f, [W, one, two], [-1.0], ValueError, "a parameter of a random draw is out"
        )
        assert f"({HERE}:" in message
        before = W.get_value()
        got = f(0.5)
        wanted = mine[0].normal(size=4)
        wanted = wanted, mine[1].normal(wanted, 0.5)
        np.testing.assert_array_equal(got, wanted)
        np.testing.assert_allclose(W.get_value(), before + sum(wanted))


def test_an_index_that_fails_after_draws_moves_no_stream(mode):
    stream, W = RandomStream(seed=3), shared(np.zeros((6, 4)), "W")
    i = tensor("i", "int64", (2,))
    noise = stream.normal(size=(6, 4))
    f = build([i], noise[i], mode, updates=[(W, W + noise)])
    generators = [generator for generator, _ in stream.state_updates]
    f([0, 1])
    unchanged(f, [W, *generators], [[0, 6]], IndexError)
    before = W.get_value()
    again = aesara.shared(generators[0].get_value())
    want = again.get_value().normal(size=(6, 4))
    np.testing.assert_array_equal(f([0, 5]), want[[0, 5]])
    np.testing.assert_allclose(W.get_value(), before + want)


def test_a_generator_that_cannot_be_copied(mode, monkeypatch):
    """A second draw from one state needs a copy; what Python raises there ends the call."""
    rng, W = aesara.shared(np.random.default_rng(5), name="rng"), shared(np.zeros(3), "W")
    new, a = basic.normal(size=(3,), rng=rng).owner.outputs
    _, b = basic.uniform(size=(3,), rng=rng).owner.outputs
    f = build([], [a, b], mode, updates=[(rng, new), (W, W + a)])
    f()

    def refuse(self, number, value):
        raise MemoryError("no room for a generator")

    with monkeypatch.context() as patched:
        patched.setattr(Generators, "set", refuse)
        unchanged(f, [rng, W], [], MemoryError, "no room for a generator")
    want = rng.get_value().normal(size=3)
    np.testing.assert_array_equal(f()[0], want)


# ── loops and branches ──


def test_a_failure_in_the_last_step_of_a_loop(mode, rng):
    W, E = shared(rng.standard_normal(3), "W"), shared(rng.standard_normal((V, 3)), "E")
    x = tensor("x", "int64", (4, 2))
    h, _ = aesara.scan(
        lambda x_t, h: at.tanh(h + E[x_t].sum(axis=0)), sequences=[x], outputs_info=[W]
    )
    gradient = at.grad(h[-1].sum(), E)
    f = build([x], h, mode, updates=[(W, h[-1]), (E, E - 0.1 * gradient)])
    bad = np.zeros((4, 2), "int64")
    bad[3, 1] = -V - 1
    message = unchanged(f, [W, E], [bad], IndexError)
    assert f"index {-V - 1} is outside of axis 0 of length {V}" in message
    w, e = values([W, E])
    f(np.zeros((4, 2), "int64"))
    for _ in range(4):
        w = np.tanh(w + 2 * e[0])
    np.testing.assert_allclose(W.get_value(), w)
    assert not np.array_equal(E.get_value()[0], e[0])
    np.testing.assert_array_equal(E.get_value()[1:], e[1:])


def test_a_state_that_is_a_table_written_in_a_loop(mode):
    """The table is carried from call to call, and each step writes rows of it."""
    E, count = shared(np.zeros((V, 2)), "E"), shared(np.int64(0), "count")
    x = tensor("x", "int64", (3, 2))
    tables, _ = aesara.scan(
        lambda x_t, E: at.inc_subtensor(E[x_t], 1.0), sequences=[x], outputs_info=[E]
    )
    f = build([x], [], mode, updates=[(count, count + 1), (E, tables[-1])])
    unchanged(f, [E, count], [[[0, 1], [1, 1], [1, V]]], IndexError)
    f([[0, 1], [1, 1], [1, -1]])
    np.testing.assert_array_equal(E.get_value()[:, 1], [1, 4, 0, 0, 1])
    assert count.get_value() == 1


@pytest.mark.parametrize("taken", [True, False])
def test_a_failure_in_a_branch(mode, taken):
    """What fails in the branch that is not taken is nobody's business."""
    W, E = shared(np.zeros(2), "W"), shared(np.ones((V, 2)), "E")
    i, c = tensor("i", "int64", (2,)), tensor("c", "bool", ())
    value = ifelse(c, E[i].sum(axis=0), W + 3)
    f = build(
        [i, c], value, mode, updates=[(W, W + 1), (E, ifelse(c, at.inc_subtensor(E[i], value), E))]
    )
    bad = np.array([0, V])
    if taken:
        unchanged(f, [W, E], [bad, True], IndexError)
    else:
        np.testing.assert_array_equal(f(bad, False), [3, 3])
        np.testing.assert_array_equal(E.get_value(), np.ones((V, 2)))
    f([0, -1], True)
    np.testing.assert_array_equal(E.get_value()[:, 0], [3, 1, 1, 1, 3])


def test_a_check_inside_of_a_loop(mode):
    W, x = shared(np.zeros(3), "W"), tensor("x", "float64", (4,))
    h, _ = aesara.scan(
        lambda x_t, h: h + Assert("too large")(x_t, x_t < 9), sequences=[x], outputs_info=[W]
    )
    f = build([x], [], mode, updates=[(W, h[-1])])
    unchanged(f, [W], [[1, 1, 1, 10]], AssertionError, "too large")
    f([1, 1, 1, 1])
    np.testing.assert_array_equal(W.get_value(), [4, 4, 4])


# ── memory ──


def test_no_memory_for_results(mode, monkeypatch):
    W, rng = shared(np.zeros(3), "W"), aesara.shared(np.random.default_rng(0), name="rng")
    new, noise = basic.normal(size=(3,), rng=rng).owner.outputs
    f = build([], [noise, W], mode, updates=[(W, W + noise), (rng, new)])
    f()
    with monkeypatch.context() as patched:
        _, *others = f.vm.jit_fn.outputs
        patched.setattr(f.vm.jit_fn, "outputs", [(np.dtype("f8"), (2**50,)), *others])
        unchanged(f, [W, rng], [], MemoryError, "8.00 PiB")
    want = rng.get_value().normal(size=3)
    np.testing.assert_array_equal(f()[0], want)


def test_no_memory_for_temporaries(mode):
    """A running sum that would take more than a process can address."""
    W, rng = shared(np.zeros(3), "W"), aesara.shared(np.random.default_rng(0), name="rng")
    new, noise = basic.normal(size=(), rng=rng).owner.outputs
    total = at.cumsum(at.alloc(noise, 2**45))[-1]
    f = build([], [], mode, updates=[(W, W + total), (rng, new)])
    unchanged(f, [W, rng], [], MemoryError, "no memory for the function's arena")
