"""Branches that are taken or not, loops that end at a condition, checks made while running."""

from graphrnn.graph.shapes import tensor
from graphrnn.native.ir.program import Gemm, Loop, walk
from graphrnn.native.ir.views import Unsupported
from graphrnn.native.linker import native_mode
from tests.native_helpers import PYTHON, build, native, the_program

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.ifelse import ifelse
from aesara.raise_op import Assert, CheckAndRaise
from aesara.scan.utils import until


def both(inputs, outputs, *values, threads=1):
    """Run a graph in both ways and hold the results against each other."""
    wanted = build(inputs, outputs, PYTHON)(*values)
    f = build(inputs, outputs, native_mode(strict=True, threads=threads))
    for _ in range(2):
        for got, value in zip(f(*values), wanted, strict=True):
            assert (got.dtype, got.shape) == (value.dtype, value.shape)
            np.testing.assert_allclose(got, value, rtol=1e-11)


def branches():
    """Make a graph with a choice inside a choice, and something that both branches need."""
    x, c, d = tensor("x", "float64", (4, 4)), tensor("c", "int64", ()), tensor("d", "bool", ())
    common = at.dot(x, x) / 4
    inner = ifelse(d, at.exp(-(common**2)), at.dot(common, x))
    a, b = ifelse(c, [at.tanh(common), x * 2], [inner, at.zeros((4, 4))])
    return x, c, d, a, b


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("c", [0, 1, -3])
@pytest.mark.parametrize("d", [True, False])
def test_the_branch_that_is_taken(rng, request, threads, c, d):
    request.getfixturevalue("threads")
    x, cc, dd, a, b = branches()
    cost = at.sum(at.tanh(a)) + at.sum(b)
    value = rng.standard_normal((4, 4))
    both([x, cc, dd], [a, b, at.grad(cost, x)], value, c, np.array(d), threads=threads)


def test_only_the_branch_that_is_taken_is_computed():
    """A check in the other branch does not fail, and its product stands inside the choice."""
    x, c = tensor("x", "float64", (3, 3)), tensor("c", "bool", ())
    checked = Assert("never")(at.dot(x, x), at.all(x > 5))
    program, f = the_program([x, c], [ifelse(c, checked, x)])
    assert not any(isinstance(op, Gemm) for op in program.ops)
    assert any(isinstance(op, Gemm) for op in walk(program.ops))
    assert all(op.when is not None for op in program.ops if isinstance(op, Loop))
    (got,) = f(np.eye(3), np.array(False))
    np.testing.assert_array_equal(got, np.eye(3))
    with pytest.raises(AssertionError, match="never"):
        f(np.eye(3), np.array(True))


def test_branches_of_different_shapes_are_refused():
    x, c = tensor("x", "float64", (3,)), tensor("c", "bool", ())
    with pytest.raises(Unsupported, match=r"branches of shapes \(3,\) and \(2,\)"):
        native([x, c], ifelse(c, x, x[:2] * 2))


@pytest.mark.parametrize("n", [0, 3])
def test_a_condition_known_while_building_leaves_one_branch(n):
    """A length decides: the branch that is not taken may have another shape, or be refused."""
    x = tensor("x", "float64", (n, 3))
    chosen = ifelse(at.gt(x.shape[0], 0), at.exp(x), at.zeros((2, 3)))
    program, f = the_program([x], [chosen])
    (got,) = f(np.ones((n, 3)))
    np.testing.assert_array_equal(got, np.exp(np.ones((n, 3))) if n else np.zeros((2, 3)))
    assert not any(isinstance(op, Loop) and op.when is not None for op in walk(program.ops))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("limit", [0.5, 3.0, 1e9])
def test_a_loop_that_ends_at_a_condition(request, threads, limit):
    request.getfixturevalue("threads")
    x, top = tensor("x", "float64", (8, 3)), tensor("top", "float64", ())

    def step(x_t, a_tm2, a_tm1, top):
        new = x_t + a_tm1 + a_tm2 * 0.5
        return (new, new * 2, x_t), until(at.sum(new) > top)

    (a, b, c), _ = aesara.scan(
        step,
        sequences=[x],
        outputs_info=[{"initial": at.ones((2, 3)), "taps": [-2, -1]}, None, None],
        non_sequences=[top],
    )
    values = np.full((8, 3), 0.25), limit
    both([x, top], [a[-1], b[-1], c[-1, 1:], at.sum(a[-1])], *values, threads=threads)


def test_all_results_of_such_a_loop_are_refused():
    x = tensor("x", "float64", (8,))
    a, _ = aesara.scan(lambda x_t, a: (x_t + a, until(a > 3)), sequences=[x],
                       outputs_info=[at.zeros((), dtype="float64")])  # fmt: skip
    for graph in (a, a[-2], a.shape[0], at.grad(a[-1], x)):
        with pytest.raises(Unsupported, match="ends at a condition"):
            native([x], graph)


@pytest.mark.parametrize("threads", [1, 2])
def test_checks_are_made_while_running(request, threads):
    request.getfixturevalue("threads")
    x = tensor("x", "float64", (4,))
    W = aesara.shared(np.ones(4), name="W", shape=(4,))
    first = Assert("must be positive")(x, at.all(x > 0), at.sum(x) < 100)
    second = CheckAndRaise(KeyError, "too large")(first, at.max(x) < 9)
    f = build([x], at.sum(second), native_mode(strict=True, threads=threads),
              updates=[(W, W + second)])  # fmt: skip
    assert f(np.ones(4)) == 4
    for bad, kind, message in (
        (np.array([1.0, -1, 1, 1]), AssertionError, "must be positive"),
        (np.full(4, 99.0), AssertionError, "must be positive"),
        (np.full(4, 20.0), KeyError, "too large"),
    ):
        with pytest.raises(kind, match=message):
            f(bad)
        np.testing.assert_array_equal(W.get_value(), 2 * np.ones(4))  # nothing was updated
    assert f(np.ones(4)) == 4
    with pytest.raises(Unsupported, match="the condition does not hold"):
        native([x], Assert("no")(x, at.as_tensor(np.array(False))))
