"""Scan: a C loop over views that move with the step."""

from graphrnn.native.ir import program as p
from graphrnn.native.ir import views as v
from graphrnn.native.ir.operations import CopyGenerator
from graphrnn.native.ir.views import Unsupported, View
from graphrnn.native.lowering.lowering import Lowering, Node, lowers
from graphrnn.native.lowering.random_ops import own_generator
from graphrnn.native.lowering.row_ops import ref
from graphrnn.native.lowering.run_time import RunTimeNumber
from graphrnn.native.lowering.scan_parts import (
    ScanLoop,
    State,
    along_time,
    clear_rest,
    unrolled_ring,
)
from graphrnn.symbolic.wording import Misfit

import numpy as np
from aesara.graph.basic import Variable
from aesara.scan.op import Scan
from aesara.tensor.random.type import RandomType

Stores = list[tuple[View, View]]
"""Pairs of a value of the body and the slot it goes to."""


@lowers(Scan)
def scan(low: Lowering, node: Node) -> None:
    """Lower a scan: sequences and states become views that move, the body becomes a loop."""
    loop = ScanLoop(low, node)
    args = loop.args
    _view_sequences(loop)
    _view_states(loop)
    shared = _view_shared(loop)
    slots = [low.number(length) for length in args.outer_in_nit_sot]
    for inner, given in zip(args.inner_in_non_seqs, args.outer_in_non_seqs, strict=True):
        if isinstance(given.type, RandomType):
            loop.body.borrowed.add(inner)
        if low.value(given) is not None:
            loop.body.known[inner] = low.value(given)
        loop.body.views[inner] = low.simple(low.view(given))
    try:
        loop.body.lower(loop.fgraph, loop.fgraph.toposort())
    except RunTimeNumber as error:
        outer = zip(args.inner_in_non_seqs, args.outer_in_non_seqs, strict=True)
        raise error.outside(dict(outer)) from None
    stores = _state_stores(loop)
    if args.as_while:
        _store_last(loop, stores, shared)
        return
    outputs = zip(args.inner_out_nit_sot, slots, strict=True)
    results = [_collect(loop, variable, n, stores) for variable, n in outputs]
    stores += _shared_stores(loop, shared)
    _store_all(loop, stores)
    for state in loop.states:
        low.views[state.result] = _rolled(loop, state)
    if loop.steps and loop.body.ops:
        low.emit(p.Loop(loop.t, loop.steps, loop.positions, loop.body.ops))
    for source, target in loop.after:
        low.copy(source, target)
    low.views.update(zip(args.outer_out_nit_sot, results, strict=True))
    low.views.update(zip(args.outer_out_shared, shared, strict=True))


def _view_sequences(loop: ScanLoop) -> None:
    """Let each sequence move by one position a step."""
    for inner, given in zip(loop.args.inner_in_seqs, loop.args.outer_in_seqs, strict=True):
        view = loop.low.simple(loop.low.view(given))
        if view.shape[0] < loop.steps:
            raise Misfit(
                "sequences at least as long as the loop",
                f"a sequence of {view.shape[0]} for {loop.steps} steps",
            )
        stride = view.axes[0][0][1]
        loop.backwards = loop.backwards or stride < 0
        moving = View(view.buffer, view.axes[1:], view.offset.along(stride, loop.t))
        loop.body.views[inner] = moving


def _view_states(loop: ScanLoop) -> None:
    """Copy the initial states into buffers of the loop's own, and view them by taps."""
    for state in loop.states:
        low, given = loop.low, state.given
        shape = low.views[given].shape if given in low.unwritten else low.shape(given)
        whole = low.temporary(given.dtype, shape)
        loop.own.add(whole.buffer)
        taps = list(zip(state.read, state.taps, strict=True))
        if state.gathers and _starts_at_zero(loop, state):
            state.view = v.slice_axis(whole, 0, slice(0, 1))
            low.fill(state.view, 0)
            zero = low.zeros(given.dtype, shape[1:])
            for inner, tap in taps:
                loop.body.views[inner] = v.index(state.view, 0, 0) if tap == 0 else zero
            continue
        if state.gathers:
            source = low.view(given)
            if source.axes and source.axes[0][0][1] < 0:
                # Kept backwards in memory like what it is made from, so that no copy is needed.
                whole = v.slice_axis(whole, 0, slice(None, None, -1))
            low.copy(source, whole)
        else:
            _copy_start(low, given, whole, state.start)
            clear_rest(loop, whole, state.start + loop.steps)
        state.view = whole
        for inner, tap in taps:
            loop.body.views[inner] = loop.at_step(whole, state.start + tap)


def _starts_at_zero(loop: ScanLoop, state: State) -> bool:
    """Return whether a state of a gradient gathers what only its own steps give, and only for them.

    Such is the gradient of an LSTM's memory: one slot holds it.
    """
    zeroed, value = loop.low.unwritten.get(state.given), loop.low.value(state.given)
    put_off = zeroed is not None and zeroed.axis is None
    return (
        (put_off or (value is not None and not np.any(value)))
        and sorted(state.taps) == [0, 1]
        and [tap for _, tap in state.stored] == [1]
        and state.result not in loop.low.needed
    )


def _view_shared(loop: ScanLoop) -> list[View]:
    """View the loop's states without an axis of time of their own: generators, shared arrays."""
    views = []
    for inner, given in zip(loop.args.inner_in_shared, loop.args.outer_in_shared, strict=True):
        if isinstance(given.type, RandomType):
            view = own_generator(loop.low, given)
        else:
            source = loop.low.view(given)
            view = loop.low.temporary(given.dtype, source.shape)
            loop.low.copy(source, view)
            loop.own.add(view.buffer)
        loop.body.views[inner] = view
        views.append(view)
    return views


def _shared_stores(loop: ScanLoop, shared: list[View]) -> Stores:
    """Choose where the new value of each shared state goes; a generator advances in place."""
    stores: Stores = []
    for new, target in zip(loop.args.inner_out_shared, shared, strict=True):
        value = loop.body.view(new)
        if target.buffer.kind != "generator":
            stores.append((value, target))
        elif value.buffer is not target.buffer:
            loop.body.emit(CopyGenerator(ref(value), ref(target)))
    return stores


def _store_last(loop: ScanLoop, stores: Stores, shared: list[View]) -> None:
    """Lower a loop that ends at a condition: of every result the last step's is kept."""
    low, args = loop.low, loop.args
    if args.outer_in_mit_mot or not loop.steps:
        raise Unsupported(f"{loop.node.op} ends at a condition and runs backwards or not at all")
    results = [
        (value, state.result, state.start)
        for (value, _), state in zip(stores, loop.states, strict=True)
    ]
    collected = [loop.body.view(variable) for variable in args.inner_out_nit_sot]
    results += [
        (value, output, 0) for value, output in zip(collected, args.outer_out_nit_sot, strict=True)
    ]
    stores += _shared_stores(loop, shared)
    for value, output, start in results:
        last = low.temporary(value.dtype, value.shape)
        low.last[output] = last, start
        stores.append((value, last))
    low.views.update(zip(args.outer_out_shared, shared, strict=True))
    (condition,) = args.cond
    condition = loop.body.view(condition)
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


def _state_stores(loop: ScanLoop) -> Stores:
    """Choose where the new values of each state go."""
    stores: Stores = []
    for state in loop.states:
        for new, tap in state.stored:
            value = loop.body.view(new)
            one_slot = state.gathers and state.view.shape[0] == 1 and loop.steps > 0
            slot = (
                v.index(state.view, 0, 0)
                if one_slot
                else loop.at_step(state.view, state.start + tap)
            )
            stores.append((value, slot))
    return stores


def _collect(loop: ScanLoop, variable: Variable, slots: int, stores: Stores) -> View:
    """Return the array of an output at all steps: a view of what is there already, or a new one."""
    value = loop.body.view(variable)
    passed_on = _passed_on(loop, value, slots)
    if passed_on is not None:
        return passed_on
    for other, place in stores:
        # The same value collected twice, as the gradients of a step are, is stored once; unless
        # the other is kept for its last steps only, in slots that go round.
        moves = any(t == loop.t for _, t in place.offset.terms)
        if other is value and moves and slots == loop.steps and place.buffer not in loop.own:
            return along_time(loop, place, slots)
    whole = loop.low.temporary(value.dtype, (slots, *value.shape))
    if not slots:  # nobody reads any of it
        return whole
    if loop.backwards and slots == loop.steps:
        whole = v.slice_axis(whole, 0, slice(None, None, -1))
    stores.append((value, loop.at_step(whole, 0)))
    clear_rest(loop, whole, loop.steps)
    return unrolled_ring(loop, whole, 0)


def _passed_on(loop: ScanLoop, value: View, slots: int) -> View | None:
    """Return the view of a sequence that the step merely hands on, transposed perhaps."""
    local = {ref.buffer for op in p.walk(loop.body.ops) for ref, _ in op.writes()}
    moves = [stride for stride, t in value.offset.terms if t == loop.t]
    if slots != loop.steps or len(moves) != 1 or value.buffer in local | loop.own:
        return None
    return along_time(loop, value, slots)


def _store_all(loop: ScanLoop, stores: Stores) -> None:
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


def _rolled(loop: ScanLoop, state: State) -> View:
    """Return a state's buffer in the order of time."""
    return state.view if state.gathers else unrolled_ring(loop, state.view, state.start)
