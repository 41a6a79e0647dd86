"""Records of a graph, from which every listing, picture and count is made.

Aesara edits its nodes in place; a record is a snapshot that does not change.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphrnn.inspection.record.op_table import name_and_kind

import numpy as np
from aesara.compile.sharedvalue import SharedVariable
from aesara.graph.basic import Constant
from aesara.graph.fg import FunctionGraph
from aesara.scalar.basic import ScalarOp
from aesara.scan.op import Scan
from aesara.tensor.basic import ScalarFromTensor, TensorFromScalar

InputsOf = Callable[[Any], Sequence[Any]]
"""Returns the operands of an Aesara node, which may differ from its current ones."""


@dataclass(frozen=True, eq=False)
class Ends:
    """The inputs and outputs of a graph: enough to list it."""

    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    inputs_of: InputsOf


BodyOf = Callable[[Any], Ends]
"""Returns the graph inside a loop's op."""


@dataclass(frozen=True)
class Role:
    """The role of a body's input or output in its loop, such as a state that starts at `outer`."""

    kind: str
    taps: tuple[int, ...] = ()
    outer: Any = None


@dataclass(frozen=True, eq=False)
class Node:
    """One node. `apply` is Aesara's own, which inspection never changes."""

    apply: Any
    inputs: tuple[Any, ...]
    op_name: str
    kind: str
    body: "Graph | None" = None
    steps: int | None = None

    @property
    def op(self) -> Any:
        """Aesara's op."""
        return self.apply.op

    @property
    def outputs(self) -> tuple[Any, ...]:
        """The results."""
        return tuple(self.apply.outputs)


@dataclass(frozen=True, eq=False)
class Graph:
    """A graph in evaluation order. `updates` pairs an input with its new value.

    In the body of a loop each input and output has a role.
    """

    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    nodes: tuple[Node, ...]
    updates: tuple[tuple[Any, Any], ...] = ()
    input_roles: tuple[Role, ...] = ()
    output_roles: tuple[Role, ...] = ()
    made_by: Mapping[Any, Node] = field(default_factory=dict)

    def count(self) -> int:
        """Count the nodes, including those inside loops."""
        return sum(1 + (node.body.count() if node.body else 0) for node in self.nodes)


def own_inputs(apply: Any) -> Sequence[Any]:
    """Return the current operands of a node."""
    return list(apply.inputs)


def own_body(op: Any) -> Ends:
    """Return the graph of a loop as its op holds it."""
    return ends_of(op.fgraph)


def ends_of(fgraph: FunctionGraph) -> Ends:
    """Return the current inputs and outputs of a graph."""
    return Ends(tuple(fgraph.inputs), tuple(fgraph.outputs), own_inputs)


def snapshot(
    fgraph: FunctionGraph, *, inputs_of: InputsOf = own_inputs, body_of: BodyOf = own_body
) -> Graph:
    """Record a graph as it is now."""
    updates = dict(getattr(fgraph, "update_mapping", None) or {})
    return record(
        list(fgraph.inputs), list(fgraph.outputs), updates, inputs_of=inputs_of, body_of=body_of
    )


def record(
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    updates: Mapping[int, int],
    *,
    inputs_of: InputsOf = own_inputs,
    body_of: BodyOf = own_body,
) -> Graph:
    """Build the record of a graph from its inputs and outputs.

    `updates` maps the index of an output to that of the input whose new value it is.
    """
    order = evaluation_order(outputs, inputs, inputs_of)
    nodes = tuple(_node(apply, inputs_of, body_of) for apply in order)
    return Graph(
        inputs=tuple(inputs),
        outputs=tuple(v for i, v in enumerate(outputs) if i not in updates),
        nodes=nodes,
        updates=tuple((inputs[i], outputs[o]) for o, i in updates.items() if o < len(outputs)),
        made_by={v: node for node in nodes for v in node.outputs},
    )


def _node(apply: Any, inputs_of: InputsOf, body_of: BodyOf) -> Node:
    """Build the record of a node and of the graph inside it."""
    op_name, kind = name_and_kind(apply.op)
    operands = tuple(inputs_of(apply))
    if not is_loop(apply.op):
        return Node(apply, operands, op_name, kind)
    inner = body_of(apply.op)
    outputs, ins = list(inner.outputs), list(inner.inputs)
    order = evaluation_order(outputs, ins, inner.inputs_of)
    nodes = tuple(_node(inner_apply, inner.inputs_of, body_of) for inner_apply in order)
    roles_in, roles_out = roles(apply.op, operands, apply.outputs, len(ins), len(outputs))
    body = Graph(
        tuple(ins),
        tuple(outputs),
        nodes,
        input_roles=roles_in,
        output_roles=roles_out,
        made_by={v: node for node in nodes for v in node.outputs},
    )
    return Node(apply, operands, op_name, kind, body, steps_of(apply.op, operands))


def is_loop(op: Any) -> bool:
    """Return whether an op holds a graph of its own."""
    # A fused scalar op holds a graph too, but of arithmetic on one element.
    has_graph = isinstance(getattr(op, "fgraph", None), FunctionGraph)
    return has_graph and not isinstance(op, ScalarOp)


def is_scan(op: Any) -> bool:
    """Return whether an op is a scan."""
    return isinstance(op, Scan)


def steps_of(op: Any, operands: Sequence[Any]) -> int | None:
    """Return how often a body runs; None if that is known only at run time."""
    if not is_scan(op):
        return 1
    value = constant_of(operands[0])
    return None if value is None else int(value)


def constant_of(variable: Any) -> Any:
    """Return a constant's value, also behind scalar-tensor conversions; None if not constant."""
    while not isinstance(variable, Constant) and variable.owner is not None:
        if not isinstance(variable.owner.op, (TensorFromScalar, ScalarFromTensor)):
            return None
        variable = variable.owner.inputs[0]
    return variable.data if isinstance(variable, Constant) else None


def roles(
    op: Any, operands: Sequence[Any], results: Sequence[Any], n_inputs: int, n_outputs: int
) -> tuple[tuple[Role, ...], tuple[Role, ...]]:
    """Return the roles of a body's inputs and outputs in its loop."""
    if not is_scan(op):
        return (
            tuple(Role("argument", outer=outer) for outer in operands),
            tuple(Role("result", outer=outer) for outer in results),
        )
    info = op.info
    ins = [Role("sequence", (0,), outer) for outer in op.outer_seqs(operands)]
    for kind, outers, taps in (
        ("accumulator", op.outer_mitmot(operands), info.mit_mot_in_slices),
        ("state", op.outer_mitsot(operands), info.mit_sot_in_slices),
        ("state", op.outer_sitsot(operands), info.sit_sot_in_slices),
    ):
        ins += [
            Role(kind, (t,), outer) for outer, each in zip(outers, taps, strict=True) for t in each
        ]
    ins += [Role("carried", (-1,), outer) for outer in op.outer_shared(operands)]
    ins += [Role("constant", (), outer) for outer in op.outer_non_seqs(operands)]
    outs: list[Role] = []
    for outer, taps in zip(op.outer_mitmot_outs(results), info.mit_mot_out_slices, strict=True):
        outs += [Role("accumulator", (tap,), outer) for tap in taps]
    outs += [Role("state", (0,), outer) for outer in op.outer_mitsot_outs(results)]
    outs += [Role("state", (0,), outer) for outer in op.outer_sitsot_outs(results)]
    outs += [Role("collected", (0,), outer) for outer in op.outer_nitsot_outs(results)]
    outs += [Role("carried", (0,), outer) for outer in op.outer_shared_outs(results)]
    if info.as_while:
        outs.append(Role("until"))
    # Rewriting may add or remove an input or output that Aesara does not list: its role is generic.
    ins += [Role("constant")] * (n_inputs - len(ins))
    outs += [Role("collected")] * (n_outputs - len(outs))
    return tuple(ins[:n_inputs]), tuple(outs[:n_outputs])


def evaluation_order(
    outputs: Iterable[Any], inputs: Iterable[Any], inputs_of: InputsOf = own_inputs
) -> list[Any]:
    """Sort nodes so that each follows its operands and overwrites nothing that is still to be read.

    The order depends only on the structure of the graph: depth first from the outputs, but the
    readers of a value come before the node that overwrites it.
    """
    known = set(inputs)
    first = _post_order(outputs, known, lambda apply: inputs_of(apply), {})
    before = _overwriting(first, inputs_of)
    if not before:
        return first
    return _post_order(outputs, known, inputs_of, before)


def _post_order(
    outputs: Iterable[Any], known: set[Any], inputs_of: InputsOf, before: Mapping[Any, list[Any]]
) -> list[Any]:
    """Return the nodes in post-order from the outputs, each after its operands and `before`."""
    order: list[Any] = []
    state: dict[Any, bool] = {}
    for output in outputs:
        stack = [(output.owner, False)] if output.owner and output not in known else []
        while stack:
            apply, ready = stack.pop()
            if ready:
                if not state.get(apply):
                    state[apply] = True
                    order.append(apply)
                continue
            if apply in state:
                continue
            state[apply] = False
            stack.append((apply, True))
            needed = [v.owner for v in inputs_of(apply) if v.owner and v not in known]
            needed = [*before.get(apply, []), *needed]
            stack += [(node, False) for node in reversed(needed) if node not in state]
    return order


def _overwriting(order: Sequence[Any], inputs_of: InputsOf) -> dict[Any, list[Any]]:
    """Map each node that overwrites an operand to the nodes that must read it before."""
    if not any(apply.op.destroy_map for apply in order):
        return {}
    root: dict[Any, Any] = {}
    readers: dict[Any, list[Any]] = {}
    for apply in order:
        operands = inputs_of(apply)
        for k, result in enumerate(apply.outputs):
            viewed = (apply.op.view_map or {}).get(k)
            if viewed:
                root[result] = root.get(operands[viewed[0]], operands[viewed[0]])
        for operand in operands:
            readers.setdefault(root.get(operand, operand), []).append(apply)
    before: dict[Any, list[Any]] = {}
    for apply in order:
        operands = inputs_of(apply)
        for destroyed in (apply.op.destroy_map or {}).values():
            for index in destroyed:
                base = root.get(operands[index], operands[index])
                others = [n for n in readers.get(base, []) if n is not apply]
                before.setdefault(apply, []).extend(others)
    return before


def is_constant(variable: Any) -> bool:
    """Return whether a variable is a constant."""
    return isinstance(variable, Constant)


def is_shared(variable: Any) -> bool:
    """Return whether a variable is shared between functions, as weights are."""
    return isinstance(variable, SharedVariable)


def dtype_of(variable: Any) -> str:
    """Return the dtype of a variable, or the name of its type if it is no array."""
    dtype = getattr(variable.type, "dtype", None)
    if dtype is not None:
        return str(dtype)
    return str(type(variable.type).__name__).removesuffix("Type").lower()


def shape_of(variable: Any) -> tuple[int | None, ...] | None:
    """Return a variable's static shape; None if it is no array."""
    if isinstance(variable, Constant) and isinstance(variable.data, np.ndarray):
        return tuple(variable.data.shape)
    shape = getattr(variable.type, "shape", None)
    return tuple(shape) if isinstance(shape, (tuple, list)) else None
