"""Compiled nodes lead back to the user's lines."""

from tests.inspected import every_node


def test_nodes_know_where_they_come_from(lesson):
    nodes = list(every_node(lesson.graph("rewritten")))
    known = [node for node in nodes if lesson.origin(node).known]
    assert len(known) >= 0.9 * len(nodes)
    product = next(node for node in nodes if node.body is not None).body.nodes[-1]
    assert lesson.origin(product).file.endswith("cells.py")
    assert "maximum" in lesson.origin(product).code
