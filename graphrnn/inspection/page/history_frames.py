"""Draws each step of the history: the nodes that it removes, adds and changes, and their inputs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphrnn.inspection.listing.lines import written_shape
from graphrnn.inspection.page.boxes import Box, labels
from graphrnn.inspection.page.graphviz import lay_out_all
from graphrnn.inspection.record.graph import dtype_of, is_constant, shape_of
from graphrnn.inspection.record.names import clean, literal
from graphrnn.inspection.record.op_table import name_and_kind, settings
from graphrnn.inspection.rewriting.history import GraphHistory, Step

MOST = 36
"""The largest number of nodes drawn for one step; a note reports how many are left out."""


@dataclass(frozen=True)
class Frame:
    """The picture of one step: boxes with their states, arrows, and the lines that changed."""

    step: Step
    graph: str
    boxes: list[Box]
    states: dict[int, str]
    arrows: list[tuple[int, int]]
    lines: list[tuple[str, str]]


class _Labels:
    """Names of variables that stay the same through all steps."""

    def __init__(self) -> None:
        self.names: dict[Any, str] = {}
        self.counts: dict[str, int] = {}

    def of(self, variable: Any) -> str:
        if is_constant(variable):
            return literal(variable) or "constant"
        if variable not in self.names:
            name = clean(variable.name)
            if not name:
                name = name_and_kind(variable.owner.op)[0] if variable.owner else "input"
            self.counts[name] = self.counts.get(name, 0) + 1
            number = self.counts[name]
            self.names[variable] = name if number == 1 else f"{name}_{number}"
        return self.names[variable]

    def line(self, apply: Any, operands: Iterable[Any]) -> str:
        op_name, _ = name_and_kind(apply.op)
        arguments = [*(self.of(v) for v in operands), settings(apply.op)]
        names = ", ".join(self.of(v) for v in apply.outputs)
        return f"{names} = {op_name}({', '.join(text for text in arguments if text)})"


def frames(history: GraphHistory, steps: list[Step]) -> Iterator[Frame]:
    """Replay the history and yield a picture of each step."""
    operands = {node: list(inputs) for node, inputs in history.operands.items()}
    outputs = list(history.outputs)
    names = _Labels()
    at = 0
    for step in steps:
        at = _play(history, operands, outputs, at, step.first)
        before = {n: list(operands[n]) for n in _live(operands, outputs)}
        outputs_before = list(outputs)
        at = _play(history, operands, outputs, at, step.last)
        after = {n: list(operands[n]) for n in _live(operands, outputs)}
        yield _frame(history, step, before, after, names, outputs_before != outputs)


def _play(
    history: GraphHistory, operands: dict[Any, list[Any]], outputs: list[Any], at: int, to: int
) -> int:
    """Apply the edits from `at` up to `to`, and return the index of the next edit."""
    for edit in history.edits[at:to]:
        for node, inputs in edit.imported:
            operands[node] = list(inputs)
        if isinstance(edit.node, str):
            outputs[edit.index] = edit.new
        else:
            operands[edit.node][edit.index] = edit.new
    return max(at, to)


def _live(operands: Mapping[Any, list[Any]], outputs: Iterable[Any]) -> dict[Any, None]:
    """Return the nodes that the outputs depend on."""
    live: dict[Any, None] = {}
    waiting = [v.owner for v in outputs if v.owner is not None]
    while waiting:
        node = waiting.pop()
        if node in live:
            continue
        live[node] = None
        inputs = operands.get(node, node.inputs)
        waiting += [v.owner for v in inputs if v.owner is not None]
    return live


def _frame(
    history: GraphHistory,
    step: Step,
    before: dict[Any, list[Any]],
    after: dict[Any, list[Any]],
    names: _Labels,
    output_changed: bool,
) -> Frame:
    """Draw one step."""
    state: dict[Any, str] = {n: "removed" for n in before if n not in after}
    state |= {n: "added" for n in after if n not in before}
    state |= {n: "changed" for n in after if n in before and before[n] != after[n]}
    shown = dict(list(state.items())[:MOST])
    for node in list(shown):
        for operand in (after if node in after else before)[node]:
            if operand.owner is not None and operand.owner not in shown:
                shown.setdefault(operand.owner, "context")
    ids = {node: k for k, node in enumerate(shown)}
    boxes = [_box(ids[node], node, names) for node in shown]
    arrows = []
    for node in shown:
        for inputs in (before.get(node), after.get(node)):
            arrows += [
                (ids[operand.owner], ids[node])
                for operand in inputs or ()
                if operand.owner in ids and shown[node] != "context"
            ]
    lines: list[tuple[str, str]] = []
    for sign, kind, graph in (("-", "removed", before), ("+", "added", after)):
        lines += [(sign, names.line(n, graph[n])) for n, mark in state.items() if mark == kind]
    for node, mark in state.items():
        if mark == "changed":
            lines += [("-", names.line(node, before[node])), ("+", names.line(node, after[node]))]
    if len(state) > MOST:
        lines.append((" ", f"the picture shows {MOST} of {len(state)} nodes"))
    if output_changed and not lines:
        lines.append((" ", "an output of the graph is another variable now"))
    marks = {ids[n]: mark for n, mark in shown.items()}
    return Frame(step, history.title, boxes, marks, list(dict.fromkeys(arrows)), lines)


def _box(number: int, node: Any, names: _Labels) -> Box:
    """Draw a node of a step."""
    op_name, kind = name_and_kind(node.op)
    first = node.outputs[0]
    type_text = f"{dtype_of(first)} {written_shape(shape_of(first))}".strip()
    return Box(number, names.of(first), op_name, kind, type_text, names.line(node, node.inputs))


def frame_data(history: GraphHistory, steps: list[Step]) -> list[dict[str, Any]]:
    """Return all frames as plain data, laid out by one run of Graphviz."""
    from graphrnn.inspection.page.boxes import Drawing
    from graphrnn.inspection.page.graphviz import dot_text

    drawn = list(frames(history, steps))
    drawings = [Drawing(frame.boxes, frame.arrows, []) for frame in drawn]
    layouts = lay_out_all([dot_text(drawing, styled=False) for drawing in drawings])
    return [
        {
            "rewrite": frame.step.rewrite,
            "graph": frame.graph,
            "edits": frame.step.last - frame.step.first,
            "ms": round(frame.step.seconds * 1e3, 2),
            "boxes": [
                {
                    "id": box.id,
                    "name": box.name,
                    "word": box.word,
                    "kind": box.kind,
                    "type": box.type,
                    "text": box.text,
                    "labels": labels(box),
                    "state": frame.states[box.id],
                }
                for box in frame.boxes
            ],
            "layout": layout.data(),
            "lines": frame.lines,
        }
        for frame, layout in zip(drawn, layouts, strict=True)
    ]
