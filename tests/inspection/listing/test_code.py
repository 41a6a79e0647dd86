"""The code of a node is its own."""

from graphrnn.inspection.inspector import inspect
from tests.inspected import every_node, lesson

import aesara.tensor as at


def test_code_is_generated_for_nodes():
    inspection = lesson()
    nodes = {node.op_name: node for node in every_node(inspection.graph("rewritten"))}
    language, text = inspection.code(nodes["log"])
    assert language == "C (native)"
    assert "for (idx" in text
    x = at.TensorType("float64", (3,))("x")
    plain = inspect([at.exp(x), at.sort(x)])
    codes = {node.op_name: plain.code(node) for node in plain.graph("written").nodes}
    assert codes["exp"][0] == "C"
    assert "exp(" in codes["exp"][1]
    assert codes["sort"][0] == "Python"
    assert "def perform" in codes["sort"][1]
