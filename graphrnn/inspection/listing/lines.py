"""The typed listing: one line for each node, in evaluation order, loop bodies indented.

h_tm1      float32 (1, 256)   state, starts at h_0
dot        float32 (1, 256)   = dot(h_tm1, W_hh)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from graphrnn.inspection.record.graph import (
    Graph,
    Node,
    Role,
    dtype_of,
    is_constant,
    is_scan,
    is_shared,
)
from graphrnn.inspection.record.names import Names
from graphrnn.inspection.record.op_names import index_text, scalar_name
from graphrnn.inspection.record.op_table import settings
from graphrnn.inspection.record.shapes import Lengths
from graphrnn.symbolic.wording import show

from aesara.scalar.basic import Composite

WIDTH = 100
INDENT = 2


@dataclass(frozen=True)
class Line:
    """One line: a name, its type, and how it is computed.

    `part` is "input", "node", "fused", "output" or "update"; `depth` counts the loops around it;
    `operands` are the names that it reads. `variable` and `node` refer to the graph.
    """

    name: str
    dtype: str
    shape: str
    text: str
    part: str
    depth: int = 0
    op_name: str = ""
    kind: str = ""
    operands: tuple[str, ...] = ()
    steps: int | None = None
    variable: Any = field(default=None, compare=False, repr=False)
    node: Node | None = field(default=None, compare=False, repr=False)

    @property
    def type(self) -> str:
        """The type, as it is printed."""
        return f"{self.dtype} {self.shape}".strip()


@dataclass(frozen=True)
class Listing:
    """All lines of a graph, with a title."""

    title: str
    lines: tuple[Line, ...]

    def text(self, width: int = WIDTH) -> str:
        """Return the listing as text, with no line longer than `width`."""
        return "\n".join([self.title, *render(self.lines, width)]) + "\n"


def make_listing(graph: Graph, title: str, lengths: Lengths | None = None) -> Listing:
    """Build the listing of a graph; `lengths` know more of its shapes than its types.

    Example:
        >>> import aesara.tensor as at
        >>> from aesara.graph.fg import FunctionGraph
        >>> from graphrnn.inspection.record.graph import snapshot
        >>> x = at.TensorType("float64", (3,))("x")
        >>> graph = snapshot(FunctionGraph([x], [at.exp(x) - 1], clone=False))
        >>> print(make_listing(graph, "f").text())
        f: 3 nodes
        inputs
          x            float64 (3,)
        nodes
          exp          float64 (3,)  = exp(x)
          expand_dims  int8 (1,)     = expand_dims(1, axes=[new])
          sub          float64 (3,)  = sub(exp, expand_dims)
        returns
          sub
        <BLANKLINE>
    """
    count, loops = graph.count(), sum(_loops(graph))
    summary = f"{count} node{'' if count == 1 else 's'}"
    if loops:
        summary += f", {loops} loop{'' if loops == 1 else 's'}"
    lines = tuple(_Lister(lengths or Lengths(graph)).graph_lines(graph, Names(graph), 0))
    return Listing(f"{title}: {summary}", lines)


def _loops(graph: Graph) -> Iterator[int]:
    """Yield 1 for each loop, nested ones included."""
    for node in graph.nodes:
        if node.body is not None:
            yield 1
            yield from _loops(node.body)


class _Lister:
    """Builds the lines of a graph."""

    def __init__(self, lengths: Lengths) -> None:
        self.lengths = lengths

    def shape(self, variable: Any) -> str:
        """Format the shape of a variable."""
        return written_shape(self.lengths.of(variable))

    def graph_lines(self, graph: Graph, names: Names, depth: int) -> Iterator[Line]:
        """Yield the lines of a graph: its inputs, nodes, outputs and updates."""
        for k, variable in enumerate(graph.inputs):
            role = graph.input_roles[k] if graph.input_roles else None
            text = role_text(role, names, variable) if role else _input_text(variable)
            yield self.value_line(variable, names, text, "input", depth)
        for variable, name in names.constants.items():
            if name == names.written(variable):
                yield self.value_line(variable, names, "constant array", "input", depth)
        for node in graph.nodes:
            yield from self.node_lines(node, names, depth)
        for k, variable in enumerate(graph.outputs):
            role = graph.output_roles[k] if graph.output_roles else None
            yield Line(
                names.of(variable),
                "",
                "",
                output_text(role) if role else "",
                "output",
                depth,
                operands=(names.of(variable),),
                variable=variable,
            )
        for old, new in graph.updates:
            yield Line(
                names.of(old),
                "",
                "",
                f"← {names.of(new)}",
                "update",
                depth,
                operands=(names.of(new),),
                variable=new,
            )

    def value_line(self, variable: Any, names: Names, text: str, part: str, depth: int) -> Line:
        """Return the line of a variable without an expression."""
        return Line(
            names.of(variable),
            dtype_of(variable),
            self.shape(variable),
            text,
            part,
            depth,
            variable=variable,
        )

    def node_lines(self, node: Node, names: Names, depth: int) -> Iterator[Line]:
        """Yield the line of a node, one for each further result, and those of its body."""
        first, *others = node.outputs
        yield Line(
            names.of(first),
            dtype_of(first),
            self.shape(first),
            f"= {expression(node, names)}{_writes(node, names)}",
            "node",
            depth,
            node.op_name,
            node.kind,
            tuple(names.of(v) for v in node.inputs),
            node.steps if node.body is not None else None,
            first,
            node,
        )
        for k, other in enumerate(others, 2):
            line = self.value_line(
                other, names, f"  result {k} of {names.of(first)}", "node", depth
            )
            yield replace(line, op_name=f"{node.op_name}.{k}", kind=node.kind, node=node)
        if node.body is not None:
            yield from self.graph_lines(node.body, names.bodies[node], depth + 1)
        else:
            yield from _fused_lines(node, names, depth + 1)


def _input_text(variable: Any) -> str:
    return "shared" if is_shared(variable) else ""


def expression(node: Node, names: Names) -> str:
    """Format a node as a call: `dot(h_tm1, W_hh)`, `x[0, 1:]`, `set(x[0], v)`."""
    operands = list(node.inputs)
    if is_scan(node.op):
        steps = "?" if node.steps is None else str(node.steps)
        return f"scan {steps} steps ({', '.join(names.of(v) for v in operands[1:])})"
    skip = 1 if node.op_name == "slice" else 2
    rest = iter(operands[skip:])
    index = index_text(node.op, lambda: names.of(next(rest)))
    if index is not None and node.op_name == "slice":
        return f"{names.of(operands[0])}{index}"
    if index is not None:
        return f"{node.op_name}({names.of(operands[0])}{index}, {names.of(operands[1])})"
    arguments = [names.of(v) for v in operands]
    options = settings(node.op)
    return f"{node.op_name}({', '.join([*arguments, options] if options else arguments)})"


def _writes(node: Node, names: Names) -> str:
    """Return which operands a node shares memory with: `; view of x`, `; in place of x`."""
    destroyed = [i for entry in (node.op.destroy_map or {}).values() for i in entry]
    viewed = [i for entry in (node.op.view_map or {}).values() for i in entry]
    notes = []
    if destroyed:
        notes.append("in place of " + ", ".join(names.of(node.inputs[i]) for i in destroyed))
    elif viewed and node.kind not in ("shape", "index"):
        notes.append("view of " + ", ".join(names.of(node.inputs[i]) for i in viewed))
    return "".join(f"; {note}" for note in notes)


def _fused_lines(node: Node, names: Names, depth: int) -> Iterator[Line]:
    """Yield the scalar steps inside a fused elementwise node."""
    scalar: Any = getattr(node.op, "scalar_op", node.op)
    if not isinstance(scalar, Composite):
        return
    operand_names = dict(
        zip(scalar.fgraph.inputs, (names.of(v) for v in node.inputs), strict=False)
    )
    counts: dict[str, int] = {}
    steps = scalar.fgraph.toposort()
    for apply in steps:
        op_name = scalar_name(apply.op)
        counts[op_name] = counts.get(op_name, 0) + 1
        name = op_name if counts[op_name] == 1 else f"{op_name}_{counts[op_name]}"
        operands = tuple(operand_names.get(v) or _scalar_constant(v) for v in apply.inputs)
        for result in apply.outputs:
            operand_names[result] = f".{name}"
        yield Line(
            f".{name}",
            str(apply.outputs[0].type.dtype),
            "each",
            f"= {op_name}({', '.join(operands)})",
            "fused",
            depth,
            op_name,
            "elementwise",
            operands,
        )


def _scalar_constant(variable: Any) -> str:
    """Format an operand of a scalar step that is no result."""
    return str(variable.data) if is_constant(variable) else str(variable)


def role_text(role: Role, names: Names, variable: Any) -> str:
    """Describe the role of a body's input in its loop."""
    outer = _outer_name(role, names)
    if role.kind == "sequence":
        return f"sequence, each of {outer}" if outer else "sequence"
    if role.kind in ("constant", "argument"):
        return role.kind if outer in ("", names.of(variable)) else f"{role.kind} {outer}"
    when = f"[t{role.taps[0]:+d}]" if role.taps and role.taps[0] else "[t]"
    return f"{role.kind} {when}, starts at {outer}" if outer else f"{role.kind} {when}"


def output_text(role: Role) -> str:
    """Describe the role of a body's output in its loop."""
    if role.kind == "until":
        return "stops the loop when it holds"
    when = f"[t{role.taps[0]:+d}]" if role.taps and role.taps[0] else "[t]"
    return f"→ {role.kind} {when}"


def _outer_name(role: Role, names: Names) -> str:
    """Return the outer name of a body's input or output."""
    return names.outer.of(role.outer) if role.outer is not None and names.outer else ""


def written_shape(shape: Sequence[int | None] | None) -> str:
    """Format a shape, with ? for an unknown length; return an empty text for None.

    Example:
        >>> written_shape((8, None)), written_shape((3,)), written_shape(None)
        ('(8, ?)', '(3,)', '')
    """
    return "" if shape is None else show(shape)


HEADINGS = {"input": "inputs", "node": "nodes", "output": "returns", "update": "updates"}


def render(lines: Sequence[Line], width: int = WIDTH) -> list[str]:
    """Format lines in columns, with no row longer than `width`."""
    rows: list[str] = []
    columns = columns_of(lines)
    part = ""
    for line in lines:
        if line.depth == 0 and line.part in HEADINGS and line.part != part:
            part = line.part
            rows.append(HEADINGS[part])
        rows += layout(line, columns[line.depth], width)
    return rows


def columns_of(lines: Sequence[Line]) -> dict[int, tuple[int, int]]:
    """Return the widths of names and types at each depth; very long ones are ignored."""
    widths: dict[int, tuple[int, int]] = {}
    for depth in {line.depth for line in lines}:
        same_depth = [
            line
            for line in lines
            if line.depth == depth and line.part in ("input", "node", "fused")
        ]
        names = [len(line.name) for line in same_depth if len(line.name) <= 20]
        types = [len(line.type) for line in same_depth if len(line.type) <= 24]
        widths[depth] = (max(names, default=0), max(types, default=0))
    return widths


def layout(line: Line, columns: tuple[int, int], width: int) -> list[str]:
    """Format one line; what does not fit continues below, indented."""
    margin = " " * (INDENT + 4 * line.depth)
    if line.part in ("output", "update"):
        head = f"{margin}{'→ ' if line.depth else ''}{line.name} "
    else:
        head = f"{margin}{line.name:<{columns[0]}}  {line.type:<{columns[1]}}  "
    return wrap(head, line.text, width, margin + "    ")


def wrap(head: str, text: str, width: int, margin: str) -> list[str]:
    """Break a text at blanks so that no line is too long."""
    rows, row = [], head
    for word in text.split(" "):
        if len(row) + len(word) + 1 > width and row.strip():
            rows.append(row.rstrip())
            row = margin
        while len(row) + len(word) > width:
            space = max(1, width - len(row))
            rows.append(row + word[:space])
            word, row = word[space:], margin
        row += word + " "
    return [*rows, row.rstrip()] if row.strip() else rows
