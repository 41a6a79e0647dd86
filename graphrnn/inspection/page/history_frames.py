"""Draws each step of the history: what was there, what went, what came, and what is beside it."""

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
"""Nodes in the picture of one step; a step that touches more is cut, and says so."""


@dataclass(frozen=True)
class Frame:
    """The picture of one step: boxes with their state, arrows, and the lines that changed."""

    step: Step
    graph: str
    boxes: list[Box]
    states: dict[int, str]
    arrows: list[tuple[int, int]]
    lines: list[tuple[str, str]]


class _Labels:
    """Names that stay the same through all steps."""

    def __init__(self) -> None:
        self.told: dict[Any, str] = {}
        self.counts: dict[str, int] = {}

    def of(self, variable: Any) -> str:
        if is_constant(variable):
            return literal(variable) or "constant"
        if variable not in self.told:
            word = clean(variable.name)
            if not word:
                word = name_and_kind(variable.owner.op)[0] if variable.owner else "input"
            self.counts[word] = self.counts.get(word, 0) + 1
            number = self.counts[word]
            self.told[variable] = word if number == 1 else f"{word}_{number}"
        return self.told[variable]

    def line(self, apply: Any, operands: Iterable[Any]) -> str:
        word, _ = name_and_kind(apply.op)
        inside = [*(self.of(v) for v in operands), settings(apply.op)]
        names = ", ".join(self.of(v) for v in apply.outputs)
        return f"{names} = {word}({', '.join(one for one in inside if one)})"


def frames(history: GraphHistory, steps: list[Step]) -> Iterator[Frame]:
    """Play the history and take a picture at each step."""
    operands = {node: list(told) for node, told in history.operands.items()}
    outputs = list(history.outputs)
    named = _Labels()
    at = 0
    for step in steps:
        at = _play(history, operands, outputs, at, step.first)
        before = {n: list(operands[n]) for n in _live(operands, outputs)}
        was = list(outputs)
        at = _play(history, operands, outputs, at, step.last)
        after = {n: list(operands[n]) for n in _live(operands, outputs)}
        yield _frame(history, step, before, after, named, was != outputs)


def _play(
    history: GraphHistory, operands: dict[Any, list[Any]], outputs: list[Any], at: int, to: int
) -> int:
    """Apply edits up to a number."""
    for edit in history.edits[at:to]:
        for node, told in edit.imported:
            operands[node] = list(told)
        if isinstance(edit.node, str):
            outputs[edit.index] = edit.new
        else:
            operands[edit.node][edit.index] = edit.new
    return max(at, to)


def _live(operands: Mapping[Any, list[Any]], outputs: Iterable[Any]) -> dict[Any, None]:
    """Find the nodes that the outputs need."""
    found: dict[Any, None] = {}
    waiting = [v.owner for v in outputs if v.owner is not None]
    while waiting:
        node = waiting.pop()
        if node in found:
            continue
        found[node] = None
        told = operands.get(node, node.inputs)
        waiting += [v.owner for v in told if v.owner is not None]
    return found


def _frame(
    history: GraphHistory,
    step: Step,
    before: dict[Any, list[Any]],
    after: dict[Any, list[Any]],
    named: _Labels,
    output_changed: bool,
) -> Frame:
    """Take the picture of one step."""
    state: dict[Any, str] = {n: "removed" for n in before if n not in after}
    state |= {n: "added" for n in after if n not in before}
    state |= {n: "changed" for n in after if n in before and before[n] != after[n]}
    shown = dict(list(state.items())[:MOST])
    for node in list(shown):
        for operand in (after if node in after else before)[node]:
            if operand.owner is not None and operand.owner not in shown:
                shown.setdefault(operand.owner, "context")
    ids = {node: k for k, node in enumerate(shown)}
    boxes = [_box(ids[node], node, named) for node in shown]
    arrows = []
    for node in shown:
        for told in (before.get(node), after.get(node)):
            arrows += [
                (ids[operand.owner], ids[node])
                for operand in told or ()
                if operand.owner in ids and shown[node] != "context"
            ]
    lines: list[tuple[str, str]] = []
    for sign, kind, graph in (("-", "removed", before), ("+", "added", after)):
        lines += [(sign, named.line(n, graph[n])) for n, mark in state.items() if mark == kind]
    for node, mark in state.items():
        if mark == "changed":
            lines += [("-", named.line(node, before[node])), ("+", named.line(node, after[node]))]
    if len(state) > MOST:
        lines.append((" ", f"the picture shows {MOST} of {len(state)} nodes"))
    if output_changed and not lines:
        lines.append((" ", "an output of the graph is another variable now"))
    marks = {ids[n]: mark for n, mark in shown.items()}
    return Frame(step, history.title, boxes, marks, list(dict.fromkeys(arrows)), lines)


def _box(number: int, node: Any, named: _Labels) -> Box:
    """Draw a node of a step."""
    word, kind = name_and_kind(node.op)
    first = node.outputs[0]
    told = f"{dtype_of(first)} {written_shape(shape_of(first))}".strip()
    return Box(number, named.of(first), word, kind, told, named.line(node, node.inputs))


def film(history: GraphHistory, steps: list[Step]) -> list[dict[str, Any]]:
    """Give all frames as plain data, laid out by one run of Graphviz."""
    from graphrnn.inspection.page.boxes import Drawing
    from graphrnn.inspection.page.graphviz import dot_text

    told = list(frames(history, steps))
    drawings = [Drawing(frame.boxes, frame.arrows, []) for frame in told]
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
        for frame, layout in zip(told, layouts, strict=True)
    ]
