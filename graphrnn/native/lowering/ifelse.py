"""Lowering of `ifelse`: only the branch that is taken is computed."""

from graphrnn.native.ir import program as p
from graphrnn.native.ir.views import Unsupported, View
from graphrnn.native.lowering.lowering import Lowering, Node, lowers
from graphrnn.native.lowering.row_ops import ref

from aesara.ifelse import IfElse
from aesara.tensor.type import TensorType


@lowers(IfElse)
def ifelse(low: Lowering, node: Node) -> None:
    """Compute what only one branch needs where that branch is taken, and copy its results.

    What both branches need, or something else, is computed before.
    """
    if not all(isinstance(output.type, TensorType) for output in node.outputs):
        raise Unsupported(f"{node.op} of something other than arrays")
    condition = ref(low.view(node.inputs[0]))
    n = node.op.n_outs
    targets: list[View] = []
    for branch, taken in ((0, True), (1, False)):
        results = node.inputs[1 + branch * n : 1 + (branch + 1) * n]
        inside = [other for other in low.order if low.lazy.get(other) == (node, branch)]
        for variable in (*results, *(i for other in inside for i in other.inputs)):
            if variable in low.unwritten:
                low.view(variable)
        outside, low.ops = low.ops, []
        note, own, certain = low.note, low.node, low.certain
        low.certain = False
        low.walk(inside)
        low.note, low.node, low.certain = note, own, certain
        for k, variable in enumerate(results):
            view = low.view(variable)
            if len(targets) == k:
                targets.append(low.fresh(node.outputs[k], view.shape))
            if view.shape != targets[k].shape:
                raise Unsupported(
                    f"{node.op}: branches of shapes {targets[k].shape} and {view.shape}"
                )
            low.copy(view, targets[k])
        low.ops, body = outside, low.ops
        if body:
            low.emit(p.Loop(low.variable("b"), 1, [], body, when=(condition, taken)))
