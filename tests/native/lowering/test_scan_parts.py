"""The parts of a scan by name."""

from graphrnn.graph.shapes import tensor
from graphrnn.native.ir.views import Buffer, contiguous
from graphrnn.native.lowering.lowering import Lowering
from graphrnn.native.lowering.scan_parts import ScanLoop, along_time, states_of

import aesara
import aesara.tensor as at
from aesara.scan.op import Scan
from aesara.scan.utils import ScanArgs

X = tensor("x", "float64", (6, 2))
SUMS, _ = aesara.scan(
    lambda x_t, a, b, c: [x_t + a - b, c + x_t, x_t * 2],
    sequences=[X],
    outputs_info=[
        {"initial": at.ones((2, 2), dtype="float64"), "taps": [-2, -1]},
        at.zeros(2, dtype="float64"),
        None,
    ],
    n_steps=6,
)


def scans(*outputs):
    graph = aesara.graph.fg.FunctionGraph([X], list(outputs), clone=False)
    return [node for node in graph.toposort() if isinstance(node.op, Scan)]


def test_states_have_their_taps_and_values():
    (node,) = scans(*SUMS)
    several, single = states_of(ScanArgs.from_node(node))
    assert (several.taps, several.start, len(several.read)) == ((-2, -1), 2, 2)
    assert (single.taps, single.start, len(single.read)) == ((-1,), 1, 1)
    assert [state.result for state in (several, single)] == list(node.outputs[:2])
    assert not several.gathers


def test_a_gradient_gathers_at_several_taps():
    node = scans(at.grad(SUMS[1].sum(), X))[-1]
    gathering = [state for state in states_of(ScanArgs.from_node(node)) if state.gathers]
    assert gathering
    assert all(len(state.stored) >= 1 for state in gathering)


def test_slots_go_round_where_there_are_fewer_than_steps():
    (node,) = scans(*SUMS)
    loop = ScanLoop(Lowering(), node)
    few = contiguous(Buffer("t", "float64", 6, "temp"), (3, 2))
    slot = loop.at_step(few, 2)
    ((position, start, slots),) = loop.positions
    assert (start, slots) == (2, 3)
    assert slot.offset.terms == ((2, position),)
    whole = contiguous(Buffer("u", "float64", 12, "temp"), (6, 2))
    moving = loop.at_step(whole, 0)
    assert moving.offset.terms == ((2, loop.t),)
    assert along_time(loop, moving, 6) == whole
