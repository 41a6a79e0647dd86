"""A process that answers each line of JSON with another, within a time limit."""

import json
import os
import select
import signal
import subprocess
import time as clock
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

LOOK = 0.03
"""Seconds between two reads of a process's processor time, which Linux counts in hundredths."""
RESTLESS = 0.5
"""Seconds to wait for a process that never becomes idle."""


class Pipe:
    """The parent's end of such a process; its standard error goes to the file `errors`."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], errors: Path
    ) -> None:
        errors.parent.mkdir(parents=True, exist_ok=True)
        with errors.open("ab") as file:
            # A session of its own: Ctrl-C goes to the parent alone, and compilers end with it.
            self.process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                env=dict(environment),
                start_new_session=True,
            )

    def answer(self, request: Mapping[str, Any], seconds: float) -> dict[str, Any] | None:
        """Send a request and return the answer, or None if the process has ended.

        Raises:
            TimeoutError: it took longer, and was ended.
        """
        requests, answers = self.process.stdin, self.process.stdout
        assert requests is not None
        assert answers is not None
        with suppress(OSError):  # it has ended; an answer may still be in the other pipe
            requests.write(json.dumps(request).encode() + b"\n")
            requests.flush()
        if not select.select([answers], [], [], max(0.0, seconds))[0]:
            self.close()
            raise TimeoutError
        line = answers.readline()
        if not line:
            self.close()
            return None
        message: dict[str, Any] = json.loads(line)
        return message

    def rest(self) -> None:
        """Wait until its threads are idle.

        After a matrix product, threads of a BLAS spin for a tenth of a second, on processors that
        another process is then timed on: it would seem half as fast as it is.
        """
        last, until = -1, clock.monotonic() + RESTLESS
        while clock.monotonic() < until:
            used = self._used()
            if used is not None and used == last:
                return
            last = -1 if used is None else used
            clock.sleep(LOOK)

    def _used(self) -> int | None:
        """Return its processor time in hundredths of a second, or None where /proc has none."""
        with suppress(OSError, ValueError, IndexError):
            stat = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8")
            user, system = stat.rpartition(")")[2].split()[11:13]
            return int(user) + int(system)
        return None

    def close(self) -> None:
        """End the process, and those that it started."""
        if self.process.returncode is None:  # else its id may belong to another process by now
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()
        self.process.wait()
