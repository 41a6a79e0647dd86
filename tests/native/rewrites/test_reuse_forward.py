"""What the forward loop computed, which its gradient reads."""

from graphrnn.graph.shapes import tensor
from graphrnn.native.ir.program import Gemm
from tests.native.networks import B, H, T, V, agree, loops_of, relu_network

import aesara
import aesara.tensor as at
import pytest


def test_the_gradient_keeps_what_the_forward_loop_computed(rng):
    inputs, h, values = relu_network(rng)
    grads = at.grad(at.sum(at.tanh(h)), inputs[1:])
    program = agree(inputs, [h, *grads], values)
    forward, backward = loops_of(program)
    assert [type(op) for op in forward.body].count(Gemm) == 1
    assert [type(op) for op in backward.body].count(Gemm) == 1


@pytest.mark.parametrize("truncate", [-1, 2])
@pytest.mark.parametrize("backwards", [False, True])
def test_truncated_and_reversed_loops_keep_the_right_steps(rng, truncate, backwards):
    x, W = tensor("x", "float64", (T, B, H)), tensor("W", "float64", (H, H))
    h, _ = aesara.scan(
        lambda x_t, h, W: at.maximum(at.dot(x_t, W) + at.dot(h, W), 0),
        sequences=[x],
        outputs_info=[at.zeros((B, H))],
        non_sequences=[W],
        truncate_gradient=truncate,
        go_backwards=backwards,
    )
    values = [rng.standard_normal((T, B, H)), rng.standard_normal((H, H)) / 2]
    agree([x, W], [h, at.grad(at.sum(h**2), W)], values)


@pytest.mark.parametrize("truncate", [-1, 1, 2])
def test_a_gradient_that_stops_early_reads_no_further(rng, truncate):
    x = tensor("x", "float64", (T, B, V))
    W_x, W_h = tensor("W_x", "float64", (V, H)), tensor("W_h", "float64", (H, H))
    h, _ = aesara.scan(
        lambda x_t, h_tm1, W_x, W_h: at.tanh(at.dot(x_t, W_x) + at.dot(h_tm1, W_h)),
        sequences=[x],
        outputs_info=[at.zeros((B, H))],
        non_sequences=[W_x, W_h],
        truncate_gradient=truncate,
    )
    grads = at.grad(at.sum(h[-1] ** 2), [W_x, W_h])
    values = [rng.standard_normal(v.type.shape) for v in (x, W_x, W_h)]
    agree([x, W_x, W_h], grads, values)
