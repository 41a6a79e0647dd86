"""Takes static shapes from types, where Aesara first infers each symbolically and discards that.

Importing this module replaces two methods of `ShapeFeature`; their results stay the same.
"""

import functools
from typing import Any

import aesara.tensor as at
from aesara.graph.basic import Apply, Constant, Variable
from aesara.graph.fg import FunctionGraph
from aesara.tensor.rewriting.shape import ShapeFeature
from aesara.tensor.type import TensorType

_on_import, _init_r = ShapeFeature.on_import, ShapeFeature.init_r


@functools.lru_cache(maxsize=4096)
def _length(n: int) -> Constant:
    """Return a length as a constant, which all graphs share."""
    return at.constant(n, dtype="int64", ndim=0)


def _has_static_shape(variable: Variable) -> bool:
    """Return whether a variable's type has its whole shape."""
    return type(variable.type) is TensorType and None not in variable.type.shape


def _note_static_shape(feature: ShapeFeature, variable: Variable) -> None:
    """Note the shape that a type has."""
    shape = tuple(_length(int(n)) for n in variable.type.shape)
    feature.shape_of[variable] = shape
    for length in shape:
        feature.shape_of_reverse_index.setdefault(length, set()).add(variable)


def on_import(feature: ShapeFeature, fgraph: FunctionGraph, node: Apply, reason: Any) -> None:
    """Note the shapes of a new node's results.

    For a loop Aesara builds symbolic expressions of its shapes each time that it is rewritten, and
    then notes those of the types all the same.
    """
    if node.outputs[0] in feature.shape_of or not all(map(_has_static_shape, node.outputs)):
        _on_import(feature, fgraph, node, reason)
        return
    for variable in node.inputs:
        feature.init_r(variable)
    for variable in node.outputs:
        _note_static_shape(feature, variable)


def init_r(feature: ShapeFeature, r: Variable) -> None:
    """Note the shape of an input or a constant."""
    if r not in feature.shape_of and _has_static_shape(r):
        _note_static_shape(feature, r)
    else:
        _init_r(feature, r)


ShapeFeature.on_import, ShapeFeature.init_r = on_import, init_r
