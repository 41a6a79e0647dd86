"""Symbolic variables and nodes in the words of a message."""

from collections.abc import Callable, Sequence
from typing import Any

from graphrnn.symbolic.source_lines import user_line

from aesara.graph.basic import Constant, Variable
from aesara.scan.op import Scan
from aesara.tensor.basic import ScalarFromTensor, TensorFromScalar
from aesara.tensor.elemwise import DimShuffle, Elemwise

Node = Any
"""An Aesara Apply node."""

Shape = Sequence[int | None]
"""Lengths of axes; None where one is not known."""


class Misfit(Exception):  # noqa: N818
    """Shapes or lengths that do not fit; the catcher adds the operation and where it is written.

    `got` stands in for the shapes of the operation's arguments.
    """

    def __init__(self, needed: str, got: str = "") -> None:
        super().__init__(needed)
        self.needed, self.got = needed, got


def show(shape: Shape) -> str:
    """Write a shape, with ? for an axis of unknown length.

    Example:
        >>> show((8, None)), show((3,))
        ('(8, ?)', '(3,)')
    """
    lengths = ", ".join("?" if n is None else str(n) for n in shape)
    return f"({lengths},)" if len(shape) == 1 else f"({lengths})"


def refusal(node: Node, misfit: Misfit, shape_of: Callable[[Variable], Shape]) -> str:
    """Write what does not fit: the operation, what it got, what it needed, the user's line."""
    return refusal_of(node.op, node.inputs, misfit, shape_of, user_line(node))


def refusal_of(
    op: Any,
    inputs: Sequence[Variable],
    misfit: Misfit,
    shape_of: Callable[[Variable], Shape],
    line: str,
) -> str:
    """Write what does not fit, of an operation that these inputs were given to on this line."""
    plain = _before_new_axes if isinstance(op, Elemwise) else lambda v: v
    arrays = [plain(v) for v in inputs if getattr(v.type, "ndim", 0)]
    got = misfit.got or ", ".join(f"{origin(v)} {show(shape_of(v))}".strip() for v in arrays)
    return f"{_called(op)}: got {got}; needed {misfit.needed}{line and f' ({line})'}"


def _before_new_axes(variable: Variable) -> Variable:
    """Return the array that only got axes of length 1 in front, as for broadcasting."""
    node = variable.owner
    if node is not None and isinstance(node.op, DimShuffle):
        new = len(node.op.new_order) - node.inputs[0].ndim
        if node.op.new_order == ("x",) * new + tuple(range(node.inputs[0].ndim)):
            return node.inputs[0]
    return variable


def origin(variable: Variable) -> str:
    """Write a variable as its name, or the op that made it and the name of what that was given."""
    if variable.name or variable.owner is None:
        return variable.name or ("a constant" if isinstance(variable, Constant) else "")
    given = next((v.name for v in variable.owner.inputs if v.name), "")
    return _called(variable.owner.op) + (f" of {given}" if given else "")


def scalar_source(number: Variable) -> Variable:
    """Return what tells a number, behind what only makes a scalar or a tensor of it."""
    while number.owner and isinstance(number.owner.op, (ScalarFromTensor, TensorFromScalar)):
        number = number.owner.inputs[0]
    return number


def number_name(number: Variable) -> str:
    """Write a number by its name, or by the op that makes it."""
    variable = scalar_source(number)
    return variable.name or f"a number ({origin(variable) or variable})"


def _called(op: Any) -> str:
    """Write an op by the function that a user calls for it."""
    if hasattr(op, "set_instead_of_inc"):
        return "set_subtensor" if op.set_instead_of_inc else "inc_subtensor"
    name = operation(op)
    return _CALLED.get(name, name)


_CALLED = {
    "AdvancedSubtensor": "index",
    "AdvancedSubtensor1": "index",
    "Alloc": "alloc",
    "DimShuffle": "dimshuffle",
    "Join": "join",
    "MatMul": "matmul",
    "Reshape": "reshape",
    "SpecifyShape": "specify_shape",
    "Split": "split",
    "Subtensor": "index",
}


def operation(op: Any) -> str:
    """Write an op: an elementwise one by its scalar operation, others without their settings."""
    if isinstance(op, Elemwise):
        return str(op.scalar_op.name or type(op.scalar_op).__name__.lower())
    if isinstance(op, Scan):
        return "scan"
    return str(op).partition("{")[0].removeprefix("Inplace")
