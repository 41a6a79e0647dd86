"""Lowering of what moves elements and computes none: most of it is views."""

from collections.abc import Sequence
from math import prod
from typing import Any

from graphrnn.errors import ShapeError
from graphrnn.native.ir import program as p
from graphrnn.native.ir import views as v
from graphrnn.native.ir.scalars import ScalarOp
from graphrnn.native.ir.views import CannotMerge, View
from graphrnn.native.lowering.index_ops import Selection, changed, taken
from graphrnn.native.lowering.lowering import Lowering, Node, Zeroed, lowers
from graphrnn.native.lowering.run_time import RunTimeNumber
from graphrnn.native.lowering.windows import Window, window
from graphrnn.symbolic.wording import Misfit

import numpy as np
from aesara.compile.ops import DeepCopyOp, OutputGuard, ViewOp
from aesara.tensor.basic import (
    Alloc,
    AllocEmpty,
    Join,
    MakeVector,
    ScalarFromTensor,
    Split,
    TensorFromScalar,
)
from aesara.tensor.elemwise import DimShuffle
from aesara.tensor.extra_ops import BroadcastTo
from aesara.tensor.random.type import RandomType
from aesara.tensor.shape import Reshape, Shape, Shape_i, SpecifyShape, Unbroadcast
from aesara.tensor.subtensor import IncSubtensor, Subtensor, indices_from_subtensor
from aesara.tensor.type_other import NoneTypeT


@lowers(
    SpecifyShape,
    Unbroadcast,
    ViewOp,
    OutputGuard,
    TensorFromScalar,
    ScalarFromTensor,
)
def same(low: Lowering, node: Node) -> None:
    """Hand the first input on: what these say of types is known here already."""
    if isinstance(node.op, SpecifyShape):
        _check_specified(low, node)
    source = node.inputs[0]
    low.views[node.outputs[0]] = low.view(source)


def _check_specified(low: Lowering, node: Node) -> None:
    """Compare a shape that the user specified with the one that is known."""
    shape = low.shape(node.inputs[0])
    for axis, (length, got) in enumerate(zip(node.inputs[1:], shape, strict=True)):
        if isinstance(length.type, NoneTypeT):
            continue
        expected = low.value(length)
        if expected is None:
            needed, equal = low.view(length), low.temporary("bool", ())
            name = length.name or needed.buffer.label or "its argument"
            message = low.refusal(node, Misfit(f"the length that {name} tells on axis {axis}"))
            same = p.Instruction(ScalarOp.EQ, (0, 1), "bool")
            low.kernel([needed], [p.constant(got, "int64"), same], [(equal, 2)])
            low.require([equal], ShapeError, message)
        elif int(expected) != got:
            raise Misfit(f"length {int(expected)} on axis {axis}")


@lowers(DeepCopyOp)
def deep_copy(low: Lowering, node: Node) -> None:
    """Copy an array, or a generator."""
    source = low.view(node.inputs[0])
    if isinstance(node.outputs[0].type, RandomType):
        low.views[node.outputs[0]] = low.copied_generator(source)
        return
    low.copy(source, low.fresh(node.outputs[0], source.shape))


@lowers(Shape)
def shape(low: Lowering, node: Node) -> None:
    """Set a shape, which is known while building."""
    low.known[node.outputs[0]] = np.array(low.shape(node.inputs[0]), dtype="int64")


@lowers(Shape_i)
def shape_i(low: Lowering, node: Node) -> None:
    """Set one length, which is known while building."""
    source, axis = node.inputs[0], node.op.i
    if source in low.last and axis > 0:
        length = low.last[source][0].shape[axis - 1]
    else:
        length = low.shape(source)[axis]
    low.known[node.outputs[0]] = np.array(length, dtype="int64")


@lowers(MakeVector)
def make_vector(low: Lowering, node: Node) -> None:
    """Put scalars side by side."""
    target = low.fresh(node.outputs[0], (len(node.inputs),))
    for k, variable in enumerate(node.inputs):
        low.copy(low.view(variable), v.index(target, 0, k))


def _completed(source: View, lengths: list[int]) -> list[int]:
    """Return the lengths of a new shape, with what -1 stands for."""
    misfit = Misfit(
        f"lengths whose product is {source.size}, at most one of them -1 for the rest",
        f"shapes {source.shape} and {tuple(lengths)}",
    )
    rest = prod(length for length in lengths if length != -1)
    if min(lengths, default=0) < -1 or lengths.count(-1) > 1:
        raise misfit
    if -1 in lengths:
        if not rest or source.size % rest:
            raise misfit
        lengths = [source.size // rest if length == -1 else length for length in lengths]
    if prod(lengths) != source.size:
        raise misfit
    return lengths


@lowers(Reshape)
def reshape(low: Lowering, node: Node) -> None:
    """Give the elements another shape: a view wherever the axes allow it."""
    source = low.view(node.inputs[0])
    shape = low.value(node.inputs[1])
    if shape is None:
        raise RunTimeNumber(f"{node.op}: the shape is known only at run time", node.inputs[1])
    lengths = _completed(source, [int(n) for n in shape])
    try:
        low.views[node.outputs[0]] = v.reshape(source, lengths)
    except CannotMerge:
        whole = low.temporary(source.dtype, source.shape)
        if source.size:
            low.copy(source, whole)
        low.views[node.outputs[0]] = v.contiguous(whole.buffer, lengths)


Entry = int | slice | View | Window
"""One entry of an index: numbers where they are known, else what holds them."""


def _indices(
    low: Lowering, inputs: list[Any], idx_list: Any, shape: Sequence[int] = ()
) -> list[Entry]:
    """Return the indices of a subtensor into an array of this shape."""

    def known(entry: Any) -> int | None:
        if entry is None:
            return None
        return int(entry) if isinstance(entry, (int, np.integer)) else low.number(entry)

    indices: list[Entry] = []
    for axis, entry in enumerate(indices_from_subtensor(inputs, idx_list)):
        if isinstance(entry, slice):
            try:
                indices.append(slice(known(entry.start), known(entry.stop), known(entry.step)))
            except RunTimeNumber:
                moving = window(low, entry, shape[axis]) if axis < len(shape) else None
                if moving is None:
                    raise
                indices.append(moving)
        elif isinstance(entry, (int, np.integer)) or low.value(entry) is not None:
            indices.append(int(low.number(entry)))
        else:
            indices.append(low.view(entry))
    return indices


def _selected(low: Lowering, view: View, indices: list[Entry]) -> View:
    """Take basic indices of a view: a view of it, or a copy where a position is not yet known."""
    whole: list[int | slice | View] = [
        slice(None) if isinstance(entry, Window) else entry for entry in indices
    ]
    view = _at_positions(low, view, whole)
    left = [entry for entry in indices if isinstance(entry, (slice, Window))]
    for axis, entry in enumerate(left):
        if isinstance(entry, Window):
            view = taken(low, Selection(low, view, [*[slice(None)] * axis, entry.positions]))
    return view


def _at_positions(low: Lowering, view: View, indices: Sequence[int | slice | View]) -> View:
    """Take numbers, slices of known ends and positions of a view."""
    known = [entry for entry in indices if not isinstance(entry, View)]
    if len(known) < len(indices):
        return taken(low, Selection(low, view, indices))
    try:
        return _subview(view, known)
    except CannotMerge:
        return _subview(low.simple(view), known)


def _subview(view: View, indices: list[int | slice]) -> View:
    """Take basic indices of a view."""
    axis = 0
    for entry in indices:
        if isinstance(entry, slice):
            view = v.slice_axis(view, axis, entry)
            axis += 1
        else:
            view = v.index(view, axis, entry)
    return view


@lowers(Subtensor)
def subtensor(low: Lowering, node: Node) -> None:
    """Take basic indices: a view."""
    if node.inputs[0] in low.last:
        first, *rest = _indices(low, node.inputs[1:], node.op.idx_list)
        view, given = low.last[node.inputs[0]]
        if first == -1:
            low.views[node.outputs[0]] = _selected(low, view, rest)
            return
        if not rest and first in [slice(k, None) for k in range(given + 1)]:
            low.last[node.outputs[0]] = view, given - first.start
            return
    source = low.view(node.inputs[0])
    indices = _indices(low, node.inputs[1:], node.op.idx_list, source.shape)
    low.views[node.outputs[0]] = _selected(low, source, indices)


@lowers(IncSubtensor)
def inc_subtensor(low: Lowering, node: Node) -> None:
    """Set or add to basic indices of a copy; what is known to be zero is set, never added to."""
    base, part = node.inputs[:2]
    shape = low.views[base].shape if base in low.unwritten else low.shape(base)
    indices = _indices(low, node.inputs[2:], node.op.idx_list, shape)
    zeroed = low.unwritten.get(base)
    out = node.outputs[0]
    target = low.fresh(out, shape)
    known = [entry for entry in indices if isinstance(entry, (int, slice))]
    if len(known) < len(indices):
        if len(known) + 1 < len(indices) and any(isinstance(e, Window) for e in indices):
            raise RunTimeNumber(
                f"{node.op}: several places known only at run time", *node.inputs[2:]
            )
        low.copy(low.view(base), target)
        entries = [e.positions if isinstance(e, Window) else e for e in indices]
        chosen = Selection(low, target, entries)
        changed(low, chosen, low.view(part), add=not node.op.set_instead_of_inc)
        return
    stretch = _stretch(known, shape)
    place = _subview(target, known)
    if zeroed and stretch and zeroed.free(*stretch):
        # The stretches written before, into the base, come along.
        for start, stop in zeroed.written:
            assert zeroed.axis is not None
            piece = slice(start, stop)
            low.copy(
                v.slice_axis(low.views[base], zeroed.axis, piece),
                v.slice_axis(target, zeroed.axis, piece),
            )
        low.copy(v.broadcast(low.view(part), place.shape), place)
        low.unwritten[out] = zeroed.with_written(*stretch)
        return
    low.copy(low.view(base), target)
    added = v.broadcast(low.view(part), place.shape)
    if node.op.set_instead_of_inc:
        low.copy(added, place)
    else:
        total = p.Instruction(ScalarOp.ADD, (0, 1), place.dtype)
        low.kernel([place, added], [total], [(place, 2)])


def _stretch(indices: list[int | slice], shape: tuple[int, ...]) -> tuple[int, int, int] | None:
    """Return (axis, start, stop) of indices that take one range of one axis and all of the rest."""
    stretch = None
    if not shape:
        return None
    for axis, (entry, length) in enumerate(zip(indices, shape, strict=False)):
        if isinstance(entry, slice):
            start, stop, step = entry.indices(length)
            if (start, stop, step) == (0, length, 1):
                continue
            if step < 0:
                start, stop, step = stop + 1, start + 1, -step
            if step != 1:
                return None
        else:
            start = entry + length if entry < 0 else entry
            stop = start + 1
        if stretch is not None:
            return None
        stretch = (axis, start, stop)
    return stretch or (0, 0, shape[0])


@lowers(Alloc)
def alloc(low: Lowering, node: Node) -> None:
    """Repeat a value: a view with strides of 0. An array of zeros is put off until it is read."""
    shape = tuple(low.number(length) for length in node.inputs[1:])
    value = low.value(node.inputs[0])
    whole = v.broadcast(low.view(node.inputs[0]), shape)
    if value is not None and not np.any(value) and shape:
        low.fresh(node.outputs[0], shape)
        low.unwritten[node.outputs[0]] = Zeroed()
    else:
        low.views[node.outputs[0]] = whole


@lowers(AllocEmpty)
def alloc_empty(low: Lowering, node: Node) -> None:
    """Build an array whose elements nobody reads before they are written; zeros will do."""
    shape = tuple(low.number(length) for length in node.inputs)
    if min(shape, default=0) < 0:
        raise Misfit("lengths of 0 or more", f"lengths {shape}")
    low.fresh(node.outputs[0], shape)
    low.unwritten[node.outputs[0]] = Zeroed(empty=True)


@lowers(Join)
def join(low: Lowering, node: Node) -> None:
    """Put arrays one behind the other along an axis."""
    axis = low.number(node.inputs[0])
    parts = [low.view(variable) for variable in node.inputs[1:]]
    axis += len(parts[0].shape) if axis < 0 else 0
    others = {(*part.shape[:axis], *part.shape[axis + 1 :]) for part in parts}
    if len(others) > 1:
        raise Misfit(f"equal lengths on every axis but {axis}")
    lengths = [part.shape[axis] for part in parts]
    shape = list(parts[0].shape)
    shape[axis] = sum(lengths)
    target = low.fresh(node.outputs[0], shape)
    at = 0
    for part, length in zip(parts, lengths, strict=True):
        low.copy(part, v.slice_axis(target, axis, slice(at, at + length)))
        at += length


@lowers(DimShuffle)
def dimshuffle(low: Lowering, node: Node) -> None:
    """Permute axes: a view."""
    source = low.view(node.inputs[0])
    gone = [k for k in range(len(source.shape)) if k not in node.op.new_order]
    if any(source.shape[axis] != 1 for axis in gone):
        raise Misfit(f"length 1 on the axes that go, {tuple(gone)}")
    low.views[node.outputs[0]] = v.dimshuffle(source, node.op.new_order)


@lowers(BroadcastTo)
def broadcast_to(low: Lowering, node: Node) -> None:
    """Repeat an array along axes: a view."""
    shape = [low.number(length) for length in node.inputs[1:]]
    low.views[node.outputs[0]] = v.broadcast(low.view(node.inputs[0]), shape)


@lowers(Split)
def split(low: Lowering, node: Node) -> None:
    """Cut an array into pieces along an axis: views."""
    source, axis = low.simple(low.view(node.inputs[0])), low.number(node.inputs[1])
    lengths = low.value(node.inputs[2])
    if lengths is None:
        raise RunTimeNumber(f"{node.op}: the lengths are known only at run time", node.inputs[2])
    n, pieces = source.shape[axis], [int(length) for length in lengths]
    if min(pieces, default=0) < 0 or sum(pieces) != n or len(pieces) != len(node.outputs):
        raise Misfit(
            f"{len(node.outputs)} lengths of 0 or more, {n} in all", f"lengths {tuple(pieces)}"
        )
    at = 0
    for output, length in zip(node.outputs, lengths, strict=True):
        low.views[output] = v.slice_axis(source, axis, slice(at, at + int(length)))
        at += int(length)
