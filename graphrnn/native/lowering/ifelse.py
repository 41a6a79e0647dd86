"""Lowering of `ifelse`: only the branch that is taken is computed."""

from collections.abc import Sequence

from graphrnn.native.ir import program as p
from graphrnn.native.ir.views import Unsupported, View
from graphrnn.native.lowering.lowering import Lowering, Node, lowers
from graphrnn.native.lowering.row_ops import ref

import numpy as np
from aesara.graph.basic import Variable
from aesara.ifelse import IfElse
from aesara.tensor.type import TensorType


@lowers(IfElse)
def ifelse(low: Lowering, node: Node) -> None:
    """Compute what only one branch needs where that branch is taken, and copy its results.

    What both branches need, or something else, is computed before. Of a condition whose value is
    known, the other branch is not lowered at all: it may have another shape.
    """
    if not all(isinstance(output.type, TensorType) for output in node.outputs):
        raise Unsupported(f"{node.op} of something other than arrays")
    known = low.value(node.inputs[0])
    if known is not None:
        _branch(low, node, 0 if np.all(known) else 1, [])
        return
    condition = ref(low.view(node.inputs[0]))
    targets: list[View] = []
    for branch, taken in ((0, True), (1, False)):
        for variable in _read_by(low, node, branch):
            if variable in low.unwritten:
                low.view(variable)
        outside, low.ops = low.ops, []
        certain, low.certain = low.certain, False
        _branch(low, node, branch, targets)
        low.certain = certain
        low.ops, body = outside, low.ops
        if body:
            low.emit(p.Loop(low.variable("b"), 1, [], body, when=(condition, taken)))


def _results(node: Node, branch: int) -> Sequence[Variable]:
    """Return what a branch gives."""
    n = node.op.n_outs
    return node.inputs[1 + branch * n : 1 + (branch + 1) * n]  # type: ignore[no-any-return]


def _inside(low: Lowering, node: Node, branch: int) -> list[Node]:
    """Return the nodes that only this branch needs."""
    return [other for other in low.order if low.lazy.get(other) == (node, branch)]


def _read_by(low: Lowering, node: Node, branch: int) -> list[Variable]:
    """Return the variables that a branch reads or gives."""
    inputs = [variable for other in _inside(low, node, branch) for variable in other.inputs]
    return [*_results(node, branch), *inputs]


def _branch(low: Lowering, node: Node, branch: int, targets: list[View]) -> None:
    """Compute one branch and copy its results; the first branch makes the targets."""
    note, own = low.note, low.node
    low.walk(_inside(low, node, branch))
    low.note, low.node = note, own
    for k, variable in enumerate(_results(node, branch)):
        view = low.view(variable)
        if len(targets) == k:
            targets.append(low.fresh(node.outputs[k], view.shape))
        if view.shape != targets[k].shape:
            raise Unsupported(f"{node.op}: branches of shapes {targets[k].shape} and {view.shape}")
        low.copy(view, targets[k])
