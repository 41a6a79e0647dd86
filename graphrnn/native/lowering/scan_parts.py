"""The parts of a scan by name, and the buffers of its states and outputs.

They go by the names that Aesara's `ScanArgs` gives them: a state with one tap, [t-1], is `sit_sot`,
one with several `mit_sot`; a gradient's state, which a step reads and writes at several taps, is
`mit_mot`; an output that no step reads is `nit_sot`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from graphrnn.native.ir import views as v
from graphrnn.native.ir.views import Offset, View
from graphrnn.native.lowering.lowering import Lowering, Node
from graphrnn.native.rewrites.query import rewrite_body
from graphrnn.symbolic.wording import Misfit

from aesara.graph.basic import Variable
from aesara.scan.utils import ScanArgs


@dataclass
class State:
    """A state: its initial value, what a step reads of it at which taps, and what it becomes.

    `stored` are the values that a step writes, each with its tap; `gathers` is set for a state of a
    gradient's loop, to whose elements several steps add. Its buffer is `view`.
    """

    given: Variable
    taps: Sequence[int]
    read: Sequence[Variable]
    stored: list[tuple[Variable, int]]
    result: Variable
    gathers: bool = False
    view: View = field(init=False)

    @property
    def start(self) -> int:
        """The position of the first step in the buffer."""
        return -int(min(self.taps))


def states_of(args: ScanArgs) -> list[State]:
    """Return the states of a scan, in the order in which Aesara has them."""
    gathering = zip(
        args.outer_in_mit_mot,
        args.mit_mot_in_slices,
        args.inner_in_mit_mot,
        args.inner_out_mit_mot,
        args.mit_mot_out_slices,
        args.outer_out_mit_mot,
        strict=True,
    )
    several = zip(
        args.outer_in_mit_sot,
        args.mit_sot_in_slices,
        args.inner_in_mit_sot,
        args.inner_out_mit_sot,
        args.outer_out_mit_sot,
        strict=True,
    )
    single = zip(
        args.outer_in_sit_sot,
        args.inner_in_sit_sot,
        args.inner_out_sit_sot,
        args.outer_out_sit_sot,
        strict=True,
    )
    return [
        *(
            State(given, taps, read, list(zip(new, out_taps, strict=True)), result, gathers=True)
            for given, taps, read, new, out_taps, result in gathering
        ),
        *(State(given, taps, read, [(new, 0)], out) for given, taps, read, new, out in several),
        *(State(given, (-1,), [read], [(new, 0)], out) for given, read, new, out in single),
    ]


class ScanLoop:
    """A scan while it is lowered."""

    def __init__(self, low: Lowering, node: Node) -> None:
        self.low, self.node = low, node
        body = low.bodies.setdefault(node.op, rewrite_body(node.op.fgraph, low.rewrites))
        self.fgraph = body
        self.args = ScanArgs(node.inputs, node.outputs, body.inputs, body.outputs, node.op.info,
                             clone=False)  # fmt: skip
        self.steps = low.number(self.args.n_steps)
        if self.steps < 0:
            raise Misfit("0 or more", f"{self.steps} steps")
        self.states = states_of(self.args)
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
        """Return the slot of a buffer at this step: `start` + t, going round where it must."""
        slots, ((_, stride),) = view.shape[0], view.axes[0]
        if start >= 0 and start + self.steps <= slots:
            offset = view.offset.plus(start * stride).along(stride, self.t)
        else:
            position = self.low.variable("m")
            self.positions.append((position, start % slots, slots))
            offset = view.offset.along(stride, position)
        return View(view.buffer, view.axes[1:], offset)


def clear_rest(loop: ScanLoop, view: View, used: int) -> None:
    """Fill the positions that no step writes with zeros: a gradient cut off early has such."""
    if used < view.shape[0]:
        loop.low.fill(v.slice_axis(view, 0, slice(used, None)), 0)


def along_time(loop: ScanLoop, value: View, slots: int) -> View:
    """Turn the move of a view with the step into an axis of time."""
    stride = next(stride for stride, t in value.offset.terms if t == loop.t)
    rest = tuple(term for term in value.offset.terms if term[1] != loop.t)
    return View(
        value.buffer, (((slots, stride),), *value.axes), Offset(value.offset.constant, rest)
    )


def unrolled_ring(loop: ScanLoop, view: View, start: int) -> View:
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
