"""A process that answers each line of JSON with one, asked with a limit of time."""

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
"""Seconds between two looks at how long a process has used a processor; Linux counts hundredths."""
RESTLESS = 0.5
"""Seconds after which a process that never rests is left as it is."""


class Pipe:
    """The other end of such a process; what it prints besides goes to `errors`."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], errors: Path) -> None:
        errors.parent.mkdir(parents=True, exist_ok=True)
        with errors.open("ab") as file:
            # A session of its own: Ctrl-C is for who asks, and its compilers end with it.
            self.process = subprocess.Popen(
                list(words),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                env=dict(environment),
                start_new_session=True,
            )

    def answer(self, request: Mapping[str, Any], seconds: float) -> dict[str, Any] | None:
        """Ask, and give the answer; None where the process has ended.

        Raises:
            TimeoutError: it took longer, and was ended.
        """
        asked, answers = self.process.stdin, self.process.stdout
        assert asked is not None
        assert answers is not None
        with suppress(OSError):  # it has ended; its last words may still be in the other pipe
            asked.write(json.dumps(request).encode() + b"\n")
            asked.flush()
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
        """Wait until its threads do nothing.

        After a product those of a BLAS look out for the next, a tenth of a second long, on
        processors that another process is then timed on: it would seem half as fast as it is.
        """
        last, until = -1, clock.monotonic() + RESTLESS
        while clock.monotonic() < until:
            used = self._used()
            if used is not None and used == last:
                return
            last = -1 if used is None else used
            clock.sleep(LOOK)

    def _used(self) -> int | None:
        """Give the hundredths of a second that it has used processors, where Linux tells."""
        with suppress(OSError, ValueError, IndexError):
            stat = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8")
            user, system = stat.rpartition(")")[2].split()[11:13]
            return int(user) + int(system)
        return None

    def close(self) -> None:
        """End it, and what it started."""
        if self.process.returncode is None:  # else its number may by now be another's
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()
        self.process.wait()
