"""Small networks for the tests of the backend, and how their programs are held against Aesara."""

from graphrnn.graph.layers import one_hot
from graphrnn.graph.shapes import tensor
from graphrnn.native.ir.program import Loop, walk
from tests.native_helpers import PYTHON, build, native

import aesara
import aesara.tensor as at
import numpy as np

T, B, H, V = 5, 8, 6, 7


def agree(inputs, outputs, values):
    """Hold the native function against Aesara's Python mode without any rewrite."""
    function = native(inputs, outputs)
    for got, wanted in zip(function(*values), build(inputs, outputs, PYTHON)(*values), strict=True):
        assert got.dtype == wanted.dtype
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-10)
    return function.vm.jit_fn.program


def relu_network(rng, sequence=None):
    """Make the lesson's step with its input inside the loop; gives inputs, h, weights, values."""
    x = tensor("x", "int64", (T, B))
    W_x, W_h, b = (
        tensor(n, "float64", s) for n, s in [("W_x", (V, H)), ("W_h", (H, H)), ("b", (H,))]
    )
    h, _ = aesara.scan(
        lambda x_t, h, W_x, W_h, b: at.maximum(at.dot(x_t, W_x) + at.dot(h, W_h) + b, 0),
        sequences=[one_hot(x, V, "float64")],
        outputs_info=[at.zeros((B, H))],
        non_sequences=[W_x, W_h, b],
        strict=True,
    )
    values = [rng.integers(0, V, (T, B))]
    values += [rng.standard_normal(v.type.shape) / 2 for v in (W_x, W_h, b)]
    return [x, W_x, W_h, b], h, values


def loops_of(program):
    return [op for op in program.ops if isinstance(op, Loop)]


def kinds(program):
    return [type(op) for op in walk(program.ops)]
