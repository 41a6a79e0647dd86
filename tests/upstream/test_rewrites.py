"""A rewrite of Aesara's is taken where its guard says so, and its result fits."""

from graphrnn.upstream import rewrites

import aesara.tensor as at
import numpy as np
import pytest
from aesara.graph.fg import FunctionGraph
from aesara.graph.rewriting.basic import node_rewriter
from aesara.tensor.special import SoftmaxGrad, softmax

X = at.dvector("x")


def transformed(rewrite, output, *inputs):
    graph = FunctionGraph(list(inputs), [output], clone=False)
    return rewrite.transform(graph, output.owner)


def replacing(result, holds=True):
    """Guard a rewrite that gives one result for every node."""

    @node_rewriter(None)
    def give(fgraph, node):
        if isinstance(result, Exception):
            raise result
        return result

    return rewrites.Guarded("given", give, lambda *_: holds)


def test_a_result_is_taken_where_the_guard_holds():
    y = at.exp(X)
    assert transformed(replacing([y]), X + 1, X) == [y]
    assert transformed(replacing([y], holds=False), X + 1, X) is None
    assert transformed(replacing(False), X + 1, X) is None


@pytest.mark.parametrize(
    "result",
    [
        [at.cast(X, "float32")],
        [at.TensorType("float64", (3,))("z")],
        AssertionError("stock"),
        AttributeError("stock"),
    ],
    ids=lambda result: repr(result)[:20],
)
def test_a_result_that_does_not_fit_and_an_error_leave_the_node(result):
    known = at.TensorType("float64", (2,))("y")
    assert transformed(replacing(result), known + 1, known) is None


def test_other_errors_are_not_hidden():
    with pytest.raises(ZeroDivisionError):
        transformed(replacing(ZeroDivisionError()), X + 1, X)


def test_every_guarded_rewrite_is_aesara_s_own_beneath():
    for name in rewrites.GUARDS:
        guarded = rewrites.guarded(name)
        assert str(guarded) == rewrites.sound_name(name)
        assert guarded is rewrites.guarded(name)
    assert rewrites.sound_name("local_mul_zero") == "sound_mul_zero"
    assert rewrites.sound_name("log1msigm_to_softplus") == "sound_log1msigm_to_softplus"


def test_the_logarithm_of_a_difference_of_powers():
    a, b = at.dvector("a"), at.dvector("b")
    (result,) = transformed(rewrites.log_diff_exp, at.log(at.exp(a) - at.exp(b)), a, b)
    with np.errstate(all="ignore"):
        got = result.eval({a: [2.0, 900.0, -np.inf], b: [1.0, -np.inf, -np.inf]})
    np.testing.assert_allclose(got, [np.log(np.exp(2) - np.exp(1)), 900.0, -np.inf])


@pytest.mark.parametrize(
    "output", [at.log(X - at.exp(X)), at.log(at.exp(X) + at.exp(X)), at.log(at.exp(X))]
)
def test_other_logarithms_are_left_alone(output):
    assert not transformed(rewrites.log_diff_exp, output, X)


def test_whole_numbers_keep_their_own_logarithm():
    n = at.lvector("n")
    assert not transformed(rewrites.log_diff_exp, at.log(at.exp(n) - at.exp(n + 1)), n)


def test_the_gradient_of_a_logarithm_of_softmax_divides_by_nothing():
    z, g = at.dmatrix("z"), at.dmatrix("g")
    p = softmax(z, axis=-1)
    (result,) = transformed(rewrites.log_softmax_grad, SoftmaxGrad(axis=-1)(g / p, p), z, g)
    value, slope = np.array([[0.0, -1000.0, 1.0]]), np.array([[0.0, 1.0, 0.0]])
    probabilities = np.exp(value - np.log(np.exp(value).sum()))
    np.testing.assert_allclose(
        result.eval({z: value, g: slope}), slope - slope.sum() * probabilities
    )
    assert not transformed(rewrites.log_softmax_grad, SoftmaxGrad(axis=-1)(g, p), z, g)


@pytest.mark.parametrize("axis", [0, 1, -1, None])
def test_a_gradient_that_is_broadcast_counts_at_each_place(axis):
    """Of the mean of a logarithm of softmax: its sum over three places is not one of them."""
    z = at.dmatrix("z")
    p = softmax(z, axis=axis)
    g = at.constant(np.full((1, 1), 0.25))
    (result,) = transformed(rewrites.log_softmax_grad, SoftmaxGrad(axis=axis)(g / p, p), z)
    value = np.array([[0.5, -1.0, 1.0], [2.0, 0.0, 0.25]])
    e = np.exp(value)
    probabilities = e / e.sum(axis=axis, keepdims=True)
    slope = np.full((2, 3), 0.25)
    np.testing.assert_allclose(
        result.eval({z: value}), slope - slope.sum(axis=axis, keepdims=True) * probabilities
    )
