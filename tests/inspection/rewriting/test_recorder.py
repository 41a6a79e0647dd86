"""Recording a history changes no graph, also where it fails."""

from graphrnn.inspection.inspector import inspect
from graphrnn.inspection.listing.lines import make_listing
from graphrnn.inspection.rewriting.history import Recorder
from graphrnn.inspection.rewriting.recorder import rewrite
from tests.foreign_graphs import FOREIGN

import aesara
import pytest


def listed(graph):
    return make_listing(graph, "graph").text()


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
