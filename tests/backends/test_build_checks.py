"""What is refused before a graph is compiled, in one line that says where it came in."""

from graphrnn.backends.build_checks import first_of_dtype
from graphrnn.backends.compile import compile_graph
from graphrnn.errors import UserError
from graphrnn.graph.loops import scanned
from graphrnn.graph.shapes import tensor

import aesara
import aesara.tensor as at
import numpy as np
import pytest

X, N = tensor("x", "float32", (3,)), tensor("n", "int32", (3,))
DOUBLE = tensor("double", "float64", (3,))


@pytest.fixture(autouse=True)
def narrow_floats():
    with aesara.config.change_flags(floatX="float32"):
        yield


def refused(*, updates=None, inputs=(X,), outputs=()):
    W = aesara.shared(np.zeros((3,), "float32"), name="W", shape=(3,))
    pairs = [(W, updates(W))] if updates else []
    with pytest.raises(UserError) as raised:
        compile_graph(lambda: (inputs, outputs, pairs), name="f", backend="python")
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize(
    ("update", "inputs", "words"),
    [
        (lambda W: W - np.float64(0.1) * X, [X], "the constant 0.1 is float64 (test_build_"),
        (lambda W: W + np.arange(3.0) + X, [X], "the constant is float64"),
        (lambda W: W + X * DOUBLE, [X, DOUBLE], "double is float64 (test_build_checks.py:"),
        (lambda W: W * at.exp(N.astype("float64")), [N], "float64 first comes in by "),
        (lambda W: W + at.sum(N), [N], "float64 first comes in by "),
    ],
)  # fmt: skip
def test_an_update_of_another_dtype_names_where_it_came_in(update, inputs, words):
    text = refused(updates=update, inputs=inputs)
    assert text.startswith("update of W: got float64 (3,), needed float32 (3,)")
    assert words in text
    assert "float32" in text.rpartition(";")[2]


def test_in_a_loop_too():
    def step(x_t, h_tm1):
        return h_tm1 + x_t, x_t * np.float64(2.0)

    def update(W):
        _, doubled = scanned(step, [X], [at.zeros(())])
        return W + doubled

    text = refused(updates=update)
    assert "the constant 2.0 is float64 (test_build_checks.py:" in text


def test_an_update_of_another_shape():
    text = refused(updates=lambda W: at.sum(W) * X[0])
    assert text.startswith("update of W: got float32 (), needed float32 (3,)")


def test_an_input_that_nothing_reads():
    text = refused(inputs=[X, N], outputs=[X * 2])
    assert text.startswith("n: nothing that is returned or updated depends on it")


def test_what_fits_is_compiled():
    W = aesara.shared(np.zeros((3,), "float32"), name="W", shape=(3,))
    f = compile_graph(lambda: ([X], [at.sum(W)], {W: W - 0.01 * X}), name="f", backend="python")
    f(np.ones(3, "float32"))
    np.testing.assert_allclose(W.get_value(), np.full(3, -0.01), rtol=1e-6)


def test_the_first_variable_of_a_dtype():
    y = X * 2
    assert first_of_dtype(at.exp(y), "float64")[0].owner.op.scalar_op.name == "exp"
    constant, node = first_of_dtype(at.exp(y * np.float64(0.5)), "float64")
    assert float(constant.data) == 0.5
    assert node is not None
