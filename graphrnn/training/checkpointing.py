"""When a run is saved, and which of its checkpoints are kept: the last, the best, and others."""

import sys
import time as clock
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from graphrnn.models import user_models
from graphrnn.runs.checkpoint import Checkpoint, save_checkpoint
from graphrnn.runs.folder import RunFolder
from graphrnn.settings.recipes import is_in_file
from graphrnn.training.count import Count

import numpy as np


def keep_best(folder: RunFolder, checkpoint: Checkpoint) -> None:
    """Save the last checkpoint as the best one too, if it is: a kill may have come between."""
    if checkpoint.best and checkpoint.best.sequences == checkpoint.header.sequences:
        save_checkpoint(folder.best, checkpoint)


def is_finite(checkpoint: Checkpoint) -> bool:
    """Return whether every weight is finite: an update may have made some NaN or infinite."""
    return all(bool(np.isfinite(value).all()) for value in checkpoint.weights.values())


def made_by(backend: str, model: str) -> dict[str, str]:
    """Return the versions of the libraries, and the backend that `auto` resolved to.

    The SHA-256 of the file is added for a network in a user's file.
    """
    libraries = {name: version(name) for name in ("graphrnn", "aesara", "numpy")}
    own = {user_models.DIGEST: user_models.loaded(model).digest} if is_in_file(model) else {}
    return {"backend": backend, "python": sys.version.split()[0], **libraries, **own}


@dataclass
class Checkpointing:
    """Saves the last checkpoint every so many seconds, and keeps one every so many sequences.

    Attributes:
        save_every: Seconds between two saves.
        keep_every: Sequences between two checkpoints that are kept; None keeps none.
        saved: Sequences of the last checkpoint; None where nothing was saved.
        due: The time from which on the run is to be saved, on the clock of `perf_counter`.
    """

    folder: RunFolder
    save_every: float
    keep_every: int | None = None
    saved: int | None = None
    due: float = 0.0

    def begin(self, now: float) -> None:
        """Restart the clock that decides on the next save."""
        self.due = now + self.save_every

    @property
    def is_due(self) -> bool:
        """Return whether the time between two saves has passed."""
        return clock.perf_counter() >= self.due

    def snapshots(self, count: Count, *, again: bool) -> list[Path]:
        """Return the path of a snapshot if one is due; with `again`, not if it exists already."""
        if not count.reached(self.keep_every):
            return []
        path = self.folder.snapshot(count.sequences)
        return [] if again and path.exists() else [path]

    def save(self, checkpoint: Checkpoint, *copies: Path) -> None:
        """Save the last checkpoint, and copies of it at other paths.

        Raises:
            UserError: the file cannot be written; the one from before is untouched.
        """
        save_checkpoint(self.folder.last, checkpoint, *copies)
        self.saved = checkpoint.header.sequences
        self.begin(clock.perf_counter())

    def describe(self) -> str:
        """Describe which network is kept, and where."""
        if self.saved is None:
            return "nothing had been saved yet"
        return f"the network after {self.saved:,} is kept in {str(self.folder.last)!r}"
