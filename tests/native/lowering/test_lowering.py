"""One operation at a time against Aesara's Python mode: lowerings that random graphs may miss."""

from graphrnn.graph.shapes import tensor
from graphrnn.native.ir.views import Unsupported
from graphrnn.native.linker import native_mode
from tests.native_helpers import PYTHON, build, native

import aesara
import aesara.tensor as at
import numpy as np
import pytest

X = np.random.default_rng(1).standard_normal((3, 4, 5))
"""What the graphs below are given as x, in their dtype."""


def compare(graph, x=X, dtype="float64", rtol=1e-12):
    """Run a graph of one input in both ways."""
    value = x.astype(dtype)
    symbol = tensor("x", dtype, value.shape)
    outputs = graph(symbol)
    outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
    with np.errstate(all="ignore"):
        wanted = build([symbol], outputs, PYTHON)(value)
        got = native([symbol], outputs)(value)
    for left, right in zip(got, wanted, strict=True):
        assert (left.dtype, left.shape) == (right.dtype, right.shape)
        np.testing.assert_allclose(left, right, rtol=rtol, atol=rtol)
    np.testing.assert_array_equal(value, x.astype(dtype))


def gradient(cost):
    """Make a graph of the gradient of a sum."""
    return lambda x: at.grad(at.sum(cost(x) ** 2), x)


SELECTIONS = {
    "two vectors apart": lambda x: x[[0, 2], :, [1, -1]],
    "two vectors together": lambda x: x[1:, [0, 3], [1, -5]],
    "three": lambda x: x[[0, 1], [0, 1], [1, 2]],
    "broadcast": lambda x: x[np.array([[0], [2]]), [1, 2, 0]],
    "a number among them": lambda x: x[0, [0, 1], [1, 2]],
    "last axes, backwards": lambda x: x[::-1, [0, 1], 1:4],
    "a new axis": lambda x: x[[0, 1], None, [1, 2]],
    "matrix of indices": lambda x: x[np.array([[0, 1], [2, 0]])],
    "of a transpose": lambda x: x.T[[0, 4], [1, 2]],
    "the same place twice": lambda x: x[[1, 1, 1], [2, 2, 0]],
    "nothing": lambda x: x[np.zeros(0, int), np.zeros(0, int)],
}


@pytest.mark.parametrize("name", SELECTIONS)
def test_selections(name):
    compare(SELECTIONS[name])
    compare(gradient(SELECTIONS[name]))


def test_targets_of_a_softmax():
    y = at.constant(np.array([2, 0, 4, 1]))
    picked = lambda x: at.special.log_softmax(x[0], axis=1)[at.arange(4), y]  # noqa: E731
    compare(picked)
    compare(gradient(picked))


CHOSEN = {
    "row": lambda x, i, j: x[i],
    "column": lambda x, i, j: x[:, i],
    "element": lambda x, i, j: x[i, j, 1],
    "beside slices": lambda x, i, j: x[1:, i, ::-2],
    "beside a number": lambda x, i, j: x[-1, i],
    "two that are apart": lambda x, i, j: x[i, :, j],
}


@pytest.mark.parametrize("name", CHOSEN)
@pytest.mark.parametrize("dtype", ["int64", "int8"])
def test_positions_known_only_when_the_function_runs(name, dtype):
    x, i, j = tensor("x", "float64", X.shape), tensor("i", dtype, ()), tensor("j", dtype, ())
    part = CHOSEN[name](x, i, j)
    outputs = [
        part,
        at.set_subtensor(part, 7.0),
        at.inc_subtensor(part, 2.0),
        at.grad(at.sum(part**2), x),
    ]
    f = native([x, i, j], outputs)
    for first, second in ((0, 2), (2, -1), (-3, 1)):
        wanted = CHOSEN[name](X, first, second)
        changed, added, slope = X.copy(), X.copy(), np.zeros(X.shape)
        if name == "element":
            changed[first, second, 1], slope[first, second, 1] = 7, 2 * wanted
            added[first, second, 1] += 2
        else:
            CHOSEN[name](changed, first, second)[...] = 7
            CHOSEN[name](added, first, second)[...] += 2
            CHOSEN[name](slope, first, second)[...] = 2 * wanted
        for got, right in zip(f(X, first, second), (wanted, changed, added, slope), strict=True):
            np.testing.assert_allclose(got, right, rtol=1e-12)


def test_a_position_outside_is_named():
    x, i = tensor("x", "float64", (3, 4)), tensor("i", "int64", ())
    for part, bad in ((x[i], 3), (x[1:, i], -5)):
        for graph in (part, at.inc_subtensor(part, 1)):
            f = native([x, i], graph)
            with pytest.raises(IndexError, match=rf"x\[.*i\]: index {bad} is outside of axis"):
                f(np.zeros((3, 4)), bad)
    with pytest.raises(Unsupported, match="^a number .* is known only at run time"):
        native([x], x[: at.cast(x[0, 0], "int64")])


@pytest.mark.parametrize("bad", [4, -5, 10**12])
def test_a_position_outside_of_one_axis_alone(bad):
    x, i = tensor("x", "float64", (3, 4)), tensor("i", "int64", (2,))
    f = native([x, i], x[[0, 1], i])
    with pytest.raises(IndexError, match="is outside of axis"):
        f(np.zeros((3, 4)), np.array([0, bad]))


MOVES = {
    "eye": lambda x: at.eye(4, 5, 1) * x[0],
    "tri": lambda x: at.tri(4, 5, dtype="float64") * x,
    "triu": lambda x: at.triu(x[0]),
    "arange": lambda x: at.arange(5.0) * x,
    "long arange": lambda x: at.arange(6000)[-5:] + x,
    "diagonal": lambda x: at.diag(x[0]),
    "diagonal above": lambda x: at.diagonal(x, 1, 2, 0),
    "diagonal beyond": lambda x: at.diagonal(x, 9, 2, 0),
    "as diagonal": lambda x: at.diag(x[0, 0]),
    "stack of diagonals": lambda x: at.basic.AllocDiag(-1, 0, 2)(x[0]),
    "filled diagonal": lambda x: [at.fill_diagonal(x[0], 2), at.fill_diagonal(x[:, :2, 0], 3)],
    "trace": lambda x: at.nlinalg.trace(x[0]),
    "repeat": lambda x: at.repeat(x, 2, axis=1),
    "tile": lambda x: at.tile(x, (2, 1, 3)),
    "roll": lambda x: at.roll(x, 2, axis=1),
    "stack": lambda x: at.stack([x, x * 2], axis=1),
    "flip": lambda x: x[::-1, ::-2],
    "split": lambda x: at.split(x, [1, 3], 2, axis=1),
    "broadcast to": lambda x: at.broadcast_to(x[:, :1], (2, 3, 4, 5)),
    "fill": lambda x: at.fill(x, 3.0),
    "swap": lambda x: at.swapaxes(x, 0, 2),
    "concatenate": lambda x: at.concatenate([x, x[:, :2]], axis=1),
    "specify": lambda x: at.specify_shape(x, (3, 4, 5)),
    "diff": lambda x: at.diff(x, axis=2),
}
ROWS = {
    "cumsum": lambda x: at.cumsum(x, axis=1),
    "cumsum of all": lambda x: at.cumsum(x),
    "cumprod": lambda x: at.cumprod(x, axis=2),
    "sort": lambda x: at.sort(x, axis=1),
    "sort all": lambda x: at.sort(x, axis=None),
    "max": lambda x: at.max(x, axis=(0, 2)),
    "min": lambda x: at.min(x),
    "prod": lambda x: at.prod(x, axis=1),
    "prod of all": lambda x: at.prod(x),
    "softmax of all": lambda x: at.special.softmax(x, axis=None),
    "log softmax of all": lambda x: at.special.log_softmax(x, axis=None),
    "softmax": lambda x: at.special.softmax(x, axis=1),
    "log sum exp": lambda x: at.logsumexp(x, axis=1),
    "variance": lambda x: at.var(x, axis=1),
    "norm": lambda x: x.norm(2),
    "clip": lambda x: at.clip(x, -0.5, 0.5),
}
PRODUCTS = {
    "matmul": lambda x: at.matmul(x, x.transpose(0, 2, 1)),
    "batched": lambda x: at.batched_dot(x, x.transpose(0, 2, 1)),
    "batched vectors": lambda x: at.batched_dot(x[:, 0], x[:, 1]),
    "tensordot": lambda x: at.tensordot(x, x, axes=[[0, 1], [0, 1]]),
    "outer": lambda x: at.outer(x[0, 0], x[1, 1]),
    "dot of three axes": lambda x: at.dot(x, x[0].T),
}


WITHOUT_GRADIENT = {
    "filled diagonal", "matmul", "broadcast to", "split", "fill", "diagonal above",
    "diagonal beyond",
}  # fmt: skip


@pytest.mark.parametrize("name", [*MOVES, *ROWS, *PRODUCTS])
def test_operations_and_their_gradients(name):
    graph = (MOVES | ROWS | PRODUCTS)[name]
    compare(graph)
    if name not in WITHOUT_GRADIENT:
        compare(gradient(graph), rtol=1e-10)


def test_gradients_of_a_product_with_zeros():
    with_zeros = np.round(X)
    compare(gradient(lambda x: at.prod(x, axis=1)), with_zeros)
    compare(gradient(lambda x: at.prod(x)), np.where(np.arange(60).reshape(X.shape) == 7, 0, X))


def test_positions_that_sort():
    few = np.array([[3.0, np.nan, 1, 3, -np.inf, 3, np.nan, 0]])
    compare(lambda x: [at.sort(x, axis=1), at.argsort(x, axis=1, kind="stable")], few)
    compare(lambda x: at.argsort(x, axis=0), X)
    compare(lambda x: at.argsort(x, axis=None), X)


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint8"])
def test_integers_go_round(dtype):
    info = np.iinfo(dtype)
    edge = np.array([info.min, info.max, 0, 1, 2, 3, 100, 7], dtype=dtype)

    def graph(x):
        y = x[::-1]
        return [x + y, x - y, x * y, -x, abs(x), at.square(x), x // y, x % y, at.sgn(x), ~x,
                x & y, x | y, x ^ y, at.maximum(x, y), at.eq(x, y), x < y, at.sum(x),
                at.prod(x), at.max(x), at.cumsum(at.cast(x, "int64")), at.dot(x[:, None], y[None]),
                at.dot(x, y), at.inc_subtensor(x[1:3], y[2:4]), at.inc_subtensor(x[[0, 0]], y[0]),
                at.cast(x, "int16"), at.cast(x, "float32"), at.cast(x, "bool"), x / 3,
                at.sort(x), at.argmax(x), x ** at.cast(2, dtype), at.switch(x, x, y)]  # fmt: skip

    if dtype.startswith("u"):
        compare(lambda x: graph(x)[:3], edge, dtype)
    else:
        compare(graph, edge, dtype)


def test_division_rounds_down_whatever_the_signs():
    values = np.array([7.5, -7.5, 0.0, -0.0, 3.0, -3.0, np.inf, np.nan, 1e-320])
    for dtype in ("float32", "float64"):
        compare(lambda x: [x[:, None] // x, x[:, None] % x], values, dtype)
    compare(lambda x: [x[:, None] // x, x[:, None] % x], np.arange(-6, 7), "int64")
    compare(lambda x: [x[:, None] // x, x[:, None] % x], np.arange(7), "uint16")


def test_integers_to_a_negative_power_are_refused_when_they_come():
    x = tensor("x", "int64", (2,))
    f = native([x], 2**x)
    assert f(np.array([3, 70])).tolist() == [8, 0]
    with pytest.raises(ValueError, match="negative power"):
        f(np.array([3, -1]))


def test_casts_of_what_does_not_fit():
    values = np.array([1.9, -1.9, np.nan, np.inf, -np.inf, 3e9, -3e9, 1e19, 300.0])
    whole = ("int8", "int16", "int32", "int64", "uint8", "uint16")
    x = tensor("x", "float64", values.shape)
    got = native([x], [at.cast(x, dtype) for dtype in whole])(values)
    with np.errstate(invalid="ignore"):
        for one, dtype in zip(got, whole, strict=True):
            np.testing.assert_array_equal(one, values.astype(dtype))
    compare(lambda x: [at.cast(x, "bool"), at.cast(x, "float32")], values)
    compare(lambda x: at.cast(x, "uint64"), np.array([0.0, 1e19, 1.8e19]))


def test_booleans():
    values = np.array([True, True, False, False])

    def graph(x):
        y = x[::2].repeat(2)[::-1]
        return [x + y, x * y, x & y, x | y, x ^ y, ~x, at.sum(x), at.all(x), at.any(x), at.eq(x, y),
                at.cast(x, "float32") - 1, at.switch(x, 1.5, 2), at.argmax(x)]  # fmt: skip

    compare(graph, values, "bool")


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int16", "uint32", "int64", "float32"])
def test_running_sums_of_small_numbers_are_counted_in_large_ones(dtype):
    values = np.array([[100, 0, 101], [1, 2, 90]]).astype(dtype)
    x = tensor("x", dtype, values.shape)
    outputs = [at.cumsum(x), at.cumprod(x), at.cumsum(x, axis=1), at.cast(at.cumsum(x), "float64")]
    wanted = [np.cumsum(values), np.cumprod(values), np.cumsum(values, axis=1),
              np.cumsum(values).astype("float64")]  # fmt: skip
    for got, right in zip(native([x], outputs)(values), wanted, strict=True):
        assert got.dtype == right.dtype
        np.testing.assert_array_equal(got, right)
    counted = aesara.shared(np.zeros(6, dtype), "counted")
    build([x], [], native_mode(strict=True), updates=[(counted, at.cumsum(x))])(values)
    np.testing.assert_array_equal(counted.get_value(), np.cumsum(values).astype(dtype))
    assert counted.get_value().dtype == dtype


def test_comparison_of_signed_and_unsigned():
    x, y = tensor("x", "int64", (3,)), tensor("y", "uint64", (3,))
    values = np.array([-1, 5, 2**63 - 1]), np.array([2**64 - 1, 5, 2**63], dtype="uint64")
    outputs = [at.lt(x, y), at.eq(x, y), at.gt(y, x)]
    for got, wanted in zip(
        native([x, y], outputs)(*values), build([x, y], outputs, PYTHON)(*values), strict=True
    ):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_functions_of_one_number(dtype):
    values = np.array([-3.7, -1.0, -0.5, -0.0, 0.0, 0.3, 0.5, 1.0, 1.5, 2.5, 7.2, np.nan, np.inf])

    def graph(x):
        return [f(x) for f in (
            at.arctan, at.sinh, at.cosh, at.arcsinh, at.exp2, at.deg2rad, at.rad2deg, at.erf,
            at.erfc, at.round, at.trunc, at.floor, at.ceil, at.gamma, at.gammaln, at.tan, at.cos,
        )] + [
            f(at.clip(x, -1, 1)) for f in (at.arcsin, at.arccos, at.arctanh)
        ] + [
            f(abs(x)) for f in (at.log, at.log2, at.log10, at.log1p, at.sqrt, at.psi, at.tri_gamma)
        ] + [
            at.log1mexp(-abs(x)), at.arccosh(1 + abs(x)), at.arctan2(x, x[::-1]), abs(x) ** x,
            at.round(x, mode="half_away_from_zero"), at.round(x, mode="half_to_even"),
            at.reciprocal(x), at.isnan(x), at.isinf(x), at.real(x), at.conj(x), at.expm1(x),
            at.softplus(x), at.sigmoid(x), at.j0(at.clip(x, -9, 9)), at.j1(at.clip(x, -9, 9)),
        ]  # fmt: skip

    compare(graph, values, dtype, rtol=2e-6 if dtype == "float32" else 1e-11)


@pytest.mark.parametrize("x", [-0.3, -1.7, -12.4, 0.01, 1.4616, 30.0])
def test_derivatives_of_log_gamma(x):
    compare(lambda v: [at.psi(v), at.tri_gamma(v)], np.array([x]), rtol=1e-11)
    compare(gradient(at.gammaln), np.array([x]), rtol=1e-11)


REFUSED = {
    "by a mask": lambda x: x[x > 0],
    "float16": lambda x: at.cast(x, "float16"),
    "complex64": lambda x: at.cast(x, "complex64"),
    "Erfinv": at.erfinv,
    "known only at run time": lambda x: at.eye(at.cast(x[0, 0, 0], "int64")),
    "ARange": lambda x: at.arange(at.cast(x[0, 0, 0], "int64")),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_refused_says_why(why):
    x = tensor("x", "float64", X.shape)
    with pytest.raises(Unsupported, match=f"(?i){why}"):
        native([x], REFUSED[why](x))


def test_scalars_outside_of_elementwise_work():
    x = tensor("x", "float64", (3,))
    scalar = at.scalar_from_tensor(x[1])
    y = at.tensor_from_scalar(aesara.scalar.mul(scalar, scalar))
    value = np.array([1.0, 3.0, 2.0])
    assert native([x], y)(value) == 9.0
