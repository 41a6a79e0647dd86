"""Operations, what they touch, and how a program is walked."""

from dataclasses import replace

from graphrnn.native.ir.program import (
    Conditions,
    Instruction,
    Lookup,
    Loop,
    constant,
    touches,
    walk,
)
from graphrnn.native.ir.scalars import ScalarOp
from tests.native.programs import buffer, copy, ref, row


def test_operations_compare_by_identity():
    a, b = buffer("a"), buffer("b")
    one, same = copy(row(a), row(b)), copy(row(a), row(b))
    assert one != same
    assert len({one, same}) == 2
    assert row(a) == row(a)


def test_constants_are_numbered_by_what_they_hold():
    zero, minus = constant(0.0, "float32"), constant(-0.0, "float32")
    assert zero.value_number != minus.value_number
    assert (
        constant(float("nan"), "float32").value_number
        == constant(float("nan"), "float32").value_number
    )
    assert constant(1, "int8") == Instruction(ScalarOp.CONSTANT, (), "int8", 1)


def test_columns_of_one_matrix_do_not_touch():
    z = buffer("z", 32)
    left, right = ref(z, 8, 1), ref(z, 8, 1, start=4)
    assert not touches((left, (4, 4)), (right, (4, 4)))
    assert touches((left, (4, 5)), (right, (4, 4)))
    moving = ref(z, 8, 1, terms=((1, "t"),))
    assert touches((left, (4, 4)), (moving, (4, 4)))


def test_walking_shows_bodies_and_conditions():
    a, b, flag = buffer("a"), buffer("b"), buffer("flag", 1, dtype="bool")
    step = copy(row(a), row(b))
    loop = Loop("t", 3, [], [step], until=ref(flag))
    assert [type(op) for op in walk([loop])] == [Loop, type(step), Conditions]
    assert ref(flag) in [r for r, _ in loop.reads()]


def test_a_lookup_reads_any_row_of_its_table():
    table, numbers = buffer("table", 12, "input"), buffer("numbers", 4, dtype="int64")
    result = replace(ref(table, 0, 1), lookup=Lookup(ref(numbers, 1, 0), 4, 3))
    look = copy(result, row(buffer("b")), (4, 4))
    reads = {r.buffer.name: lengths for r, lengths in look.reads()}
    assert reads == {"numbers": (4, 4), "table": (4, 4, 3)}
