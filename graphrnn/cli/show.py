"""`graphrnn show`: what a run is and how it went."""

from graphrnn import toolchain


def show(run: str = "latest", /) -> None:
    """Print the summary of a run: its network, its settings, how it went.

    Args:
        run: Folder of the run, its name in runs/, or "latest".
    """
    toolchain.start_aesara()
    from graphrnn.display.terminal import Display, bits, console
    from graphrnn.run import Run
    from graphrnn.runs.checkpoint import load_checkpoint
    from graphrnn.runs.folder import find_run

    from rich.table import Table

    folder = find_run(run)
    folder.require_plain()
    screen = console()
    display = Display(screen)
    if not folder.last.exists():
        settings = folder.read_settings()
        state = "is being trained" if folder.training else "was stopped"
        display.line(
            f"{folder.path}: {settings.model} on {settings.corpus} {state}, and has saved no "
            "checkpoint yet"
        )
        return
    shown = Run.load(folder.last)
    display.line(f"{folder.path}\n\n{shown}\n")
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for heading in ("held-out after", "loss (nats)", "bits/char", "accuracy"):
        table.add_column(heading, justify="right", no_wrap=True)
    for point in shown.checkpoint.header.held_out:
        table.add_row(
            f"{point.sequences:,}",
            f"{point.loss:.3f}",
            f"{bits(point.loss):.3f}",
            f"{point.accuracy:.1%}",
        )
    if shown.checkpoint.header.held_out:
        screen.print(table)
        screen.print()
    for path in folder.checkpoints():
        header = load_checkpoint(path).header
        size = path.stat().st_size / 1e6
        display.line(f"{path}  after {header.sequences:,} sequences, {size:.1f} MB")
    display.line(f"{folder.log}  {len(folder.lines()):,} lines")
    if folder.training:
        display.line("\na process trains here just now")
    elif shown.checkpoint.header.sequences < shown.settings.sequences:
        display.line(f"\nto go on: graphrnn train --resume {folder.path}")
