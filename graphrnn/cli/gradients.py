"""`graphrnn gradients`: how a gradient fares on its way back in time, as tables and a picture."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from graphrnn import toolchain
from graphrnn.analysis.settings import GradientSettings
from graphrnn.errors import UserError, reason

from cyclopts import Parameter

if TYPE_CHECKING:
    from graphrnn.analysis.gradient_flow import Finding, Measured

    from rich.table import Table


def gradients(
    *cells: str,
    settings: Annotated[GradientSettings, Parameter(name="*")] = GradientSettings(),  # noqa: B008
) -> None:
    """Show how far back in time a loss is felt.

    It draws d loss / d h_t against the distance T - t.

    The loss is that of the last character of a sequence; T - t steps lie between it and the state
    h_t. Each cell is measured as it starts, and after the same steps of SGD without clipping and
    with it.

    Args:
        cells: What to measure: rnn_random, rnn_small, rnn_glorot, rnn_orthogonal, rnn_identity,
            gru, gru_open, lstm, lstm_open; all of them if none is named. They differ in how W_h, or
            the bias of the gate that keeps the state, begins.
        settings: What is measured, and on what.
    """
    _require_picture(settings.out)
    toolchain.start_aesara()
    from graphrnn.analysis.gradient_flow import explanation, measure, read, subjects_named
    from graphrnn.display.plots import gradient_norms
    from graphrnn.display.terminal import Display, console

    subjects = subjects_named(cells)
    text = read(settings)
    screen = console()
    with Display(screen) as display:
        findings = [
            measure(subject, text, settings, display.built, display.counted) for subject in subjects
        ]
    title = f"T = {settings.time}, H = {settings.hidden}, text: {text.corpus}"
    gradient_norms(_panels(findings, settings), settings.out, title)
    moments = f", at the start and after {settings.steps:,} clipped steps" if settings.steps else ""
    display.line(f"\nnorm of d loss / d h_t by distance T - t{moments}\n")
    screen.print(_norms_table(findings, settings))
    if settings.steps:
        display.line(
            f"\n{settings.steps:,} steps of SGD at a learning rate of {settings.learning_rate:g}: "
            "norm of the first gradient; how far the weights moved, and the loss;\nunclipped, and "
            f"clipped to a norm of {settings.clip:g}\n"
        )
        screen.print(_clipping_table(findings))
    display.line(f"\n{explanation(findings)}\n\npicture  {settings.out}")


def _require_picture(path: Path) -> None:
    """Refuse a picture that could not be written, before anything is measured.

    Raises:
        UserError: its name, or its folder.
    """
    if path.suffix.lower() != ".png":
        raise UserError(f"--out: got {str(path)!r}, needed a name that ends in .png; add it")
    try:
        if path.is_dir():
            raise UserError(f"--out: {str(path)!r} is a folder; name a file in it")
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except (OSError, ValueError) as error:
        why = reason(error) if isinstance(error, OSError) else str(error)
        raise UserError(f"--out: cannot write {str(path)!r}: {why}; name another file") from error


def _panels(
    findings: "Sequence[Finding]", settings: GradientSettings
) -> dict[str, dict[str, Sequence[float]]]:
    """Lay the norms out as the picture wants them."""
    panels: dict[str, dict[str, Sequence[float]]] = {
        "at the start": {f.cell: f.start.norms for f in findings}
    }
    if settings.steps:
        panels[f"after {settings.steps:,} clipped steps"] = {
            f.cell: f.clipped.measured.norms for f in findings if f.clipped
        }
    return panels


def _table(*headings: str) -> "Table":
    """Build a table of numbers, but for columns of words at its left."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for k, heading in enumerate(headings):
        table.add_column(
            heading, justify="right" if any(headings[: k + 1]) else "left", no_wrap=True
        )
    return table


def _norms_table(findings: "Sequence[Finding]", settings: GradientSettings) -> "Table":
    """Two rows a cell: the norms at its start and after the clipped steps."""
    from graphrnn.analysis.gradient_flow import SUBJECTS, fate

    last = settings.time - 1
    distances = sorted({round(last * k / 3) for k in range(4)})
    table = _table("", "", *map(str, distances), "a step", "")

    def row(name: str, moment: str, measured: "Measured") -> None:
        norms = (f"{measured.norms[k]:.1e}" for k in distances)
        table.add_row(name, moment, *norms, f"{measured.factor:.2f}", fate(measured))

    for finding in findings:
        row(finding.cell, "start", finding.start)
        if finding.clipped:
            row(f" {SUBJECTS[finding.cell].summary}", "after", finding.clipped.measured)
        else:
            table.add_row(f" {SUBJECTS[finding.cell].summary}")
    return table


def _clipping_table(findings: "Sequence[Finding]") -> "Table":
    """One row a cell: what the steps did to its weights and to its loss."""
    table = _table("", "norm", "moved", "(clipped)", "loss before", "after", "(clipped)")
    for finding in findings:
        if finding.unclipped and finding.clipped:
            table.add_row(
                finding.cell,
                f"{finding.start.gradient:.2g}",
                f"{finding.unclipped.moved:.2g}",
                f"{finding.clipped.moved:.2g}",
                f"{finding.start.loss:.2f}",
                f"{finding.unclipped.measured.loss:.2f}",
                f"{finding.clipped.measured.loss:.2f}",
            )
    return table
