"""Elementwise work joined."""

from graphrnn.native.ir.program import Kernel
from graphrnn.native.ir.scalars import ScalarOp
from graphrnn.native.passes.fusion import conflict, fuse, inline_producers
from tests.native.programs import add, buffer, copy, kernel, program, ref, row

import pytest

X, Y = buffer("x", kind="input"), buffer("y", kind="input")
T, U, OUT = buffer("t"), buffer("u"), buffer("out", kind="output")


def test_kernels_over_the_same_loops_become_one():
    made = program([add(row(X), row(Y), row(T)), add(row(T), row(X), row(OUT))], [X, Y], [OUT])
    fuse(made.ops)
    (joined,) = made.ops
    assert len(joined.loads) == 2
    assert [i.op for i in joined.instructions] == [ScalarOp.ADD] * 2
    assert joined.note == "add"
    program(made.ops, [X, Y], [OUT])


def test_what_stands_between_keeps_them_apart():
    """The second kernel reads all of t in another order than the first wrote it."""
    back = ref(T, -1, start=7)
    made = program([copy(row(X), row(T)), add(back, row(X), row(OUT))], [X], [OUT])
    assert conflict(*made.ops)
    fuse(made.ops)
    assert len(made.ops) == 2


def test_equal_instructions_are_computed_once():
    outs = [buffer(f"out{k}", kind="output") for k in range(2)]
    made = program([kernel([row(X)], ScalarOp.EXP, row(out)) for out in outs], [X], outs)
    fuse(made.ops)
    (joined,) = made.ops
    assert len(joined.instructions) == 1
    assert len(joined.stores) == 2


def halves(op, starts):
    """Compute t from x, and read pieces of four elements of it."""
    outs = [buffer(f"out{k}", 4, "output") for k in range(len(starts))]
    pieces = [copy(row(T, start), row(out), (4,)) for start, out in zip(starts, outs, strict=True)]
    return program([kernel([row(X)], op, row(T)), *pieces], [X], outs)


@pytest.mark.parametrize(
    ("cost", "starts", "inlined"),
    [(1, (0, 4), True), (1, (0, 2, 4), True), (60, (0, 4), True), (60, (0, 2, 4), False)],
)
def test_costly_work_is_inlined_only_where_nothing_is_computed_twice(cost, starts, inlined):
    made = halves(ScalarOp.EXP, starts)
    inline_producers(made.ops, made, lambda op, dtype: cost)
    readers = made.ops[1:]
    assert all(isinstance(op, Kernel) for op in readers)
    assert [op.loads[0].buffer is X for op in readers] == [inlined] * len(starts)
    assert all(len(op.instructions) == inlined for op in readers)
    if inlined:
        assert [op.loads[0].offset.constant for op in readers] == list(starts)
    program(made.ops, [X], made.outputs)
