"""Nodes and variables of a graph in words: for comments in C, and for messages."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphrnn.native.ir.source_lines import user_line
from graphrnn.native.ir.views import Misfit, View

import numpy as np
from aesara.graph.basic import Constant, Variable
from aesara.scan.op import Scan
from aesara.tensor.basic import ScalarFromTensor, TensorFromScalar
from aesara.tensor.elemwise import Elemwise
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

Shape = Sequence[int | None]

_READS = (AdvancedSubtensor, AdvancedSubtensor1, Subtensor)
_CHANGES = (AdvancedIncSubtensor, AdvancedIncSubtensor1, IncSubtensor)


def describe(node: Node, views: Mapping[Variable, View]) -> str:
    """Write a node as one short line, for comments and messages: `h (4, 3) = dot(x, W)`.

    Arguments without a name are shown by their shape, which `views` may know better than the graph.
    """
    outputs = ", ".join(_shaped(output, views) for output in node.outputs[:3])
    arguments = ", ".join(_argument(variable, views) for variable in node.inputs[:6])
    more = ", ..." if len(node.inputs) > 6 else ""
    text = f"{outputs} = {_operation(node.op)}({arguments}{more})"
    return " ".join(text.replace("*/", "* /").replace("/*", "/ *").split())[:120]


def _shaped(variable: Variable, views: Mapping[Variable, View]) -> str:
    """Write a variable as its name, if it has one, and its shape."""
    shape = getattr(variable.type, "shape", None)
    if variable in views:
        shape = views[variable].shape
    if shape is None:
        return str(variable)
    return f"{variable.name} {_lengths(shape)}" if variable.name else _lengths(shape)


def _lengths(shape: Shape) -> str:
    """Write a shape, with ? for a length that is not known."""
    lengths = ", ".join("?" if n is None else str(n) for n in shape)
    return f"({lengths},)" if len(shape) == 1 else f"({lengths})"


def refusal(node: Node, misfit: Misfit, shape_of: Callable[[Variable], Shape]) -> str:
    """Write what does not fit: the operation, what it got, what it needed, the user's line."""
    arrays = [variable for variable in node.inputs if getattr(variable.type, "ndim", 0)]
    got = misfit.got or ", ".join(f"{_origin(v)} {_lengths(shape_of(v))}".strip() for v in arrays)
    line = user_line(node)
    place = f" ({line})" if line else ""
    return f"{_operation(node.op)}: got {got}; needed {misfit.needed}{place}"


def _origin(variable: Variable) -> str:
    """Write a variable as its name, or the op that made it and the name of what that was given."""
    if variable.name or variable.owner is None:
        return variable.name or ("a constant" if isinstance(variable, Constant) else "")
    given = next((v.name for v in variable.owner.inputs if v.name), "")
    return _operation(variable.owner.op) + (f" of {given}" if given else "")


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
    made = f"{_operation(variable.owner.op)} " if variable.owner else ""
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


def scalar_source(number: Variable) -> Variable:
    """Return what tells a number, behind what only makes a scalar or a tensor of it."""
    while number.owner and isinstance(number.owner.op, (ScalarFromTensor, TensorFromScalar)):
        number = number.owner.inputs[0]
    return number


def number_name(number: Variable) -> str:
    """Write a number by its name, or by the op that makes it."""
    variable = scalar_source(number)
    return variable.name or f"a number ({_origin(variable) or variable})"


def _argument(variable: Variable, views: Mapping[Variable, View]) -> str:
    """Write a variable as its value, its name or its shape."""
    if isinstance(variable, Constant) and np.size(variable.data) == 1:
        return f"{np.asarray(variable.data).flat[0]}"
    return variable.name or _shaped(variable, views)


def _operation(op: Any) -> str:
    """Write an op: an elementwise one by its scalar operation, others without their settings."""
    if isinstance(op, Elemwise):
        return str(op.scalar_op.name or type(op.scalar_op).__name__.lower())
    if isinstance(op, Scan):
        return "scan"
    return str(op).partition("{")[0].removeprefix("Inplace")
