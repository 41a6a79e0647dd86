"""How Ctrl-C ends a run between two steps."""

import signal
import threading
from types import FrameType
from typing import Any

from graphrnn import interrupts
from graphrnn.errors import UserError


class Interrupted(UserError):  # noqa: N818
    """Ctrl-C or SIGTERM; the command line exits with 130 or 143."""

    def __init__(self, number: signal.Signals, text: str) -> None:
        """Take how the work was ended, and then where it stands."""
        super().__init__(f"{interrupts.describe(number)} {text}")
        self.exit_code = interrupts.exit_code(number)


class Stop:
    """Turns Ctrl-C and SIGTERM into a flag, so that no step or save is torn.

    A second Ctrl-C ends at once. A second SIGTERM does not: launchers send it to a process and to
    its group, so that it comes twice, and whoever means it has SIGKILL.
    """

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "Stop":
        # Signals belong to the main thread; elsewhere (a notebook's worker) there is none to catch.
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
