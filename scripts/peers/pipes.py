"""The other end of a worker's pipe: starts it, asks it, waits no longer than it may take."""

import atexit
import functools
import shutil
import tempfile
import time as clock
from pathlib import Path
from typing import Any

from graphrnn.comparison.pipes import Pipe
from scripts.peers.contenders import ENVIRONMENTS, Contender


@functools.cache
def without_spaces(python: Path) -> Path:
    """Return a path without a space to an environment's Python: a link, where its own has one.

    `torch.compile` hands g++ the folders of its headers unquoted.
    """
    environment = python.parent.parent
    if " " not in str(environment):
        return python
    folder = Path(tempfile.mkdtemp(prefix="graphrnn-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    link = folder / environment.name
    link.symlink_to(environment, target_is_directory=True)
    return link / python.relative_to(environment)


class PeerError(Exception):
    """A peer could not do what it was told; its text is one line."""


class Process(Pipe):
    """A contender's worker. `started` is the moment at which its process began."""

    def __init__(self, contender: Contender, threads: int, log: Path, cache: Path | None = None):
        python = ENVIRONMENTS[contender.environment]
        if not python.exists():
            raise PeerError(f"no {python}: run make bench")
        words = [str(without_spaces(python.absolute())), "-m", "scripts.peers.worker"]
        words += [contender.module, contender.variant, str(threads)]
        self.contender = contender
        self.started = clock.perf_counter()
        super().__init__(words, contender.environ(threads, cache), log)

    def ask(self, do: str, seconds: float = 60.0, **order: Any) -> dict[str, Any]:
        """Return an order and wait for its answer.

        Raises:
            PeerError: it said what went wrong, ended, or took too long; then it is ended.
        """
        try:
            answer = self.answer({"do": do} | order, seconds)
        except TimeoutError:
            raise PeerError(f"over the budget of {seconds:.0f} s") from None
        if answer is None:
            raise PeerError(f"ended with {self.process.returncode}")
        if "error" in answer:
            raise PeerError(answer["error"])
        return answer
