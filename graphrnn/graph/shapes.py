"""Static shapes: known when the graph is built, so that a mismatch is an error before compiling."""

from collections.abc import Callable, Sequence
from typing import Any

from graphrnn.errors import ShapeError, UserError
from graphrnn.symbolic import python_syntax  # noqa: F401
from graphrnn.symbolic.building import known_shape
from graphrnn.symbolic.wording import show as show

import aesara
import aesara.tensor as at
from aesara.graph.basic import Constant
from aesara.graph.fg import FunctionGraph
from aesara.graph.rewriting.utils import rewrite_graph
from aesara.tensor.rewriting.shape import ShapeFeature
from aesara.tensor.type import TensorType

Tensor = Any
"""A symbolic tensor: aesara.tensor.TensorVariable. Aesara carries no types of its own."""

Shape = tuple[int | None, ...]
"""A static shape; None where the length of an axis is not known while building."""

Step = Callable[..., Any]
"""One step of a recurrence: (sequences at t, states at t-1, constants) → (states at t, extras)."""


def tensor(name: str, dtype: str, shape: Sequence[int]) -> Tensor:
    """Build a symbolic input of a known shape.

    Example:
        >>> tensor("x", "int32", (8, 1)).type.shape
        (8, 1)
    """
    return at.TensorType(dtype, tuple(shape))(name)


def label(variable: Tensor) -> str:
    """Name a variable for a message."""
    return variable.name or "an unnamed variable"


def shape_of(variable: Tensor) -> Shape:
    """Return a variable's shape as far as it can be known while building.

    Aesara's types lose lengths that its shape functions still know (behind a slice, a join, a
    gather), so those are asked for what the type does not say.

    Example:
        >>> x = tensor("x", "float32", (8, 2, 5))
        >>> shape_of(x[0]), shape_of(at.stack([x[1], x[2]]))
        ((2, 5), (2, 2, 5))
    """
    known: Shape = known_shape(variable) or ()
    if None not in known or variable.owner is None:
        return known
    graph = FunctionGraph(outputs=[variable], clone=True, features=[ShapeFeature()])
    inferred = graph.shape_feature.shape_of[graph.outputs[0]]
    # Folding constants compiles C++ unless there seems to be no compiler.
    with aesara.config.change_flags(cxx=""):
        folded = [rewrite_graph(length, include=("canonicalize",)) for length in inferred]
    return tuple(int(length.data) if isinstance(length, Constant) else None for length in folded)


def require_axes(**named: tuple[Tensor, str]) -> None:
    """Check that variables fit together, each axis being named by a word.

    Axes of the same name must have the same length; an unknown length fits all.

    Raises:
        ShapeError: naming the variable, what it got, what it needed, and what else says so.

    Example:
        >>> x, W = tensor("x", "float32", (2, 5)), tensor("W", "float32", (6, 3))
        >>> require_axes(x_t=(x, "batch in"), W_xh=(W, "in hidden"))
        Traceback (most recent call last):
        graphrnn.errors.ShapeError: W_xh: got shape (6, 3), needed (in, hidden) with in = 5 as in \
x_t; give W_xh that shape, or mend x_t
    """
    lengths: dict[str, tuple[int, str]] = {}
    for name, (variable, words) in named.items():
        axes, shape = words.split(), shape_of(variable)
        needed = f"({', '.join(axes)})"
        if len(axes) != len(shape):
            raise ShapeError(
                f"{name}: got {len(shape)} axes, shape {show(shape)}, "
                f"needed {len(axes)}: {needed}; add or drop an axis of {name}"
            )
        for axis, length in zip(axes, shape, strict=True):
            if length is None:
                continue
            first, source = lengths.setdefault(axis, (length, name))
            if first != length:
                raise ShapeError(
                    f"{name}: got shape {show(shape)}, needed {needed} with {axis} = {first} "
                    f"as in {source}; give {name} that shape, or mend {source}"
                )


def static(variable: Tensor) -> Tensor:
    """Return a variable whose type says all that is known of its shape.

    Example:
        >>> x = tensor("x", "float32", (8, 2, 5))
        >>> x[1:].type.shape, static(x[1:]).type.shape
        ((None, None, None), (7, 2, 5))
    """
    shape = shape_of(variable)
    if None in shape or shape == tuple(variable.type.shape):
        return variable
    known = at.specify_shape(variable, shape)
    known.name = variable.name
    return known


def require_static(name: str, variable: Tensor) -> Tensor:
    """Return a variable all of whose lengths are known.

    Raises:
        ShapeError: one is not.
    """
    known = static(variable)
    if None in known.type.shape:
        raise ShapeError(
            f"{name}: got shape {show(known.type.shape)}, needed every length known; "
            "make it by shapes.tensor(name, dtype, shape) or at.specify_shape"
        )
    return known


def require_array(variable: Any) -> TensorType:
    """Return the type of an input that can be filled with numbers to be measured.

    Raises:
        UserError: it is no array, or a length is unknown.
    """
    kind = variable.type
    if not isinstance(kind, TensorType) or None in kind.shape:
        name = variable.name or "an unnamed input"
        raise UserError(
            f"{name}: got type {kind}, needed an array whose lengths are all known to be measured; "
            "make it by at.TensorType(dtype, shape)"
        )
    return kind


def with_shape(variable: Tensor, shape: Shape) -> Tensor:
    """Tell Aesara a shape that its type does not say; a no-op where it does."""
    if tuple(variable.type.shape) == shape:
        return variable
    return at.specify_shape(variable, shape)
