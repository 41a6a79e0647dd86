"""The dtype of a matrix product by `matmul`, which Aesara takes for floatX whatever is multiplied.

Its Python gives NumPy's dtype, which is then another than the graph says. Importing this module
replaces `MatMul.make_node`, for every mode.
"""

from typing import Any

import aesara.tensor as at
from aesara.graph.basic import Apply
from aesara.scalar.basic import upcast
from aesara.tensor.math import MatMul

stock_make_node = MatMul.make_node


def make_node(op: Any, a: Any, b: Any) -> Apply:
    """Make a node whose dtype is what its factors are cast to, where none was asked for."""
    a, b = at.as_tensor_variable(a), at.as_tensor_variable(b)
    node = stock_make_node(op, a, b)
    if op.dtype is None:
        kind = node.outputs[0].type
        node.outputs[0].type = kind.clone(dtype=upcast(a.type.dtype, b.type.dtype))
    return node


MatMul.make_node = make_node
