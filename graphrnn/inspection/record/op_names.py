"""Says what an operation does: a word, its settings, and the kind that it is coloured by."""

import re
from collections.abc import Callable
from typing import Any, Literal

from aesara.scalar.basic import ScalarConstant, ScalarOp
from aesara.tensor.random.op import RandomVariable

Kind = Literal["product", "elementwise", "reduce", "index", "shape", "loop", "random", "other"]

# What Aesara calls it → what a reader calls it.
_SCALAR = {
    "true_div": "divide",
    "true_divide": "divide",
    "int_div": "floor_divide",
    "sqr": "square",
    "identity": "copy",
    "second": "fill",
    "EQ": "eq",
    "GE": "ge",
    "GT": "gt",
    "LE": "le",
    "LT": "lt",
    "NEQ": "neq",
    "mean": "mean",
}

_WORDS: dict[str, tuple[str, Kind]] = {
    "Dot": ("dot", "product"),
    "Dot22": ("dot", "product"),
    "Dot22Scalar": ("scaled_dot", "product"),
    "Gemm": ("gemm", "product"),
    "Gemv": ("gemv", "product"),
    "CGemv": ("gemv", "product"),
    "Ger": ("outer", "product"),
    "CGer": ("outer", "product"),
    "BatchedDot": ("batched_dot", "product"),
    "MatMul": ("matmul", "product"),
    "Sum": ("sum", "reduce"),
    "Prod": ("prod", "reduce"),
    "Max": ("max", "reduce"),
    "Min": ("min", "reduce"),
    "Any": ("any", "reduce"),
    "All": ("all", "reduce"),
    "Mean": ("mean", "reduce"),
    "Argmax": ("argmax", "reduce"),
    "MaxAndArgmax": ("max_and_argmax", "reduce"),
    "Softmax": ("softmax", "reduce"),
    "LogSoftmax": ("log_softmax", "reduce"),
    "SoftmaxGrad": ("softmax_gradient", "reduce"),
    "Subtensor": ("slice", "index"),
    "IncSubtensor": ("set", "index"),
    "AdvancedSubtensor1": ("take", "index"),
    "AdvancedSubtensor": ("gather", "index"),
    "AdvancedIncSubtensor1": ("scatter", "index"),
    "AdvancedIncSubtensor": ("scatter", "index"),
    "Join": ("join", "shape"),
    "Split": ("split", "shape"),
    "Reshape": ("reshape", "shape"),
    "Alloc": ("broadcast_to", "shape"),
    "AllocEmpty": ("empty", "shape"),
    "BroadcastTo": ("broadcast_to", "shape"),
    "MakeVector": ("vector", "shape"),
    "Shape": ("shape", "shape"),
    "SpecifyShape": ("specify_shape", "shape"),
    "ScalarFromTensor": ("to_scalar", "shape"),
    "TensorFromScalar": ("to_tensor", "shape"),
    "Unbroadcast": ("unbroadcast", "shape"),
    "ARange": ("arange", "shape"),
    "Eye": ("eye", "shape"),
    "DeepCopyOp": ("copy", "other"),
    "ViewOp": ("view", "shape"),
    "SortOp": ("sort", "other"),
    "ArgSortOp": ("argsort", "other"),
    "IfElse": ("if_else", "other"),
    "CheckAndRaise": ("check", "other"),
    "Assert": ("check", "other"),
    "Scan": ("scan", "loop"),
    "OpFromGraph": ("call", "loop"),
}


def word_and_kind(op: Any) -> tuple[str, Kind]:
    """Give the word for an operation and its kind.

    Example:
        >>> import aesara.tensor as at
        >>> word_and_kind(at.tanh(at.vector()).owner.op)
        ('tanh', 'elementwise')
    """
    name = type(op).__name__
    if name == "Elemwise":
        return scalar_word(op.scalar_op), "elementwise"
    if isinstance(op, ScalarOp):
        return scalar_word(op), "elementwise"
    if name == "DimShuffle":
        return _dimshuffle(op)
    if name == "CAReduce":
        return f"reduce_{scalar_word(op.scalar_op)}", "reduce"
    if name == "Shape_i":
        return "length", "shape"
    if isinstance(op, RandomVariable):
        return f"draw_{op.name}", "random"
    if name in ("IncSubtensor", "AdvancedIncSubtensor1", "AdvancedIncSubtensor"):
        sets = op.set_instead_of_inc
        word = ("set" if sets else "add_at") if name == "IncSubtensor" else "scatter"
        return word if word != "scatter" or sets else "scatter_add", "index"
    if name in _WORDS:
        return _WORDS[name]
    if hasattr(op, "scalar_op") and name.startswith("Elemwise"):
        return scalar_word(op.scalar_op), "elementwise"
    return _snake(name), "other"


def scalar_word(op: Any) -> str:
    """Give the word for an operation on scalars.

    Example:
        >>> from aesara.scalar.basic import true_divide
        >>> scalar_word(true_divide)
        'divide'
    """
    kind = type(op).__name__
    if kind == "Composite":
        return "fused"
    if kind == "Cast":
        return f"cast_{op.o_type.dtype}"
    name = str(getattr(op, "name", None) or kind).removeprefix("scalar_")
    return _SCALAR.get(name) or _SCALAR.get(name.lower()) or _snake(name)


def _snake(name: str) -> str:
    """Write a class's name as words: `StructuredDotCSC` → `structured_dot_csc`."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    return re.sub(r"[^a-z0-9_]+", "_", split).strip("_") or "op"


def _dimshuffle(op: Any) -> tuple[str, Kind]:
    """Name a change of axes for what it does."""
    kept = [axis for axis in op.new_order if axis != "x"]
    if kept != sorted(kept):
        return "transpose", "shape"
    if len(kept) < len(op.input_broadcastable) and len(kept) == len(op.new_order):
        return "squeeze", "shape"
    return "expand_dims", "shape"


def settings(op: Any) -> str:
    """Give the settings of an operation that are no operands, as they are written in a call.

    Example:
        >>> import aesara.tensor as at
        >>> settings(at.matrix().sum(axis=1).owner.op)
        'axis=1'
    """
    name = type(op).__name__
    if name == "DimShuffle":
        kept = [axis for axis in op.new_order if axis != "x"]
        gone = [axis for axis in range(len(op.input_broadcastable)) if axis not in kept]
        if gone and len(kept) == len(op.new_order) and kept == sorted(kept):
            return f"axis={gone[0] if len(gone) == 1 else gone}"
        order = ", ".join("new" if axis == "x" else str(axis) for axis in op.new_order)
        return f"axes=[{order}]"
    if name == "Shape_i":
        return f"axis={op.i}"
    if name == "Cast":
        return str(op.o_type.dtype)
    axis = getattr(op, "axis", None)
    if axis is not None and not callable(axis):
        numbers = list(axis) if isinstance(axis, (tuple, list)) else [axis]
        return f"axis={numbers[0] if len(numbers) == 1 else numbers}"
    return ""


def index_text(op: Any, operand: Callable[[], str]) -> str | None:
    """Write the index of a slice, `[0, 1:, i]`; None for an operation that has none.

    `operand` gives the name of the next operand that is part of the index.
    """
    entries = getattr(op, "idx_list", None)
    if entries is None or type(op).__name__ not in ("Subtensor", "IncSubtensor"):
        return None

    def one(entry: Any) -> str:
        if isinstance(entry, slice):
            parts = [
                "" if part is None else one(part) for part in (entry.start, entry.stop, entry.step)
            ]
            return ":".join(parts[:2]) + (f":{parts[2]}" if parts[2] else "")
        if isinstance(entry, ScalarConstant):
            return str(entry.data)
        return str(entry) if isinstance(entry, int) else operand()

    return f"[{', '.join(one(entry) for entry in entries)}]"
