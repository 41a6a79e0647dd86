"""The gradients that stand in the place of Aesara's own, by NumPy and by finite differences."""

from graphrnn.upstream import op_gradients
from tests.upstream.scan_ways import close, differences

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.compile.mode import Mode

AS_WRITTEN = Mode("py", None)


def compiled(inputs, outputs):
    return aesara.function(inputs, outputs, mode=AS_WRITTEN)


@pytest.mark.parametrize(
    ("index", "distinct"),
    [
        ([[0, 1, 2]], True),
        ([[0, 1, 0]], False),
        ([[-1, -2]], True),
        ([[0, -1]], False),  # they may be one element
        ([[0, 0], [0, 1]], True),
        ([[0, 0], [1, 1]], False),
        ([[[0], [1]], [0, 1]], True),  # broadcast against one another
    ],
)
def test_an_index_is_known_to_name_each_element_once(index, distinct):
    assert op_gradients.are_distinct([at.constant(k) for k in index]) == distinct


def test_an_index_that_is_not_known_may_name_an_element_twice():
    assert not op_gradients.are_distinct([at.lvector()])
    assert op_gradients.are_distinct([at.vector(dtype="bool")])


@pytest.mark.parametrize(
    ("place", "shape"), [([2, 0, 2, 2], (3,)), ([1], (2,)), ([], (2,)), ([-1, 1, 0], (2,))]
)
def test_the_last_writer_of_an_element_is_found(place, shape):
    x, k = at.dvector("x"), at.lvector("k")
    (got,) = compiled([x, k], [op_gradients.last_written(x, [k])])(np.zeros(shape), place)
    there = np.arange(shape[0])[place] if place else []
    wanted = [n not in list(there)[i + 1 :] for i, n in enumerate(there)]
    assert got.tolist() == wanted


def test_the_last_writer_of_a_row_has_all_of_it():
    x, k = at.dmatrix("x"), at.lvector("k")
    kept = op_gradients.last_row_written(x, k)
    (got,) = compiled([x, k], [kept])(np.zeros((4, 3)), [1, 3, 1, 0])
    assert got.tolist() == [[False], [True], [True], [True]]


@pytest.mark.parametrize(
    ("shape", "of_gradient"), [((3,), (2, 3)), ((1, 3), (4, 3)), ((1,), (2, 5)), ((2, 3), (2, 3))]
)
def test_a_gradient_is_summed_to_the_shape_of_its_value(shape, of_gradient):
    x = at.TensorType("float64", shape)("x")
    g = at.TensorType("float64", of_gradient)("g")
    value = np.arange(float(np.prod(of_gradient))).reshape(of_gradient)
    (got,) = compiled([g], [op_gradients.summed_to(x, g)])(value)
    axes = tuple(range(len(of_gradient) - len(shape)))
    wanted = value.sum(axis=axes)
    single = tuple(k for k, n in enumerate(shape) if n == 1)
    close(got, wanted.sum(axis=single, keepdims=True) if single else wanted)


@pytest.mark.parametrize("x", [[2.0, 3.0, 0.5], [0.0, 3.0, 2.0], [1.0, 0.0, 0.0], [4.0]])
def test_a_running_product_has_the_gradient_of_differences(x):
    v = at.dvector("v")
    weights = np.arange(1.0, len(x) + 1)
    (got,) = compiled([v], [op_gradients.of_running_product(v, at.constant(weights))])(x)
    close(got, differences(lambda x: (np.cumprod(x) * weights).sum(), x), 1e-6)


@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 1)])
def test_the_largest_share_the_gradient(axis):
    x = at.dmatrix("x")
    value = np.array([[1.0, 4.0, 4.0], [4.0, 0.0, 2.0]])
    (got,) = compiled([x], [aesara.grad(at.max(x, axis=axis).sum(), x)])(value)
    largest = value == value.max(axis=axis, keepdims=True)
    close(got, largest / largest.sum(axis=axis, keepdims=True))


def test_the_gradient_of_a_position_is_none():
    x = at.dmatrix("x")
    place = at.argmax(x, axis=1)
    slope = aesara.grad((x[:, 0] * place).sum(), x)
    (got,) = compiled([x], [slope])(np.array([[1.0, 4.0], [5.0, 0.0]]))
    close(got, [[1.0, 0.0], [0.0, 0.0]])
