"""Plots of training curves and of gradient norms."""

import io
import logging
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from graphrnn.runs.checkpoint import Header, write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def curves(headers: Mapping[str, Header], path: Path) -> None:
    """Write the plot of `curves_png` to a file.

    Raises:
        UserError: the file cannot be written.
    """
    write_atomically(path, curves_png(headers))


def curves_png(headers: Mapping[str, Header]) -> bytes:
    """Draw loss and accuracy against the number of sequences, for one run or several, as a PNG.

    Training is a thin line, validation a thick one with markers. Runs differ by colour, marker and
    dash.
    """
    figure = _figure(9, 4)
    panels = figure.subplots(1, 2)
    for k, (name, header) in enumerate(headers.items()):
        colour, dash, marker = _LINES[k % len(_LINES)] if len(headers) > 1 else _ALONE
        prefix = f"{name}, " if len(headers) > 1 else ""
        every = header.settings.log_every
        for axes, what in zip(panels, ("loss", "accuracy"), strict=True):
            axes.plot(
                [point.sequences for point in header.train],
                [getattr(point, what) for point in header.train],
                color="0.6" if len(headers) == 1 else colour,
                linestyle=dash,
                linewidth=0.8,
                label=f"{prefix}training, mean of each {every:,} sequences",
            )
            if header.held_out:
                axes.plot(
                    [point.sequences for point in header.held_out],
                    [getattr(point, what) for point in header.held_out],
                    color=colour,
                    linestyle=dash,
                    marker=marker,
                    markersize=4,
                    label=f"{prefix}held-out text",
                )
    for axes, label in zip(panels, ("loss (nats per character)", "accuracy"), strict=True):
        axes.set_xlabel("sequences")
        axes.set_ylabel(label)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.tick_params(axis="x", labelrotation=20)
        axes.grid(alpha=0.3)
    panels[1].yaxis.set_major_formatter("{x:.0%}")
    handles, labels = panels[0].get_legend_handles_labels()
    # Runs are named after folders, corpora after files: dollars in them do not start a formula.
    legend = figure.legend(handles, labels, loc="outside lower center", frameon=False, ncols=2)
    for text in legend.get_texts():
        text.set_parse_math(False)
    title = "; ".join(dict.fromkeys(f"{h.settings.model} on {h.corpus}" for h in headers.values()))
    figure.suptitle(title, parse_math=False)
    return _png(figure)


def gradient_norms(
    panels: Mapping[str, Mapping[str, Sequence[float]]], path: Path, title: str
) -> None:
    """Draw norms against the distance in time as a PNG, one panel per title, one line per cell.

    `panels` holds, by the panel's title and the line's name, the norms at distance 0, 1, 2, …
    Lines differ by dash, marker and lightness, so that they are distinct in grey too.

    Raises:
        UserError: the file cannot be written.
    """
    figure = _figure(5.2 * len(panels) + 1.6, 4.4)
    grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (panel_title, lines) in zip(grid, panels.items(), strict=True):
        for k, (name, norms) in enumerate(lines.items()):
            # A logarithmic axis can show neither huge norms nor a norm of 0.
            shown = [n if 1e-300 < n < 1e300 else float("nan") for n in norms]
            colour, dash, marker = _LINES[k % len(_LINES)]
            axes.plot(
                shown,
                color=colour,
                linestyle=dash,
                marker=marker,
                markevery=max(1, len(norms) // 8),
                markersize=5,
                linewidth=1.6,
                label=name,
            )
        axes.set_yscale("log")
        axes.set_title(panel_title)
        axes.set_xlabel("distance T - t (steps back)")
        axes.grid(alpha=0.3)
    grid[0].set_ylabel("norm of d loss / d h_t")
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", frameon=False, handlelength=4)
    figure.suptitle(title, parse_math=False)
    write_atomically(path, _png(figure))


def lines_png(x: Sequence[float], y: Sequence[float], x_label: str, y_label: str) -> bytes:
    """Draw one line as a PNG."""
    figure = _figure(6, 4)
    axes = figure.subplots()
    colour, dash, _ = _ALONE
    axes.plot(x, y, color=colour, linestyle=dash, linewidth=1.2)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.grid(alpha=0.3)
    return _png(figure)


_ALONE = ("tab:blue", "-", "o")
_LINES = (
    ("#000000", "-", "o"),
    ("#7a7a7a", "--", "s"),
    ("#c44601", "-.", "^"),
    ("#f0a202", "-", "D"),
    ("#054a91", ":", "v"),
    ("#3e92cc", "--", "P"),
    ("#8ac6f2", "-", "X"),
    ("#1b6b3a", "-.", "<"),
    ("#69b578", ":", ">"),
)


def _figure(width: float, height: float) -> "Figure":
    """Create an empty figure of a size in inches."""
    # The first import builds a font cache and warns of that, which is of no use here.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _png(figure: "Figure") -> bytes:
    """Render a figure as a PNG."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(buffer, format="png", dpi=120)
    return buffer.getvalue()
