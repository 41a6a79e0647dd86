"""Large arrays that repeat a number are never made while a graph is rewritten and lowered."""

from graphrnn.graph.shapes import tensor
from graphrnn.native.rewrites.constant_folding import LARGE, grows
from tests.native_helpers import native, the_program

import aesara
import aesara.tensor as at
import numpy as np
import pytest
from aesara.graph.basic import Constant
from aesara.tensor.basic import Alloc


def lstm(T, H):
    """Make a long LSTM of a batch of one, and the gradient of its weights."""
    x, W = tensor("x", "float32", (T, 1, 4 * H)), tensor("W", "float32", (H, 4 * H))

    def step(x_t, h, c, W):
        gates = x_t + at.dot(h, W)
        i, f, g, o = (gates[:, k * H : (k + 1) * H] for k in range(4))
        c = at.sigmoid(f) * c + at.sigmoid(i) * at.tanh(g)
        return at.sigmoid(o) * at.tanh(c), c

    start = at.zeros((1, H), dtype="float32")
    (h, _), _ = aesara.scan(step, [x], [start, start], [W])
    return [x, W], [at.mean(h**2), at.grad(at.mean(h**2), W)]


def test_a_long_loop_is_built_in_little_memory(monkeypatch):
    """Its gradient begins with zeros of 2,049 x 128 x 512: half a gigabyte, if they were made."""
    made = []
    perform = Alloc.perform

    def watched(self, node, inputs, storage):
        perform(self, node, inputs, storage)
        made.append(storage[0][0].size)

    monkeypatch.setattr(Alloc, "perform", watched)
    inputs, outputs = lstm(T=2048, H=128)
    f = native(inputs, outputs)
    nodes = f.maker.fgraph.apply_nodes
    held = {v for node in nodes for v in node.inputs if isinstance(v, Constant)}
    assert max(made) <= LARGE
    assert sum(v.data.nbytes for v in held if hasattr(v.data, "nbytes")) < 100_000
    assert f.vm.jit_fn.peak_bytes < 40_000_000


@pytest.mark.parametrize("value", [0.0, 2.5])
@pytest.mark.parametrize("n", [LARGE, LARGE + 1, 10**9])
def test_constants_take_the_memory_of_one_number(value, n):
    x = tensor("x", "float64", (3,))
    long = at.alloc(at.constant(value), n)
    program, f = the_program([x], [long[-3:] * x + at.sum(long[5:9]), at.dot(long[:3], x)])
    assert sum(buffer.nbytes for buffer in program.constants) <= 64 + (n <= LARGE) * 8 * n
    given = np.array([1.0, -2.0, 4.0])
    first, second = f(given)
    np.testing.assert_allclose(first, value * given + 4 * value)
    np.testing.assert_allclose(second, 3 * value)


def test_zeros_that_are_written_in_part():
    x = tensor("x", "float64", (300, 300))
    zeros = at.zeros((300, 300))
    outputs = [
        zeros + 0 * x[0, 0],
        at.set_subtensor(zeros[2:5], x[2:5]),
        at.inc_subtensor(at.set_subtensor(zeros[:, 1], x[:, 1])[7], 1.0),
        at.concatenate([zeros, x]),
        at.dot(x, zeros),
    ]
    given = np.random.default_rng(3).standard_normal((300, 300))
    wanted = [np.zeros((300, 300)) for _ in range(3)]
    wanted[1][2:5] = given[2:5]
    wanted[2][:, 1] = given[:, 1]
    wanted[2][7] += 1
    wanted += [np.concatenate([np.zeros((300, 300)), given]), np.zeros((300, 300))]
    for got, right in zip(native([x], outputs)(given), wanted, strict=True):
        np.testing.assert_array_equal(got, right)


def test_what_does_not_grow_is_folded():
    many = at.constant(np.arange(LARGE + 1.0))
    assert not grows((many * 2).owner, LARGE)
    assert not grows(at.alloc(1.0, 3, 4).owner, LARGE)
    assert grows(at.alloc(1.0, LARGE + 1).owner, LARGE)
