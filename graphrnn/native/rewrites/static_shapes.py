"""Shapes as numbers while rewriting, where Aesara writes expressions and then folds them.

    native_static_shapes   tracks lengths as numbers

Every length is known here. Aesara's own tracking makes a graph for each length of each node, which
took most of the time of a build.
"""

import functools
from typing import Any

from graphrnn.errors import ShapeError
from graphrnn.symbolic.checks import misfit_of
from graphrnn.symbolic.lengths import Lengths, infer, of_type
from graphrnn.symbolic.wording import Node, refusal

import aesara.tensor as at
from aesara.compile.mode import optdb
from aesara.graph.basic import Constant, Variable
from aesara.graph.fg import FunctionGraph
from aesara.graph.rewriting.basic import GraphRewriter
from aesara.ifelse import IfElse
from aesara.tensor.basic import Join
from aesara.tensor.rewriting.shape import ShapeFeature
from aesara.tensor.shape import Reshape
from aesara.tensor.type import TensorType


@functools.cache
def _length(value: int) -> Constant:
    """Return a length as a constant, always the same one."""
    return at.constant(value, dtype="int64", ndim=0)


class StaticShapes(ShapeFeature):  # type: ignore[misc]
    """Tracks shapes as numbers where it can, and as Aesara does where it cannot."""

    certain = True
    """Whether all nodes run in each call; what does not fit in a branch may never be reached."""

    def on_attach(self, fgraph: FunctionGraph) -> None:
        """Begin with the nodes that a graph has."""
        self.certain = not any(isinstance(node.op, IfElse) for node in fgraph.apply_nodes)
        super().on_attach(fgraph)

    def on_import(self, fgraph: FunctionGraph, node: Node, reason: Any) -> None:
        """Note the shapes of a new node's results."""
        if node.outputs[0] in self.shape_of:
            return
        for variable in node.inputs:
            self.init_r(variable)
        given = [self.lengths(variable) for variable in node.inputs]
        # Lowering checks the others: there it is known what runs in each call.
        checked = self.certain and isinstance(node.op, (Join, Reshape))
        misfit = misfit_of(node.op, node.inputs, given) if checked else None
        if misfit:
            raise ShapeError(refusal(node, misfit, lambda v: self.lengths(v) or v.type.shape))
        shapes = infer(node, given)
        tensors = [isinstance(v.type, TensorType) for v in node.outputs]
        if any(shape is None for shape in shapes) or not all(tensors):
            super().on_import(fgraph, node, reason)
            return
        for variable, shape in zip(node.outputs, shapes, strict=True):
            assert shape is not None
            self.shape_of[variable] = tuple(_length(n) for n in shape)

    def init_r(self, r: Variable) -> None:
        """Note the shape of an input or a constant."""
        if r in self.shape_of:
            return
        shape = of_type(r) if isinstance(r.type, TensorType) else None
        if shape is None:
            super().init_r(r)
        else:
            self.shape_of[r] = tuple(_length(n) for n in shape)

    def lengths(self, variable: Variable) -> Lengths:
        """Return a noted shape as numbers."""
        shape = self.shape_of.get(variable)
        if shape is None or not all(isinstance(n, Constant) for n in shape):
            return None
        return tuple(int(n.data) for n in shape)


class _Track(GraphRewriter):  # type: ignore[misc]
    """Attaches the tracking; changes nothing itself."""

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        """Attach the tracking."""
        fgraph.attach_feature(StaticShapes())

    def apply(self, fgraph: FunctionGraph) -> None:
        """Change nothing."""


if "native_static_shapes" not in optdb.__db__:
    optdb.register("native_static_shapes", _Track(), "native", position=0.1)
