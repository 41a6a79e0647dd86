"""Starts workers, asks them, and stops those that take too long."""

import json
import os
import selectors
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from graphrnn.comparison.worker import Task
from graphrnn.errors import UserError

import cloudpickle

ANSWER = 120.0
"""Seconds that anything but a build may take."""


class TooLongError(UserError):
    """A worker was stopped because it took too long."""


class Process:
    """A worker, from outside."""

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
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "graphrnn.comparison.worker", name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment,
                # Ctrl-C is for the one that asks: it stops its workers itself.
                start_new_session=True,
            )

    def ask(self, do: str, *, within: float = ANSWER, **request: Any) -> dict[str, Any]:
        """Ask for something and wait for the answer.

        Raises:
            TooLongError: it took longer than `within` seconds, and was stopped.
            UserError: it could not be done.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps({"do": do, **request}).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise UserError(self._last_words()) from None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(within):
                self.stop()
                raise TooLongError(f"stopped after {within:g} seconds")
        line = self.process.stdout.readline()
        if not line:
            raise UserError(self._last_words())
        found: dict[str, Any] = json.loads(line)
        if "problem" in found:
            raise UserError(found["problem"])
        return found

    def _last_words(self) -> str:
        """Say what a worker that has ended said last."""
        self.process.wait()
        lines = self.errors.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"its process ended with {self.process.returncode}"

    def stop(self) -> None:
        """End it, and what it started."""
        if self.process.poll() is None:
            try:
                os.killpg(self.process.pid, 9)
            except ProcessLookupError:
                self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
