"""Finds the shapes of all variables of a graph, by Aesara's shape functions and plain arithmetic.

Types lose lengths that shape functions still know (behind a slice, in the body of a loop), so each
is asked with the numbers that are known, and its answer is worked out.
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
    """The shapes of a graph's variables; an axis that hangs on the data has None."""

    def __init__(self, graph: Graph, given: Mapping[Any, Shape] | None = None) -> None:
        self.shapes: dict[Any, Shape | None] = dict(given or {})
        self._values: dict[Any, Any] = {}
        for variable in graph.inputs:
            if variable not in self.shapes and is_shared(variable):
                value = variable.get_value(borrow=True)
                if isinstance(value, np.ndarray):
                    self.shapes[variable] = value.shape
        self._visit(graph)

    def of(self, variable: Any) -> Shape | None:
        """Give a variable's shape; None for what is no array."""
        if variable not in self.shapes:
            self.shapes[variable] = shape_of(variable)
        return self.shapes[variable]

    def size(self, variable: Any) -> int | None:
        """Count the elements of a variable; None where a length is unknown."""
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
        """Ask the operation's own shape function."""
        shape_function = getattr(node.op, "infer_shape", None)
        answers: Iterable[Any] = ()
        if shape_function is not None:
            try:
                answers = shape_function(None, node.apply, [self._symbols(v) for v in node.inputs])
            except Exception:  # it may refuse what it cannot know
                answers = ()
        for result, answer in zip(node.outputs, answers, strict=False):
            static = shape_of(result)
            if static is None or answer is None:
                continue
            told = [
                known if known is not None else self._number(entry)
                for known, entry in zip(static, answer, strict=False)
            ]
            self.shapes[result] = tuple(told)

    def _symbols(self, variable: Any) -> tuple[Any, ...] | None:
        """Return a shape as shape functions take it: constants, and queries where unknown."""
        shape = self.of(variable)
        if shape is None:
            return None
        return tuple(
            Shape_i(axis)(variable) if length is None else at.constant(length, dtype="int64")
            for axis, length in enumerate(shape)
        )

    def _number(self, entry: Any) -> int | None:
        """Work out a length."""
        if isinstance(entry, (int, np.integer)):
            return int(entry)
        value = self.value(entry)
        return None if value is None or np.ndim(value) else int(value)

    def value(self, variable: Any, depth: int = 0) -> Any:
        """Work out an integer that hangs on constants and known shapes alone; else None."""
        known = constant_of(variable)
        if known is not None or variable.owner is None or depth > 60:
            return known
        if variable not in self._values:
            self._values[variable] = None
            self._values[variable] = self._work_out(variable, depth)
        return self._values[variable]

    def _work_out(self, variable: Any, depth: int) -> Any:
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
        except Exception:  # not every operation can be run outside of a function
            return None

    def _loop(self, node: Node) -> None:
        """Carry shapes into the body of a loop, and what it collects out of it."""
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
        """Give the shapes of a scan's results: its buffers keep theirs, the rest is stacked."""
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
        for result, one, length in zip(op.outer_nitsot_outs(results), inner, lengths, strict=True):
            shape = self.of(one)
            kept = self._number(length)
            self.shapes[result] = (kept, *shape) if shape is not None else None
