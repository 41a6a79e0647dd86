"""`graphrnn plot`: the curves of runs over one another."""

from pathlib import Path

from graphrnn import toolchain


def plot(*runs: str, out: Path = Path("curves.png")) -> None:
    """Draw loss and accuracy of one run, or of several over one another.

    Args:
        runs: Folders of runs, names in runs/, or "latest"; without any, the latest.
        out: Picture to write.
    """
    toolchain.start_aesara()
    from graphrnn.display.plots import curves
    from graphrnn.display.terminal import Display, console
    from graphrnn.errors import UserError
    from graphrnn.runs.checkpoint import load_checkpoint
    from graphrnn.runs.folder import find_checkpoint

    if out.suffix.lower() != ".png":
        raise UserError(f"--out: got {str(out)!r}, needed a name that ends in .png; add it")
    headers = {}
    for run in runs or ("latest",):
        file = find_checkpoint(run)
        name = file.parent.name if file.parent.name not in headers else str(file.parent)
        headers[name] = load_checkpoint(file).header
    curves(headers, out)
    Display(console()).line(f"curves  {out}")
