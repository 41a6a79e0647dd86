"""Where Aesara itself is wrong: one test a fault, on all backends, against NumPy."""

import re
from pathlib import Path

from graphrnn.backends.compile import compile_graph
from graphrnn.graph.shapes import tensor
from graphrnn.graph.updates import gradients
from graphrnn.upstream import faults
from graphrnn.upstream.faults import FAULTS, LEFT_OUT
from graphrnn.upstream.rewrites import GUARDS, sound_name

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.compile.mode import local_useless, optdb
from aesara.graph.rewriting.db import RewriteDatabase
from aesara.tensor.special import softmax

pytestmark = pytest.mark.stock_c

NAN, INF = np.nan, np.inf
EDGES = np.array([1.5, -2.0, 0.0, NAN, INF, -INF])
SMALL = np.array([100, -128, 127, 3], "int8")
BYTES = np.array([200, 0, 255, 3], "uint8")
GRID = np.arange(12.0).reshape(3, 4) - 5
TABLE = np.arange(15.0).reshape(5, 3)
ROWS = np.array([0, 2, 2])
A, B = np.arange(9.0).reshape(3, 3), 10.0 * np.ones((3, 3))


def set_rows(table, rows, values):
    """Set rows one after another: the last wins."""
    table = table.copy()
    for row, value in zip(rows, np.broadcast_to(values, (len(rows), table.shape[1])), strict=True):
        table[row] = value
    return table


def log_softmax(z):
    z = z - z.max(axis=-1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


def one_hot(n, k):
    return np.eye(n)[k]


Z = np.array([[100.0, -900.0, 3.0], [0.0, 1.0, 2.0]])
E2 = np.exp(GRID[:, :3])
HALF = np.array([0.25, 2.0, -1.0])
LOW = np.array([-1.0, 0.5])
ONES = np.ones((1, 2))

# By the fault's name: the graph, what is put in, what NumPy says.
CASES = {
    "a value beside itself": (
        lambda x: [at.eq(x, x), at.neq(x, x), at.le(x, x), at.ge(x, x), at.lt(x, x)],
        [EDGES],
        lambda x: [x == x, x != x, x <= x, x >= x, x < x],
    ),
    "a value less itself": (
        lambda x, y: [x - x, (x + y) - x, x + (-x)],
        [EDGES, np.ones(6)],
        lambda x, y: [x - x, (x + y) - x, x + (-x)],
    ),
    "a value over itself": (
        lambda x, y: [x / x, x * y / x, (2 / x + 3 / x) * x, at.sigmoid(x) / at.sigmoid(x)],
        [EDGES, np.ones(6)],
        lambda x, y: [x / x, x * y / x, (2 / x + 3 / x) * x, np.where(np.isnan(x) | (x == -INF),
                                                                   NAN, 1.0)],
    ),
    "nothing times a value": (
        lambda x: [0 * x, 0.0 * x * 2, 0 / x],
        [EDGES],
        lambda x: [0 * x, 0.0 * x * 2, 0 / x],
    ),
    "the whole part of a float": (
        lambda x: [x // 1, at.floor_divide(x, 1.0)],
        [np.array([2.5, -2.5, NAN])],
        lambda x: [np.floor(x), np.floor(x)],
    ),
    "inverse functions": (
        lambda x: [at.arccosh(at.cosh(x)), at.cosh(at.arccosh(x)), at.tanh(at.arctanh(x)),
                   at.sigmoid(at.log(x / (1 - x)))],
        [HALF],
        lambda x: [np.abs(x), [NAN, 2, NAN], [0.25, NAN, -1], [0.25, NAN, NAN]],
    ),
    "powers of small integers": (
        lambda x: [x**2.0, x**3.0, x ** at.constant(np.int64(2)), x**5.0],
        [SMALL],
        lambda x: [x.astype("float32") ** 2, x.astype("float32") ** 3, x.astype("int64") ** 2,
                   x.astype("float32") ** 5],
    ),
    "sums and products of small integers": (
        lambda x, u, y: [
            x * x * 1.5, x + x + 1.5, (-x) * y, (-u) * y, y - (-x), at.exp(at.log1p(x)),
            at.abs(x * x[::-1]), (u - u[::-1]) * 1.5,
            at.switch(y > 1, x, u) + at.switch(y > 1, u, x),
        ],
        [SMALL, BYTES, np.arange(4) + 0.5],
        lambda x, u, y: [
            x * x * np.float32(1.5), x + x + np.float32(1.5), (-x) * y, (-u) * y, y - (-x),
            [101, NAN, 128, 4], np.abs(x * x[::-1]), (u - u[::-1]) * np.float32(1.5),
            x.astype("int16") + u,
        ],
    ),
    "reductions of small integers": (
        lambda x, M: [at.sum(at.constant(np.int8(100)) * x), at.sum(-x),
                      at.sum(at.sum(M, axis=0, dtype="int8"), axis=0),
                      at.sum(at.sum(at.reshape(x, (2, 1, 2)), axis=(2, 0)), axis=0)],
        [SMALL, np.full((5, 4), 100, "int8")],
        lambda x, M: [np.sum(np.int8(100) * x), np.sum(-x), -48, x.sum()],
    ),
    "products of scaled values": (
        lambda x, s: [at.prod(2 * x, axis=1), at.prod(-x, axis=0), at.prod(s * x), at.prod(
            s * x, axis=0, keepdims=True)],
        [GRID, np.array(3.0)],
        lambda x, s: [np.prod(2 * x, axis=1), np.prod(-x, axis=0), np.prod(s * x), np.prod(
            s * x, axis=0, keepdims=True)],
    ),
    "sums of nothing": (
        lambda x, s: [at.sum(s * x, axis=0), at.sum(x / s, axis=0),
                      at.sum(at.alloc(at.constant(INF), 0, 2), axis=0),
                      at.log(at.sum(at.exp(x), axis=0))],
        [np.zeros((0, 2)), np.array(0.0)],
        lambda x, s: [[0, 0], [0, 0], [0, 0], [-INF, -INF]],
    ),
    "nearly one": (
        lambda x, z, u: [
            at.log(1 + x + 1e-8), at.log(1.000001 + x), 1.000001 - at.sigmoid(z),
            1 / (1.000001 + at.exp(z)), at.log(1.000001 - at.sigmoid(z)),
            at.log(at.sigmoid(u)), 1 / (1 + at.exp(u)), 1 + at.erf(u),
        ],
        [LOW, np.array([40.0, 0.5]), np.array([3, 80], "uint8")],
        lambda x, z, u: [
            np.log(1 + x + 1e-8), np.log(1.000001 + x), 1.000001 - 1 / (1 + np.exp(-z)),
            1 / (1.000001 + np.exp(z)), np.log(1.000001 - 1 / (1 + np.exp(-z))),
            -np.log1p(np.exp(-u.astype(float))), 1 / (1 + np.exp(u.astype(float))), [1.99997791, 2],
        ],
    ),
    "softmax over another axis": (
        lambda x: [at.exp(x) / at.sum(at.exp(x), axis=1), at.exp(x) / at.sum(at.exp(x), axis=0),
                   at.exp(x) / at.sum(at.exp(x), axis=1, keepdims=True)],
        [GRID[:, :3]],
        lambda x: [E2 / E2.sum(axis=1), E2 / E2.sum(axis=0), E2 / E2.sum(axis=1, keepdims=True)],
    ),
    "log of a difference": (
        lambda a, b: [at.log(at.exp(a) - at.exp(b))],
        [np.array([-INF, 1, 2, 900.0]), np.array([-INF, 1, 1, -INF])],
        lambda a, b: [[-INF, -INF, 2 + np.log1p(-np.exp(-1.0)), 900.0]],
    ),
    "one element of a logarithm": (
        lambda z: [at.log(softmax(z, axis=-1))[0, 1], at.log(at.sum(at.exp(9 * z), axis=1))[0]],
        [Z],
        lambda z: [log_softmax(z)[0, 1], 900.0],
    ),
    "gradient of a picked logarithm": (
        lambda z: [
            at.grad(at.sum(at.log(softmax(z, axis=-1))[at.arange(2), [1, 0]]), z),
            at.grad(at.sum(at.log(softmax(z, axis=-1))), z),
        ],
        [Z],
        lambda z: [
            np.stack([one_hot(3, 1), one_hot(3, 0)]) - np.exp(log_softmax(z)),
            1 - 3 * np.exp(log_softmax(z)),
        ],
    ),
    "axes of length 1": (
        lambda W, G, x, y: [
            at.square(W.dimshuffle("x", 0, 1) * G.dimshuffle(0, "x", 1)).sum(axis=(1, 2)),
 (x + y)[1:], (x + y)[:1],
        ],
        [np.ones((2, 1)), GRID, np.ones(1), np.ones(1)],
        lambda W, G, x, y: [2 * (G**2).sum(axis=1), [], [2]],
    ),
    "rows set to themselves and more": (
        lambda E, i, j, a, b: [
            at.set_subtensor(E[j], E[j] + a + b), at.set_subtensor(E[i], E[i] + a),
            at.set_subtensor(E[i], a + E[i]),
        ],
        [TABLE, ROWS, np.array([0, 2, 4]), A, B],
        lambda E, i, j, a, b: [
            set_rows(E, j, E[j] + a + b), set_rows(E, i, E[i] + a), set_rows(E, i, E[i] + a)
        ],
    ),
    "rows set and read again": (
        lambda E, i, a: [at.set_subtensor(E[i], a)[i], at.set_subtensor(E[i], a[:1])[i],
                         at.set_subtensor(E[i], a[0])[i]],
        [TABLE, ROWS, A],
        lambda E, i, a: [set_rows(E, i, a)[i], set_rows(E, i, a[:1])[i], set_rows(E, i, a[0])[i]],
    ),
    "neighboring slices": (
        lambda x, M: [at.join(0, x[0:2], x[2:1]), at.join(0, x[3:2], x[2:4]),
                      at.join(1, M[:, 0:2], M[:, 2:1]), at.join(0, x[0:2], x[2:9], x[1:])],
        [np.arange(5.0), TABLE.T],
        lambda x, M: [x[:2], x[2:4], M[:, :2], [0, 1, 2, 3, 4, 1, 2, 3, 4]],
    ),
    "dtype of matmul": (
        lambda x, y: [at.matmul(x, x), at.matmul(y, y) * 0.5, at.matmul(x, y)],
        [np.eye(2, dtype="float32")[None], np.eye(2)[None]],
        lambda x, y: [x, 0.5 * y, y],
    ),
    "gradient of what is set in an axis of length 1": (
        lambda b, v, E, w: [
            *at.grad(at.sum(at.set_subtensor(b[:], v) ** 2), [b, v]),
            *at.grad(at.sum(at.inc_subtensor(b[:], v) ** 2), [b, v]),
            at.grad(at.sum(at.set_subtensor(E[at.constant([0])], w) ** 2), w),
        ],
        [ONES, np.array([2.0, 3.0]), TABLE, np.array([1.0, 2.0, 3.0])],
        lambda b, v, E, w: [0 * b, 2 * v, 2 * (b + v), 2 * (b[0] + v), 2 * w],
    ),
    "gradient of rows set twice": (
        lambda v, i, k, w: [
            at.grad(at.sum(at.sin(at.set_subtensor(at.zeros(4)[i], v))), v),
            at.grad(at.sum(at.sin(at.set_subtensor(at.zeros(4)[[1, 3, 1]], v))), v),
            at.grad(at.sum(at.sin(at.set_subtensor(at.zeros((2, 4))[k, i], v))), v),
            *at.grad(at.sum(at.set_subtensor(w[k], at.outer(v, at.ones(2))) ** 2), [v, w]),
            at.grad(at.sum(at.set_subtensor(at.zeros(4)[i], v[0]) ** 2), v),
            at.grad(at.sum(at.inc_subtensor(at.zeros(4)[i], v) ** 2), v),
            at.grad(at.sum(at.set_subtensor(at.zeros(4)[[1, 3, 2]], v) ** 2), v),
        ],
        [np.array([0.3, -1.2, 0.7]), np.array([1, 3, 1]), np.array([0, 1, 0]), 1 + np.eye(2)],
        lambda v, i, k, w: [
            np.cos(v) * [0, 1, 1],
            np.cos(v) * [0, 1, 1],
            np.cos(v) * [0, 1, 1],
            4 * v * [0, 1, 1],
            0 * w,
            [4 * v[0], 0, 0],
            2 * (v + v[::-1]) * [1, 0, 1] + 2 * v * [0, 1, 0],
            2 * v,
        ],
    ),
    "gradient of the largest of equal values": (
        lambda x, M: [
            at.grad(at.sum(at.max(at.stack([x, x]), axis=0) ** 2), x),
            at.grad(at.sum(at.min(at.stack([x, x, 2 * x]), axis=0)), x),
            at.grad(at.max(M), M),
            at.grad(at.sum(at.max(M, axis=1)), M),
            at.grad(at.sum(at.max(M, axis=0, keepdims=True) * M), M),
        ],
        [np.array([0.5, -3.0]), np.array([[1.0, 7.0, 7.0], [2.0, 0.0, 2.0]])],
        lambda x, M: [
            2 * x,
            [1.0, 2.0],
            [[0, 0.5, 0.5], [0, 0, 0]],
            [[0, 0.5, 0.5], [0.5, 0, 0.5]],
            [[2.0, 14.0, 16.0], [5.0, 7.0, 7.0]],
        ],
    ),
    "gradient of running products": (
        lambda x, M, one: [
            at.grad(at.sum(at.cumprod(x) * at.arange(1, 5)), x),
            *(at.grad(at.sum(at.cumprod(M, axis=k) ** 2), M) for k in (0, -1)),
            at.grad(at.sum(at.cumprod(one, axis=0)), one),
            at.grad(at.sum(at.cumprod(one[:0], axis=0)), one),
        ],
        [np.array([2.0, 0.0, 3.0, 5.0]), np.array([[1.0, 0.0], [3.0, -2.0]]), np.ones((3, 1))],
        lambda x, M, one: [
            [1.0, 2 * (2 + 9 + 60), 0, 0],
            [[2 + 18, 0], [6, 0]],
            [[2, 0], [6 + 3 * 2 * 4, -2 * 2 * 9]],
            [[3.0], [2.0], [1.0]],
            0 * one,
        ],
    ),
    "gradient of a switch of whole numbers": (
        lambda x: [
            at.grad(at.sum(at.switch(x > 0, 1, 0) * x), x),
            at.grad(at.sum(at.switch(at.switch(x > 0, 1, 0), x, 2)), x),
        ],
        [np.array([0.5, -3.0])],
        lambda x: [[1.0, 0.0], [1.0, 0.0]],
    ),
    "tracebacks on the way": (
        lambda x, c, y: [at.log(at.erfc(x)), x * at.switch(c > 0, y, at.constant(0.0, "float64"))],
        [np.float32([0.5, 1.5]), np.array([1, 0]), np.float32([2, 3])],
        lambda x, c, y: [[-0.73501112, -3.38449209], [1.0, 0.0]],
    ),
}  # fmt: skip


IN_C = {"sums and products of small integers"}


def wanted_and_got(name, backend):
    """Run a fault's graph; gives pairs of what is wanted and what came."""
    make, values, numpy = CASES[name]

    def graph():
        inputs = [tensor(f"x{k}", str(v.dtype), v.shape) for k, v in enumerate(values)]
        outputs = make(*inputs)
        if backend == "auto":
            outputs = [*outputs, at.unique(at.arange(3) + inputs[0].shape[0])]
        return inputs, outputs, []

    # Stepped in Python, and not through a hundred C++ modules, but where numbers wrap in C alone.
    stepped = {} if backend == "aesara" and name in IN_C else {"cxx": ""}
    with aesara.config.change_flags(**stepped), np.errstate(all="ignore"):
        got = compile_graph(graph, name="fault", backend=backend)(*values)
    with np.errstate(all="ignore"):
        wanted = [np.asarray(v) for v in numpy(*values)]
    return zip(wanted, got[: len(wanted)], strict=True)


@pytest.mark.parametrize("backend", ["native", "python", "aesara", "auto"])
@pytest.mark.parametrize("name", CASES)
def test_values_are_numpy_s(name, backend, capfd):
    for wanted, got in wanted_and_got(name, backend):
        assert got.shape == wanted.shape
        assert name != "dtype of matmul" or got.dtype == wanted.dtype
        np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-12)
    assert "BUG" not in capfd.readouterr().err


def test_a_parameter_of_length_1_has_a_gradient_of_its_shape():
    """The type of a shared variable says no length; its value does."""
    W, b = aesara.shared(np.full((1, 3), 0.5), name="W"), aesara.shared(np.ones(1), name="b")
    x = tensor("x", "float64", (4, 3))
    loss = at.sum((x + W) ** 2) + at.sum(W**2) + at.sum(x * b)
    f = aesara.function([x], gradients(loss, [W, b]), mode="FAST_COMPILE")
    value = np.arange(12.0).reshape(4, 3)
    for_W, for_b = f(value)
    np.testing.assert_allclose(for_W, 2 * (value + 0.5).sum(axis=0, keepdims=True) + 1.0)
    np.testing.assert_allclose(for_b, [value.sum()])


def test_every_fault_is_tested():
    names = [fault.name for fault in FAULTS]
    assert len(names) == len(set(names))
    assert set(CASES) <= set(names)
    assert set(names) - set(CASES) == {"gradient of a parameter of length 1"}


def names_in(database):
    """Give the names of all rewrites of a database, and of those in it."""
    names = set(database._names)
    for name in list(names):
        for result in database.__db__[name]:
            names |= names_in(result) if isinstance(result, RewriteDatabase) else set()
    return names


def test_what_is_left_out_is_aesara_s_and_what_is_right_is_there():
    names = names_in(optdb) | names_in(local_useless)
    assert set(LEFT_OUT) <= names
    assert {sound_name(name) for name in GUARDS} <= names
    assert set(GUARDS) <= set(LEFT_OUT)


def test_importing_leaves_aesara_s_own_modes_as_they_are():
    """Only who asks for what is sound gets it."""
    asked = {r.name for r in optdb["canonicalize"].query("+fast_run").node_tracker.get_rewriters()}
    assert "local_mul_canonizer" in asked
    assert not [name for name in asked if name.startswith("sound_")]


def test_the_table_for_people_is_the_table():
    text = (Path(faults.__file__).parent / "README.md").read_text(encoding="utf-8")
    section = text.split("## Where Aesara itself is wrong")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if re.match(r"\| (?!---|fault )", line)]
    assert rows == [fault.row() for fault in FAULTS]
