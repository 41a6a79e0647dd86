"""`graphrnn runs`: the runs of a folder as a table."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

from graphrnn import toolchain

if TYPE_CHECKING:
    from graphrnn.runs.folder import RunFolder


def runs(folder: Path = Path("runs"), /) -> None:
    """List the runs: what each is, how far it came, how well it did.

    Args:
        folder: Where the runs are.
    """
    toolchain.start_aesara()
    from graphrnn.display.terminal import console
    from graphrnn.errors import UserError
    from graphrnn.runs.folder import all_runs

    from rich.table import Table

    folders = all_runs(folder)
    if not folders:
        raise UserError(f"{str(folder)!r}: no runs there; train one first: graphrnn train")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("run", "network", "text", "sequences", "loss", "held-out", "state"):
        right = heading in ("sequences", "loss", "held-out")
        table.add_column(
            heading, justify="right" if right else "left", no_wrap=right, overflow="fold"
        )
    for run in sorted(folders, key=lambda run: run.path.stat().st_mtime):
        table.add_row(run.path.name, *_row(run))
    console().print(table)


def _row(run: "RunFolder") -> list[str]:
    """Describe what one run is, from its settings and its log."""
    from graphrnn.errors import UserError

    try:
        run.require_plain()
        settings, lines, training = run.read_settings(), run.lines(), run.training
    except UserError as error:
        return ["?", "", "", "", "", str(error)[:200]]
    done = max((line.get("sequences", 0) for line in lines), default=0)
    held_out = [_number(line["held_out_loss"]) for line in lines if "held_out_loss" in line]
    losses = [_number(line["loss"]) for line in lines if "loss" in line]
    state = (
        "training" if training
        else "done" if done >= settings.sequences
        else "stopped" if run.last.exists()
        else "nothing saved"
    )  # fmt: skip
    return [
        f"{settings.model}, {settings.hidden}",
        Path(settings.corpus).stem,
        f"{done:,} of {settings.sequences:,}",
        *(f"{value:.3f}" for value in losses[-1:] or [math.nan]),
        f"{min(held_out, default=math.nan):.3f}",
        state,
    ]


def _number(value: float | None) -> float:
    """Read a number that may have been none."""
    return math.nan if value is None else value
