"""The table of ops: the name, kind and settings of each, and its counts of operations and bytes.

It is keyed by Aesara's classes. An op that is not in it is named after its class, unless it derives
from one of `FAMILIES`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from graphrnn.inspection.record.op_names import (
    Kind,
    axis_setting,
    dimshuffle_name,
    dimshuffle_setting,
    scalar_name,
    snake,
)

import aesara.scalar.basic as aes
import numpy as np
from aesara.compile.builders import OpFromGraph
from aesara.compile.ops import DeepCopyOp, ViewOp
from aesara.ifelse import IfElse
from aesara.raise_op import Assert, CheckAndRaise
from aesara.scan.op import Scan
from aesara.tensor import basic, blas, blas_c, elemwise, extra_ops, math, special, subtensor
from aesara.tensor.random.op import RandomVariable
from aesara.tensor.shape import Reshape, Shape, Shape_i, SpecifyShape, Unbroadcast
from aesara.tensor.sort import ArgSortOp, SortOp


class Sized(Protocol):
    """Something that knows the shapes of variables."""

    def of(self, variable: Any) -> Sequence[int | None] | None:
        """Return a shape, with None for unknown lengths."""

    def size(self, variable: Any) -> int | None:
        """Return the number of elements; None if it is unknown."""


class Applied(Protocol):
    """An op with its operands and results."""

    @property
    def op(self) -> Any:
        """The op."""

    @property
    def inputs(self) -> Sequence[Any]:
        """Its operands."""

    @property
    def outputs(self) -> Sequence[Any]:
        """Its results."""


Count = Callable[[Applied, Sized], int | None]
"""Returns a count for one run of a node; None if it depends on unknown lengths."""


# ── operations ──


def _none(node: Applied, lengths: Sized) -> int | None:
    """Return 0: nothing is computed, or nothing is moved."""
    return 0


def _unknown(node: Applied, lengths: Sized) -> int | None:
    """Return None: the count depends on the data."""
    return None


def _elementwise(node: Applied, lengths: Sized) -> int | None:
    size = lengths.size(node.outputs[0])
    return None if size is None else size * scalar_steps(node.op, len(node.inputs))


def scalar_steps(op: Any, operands: int) -> int:
    """Count the arithmetic steps of an elementwise op on one element."""
    scalar = getattr(op, "scalar_op", op)
    if isinstance(scalar, aes.Composite):
        return sum(scalar_steps(step.op, len(step.inputs)) for step in scalar.fgraph.toposort())
    return next((_STEPS[k](operands) for k in type(scalar).__mro__ if k in _STEPS), 1)


# Moving a value takes no step, a sum of n values takes n - 1.
_STEPS: dict[type, Callable[[int], int]] = {
    **dict.fromkeys((aes.Cast, aes.Identity, aes.Second), lambda operands: 0),
    **dict.fromkeys((aes.Add, aes.Mul), lambda operands: max(1, operands - 1)),
}


def _read(times: int) -> Count:
    """Build a count of `times` for each element that is read."""

    def count(node: Applied, lengths: Sized) -> int | None:
        size = lengths.size(node.inputs[0])
        return None if size is None else size * times

    return count


def _added(node: Applied, lengths: Sized) -> int | None:
    return lengths.size(node.inputs[1])


def _sampled(node: Applied, lengths: Sized) -> int | None:
    return _total(lengths.size(v) for v in node.outputs)


def _product(first: int, second: int, count: Callable[[list[int], list[int]], int]) -> Count:
    """Build a count for a product of two operands from their shapes."""

    def counted(node: Applied, lengths: Sized) -> int | None:
        a, b = lengths.of(node.inputs[first]), lengths.of(node.inputs[second])
        if a is None or b is None or None in a or None in b:
            return None
        return count([int(n or 0) for n in a], [int(n or 0) for n in b])

    return counted


def _matrices(left: list[int], right: list[int]) -> int:
    """Return 2mnk; a vector is a matrix with one row or column."""
    columns = int(np.prod(right[1:] if len(right) > 1 else [1]))
    return 2 * int(np.prod(left[:-1] or [1])) * left[-1] * columns


def _outer(left: list[int], right: list[int]) -> int:
    return 2 * left[0] * right[0]


def _stacks(left: list[int], right: list[int]) -> int:
    rows = left[1] if len(left) == 3 else 1
    columns = right[2] if len(right) == 3 else 1
    return 2 * left[0] * rows * left[-1] * columns


# ── bytes ──


def bytes_of_variable(variable: Any, lengths: Sized) -> int | None:
    """Count the bytes of a variable; 0 if it is no array."""
    size = lengths.size(variable)
    if not size:
        return size
    try:
        return int(size * np.dtype(variable.type.dtype).itemsize)
    except (AttributeError, TypeError):
        return 0


def _total(values: Iterable[int | None]) -> int | None:
    """Sum values; None if one is unknown."""
    known = list(values)
    return None if any(value is None for value in known) else sum(value or 0 for value in known)


def _all(node: Applied, lengths: Sized) -> int | None:
    return _total(bytes_of_variable(v, lengths) for v in (*node.inputs, *node.outputs))


def _result(times: int) -> Count:
    """Build a count of the bytes of the result, times `times`."""

    def count(node: Applied, lengths: Sized) -> int | None:
        size = bytes_of_variable(node.outputs[0], lengths)
        return None if size is None else times * size

    return count


def _changed(node: Applied, lengths: Sized) -> int | None:
    """Count 2 passes over a value that is set, 3 if it is added; a copy of the target is extra."""
    target, value = (bytes_of_variable(v, lengths) for v in node.inputs[:2])
    if target is None or value is None:
        return None
    return (2 if _sets(node.op) else 3) * value + (0 if node.op.destroy_map else 2 * target)


# ── the table ──

Name = str | Callable[[Any], str]


@dataclass(frozen=True)
class Entry:
    """The entry of an op; `name` and `settings` may depend on its parameters."""

    name: Name
    kind: Kind
    flops: Count = _unknown
    bytes: Count = _all
    settings: Callable[[Any], str] = axis_setting


def _sets(op: Any) -> bool:
    return bool(op.set_instead_of_inc)


def _reduction(name: Name, times: int = 1) -> Entry:
    return Entry(name, "reduce", _read(times))


def _shaping(name: Name, **options: Any) -> Entry:
    return Entry(name, "shape", _none, **options)


def _changing(setting: str, adding: str) -> Entry:
    """Build the entry of an op that sets elements, which computes nothing, or adds to them."""
    return Entry(
        lambda op: setting if _sets(op) else adding,
        "index",
        lambda node, lengths: 0 if _sets(node.op) else _added(node, lengths),
        _changed,
    )


def _multiplying(name: str, first: int = 0, second: int = 1, count: Any = _matrices) -> Entry:
    return Entry(name, "product", _product(first, second, count))


_SOFTMAX = 5
_ELEMENTWISE = Entry(scalar_name, "elementwise", _elementwise)
TABLE: dict[type, Entry] = {
    elemwise.Elemwise: replace(_ELEMENTWISE, name=lambda op: scalar_name(op.scalar_op)),
    aes.ScalarOp: _ELEMENTWISE,
    aes.Cast: replace(_ELEMENTWISE, settings=lambda op: str(op.o_type.dtype)),
    math.Dot: _multiplying("dot"),
    blas.Dot22: _multiplying("dot"),
    blas.Dot22Scalar: _multiplying("scaled_dot"),
    blas.Gemm: _multiplying("gemm", 2, 3),
    blas.Gemv: _multiplying("gemv", 2, 3),
    blas_c.CGemv: _multiplying("gemv", 2, 3),
    blas.Ger: _multiplying("outer", 2, 3, _outer),
    blas_c.CGer: _multiplying("outer", 2, 3, _outer),
    blas.BatchedDot: _multiplying("batched_dot", count=_stacks),
    math.MatMul: _multiplying("matmul"),
    elemwise.CAReduce: _reduction(lambda op: f"reduce_{scalar_name(op.scalar_op)}"),
    math.Sum: _reduction("sum"),
    math.Prod: _reduction("prod"),
    math.Max: _reduction("max"),
    math.Min: _reduction("min"),
    math.Any: _reduction("any"),
    math.All: _reduction("all"),
    math.Mean: _reduction("mean"),
    math.Argmax: _reduction("argmax"),
    math.MaxAndArgmax: _reduction("max_and_argmax"),
    special.Softmax: _reduction("softmax", _SOFTMAX),
    special.LogSoftmax: _reduction("log_softmax", _SOFTMAX),
    special.SoftmaxGrad: _reduction("softmax_gradient", _SOFTMAX),
    subtensor.Subtensor: Entry("slice", "index", _none),
    subtensor.IncSubtensor: _changing("set", "add_at"),
    subtensor.AdvancedSubtensor1: Entry("take", "index", _none, _result(2)),
    subtensor.AdvancedSubtensor: Entry("gather", "index", _none, _result(2)),
    subtensor.AdvancedIncSubtensor1: _changing("scatter", "scatter_add"),
    subtensor.AdvancedIncSubtensor: _changing("scatter", "scatter_add"),
    elemwise.DimShuffle: _shaping(dimshuffle_name, settings=dimshuffle_setting),
    basic.Join: _shaping("join"),
    basic.Split: _shaping("split"),
    Reshape: _shaping("reshape"),
    basic.Alloc: _shaping("broadcast_to", bytes=_result(1)),
    basic.AllocEmpty: _shaping("empty", bytes=_none),
    extra_ops.BroadcastTo: _shaping("broadcast_to", bytes=_result(1)),
    basic.MakeVector: _shaping("vector"),
    Shape: _shaping("shape", bytes=_none),
    Shape_i: _shaping("length", bytes=_none, settings=lambda op: f"axis={op.i}"),
    SpecifyShape: _shaping("specify_shape"),
    basic.ScalarFromTensor: _shaping("to_scalar", bytes=_none),
    basic.TensorFromScalar: _shaping("to_tensor", bytes=_none),
    Unbroadcast: _shaping("unbroadcast"),
    basic.ARange: _shaping("arange"),
    basic.Eye: _shaping("eye"),
    ViewOp: _shaping("view"),
    DeepCopyOp: Entry("copy", "other", _none),
    SortOp: Entry("sort", "other"),
    ArgSortOp: Entry("argsort", "other"),
    IfElse: Entry("if_else", "other", _none),
    CheckAndRaise: Entry("check", "other"),
    Assert: Entry("check", "other"),
    RandomVariable: Entry(lambda op: f"draw_{op.name}", "random", _sampled),
    Scan: Entry("scan", "loop"),
    OpFromGraph: Entry("call", "loop"),
}

FAMILIES = (elemwise.Elemwise, aes.ScalarOp, RandomVariable)


def entry_of(op: Any) -> Entry:
    """Return the entry of an op."""
    entry = TABLE.get(type(op)) or next((TABLE[k] for k in FAMILIES if isinstance(op, k)), None)
    return entry or Entry(snake(type(op).__name__), "other")


def name_and_kind(op: Any) -> tuple[str, Kind]:
    """Return the name and the kind of an op.

    Example:
        >>> import aesara.tensor as at
        >>> name_and_kind(at.tanh(at.vector()).owner.op)
        ('tanh', 'elementwise')
    """
    entry = entry_of(op)
    return entry.name if isinstance(entry.name, str) else entry.name(op), entry.kind


def settings(op: Any) -> str:
    """Return the settings of an op that are not operands, as they appear in a call.

    Example:
        >>> import aesara.tensor as at
        >>> settings(at.matrix().sum(axis=1).owner.op)
        'axis=1'
    """
    return entry_of(op).settings(op)
