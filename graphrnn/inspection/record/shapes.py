"""Infers the shapes of all variables of a graph by Aesara's shape functions and arithmetic.

Types lose lengths that shape functions still know (behind a slice, in the body of a loop), so each
function is called with the known lengths, and its result is evaluated.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from graphrnn.inspection.record.graph import Graph, Node, constant_of, is_scan, is_shared, shape_of

import aesara.tensor as at
import numpy as np
from aesara.tensor.elemwise import Elemwise
from aesara.tensor.shape import Shape as ShapeOp
from aesara.tensor.shape import Shape_i

Shape = tuple[int | None, ...]


class Lengths:
    """The shapes of a graph's variables; None for a length that depends on the data."""

    def __init__(self, graph: Graph, known: Mapping[Any, Shape] | None = None) -> None:
        self.shapes: dict[Any, Shape | None] = dict(known or {})
        self._values: dict[Any, Any] = {}
        for variable in graph.inputs:
            if variable not in self.shapes and is_shared(variable):
                value = variable.get_value(borrow=True)
                if isinstance(value, np.ndarray):
                    self.shapes[variable] = value.shape
        self._visit(graph)

    def of(self, variable: Any) -> Shape | None:
        """Return a variable's shape; None if it is no array."""
        if variable not in self.shapes:
            self.shapes[variable] = shape_of(variable)
        return self.shapes[variable]

    def size(self, variable: Any) -> int | None:
        """Count the elements of a variable; None if a length is unknown."""
        shape = self.of(variable)
        if shape is None:
            return 0
        return None if None in shape else math.prod(length or 0 for length in shape)

    def _visit(self, graph: Graph) -> None:
        for node in graph.nodes:
            if node.body is not None:
                self._loop(node)
                continue
            for result in node.outputs:
                known = shape_of(result)
                if known is not None and None not in known:
                    self.shapes[result] = known
            if any(result not in self.shapes for result in node.outputs):
                self._infer(node)

    def _infer(self, node: Node) -> None:
        """Infer the shapes of a node's results by its shape function."""
        shape_function = getattr(node.op, "infer_shape", None)
        inferred: Iterable[Any] = ()
        if shape_function is not None:
            try:
                inferred = shape_function(None, node.apply, [self._symbols(v) for v in node.inputs])
            except Exception:  # it may raise where a length is unknown
                inferred = ()
        for result, lengths in zip(node.outputs, inferred, strict=False):
            static = shape_of(result)
            if static is None or lengths is None:
                continue
            self.shapes[result] = tuple(
                known if known is not None else self._number(length)
                for known, length in zip(static, lengths, strict=False)
            )

    def _symbols(self, variable: Any) -> tuple[Any, ...] | None:
        """Return a shape as shape functions take it: constants, or shape ops if unknown."""
        shape = self.of(variable)
        if shape is None:
            return None
        return tuple(
            Shape_i(axis)(variable) if length is None else at.constant(length, dtype="int64")
            for axis, length in enumerate(shape)
        )

    def _number(self, length: Any) -> int | None:
        """Evaluate a length."""
        if isinstance(length, (int, np.integer)):
            return int(length)
        value = self.value(length)
        return None if value is None or np.ndim(value) else int(value)

    def value(self, variable: Any, depth: int = 0) -> Any:
        """Evaluate an integer that depends only on constants and known shapes; else return None."""
        known = constant_of(variable)
        if known is not None or variable.owner is None or depth > 60:
            return known
        if variable not in self._values:
            self._values[variable] = None
            self._values[variable] = self._evaluate(variable, depth)
        return self._values[variable]

    def _evaluate(self, variable: Any, depth: int) -> Any:
        apply = variable.owner
        if isinstance(apply.op, (Shape_i, ShapeOp)):
            shape = self.of(apply.inputs[0]) or ()
            if isinstance(apply.op, Shape_i):
                return shape[apply.op.i]
            return None if None in shape else np.asarray(shape, dtype="int64")
        if getattr(variable.type, "ndim", 0) > 1 or len(apply.outputs) != 1:
            return None
        values = [self.value(operand, depth + 1) for operand in apply.inputs]
        if any(value is None for value in values):
            return None
        try:
            if isinstance(apply.op, Elemwise) and all(np.ndim(v) == 0 for v in values):
                return np.asarray(apply.op.scalar_op.impl(*[np.asarray(v)[()] for v in values]))
            if hasattr(apply.op, "impl"):
                return np.asarray(apply.op.impl(*[np.asarray(v)[()] for v in values]))
            cell: list[list[Any]] = [[None]]
            apply.op.perform(apply, [np.asarray(v) for v in values], cell)
            return cell[0][0]
        except Exception:  # not every op can run outside a function
            return None

    def _loop(self, node: Node) -> None:
        """Infer shapes in the body of a loop, and those of its results."""
        body = node.body
        assert body is not None
        for variable, role in zip(body.inputs, body.input_roles, strict=True):
            outer = self.of(role.outer) if role.outer is not None else None
            static = shape_of(variable)
            if static is None or outer is None:
                continue
            inner = outer[1:] if role.kind in ("sequence", "accumulator", "state") else outer
            if len(inner) == len(static):
                pairs = zip(static, inner, strict=True)
                self.shapes[variable] = tuple(a if a is not None else b for a, b in pairs)
        self._visit(body)
        if is_scan(node.op):
            self._collected(node)
        for variable, role in zip(body.outputs, body.output_roles, strict=True):
            if role.kind == "result" and role.outer is not None:
                self.shapes[role.outer] = self.of(variable)

    def _collected(self, node: Node) -> None:
        """Set the shapes of a scan's results: those of its buffers, or of stacked outputs."""
        op, body = node.op, node.body
        assert body is not None
        results, operands = list(node.outputs), list(node.inputs)
        for result, buffer in (
            *zip(op.outer_mitmot_outs(results), op.outer_mitmot(operands), strict=True),
            *zip(op.outer_mitsot_outs(results), op.outer_mitsot(operands), strict=True),
            *zip(op.outer_sitsot_outs(results), op.outer_sitsot(operands), strict=True),
        ):
            self.shapes[result] = self.of(buffer)
        inner = op.inner_nitsot_outs(list(body.outputs))
        lengths = op.outer_nitsot(operands)
        for result, output, length in zip(
            op.outer_nitsot_outs(results), inner, lengths, strict=True
        ):
            shape = self.of(output)
            steps = self._number(length)
            self.shapes[result] = (steps, *shape) if shape is not None else None
