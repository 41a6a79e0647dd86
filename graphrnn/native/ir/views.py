"""Buffers, and views of them: shapes and strides worked out while the program is built.

A view's axis is a tuple of (length, stride) parts, outermost first, so that a reshape that merges
or splits axes never copies: `(T, B, H)` reversed in time and flattened to `(T·B, H)` is a view.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

from graphrnn.symbolic.wording import Misfit

import numpy as np
import numpy.typing as npt

Part = tuple[int, int]
Axis = tuple[Part, ...]


class Unsupported(Exception):  # noqa: N818
    """A graph that this backend does not cover; the message names the operation and why."""


class CannotMerge(Exception):  # noqa: N818
    """Views whose axes cannot be walked by common loops without a copy."""


@dataclass(eq=False)
class Buffer:
    """A stretch of memory of one dtype.

    `kind` says whose it is: "temp" lives in the function's own arena, "input" and "output" come
    with each call, "constant" is part of the library's data.
    """

    name: str
    dtype: str
    size: int
    kind: str
    data: npt.NDArray[Any] | None = None
    note: str = ""
    label: str = ""  # the name that the user gave
    shape: tuple[int, ...] = ()

    @property
    def symbol(self) -> str:
        """Its name in C and in listings: the user's, where there is one, and a number."""
        label = re.sub(r"[^A-Za-z0-9_]+", "_", self.label)[:24].strip("_")
        label = f"g_{label}" if label[:1].isdigit() else label
        return f"{label}_{self.name}" if label else self.name

    @property
    def nbytes(self) -> int:
        """Its size in bytes."""
        return self.size * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class Offset:
    """Where a view begins, in elements: a constant and multiples of loop variables."""

    constant: int = 0
    terms: tuple[tuple[int, str], ...] = ()

    def plus(self, more: int) -> "Offset":
        """Move it by a number of elements."""
        return Offset(self.constant + more, self.terms)

    def along(self, stride: int, variable: str) -> "Offset":
        """Move it with a loop variable."""
        return Offset(self.constant, (*self.terms, (stride, variable)))


@dataclass(frozen=True)
class View:
    """A typed array inside a buffer."""

    buffer: Buffer
    axes: tuple[Axis, ...]
    offset: Offset = field(default_factory=Offset)

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return tuple(prod(length for length, _ in axis) for axis in self.axes)

    @property
    def dtype(self) -> str:
        """The dtype of its buffer."""
        return self.buffer.dtype

    @property
    def size(self) -> int:
        """The number of its elements."""
        return prod(self.shape)


def contiguous(buffer: Buffer, shape: Sequence[int]) -> View:
    """View a whole buffer as an array in C order.

    Example:
        >>> contiguous(Buffer("b", "float32", 6, "temp"), (2, 3)).axes
        (((2, 3),), ((3, 1),))
    """
    axes: list[Axis] = []
    stride = 1
    for length in reversed(shape):
        axes.append(((length, stride),))
        stride *= length
    return View(buffer, tuple(reversed(axes)))


def dimshuffle(view: View, order: Sequence[int | str]) -> View:
    """Permute, drop (length 1) and add (order "x") axes."""
    axes = tuple(((1, 0),) if k == "x" else view.axes[int(k)] for k in order)
    return View(view.buffer, axes, view.offset)


def broadcast(view: View, shape: Sequence[int]) -> View:
    """Repeat axes of length 1, and add axes in front, without copying.

    Raises:
        Misfit: a length is negative, or is neither 1 nor the one asked for.
    """
    if any(length < 0 for length in shape):
        raise Misfit("lengths of 0 or more", f"lengths {tuple(shape)}")
    missing = len(shape) - len(view.axes)
    if missing < 0:
        raise Misfit(f"at most {len(shape)} axes", f"shapes {view.shape} and {tuple(shape)}")
    axes: list[Axis] = [((length, 0),) for length in shape[:missing]]
    for axis, got, length in zip(view.axes, view.shape, shape[missing:], strict=True):
        if got != length and got != 1:
            raise Misfit(
                "every length equal or 1 in the first", f"shapes {view.shape} and {tuple(shape)}"
            )
        axes.append(axis if got == length else ((length, 0),))
    return View(view.buffer, tuple(axes), view.offset)


def common_shape(shapes: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """Return the shape to which arrays are broadcast when they are combined element by element.

    Raises:
        Misfit: an axis has two lengths other than 1.
    """
    try:
        return tuple(int(length) for length in np.broadcast_shapes(*(tuple(s) for s in shapes)))
    except ValueError:
        raise Misfit("on every axis, counted from the last, equal lengths or 1") from None


def index(view: View, axis: int, at: int) -> View:
    """Take one position of an axis, which disappears.

    Raises:
        Misfit: the axis has no such position.
    """
    length = view.shape[axis]
    given, at = at, at + length if at < 0 else at
    if not 0 <= at < length:
        raise Misfit(f"an index from {-length} to {length - 1}", f"index {given} into {view.shape}")
    offset = view.offset.plus(_position(view.axes[axis], at))
    return View(view.buffer, view.axes[:axis] + view.axes[axis + 1 :], offset)


def _position(axis: Axis, at: int) -> int:
    """Return the elements between the start of an axis and one of its positions."""
    elements = 0
    for length, stride in reversed(axis):
        at, digit = divmod(at, length)
        elements += digit * stride
    return elements


def slice_axis(view: View, axis: int, piece: slice) -> View:
    """Take a slice of an axis, with any step.

    Raises:
        CannotMerge: the slice cuts across the parts of a merged axis.
    """
    start, stop, step = piece.indices(view.shape[axis])
    count = len(range(start, stop, step))
    parts = coalesce_axis(view.axes[axis])
    if (start, count, step) == (0, view.shape[axis], 1):
        return view
    if step == -1 and count == view.shape[axis]:
        new: Axis = tuple((length, -stride) for length, stride in parts)
    elif len(parts) == 1:
        new = ((count, parts[0][1] * step),)
    else:
        raise CannotMerge
    offset = view.offset.plus(_position(parts, start) if count else 0)
    axes = (*view.axes[:axis], new, *view.axes[axis + 1 :])
    return View(view.buffer, axes, offset)


def coalesce_axis(axis: Axis) -> Axis:
    """Join neighbouring parts that are one stretch, and drop those of length 1.

    Example:
        >>> coalesce_axis(((8, 12), (1, 5), (4, 3)))
        ((32, 3),)
    """
    parts: list[Part] = []
    for length, stride in axis:
        if length == 1 and len(axis) > 1:
            continue
        if parts and parts[-1][1] == length * stride:
            parts[-1] = (parts[-1][0] * length, stride)
        else:
            parts.append((length, stride))
    return tuple(parts) or ((1, 0),)


def reshape(view: View, shape: Sequence[int]) -> View:
    """Return the same elements in the same order another shape.

    Raises:
        CannotMerge: a new axis would begin inside an old part.
    """
    if view.size == 0 or prod(shape) != view.size:
        raise CannotMerge
    parts = [part for axis in view.axes for part in coalesce_axis(axis) if part[0] != 1]
    axes: list[Axis] = []
    for length in reversed(shape):
        axis: list[Part] = []
        left = length
        while left > 1:
            if not parts:
                raise CannotMerge
            n, stride = parts.pop()
            if n <= left and left % n == 0:
                axis.append((n, stride))
                left //= n
            elif n > left and n % left == 0:
                axis.append((left, stride))
                parts.append((n // left, stride * left))
                left = 1
            else:
                raise CannotMerge
        axes.append(tuple(reversed(axis)) or ((1, 0),))
    return View(view.buffer, tuple(reversed(axes)), view.offset)


def common_loops(views: Sequence[View]) -> tuple[tuple[int, ...], list[tuple[int, ...]]]:
    """Split the axes of equally shaped views into loops that all of them can walk.

    Gives the length of each loop, and for each view its stride in each loop.

    Raises:
        CannotMerge: the parts of two views do not divide each other.

    Example:
        >>> b = Buffer("b", "float32", 32, "temp")
        >>> merged = View(b, (((8, -4), (4, 1)),))
        >>> common_loops([merged, contiguous(b, (32,))])
        ((8, 4), [(-4, 1), (4, 1)])
    """
    lengths: list[int] = []
    strides: list[list[int]] = [[] for _ in views]
    for axes in zip(*(view.axes for view in views), strict=True):
        stacks = [list(axis) for axis in axes]
        left = prod(length for length, _ in axes[0])
        reversed_lengths: list[int] = []
        reversed_strides: list[list[int]] = [[] for _ in views]
        while left > 1:
            for stack in stacks:
                while stack[-1][0] == 1:
                    stack.pop()
            step = min(stack[-1][0] for stack in stacks)
            for stack, reverse in zip(stacks, reversed_strides, strict=True):
                n, stride = stack.pop()
                if n % step:
                    raise CannotMerge
                if n > step:
                    stack.append((n // step, stride * step))
                reverse.append(stride)
            reversed_lengths.append(step)
            left //= step
        lengths += reversed(reversed_lengths) if left else [0]
        for joint, reverse in zip(strides, reversed_strides, strict=True):
            joint += reversed(reverse) if left else [0]
    return tuple(lengths), [tuple(reverse) for reverse in strides]
