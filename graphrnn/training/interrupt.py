"""Ctrl-C and SIGTERM, which end a run between two steps."""

import signal
import threading
from types import FrameType
from typing import Any

from graphrnn import interrupts
from graphrnn.errors import UserError


class Interrupted(UserError):  # noqa: N818
    """Ctrl-C or SIGTERM; the command line exits with 130 or 143."""

    def __init__(self, number: signal.Signals, text: str) -> None:
        """Build the message from the signal that ended the work, and the state of the work."""
        super().__init__(f"{interrupts.describe(number)} {text}")
        self.exit_code = interrupts.exit_code(number)


class Stop:
    """Turns Ctrl-C and SIGTERM into a flag, so that no step or save is interrupted midway.

    A second Ctrl-C ends the process at once. A second SIGTERM does not: launchers send it to a
    process and to its group, so that it arrives twice; SIGKILL serves to end it at once.
    """

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "Stop":
        # Only the main thread can handle signals; others (a notebook's worker) receive none.
        if threading.current_thread() is threading.main_thread():
            for number in interrupts.ENDING:
                if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def __bool__(self) -> bool:
        """Return whether the run is to stop."""
        return self.signal is not None

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal = self.signal or signal.Signals(number)
