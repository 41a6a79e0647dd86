"""The history of rewriting: complete, without side effects, short; and its times."""

from graphrnn.errors import UserError
from graphrnn.inspection.inspector import inspect
from graphrnn.inspection.listing.lines import make_listing
from graphrnn.inspection.rewriting import history as module
from graphrnn.inspection.rewriting.history import steps_of
from graphrnn.inspection.rewriting.recorder import rewrite
from tests.foreign_graphs import FOREIGN
from tests.inspected import lesson_source

import aesara
import pytest


def listed(graph):
    return make_listing(graph, "graph").text()


def test_replaying_gives_the_compiled_graph(lesson):
    rewritten = lesson.rewritten
    assert listed(rewritten.replayed()) == listed(rewritten.graph())
    assert listed(rewritten.graph()) != listed(lesson.graph("gradient"))
    assert len(rewritten.histories()) == 3
    assert all(history.failure is None and history.edits for history in rewritten.histories())


@pytest.mark.parametrize(("loop", "backend"), [("unrolled", "native"), ("scan", "python")])
def test_replaying_gives_the_compiled_graph_of_other_loops_and_backends(loop, backend):
    rewritten = rewrite(lesson_source(time=4, loop=loop, backend=backend))
    assert listed(rewritten.replayed()) == listed(rewritten.graph())


def test_replaying_nothing_gives_the_written_graph(lesson):
    start = module.replay(lesson.rewritten.history, 0)
    op_names = [node.op_name for node in start.nodes]
    assert op_names == [node.op_name for node in lesson.graph("gradient").nodes]


def test_a_function_compiled_before_has_no_history():
    inputs, outputs, _ = FOREIGN["if_else"]()
    compiled = inspect(aesara.function(inputs, outputs, mode="FAST_COMPILE"))
    assert compiled.steps() == []
    with pytest.raises(UserError, match="was compiled before anybody looked"):
        compiled.text("written")


def test_the_history_is_short_enough_to_read(lesson):
    assert 0 < len(lesson.steps()) < 300
    assert len(lesson.steps(folded=False)) > len(lesson.steps())


def test_every_edit_is_in_one_step(lesson):
    for history in lesson.histories:
        steps = steps_of(history, folded=False)
        assert [k for step in steps for k in range(step.first, step.last)] == list(
            range(len(history.edits))
        )
        assert all(step.seconds >= 0 and step.rewrite for step in steps)
