"""Counts the costs of a graph: operations, bytes, and what bounds each node on this machine.

A product of (m, k) and (k, n) matrices takes 2mnk operations. An elementwise node takes one for
each element and scalar step (a division or a tanh counts as one), a reduction one for each element
that it reads, a softmax five. The body of a loop counts once a step. A node reads its operands
once and writes its results once; views move nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphrnn.inspection.record.graph import Graph, Node
from graphrnn.inspection.record.op_table import bytes_of_variable, entry_of
from graphrnn.inspection.record.shapes import Lengths


@dataclass(frozen=True)
class Machine:
    """The peak rates of this machine: operations and bytes in a second."""

    flops: float
    bytes: float


@dataclass(frozen=True)
class Cost:
    """The cost of a node in one call of the function, over all steps of the loops around it.

    None stands for a count that depends on the data. `seconds` is measured if `measured`, else
    modelled: arithmetic at the machine's peak or every byte at the speed of main memory, whichever
    takes longer (the roofline of Williams, Waterman and Patterson, 2009). Data in caches is faster.
    """

    runs: int | None
    flops: int | None
    bytes: int | None
    seconds: float | None = None
    measured: bool = False
    bound: str = ""


@dataclass(frozen=True)
class Costs:
    """The cost of each node, also inside loops; the row of a loop itself is not in the totals."""

    rows: Mapping[Node, Cost]
    machine: Machine | None = None

    def _sum(self, name: str) -> float:
        own = (cost for node, cost in self.rows.items() if node.body is None)
        return sum(getattr(cost, name) or 0 for cost in own)

    @property
    def flops(self) -> int:
        """All operations of one call."""
        return int(self._sum("flops"))

    @property
    def bytes(self) -> int:
        """All bytes moved in one call."""
        return int(self._sum("bytes"))

    @property
    def seconds(self) -> float:
        """The time of all nodes."""
        return self._sum("seconds")

    @property
    def products(self) -> int:
        """The operations of matrix products alone."""
        rows = self.rows.items()
        return sum(cost.flops or 0 for node, cost in rows if node.kind == "product")

    @property
    def unknown(self) -> int:
        """How many nodes have a cost that depends on the data."""
        return sum(cost.flops is None or cost.bytes is None for cost in self.rows.values())


def count_costs(
    graph: Graph,
    lengths: Lengths | None = None,
    machine: Machine | None = None,
    measured: Mapping[Any, float] | None = None,
) -> Costs:
    """Count the cost of every node.

    `measured` maps Aesara's nodes to seconds, over all runs in one call of the function.

    Example:
        >>> import aesara.tensor as at
        >>> from aesara.graph.fg import FunctionGraph
        >>> from graphrnn.inspection.record.graph import snapshot
        >>> A, B = at.TensorType("float32", (2, 3))("A"), at.TensorType("float32", (3, 4))("B")
        >>> count_costs(snapshot(FunctionGraph([A, B], [at.dot(A, B)], clone=False))).flops
        48
    """
    rows: dict[Node, Cost] = {}
    _walk(graph, lengths or Lengths(graph), 1, rows, machine, measured or {})
    return Costs(rows, machine)


def _walk(
    graph: Graph,
    lengths: Lengths,
    runs: int | None,
    rows: dict[Node, Cost],
    machine: Machine | None,
    measured: Mapping[Any, float],
) -> None:
    """Add the costs of the nodes of a graph that runs `runs` times to `rows`."""
    for node in graph.nodes:
        if node.body is not None:
            inner = None if runs is None or node.steps is None else runs * node.steps
            before = set(rows)
            _walk(node.body, lengths, inner, rows, machine, measured)
            inside = [c for n, c in rows.items() if n not in before and n.body is None]
            rows[node] = _loop_cost(inside, runs, measured.get(node.apply))
            continue
        flops, moved = flops_of(node, lengths), bytes_of(node, lengths)
        total = None if runs is None or flops is None else runs * flops
        traffic = None if runs is None or moved is None else runs * moved
        rows[node] = _bounded(runs, total, traffic, machine, measured.get(node.apply))


def _loop_cost(inside: list[Cost], runs: int | None, measured: float | None) -> Cost:
    """Return the cost of a loop: that of its body over all steps."""

    def total(name: str) -> Any:
        values = [getattr(cost, name) for cost in inside]
        return None if any(value is None for value in values) else sum(values)

    seconds = measured if measured is not None else total("seconds")
    return Cost(runs, total("flops"), total("bytes"), seconds, measured is not None)


def _bounded(
    runs: int | None,
    flops: int | None,
    moved: int | None,
    machine: Machine | None,
    measured: float | None,
) -> Cost:
    """Return the cost of a node, with what bounds it and its time by the roofline model."""
    seconds, bound = measured, ""
    if machine is not None and flops is not None and moved is not None:
        computing, moving = flops / machine.flops, moved / machine.bytes
        if computing or moving:
            bound = "arithmetic" if computing >= moving else "memory"
        if measured is None:
            seconds = max(computing, moving)
    return Cost(runs, flops, moved, seconds, measured is not None, bound)


def flops_of(node: Node, lengths: Lengths) -> int | None:
    """Count the operations of one run of a node."""
    return entry_of(node.op).flops(node, lengths)


def bytes_of(node: Node, lengths: Lengths) -> int | None:
    """Count the bytes that one run of a node reads and writes."""
    return 0 if is_view(node) else entry_of(node.op).bytes(node, lengths)


def is_view(node: Node) -> bool:
    """Return whether a node's results are views of its operands."""
    return bool(node.op.view_map) and not node.op.destroy_map


# --- memory along the schedule ------------------------------------------------------------------


@dataclass(frozen=True)
class Moment:
    """The memory in use while a node runs. `how` is "new", "view", "in place" or ""."""

    node: Node
    live: int
    made: int
    how: str


def memory(graph: Graph, lengths: Lengths | None = None) -> list[Moment]:
    """Compute live bytes along the evaluation order, without inputs and weights.

    A result is live until its last reader has run; a view keeps its base live; a node that works in
    place takes over the memory of its operand.
    """
    lengths = lengths or Lengths(graph)
    base: dict[Any, Any] = {}
    last: dict[Any, int] = {}
    results = {*graph.outputs, *(new for _, new in graph.updates)}
    for k, node in enumerate(graph.nodes):
        for operand in node.inputs:
            last[base.get(operand, operand)] = k
        shared = {**(node.op.view_map or {}), **(node.op.destroy_map or {})}
        for j, result in enumerate(node.outputs):
            if j in shared:
                source = node.inputs[shared[j][0]]
                base[result] = base.get(source, source)
            last.setdefault(base.get(result, result), k)
    for variable in results:
        last[base.get(variable, variable)] = len(graph.nodes)
    live: dict[Any, int] = {}
    moments = []
    for k, node in enumerate(graph.nodes):
        fresh = [v for v in node.outputs if v not in base]
        sizes = {v: bytes_of_variable(v, lengths) or 0 for v in fresh}
        live |= sizes
        inside = max((m.live for m in memory(node.body, lengths)), default=0) if node.body else 0
        how = "in place" if node.op.destroy_map else "view" if is_view(node) else "new"
        moments.append(Moment(node, sum(live.values()) + inside, sum(sizes.values()), how))
        live = {v: size for v, size in live.items() if last[v] > k}
    return moments
