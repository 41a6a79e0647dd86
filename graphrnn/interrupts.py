"""Signals that end a process: Ctrl-C, and SIGTERM, which schedulers and containers send.

Nothing is imported here but what every Python has loaded: an interrupt may come before the rest is.
"""

import os
import signal
import sys
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM)


class Terminated(KeyboardInterrupt):
    """SIGTERM: whatever Ctrl-C ends, this ends too."""


def signal_of(error: KeyboardInterrupt) -> signal.Signals:
    """Return the signal that an interrupt stands for."""
    return signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT


def exit_code(number: signal.Signals) -> int:
    """Return the exit code that shells have for the end by a signal.

    Example:
        >>> exit_code(signal.SIGINT), exit_code(signal.SIGTERM)
        (130, 143)
    """
    return 128 + number


def describe(number: signal.Signals) -> str:
    """Describe in a word or two what ended the work.

    Example:
        >>> describe(signal.SIGINT), describe(signal.SIGTERM)
        ('interrupted', 'ended by SIGTERM')
    """
    return "interrupted" if number == signal.SIGINT else f"ended by {number.name}"


def guard_imports() -> None:
    """Let a signal end the command with one line while it is still being imported.

    A KeyboardInterrupt would come out of some import as a traceback, or be swallowed there; and
    nothing has begun that would have to be cleared away. Processes that merely use the library are
    left alone.
    """
    if _is_command():
        for number in ENDING:
            _replace_default(number, _end_at_once)


def raise_interrupts() -> None:
    """Let signals raise KeyboardInterrupt, as Ctrl-C always does, from now on."""
    _replace_default(signal.SIGINT, signal.default_int_handler)
    _replace_default(signal.SIGTERM, _terminate)


def _is_command() -> bool:
    """Return whether this process is `graphrnn`, or `python -m graphrnn`."""
    program = sys.argv[0] if sys.argv else ""
    if program == "-m":  # so it stands while a package is imported to be run
        words = sys.orig_argv
        return "-m" in words[:-1] and words[words.index("-m") + 1] == "graphrnn"
    return os.path.basename(program) == "graphrnn"  # noqa: PTH119


def _replace_default(number: signal.Signals, handler: "signal._HANDLER") -> None:
    """Set a handler, unless the signal is ignored, as `nohup` and a shell's `&` have it."""
    mine = (signal.SIG_DFL, signal.default_int_handler, _end_at_once, _terminate)
    if signal.getsignal(number) in mine:
        signal.signal(number, handler)


def _end_at_once(number: int, frame: FrameType | None) -> None:
    """Say one line and end."""
    line = f"graphrnn: {describe(signal.Signals(number))}\n"
    try:
        os.write(2, line.encode())
    finally:
        os._exit(exit_code(signal.Signals(number)))


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated
