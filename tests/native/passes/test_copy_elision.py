"""Copies that are not made."""

from graphrnn.native.ir.program import Loop
from graphrnn.native.passes.copy_elision import elide_copies, forward_copies
from tests.native.programs import add, buffer, copy, program, ref, row

X, T, OUT = buffer("x", kind="input"), buffer("t"), buffer("out", 16, "output")


def test_what_is_copied_is_computed_in_the_copy_s_place():
    made = program([add(row(X), row(X), row(T)), copy(row(T), ref(OUT, 2))], [X], [OUT])
    elide_copies(made.ops, made)
    (left,) = made.ops
    assert left.stores[0][0] == ref(OUT, 2)


def test_a_copy_whose_source_is_read_by_others_stays():
    other = buffer("other", kind="output")
    ops = [add(row(X), row(X), row(T)), copy(row(T), row(OUT)), add(row(OUT), row(T), row(other))]
    made = program(ops, [X], [OUT, other])
    elide_copies(made.ops, made)
    assert len(made.ops) == 3


def test_readers_of_a_copy_read_its_source():
    out = buffer("out", kind="output")
    made = program([copy(row(X), row(T)), add(row(T), row(T), row(out))], [X], [out])
    forward_copies(made.ops, made)
    (left,) = made.ops
    assert left.loads == [row(X), row(X)]


def test_a_source_that_is_overwritten_is_not_forwarded():
    u, out = buffer("u"), buffer("out", kind="output")
    ops = [copy(row(X), row(u)), copy(row(u), row(T)), copy(row(X, 0), row(u)),
           add(row(T), row(u), row(out))]  # fmt: skip
    made = program(ops, [X], [out])
    forward_copies(made.ops[:3], made)
    assert [op.stores[0][0].buffer for op in made.ops] == [u, T, u, out]


def test_a_state_is_computed_where_the_loop_keeps_it():
    """t is written at each step and copied into slot k: it is written there at once."""
    moving = ref(OUT, 1, terms=((8, "k"),))
    loop = Loop("k", 2, [], [add(row(X), row(X), row(T)), copy(row(T), moving)])
    made = program([loop], [X], [OUT])
    elide_copies(loop.body, made)
    (left,) = loop.body
    assert left.stores[0][0] == moving
    program(made.ops, [X], [OUT])
