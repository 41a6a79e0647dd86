"""Lowering of several index arrays at once: `logits[arange(T), y]`, say."""

from collections.abc import Sequence
from typing import Any

from graphrnn.native.ir import program as p
from graphrnn.native.ir import views as v
from graphrnn.native.ir.operations import CheckIndex, FlatIndex
from graphrnn.native.ir.views import CannotMerge, Unsupported, View
from graphrnn.native.lowering.lowering import Lowering, Node, lowers
from graphrnn.native.lowering.row_ops import flattened, ref
from graphrnn.symbolic.wording import Misfit

import numpy as np
from aesara.graph.basic import Constant
from aesara.tensor.subtensor import AdvancedIncSubtensor, AdvancedSubtensor
from aesara.tensor.type import TensorType
from aesara.tensor.type_other import MakeSlice, NoneTypeT, SliceType

Entry = int | slice | None | View
"""One entry of an index; None is a new axis, a view holds positions known only while running."""


class Selection:
    """What indices select from a view, at least one of them known only while running."""

    def __init__(self, low: Lowering, view: View, entries: Sequence[Entry]) -> None:
        self.low = low
        self.user_axes: list[
            int
        ] = []  # the axes of what the user wrote that the index arrays stand for
        arrays: list[tuple[int, View]] = []
        view, at, axis = low.simple(view), 0, 0
        for entry in entries:
            if isinstance(entry, int):
                view = v.index(view, at, entry)
                axis += 1
                continue
            if entry is None:
                order: list[int | str] = list(range(len(view.shape)))
                view = v.dimshuffle(view, [*order[:at], "x", *order[at:]])
                axis -= 1
            elif isinstance(entry, slice):
                view = v.slice_axis(view, at, entry)
            else:
                arrays.append((at, entry))
                self.user_axes.append(axis)
            at, axis = at + 1, axis + 1
        self.axes = [axis for axis, _ in arrays]
        self.lead = v.common_shape([index.shape for _, index in arrays])
        self.indices = [v.broadcast(index, self.lead) for _, index in arrays]
        # NumPy puts the new axes where the index arrays stand side by side, else in front.
        together = self.axes[-1] - self.axes[0] == len(self.axes) - 1
        self.front = self.axes[0] if together else 0
        self.rest = [k for k in range(len(view.shape)) if k not in self.axes]
        self.moved = v.dimshuffle(view, [*self.axes, *self.rest])
        self.heights = self.moved.shape[: len(self.axes)]
        self.tail = self.moved.shape[len(self.axes) :]
        self.rows = int(np.prod(self.lead, dtype=np.int64))
        self.height = int(np.prod(self.heights, dtype=np.int64))
        self.columns = int(np.prod(self.tail, dtype=np.int64))
        if self.rows and not self.height:
            raise Misfit("no index into an axis of length 0")

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of what is selected."""
        return (*self.tail[: self.front], *self.lead, *self.tail[self.front :])

    def result(self, rows: View) -> View:
        """View selected rows, index axes first, as NumPy orders the axes."""
        n = len(self.lead)
        order = [*range(n, n + self.front), *range(n), *range(n + self.front, n + len(self.tail))]
        return v.dimshuffle(rows, order)

    def as_rows(self, selected: View) -> View:
        """View an array of the shape of what is selected with its index axes first."""
        n = len(self.lead)
        axes = range(len(selected.shape))
        lead = [*axes[self.front : self.front + n]]
        return v.dimshuffle(selected, [*lead, *(k for k in axes if k not in lead)])

    def check(self) -> None:
        """Check the indices where there is nothing to select by them."""
        if self.rows:
            indices = [ref(flattened(self.low, index)) for index in self.indices]
            self.low.emit(CheckIndex(self.rows, self.heights, indices, tuple(self.user_axes)))

    def positions(self) -> View:
        """Join the indices into one, each checked against the length of its axis."""
        flat = self.low.temporary("int64", (self.rows,))
        indices = [ref(flattened(self.low, index)) for index in self.indices]
        axes = tuple(self.user_axes)
        self.low.emit(FlatIndex(self.rows, self.heights, indices, ref(flat), axes))
        return flat


def _entries(low: Lowering, node: Node, indices: Sequence[Any]) -> list[Entry]:
    """Return the entries of an index that holds arrays."""
    entries: list[Entry] = []
    for entry in indices:
        if isinstance(entry.type, SliceType):
            entries.append(_slice(low, node, entry))
        elif isinstance(entry.type, NoneTypeT):
            entries.append(None)
        elif isinstance(entry.type, TensorType) and entry.dtype != "bool":
            entries.append(low.view(entry))
        else:
            raise Unsupported(
                f"{node.op} by a mask: the length of its result is known only at run time"
            )
    return entries


def _slice(low: Lowering, node: Node, entry: Any) -> slice:
    """Return a slice whose ends must be known."""
    if isinstance(entry, Constant):
        return slice(entry.data.start, entry.data.stop, entry.data.step)
    if entry.owner is not None and isinstance(entry.owner.op, MakeSlice):
        ends = [
            None if isinstance(end.type, NoneTypeT) else low.number(end)
            for end in entry.owner.inputs
        ]
        return slice(*ends)
    raise Unsupported(f"{node.op}: the slice {entry} is known only at run time")


@lowers(MakeSlice)
def make_slice(low: Lowering, node: Node) -> None:
    """Build a slice: whoever uses it looks at its ends."""


@lowers(AdvancedSubtensor)
def select(low: Lowering, node: Node) -> None:
    """Select by several index arrays, beside slices and new axes."""
    entries = _entries(low, node, node.inputs[1:])
    low.views[node.outputs[0]] = taken(low, Selection(low, low.view(node.inputs[0]), entries))


def taken(low: Lowering, chosen: Selection) -> View:
    """Copy what is selected into an array of its own."""
    rows = low.temporary(chosen.moved.dtype, (*chosen.lead, *chosen.tail))
    if not rows.size:
        chosen.check()
        return chosen.result(rows)
    try:
        source = low.simple(v.reshape(chosen.moved, (chosen.height, chosen.columns)))
    except CannotMerge:
        whole = low.temporary(chosen.moved.dtype, chosen.moved.shape)
        low.copy(chosen.moved, whole)
        source = v.contiguous(whole.buffer, (chosen.height, chosen.columns))
    place = v.contiguous(rows.buffer, (chosen.rows, chosen.columns))
    low.emit(
        p.Gather(
            chosen.rows,
            chosen.columns,
            chosen.height,
            ref(source),
            ref(chosen.positions()),
            ref(place),
        )
    )
    return chosen.result(rows)


@lowers(AdvancedIncSubtensor)
def change(low: Lowering, node: Node) -> None:
    """Set or add to what several index arrays select of a copy, equal places one after another."""
    base, part, *indices = node.inputs
    if getattr(node.op, "ignore_duplicates", False):
        raise Unsupported(f"{node.op}: ignore_duplicates")
    source = low.view(base)
    target = low.fresh(node.outputs[0], source.shape)
    low.copy(source, target)
    chosen = Selection(low, target, _entries(low, node, indices))
    changed(low, chosen, low.view(part), add=not node.op.set_instead_of_inc)


def changed(low: Lowering, chosen: Selection, part: View, *, add: bool) -> None:
    """Set what is selected, or add to it, in its place."""
    added = chosen.as_rows(v.broadcast(part, chosen.shape))
    if not added.size:
        chosen.check()
        return
    try:
        place, back = v.reshape(chosen.moved, (chosen.height, chosen.columns)), None
        if any(len(v.coalesce_axis(axis)) > 1 for axis in place.axes):
            raise CannotMerge
        place = low.simple(place)
    except CannotMerge:
        back = low.temporary(chosen.moved.dtype, chosen.moved.shape)
        low.copy(chosen.moved, back)
        place = v.contiguous(back.buffer, (chosen.height, chosen.columns))
    values = low.temporary(chosen.moved.dtype, added.shape)
    low.copy(added, values)
    rows = v.contiguous(values.buffer, (chosen.rows, chosen.columns))
    low.emit(
        p.Scatter(
            chosen.rows,
            chosen.columns,
            chosen.height,
            ref(rows),
            ref(chosen.positions()),
            ref(place),
            add,
        )
    )
    if back is not None:
        low.copy(back, chosen.moved)
