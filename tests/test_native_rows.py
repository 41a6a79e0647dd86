"""Rows of a batch divided among threads."""

from graphrnn.native.linker import native_mode
from graphrnn.native.program import Loop
from graphrnn.native.rows import find_rows
from graphrnn.shapes import tensor
from tests.native_helpers import PYTHON, build, recurrence, same, the_program

import aesara
import aesara.tensor as at
import numpy as np
import pytest


def test_rows_of_a_batch_are_found_independent():
    x, W, h = recurrence()
    program, _ = the_program([x, W], [h])
    (loop,) = [op for op in program.ops if isinstance(op, Loop)]
    assert find_rows(loop) is not None
    assert loop.rows == 4


def test_rows_that_depend_on_each_other_are_not_divided(rng, threads):
    """Each step mixes the rows of the batch: threads must wait for each other."""
    x, M = tensor("x", "float64", (5, 16, 16)), tensor("M", "float64", (16, 16))
    h, _ = aesara.scan(
        lambda x_t, h, M: at.tanh(x_t + at.dot(M, h) + h[::-1]),
        sequences=[x],
        outputs_info=[at.zeros((16, 16))],
        non_sequences=[M],
    )
    values = rng.standard_normal((5, 16, 16)), rng.standard_normal((16, 16)) / 4
    wanted = build([x, M], h, PYTHON)(*values)
    for _ in range(20):
        got = build([x, M], h, native_mode(strict=True, threads=2))(*values)
        same(got, wanted, "float64")


@pytest.mark.parametrize("n", [1, 2, 3])
def test_any_number_of_threads_gives_the_same(rng, threads, n):
    x, W, h = recurrence(batch=64, H=40)
    values = (
        rng.standard_normal((6, 64, 40)).astype("f4"),
        rng.standard_normal((40, 40)).astype("f4"),
    )
    outputs = [h, *at.grad(at.sum(at.tanh(h)), [x, W])]
    one = build([x, W], outputs, native_mode(strict=True, threads=1))(*values)
    many = build([x, W], outputs, native_mode(strict=True, threads=n))
    for _ in range(5):
        for a, b in zip(many(*values), one, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
