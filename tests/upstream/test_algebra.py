"""Terms and factors are joined and cancelled where no value changes by it, and only there."""

from graphrnn.upstream import algebra

import aesara.tensor as at
import numpy as np
import pytest
from aesara.graph.basic import clone_get_equiv
from aesara.graph.fg import FunctionGraph

X, Y, N = at.dvector("x"), at.dvector("y"), at.lvector("n")
SMALL = at.TensorType("int8", (None,))("small")


def rewritten(output, canonizer):
    """Ask a canonizer for what stands in place of a node; gives it printed, or None."""
    inputs = [X, Y, N, SMALL]
    copies = clone_get_equiv(inputs, [output], copy_inputs=False, copy_orphans=False)
    graph = FunctionGraph(inputs, [copies[output]], clone=False)
    result = canonizer.transform(graph, graph.outputs[0].owner)
    return result[0] if result else None


@pytest.mark.parametrize(
    ("output", "canonizer"),
    [
        (X - X, algebra.sums),
        ((X + Y) - X, algebra.sums),
        (X / X, algebra.products),
        (X * Y / X, algebra.products),
    ],
)
def test_what_may_be_no_number_is_not_cancelled(output, canonizer):
    result = rewritten(output, canonizer)
    assert result is None or X in set(algebra.ancestors([result]))


def test_integers_cancel():
    """Only the length of what has cancelled is still asked of it."""
    result = rewritten((N + 3) - N, algebra.sums)
    assert at.sub not in {v.owner.op for v in algebra.ancestors([result]) if v.owner}
    assert result.eval({N: [7, 8]}).tolist() == [3, 3]


def test_a_factor_cancels_where_what_is_left_still_shows_it():
    """In x (1 - x) / x, a NaN of x comes out of 1 - x as well."""
    result = rewritten(X * (1 - X) / X, algebra.products)
    assert result is not None
    assert at.true_divide not in {v.owner.op for v in algebra.ancestors([result]) if v.owner}


@pytest.mark.parametrize(("number", "goes"), [(2.0, True), (0.0, False), (np.inf, False)])
def test_a_number_cancels_unless_it_is_0_or_infinite(number, goes):
    assert algebra.products.may_cancel(at.constant(number), [X]) == goes


def test_integers_of_few_bits_stay_one_term():
    """(a · b) 1.5 wraps in int8, and a · (b · 1.5) does not."""
    product = (SMALL * SMALL) * np.float32(1.5)
    algebra.products.within = None
    terms, _ = algebra.products.get_num_denum(product)
    assert [t.type.dtype for t in terms if algebra.discrete(t)] == ["int8"]
    assert algebra.products.within is None


@pytest.mark.parametrize(
    ("dtype", "always"), [("int8", True), ("uint16", True), ("bool", True), ("float32", False),
                          ("complex64", False)]
)  # fmt: skip
def test_integers_and_booleans_are_always_numbers(dtype, always):
    assert algebra.discrete(at.TensorType(dtype, ())()) == always


def test_a_result_keeps_every_float_that_it_was_made_of():
    node = ((X + Y) * 2.0).owner
    assert algebra.nothing_lost(None, node, [X * 2.0 + Y * 2.0])
    assert not algebra.nothing_lost(None, node, [X * 2.0])
    assert not algebra.nothing_lost(None, (N + 1).owner, [N + 1])
