"""What may fail while a function runs, and the checks that find it before."""

from graphrnn.native.ir.operations import CheckIndex, FlatIndex, index_check, may_fail
from graphrnn.native.ir.program import Gather
from graphrnn.native.ir.scalars import ScalarOp
from tests.native.programs import add, buffer, kernel, ref, row

TABLE, ROWS = buffer("table", 12, "input"), buffer("rows", 8)
INDEX = row(buffer("index", 2, "input", "int64"))


def test_what_may_fail():
    a, b = row(buffer("a", dtype="int32")), row(buffer("b", dtype="int32"))
    assert may_fail(kernel([a, a], ScalarOp.POW, b, dtype="int32"))
    assert not may_fail(add(a, a, b))


def test_the_check_of_a_gather_is_that_of_its_index():
    gather = Gather(
        2, 4, 3, ref(TABLE, 4, 1), INDEX, ref(ROWS, 4, 1), note="E[i]", selection="E[i]"
    )
    check = index_check(gather)
    assert may_fail(gather)
    assert isinstance(check, CheckIndex)
    assert (check.length, check.heights, check.indices) == (2, (3,), [INDEX])
    assert (check.note, check.selection) == ("E[i]", "E[i]")
    assert index_check(add(INDEX, INDEX, INDEX)) is None


def test_a_flat_index_checks_each_axis():
    flat = FlatIndex(2, (3, 5), [INDEX, INDEX], row(buffer("flat", 2, dtype="int64")), (0, 2))
    check = index_check(flat)
    assert (check.heights, check.axes) == ((3, 5), (0, 2))
    assert flat.writes()
    assert not check.writes()
