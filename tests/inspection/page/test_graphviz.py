"""Graphviz is given names as text, and its answer is read."""

import os
from xml.etree import ElementTree

from graphrnn.inspection.inspector import inspect
from graphrnn.inspection.page.boxes import draw
from graphrnn.inspection.page.graphviz import dot_text, program

import aesara.tensor as at

SVG = "{http://www.w3.org/2000/svg}"


def test_dot_text_quotes_names():
    x = at.TensorType("float32", (2,))('a "quoted" \\ name')
    text = dot_text(draw(inspect([at.exp(x)]).graph("written")))
    assert r"a_\"quoted\"_\\_name" in text


def test_a_picture_writes_a_name_as_it_is(tmp_path):
    """Graphviz reads HTML entities in labels, but here `&lt;` is a name."""
    x, y = (at.TensorType("float32", (2,))(name) for name in ("&lt;", "p&q"))
    svg = inspect([x + y]).save(tmp_path / "graph.svg").read_bytes()
    texts = [element.text for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]
    assert {"&lt;", "p&q"} <= set(texts)


def test_graphviz_is_found_without_a_system_one(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    assert os.path.basename(program()) == "graphviz-pure"  # noqa: PTH119
