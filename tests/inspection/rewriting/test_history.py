"""The history of rewriting: complete, without side effects, short; and its times."""

from graphrnn.errors import UserError
from graphrnn.inspection.inspector import inspect
from graphrnn.inspection.listing.lines import make_listing
from graphrnn.inspection.rewriting import history as module
from graphrnn.inspection.rewriting.history import Recorder, steps_of
from graphrnn.inspection.rewriting.recorder import rewrite
from tests.foreign_graphs import FOREIGN
from tests.inspected import every_node, lesson, lesson_source

import aesara
import pytest


@pytest.fixture(name="lesson")
def the_lesson():
    return lesson()


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


def test_a_recorder_changes_nothing(lesson):
    assert listed(lesson.rewritten.graph()) == listed(rewrite(lesson.source, watched=False).graph())


@pytest.mark.parametrize("method", ["_begin", "_import", "_edit"])
@pytest.mark.parametrize("name", ["logistic_regression", "nested_scan"])
def test_a_recorder_that_fails_changes_nothing(monkeypatch, method, name):
    def build():
        inputs, outputs, updates = FOREIGN[name]()
        mode = aesara.compile.mode.Mode("py", "fast_run")
        return aesara.function(inputs, outputs, updates=updates, mode=mode)

    def broken(self, *arguments):
        raise RuntimeError("broken")

    source = inspect(build).source
    expected = listed(rewrite(source, watched=False).graph())
    monkeypatch.setattr(Recorder, method, broken)
    rewritten = rewrite(source)
    assert isinstance(rewritten.history.failure, RuntimeError)
    assert listed(rewritten.graph()) == expected


@pytest.mark.parametrize("name", ["logistic_regression", "polynomial_until", "if_else"])
def test_the_rewritten_graph_is_that_of_the_compiled_function(name):
    def build():
        inputs, outputs, updates = FOREIGN[name]()
        mode = aesara.compile.mode.Mode("py", "fast_run")
        return aesara.function(inputs, outputs, updates=updates, mode=mode)

    with aesara.config.change_flags(cxx=""):
        compiled = inspect(build())
    assert compiled.stages == ("rewritten",)
    assert listed(compiled.graph("rewritten")) == listed(inspect(build).graph("rewritten"))


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


def test_the_times_of_rewrites_sum_to_the_whole(lesson):
    timing = lesson.timing
    parts = [part.seconds for part in timing.rewrites()]
    assert all(seconds >= 0 for seconds in parts)
    assert sum(parts) + timing.outside == pytest.approx(timing.total, rel=0.05)
    assert sum(seconds for _, seconds in timing.phases()) == pytest.approx(sum(parts))
    # Little time is spent outside all rewrites, so the parts account for most of it.
    assert timing.outside < 0.5 * timing.total
    assert {"canonicalize", "specialize"} <= {phase for phase, _ in timing.phases()}


def test_rewriters_are_restored_after_timing():
    from aesara.graph.rewriting.basic import SequentialGraphRewriter

    before = SequentialGraphRewriter.apply
    rewrite(lesson_source(time=2), measured=True)
    assert SequentialGraphRewriter.apply is before


def test_nodes_know_where_they_come_from(lesson):
    nodes = list(every_node(lesson.graph("rewritten")))
    known = [node for node in nodes if lesson.origin(node).known]
    assert len(known) >= 0.9 * len(nodes)
    product = next(node for node in nodes if node.body is not None).body.nodes[-1]
    assert lesson.origin(product).file.endswith("cells.py")
    assert "maximum" in lesson.origin(product).code
