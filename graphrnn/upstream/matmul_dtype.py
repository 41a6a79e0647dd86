"""The dtype of a matrix product by `matmul`, which Aesara takes for floatX whatever is multiplied.

Its Python gives NumPy's dtype, which is then another than the graph says. Importing this module
replaces `MatMul.make_node`, for every mode.
"""

from typing import Any

from aesara.graph.basic import Apply
from aesara.scalar.basic import upcast
from aesara.tensor.math import MatMul

stock_make_node = MatMul.make_node


def make_node(op: Any, a: Any, b: Any) -> Apply:
    """Make a node whose dtype is what its factors are cast to, where none was asked for."""
    node = stock_make_node(op, a, b)
    if op.dtype is None:
        dtype = upcast(*(factor.type.dtype for factor in node.inputs))
        node.outputs[0].type = node.outputs[0].type.clone(dtype=dtype)
    return node


MatMul.make_node = make_node
