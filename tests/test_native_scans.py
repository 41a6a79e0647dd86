"""Loops: their states, and how few operations a step takes."""

from graphrnn.native.program import Gemm, Kernel, Loop
from graphrnn.shapes import tensor
from tests.native_helpers import PYTHON, build, native, recurrence, same, the_program

import aesara
import aesara.tensor as at
import pytest


def last_state(steps, slots):
    """Make a scan of which only the last few states are read, so that its buffer goes round."""
    x = tensor("x", "float64", (steps, 2))
    results, _ = aesara.scan(
        lambda x_t, a_tm2, a_tm1: x_t + a_tm1 * 0.5 - a_tm2 * 0.25,
        sequences=[x],
        outputs_info=[{"initial": at.ones((2, 2)), "taps": [-2, -1]}],
    )
    return x, results[-slots:]


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 8])
@pytest.mark.parametrize("slots", [1, 2, 3])
def test_buffers_that_go_round(rng, steps, slots):
    if slots > steps:
        slots = steps
    x, last = last_state(steps, slots)
    value = rng.standard_normal((steps, 2))
    same(native([x], last)(value), build([x], last, PYTHON)(value), "float64")


def test_states_that_change_places(rng):
    x = tensor("x", "float64", (5, 2))
    (a, b), _ = aesara.scan(
        lambda x_t, a, b: (b + x_t, a), sequences=[x], outputs_info=[at.zeros(2), at.ones(2)]
    )
    value = rng.standard_normal((5, 2))
    for outputs in ([a, b], [a[-1], b[-1]]):
        for got, wanted in zip(
            native([x], outputs)(value), build([x], outputs, PYTHON)(value), strict=True
        ):
            same(got, wanted, "float64")


def test_a_recurrence_is_one_product_and_one_kernel_a_step():
    x, W, h = recurrence()
    program, _ = the_program([x, W], [h])
    (loop,) = [op for op in program.ops if isinstance(op, Loop)]
    assert [type(op) for op in loop.body] == [Gemm, Kernel]
