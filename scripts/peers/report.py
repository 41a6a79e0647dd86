"""Draws what the benchmark has found, and writes it all."""

import io
import math
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from graphrnn.comparison.picture import plain_ticks
from graphrnn.runs.checkpoint import write_atomically
from scripts.peers import tables
from scripts.peers.contenders import OURS
from scripts.peers.tables import OWN, Results, limit_of, median_of
from scripts.peers.verdicts import equal_work, verdict
from scripts.peers.work import Work


def write(results: Results, out: Path) -> None:
    """Write Markdown and the pictures of which there is something to draw."""
    parts = [verdict(results), equal_work(results)]
    for section in tables.sections_of(results):
        parts += [f"## {section.title}", tables.markdown(section), section.note]
    text = "\n\n".join(part for part in parts if part)
    write_atomically(out / "results.md", f"# Benchmark\n\n{text}\n".encode())
    for name, draw in (("steps.png", draw_steps), ("growth.png", draw_growth)):
        picture = draw(results)
        if picture is not None:
            write_atomically(out / name, picture)


COLUMNS = 3
MARKERS = {OURS: "o-", "PyTorch": "s--", "JAX": "^:"}
"""Lines of growth, each of which can be told from the others in grey."""


def _figure(panels: int, width: float, height: float) -> tuple[list[Any], Callable[[], bytes]]:
    """Build an empty figure of panels of this size in inches; returns them, and what saves it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns, rows = min(panels, COLUMNS), math.ceil(panels / COLUMNS)
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for unused in axes[panels:]:
        unused.remove()

    def saved() -> bytes:
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=110)
        return buffer.getvalue()

    return axes[:panels], saved


def draw_steps(results: Results) -> bytes | None:
    """Draw each workload's steps as bars, shortest on top, the limit as a line."""
    rows = [row for row in results.get("works", []) if median_of(row["cells"], OURS)]
    if not rows:
        return None
    all_axes, saved = _figure(len(rows), 3.8, 3.2)
    for row, axes in zip(rows, all_axes, strict=True):
        timed = [(c["median"], name) for name, c in row["cells"].items() if "median" in c]
        timed.sort(reverse=True)
        colours = ["tab:blue" if name in OWN else "tab:gray" for _, name in timed]
        axes.barh([name for _, name in timed], [took for took, _ in timed], color=colours)
        limit = limit_of(results, Work(**row["work"]))
        if limit:
            axes.axvline(limit[0], color="tab:red", linewidth=1)
        axes.set_title(textwrap.fill(row["name"], 36), fontsize=8)
        axes.tick_params(labelsize=7)
        axes.set_xlabel("ms (red: the limit)", fontsize=8)
    return saved()


def draw_growth(results: Results) -> bytes | None:
    """Draw the time of a step against T, H and B."""
    points = results.get("growth", [])
    shown = list(dict.fromkeys(point["axis"] for point in points))
    if not shown:
        return None
    all_axes, saved = _figure(len(shown), 3.6, 3.2)
    keys = {"T": "time", "H": "hidden", "B": "batch"}
    for axis, axes in zip(shown, all_axes, strict=True):
        for name, line in MARKERS.items():
            pairs = [
                (p["work"][keys[axis]], median_of(p["cells"], name))
                for p in points if p["axis"] == axis and median_of(p["cells"], name)
            ]  # fmt: skip
            axes.plot([x for x, _ in pairs], [y for _, y in pairs], line, label=name, markersize=4)
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set_yscale("log")
        plain_ticks(axes.yaxis)
        axes.set_xlabel(axis)
        axes.set_ylabel("ms")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    return saved()
