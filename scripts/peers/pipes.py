"""The other end of a worker's pipe: starts it, asks it, waits no longer than it may take."""

import json
import os
import select
import signal
import subprocess
import time as clock
from contextlib import suppress
from pathlib import Path
from typing import Any

from scripts.peers.contenders import ENVIRONMENTS, Contender


class PeerError(Exception):
    """A peer could not do what it was told; its text is one line."""


class Process:
    """A contender's worker. `started` is the moment at which its process began."""

    def __init__(self, contender: Contender, threads: int, log: Path, cache: Path | None = None):
        python = ENVIRONMENTS[contender.environment]
        if not python.exists():
            raise PeerError(f"no {python}: run make bench")
        words = [str(python), "-m", "scripts.peers.worker"]
        log.parent.mkdir(parents=True, exist_ok=True)
        self.contender = contender
        self.started = clock.perf_counter()
        with log.open("ab") as errors:
            # A session of its own: Ctrl-C is for us, and its compilers end with it.
            self.process = subprocess.Popen(
                [*words, contender.module, contender.variant, str(threads)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=contender.environ(threads, cache),
                start_new_session=True,
            )

    def ask(self, do: str, seconds: float = 60.0, **order: Any) -> dict[str, Any]:
        """Give an order and wait for its answer.

        Raises:
            PeerError: it said what went wrong, ended, or took too long; then it is ended.
        """
        pipe, answers = self.process.stdin, self.process.stdout
        assert pipe is not None
        assert answers is not None
        try:
            pipe.write((json.dumps({"do": do} | order) + "\n").encode())
            pipe.flush()
        except OSError:
            pass  # it has ended; its last words may still be in the other pipe
        if not select.select([answers], [], [], max(0.0, seconds))[0]:
            self.close()
            raise PeerError(f"over the budget of {seconds:.0f} s")
        line = answers.readline()
        if not line:
            self.close()
            raise PeerError(f"ended with {self.process.returncode}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise PeerError(answer["error"])
        return answer

    def close(self) -> None:
        """End it and what it started."""
        if self.process.returncode is None:  # else its number may by now be another's
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()
        self.process.wait()
