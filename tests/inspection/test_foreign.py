"""Foreign graphs, from Aesara's documentation, through all of inspection."""

from graphrnn.inspection.inspector import inspect
from graphrnn.inspection.listing.lines import WIDTH, make_listing
from tests.foreign_graphs import FOREIGN
from tests.inspected import every_node

import aesara
import pytest


@pytest.fixture(params=FOREIGN)
def inspection(request):
    def build():
        inputs, outputs, updates = FOREIGN[request.param]()
        mode = aesara.compile.mode.Mode("py", "fast_run")
        return aesara.function(inputs, outputs, updates=updates, mode=mode)

    return inspect(build, title=request.param)


def test_a_foreign_graph_is_listed_counted_and_replayed(inspection):
    for stage in inspection.stages:
        text = inspection.text(stage)
        assert max(len(line) for line in text.splitlines()) <= WIDTH
        assert "?(" not in text
        assert inspection.text(stage) == text
    rewritten = inspection.rewritten
    assert all(history.failure is None for history in rewritten.histories())
    listings = [
        make_listing(graph, "").text() for graph in (rewritten.graph(), rewritten.replayed())
    ]
    assert listings[0] == listings[1]
    nodes = list(every_node(inspection.graph("rewritten")))
    assert sum(inspection.origin(node).known for node in nodes) >= 0.9 * len(nodes)
    assert len(inspection.costs().rows) == len(nodes)
    assert all(moment.live >= 0 for moment in inspection.memory())
    assert all(inspection.code(node)[1] for node in nodes)


@pytest.mark.parametrize("name", ["logistic_regression", "power_by_scan", "random_variables"])
def test_a_compiled_function_shows_what_it_was_compiled_to(name):
    inputs, outputs, updates = FOREIGN[name]()
    with aesara.config.change_flags(cxx=""):
        function = aesara.function(inputs, outputs, updates=updates, mode="FAST_COMPILE")
    inspection = inspect(function, title=name)
    graph = inspection.graph("rewritten")
    assert {node.apply for node in graph.nodes} == set(function.maker.fgraph.apply_nodes)
    assert inspection.text("rewritten")


def test_a_nested_loop_is_listed_inside_its_loop():
    inputs, outputs, _ = FOREIGN["nested_scan"]()
    depths = [line.depth for line in inspect(outputs).listing("written").lines]
    assert max(depths) == 2
    assert inputs[0].name == "X"
