"""The dtype of `matmul`, which Aesara declares as floatX whatever the factors are.

Its Python implementation returns NumPy's dtype, which may then differ from the graph's. Importing
this module replaces `MatMul.make_node`, for every mode.
"""

from typing import Any

from aesara.graph.basic import Apply
from aesara.scalar.basic import upcast
from aesara.tensor.math import MatMul

stock_make_node = MatMul.make_node


def make_node(op: Any, a: Any, b: Any) -> Apply:
    """Build a node whose dtype is that of its upcast factors, unless one was requested."""
    node = stock_make_node(op, a, b)
    if op.dtype is None:
        dtype = upcast(*(factor.type.dtype for factor in node.inputs))
        node.outputs[0].type = node.outputs[0].type.clone(dtype=dtype)
    return node


MatMul.make_node = make_node
