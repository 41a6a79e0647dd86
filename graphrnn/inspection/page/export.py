"""Writes an inspection to a file, in the format of its ending."""

import json
from pathlib import Path

from graphrnn.errors import UserError
from graphrnn.inspection.page.boxes import draw, folded
from graphrnn.inspection.page.graphviz import dot_text, run
from graphrnn.inspection.page.html import FOLD_FROM, graph_for_file, page, page_data
from graphrnn.inspection.stages import Stages
from graphrnn.runs.checkpoint import write_atomically

FORMS = (".html", ".svg", ".png", ".dot", ".json")


def save(inspection: Stages, path: Path, stage: str = "rewritten") -> Path:
    """Write a page, a picture or data; an existing file is replaced atomically.

    Raises:
        UserError: an unknown ending, or the file cannot be written.
    """
    check_target(path)
    form = path.suffix.lower()
    write_atomically(path, _content(inspection, form, stage))
    return path


def check_target(path: Path) -> None:
    """Check that a file of this name can be written.

    Raises:
        UserError: an unknown ending, a folder, or no folder to hold it.
    """
    form = path.suffix.lower()
    if form not in FORMS:
        raise UserError(f"{path}: got the ending {form!r}, needed one of {', '.join(FORMS)}")
    if path.is_dir():
        raise UserError(f"{path}: cannot be written, it is a folder; give the name of a file")
    if not path.absolute().parent.is_dir():
        raise UserError(f"{path}: cannot be written, there is no folder {path.parent}")


def _content(inspection: Stages, form: str, stage: str) -> bytes:
    """Return the content of a file."""
    if form == ".html":
        return page(inspection).encode(errors="replace")
    if form == ".json":
        return json.dumps(page_data(inspection), indent=1).encode()
    graph = graph_for_file(inspection, stage)
    drawing = draw(graph, inspection.costs(None) if stage == "rewritten" else None)
    if len(drawing.boxes) > FOLD_FROM:
        drawing = folded(drawing)
    text = dot_text(drawing, drawing.loops)
    return text.encode(errors="replace") if form == ".dot" else run(text, form[1:])
