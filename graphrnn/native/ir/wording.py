"""Nodes and variables of a graph in words: for comments in C, and for messages."""

from collections.abc import Mapping
from typing import Any

from graphrnn.native.ir.views import View
from graphrnn.symbolic.wording import operation, scalar_source, show

import numpy as np
from aesara.graph.basic import Constant, Variable
from aesara.tensor.subtensor import (
    AdvancedIncSubtensor,
    AdvancedIncSubtensor1,
    AdvancedSubtensor,
    AdvancedSubtensor1,
    IncSubtensor,
    Subtensor,
    indices_from_subtensor,
)
from aesara.tensor.type_other import NoneTypeT, SliceType

Node = Any
"""An Aesara Apply node."""

_READS = (AdvancedSubtensor, AdvancedSubtensor1, Subtensor)
_CHANGES = (AdvancedIncSubtensor, AdvancedIncSubtensor1, IncSubtensor)


def describe(node: Node, views: Mapping[Variable, View]) -> str:
    """Write a node as one short line, for comments and messages: `h (4, 3) = dot(x, W)`.

    Arguments without a name are shown by their shape, which `views` may know better than the graph.
    """
    outputs = ", ".join(_shaped(output, views) for output in node.outputs[:3])
    arguments = ", ".join(_argument(variable, views) for variable in node.inputs[:6])
    more = ", ..." if len(node.inputs) > 6 else ""
    text = f"{outputs} = {operation(node.op)}({arguments}{more})"
    return " ".join(text.replace("*/", "* /").replace("/*", "/ *").split())[:120]


def _shaped(variable: Variable, views: Mapping[Variable, View]) -> str:
    """Write a variable as its name, if it has one, and its shape."""
    shape = getattr(variable.type, "shape", None)
    if variable in views:
        shape = views[variable].shape
    if shape is None:
        return str(variable)
    return f"{variable.name} {show(shape)}" if variable.name else show(shape)


def selection(node: Node, views: Mapping[Variable, View]) -> str:
    """Write what a node selects, as Python does: `E[i]`; "" for a node that selects nothing."""
    if not isinstance(node.op, (*_READS, *_CHANGES)):
        return ""
    base, *rest = node.inputs
    indices = rest[1:] if isinstance(node.op, _CHANGES) else rest
    if isinstance(node.op, (Subtensor, IncSubtensor)):
        indices = indices_from_subtensor(indices, node.op.idx_list)
    text = f"{_selected(base, views)}[{', '.join(_entry(index, views) for index in indices)}]"
    return " ".join(text.split())


def _selected(variable: Variable, views: Mapping[Variable, View]) -> str:
    """Write an array as its name, or the op that made it and its shape."""
    view = views.get(variable)
    whole = view is not None and view.buffer.kind == "input" and view.size == view.buffer.size
    name = variable.name or (view.buffer.label if view is not None and whole else "")
    made = f"{operation(variable.owner.op)} " if variable.owner else ""
    return name or f"{made}{_shaped(variable, views)}"


def _entry(index: Any, views: Mapping[Variable, View]) -> str:
    """Write one entry of an index; a piece of an input goes by the name of the whole."""
    if isinstance(index, slice):
        ends = (index.start, index.stop) + ((index.step,) if index.step is not None else ())
        return ":".join("" if end is None else _entry(end, views) for end in ends)
    if not isinstance(index, Variable):
        return str(index)
    index = scalar_source(index)
    if isinstance(index.type, NoneTypeT):
        return "None"
    if isinstance(index.type, SliceType):
        ends = (index.data.start, index.data.stop) if isinstance(index, Constant) else ("", "")
        return ":".join("" if end is None else str(end) for end in ends)
    if not index.name and index in views and views[index].buffer.kind == "input":
        return views[index].buffer.label or _shaped(index, views)
    return _argument(index, views)


def _argument(variable: Variable, views: Mapping[Variable, View]) -> str:
    """Write a variable as its value, its name or its shape."""
    if isinstance(variable, Constant) and np.size(variable.data) == 1:
        return f"{np.asarray(variable.data).flat[0]}"
    return variable.name or _shaped(variable, views)
