"""Lines of C and the blocks around them."""

from graphrnn.native.codegen.writer import Writer, part, subscript
from tests.native.programs import buffer, copy, ref, row

X = buffer("x", kind="input")
OP = copy(row(X), row(buffer("t")))


def writer(threads=False):
    return Writer({}, {X: "in[0]"}, 0, threads)


def test_loops_are_closed_where_they_are_opened():
    w = writer()
    with w.block(), w.loops([("i", "0", "3"), ("j", "0", "n")], lambda: w.put("IVDEP")):
        w.put("x;")
    assert [line.strip() for line in w.lines] == [
        "{", "for (idx i = 0; i < 3; i++) {", "IVDEP", "for (idx j = 0; j < n; j++) {", "x;",
        "}", "}", "}",
    ]  # fmt: skip
    assert w.depth == 1


def test_rows_are_shared_by_threads_and_single_work_is_done_by_one():
    w = writer(threads=True)
    with w.rows(OP, (8, 3)) as indices:
        w.put(str(indices))
    with w.rows(OP, ()):
        w.put("once;")
    low, high = part(8, 1)
    assert w.lines[0].strip() == f"for (idx i0 = {low}; i0 < {high}; i0++) {{"
    assert w.lines[1].strip() == "for (idx i1 = 0; i1 < 3; i1++) {"
    assert [line.strip() for line in w.lines[-3:]] == ["if (tid == 0) {", "once;", "}"]
    alone = writer()
    with alone.rows(OP, ()):
        alone.put("once;")
    assert [line.strip() for line in alone.lines] == ["once;"]


def test_inside_of_rows_threads_wait_for_nobody():
    w = writer(threads=True)
    w.barrier()
    w.axes = {OP: 0}
    w.barrier()
    assert w.bounds(OP, 0, 8) == ("row0", "row1")
    assert w.bounds(OP, 1, 8) == ("0", "8")
    assert [line.strip() for line in w.lines] == ["barrier(nt);"]


def test_pointers_declare_what_they_point_to():
    w = writer()
    assert w.pointer(ref(X, 1, start=2, terms=((4, "t5"),))) == "x + t5 * 4 + 2"
    assert w.declarations() == ["    float *const x = (float *)in[0]; /* (8) */"]
    assert subscript((4, 1, 0), ["i", "j", "k"]) == "i * 4 + j"
