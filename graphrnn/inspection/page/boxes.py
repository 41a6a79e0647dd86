"""Drawings of graphs: boxes with facts, arrows, and loops that contain boxes."""

import math
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from graphrnn.inspection.costs.costs import Costs
from graphrnn.inspection.listing.lines import expression, role_text, written_shape
from graphrnn.inspection.record.graph import Graph, Node, dtype_of, is_shared
from graphrnn.inspection.record.names import Names
from graphrnn.inspection.record.shapes import Lengths


@dataclass(frozen=True)
class Box:
    """A node, an input or a constant array. `word` is its op; `inside` is the box of its loop."""

    id: int
    name: str
    word: str
    kind: str
    type: str
    text: str
    inside: int | None = None
    count: int = 1
    facts: dict[str, str] = field(default_factory=dict)
    share: float = 0.0


@dataclass(frozen=True)
class Drawing:
    """All boxes and arrows of a graph; an arrow leads from a producer to a reader."""

    boxes: list[Box]
    arrows: list[tuple[int, int]]
    loops: list[int]
    nodes: dict[int, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def boxes_by_id(self) -> dict[int, Box]:
        """The boxes by their ids."""
        return {box.id: box for box in self.boxes}

    def data(self) -> dict[str, Any]:
        """Return the drawing as plain data."""
        return {
            "boxes": [asdict(box) for box in self.boxes],
            "arrows": self.arrows,
            "loops": self.loops,
        }


class _Drawer:
    """Collects the boxes and arrows of a graph."""

    def __init__(self, costs: Costs | None, lengths: Lengths) -> None:
        self.costs, self.lengths = costs, lengths
        self.boxes: list[Box] = []
        self.arrows: list[tuple[int, int]] = []
        self.loops: list[int] = []
        self.nodes: dict[int, Any] = {}
        self.made: dict[tuple[int | None, Any], int] = {}
        self.total = (costs.seconds or 0.0) if costs else 0.0

    def add(self, box: Box) -> int:
        self.boxes.append(box)
        return box.id

    def type(self, variable: Any) -> str:
        return f"{dtype_of(variable)} {written_shape(self.lengths.of(variable))}".strip()

    def graph(self, graph: Graph, names: Names, inside: int | None) -> None:
        for k, variable in enumerate(graph.inputs):
            role = graph.input_roles[k] if graph.input_roles else None
            kind = "shared" if is_shared(variable) else "input"
            text = role_text(role, names, variable) if role else kind
            self.value(variable, names, role.kind if role else kind, text, inside)
        for variable in names.constants:
            if names.of(variable) == names.written(variable):
                self.value(variable, names, "constant", "constant array", inside)
        for node in graph.nodes:
            self.node(node, names, inside)

    def value(self, variable: Any, names: Names, kind: str, text: str, inside: int | None) -> None:
        shape = self.type(variable)
        box = Box(len(self.boxes), names.of(variable), kind, "value", shape, text, inside)
        self.made[inside, variable] = self.add(box)

    def node(self, node: Node, names: Names, inside: int | None) -> None:
        first = node.outputs[0]
        cost = self.costs.rows.get(node) if self.costs else None
        share = (cost.seconds or 0.0) / self.total if cost and self.total else 0.0
        box = Box(
            len(self.boxes),
            names.of(first),
            node.op_name,
            node.kind,
            self.type(first),
            expression(node, names),
            inside,
            facts=cost_facts(self.costs, node),
            share=round(share, 6),
        )
        number = self.add(box)
        self.nodes[number] = node
        for result in node.outputs:
            self.made[inside, result] = number
        for operand in dict.fromkeys(node.inputs):
            source = self.made.get((inside, operand))
            if source is not None:
                self.arrows.append((source, number))
        if node.body is None:
            return
        self.loops.append(number)
        self.graph(node.body, names.bodies[node], number)
        for variable, role in zip(node.body.inputs, node.body.input_roles, strict=True):
            source = self.made.get((inside, role.outer))
            if source is not None:
                self.arrows.append((source, self.made[number, variable]))
        for variable in dict.fromkeys(node.body.outputs):
            source = self.made.get((number, variable))
            if source is not None:
                self.arrows.append((source, number))


def draw(graph: Graph, costs: Costs | None = None, lengths: Lengths | None = None) -> Drawing:
    """Draw a graph as boxes and arrows."""
    drawer = _Drawer(costs, lengths or Lengths(graph))
    drawer.graph(graph, Names(graph), None)
    return Drawing(drawer.boxes, drawer.arrows, drawer.loops, drawer.nodes)


def cost_facts(costs: Costs | None, node: Node) -> dict[str, str]:
    """Return the cost of a node as facts for its box."""
    cost = costs.rows.get(node) if costs else None
    if cost is None:
        return {}
    facts = {"operations": amount(cost.flops), "bytes": amount(cost.bytes)}
    if cost.runs not in (None, 1):
        facts["runs"] = f"{cost.runs:,}"
    if cost.seconds is not None:
        how = "measured" if cost.measured else "modelled"
        facts["time"] = f"{cost.seconds * 1e6:,.2f} us, {how}"
        if costs and costs.seconds:
            facts["share"] = f"{cost.seconds / costs.seconds:.1%}"
    if cost.bound:
        facts["bound by"] = cost.bound
    return facts


def amount(value: int | None) -> str:
    """Format a count that may be unknown.

    Example:
        >>> amount(1234567), amount(None)
        ('1,234,567', 'depends on the data')
    """
    return "depends on the data" if value is None else f"{value:,}"


def folded(drawing: Drawing) -> Drawing:
    """Fold boxes that apply the same op to the same kinds of operands into one with a count.

    A graph unrolled over time becomes as large as one step.
    """
    sources_of: dict[int, list[int]] = {}
    for source, target in drawing.arrows:
        sources_of.setdefault(target, []).append(source)
    key_of: dict[int, tuple[Any, ...]] = {}
    for box in drawing.boxes:
        sources = (drawing.boxes_by_id[k] for k in sources_of.get(box.id, []))
        operands = tuple(dict.fromkeys((s.word, s.type) for s in sources))
        name = box.name if box.kind == "value" else ""
        key_of[box.id] = (box.word, box.type, box.inside, name, operands)
    first: dict[tuple[Any, ...], int] = {}
    count: dict[int, int] = {}
    share: dict[int, float] = {}
    for box in drawing.boxes:
        target = first.setdefault(key_of[box.id], box.id)
        count[target] = count.get(target, 0) + 1
        share[target] = share.get(target, 0.0) + box.share
    boxes = [
        Box(**{**box.__dict__, "count": count[box.id], "share": share[box.id]})
        for box in drawing.boxes
        if box.id in count
    ]
    to = {box.id: first[key_of[box.id]] for box in drawing.boxes}
    arrows = list(dict.fromkeys((to[a], to[b]) for a, b in drawing.arrows if to[a] != to[b]))
    loops = [k for k in drawing.loops if k in count]
    return Drawing(boxes, arrows, loops, drawing.nodes)


def size_of(box: Box) -> tuple[float, float]:
    """Return the width and height of a box in points, which grow with its labels and cost."""
    characters = max(len(label) for label in labels(box))
    growth = 1 + 1.2 * math.sqrt(max(0.0, min(1.0, box.share)))
    return (7.2 * characters + 18) * (1 + (growth - 1) / 2), 34 * growth


def labels(box: Box) -> tuple[str, str]:
    """Return the two rows of text in a box."""
    times = f" \N{MULTIPLICATION SIGN} {box.count}" if box.count > 1 else ""
    name_is_enough = box.kind == "value" or re.fullmatch(rf"{re.escape(box.word)}(_\d+)?", box.name)
    top = box.name if name_is_enough else f"{box.name}  {box.word}"
    return top[:34] + times, box.type[:34]


def visible(drawing: Drawing, opened: set[int]) -> Iterator[Box]:
    """Yield the boxes that are visible when these loops are open."""
    loop_of = {box.id: box.inside for box in drawing.boxes}
    for box in drawing.boxes:
        loop = box.inside
        while loop is not None and loop in opened:
            loop = loop_of[loop]
        if loop is None:
            yield box
