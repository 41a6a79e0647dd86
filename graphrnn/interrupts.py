"""Signals that end a process: Ctrl-C, and SIGTERM, which schedulers and containers send.

It imports only what every Python has loaded already: an interrupt may come before the rest.
"""

import os
import signal
import sys
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM)


class Terminated(KeyboardInterrupt):
    """SIGTERM, as an exception that ends whatever Ctrl-C ends."""


def signal_of(error: KeyboardInterrupt) -> signal.Signals:
    """Return the signal that an interrupt stands for."""
    return signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT


def exit_code(number: signal.Signals) -> int:
    """Return the exit code that shells use for the end by a signal.

    Example:
        >>> exit_code(signal.SIGINT), exit_code(signal.SIGTERM)
        (130, 143)
    """
    return 128 + number


def describe(number: signal.Signals) -> str:
    """Describe briefly what ended the work.

    Example:
        >>> describe(signal.SIGINT), describe(signal.SIGTERM)
        ('interrupted', 'ended by SIGTERM')
    """
    return "interrupted" if number == signal.SIGINT else f"ended by {number.name}"


def guard_imports() -> None:
    """Set signal handlers that end the command with one line during imports.

    A KeyboardInterrupt would leave some import as a traceback, or be swallowed there; and nothing
    has started yet that would need cleaning up. Processes that only use the library keep their
    handlers.
    """
    if _is_command():
        for number in ENDING:
            _replace_default(number, _end_at_once)


def raise_interrupts() -> None:
    """Set signal handlers that raise KeyboardInterrupt, as Ctrl-C does by default."""
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
    """Set a handler in place of a default or one of ours; an ignored signal stays ignored."""
    mine = (signal.SIG_DFL, signal.default_int_handler, _end_at_once, _terminate)
    if signal.getsignal(number) in mine:
        signal.signal(number, handler)


def _end_at_once(number: int, frame: FrameType | None) -> None:
    """Print one line and end the process."""
    line = f"graphrnn: {describe(signal.Signals(number))}\n"
    try:
        os.write(2, line.encode())
    finally:
        os._exit(exit_code(signal.Signals(number)))


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated
