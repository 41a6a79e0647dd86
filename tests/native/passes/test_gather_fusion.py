"""Rows of a table, read where they lie."""

from graphrnn.graph.shapes import tensor
from graphrnn.native.ir.program import Gather, walk
from tests.native.networks import B, T, V, agree
from tests.native_helpers import native

import aesara
import aesara.tensor as at
import numpy as np
import pytest


def test_a_gathered_row_is_read_in_its_table(rng):
    """A loop reads rows of the table itself: no gathered copy of all steps."""
    x, E = tensor("x", "int64", (T, B)), tensor("E", "float64", (V, 32))
    h, _ = aesara.scan(
        lambda e_t, h: at.tanh(e_t + h),
        sequences=[E[x.flatten()].reshape((T, B, 32))],
        outputs_info=[at.zeros((B, 32))],
    )
    values = [rng.integers(-V, V, (T, B)), rng.standard_normal((V, 32))]
    program = agree([x, E], [h, at.grad(at.sum(h), E)], values)
    assert not [op for op in walk(program.ops) if isinstance(op, Gather)]
    with pytest.raises(IndexError, match="is outside of axis"):
        native([x, E], [h])(np.full((T, B), V), values[1])
