"""Uses of a buffer, kept up to date while passes change operations."""

from graphrnn.native.ir.program import Loop
from graphrnn.native.ir.use_lists import UseLists, uses
from tests.native.programs import add, buffer, copy, program, row

A, B, C, OUT = buffer("a", kind="input"), buffer("b"), buffer("c"), buffer("out", kind="output")


def listed():
    first, second = copy(row(A), row(B)), add(row(B), row(A), row(C))
    loop = Loop("t", 2, [], [copy(row(C), row(OUT))])
    made = program([first, second, loop], [A], [OUT])
    return made, UseLists(made.ops, made)


def test_uses_in_the_list_and_everywhere():
    made, result = listed()
    assert result.positions(A) == [0, 1]
    assert result.positions(C) == [1, 2]
    assert result.everywhere(C) == 2
    assert result.inside([2], C) == made.ops[2].body
    assert not uses(made.ops[0], C)


def test_dropped_and_changed_operations():
    made, result = listed()
    made.ops[1].loads[0] = row(A)
    result.drop(0)
    assert result.positions(A) == [0]
    assert result.everywhere(B) == 0
    made.ops[0].loads[0] = row(OUT)
    result.note([made.ops[0]])
    assert result.positions(OUT) == [0, 1]
