"""Sorting, running sums and positions as C."""

from graphrnn.native.ir.operations import Cumulate, FlatIndex, Sort
from tests.native.programs import buffer, c_of, ref, row

X = buffer("x", 32, "input")


def test_a_running_product_begins_at_one():
    out = buffer("out", 32, "output")
    text = c_of([Cumulate("*", (4,), 8, ref(X, 8, 1), ref(out, 8, 1))], [X], [out])
    assert "float r = 1;" in text
    assert "r = r * s[j * 1];" in text


def test_sorting_positions_compares_what_they_stand_for():
    out, scratch = buffer("out", 32, "output", "int64"), buffer("u", 32, dtype="int64")
    sort = Sort((4,), 8, ref(X, 8, 1), ref(out, 8, 1), ref(scratch, 8, 1), True)
    text = c_of([sort], [X], [out])
    assert "u[j] = j;" in text
    assert "s[p[r] * 1] < s[p[q] * 1]" in text


def test_each_index_is_checked_against_its_axis():
    i, flat = buffer("i", 4, "input", "int64"), buffer("flat", 4, "output", "int64")
    text = c_of([FlatIndex(4, (3, 5), [row(i), row(i)], row(flat), (0, 1))], [i], [flat])
    assert "r >= 3" in text
    assert "r >= 5" in text
    assert text.count("fail(BAD_INDEX, 0, ") == 2
    assert "t[i * 1] = flat;" in text
