"""A drawing has a box for each node, and an unrolled one folds."""

from graphrnn.inspection.inspector import Inspection
from graphrnn.inspection.page.boxes import draw, folded
from graphrnn.inspection.page.graphviz import COLORS, lay_out
from tests.inspected import lesson, lesson_source


def test_a_drawing_has_every_node_and_its_loops_open():
    graph = lesson().graph("rewritten")
    drawing = draw(graph)
    assert len(drawing.nodes) == graph.count()
    closed, open_ = lay_out(drawing), lay_out(drawing, drawing.loops)
    assert len(closed.boxes) < len(open_.boxes) == len(drawing.boxes)
    assert set(open_.clusters) == set(drawing.loops)
    assert not closed.clusters
    for x, y, width, height in open_.boxes.values():
        assert 0 <= x <= open_.width
        assert 0 <= y <= open_.height
        assert width > 0 < height
    assert {box.kind for box in drawing.boxes} <= set(COLORS)


def test_an_unrolled_drawing_folds_to_the_size_of_a_step():
    sizes = []
    for time in (6, 14):
        drawing = draw(Inspection(lesson_source(time=time, loop="unrolled")).graph("gradient"))
        small = folded(drawing)
        assert sum(box.count for box in small.boxes) == len(drawing.boxes)
        sizes.append(len(small.boxes))
    assert sizes[0] == sizes[1] < 150
