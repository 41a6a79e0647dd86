"""Rewrites of loops: what a gradient's loop computes once more, or step by step without need.

Each is in Aesara's rewrite database under the tag `native`, so that listings and histories name it:

    native_hand_through     an output that hands a sequence on becomes a view of that sequence
    native_sum_after_loop   Σ_t Σ_b y[t, b] is one sum after the loop, not one in each step
    native_keep_forward     what the forward loop computed is an output of it, not computed again
    native_join_products    h W_1, h W_2, … become one product h [W_1 W_2 …]
"""

from collections.abc import Sequence
from typing import Any

import aesara.scalar as aes
import aesara.tensor as at
import numpy as np
from aesara.compile.mode import optdb
from aesara.graph.basic import Constant, Variable, clone_replace, io_toposort
from aesara.graph.fg import FunctionGraph
from aesara.graph.rewriting.basic import GraphRewriter, in2out, node_rewriter
from aesara.scan.op import Scan
from aesara.scan.utils import ScanArgs
from aesara.tensor.elemwise import CAReduce, DimShuffle, Elemwise
from aesara.tensor.exceptions import NotScalarConstantError
from aesara.tensor.math import Dot
from aesara.tensor.shape import SpecifyShape, unbroadcast
from aesara.tensor.subtensor import Subtensor, get_idx_list
from aesara.tensor.type import TensorType

Node = Any
"""An Aesara Apply node."""


def parsed(node: Node) -> ScanArgs:
    """Give the parts of a scan by name, its body copied."""
    return ScanArgs.from_node(node, clone=True)


def rebuilt(node: Node, args: ScanArgs) -> list[Variable]:
    """Make a scan from changed parts; gives its outputs."""
    op = node.op
    for name in ("seqs", "non_seqs"):
        pairs = zip(
            getattr(args, f"outer_in_{name}"), getattr(args, f"inner_in_{name}"), strict=True
        )
        setattr(args, f"outer_in_{name}", [_as_body_sees(outer, inner) for outer, inner in pairs])
    new = Scan(
        args.inner_inputs,
        args.inner_outputs,
        args.info,
        mode=op.mode,
        profile=op.profile,
        truncate_gradient=op.truncate_gradient,
        name=op.name,
        allow_gc=op.allow_gc,
    )
    outputs: list[Variable] = new(*args.outer_inputs, return_list=True)
    return outputs


def _as_body_sees(outer: Variable, inner: Variable) -> Variable:
    """Forget lengths of 1 that rewriting found out since: the body was made without them."""
    if not isinstance(outer.type, TensorType) or not isinstance(inner.type, TensorType):
        return outer
    first = outer.type.ndim - inner.type.ndim
    behind = zip(outer.type.broadcastable[first:], inner.type.broadcastable, strict=True)
    found_out = [first + k for k, (now, then) in enumerate(behind) if now and not then]
    return unbroadcast(outer, *found_out) if found_out else outer


def plain(node: Node) -> bool:
    """Say whether a scan runs a known number of steps and carries nothing but tensors."""
    return (
        isinstance(node.op, Scan)
        and not node.op.info.as_while
        and isinstance(node.inputs[0], Constant)
    )


def typed(value: Variable, wanted: Any) -> Variable:
    """Give a value the type of what it replaces."""
    return value if wanted.is_super(value.type) else at.specify_shape(value, wanted.shape)


def told(variable: Variable) -> Variable:
    """Look through what only says a shape."""
    while variable.owner and isinstance(variable.owner.op, SpecifyShape):
        variable = variable.owner.inputs[0]
    return variable


def substitute(args: ScanArgs, replaced: dict[Variable, Variable]) -> None:
    """Replace inner variables of a scan's body by others."""
    names = ("inner_out_mit_sot", "inner_out_sit_sot", "inner_out_nit_sot", "inner_out_shared")
    flat = [v for group in args.inner_out_mit_mot for v in group]
    flat += [v for name in names for v in getattr(args, name)]
    new = list(clone_replace(flat, replace=replaced))
    args.inner_out_mit_mot = [[new.pop(0) for _ in group] for group in args.inner_out_mit_mot]
    for name in names:
        setattr(args, name, [new.pop(0) for _ in getattr(args, name)])


def with_collected(
    node: Node, args: ScanArgs, more: Sequence[Variable]
) -> tuple[list[Variable], list[Variable]]:
    """Give a scan's outputs anew, and arrays of these inner variables at all steps."""
    n_before = len(node.outputs) - len(args.outer_out_shared)
    args.inner_out_nit_sot = [*args.inner_out_nit_sot, *more]
    args.outer_in_nit_sot = [*args.outer_in_nit_sot, *[args.n_steps] * len(more)]
    outputs = rebuilt(node, args)
    return outputs[:n_before] + outputs[n_before + len(more) :], outputs[
        n_before : n_before + len(more)
    ]


# ── an output that hands a sequence on ──


@node_rewriter([Scan])  # type: ignore[untyped-decorator]
def hand_through(fgraph: FunctionGraph, node: Node) -> Any:
    """y_t = s_t, or s_t with its axes permuted: y = s with the axes permuted behind time."""
    if not plain(node):
        return None
    args = ScanArgs.from_node(node)
    changed = {}
    for inner, outer in zip(args.inner_out_nit_sot, args.outer_out_nit_sot, strict=True):
        if not fgraph.clients[outer]:
            continue
        source, order = told(inner), None
        if source.owner and isinstance(source.owner.op, DimShuffle):
            source, order = told(source.owner.inputs[0]), source.owner.op.new_order
        if source not in args.inner_in_seqs:
            continue
        sequence = args.outer_in_seqs[args.inner_in_seqs.index(source)][: args.n_steps]
        if order is not None:
            behind = ["x" if k == "x" else k + 1 for k in order]
            sequence = sequence.dimshuffle(0, *behind)
        changed[outer] = typed(sequence, outer.type)
    return changed or None


# ── sums over the batch ──


@node_rewriter([Scan])  # type: ignore[untyped-decorator]
def sum_after_loop(fgraph: FunctionGraph, node: Node) -> Any:
    """a_t = a_tm1 + Σ_b y_t[b], of which only a_T is read: a_T = a_0 + Σ_t Σ_b y_t[b].

    A sum over the rows of a batch inside a loop makes each row wait for all others.
    """
    if not plain(node):
        return None
    for k, outer in enumerate(ScanArgs.from_node(node).outer_out_sit_sot):
        last = _only_last(fgraph, outer, int(node.inputs[0].data))
        args = parsed(node)
        found = _summand(args, k)
        if last is None or found is None:
            continue
        summed, reduction, shuffles = found
        start = args.outer_in_sit_sot[k][0]
        before = [v for v in node.outputs if v is not outer]
        for name in ("inner_in", "inner_out", "outer_in", "outer_out"):
            parts = list(getattr(args, f"{name}_sit_sot"))
            del parts[k]
            setattr(args, f"{name}_sit_sot", parts)
        slices = args.sit_sot_in_slices
        args.sit_sot_in_slices = slices[:k] + slices[k + 1 :]
        n_before = len(before) - len(args.outer_out_shared)
        args.inner_out_nit_sot = [*args.inner_out_nit_sot, summed]
        args.outer_in_nit_sot = [*args.outer_in_nit_sot, args.n_steps]
        outputs = rebuilt(node, args)
        collected = outputs.pop(n_before)
        axes = reduction.axis if reduction.axis is not None else range(summed.type.ndim)
        total = at.sum(
            collected,
            axis=(0, *(axis + 1 for axis in axes)),
            dtype=last.dtype,
            acc_dtype=last.dtype,
        )
        for shuffle in reversed(shuffles):
            total = shuffle(total)
        changed = dict(zip(before, outputs, strict=True))
        changed[last] = start + total
        changed["remove"] = [node]
        return changed
    return None


def _only_last(fgraph: FunctionGraph, outer: Variable, steps: int) -> Variable | None:
    """Give the last step of a state, if nothing else of it is read."""
    clients = fgraph.clients[outer]
    if len(clients) != 1 or isinstance(clients[0][0], str):
        return None
    (reader, _) = clients[0]
    if not isinstance(reader.op, Subtensor):
        return None
    indices = get_idx_list(reader.inputs, reader.op.idx_list)
    if len(indices) != 1 or isinstance(indices[0], slice):
        return None
    try:
        at_step = int(at.get_scalar_constant_value(indices[0]))
    except NotScalarConstantError:
        return None
    return reader.outputs[0] if at_step in (-1, steps) else None


def _summand(args: ScanArgs, k: int) -> tuple[Variable, Any, list[Any]] | None:
    """Find y in a_t = a_tm1 + Σ y; gives it, the sum's op, and what permutes axes behind it."""
    before, after = args.inner_in_sit_sot[k], args.inner_out_sit_sot[k]
    if not (after.owner and isinstance(after.owner.op, Elemwise)):
        return None
    if not isinstance(after.owner.op.scalar_op, aes.Add) or len(after.owner.inputs) != 2:
        return None
    one, other = after.owner.inputs
    value = other if one is before else one if other is before else None
    if value is None or value is before or _depends_on(args.inner_outputs, before, after):
        return None
    shuffles = []
    while value.owner and (isinstance(value.owner.op, DimShuffle) or _copies(value.owner.op)):
        if not _copies(value.owner.op):
            shuffles.append(value.owner.op)
        value = value.owner.inputs[0]
    if not (value.owner and isinstance(value.owner.op, CAReduce)):
        return None
    if not isinstance(value.owner.op.scalar_op, aes.Add) or value.dtype != after.dtype:
        return None
    return value.owner.inputs[0], value.owner.op, shuffles


def _copies(op: Any) -> bool:
    """Say whether an op hands its argument on."""
    return isinstance(op, Elemwise) and isinstance(op.scalar_op, aes.Identity)


def _depends_on(outputs: Sequence[Variable], before: Variable, after: Variable) -> bool:
    """Say whether something beside `after` is computed from `before`."""
    seen = {before}
    for node in io_toposort([before], [v for v in outputs if v is not after]):
        if any(v in seen for v in node.inputs):
            seen.update(node.outputs)
    return any(v in seen for v in outputs if v is not after)


# ── what the forward loop computed ──


class KeepForward(GraphRewriter):  # type: ignore[misc]
    """Let a gradient's loop read what the forward loop computed, where that takes a product.

    Step t of the gradient runs with the sequences, states and constants of step T-1-t of the
    forward loop: equal expressions of the two bodies have equal values.
    """

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        """Need nothing."""

    def apply(self, fgraph: FunctionGraph) -> None:
        """Try each pair of loops, the first of which feeds the second."""
        again = True
        while again:
            again = False
            loops = [node for node in fgraph.toposort() if plain(node)]
            for n, forward in enumerate(loops):
                if any(self._keep(fgraph, forward, later) for later in loops[n + 1 :]):
                    again = True
                    break

    def _keep(self, fgraph: FunctionGraph, forward: Node, backward: Node) -> bool:
        """Rewrite one pair; say whether there was anything to keep."""
        if not any(_time_index(v)[0] in forward.outputs for v in backward.inputs[1:]):
            return False
        steps = int(forward.inputs[0].data)
        if int(backward.inputs[0].data) > steps:
            return False
        mine, theirs = parsed(forward), parsed(backward)
        numbers = _Numbers()
        for inner, key in _forward_leaves(mine, forward).items():
            numbers.leaf(inner, key)
        numbers.body(mine.inner_inputs, mine.inner_outputs)
        aliases = _forward_results(mine, forward, numbers)
        known = {number: v for v, number in reversed(numbers.of.items()) if v.owner is not None}
        for inner, key in _backward_leaves(theirs, steps).items():
            numbers.of[inner] = aliases.get(key, numbers.number(key))
        backward_nodes = io_toposort(theirs.inner_inputs, theirs.inner_outputs)
        costly: dict[Variable, bool] = {}
        for node in backward_nodes:
            numbers.node(node)
            for v in node.outputs:
                costly[v] = isinstance(node.op, (Dot, Scan)) or any(
                    costly.get(i, False) for i in node.inputs
                )
        kept = _frontier(theirs, backward_nodes, numbers, known, costly)
        if not kept:
            return False
        _hand_over(fgraph, (forward, mine), (backward, theirs), kept)
        return True


def _frontier(
    args: ScanArgs,
    nodes: Sequence[Node],
    numbers: "_Numbers",
    known: dict[int, Variable],
    costly: dict[Variable, bool],
) -> list[tuple[Variable, Variable]]:
    """Pair costly values of the gradient's body that others read with the forward body's."""
    read = [
        v
        for node in nodes
        if not all(numbers.of.get(o) in known for o in node.outputs)
        for v in node.inputs
    ]
    read += list(args.inner_outputs)
    pairs: dict[Variable, Variable] = {}
    for v in read:
        if not isinstance(v.type, TensorType):  # an index, as a number of C
            continue
        if v.owner is not None and costly.get(v, False) and numbers.of.get(v) in known:
            pairs[v] = known[numbers.of[v]]
    return list(pairs.items())


def _hand_over(
    fgraph: FunctionGraph,
    forward: tuple[Node, ScanArgs],
    backward: tuple[Node, ScanArgs],
    kept: Sequence[tuple[Variable, Variable]],
) -> None:
    """Collect the kept values in the forward loop and read them backwards in the other."""
    (node, mine), (later, theirs) = forward, backward
    distinct = list(dict.fromkeys(ours for _, ours in kept))
    fresh = [v for v in distinct if v not in mine.inner_out_nit_sot]
    old = {
        v: len(mine.inner_out_nit_sot) - 1 - mine.inner_out_nit_sot[::-1].index(v)
        for v in distinct
        if v not in fresh
    }
    first = len(node.outputs) - len(mine.outer_out_shared) - len(mine.outer_out_nit_sot)
    outputs, collected = with_collected(node, mine, fresh)
    arrays = dict(zip(fresh, collected, strict=True))
    arrays |= {v: outputs[first + place] for v, place in old.items()}
    swap = list(zip(node.outputs, outputs, strict=True))
    inner_seqs, replaced = [], {}
    for v, ours in kept:
        inner = v.type()
        inner.name = v.name
        inner_seqs.append((inner, arrays[ours][::-1][: theirs.n_steps]))
        replaced[v] = inner
    substitute(theirs, replaced)
    theirs.inner_in_seqs = [*theirs.inner_in_seqs, *(inner for inner, _ in inner_seqs)]
    # The gradient's other inputs come from the forward loop, which is about to be replaced.
    theirs.outer_in_seqs = [*theirs.outer_in_seqs, *(outer for _, outer in inner_seqs)]
    backward_outputs = rebuilt(later, theirs)
    pairs = list(zip(later.outputs, backward_outputs, strict=True))
    fgraph.replace_all_validate_remove(pairs, remove=[later], reason="native_keep_forward")
    fgraph.replace_all_validate_remove(swap, remove=[node], reason="native_keep_forward")


Key = tuple[Any, ...]


def _time_index(variable: Variable) -> tuple[Variable, tuple[tuple[Any, ...], ...]]:
    """Follow slices along time back to what they are slices of."""
    slices: list[tuple[Any, ...]] = []
    while variable.owner is not None:
        op = variable.owner.op
        if isinstance(op, SpecifyShape):
            variable = variable.owner.inputs[0]
            continue
        if not isinstance(op, Subtensor):
            break
        indices = get_idx_list(variable.owner.inputs, op.idx_list)
        if len(indices) != 1 or not isinstance(indices[0], slice):
            break
        bounds = tuple(
            None if b is None else _number(b)
            for b in (indices[0].start, indices[0].stop, indices[0].step)
        )
        if "?" in bounds:
            break
        slices.append(bounds)
        variable = variable.owner.inputs[0]
    return variable, tuple(reversed(slices))


def _number(value: Any) -> Any:
    """Give a constant bound of a slice, or "?"."""
    if isinstance(value, (int, np.integer)):
        return int(value)
    try:
        return int(at.get_scalar_constant_value(value))
    except NotScalarConstantError:
        return "?"


def _places(slices: Sequence[tuple[Any, ...]], length: int) -> tuple[int, int]:
    """Give the first place and the distance of places that slices of `length` elements walk."""
    walked = range(length)
    for start, stop, step in slices:
        walked = walked[slice(start, stop, step)]
    return walked.start, walked.step


def _forward_leaves(args: ScanArgs, node: Node) -> dict[Variable, Key]:
    """Say where each input of the forward body comes from: array, first place, distance."""
    steps = int(args.n_steps.data)
    keys: dict[Variable, Key] = {}
    for inner, outer in zip(args.inner_in_seqs, args.outer_in_seqs, strict=True):
        base, slices = _time_index(outer)
        length = _length(base, slices, steps)
        if length is not None:
            keys[inner] = (base, *_places(slices, length))
    outers = list(node.outputs)
    first = len(args.outer_out_mit_mot) + len(args.outer_out_mit_sot)
    for k, inner in enumerate(args.inner_in_sit_sot):
        keys[inner] = (outers[first + k], 0, 1)
    for inner, outer in zip(args.inner_in_non_seqs, args.outer_in_non_seqs, strict=True):
        keys[inner] = ("constant", outer)
    return keys


def _length(base: Variable, slices: Sequence[tuple[Any, ...]], steps: int) -> int | None:
    """Give the length of an array that slices are taken of; of a whole one it is the steps."""
    length = base.type.shape[0] if base.type.ndim else None
    if length is None and base.owner is not None and isinstance(base.owner.op, Scan):
        args = ScanArgs.from_node(base.owner)
        if base in args.outer_out_nit_sot or base in args.outer_out_sit_sot:
            extra = 1 if base in args.outer_out_sit_sot else 0
            n = args.n_steps
            return int(n.data) + extra if isinstance(n, Constant) else None
    if length is None and all(step in (None, 1, -1) for *_, step in slices):
        whole = all(start is None and stop in (None, steps) for start, stop, _ in slices)
        return steps if whole else None
    return int(length) if length is not None else None


def _forward_results(args: ScanArgs, node: Node, numbers: "_Numbers") -> dict[Key, int]:
    """Say what is found at each place of the forward loop's results."""
    first = len(args.outer_out_mit_mot) + len(args.outer_out_mit_sot)
    found: dict[Key, int] = {}
    outers = node.outputs[first:]
    for k, inner in enumerate(args.inner_out_sit_sot):
        found[outers[k], 1, 1] = numbers.of[inner]
    for k, inner in enumerate(args.inner_out_nit_sot):
        found[outers[len(args.inner_out_sit_sot) + k], 0, 1] = numbers.of[inner]
    return found


def _backward_leaves(args: ScanArgs, steps: int) -> dict[Variable, Key]:
    """Say where each input of the gradient's body comes from, counted in the forward's steps."""
    keys: dict[Variable, Key] = {}
    for inner, outer in zip(args.inner_in_seqs, args.outer_in_seqs, strict=True):
        base, slices = _time_index(outer)
        length = _length(base, slices, steps)
        if length is not None:
            start, step = _places(slices, length)
            keys[inner] = (base, start + step * (steps - 1), -step)
    for inner, outer in zip(args.inner_in_non_seqs, args.outer_in_non_seqs, strict=True):
        keys[inner] = ("constant", outer)
    return keys


class _Numbers:
    """Numbers values so that equal expressions of equal inputs have the same number."""

    def __init__(self) -> None:
        self.of: dict[Variable, int] = {}
        self.keys: dict[Key, int] = {}

    def number(self, key: Key) -> int:
        """Give the number of a key."""
        return self.keys.setdefault(key, len(self.keys))

    def leaf(self, variable: Variable, key: Key) -> None:
        """Number an input."""
        self.of[variable] = self.number(key)

    def body(self, inputs: Sequence[Variable], outputs: Sequence[Variable]) -> None:
        """Number all values of a body."""
        for node in io_toposort(inputs, outputs):
            self.node(node)
        for v in (*inputs, *outputs):
            self._of(v)

    def node(self, node: Node) -> None:
        """Number the results of a node."""
        key = (node.op, tuple(self._of(v) for v in node.inputs))
        for k, output in enumerate(node.outputs):
            self.of[output] = self.number((*key, k))

    def _of(self, variable: Variable) -> int:
        """Give the number of a value; an unknown input is like no other."""
        if variable not in self.of:
            key = variable.signature() if isinstance(variable, Constant) else variable
            self.of[variable] = self.number(("itself", key))
        return self.of[variable]


# ── products of one state ──


@node_rewriter([Scan])  # type: ignore[untyped-decorator]
def join_products(fgraph: FunctionGraph, node: Node) -> Any:
    """Compute h W_1, h W_2, … with constants W of the loop as h [W_1 W_2 …], cut into columns."""
    if not plain(node):
        return None
    args = parsed(node)
    groups: dict[Variable, list[Node]] = {}
    for inner in io_toposort(args.inner_inputs, args.inner_outputs):
        if isinstance(inner.op, Dot) and inner.inputs[1] in args.inner_in_non_seqs:
            widths = inner.inputs[1].type
            if widths.ndim == 2 and inner.inputs[0].type.ndim == 2:
                groups.setdefault(inner.inputs[0], []).append(inner)
    for left, products in groups.items():
        outer = [
            args.outer_in_non_seqs[args.inner_in_non_seqs.index(p.inputs[1])] for p in products
        ]
        columns = [_columns(v) for v in outer]
        same = len({v.dtype for v in outer}) == 1
        rows = left.type.shape[0]
        if len(products) < 2 or None in columns or not same or rows is None or rows < BATCH:
            continue
        joined = at.join(1, *outer)
        inside = joined.type()
        product = at.dot(left, inside)
        ends = np.cumsum([0, *columns])
        replaced = {
            p.outputs[0]: at.specify_shape(product[:, int(a) : int(b)], p.outputs[0].type.shape)
            for p, a, b in zip(products, ends, ends[1:], strict=False)
        }
        args.inner_in_non_seqs = [*args.inner_in_non_seqs, inside]
        args.outer_in_non_seqs = [*args.outer_in_non_seqs, joined]
        substitute(args, replaced)
        outputs = rebuilt(node, args)
        return {**dict(zip(node.outputs, outputs, strict=True)), "remove": [node]}
    return None


BATCH = 8
"""Rows from which one product is worth copying the weights together."""


def _columns(variable: Variable) -> int | None:
    """Give the number of a matrix's columns, where it is known."""
    shape = variable.type.shape
    if shape[1] is None and hasattr(variable, "get_value"):
        return int(variable.get_value(borrow=True).shape[1])
    return None if shape[1] is None else int(shape[1])


def _register(name: str, rewriter: GraphRewriter, position: float) -> None:
    """Enter a rewrite into Aesara's database; only those who ask for `native` get it."""
    if name not in optdb.__db__:
        optdb.register(name, rewriter, "native", position=position)


# Lengths are numbers only once Aesara has canonicalised (1) and stabilised (1.5); it merges and
# clears loops at 1.6.
_register("native_keep_forward", KeepForward(), 1.55)
_register("native_hand_through", in2out(hand_through, ignore_newtrees=True), 1.56)
_register("native_sum_after_loop", in2out(sum_after_loop), 1.57)
_register("native_join_products", in2out(join_products, ignore_newtrees=True), 1.58)
