"""Reductions and rows as C."""

from graphrnn.native.ir.program import ArgMax, Gather, Kernel, Reduce, Scatter, Softmax, constant
from tests.native.programs import buffer, c_of, ref, row

X = buffer("x", 64, "input")


def reduced(kind, outer, inner, strides, target, *more):
    out = buffer("out", 32, "output")
    return c_of(
        [Reduce(kind, outer, inner, ref(X, *strides), ref(out, *target), "float32")], [X], [out]
    )


def test_a_sum_along_memory_runs_in_lanes_and_a_short_one_does_not():
    assert "lane[16]" in reduced("sum", (2,), (32,), (32, 1), (1,))
    assert "lane" not in reduced("sum", (8,), (8,), (8, 1), (1,))
    assert "lane" not in reduced("max", (2,), (32,), (32, 1), (1,))


def test_a_sum_across_memory_reads_rows_from_end_to_end():
    text = reduced("sum", (32,), (2,), (1, 32), (1,))
    assert "block[l] = block[l] + (float)y[l];" in text
    assert "rows % 128" in text


def test_a_largest_number_hands_a_nan_on():
    assert "r = y > r || y != y ? y : r;" in reduced("max", (8,), (8,), (8, 1), (1,))


def test_softmax_and_argmax_take_the_largest_first():
    out = buffer("out", 64, "output")
    text = c_of([Softmax(True, (8,), 8, ref(X, 8, 1), ref(out, 8, 1))], [X], [out])
    assert "r += g_expf(s[j * 1] - m);" in text
    assert "r = logf(r);" in text
    places = buffer("places", 8, "output", "int64")
    text = c_of([ArgMax((8,), 8, ref(X, 8, 1), ref(places, 1))], [X], [places])
    assert "*t = best;" in text


def test_rows_outside_are_passed_over_and_reported():
    index = buffer("i", 2, "input", "int32")
    out = buffer("out", 64, "output")
    gather = Gather(2, 8, 8, ref(X, 8, 1), row(index), ref(out, 8, 1))
    text = c_of([gather], [X, index], [out])
    assert "if (r < 0 || r >= 8) {" in text
    assert "fail(BAD_INDEX, 0, (idx)at[i * 1], 0);" in text
    fill = Kernel((64,), [], [constant(0, "float32")], [(row(out), 0)])
    add = Scatter(2, 8, 8, ref(X, 8, 1), row(index), ref(out, 8, 1), True)
    assert "t[r * 8 + j * 1] = t[r * 8 + j * 1] + s[i * 8 + j * 1];" in c_of(
        [fill, add], [X, index], [out]
    )
