"""Each guard takes a node for which Aesara's rewrite is right, and refuses one where it is not."""

from graphrnn.upstream import guards

import aesara.tensor as at
import numpy as np
import pytest
from aesara.graph.fg import FunctionGraph
from aesara.tensor.special import softmax

X, Y = at.dvector("x"), at.dvector("y")
N = at.lvector("n")
I8, U8 = (at.TensorType(dtype, (None,))(dtype) for dtype in ("int8", "uint8"))
M = at.TensorType("float64", (4, 3))("M")
SINGLE = at.TensorType("float64", (1,))("single")
NOTHING = at.TensorType("float64", (0, 2))("nothing")
C = at.TensorType("bool", (None,))("c")
K = at.lscalar("k")

# By the guard: what it is right for, and what not.
PAIRS = {
    guards.numbers_only: (0 * N, 0 * X),
    guards.zero_factor: (2 * X * Y, at.mul(0, X, Y)),
    guards.integers: (N - N, X - X),
    guards.floats: (abs(X * Y), abs(I8 * I8)),
    guards.other_than_itself: (at.eq(X, Y), at.eq(X, X)),
    guards.inverse: (at.sinh(at.arcsinh(X)), at.arccosh(at.cosh(X))),
    guards.same_dtype: (X**2.0, I8 ** np.float32(2.0)),
    guards.no_narrow_opposite: (Y - (-X), Y - (-I8)),
    guards.same_branches: (
        at.switch(C, X, Y) + at.switch(C, Y, X), at.switch(C, I8, U8) + at.switch(C, U8, I8)
    ),
    guards.sum_of_same: (at.sum(2.0 * M, axis=0), at.prod(2.0 * M, axis=0)),
    guards.something: (at.sum(M, axis=0), at.sum(NOTHING, axis=0)),
    guards.some_powers: (
        at.log(at.sum(at.exp(M), axis=0)), at.log(at.sum(at.exp(NOTHING), axis=0))
    ),
    guards.one_sum: (
        at.sum(at.sum(M, axis=0)), at.sum(at.sum(I8.dimshuffle(0, "x"), axis=0, dtype="int8"))
    ),
    guards.finite_alloc: (
        at.sum(at.alloc(at.constant(2.0), 3)), at.sum(at.alloc(at.constant(np.inf), 3))
    ),
    guards.exactly_one: (at.log(1 + X), at.log(at.constant(np.float64(1 + 1e-8)) + X)),
    guards.liftable: ((X + Y)[1:], (SINGLE + SINGLE)[1:]),
    guards.neighbors: (at.join(0, M[0:2], M[2:4]), at.join(0, M[0:2], M[2:1])),
}  # fmt: skip


def asked(guard, output):
    inputs = [X, Y, N, I8, U8, M, SINGLE, NOTHING, C, K]
    graph = FunctionGraph(inputs, [output], clone=True)
    node = graph.outputs[0].owner
    return guard(graph, node, list(node.outputs))


@pytest.mark.parametrize("guard", PAIRS, ids=lambda guard: guard.__name__)
def test_a_guard_takes_what_is_right_and_nothing_else(guard):
    right, wrong = PAIRS[guard]
    assert asked(guard, right)
    assert not asked(guard, wrong)


def test_every_guard_is_asked_here():
    """`any_value` refuses nothing, and what it guards ends in an error; the columns stand below."""
    own = {f for name, f in vars(guards).items() if getattr(f, "__module__", "") == guards.__name__}
    public = {f for f in own if callable(f) and not f.__name__.startswith("_")}
    assert public - PAIRS.keys() == {guards.any_value, guards.equal_columns}
    assert asked(guards.any_value, X / X)


@pytest.mark.parametrize(("columns", "right"), [(3, True), (1, False), (None, False)])
def test_a_product_needs_equal_columns(columns, right):
    W, G = at.TensorType("float64", (2, columns))("W"), at.TensorType("float64", (4, 3))("G")
    output = at.square(W.dimshuffle("x", 0, 1) * G.dimshuffle(0, "x", 1)).sum(axis=(1, 2))
    graph = FunctionGraph([W, G], [output], clone=True)
    node = graph.outputs[0].owner
    assert guards.equal_columns(graph, node, list(node.outputs)) == right


def test_logarithms_stay_with_what_makes_them_safe():
    assert not asked(guards.liftable, at.log(softmax(M, axis=-1))[0])
    assert not asked(guards.liftable, at.log(at.sum(at.exp(M), axis=1))[0])
    assert asked(guards.liftable, at.log(M)[0])


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_an_exponent_that_wraps_is_refused(dtype):
    x = {"int8": I8, "uint8": U8}[dtype]
    assert not asked(guards.exactly_one, 1 / (1 + at.exp(x)))
    assert asked(guards.exactly_one, 1 / (1 + at.exp(X)))


@pytest.mark.parametrize(("stop", "right"), [(2, True), (1, True), (0, False), (9, False)])
def test_bounds_of_neighbors_are_known_and_in_order(stop, right):
    assert asked(guards.neighbors, at.join(0, M[0:1], M[1:stop])) == right
    assert not asked(guards.neighbors, at.join(0, M[0:K], M[2:4]))
