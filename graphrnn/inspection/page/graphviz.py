"""Lays out drawings by Graphviz: `dot` on PATH, else the wheel `graphviz-pure`."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphrnn.errors import UserError
from graphrnn.inspection.page.boxes import Box, Drawing, labels, size_of, visible

COLORS = {
    "product": "#e8a33d",
    "elementwise": "#5b9bd5",
    "reduce": "#9b7fd1",
    "index": "#58b09c",
    "shape": "#b8bcc4",
    "loop": "#d9678b",
    "random": "#c9b458",
    "other": "#a8907c",
    "value": "#f4f4f4",
}


@dataclass(frozen=True)
class Layout:
    """The positions of boxes and arrows in points, y downward; `clusters` frame open loops."""

    width: float
    height: float
    boxes: dict[int, tuple[float, float, float, float]]
    arrows: list[tuple[int, int, str]]
    clusters: dict[int, tuple[float, float, float, float]]

    def data(self) -> dict[str, Any]:
        """Return the layout as plain data."""
        return {
            "width": self.width,
            "height": self.height,
            "boxes": {str(k): v for k, v in self.boxes.items()},
            "arrows": self.arrows,
            "clusters": {str(k): v for k, v in self.clusters.items()},
        }


def program() -> str:
    """Return the path of Graphviz.

    Raises:
        UserError: it is not installed.
    """
    wheel = Path(sys.executable).parent / "graphviz-pure"
    path = shutil.which("dot") or (str(wheel) if wheel.exists() else shutil.which("graphviz-pure"))
    if path is None:
        raise UserError(
            "no Graphviz to lay the graph out: install graphviz-pure with pip, or Graphviz "
            "('sudo apt install graphviz')"
        )
    return path


def run(text: str, form: str) -> bytes:
    """Convert a DOT text into json0, svg or png by Graphviz.

    Raises:
        UserError: Graphviz fails.
    """
    done = subprocess.run(
        [program(), f"-T{form}"], input=text.encode(), capture_output=True, check=False
    )
    if done.returncode or not done.stdout:
        reason = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise UserError(f"Graphviz failed: {reason or 'no output'}")
    return done.stdout


def quoted(text: str) -> str:
    r"""Return a text as a DOT string in which nothing is markup or an HTML entity.

    Example:
        >>> print(quoted('a "b"'), quoted("&lt;"))
        "a \"b\"" "&amp;lt;"
    """
    escaped = (
        text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ").replace("&", "&amp;")
    )
    return f'"{escaped}"'


def dot_text(drawing: Drawing, opened: Iterable[int] = (), *, styled: bool = True) -> str:
    """Return a drawing in DOT, with these loops open."""
    opened = set(opened)
    shown = list(visible(drawing, opened))
    ids = {box.id for box in shown}
    rows = [
        "digraph G {",
        '  graph [rankdir=TB, nodesep=0.15, ranksep=0.3, fontname="Helvetica"];',
        '  node [shape=box, style="filled,rounded", fixedsize=true, fontname="Helvetica", '
        "fontsize=11];",
        "  edge [arrowsize=0.6];",
    ]
    rows += _cluster(drawing, shown, None, opened, styled=styled)
    for source, target in drawing.arrows:
        if source in ids and target in ids and not _superfluous(source, target, opened, drawing):
            rows.append(f"  n{source} -> n{target};")
    return "\n".join([*rows, "}", ""])


def _superfluous(source: int, target: int, opened: set[int], drawing: Drawing) -> bool:
    """Return whether an arrow to an open loop is superfluous: its body's inputs have arrows."""
    if target not in opened:
        return False
    return drawing.boxes_by_id[source].inside != target


def _cluster(
    drawing: Drawing, shown: Sequence[Box], inside: int | None, opened: set[int], *, styled: bool
) -> list[str]:
    """Return the DOT lines of one scope: boxes, and open loops as clusters."""
    rows: list[str] = []
    for box in shown:
        if box.inside != inside:
            continue
        if box.id in opened:
            rows.append(f"  subgraph cluster_{box.id} {{")
            if styled:
                rows.append(f"    label={quoted(box.name)}; style=rounded; color=gray;")
            rows += _cluster(drawing, shown, box.id, opened, styled=styled)
            rows += [_node(box, styled=styled), "  }"]
        else:
            rows.append(_node(box, styled=styled))
    return rows


def _node(box: Box, *, styled: bool) -> str:
    """Return the DOT line of a box."""
    width, height = size_of(box)
    size = f"width={width / 72:.3f}, height={height / 72:.3f}"
    if not styled:
        return f'  n{box.id} [{size}, label=""];'
    # \n is a line break in DOT; the labels are quoted separately, so that it is the only one.
    label = r"\n".join(quoted(text)[1:-1] for text in labels(box))
    return f'  n{box.id} [{size}, fillcolor="{COLORS[box.kind]}", label="{label}"];'


def lay_out(drawing: Drawing, opened: Iterable[int] = ()) -> Layout:
    """Lay a drawing out with these loops open."""
    (layout,) = lay_out_all([dot_text(drawing, opened, styled=False)])
    return layout


def lay_out_all(texts: Sequence[str]) -> list[Layout]:
    """Lay out several graphs in one run of Graphviz."""
    if not texts:
        return []
    output = run("\n".join(texts), "json0").decode()
    decoder = json.JSONDecoder()
    layouts, at = [], 0
    while at < len(output):
        while at < len(output) and output[at].isspace():
            at += 1
        if at < len(output):
            graph, at = decoder.raw_decode(output, at)
            layouts.append(_layout(graph))
    return layouts


def _layout(graph: dict[str, Any]) -> Layout:
    """Build a layout from Graphviz's JSON, whose y axis points upward."""
    _, _, width, height = (float(n) for n in graph["bb"].split(","))
    boxes: dict[int, tuple[float, float, float, float]] = {}
    clusters: dict[int, tuple[float, float, float, float]] = {}
    ids: dict[int, int] = {}
    for item in graph.get("objects", []):
        name = item["name"]
        if name.startswith("cluster_"):
            left, low, right, high = (float(n) for n in item["bb"].split(","))
            frame = (left, height - high, right - left, high - low)
            clusters[int(name.removeprefix("cluster_"))] = frame
        elif "pos" in item:
            x, y = (float(n) for n in item["pos"].split(","))
            w, h = float(item["width"]) * 72, float(item["height"]) * 72
            key = int(name[1:])
            ids[item["_gvid"]] = key
            boxes[key] = (_round(x - w / 2), _round(height - y - h / 2), _round(w), _round(h))
    arrows = [
        (ids[edge["tail"]], ids[edge["head"]], _path(edge["pos"], height))
        for edge in graph.get("edges", [])
        if "pos" in edge
    ]
    return Layout(width, height, boxes, arrows, clusters)


def _round(value: float) -> float:
    return round(value, 1)


def _path(pos: str, height: float) -> str:
    """Convert a Graphviz spline into an SVG path that ends at the arrow's tip."""
    end, points = None, []
    for point_text in pos.split():
        if point_text.startswith("e,"):
            end = point_text[2:]
        elif not point_text.startswith("s,"):
            points.append(point_text)
    points += [end] if end else []
    coordinates = []
    for point in points:
        x, y = point.split(",")
        coordinates.append(f"{_round(float(x)):g},{_round(height - float(y)):g}")
    curve = " ".join(coordinates[1 : len(coordinates) - 1 if end else len(coordinates)])
    tip = f" L{coordinates[-1]}" if end else ""
    return f"M{coordinates[0]} C{curve}{tip}"
