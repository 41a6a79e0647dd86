"""The user's line that a node comes from."""

from graphrnn.symbolic.source_lines import lines_outside, user_line

import aesara
import aesara.tensor as at


def test_the_line_of_a_node():
    with aesara.config.change_flags(traceback__limit=8):
        y = at.exp(at.vector("x"))
    file, number = user_line(y.owner).split(":")
    assert (file, int(number) > 0) == ("test_source_lines.py", True)
    assert next(lines_outside(y.owner))[2].strip().startswith("y = at.exp")


def test_a_node_without_a_trace_has_none():
    with aesara.config.change_flags(traceback__limit=0):
        assert user_line(at.exp(at.vector("x")).owner) == ""
