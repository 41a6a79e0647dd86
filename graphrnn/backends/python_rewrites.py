"""The additional rewrite of the Python backend: sums and products of two, which NumPy has."""

from functools import reduce
from typing import Any

import aesara.tensor as at
from aesara.compile.mode import optdb
from aesara.graph.basic import Apply
from aesara.graph.rewriting.basic import copy_stack_trace, in2out, node_rewriter

TAG = "graphrnn_python"


@node_rewriter([at.add, at.mul])  # type: ignore[untyped-decorator]
def in_pairs(fgraph: Any, node: Apply) -> Any:
    """Sum and multiply two at a time, from the left.

    a + b + c  →  (a + b) + c

    Rewriting joins all summands into one node. NumPy has no function of three arguments: Aesara
    then calls Python for every element, and fails for more than 31 inputs.
    """
    if len(node.inputs) <= 2:
        return None
    result = reduce(node.op, node.inputs)
    if not node.outputs[0].type.is_super(result.type):
        return None
    copy_stack_trace(node.outputs, result)
    return [result]


if "python_in_pairs" not in optdb.__db__:
    # After canonicalization and specialization, which join; before operations become in-place.
    optdb.register("python_in_pairs", in2out(in_pairs, name="in_pairs"), TAG, position=50)
