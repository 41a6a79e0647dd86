"""Names of ops and their settings."""

import re
from collections.abc import Callable
from typing import Any, Literal

import aesara.scalar.basic as aes
from aesara.tensor.subtensor import IncSubtensor, Subtensor

Kind = Literal["product", "elementwise", "reduce", "index", "shape", "loop", "random", "other"]

# Aesara's name → the common name.
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


def scalar_name(op: Any) -> str:
    """Return the name of a scalar op.

    Example:
        >>> from aesara.scalar.basic import true_divide
        >>> scalar_name(true_divide)
        'divide'
    """
    if isinstance(op, aes.Composite):
        return "fused"
    if isinstance(op, aes.Cast):
        return f"cast_{op.o_type.dtype}"
    name = str(getattr(op, "name", None) or type(op).__name__).removeprefix("scalar_")
    return _SCALAR.get(name) or _SCALAR.get(name.lower()) or snake(name)


def snake(name: str) -> str:
    """Return a class name in snake case: `StructuredDotCSC` → `structured_dot_csc`."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    return re.sub(r"[^a-z0-9_]+", "_", split).strip("_") or "op"


def _kept_axes(op: Any) -> list[int]:
    """Return the axes that a change of axes keeps."""
    return [axis for axis in op.new_order if axis != "x"]


def dimshuffle_name(op: Any) -> str:
    """Return the name of a change of axes, after its effect."""
    kept = _kept_axes(op)
    if kept != sorted(kept):
        return "transpose"
    if len(kept) < len(op.input_broadcastable) and len(kept) == len(op.new_order):
        return "squeeze"
    return "expand_dims"


def dimshuffle_setting(op: Any) -> str:
    """Return the axes that a change of axes removes, or their new order, as text."""
    kept = _kept_axes(op)
    removed = [axis for axis in range(len(op.input_broadcastable)) if axis not in kept]
    if removed and len(kept) == len(op.new_order) and kept == sorted(kept):
        return f"axis={removed[0] if len(removed) == 1 else removed}"
    order = ", ".join("new" if axis == "x" else str(axis) for axis in op.new_order)
    return f"axes=[{order}]"


def axis_setting(op: Any) -> str:
    """Return the axis of an op as text; empty if it has none."""
    axis = getattr(op, "axis", None)
    if axis is None or callable(axis):
        return ""
    numbers = list(axis) if isinstance(axis, (tuple, list)) else [axis]
    return f"axis={numbers[0] if len(numbers) == 1 else numbers}"


def index_text(op: Any, operand: Callable[[], str]) -> str | None:
    """Return the index of a slice as text, `[0, 1:, i]`; None if the op has none.

    `operand` returns the name of the next operand that is part of the index.
    """
    entries = getattr(op, "idx_list", None)
    if entries is None or not isinstance(op, (Subtensor, IncSubtensor)):
        return None

    def entry_text(entry: Any) -> str:
        if isinstance(entry, slice):
            parts = [
                "" if part is None else entry_text(part)
                for part in (entry.start, entry.stop, entry.step)
            ]
            return ":".join(parts[:2]) + (f":{parts[2]}" if parts[2] else "")
        if isinstance(entry, aes.ScalarConstant):
            return str(entry.data)
        return str(entry) if isinstance(entry, int) else operand()

    return f"[{', '.join(entry_text(entry) for entry in entries)}]"
