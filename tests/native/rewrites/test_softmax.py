"""Sums of exponentials."""

from graphrnn.graph.shapes import tensor
from graphrnn.native.ir.program import Reduce, Softmax, walk
from tests.native.networks import B, T, V, agree, kinds
from tests.native_helpers import native

import aesara.tensor as at
import numpy as np
import pytest
from aesara.gradient import disconnected_grad


@pytest.mark.parametrize("axis", [-1, 0, None])
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_the_largest_is_taken_off_once(rng, axis, offset):
    """A cross-entropy looks for the largest once, and its gradient has the forward's powers."""
    z = tensor("z", "float64", (T, B, V))
    shifted = z - disconnected_grad(at.max(z, axis=axis, keepdims=True))
    loss = at.sum(at.log(at.sum(at.exp(shifted), axis=axis)) - at.sum(shifted, axis=axis))
    values = [rng.standard_normal((T, B, V)) + offset]
    program = agree([z], [loss, at.grad(loss, z)], values)
    largest = [op for op in walk(program.ops) if isinstance(op, Reduce) and op.kind == "max"]
    assert len(largest) == 1
    assert Softmax not in kinds(program)


@pytest.mark.parametrize("other", [0, None])
def test_the_largest_of_another_axis_is_not_the_row_s(rng, other):
    """What is small along one axis may overflow along another, so it is made safe as ever."""
    z = tensor("z", "float64", (T, V))
    x = z - at.max(z, axis=1, keepdims=True) if other is None else z - at.max(z, axis=other)
    outputs = [at.log(at.sum(at.exp(x), axis=0)), at.special.softmax(x, axis=0)]
    program = agree([z], outputs, [rng.standard_normal((T, V))])
    largest = [op for op in walk(program.ops) if isinstance(op, Reduce) and op.kind == "max"]
    assert len(largest) == (2 if other is None else 1)
    far = native([z], [at.log(at.sum(at.exp(z)))])(np.full((T, V), 1e4))[0]
    np.testing.assert_allclose(far, 1e4 + np.log(T * V))
