"""The log of a run as event files too, which TensorBoard reads; where tensorboardX is installed."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

FOLDER = "events"


class Events:
    """Writes the numbers of a run's log into RUN/events, or nothing where the library is missing.

    `pip install graphrnn[tensorboard]` brings it; TensorBoard itself reads the files with
    `tensorboard --logdir runs`.
    """

    def __init__(self, folder: Path, *, after: int) -> None:
        """Begin a file; what earlier files have from step `after` on is hidden by it."""
        self._writer: Any = None
        if find_spec("tensorboardX"):
            from tensorboardX import SummaryWriter

            self._writer = SummaryWriter(str(folder / FOLDER), purge_step=after, flush_secs=5)

    def write(self, line: dict[str, Any]) -> None:
        """Write the numbers of a line of the log at its step."""
        if self._writer is None:
            return
        for name, value in line.items():
            if name not in ("step", "sequences") and value is not None:
                self._writer.add_scalar(name, value, line["step"])

    def close(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            self._writer.close()
