"""Builds the page: one HTML file that needs no network and no server."""

import json
from importlib.resources import files
from itertools import combinations
from typing import Any

from graphrnn.errors import UserError
from graphrnn.inspection.page.boxes import Drawing, amount, draw, folded, labels
from graphrnn.inspection.page.graphviz import dot_text, lay_out_all
from graphrnn.inspection.page.history_frames import frame_data
from graphrnn.inspection.record.graph import Graph
from graphrnn.inspection.rewriting.history import replay, steps_of
from graphrnn.inspection.stages import Stages

FOLD_FROM = 400
"""A drawing with more boxes is folded, so that an unrolled loop can be surveyed."""

CODE = 6_000
"""The largest number of characters of code shown for a node."""


def page(inspection: Stages) -> str:
    """Return the page."""
    folder = files("graphrnn.inspection") / "page"
    text = (folder / "page.html").read_text(encoding="utf-8")
    script = (folder / "page.js").read_text(encoding="utf-8")
    style = (folder / "page.css").read_text(encoding="utf-8")
    for mark, value in (
        ("{{CSS}}", style),
        ("{{SCRIPT}}", script),
        ("{{DATA}}", embedded(page_data(inspection))),
    ):
        text = text.replace(mark, value, 1)
    return text


def embedded(data: Any) -> str:
    r"""Return data as JSON that is safe inside a script element, whatever names it holds.

    Example:
        >>> embedded(["</script>"])
        '["\\u003c/script>"]'
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    text = text.replace("<", "\\u003c").replace("\u2028", "\\u2028")
    return text.replace("\u2029", "\\u2029")


def page_data(inspection: Stages) -> dict[str, Any]:
    """Return what the page shows as plain data."""
    written = inspection.first
    names = [stage for stage in inspection.stages if stage != "native"]
    stages = [_stage(inspection, name) for name in names]
    origins = _origins(inspection, written)
    rewritten = next(stage for stage in stages if stage["name"] == "rewritten")
    rewritten["origins"] = origins
    costs = inspection.costs(inspection.machine)
    return {
        "title": inspection.title,
        "first": "rewritten",
        "written": written,
        "stages": stages,
        "listings": {name: inspection.text(name) for name in inspection.stages},
        "history": [
            frame
            for history in inspection.histories
            for frame in frame_data(history, steps_of(history))
        ],
        "costs": _cost_rows(inspection),
        "memory": _memory(inspection),
        "timing": _timing(inspection),
        "summary": (
            f"{costs.flops:,} operations, {costs.bytes:,} bytes moved in one call"
            + (f", {costs.seconds * 1e6:,.0f} us by the roofline model" if costs.seconds else "")
        ),
    }


def _stage(inspection: Stages, name: str) -> dict[str, Any]:
    """Return a stage as plain data: boxes, layouts, code and origins."""
    graph = inspection.graph(name)
    costs = inspection.costs(inspection.machine) if name == "rewritten" else None
    whole = draw(graph, costs, inspection.lengths(name))
    many = len(whole.boxes) > FOLD_FROM
    drawing = folded(whole) if many else whole
    code = {}
    if name == "rewritten":
        for box in drawing.boxes:
            if box.id in whole.nodes:
                language, text = inspection.code(whole.nodes[box.id])
                code[str(box.id)] = [language, text[:CODE]]
    data = drawing.data()
    for box, entry in zip(drawing.boxes, data["boxes"], strict=True):
        entry["labels"] = labels(box)
        node = whole.nodes.get(box.id)
        if node is not None:
            entry["origin"] = inspection.origin(node).text()
    return {
        "name": name,
        "count": len(whole.nodes),
        "folded": many,
        "code": code,
        "layouts": layouts(drawing),
        **data,
    }


def layouts(drawing: Drawing) -> dict[str, Any]:
    """Lay out a drawing for each combination of open loops, or of at most one if they are many.

    A loop inside another one opens together with it.
    """
    loop_of = {box.id: box.inside for box in drawing.boxes}
    outer = [k for k in drawing.loops if loop_of[k] is None]
    few = len(outer) <= 3
    sizes = range(len(outer) + 1) if few else range(2)
    ways = [way for size in sizes for way in combinations(outer, size)]
    opened = []
    for way in ways:
        loops = set(way)
        for k in drawing.loops:
            if loop_of[k] in loops:
                loops.add(k)
        opened.append(loops)
    laid_out = lay_out_all([dot_text(drawing, loops, styled=False) for loops in opened])
    return {
        ",".join(str(k) for k in sorted(way)): layout.data()
        for way, layout in zip(ways, laid_out, strict=True)
    }


def _origins(inspection: Stages, written: str) -> dict[str, list[int]]:
    """Map each box of the rewritten graph to the boxes of the written graph that it comes from."""
    if inspection.source.function is not None:
        return {}
    lengths = inspection.lengths(written)
    before = draw(inspection.graph(written), None, lengths)
    number_of: dict[Any, int] = {}
    # The compiler copies the graph before it rewrites it; both are drawn in the same order.
    copied = draw(replay(inspection.rewritten.history, 0), None, lengths)
    pairs = zip(before.nodes.items(), copied.nodes.items(), strict=False)
    for (k, node), (_, copy) in pairs:
        if node.op_name != copy.op_name:
            return {}
        number_of[copy.apply] = k
    after = draw(inspection.graph("rewritten"), None, inspection.lengths("rewritten"))
    origins: dict[str, list[int]] = {}
    for k, node in after.nodes.items():
        numbers = [number_of[a] for a in inspection.origin(node).ancestors if a in number_of]
        if node.apply in number_of:
            numbers.append(number_of[node.apply])
        if numbers:
            origins[str(k)] = sorted(set(numbers))
    return origins


def _cost_rows(inspection: Stages) -> list[dict[str, Any]]:
    """Return the rows of the cost table, the most expensive first."""
    costs = inspection.costs(inspection.machine)
    drawing = draw(inspection.graph("rewritten"), costs, inspection.lengths("rewritten"))
    rows = []
    for box in drawing.boxes:
        node = drawing.nodes.get(box.id)
        if node is None or node.body is not None or not (box.share or costs.rows[node].flops):
            continue
        cost = costs.rows[node]
        rows.append(
            {
                "name": box.name,
                "word": box.word,
                "operations": amount(cost.flops),
                "bytes": amount(cost.bytes),
                "time": f"{(cost.seconds or 0) * 1e6:,.2f} us",
                "share": box.share,
                "bound": cost.bound,
            }
        )
    return sorted(rows, key=lambda row: -float(row["share"]))


def _memory(inspection: Stages) -> dict[str, Any]:
    """Return the live bytes along the schedule."""
    moments = inspection.memory()
    peak = max((moment.live for moment in moments), default=0)
    views = sum(moment.how == "view" for moment in moments)
    in_place = sum(moment.how == "in place" for moment in moments)
    return {
        "live": [moment.live for moment in moments],
        "names": [f"{moment.node.op_name} ({moment.how})" for moment in moments],
        "text": f"peak {peak:,} bytes; {views} views, {in_place} in place",
    }


def _timing(inspection: Stages) -> dict[str, Any]:
    """Return the time of each rewrite."""
    timing = inspection.timing
    rewrites = [
        (part.phase, part.rewrite[:80], f"{part.seconds * 1e3:.1f}", part.calls)
        for part in timing.rewrites()[:60]
    ]
    return {
        "total": f"{timing.total * 1e3:,.0f} ms, {timing.outside * 1e3:,.0f} ms of it outside",
        "rewrites": rewrites,
    }


def graph_for_file(inspection: Stages, stage: str) -> Graph:
    """Return the graph that a picture file shows.

    Raises:
        UserError: the stage has no graph.
    """
    if stage == "native":
        raise UserError("stage 'native' is a program and no graph; it can be printed, not drawn")
    return inspection.graph(stage)
