"""What a loop does in each step without need."""

from graphrnn.graph.shapes import tensor
from graphrnn.native.codegen.row_parallel import find_rows
from graphrnn.native.ir.program import Gemm
from tests.native.networks import B, H, T, agree, loops_of, relu_network

import aesara
import aesara.tensor as at


def test_a_bias_does_not_tie_the_rows_of_a_batch_together(rng):
    inputs, h, values = relu_network(rng)
    grads = at.grad(at.sum(at.tanh(h)), inputs[1:])
    program = agree(inputs, grads, values)
    assert all(find_rows(loop) is not None for loop in loops_of(program))


def test_products_of_one_state_are_joined(rng):
    """Three gates with weights of their own multiply once a step."""
    x = tensor("x", "float64", (T, B, H))
    W = [tensor(f"W_{k}", "float64", (H, H)) for k in range(3)]

    def gates(x_t, h, W_r, W_u, W_n):
        r, u = at.sigmoid(x_t + at.dot(h, W_r)), at.sigmoid(x_t - at.dot(h, W_u))
        return u * h + (1 - u) * at.tanh(x_t + r * at.dot(h, W_n))

    h, _ = aesara.scan(
        gates, sequences=[x], outputs_info=[at.zeros((B, H))], non_sequences=W, strict=True
    )
    values = [rng.standard_normal((T, B, H)), *(rng.standard_normal((H, H)) / 2 for _ in W)]
    program = agree([x, *W], [h, *at.grad(at.sum(h**2), W)], values)
    forward = loops_of(program)[0]
    assert [op.n for op in forward.body if isinstance(op, Gemm)] == [3 * H]


def test_states_of_several_steps_are_left_alone(rng):
    x = tensor("x", "float64", (T, B, H))
    W = tensor("W", "float64", (H, H))
    h, _ = aesara.scan(
        lambda x_t, a, b, W: at.tanh(x_t + at.dot(a, W) - b),
        sequences=[x],
        outputs_info=[{"initial": at.zeros((2, B, H)), "taps": [-2, -1]}],
        non_sequences=[W],
    )
    values = [rng.standard_normal((T, B, H)), rng.standard_normal((H, H)) / 2]
    agree([x, W], [h, *at.grad(at.sum(h**2), [x, W])], values)
