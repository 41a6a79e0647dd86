"""Gradients of loops where those of Aesara 2.9.4 are wrong: each is taken through an equal loop.

The gradient of a plain loop, of states and sequences, is right and remains Aesara's own. For three
kinds of loops it is silently wrong:

    the loop of a gradient, which adds to arrays in place: overwritten values still count
    a loop that ends at a condition: sequences are read one element too far
    `truncate_gradient`: arrays are longer than the loop runs, which rewriting ignores

Each of them is replaced by a plain loop of equal results, and the chain rule is applied to that,
which yields gradients of every order. Importing this module replaces `Scan.L_op` by `gradient`: the
loop of a gradient is built inside Aesara, which would not use a subclass, and a wrong number is
worse than a replaced method.

A plain loop's gradient is taken as if floatX were the widest float of the loop: Aesara gathers part
of it in floatX, so that one of float64 would lose its digits.
"""

from collections.abc import Callable, Sequence
from typing import Any

from graphrnn.upstream.scan_args import Node, rebuilt

import aesara
import aesara.tensor as at
from aesara.gradient import DisconnectedType, disconnected_grad
from aesara.graph.basic import Constant, Variable
from aesara.graph.null_type import NullType
from aesara.scan.op import Scan
from aesara.scan.utils import ScanArgs, expand_empty
from aesara.tensor.shape import unbroadcast
from aesara.tensor.type import TensorType

Length = Any
"""An integer, or a symbolic one."""

Equal = tuple[list[Variable], Callable[[Variable], Variable]]
"""Outputs of an equal loop, and a function from a gradient of the original's outputs to theirs."""

stock_gradient = Scan.L_op


def gradient(
    op: Scan, inputs: Sequence[Variable], outputs: Sequence[Variable], given: Sequence[Variable]
) -> list[Variable]:
    """Return the gradients of a loop's inputs, given those of its outputs."""
    node = outputs[0].owner
    if undefined := [g for g in given if isinstance(g.type, NullType)]:
        return [undefined[0] if c else DisconnectedType()() for c in _connected(node, given)]
    if op.info.n_mit_mot:
        equal = as_states
    elif op.info.as_while or op.truncate_gradient != -1:
        equal = last_steps
    else:
        with aesara.config.change_flags(floatX=_widest(op, inputs)):
            gradients = list(stock_gradient(_of_variables(op), inputs, outputs, given))
        return _with_causes(node, gradients, given)
    # Inputs may be computed from one another: the equal loop reads a distinct copy of each.
    copies = [_copied(v) for v in inputs]
    new, part = equal(node, copies)
    known = {
        output: part(g)
        for output, g in zip(new, given, strict=True)
        if not isinstance(g.type, DisconnectedType)
    }
    gradients = aesara.grad(
        None,
        known_grads=known,
        wrt=copies,
        disconnected_inputs="ignore",
        return_disconnected="Disconnected",
        null_gradients="return",
    )
    connected = _connected(node, given)
    return [_fitting(v, g, c) for v, g, c in zip(inputs, gradients, connected, strict=True)]


def _widest(op: Scan, inputs: Sequence[Variable]) -> str:
    """Return the widest float of a loop, which Aesara's gradient of it calls floatX."""
    dtypes = {getattr(v.type, "dtype", "") for v in (*inputs, *op.inner_outputs)}
    floats = [dtype for dtype in ("float64", "float32", "float16") if dtype in dtypes]
    return floats[0] if floats else str(aesara.config.floatX)


def _with_causes(
    node: Node, gradients: list[Variable], given: Sequence[Variable]
) -> list[Variable]:
    """Mark gradients lost because of an undefined one as undefined, so that errors name it."""
    causes = [g for g in gradients if isinstance(g.type, NullType)]
    if not causes:
        return gradients
    lost = zip(gradients, _connected(node, given), strict=True)
    return [causes[0] if c and isinstance(g.type, DisconnectedType) else g for g, c in lost]


def _of_variables(op: Scan) -> Scan:
    """Copy a loop whose results include constants, which its gradient would take for inputs."""
    if not any(isinstance(v, Constant) for v in op.inner_outputs):
        return op
    results = [at.tensor_copy(v) if isinstance(v, Constant) else v for v in op.inner_outputs]
    return Scan(op.inner_inputs, results, op.info, mode=op.mode, name=op.name)


def _copied(variable: Variable) -> Variable:
    """Return a copy of a variable, or the variable itself where it has no gradient."""
    if isinstance(variable.type, TensorType) and variable.dtype.startswith(("float", "complex")):
        return at.tensor_copy(variable)
    return variable


def _connected(node: Node, given: Sequence[Variable]) -> list[bool]:
    """Return, for each input, whether an output with a gradient depends on it, as scan has it."""
    pattern = node.op.connection_pattern(node)
    outputs = [k for k, g in enumerate(given) if not isinstance(g.type, DisconnectedType)]
    return [any(row[k] for k in outputs) for row in pattern]


def _fitting(variable: Variable, g: Variable, connected: bool) -> Variable:
    """Return a gradient in the form that Aesara expects for an input."""
    if not connected:
        return DisconnectedType()()
    if not isinstance(variable.type, TensorType):
        return g
    discrete = not variable.dtype.startswith(("float", "complex"))
    if discrete or isinstance(g.type, DisconnectedType):
        return variable.zeros_like(dtype=aesara.config.floatX if discrete else variable.dtype)
    return g


# ── the loop of a gradient ──


def as_states(node: Node, inputs: Sequence[Variable]) -> Equal:
    """Build a plain loop equal to the loop of a gradient: a sliding window becomes its states.

    Step t reads and writes some of the elements t … t + w - 1 of an array. The first w - 1 of them
    are states, the last is read from a sequence, and the first is returned as a result:

        a_t, s_{t+1} = s'_t, (s'_{t+1} … s'_{t+w-1})    s' the elements after the step

    Each state is a value of one step, whereas an element of the array is written several times.
    """
    args = ScanArgs(inputs, node.outputs, node.op.inner_inputs, node.op.inner_outputs, node.op.info)
    arrays = _windows(args)
    n_mit_mot, n_sit_sot = len(arrays), len(args.outer_in_sit_sot)
    args.mit_mot_in_slices, args.mit_mot_out_slices = (), ()
    args.outer_in_mit_mot, args.inner_in_mit_mot, args.inner_out_mit_mot = [], [], ()
    args.outer_out_mit_mot = []
    for array, inside, after in arrays:
        width = len(inside)
        args.inner_in_seqs.append(inside[-1])
        args.outer_in_seqs.append(array[width - 1 :][: args.n_steps])
        args.inner_in_sit_sot += inside[:-1]
        args.outer_in_sit_sot += [
            expand_empty(unbroadcast(array[k : k + 1], 0), args.n_steps) for k in range(width - 1)
        ]
        args.sit_sot_in_slices = (*args.sit_sot_in_slices, *[(-1,)] * (width - 1))
        args.inner_out_sit_sot += after[1:]
        args.inner_out_nit_sot.append(after[0])
        args.outer_in_nit_sot.append(args.n_steps)
    outputs = rebuilt(node, args, truncate_gradient=-1)
    first_own = len(args.outer_in_mit_sot) + n_sit_sot
    moved = len(args.outer_in_sit_sot) - n_sit_sot
    states, rest = outputs[first_own : first_own + moved], outputs[first_own + moved :]
    n_collected = len(args.outer_in_nit_sot) - n_mit_mot
    left, rest = (
        rest[n_collected : n_collected + n_mit_mot],
        (rest[:n_collected] + rest[n_collected + n_mit_mot :]),
    )
    wholes = []
    for first, (array, inside, _) in zip(left, arrays, strict=True):
        width = len(inside)
        ends, states = states[: width - 1], states[width - 1 :]
        behind = [array[args.n_steps + width - 1 :]] if node.op.truncate_gradient != -1 else []
        wholes.append(at.join(0, first, *[end[-1:] for end in ends], *behind))
    return [*wholes, *outputs[:first_own], *rest], lambda g: g


Window = tuple[Variable, list[Variable], list[Variable]]
"""An array, the elements of it that a step sees, and their values after the step."""


def _windows(args: ScanArgs) -> list[Window]:
    """Return each array of a gradient's loop with the elements that a step reads or writes."""
    windows = []
    for array, read, read_at, written, written_at in zip(
        args.outer_in_mit_mot,
        args.inner_in_mit_mot,
        args.mit_mot_in_slices,
        args.inner_out_mit_mot,
        args.mit_mot_out_slices,
        strict=True,
    ):
        first = min(read_at)
        width = max(*read_at, *written_at) - first + 1
        by_place = dict(zip((tap - first for tap in read_at), read, strict=True))
        inside = [by_place.get(k) or read[0].type() for k in range(width)]
        after = list(inside)
        for tap, value in zip(written_at, written, strict=True):
            after[tap - first] = value.astype(inside[0].dtype)
        windows.append((array, inside, after))
    return windows


# ── loops that end at a condition, or whose gradient is cut ──


def last_steps(node: Node, inputs: Sequence[Variable]) -> Equal:
    """Build a loop of only the last steps, those with a gradient; their number is known before.

    Their initial states are taken from the original loop, and no gradient flows into them.
    """
    op = node.op
    args = ScanArgs(inputs, node.outputs, op.inner_inputs, op.inner_outputs, op.info)
    done = _steps_done(node)
    steps, skipped = done, 0
    if op.truncate_gradient != -1:
        steps = _smaller(done, op.truncate_gradient)
        skipped = done - steps
    if op.info.n_shared_outs and not (isinstance(skipped, int) and skipped == 0):
        raise NotImplementedError(
            f"{op}: got truncate_gradient={op.truncate_gradient} in a loop that draws random "
            "numbers or updates shared variables, whose values before the last steps are not kept; "
            "draw before the loop and pass the draws as a sequence, or leave truncate_gradient out"
        )
    args.n_steps = at.as_tensor(steps, dtype="int64")
    args.as_while, args.cond = False, []
    args.outer_in_seqs = [v[skipped:][:steps] for v in args.outer_in_seqs]
    for kind in ("mit_sot", "sit_sot"):
        taps = getattr(args, f"{kind}_in_slices")
        begins = zip(
            getattr(args, f"outer_in_{kind}"), getattr(args, f"outer_out_{kind}"), taps, strict=True
        )
        setattr(
            args,
            f"outer_in_{kind}",
            [_begin(a, out, -min(t), skipped, args.n_steps) for a, out, t in begins],
        )
    args.outer_in_nit_sot = [args.n_steps] * len(args.outer_in_nit_sot)
    return rebuilt(node, args, truncate_gradient=-1), lambda g: g[skipped:]


def _steps_done(node: Node) -> Length:
    """Return the number of steps that a loop has run: a constant, or the length of its results."""
    op, args = node.op, ScanArgs.from_node(node)
    if not op.info.as_while:
        return _number(node.inputs[0])
    taps = (*op.info.mit_sot_in_slices, *op.info.sit_sot_in_slices, *[(0,)] * op.info.n_nit_sot)
    arrays = (*args.outer_out_mit_sot, *args.outer_out_sit_sot, *args.outer_out_nit_sot)
    for array, read_at in zip(arrays, taps, strict=True):
        return array.shape[0] + min(read_at)
    raise NotImplementedError(f"{op}: ends at a condition and gives nothing at any step")


def _number(variable: Variable) -> Length:
    """Return a constant's value, or the variable."""
    return int(variable.data) if isinstance(variable, Constant) else variable


def _smaller(done: Length, most: int) -> Length:
    return min(done, most) if isinstance(done, int) else at.minimum(done, most)


def _begin(first: Variable, out: Variable, taps: int, skipped: Length, steps: Variable) -> Variable:
    """Return a state's buffer before the first step; no gradient flows to the skipped steps.

    What the whole loop began with is still read where a tap reaches back to it, with its gradient.
    """
    if isinstance(skipped, int) and skipped == 0:
        value = first[:taps]
    elif isinstance(skipped, int) and skipped >= taps:
        value = disconnected_grad(out[skipped : skipped + taps])
    else:
        made = out[at.maximum(skipped, taps) : skipped + taps]
        value = at.join(0, first[:taps][skipped:], disconnected_grad(made))
    return expand_empty(unbroadcast(value, 0), steps)


Scan.L_op = gradient
