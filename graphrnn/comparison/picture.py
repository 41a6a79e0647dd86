"""Draws a comparison: build, step, memory and break-even against T."""

import io
import logging
from collections.abc import Callable, Sequence
from typing import Any

from graphrnn.comparison.conclusions import baseline, break_even
from graphrnn.comparison.forms import Cell, Comparison

# Readable in grey: each form has its own dash and marker in addition to its colour.
_LINES = (
    ("#000000", "-", "o"),
    ("#c44601", "--", "s"),
    ("#3e92cc", "-.", "^"),
    ("#7a7a7a", ":", "D"),
    ("#f0a202", "-", "v"),
    ("#1b6b3a", "--", "P"),
    ("#054a91", "-.", "X"),
    ("#8ac6f2", ":", "<"),
    ("#9b2c77", "-", "*"),
    ("#c9a0dc", "--", ">"),
    ("#6b4f2a", "-.", "d"),
    ("#58b09c", ":", "p"),
)


def draw(comparison: Comparison) -> bytes:
    """Draw the picture as a PNG: four panels, both axes logarithmic."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 7.6), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(2, 2).flat

    def repaid(cell: Cell) -> float | None:
        first = baseline(comparison, cell)
        steps = break_even(first, cell) if first is not None and first is not cell else None
        return abs(steps) if steps and steps != float("inf") else None

    panels: Sequence[tuple[str, str, Callable[[Cell], float | None]]] = (
        ("build with an empty cache", "seconds", lambda c: c.build.seconds if c.build else None),
        ("training step", "milliseconds",
         lambda c: 1e3 * c.training.median if c.training else None),
        ("peak memory of the process", "MB",
         lambda c: c.peak_bytes / 1e6 if c.peak_bytes else None),
        ("draws level with the first form of its backend after", "training steps", repaid),
    )  # fmt: skip
    for axes, (title, unit, value) in zip(grid, panels, strict=True):
        _panel(axes, comparison, value)
        axes.set_title(title, fontsize=11)
        axes.set_ylabel(unit)
    handles, labels = next(iter(figure.axes)).get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    figure.suptitle(comparison.title, parse_math=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def plain_ticks(axis: Any) -> None:
    """Label a logarithmic axis with 1, 2, 5, 10, …: short ranges contain no power of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _panel(axes: Any, comparison: Comparison, value: Callable[[Cell], float | None]) -> None:
    """Draw one line per form."""
    times, shown = comparison.times(), False
    for k, form in enumerate(comparison.forms()):
        cells = [comparison.cell(form, time) for time in times]
        pairs = [(c.time, v) for c in cells if c is not None and (v := value(c)) is not None]
        colour, dash, marker = _LINES[k % len(_LINES)]
        shown = shown or bool(pairs)
        axes.plot(
            [t for t, _ in pairs],
            [v for _, v in pairs],
            color=colour,
            linestyle=dash,
            marker=marker,
            markersize=5,
            label=str(form),
        )
    axes.set_xscale("log", base=2)
    axes.set_xticks(times, [str(t) for t in times])
    axes.set_xlim(min(times) / 1.2, max(times) * 1.2)
    axes.set_xlabel("T (steps of the loop)")
    if shown:
        axes.set_yscale("log")
        plain_ticks(axes.yaxis)
    else:
        axes.set_yticks([])
        axes.text(0.5, 0.5, "never, for any form", ha="center", transform=axes.transAxes)
    axes.grid(alpha=0.3)
