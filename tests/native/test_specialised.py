"""Lengths that come with a call: the numbers of stock Aesara, by one C function for each set."""

from graphrnn.graph.shapes import tensor
from graphrnn.native.ir.views import Unsupported
from graphrnn.native.linker import native_mode
from graphrnn.native.listing import program_text
from graphrnn.native.specialised import AT_MOST, Specialised, native_of, with_lengths
from tests.native_helpers import PYTHON, build

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.graph.fg import FunctionGraph

X, Y, CUBE = at.dmatrix("x"), at.dmatrix("y"), at.dtensor3("cube")
V, I, N, IDX = at.dvector("v"), at.lscalar("i"), at.iscalar("n"), at.ivector("idx")  # noqa: E741
KNOWN = tensor("known", "float64", (10, 3))
LONG, BYTE = tensor("long", "float64", (200,)), at.bscalar("byte")


def a(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape)


def product():
    loss = at.sum(at.tanh(at.dot(X, Y)))
    return [X, Y], [loss, *at.grad(loss, [X, Y])]


def loop():
    h, _ = aesara.scan(
        lambda x_t, h, W: at.tanh(x_t + at.dot(h, W)),
        sequences=[CUBE],
        outputs_info=[at.zeros((CUBE.shape[1], CUBE.shape[2]))],
        non_sequences=[Y],
    )
    return [CUBE, Y], [h, at.grad(at.sum(h**2), Y)]


def counted_loop():
    h, _ = aesara.scan(lambda h: h * 2, outputs_info=[V], n_steps=N)
    return [V, N], [h]


def columns_by_number():
    h, _ = aesara.scan(
        lambda k, h: at.tanh(h + Y[:, k]), sequences=[IDX], outputs_info=[at.zeros((Y.shape[0],))]
    )
    return [Y, IDX], [h]


def window_in_loop():
    sums, _ = aesara.scan(lambda k: at.sum(KNOWN[k : k + 2]), sequences=[IDX])
    return [KNOWN, IDX], [sums]


GRAPHS = {
    "product": (product, [(a(2, 3), a(3, 4)), (a(5, 3), a(3, 1)), (a(2, 3), a(3, 4))], 2),
    "loop": (loop, [(a(4, 2, 3), a(3, 3)), (a(7, 1, 3), a(3, 3)), (a(1, 2, 3), a(3, 3))], 3),
    "counted loop": (counted_loop, [(a(3), 3), (a(3), 5), (a(2), 3), (a(3), 0)], 4),
    "columns": (columns_by_number, [(a(3, 5), [1, 4, 0]), (a(2, 5), [1, -1, 0, 2])], 2),
    "arange": (lambda: ([N], [at.arange(N) * 2.5]), [(3,), (5,), (0,)], 3),
    "reshape": (lambda: ([X, N], [X.reshape((N, -1)) * 1]), [(a(4, 6), 3), (a(4, 6), 8)], 2),
    "lengths": (lambda: ([N, I], [at.zeros((N, I)) + N]), [(2, 3), (1, 1)], 2),
    "prefix": (lambda: ([KNOWN, N], [KNOWN[:N] * 1]), [(a(10, 3), 3), (a(10, 3), 20)], 2),
    "batch": (
        lambda: ([KNOWN, I], [KNOWN[I * 4 : (I + 1) * 4] * 2]),
        # The last batch is a shorter one, and others are compiled once for all.
        [(a(10, 3), 0), (a(10, 3), 1), (a(10, 3), 2), (a(10, 3), -1), (a(10, 3), 1)],
        1,
    ),
    "gradient of a batch": (
        lambda: ([KNOWN, I], [at.grad(at.mean(KNOWN[I : I + 4] ** 2), KNOWN)]),
        [(a(10, 3), 0), (a(10, 3), 6), (a(10, 3), 8), (a(10, 3), 10)],
        1,
    ),
    "two windows": (
        lambda: ([KNOWN, I, N], [KNOWN[I : I + 2, N : N + 2] * 1, KNOWN[I, N : N + 1] * 1]),
        [(a(10, 3), 0, 1), (a(10, 3), 2, 0), (a(10, 3), 9, 2)],
        1,
    ),
    "a window behind a slice": (
        lambda: ([KNOWN, I], [KNOWN[I, :, None] * 1, KNOWN.T[1:, I : I + 3] * 1]),
        [(a(10, 3), 0), (a(10, 3), 7), (a(10, 3), 9)],
        1,
    ),
    "set a window": (
        lambda: (
            [KNOWN, I],
            [at.set_subtensor(KNOWN[I : I + 2], 1.0), at.inc_subtensor(KNOWN[:, I : I + 1], 1.0)],
        ),
        [(a(10, 3), 0), (a(10, 3), 2), (a(10, 3), 9)],
        1,
    ),
    "a window whose end wraps around": (
        lambda: ([KNOWN, BYTE], [KNOWN[BYTE : BYTE + 4] * 1, BYTE + 4]),
        [(a(10, 3), 3), (a(10, 3), 126), (a(10, 3), 2)],
        1,
    ),
    "window in a loop": (window_in_loop, [(a(10, 3), [1, 4, 0]), (a(10, 3), [8, 0, 3])], 1),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_numbers_are_those_of_stock(name):
    graph, calls, compiled = GRAPHS[name]
    inputs, outputs = graph()
    wanted = build(inputs, outputs, PYTHON)
    said = []
    f = build(inputs, outputs, native_mode(strict=True, threads=1, say=said.append))
    for call in calls:
        arguments = [np.asarray(v, i.dtype) for v, i in zip(call, inputs, strict=True)]
        for got, value in zip(f(*arguments), wanted(*arguments), strict=True):
            assert (got.dtype, got.shape) == (value.dtype, value.shape)
            np.testing.assert_allclose(got, value, rtol=1e-11, atol=1e-13)
    special = f.vm.jit_fn
    assert isinstance(special, Specialised)
    assert len(special.functions) == compiled
    assert all(text.startswith("native backend: compiled for ") for text in said)


@pytest.mark.parametrize(
    ("given", "calls"), [(BYTE, [3, 125, 100]), (at.dscalar("at"), [0.1, 0.5, 8])]
)
def test_a_slice_whose_length_is_another_than_by_algebra(given, calls):
    """An end of 8 bits wraps around; one that is rounded is 4 or 5 further on."""
    start, stop = (given, given + 4) if given is BYTE else (given, given + 4.7)
    part = LONG[at.cast(start, "int64") : at.cast(stop, "int64")] * 1
    f = build([LONG, given], part, native_mode(threads=1, say=lambda text: None))
    wanted = build([LONG, given], part, PYTHON)
    for place in calls:
        values = np.arange(200.0), np.asarray(place, given.dtype)
        np.testing.assert_array_equal(f(*values), wanted(*values))


def test_what_is_said_names_lengths_and_values():
    said = []
    f = build([V, N], [V.reshape((N, -1)) * 1], native_mode(threads=1, say=said.append))
    f(np.arange(6.0), 2)
    f(np.arange(6.0), 2)
    f(np.arange(6.0), 3)
    assert said == [
        "native backend: compiled for v (6,), n = 2",
        "native backend: compiled for v (6,), n = 3",
    ]


def test_updates_and_shared_variables_of_other_lengths():
    W, x = aesara.shared(np.ones(3), name="W"), at.dvector("x")
    f = build([x], at.sum(W * x), native_mode(strict=True, threads=1), updates=[(W, W + x)])
    assert f(np.ones(3)) == 3
    np.testing.assert_array_equal(W.get_value(), [2, 2, 2])
    W.set_value(np.ones(4))
    assert f(np.full(4, 2.0)) == 8
    np.testing.assert_array_equal(W.get_value(), [3, 3, 3, 3])


def test_lengths_of_variables_are_known_before_the_integers_of_a_call():
    W = aesara.shared(np.ones(3), name="W")
    h, _ = aesara.scan(
        lambda h, W: h * 2 + W, outputs_info=[at.zeros(3)], non_sequences=[W], n_steps=N
    )
    f = build([N], h[-1], native_mode(strict=True, threads=1, say=lambda text: None))
    for n in (3, 4, 3):
        np.testing.assert_array_equal(f(n), np.full(3, 2.0**n - 1))
    assert len(f.vm.jit_fn.functions) == 2


def test_a_call_whose_slice_is_cut_changes_no_variable_twice():
    total, data = aesara.shared(np.zeros(()), name="total", shape=()), tensor("d", "float64", (6,))
    f = build([data, I], [], native_mode(strict=True, threads=1),
              updates=[(total, total + at.sum(data[I : I + 4]))])  # fmt: skip
    for start, wanted in ((0, 4), (4, 6), (2, 10)):
        f(np.ones(6), start)
        assert total.get_value() == wanted


def test_so_many_functions_are_kept():
    f = build([V], V * 2, native_mode(strict=True, threads=1, say=lambda text: None))
    for n in range(AT_MOST + 2):
        assert f(np.ones(n)).shape == (n,)
        f(np.ones(0))  # what is called again and again stays
    assert len(f.vm.jit_fn.functions) == AT_MOST
    lengths = [shape[0] for (shape,) in f.vm.jit_fn.functions]
    assert lengths == [*range(3, AT_MOST + 2), 0]


def test_what_is_not_covered_shows_at_the_first_call():
    said = []
    f = build([X], X[X > 0], native_mode(threads=1, say=said.append))
    for shape in ((3, 3), (2, 4)):
        x = a(*shape)
        np.testing.assert_array_equal(f(x), x[x > 0])
    assert len(said) == 1
    assert "by a mask" in said[0]
    strict = build([X], X[X > 0], native_mode(strict=True, threads=1))
    with pytest.raises(Unsupported, match="by a mask"):
        strict(a(3, 3))


def test_updates_of_what_is_not_covered():
    W = aesara.shared(np.zeros(()), name="W")
    f = build([X], [], native_mode(threads=1, say=lambda text: None),
              updates=[(W, W + at.sum(X[X > 0]))])  # fmt: skip
    f(np.ones((2, 2)))
    f(np.ones((3, 1)))
    assert W.get_value() == 7


def test_the_function_behind_is_the_last_compiled():
    f = build([V], V * 2, native_mode(threads=1, say=lambda text: None))
    assert native_of(f) is None
    with pytest.raises(TypeError, match="call it first"):
        program_text(f)
    f(np.ones(3))
    assert "v_in0          float64 (3)" in program_text(f)


def test_a_copy_with_lengths_computes_the_same():
    graph = FunctionGraph([X, Y], [at.dot(X, Y)], clone=True)
    graph.update_mapping = {0: 1}
    copy = with_lengths(graph, [a(2, 3), a(3, 4)])
    assert [v.type.shape for v in copy.inputs] == [(2, 3), (3, 4)]
    assert copy.outputs[0].type.shape == (2, 4)
    assert copy.update_mapping == {0: 1}


def test_static_functions_are_what_they_were():
    f = build([KNOWN], KNOWN * 2, native_mode(strict=True, threads=1))
    assert not isinstance(f.vm.jit_fn, Specialised)
    assert native_of(f) is f.vm.jit_fn
