"""The rule of lowering for Scan: a C loop over views that move with the step."""

from itertools import chain

from graphrnn.native.ir import program as p
from graphrnn.native.ir import views as v
from graphrnn.native.ir.operations import CopyGenerator
from graphrnn.native.ir.views import Misfit, Offset, Unsupported, View
from graphrnn.native.lowering.lowering import Lowering, Node, rule
from graphrnn.native.lowering.random_ops import own_generator
from graphrnn.native.lowering.row_ops import ref
from graphrnn.native.rewrites.query import rewrite_body

import numpy as np
from aesara.graph.basic import Variable
from aesara.scan.op import Scan
from aesara.tensor.random.type import RandomType


class _Loop:
    """A scan while it is lowered."""

    def __init__(self, low: Lowering, node: Node) -> None:
        self.low, self.node = low, node
        self.op, self.info = node.op, node.op.info
        self.steps = low.number(node.inputs[0])
        if self.steps < 0:
            raise Misfit("0 or more", f"{self.steps} steps")
        self.body = Lowering(low)
        self.body.certain = low.certain and self.steps > 0
        self.t = low.variable("t")
        self.positions: list[tuple[str, int, int]] = []
        # A loop that reads its sequences backwards, as a gradient does, stores its outputs
        # backwards too, so that they lie in memory like the forward loop's.
        self.backwards = False
        # The buffers of the states, which change while the loop runs.
        self.own: set[v.Buffer] = set()
        # Copies that are made once the loop has run.
        self.after: list[tuple[View, View]] = []

    def at_step(self, view: View, start: int) -> View:
        """Give the slot of a buffer at this step: `start` + t, going round where it must."""
        slots, ((_, stride),) = view.shape[0], view.axes[0]
        if start >= 0 and start + self.steps <= slots:
            offset = view.offset.plus(start * stride).along(stride, self.t)
        else:
            position = self.low.variable("m")
            self.positions.append((position, start % slots, slots))
            offset = view.offset.along(stride, position)
        return View(view.buffer, view.axes[1:], offset)


@rule(Scan)
def scan(low: Lowering, node: Node) -> None:
    """Lower a scan: sequences and states become views that move, the body becomes a loop."""
    info = node.op.info
    loop = _Loop(low, node)
    fgraph = low.bodies.setdefault(node.op, rewrite_body(node.op.fgraph, low.asked))
    inner_inputs, inner_outputs = iter(fgraph.inputs), iter(fgraph.outputs)
    outer = iter(node.inputs[1:])
    _sequences(loop, inner_inputs, outer)
    states = _states(loop, inner_inputs, outer)
    shared = _shared(loop, inner_inputs, outer)
    slots = [low.number(next(outer)) for _ in range(info.n_nit_sot)]
    for inner, given in zip(inner_inputs, outer, strict=True):
        if isinstance(given.type, RandomType):
            loop.body.borrowed.add(inner)
        if low.value(given) is not None:
            loop.body.known[inner] = low.value(given)
        loop.body.views[inner] = low.simple(low.view(given))
    loop.body.lower(fgraph, fgraph.toposort())
    stores = _state_stores(loop, inner_outputs, states)
    if info.as_while:
        _store_last(loop, inner_outputs, stores, shared)
        return
    collected = [next(inner_outputs) for _ in range(info.n_nit_sot)]
    results = [
        _collect(loop, variable, n, stores) for variable, n in zip(collected, slots, strict=True)
    ]
    stores += _shared_stores(loop, inner_outputs, shared)
    _store_all(loop, stores)
    rolled = [_rolled(loop, view, k) for k, view in enumerate(states)]
    if loop.steps and loop.body.ops:
        low.emit(p.Loop(loop.t, loop.steps, loop.positions, loop.body.ops))
    for source, target in loop.after:
        low.copy(source, target)
    for output, view in zip(node.outputs, chain(rolled, results, shared), strict=True):
        low.views[output] = view


def _sequences(loop: _Loop, inner, outer) -> None:  # type: ignore[no-untyped-def]
    """Let each sequence move by one position a step."""
    for _ in range(loop.info.n_seqs):
        view = loop.low.simple(loop.low.view(next(outer)))
        if view.shape[0] < loop.steps:
            raise Misfit(
                "sequences at least as long as the loop",
                f"a sequence of {view.shape[0]} for {loop.steps} steps",
            )
        stride = view.axes[0][0][1]
        loop.backwards = loop.backwards or stride < 0
        moving = View(view.buffer, view.axes[1:], view.offset.along(stride, loop.t))
        loop.body.views[next(inner)] = moving


def _states(loop: _Loop, inner, outer) -> list[View]:  # type: ignore[no-untyped-def]
    """Copy the initial states into buffers of the loop's own, and view them by taps."""
    buffers = []
    for k, taps in enumerate(loop.info.tap_array):
        given = next(outer)
        start = _start(loop, k)
        low = loop.low
        shape = low.views[given].shape if given in low.unwritten else low.shape(given)
        whole = low.temporary(given.dtype, shape)
        if k < loop.info.n_mit_mot and _starts_at_zero(loop, k, given):
            whole = v.slice_axis(whole, 0, slice(0, 1))
            low.fill(whole, 0)
            zero = low.zeros(given.dtype, shape[1:])
            for tap in taps:
                loop.body.views[next(inner)] = v.index(whole, 0, 0) if tap == 0 else zero
            buffers.append(whole)
            loop.own.add(whole.buffer)
            continue
        if k < loop.info.n_mit_mot:
            source = low.view(given)
            if source.axes and source.axes[0][0][1] < 0:
                # Kept backwards in memory like what it is made from, so that no copy is needed.
                whole = v.slice_axis(whole, 0, slice(None, None, -1))
            low.copy(source, whole)
        else:
            _copy_start(low, given, whole, start)
            _clear_rest(loop, whole, start + loop.steps)
        buffers.append(whole)
        loop.own.add(whole.buffer)
        for tap in taps:
            loop.body.views[next(inner)] = loop.at_step(whole, _start(loop, k) + tap)
    return buffers


def _starts_at_zero(loop: _Loop, k: int, given: Variable) -> bool:
    """Say whether a state of a gradient gathers what only its own steps give, and only for them.

    Such is the gradient of an LSTM's memory: one slot holds it.
    """
    zeroed, value, info = loop.low.unwritten.get(given), loop.low.value(given), loop.info
    put_off = zeroed is not None and zeroed.axis is None
    return (
        (put_off or (value is not None and not np.any(value)))
        and sorted(info.tap_array[k]) == [0, 1]
        and list(info.mit_mot_out_slices[k]) == [1]
        and loop.node.outputs[k] not in loop.low.needed
    )


def _shared(loop: _Loop, inner, outer) -> list[View]:  # type: ignore[no-untyped-def]
    """Give the loop states without an axis of time of its own: generators, shared arrays."""
    places = []
    for _ in range(loop.info.n_shared_outs):
        given = next(outer)
        if isinstance(given.type, RandomType):
            place = own_generator(loop.low, given)
        else:
            source = loop.low.view(given)
            place = loop.low.temporary(given.dtype, source.shape)
            loop.low.copy(source, place)
            loop.own.add(place.buffer)
        loop.body.views[next(inner)] = place
        places.append(place)
    return places


def _shared_stores(loop: _Loop, inner_outputs, shared: list[View]) -> "Stores":  # type: ignore[no-untyped-def]
    """Say where the new value of each shared state goes; a generator has moved on in its place."""
    stores: Stores = []
    for place in shared:
        value = loop.body.view(next(inner_outputs))
        if place.buffer.kind != "generator":
            stores.append((value, place))
        elif value.buffer is not place.buffer:
            loop.body.emit(CopyGenerator(ref(value), ref(place)))
    return stores


def _store_last(loop: _Loop, inner_outputs, stores: "Stores", shared: list[View]) -> None:  # type: ignore[no-untyped-def]
    """Lower a loop that ends at a condition: of every result the last step's is kept."""
    low, info, outputs = loop.low, loop.info, loop.node.outputs
    if info.n_mit_mot or not loop.steps:
        raise Unsupported(f"{loop.op} ends at a condition and runs backwards or not at all")
    values = [value for value, _ in stores]
    values += [loop.body.view(next(inner_outputs)) for _ in range(info.n_nit_sot)]
    stores += _shared_stores(loop, inner_outputs, shared)
    for k, (value, output) in enumerate(zip(values, outputs, strict=False)):
        last = low.temporary(value.dtype, value.shape)
        low.last[output] = last, _start(loop, k) if k < len(loop.info.tap_array) else 0
        stores.append((value, last))
    for view, output in zip(shared, outputs[len(values) :], strict=True):
        low.views[output] = view
    condition = loop.body.view(next(inner_outputs))
    flag = low.temporary("bool", ())
    stores.append((condition, flag))
    _store_all(loop, stores)
    low.emit(p.Loop(loop.t, loop.steps, loop.positions, loop.body.ops, until=ref(flag)))


def _copy_start(low: Lowering, given: Variable, whole: View, start: int) -> None:
    """Copy only the initial positions: the rest is written before it is read."""
    zeroed = low.unwritten.get(given)
    written = sum(stop - first for first, stop in zeroed.written) if zeroed else start
    if zeroed and zeroed.empty and written < start:
        raise Misfit(
            f"{start}, as far back as it is read", f"an initial state of {written} positions"
        )
    start = min(start, whole.shape[0])
    piece = slice(0, start)
    if zeroed is None or not zeroed.free(0, 0, start):
        if zeroed is not None and zeroed.axis == 0 and zeroed.written == ((0, start),):
            source = low.views[given]
        else:
            source = low.view(given)
        low.copy(v.slice_axis(source, 0, piece), v.slice_axis(whole, 0, piece))
    else:
        low.fill(v.slice_axis(whole, 0, piece), 0)


def _start(loop: _Loop, k: int) -> int:
    """Give the position of the first step in state k's buffer."""
    return -int(min(loop.info.tap_array[k]))


Stores = list[tuple[View, View]]
"""Pairs of a value of the body and the slot it goes to."""


def _state_stores(loop: _Loop, inner_outputs, states: list[View]) -> Stores:  # type: ignore[no-untyped-def]
    """Say where the new value of each state goes."""
    stores: Stores = []
    for k, taps in enumerate(loop.info.mit_mot_out_slices):
        for tap in taps:
            value = loop.body.view(next(inner_outputs))
            one_slot = states[k].shape[0] == 1 and loop.steps > 0
            place = (
                v.index(states[k], 0, 0)
                if one_slot
                else loop.at_step(states[k], _start(loop, k) + tap)
            )
            stores.append((value, place))
    for k in range(loop.info.n_mit_mot, len(states)):
        value = loop.body.view(next(inner_outputs))
        stores.append((value, loop.at_step(states[k], _start(loop, k))))
    return stores


def _collect(loop: _Loop, variable: Variable, slots: int, stores: Stores) -> View:
    """Give the array of an output at all steps: a view of what is there already, or a new one."""
    value = loop.body.view(variable)
    passed_on = _passed_on(loop, value, slots)
    if passed_on is not None:
        return passed_on
    for other, place in stores:
        # The same value collected twice, as the gradients of a step are, is stored once; unless
        # the other is kept for its last steps only, in slots that go round.
        moves = any(t == loop.t for _, t in place.offset.terms)
        if other is value and moves and slots == loop.steps and place.buffer not in loop.own:
            return _along_time(loop, place, slots)
    whole = loop.low.temporary(value.dtype, (slots, *value.shape))
    if not slots:  # nobody reads any of it
        return whole
    if loop.backwards and slots == loop.steps:
        whole = v.slice_axis(whole, 0, slice(None, None, -1))
    stores.append((value, loop.at_step(whole, 0)))
    _clear_rest(loop, whole, loop.steps)
    return _unrolled_ring(loop, whole, 0)


def _clear_rest(loop: _Loop, view: View, used: int) -> None:
    """Fill the positions that no step writes with zeros: a gradient cut off early has such."""
    if used < view.shape[0]:
        loop.low.fill(v.slice_axis(view, 0, slice(used, None)), 0)


def _passed_on(loop: _Loop, value: View, slots: int) -> View | None:
    """Give the view of a sequence that the step merely hands on, transposed perhaps."""
    local = {ref.buffer for op in p.walk(loop.body.ops) for ref, _ in op.writes()}
    moves = [stride for stride, t in value.offset.terms if t == loop.t]
    if slots != loop.steps or len(moves) != 1 or value.buffer in local | loop.own:
        return None
    return _along_time(loop, value, slots)


def _along_time(loop: _Loop, value: View, slots: int) -> View:
    """Turn the move of a view with the step into an axis of time."""
    stride = next(stride for stride, t in value.offset.terms if t == loop.t)
    rest = tuple(term for term in value.offset.terms if term[1] != loop.t)
    return View(
        value.buffer, (((slots, stride),), *value.axes), Offset(value.offset.constant, rest)
    )


def _store_all(loop: _Loop, stores: Stores) -> None:
    """Store the results of a step; what another store might overwrite is put aside first."""
    safe = []
    for value, place in stores if loop.steps else []:
        if value.buffer in loop.own and len(stores) > 1:
            aside = loop.body.temporary(value.dtype, value.shape)
            loop.body.copy(value, aside)
            value = aside
        safe.append((value, place))
    for value, place in safe:
        loop.body.copy(v.broadcast(value, place.shape), place)


def _rolled(loop: _Loop, view: View, k: int) -> View:
    """Give a state's buffer in the order of time."""
    return view if k < loop.info.n_mit_mot else _unrolled_ring(loop, view, _start(loop, k))


def _unrolled_ring(loop: _Loop, view: View, start: int) -> View:
    """Put a buffer that went round into the order of time, the oldest first."""
    slots = view.shape[0]
    if slots >= loop.steps + start or slots == 0:
        return view
    at = (start + loop.steps) % slots
    if at == 0:
        return view
    turned = loop.low.temporary(view.dtype, view.shape)
    for piece, place in (
        (slice(at, slots), slice(0, slots - at)),
        (slice(0, at), slice(slots - at, slots)),
    ):
        loop.after.append((v.slice_axis(view, 0, piece), v.slice_axis(turned, 0, place)))
    return turned
