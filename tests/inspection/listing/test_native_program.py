"""The native program as text: a line for each operation, or why there is none."""

from graphrnn.inspection.listing.lines import WIDTH
from graphrnn.inspection.listing.native_program import native_text

import aesara.tensor as at
from aesara.graph.fg import FunctionGraph


def test_a_program_has_a_title_and_short_lines(lesson):
    text = native_text("lesson", lesson.rewritten.fgraph)
    lines = text.splitlines()
    assert lines[0] == "lesson, native: one C function"
    assert max(map(len, lines)) <= WIDTH
    assert text.endswith("\n")
    assert text == lesson.text("native").replace(lesson.title, "lesson", 1)


def test_what_native_does_not_cover_says_so():
    x = at.TensorType("float64", (3, 3))("x")
    text = native_text("inverse", FunctionGraph([x], [at.nlinalg.matrix_inverse(x)], clone=True))
    assert text.startswith("inverse, native: not covered, ")
    assert "runs in stock Aesara" in text
    assert text.count("\n") == 1
