"""Lowering of random draws, and of checks that are made while running."""

from graphrnn.native.ir import views as v
from graphrnn.native.ir.distributions import PARAMETERS
from graphrnn.native.ir.operations import RandomSample
from graphrnn.native.ir.views import Unsupported, View
from graphrnn.native.lowering.lowering import Lowering, Node, lowers
from graphrnn.native.lowering.row_ops import ref
from graphrnn.native.lowering.run_time import RunTimeNumber

import numpy as np
from aesara.graph.basic import Variable
from aesara.raise_op import CheckAndRaise
from aesara.tensor.random.op import RandomVariable


def own_generator(low: Lowering, variable: Variable) -> View:
    """Return a generator that may advance: the variable's own, or a copy where others read it."""
    view = low.view(variable)
    alone = low.fgraph is not None and len(low.fgraph.clients[variable]) == 1
    if alone and variable not in low.borrowed:
        return view
    return low.copied_generator(view)


@lowers(RandomVariable)
def draw(low: Lowering, node: Node) -> None:
    """Draw from a copy of the generator, as Aesara does; where nobody can tell, none is made."""
    generator, size, _, *parameters = node.inputs
    kind = node.op.name
    if kind not in PARAMETERS:
        raise Unsupported(f"{node.op}: random draws cover {', '.join(sorted(PARAMETERS))}")
    lengths = low.value(size)
    if lengths is None:
        raise RunTimeNumber(f"{node.op}: its size is known only at run time", size)
    views = [low.simple(low.view(variable)) for variable in parameters]
    last = 1 if kind == "categorical" else 0
    shapes = [view.shape[: len(view.shape) - last] for view in views]
    shape = tuple(int(n) for n in np.atleast_1d(lengths)) or v.common_shape(shapes)
    walks = [v.broadcast(view, (*shape, *view.shape[-1:])[: len(shape) + last]) for view in views]
    state = own_generator(low, generator)
    target = low.fresh(node.outputs[1], shape)
    low.views[node.outputs[0]] = state
    if target.size:
        categories = views[0].shape[-1] if last else 0
        walked = [ref(walk) for walk in walks]
        low.emit(RandomSample(kind, shape, walked, ref(target), ref(state), categories))


@lowers(CheckAndRaise)
def check(low: Lowering, node: Node) -> None:
    """Hand the first input on; a condition that is not known to hold is checked while running."""
    unknown = []
    for condition in node.inputs[1:]:
        value = low.value(condition)
        if value is None:
            unknown.append(low.view(condition))
        elif not np.all(value):
            raise Unsupported(f"{node.op}: the condition does not hold")
    if unknown:
        low.require(unknown, node.op.exc_type, node.op.msg)
    low.views[node.outputs[0]] = low.view(node.inputs[0])
