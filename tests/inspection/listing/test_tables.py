"""Tables fit a terminal, and their parts sum to the whole."""

from graphrnn.inspection.costs.costs import Machine, count_costs
from graphrnn.inspection.listing.tables import cost_text, history_text, memory_text, timing_text
from tests.inspected import lesson


def test_reports_fit_a_terminal():
    inspection = lesson()
    graph = inspection.graph("rewritten")
    costs = count_costs(graph, inspection.lengths(), Machine(1e11, 1e10))
    reports = [
        cost_text("t", graph, costs),
        memory_text("t", graph, inspection.memory()),
        history_text("t", inspection.steps(), every=10, folded=True),
        timing_text("t", inspection.timing),
    ]
    for text in reports:
        assert max(len(line) for line in text.splitlines()) <= 100
    assert "GFLOP/s" in reports[0]
    assert "peak" in reports[1]
    assert "100.0%" in reports[3]
