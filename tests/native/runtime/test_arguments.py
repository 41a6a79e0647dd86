"""What a function is called with is converted where it fits, and refused in one line elsewhere."""

from graphrnn.backends.compile import compile_graph
from graphrnn.graph.shapes import tensor

import aesara
import aesara.tensor as at
import numpy as np
import pytest


@pytest.fixture(scope="module", params=["native", "python"])
def step(request):
    """A training step with an int32 batch, a float32 rate and a weight that it moves."""
    W = aesara.shared(np.zeros(3, "float32"), name="W", shape=(3,))

    def graph():
        x, rate = tensor("x", "int32", (3,)), tensor("rate", "float32", ())
        new = W + rate * at.cast(x, "float32")
        return [x, rate], [at.sum(new)], [(W, new)]

    return compile_graph(graph, name="train", backend=request.param), W


X = np.array([1, 2, 3], "int32")


@pytest.fixture(autouse=True)
def reset(step):
    step[1].set_value(np.zeros(3, "float32"))


@pytest.mark.parametrize(
    ("x", "rate"),
    [
        (X, 0.5),
        (X.astype("int64"), np.float64(0.5)),
        ([1, 2, 3], np.array(0.5)),
        (X.astype("uint8"), np.float32(0.5)),
        (X.astype("int8"), 1),
    ],
)
def test_values_that_fit_are_taken(step, x, rate):
    train, W = step
    (total,) = train(x, rate)
    wanted = float(rate) * X.astype("float32")
    np.testing.assert_array_equal(W.get_value(), wanted)
    assert total == np.sum(wanted)
    assert train(rate=rate, x=x)[0] == 2 * total
    assert train(x, rate=rate)[0] == 3 * total


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((X + 0.5, 0.5), {}, r"x: got float64 \(3,\), needed int32 \(3,\): cast it yourself"),
        ((X.astype("int64") * 2**40, 0.5), {}, r"x: got int64 .*: 1099511627776 does not fit"),
        ((X, 1e300), {}, r"rate: got float64 \(\), needed float32 \(\): 1e\+300 does not fit"),
        ((X, 1j), {}, r"train: rate: got complex128 \(\), needed float32 \(\): cast it yourself"),
        ((X[:2], 0.5), {}, r"train: x: got int32 \(2,\), needed int32 \(3,\)"),
        ((X[None], 0.5), {}, r"train: x: got int32 \(1, 3\), needed int32 \(3,\)"),
        (("abc", 0.5), {}, r"train: x: got a str, needed int32 \(3,\)"),
        (([[1], [2, 3]], 0.5), {}, r"train: x: got a list, needed int32 \(3,\)"),
        ((X,), {}, "train: rate: got nothing; its inputs are x, rate"),
        ((X, 0.5, 1), {}, "train: got 3 arguments, needed 2: x, rate"),
        ((X, 0.5), {"rate": 1}, "train: got rate twice, by place and by name"),
        ((X,), {"rat": 1}, "train: has no input rat; its inputs are x, rate"),
    ],
)
def test_what_does_not_fit_is_one_line_and_changes_nothing(step, args, kwargs, message):
    train, W = step
    with pytest.raises(TypeError, match=message) as error:
        train(*args, **kwargs)
    assert "\n" not in str(error.value)
    np.testing.assert_array_equal(W.get_value(), 0)


def test_an_argument_is_not_changed(step):
    train, _ = step
    x = X.astype("int64")
    train(x, 0.5)
    assert x.dtype == "int64"
    np.testing.assert_array_equal(x, X)


def test_errors_of_the_call_itself_stay(step):
    def graph():
        x, k = tensor("x", "float64", (3,)), tensor("k", "int64", ())
        return [x, k], [x[k]], []

    pick = compile_graph(graph, name="pick", backend="native")
    assert pick(np.arange(3.0), 1)[0] == 1.0
    with pytest.raises(IndexError, match="index 7"):
        pick(np.arange(3.0), 7)
