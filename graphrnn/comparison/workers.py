"""Starts workers, sends them requests, and stops those that take too long."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from graphrnn.comparison.pipes import Pipe
from graphrnn.comparison.worker import Task
from graphrnn.errors import UserError

import cloudpickle

ANSWER = 120.0
"""Seconds that any request but a build may take."""


class TooLongError(UserError):
    """A worker was stopped because it took too long."""


class Process(Pipe):
    """A worker, as its parent sees it."""

    def __init__(self, task: Task, folder: Path, cache: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, suffix=".task")
        os.write(handle, cloudpickle.dumps(task))
        os.close(handle)
        self.errors = Path(name).with_suffix(".err")
        environment = os.environ | {
            "XDG_CACHE_HOME": str(cache),
            "OMP_NUM_THREADS": str(task.threads),
            "MPLBACKEND": "agg",
        }
        command = [sys.executable, "-m", "graphrnn.comparison.worker", name]
        super().__init__(command, environment, self.errors)

    def ask(self, do: str, *, within: float = ANSWER, **request: Any) -> dict[str, Any]:
        """Send a request and return its answer.

        Raises:
            TooLongError: it took longer than `within` seconds, and was stopped.
            UserError: it failed, or the process has ended.
        """
        try:
            message = self.answer({"do": do, **request}, within)
        except TimeoutError:
            raise TooLongError(f"stopped after {within:g} seconds") from None
        if message is None:
            raise UserError(self._last_line())
        if "problem" in message:
            raise UserError(message["problem"])
        return message

    def _last_line(self) -> str:
        """Return the last line of a worker's standard error, or its exit status."""
        lines = self.errors.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"its process ended with {self.process.returncode}"
