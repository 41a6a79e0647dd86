"""Pictures of training and of gradients."""

import io
import logging
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from graphrnn.checkpoints import Header, write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def loss_curve(header: Header, path: Path) -> None:
    """Draw training and held-out loss against the number of sequences, as a PNG.

    Raises:
        UserError: the file cannot be written.
    """
    figure = _figure(7, 4)
    axes = figure.add_subplot()
    axes.plot(
        [point.sequences for point in header.train],
        [point.loss for point in header.train],
        color="0.6",
        linewidth=1,
        label="training, mean of each 1,000 sequences",
    )
    if header.held_out:
        axes.plot(
            [point.sequences for point in header.held_out],
            [point.loss for point in header.held_out],
            color="tab:blue",
            marker="o",
            markersize=4,
            label="held-out text",
        )
    axes.set_xlabel("sequences")
    axes.set_ylabel("loss (nats per character)")
    # The corpus is a file's name: dollars in it are no formula, and no font has every letter.
    axes.set_title(f"{header.settings.model} on {header.corpus}", parse_math=False)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    _write(figure, path)


def gradient_norms(
    panels: Mapping[str, Mapping[str, Sequence[float]]], path: Path, title: str
) -> None:
    """Draw norms against the distance in time, a panel a moment and a line a cell, as a PNG.

    `panels` holds, by the panel's title and the line's name, the norms at distance 0, 1, 2, …
    Lines differ by dash, marker and lightness, so that they can be told apart in grey too.

    Raises:
        UserError: the file cannot be written.
    """
    figure = _figure(5.2 * len(panels) + 1.6, 4.4)
    grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (moment, lines) in zip(grid, panels.items(), strict=True):
        for k, (name, norms) in enumerate(lines.items()):
            # Powers of ten may be too large to draw, or none at all (a norm of 0).
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
        axes.set_title(moment)
        axes.set_xlabel("distance T - t (steps back)")
        axes.grid(alpha=0.3)
    grid[0].set_ylabel("norm of d loss / d h_t")
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", frameon=False, handlelength=4)
    figure.suptitle(title, parse_math=False)
    _write(figure, path)


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
    """Make an empty picture, in inches."""
    # Its first import builds a cache of fonts and says so in a warning that means nothing here.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _write(figure: "Figure", path: Path) -> None:
    """Write it as a PNG.

    Raises:
        UserError: the file cannot be written.
    """
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(buffer, format="png", dpi=120)
    write_atomically(path, buffer.getvalue())
