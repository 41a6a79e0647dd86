"""Rows of a batch divided among threads."""

from graphrnn.graph.shapes import tensor
from graphrnn.native.codegen.row_parallel import find_rows
from graphrnn.native.ir.program import Loop
from graphrnn.native.linker import native_mode
from tests.native_helpers import PYTHON, build, native, recurrence, same, the_program

import aesara
import aesara.tensor as at
import numpy as np
import pytest

pytestmark = pytest.mark.shipped_flags


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


LAYOUTS = {
    # How a million numbers lie, the axes that are summed, and the longest chain of additions.
    "a vector": ((1_000_000,), (0,), 1_000_000 / 16 + 20),
    "along rows": ((8, 125_000), (1,), 125_000 / 16 + 20),
    "down many columns": ((2_000, 500), (0,), 128 + 2_000 / 128 + 1),
    "down few columns": ((62_500, 16), (0,), 128 + 62_500 / 128 + 1),
    "over two leading axes": ((250, 40, 100), (0, 1), 128 + 10_000 / 128 + 1),
    "over all axes": ((1_000, 1_000), (0, 1), 1_000_000 / 16 + 1_000 * 8 + 20),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("signs", ["one", "mixed"])
def test_sums_of_float32_keep_their_bound(rng, layout, signs):
    """|error| ≤ k u Σ|x|, as the docstring of write_reduce says."""
    shape, axes, k = LAYOUTS[layout]
    value = rng.random(shape, dtype="float32") * 1_000
    value = value if signs == "one" else value - 500
    x = tensor("x", "float32", shape)
    got = native([x], at.sum(x, axis=axes))(value)
    exact = value.astype("float64").sum(axes)
    bound = k * 2.0**-24 * np.abs(value.astype("float64")).sum(axes)
    assert got.dtype == "float32"
    # The result itself is rounded once more.
    assert (np.abs(got - exact) <= bound + np.abs(exact) * 2.0**-24).all()
