"""Offsets of temporaries."""

from itertools import pairwise

from graphrnn.native.ir.buffer_assignment import ALIGNMENT, assign_buffers, live_ranges
from graphrnn.native.ir.program import Loop
from tests.native.programs import add, buffer, copy, program, row

import pytest


def chain(n, sizes):
    """x → t0 → t1 → … → out, each a copy."""
    x, out = buffer("x", kind="input"), buffer("out", kind="output")
    temps = [buffer(f"t{k}", size) for k, size in zip(range(n), sizes, strict=True)]
    every = [x, *temps, out]
    ops = [copy(row(a), row(b)) for a, b in pairwise(every)]
    return program(ops, [x], [out]), temps


def test_live_ranges_count_a_loop_as_one():
    x, t, u, out = buffer("x", kind="input"), buffer("t"), buffer("u"), buffer("out", kind="output")
    inner = [copy(row(t), row(u)), add(row(u), row(t), row(out))]
    made = program([copy(row(x), row(t)), Loop("k", 2, [], inner)], [x], [out])
    assert live_ranges(made.ops) == {t: (0, 1), u: (1, 1)}


@pytest.mark.parametrize("sizes", [(8, 8, 8, 8), (8, 100, 8, 30), (17, 8, 64, 200)])
def test_what_lives_at_once_lies_apart(sizes):
    made, temps = chain(4, sizes)
    assign_buffers(made)
    ranges = live_ranges(made.ops)
    for k, a in enumerate(temps):
        assert made.offsets[a] % ALIGNMENT == 0
        assert made.offsets[a] + a.nbytes <= made.scratch
        for b in temps[k + 1 :]:
            together = ranges[a][0] <= ranges[b][1] and ranges[b][0] <= ranges[a][1]
            apart = (made.offsets[a] + a.nbytes <= made.offsets[b]
                     or made.offsets[b] + b.nbytes <= made.offsets[a])  # fmt: skip
            assert apart or not together
    assert made.scratch < sum(-(-t.nbytes // ALIGNMENT) * ALIGNMENT for t in temps)
