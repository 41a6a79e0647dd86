"""Lays a drawing out by Graphviz: `dot` on PATH, else the one that a wheel carries."""

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

COLOURS = {
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
    """Where boxes and arrows are, in points, y downward; `clusters` frame open loops."""

    width: float
    height: float
    boxes: dict[int, tuple[float, float, float, float]]
    arrows: list[tuple[int, int, str]]
    clusters: dict[int, tuple[float, float, float, float]]

    def data(self) -> dict[str, Any]:
        """Give it as plain data."""
        return {
            "width": self.width,
            "height": self.height,
            "boxes": {str(k): v for k, v in self.boxes.items()},
            "arrows": self.arrows,
            "clusters": {str(k): v for k, v in self.clusters.items()},
        }


def program() -> str:
    """Find Graphviz.

    Raises:
        UserError: there is none.
    """
    own = Path(sys.executable).parent / "graphviz-pure"
    found = shutil.which("dot") or (str(own) if own.exists() else shutil.which("graphviz-pure"))
    if found is None:
        raise UserError(
            "no Graphviz to lay the graph out: install graphviz-pure with pip, or Graphviz "
            "('sudo apt install graphviz')"
        )
    return found


def run(text: str, form: str) -> bytes:
    """Let Graphviz turn a DOT text into json0, svg or png.

    Raises:
        UserError: it refuses.
    """
    done = subprocess.run(
        [program(), f"-T{form}"], input=text.encode(), capture_output=True, check=False
    )
    if done.returncode or not done.stdout:
        reason = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise UserError(f"Graphviz failed: {reason or 'no output'}")
    return done.stdout


def quoted(text: str) -> str:
    r"""Write a text as a DOT string: nothing in it is markup, and no entity of HTML.

    Example:
        >>> print(quoted('a "b"'), quoted("&lt;"))
        "a \"b\"" "&amp;lt;"
    """
    told = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ").replace("&", "&amp;")
    return f'"{told}"'


def dot_text(drawing: Drawing, opened: Iterable[int] = (), *, styled: bool = True) -> str:
    """Write a drawing in DOT, with these loops open."""
    opened = set(opened)
    shown = list(visible(drawing, opened))
    there = {box.id for box in shown}
    rows = [
        "digraph G {",
        '  graph [rankdir=TB, nodesep=0.15, ranksep=0.3, fontname="Helvetica"];',
        '  node [shape=box, style="filled,rounded", fixedsize=true, fontname="Helvetica", '
        "fontsize=11];",
        "  edge [arrowsize=0.6];",
    ]
    rows += _cluster(drawing, shown, None, opened, styled=styled)
    for source, target in drawing.arrows:
        if source in there and target in there and not _around(source, target, opened, drawing):
            rows.append(f"  n{source} -> n{target};")
    return "\n".join([*rows, "}", ""])


def _around(source: int, target: int, opened: set[int], drawing: Drawing) -> bool:
    """Say whether an arrow to an open loop is superfluous: its body's inputs have their own."""
    if target not in opened:
        return False
    return drawing.boxes_by_id[source].inside != target


def _cluster(
    drawing: Drawing, shown: Sequence[Box], inside: int | None, opened: set[int], *, styled: bool
) -> list[str]:
    """Write the boxes of one scope, and the open loops in it as frames."""
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
    """Write a box."""
    width, height = size_of(box)
    size = f"width={width / 72:.3f}, height={height / 72:.3f}"
    if not styled:
        return f'  n{box.id} [{size}, label=""];'
    # \n is DOT's own line break; the texts are quoted apart, so that it is the only one.
    label = r"\n".join(quoted(text)[1:-1] for text in labels(box))
    return f'  n{box.id} [{size}, fillcolor="{COLOURS[box.kind]}", label="{label}"];'


def lay_out(drawing: Drawing, opened: Iterable[int] = ()) -> Layout:
    """Lay a drawing out with these loops open."""
    (told,) = lay_out_all([dot_text(drawing, opened, styled=False)])
    return told


def lay_out_all(texts: Sequence[str]) -> list[Layout]:
    """Lay several graphs out in one run of Graphviz."""
    if not texts:
        return []
    answer = run("\n".join(texts), "json0").decode()
    decoder = json.JSONDecoder()
    told, at = [], 0
    while at < len(answer):
        while at < len(answer) and answer[at].isspace():
            at += 1
        if at < len(answer):
            found, at = decoder.raw_decode(answer, at)
            told.append(_layout(found))
    return told


def _layout(found: dict[str, Any]) -> Layout:
    """Read Graphviz's answer; its y points upward, ours downward."""
    _, _, width, height = (float(n) for n in found["bb"].split(","))
    boxes: dict[int, tuple[float, float, float, float]] = {}
    clusters: dict[int, tuple[float, float, float, float]] = {}
    number: dict[int, int] = {}
    for one in found.get("objects", []):
        name = one["name"]
        if name.startswith("cluster_"):
            left, low, right, high = (float(n) for n in one["bb"].split(","))
            frame = (left, height - high, right - left, high - low)
            clusters[int(name.removeprefix("cluster_"))] = frame
        elif "pos" in one:
            x, y = (float(n) for n in one["pos"].split(","))
            w, h = float(one["width"]) * 72, float(one["height"]) * 72
            key = int(name[1:])
            number[one["_gvid"]] = key
            boxes[key] = (_round(x - w / 2), _round(height - y - h / 2), _round(w), _round(h))
    arrows = [
        (number[edge["tail"]], number[edge["head"]], _path(edge["pos"], height))
        for edge in found.get("edges", [])
        if "pos" in edge
    ]
    return Layout(width, height, boxes, arrows, clusters)


def _round(value: float) -> float:
    return round(value, 1)


def _path(pos: str, height: float) -> str:
    """Turn a spline of Graphviz into an SVG path that ends at the arrow's tip."""
    end, points = None, []
    for word in pos.split():
        if word.startswith("e,"):
            end = word[2:]
        elif not word.startswith("s,"):
            points.append(word)
    points += [end] if end else []
    told = []
    for point in points:
        x, y = point.split(",")
        told.append(f"{_round(float(x)):g},{_round(height - float(y)):g}")
    curve = " ".join(told[1 : len(told) - 1 if end else len(told)])
    tip = f" L{told[-1]}" if end else ""
    return f"M{told[0]} C{curve}{tip}"
