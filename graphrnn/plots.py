"""Pictures of training."""

import io
import logging
import warnings
from pathlib import Path

from graphrnn.checkpoints import Header, write_atomically


def loss_curve(header: Header, path: Path) -> None:
    """Draw training and held-out loss against the number of sequences, as a PNG.

    Raises:
        UserError: the file cannot be written.
    """
    # Its first import builds a cache of fonts and says so in a warning that means nothing here.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
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
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(buffer, format="png", dpi=120)
    write_atomically(path, buffer.getvalue())
